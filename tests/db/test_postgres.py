"""What a connection to PostgreSQL relies on, whatever the server's defaults are."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest

from footfall.db import scans as scanning
from footfall.db.postgres import connection as postgres_connection
from footfall.db.postgres.database import READ_CONNECTIONS, SCAN_CONNECTIONS, PostgresDatabase
from footfall.db.postgres.session import PostgresSession
from footfall.db.protocol import Row, Transaction, WriteHandler
from footfall.db.statements import make_statement
from footfall.errors import DatabaseError, FootfallError, Unavailable
from footfall.storage import migrate_database
from tests.support.engines import Place
from tests.support.servers import PATIENCE

R = TypeVar("R")


@pytest.fixture
def odd(empty: Place) -> Place:
    """A database whose defaults are not PostgreSQL's."""
    name = empty.database_url.rpartition("/")[2]
    with psycopg.connect(empty.database_url, autocommit=True) as connection:
        connection.execute(
            f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'".encode()
        )
    migrate_database(empty.settings)
    return empty


def test_a_writer_sees_what_others_wrote_until_it_got_its_locks(odd: Place) -> None:
    count = make_statement("count", "", "SELECT count(*) AS many FROM setting", "many int")
    put = make_statement("put", "name text", "INSERT INTO setting VALUES (:name, 0)")
    session = PostgresSession(odd.database_url)
    tx = session.begin()
    tx.lock([(b"a",)])
    before = tx.one(count)
    odd.transact(lambda other: other.execute(put, ("new",)))
    assert before is not None
    after = tx.one(count)
    assert after is not None
    assert after.many == before.many + 1
    session.rollback()
    session.close()


def test_a_session_goes_on_after_statements_that_failed_in_front_of_new_ones(empty: Place) -> None:
    """What was sent behind a statement that failed was never prepared, though psycopg takes it for that."""
    migrate_database(empty.settings)
    put = make_statement("put", "name text", "INSERT INTO setting VALUES (:name, 0)")
    get = make_statement("get", "name text", "SELECT value FROM setting WHERE name = :name", "value int")
    session = PostgresSession(empty.database_url)
    for round_number in range(4):
        tx = session.begin()
        tx.execute_many(put, [("twice",), ("twice",)])
        with pytest.raises(psycopg.errors.UniqueViolation):
            tx.get_many(get, [("twice",)])
        session.rollback()
        tx = session.begin()
        assert tx.get_many(get, [("twice",), (f"round {round_number - 1}",)])[0] is None
        tx.execute_many(put, [(f"round {round_number}",)])
        session.commit()
    tx = session.begin()
    found = tx.get_many(get, [(f"round {number}",) for number in range(5)])
    assert [row and row.value for row in found] == [*[0] * 4, None]
    session.rollback()
    session.close()


def test_the_server_ends_a_transaction_whose_process_says_nothing_any_more(empty: Place) -> None:
    show = make_statement(
        "show", "", "SELECT current_setting('idle_in_transaction_session_timeout') AS text", "text text"
    )
    migrate_database(empty.settings)
    assert empty.transact(lambda tx: tx.one(show)) == show.row("30s")


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("postgresql://u:s3cret@127.0.0.1:9/x", "Connection refused"),
        ("postgresql://u:s3%40cret@127.0.0.1:9/x", "Connection refused"),
        ("postgresql://u:s3%zzcret@127.0.0.1:9/x", "cannot be read"),
        ("postgresql://u:s3@cret@127.0.0.1:9/x", "OperationalError"),
        ("postgresql://u:s3cret@127.0.0.1:9/x?nonsense=1", "cannot be read"),
    ],
)
def test_a_connection_that_fails_says_why_but_not_the_password(url: str, word: str) -> None:
    with pytest.raises(FootfallError) as caught:
        postgres_connection.connect(url)
    assert word in str(caught.value)
    assert "cret" not in str(caught.value)


def test_a_connection_goes_through_a_socket_file_too(tmp_path: Path) -> None:
    url = f"postgresql://footfall:s3cret@/x?host={tmp_path}"
    with pytest.raises(FootfallError, match="No such file"):
        postgres_connection.connect(url)


Submit = Callable[..., Coroutine[Any, Any, None]]


def written(
    place: Place, work: Callable[[Submit, asyncio.TaskGroup, list[str]], Coroutine[Any, Any, None]]
) -> list[str]:
    """The names that calls wrote, in the order of their answers; what is about visitor 0 waits for another process until `work` is done."""
    migrate_database(place.settings)
    put = make_statement("put", "name text", "INSERT INTO setting VALUES (:name, 0)")

    def keep(tx: Transaction, calls: list[tuple[bytes, str]]) -> list[str]:
        tx.execute_many(put, [(name,) for _, name in calls])
        return [name for _, name in calls]

    handler = WriteHandler(
        1,
        keep,
        locks=lambda calls: [(visitor_id,) for visitor_id, _ in calls],
        about=lambda call: call[0],
    )
    order: list[str] = []

    async def write() -> None:
        database = PostgresDatabase(place.database_url, 100)
        await database.open()

        async def submit(visitor_id: bytes, name: str, bulk: int | None = None) -> None:
            order.append(await database.write(handler, (visitor_id, name), bulk=bulk))

        try:
            async with asyncio.TaskGroup() as group:
                try:
                    await work(submit, group, order)
                finally:
                    holder.rollback()
        finally:
            await database.close()

    holder = PostgresSession(place.database_url)
    tx = holder.begin()
    tx.lock([(b"\0",)])
    assert tx.one(make_statement("wait", "", "SELECT 1 AS one", "one int"))  # by then the lock is taken
    asyncio.run(write())
    holder.close()
    return order


def test_calls_about_one_visitor_are_written_in_order_and_all_others_beside_them(empty: Place) -> None:
    async def work(submit: Submit, group: asyncio.TaskGroup, order: list[str]) -> None:
        for name in ("one", "two", "three"):
            group.create_task(submit(b"\0", name))
            await asyncio.sleep(0)
        await submit(b"\1", "beside them")
        await submit(b"\1", "in bulk", bulk=0)

    assert written(empty, work) == ["beside them", "in bulk", "one", "two", "three"]


def test_two_batches_are_written_side_by_side_and_each_in_its_order(empty: Place) -> None:
    async def work(submit: Submit, group: asyncio.TaskGroup, order: list[str]) -> None:
        group.create_task(submit(b"\0", "first", bulk=0))
        await asyncio.sleep(0)
        group.create_task(submit(b"\1", "behind it", bulk=0))
        await asyncio.sleep(0)
        await submit(b"\1", "of the second", bulk=1)

    assert written(empty, work) == ["of the second", "first", "behind it"]


def test_batches_are_written_one_at_a_time_while_live_calls_come(empty: Place) -> None:
    async def work(submit: Submit, group: asyncio.TaskGroup, order: list[str]) -> None:
        await submit(b"\1", "live")
        group.create_task(submit(b"\0", "first", bulk=0))
        await asyncio.sleep(0)
        group.create_task(submit(b"\2", "second", bulk=1))
        for number in range(5):
            await submit(b"\1", f"live {number}")
        assert "second" not in order

    assert written(empty, work)[6:] == ["first", "second"]


def reading(place: Place, work: Callable[[PostgresDatabase], Coroutine[Any, Any, R]]) -> R:
    """What `work` gives on a server's connections to an empty database."""
    migrate_database(place.settings)

    async def run() -> R:
        database = PostgresDatabase(place.database_url, 100)
        await database.open()
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


def asked(text: str) -> Callable[[Transaction, object], Row | None]:
    """A read of one statement."""
    statement = make_statement("asked", "", text, "answer text?")
    return lambda tx, _: tx.one(statement)


def test_scans_that_take_long_keep_no_read_waiting(empty: Place) -> None:
    many = READ_CONNECTIONS + SCAN_CONNECTIONS

    async def work(database: PostgresDatabase) -> Row | None:
        with postgres_connection.connect(empty.database_url) as holder:
            holder.execute("SELECT pg_advisory_lock(1)")
            waits = asked("SELECT pg_advisory_xact_lock_shared(1) AS answer")
            scans = [asyncio.create_task(database.scan(waits, None)) for _ in range(many)]
            await asyncio.sleep(0)  # all of them are queued
            async with asyncio.timeout(PATIENCE):
                found = await database.read(asked("SELECT 1 AS answer"), None)
            assert not any(scan.done() for scan in scans)
        await asyncio.gather(*scans)
        return found

    found = reading(empty, work)
    assert found is not None
    assert found.answer == 1


def test_a_scan_that_takes_too_long_is_given_up_and_its_caller_told(
    empty: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "SCAN_SECONDS", 0.1)

    async def work(database: PostgresDatabase) -> Row | None:
        with pytest.raises(Unavailable, match="takes too long"):
            await database.scan(asked("SELECT pg_sleep(60)"), None)
        return await database.scan(asked("SELECT 1 AS answer"), None)

    found = reading(empty, work)
    assert found is not None
    assert found.answer == 1
    commanded = asked("SELECT current_setting('statement_timeout')")
    unlimited = empty.snapshot(lambda tx: commanded(tx, None))
    assert unlimited is not None
    assert unlimited.answer == "0"


@pytest.mark.parametrize("text", ["SELECT pg_sleep(600)", "SELECT 1"])
def test_scans_end_with_the_server(empty: Place, text: str) -> None:
    statement, is_begun = asked(text), threading.Event()

    def endless(tx: Transaction, _: object) -> None:
        is_begun.set()
        while True:
            statement(tx, None)

    async def run() -> list[BaseException | None]:
        database = PostgresDatabase(empty.database_url, 100)
        await database.open()
        scans = [asyncio.create_task(database.scan(endless, None)) for _ in range(3)]  # one of them waits
        await asyncio.to_thread(is_begun.wait)
        await database.close()
        return await asyncio.gather(*scans, return_exceptions=True)

    migrate_database(empty.settings)
    assert [type(error) for error in asyncio.run(run())] == [Unavailable, Unavailable, asyncio.CancelledError]


def test_an_error_of_a_read_is_ours_and_quotes_no_data(empty: Place) -> None:
    async def work(database: PostgresDatabase) -> list[DatabaseError]:
        caught = []
        for read in (database.read, database.scan):
            with pytest.raises(DatabaseError) as error:
                await read(asked("SELECT ('se' || 'cret')::bigint"), None)
            caught.append(error.value)
        return caught

    assert [str(error) for error in reading(empty, work)] == ["InvalidTextRepresentation 22P02"] * 2

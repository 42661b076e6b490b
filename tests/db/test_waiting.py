"""PostgreSQL that does not answer: nobody waits for it longer than clients do, and nothing is half-written."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest

from footfall.db.postgres import connection as postgres_connection
from footfall.db.postgres import database as database_module
from footfall.db.postgres import session as session_module
from footfall.db.postgres.database import PostgresDatabase
from footfall.db.protocol import CHANGE_HANDLER, Transaction, WriteHandler
from footfall.db.statements import make_statement
from footfall.errors import DatabaseError, Unavailable
from footfall.storage import migrate_database
from tests.support.engines import Place
from tests.support.postgres import LocalPostgres
from tests.support.servers import PATIENCE

R = TypeVar("R")

COUNT = make_statement(
    "count", "", "SELECT count(*) AS many FROM setting WHERE name LIKE 'put %'", "many int"
)
PUT = make_statement("put", "name text", "INSERT INTO setting VALUES ('put ' || :name, 0)")


def put(tx: Transaction, calls: list[str]) -> list[str]:
    """Like those of real calls it needs an answer before it writes."""
    assert tx.one(COUNT)
    tx.execute_many(PUT, [(name,) for name in calls])
    return calls


PUT_HANDLER = WriteHandler(1, put)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits as long as in real life."""
    monkeypatch.setitem(postgres_connection.SERVER_SETTINGS, "lock_timeout", "100ms")
    for module in (database_module, session_module):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(postgres_connection, "CANCEL_SECONDS", 0.5)


def on(place: Place, work: Callable[[PostgresDatabase], Coroutine[Any, Any, R]]) -> R:
    """What `work` gives on a server's connections."""
    migrate_database(place.settings)

    async def run() -> R:
        database = PostgresDatabase(place.database_url, 100)
        await database.open()
        try:
            async with asyncio.timeout(PATIENCE):
                return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


def stored(place: Place) -> int:
    row = place.snapshot(lambda tx: tx.one(COUNT))
    assert row is not None
    return int(row.many)


def test_a_write_that_another_session_locks_out_is_refused_and_not_written(empty: Place) -> None:
    async def work(database: PostgresDatabase) -> None:
        with psycopg.connect(empty.database_url) as other:
            other.execute("LOCK TABLE setting IN ACCESS EXCLUSIVE MODE")
            for bulk in (None, 0, 1):
                with pytest.raises(Unavailable) as refused:
                    await database.write(PUT_HANDLER, "locked out", bulk=bulk)
                assert refused.value.retry_after
            with pytest.raises(Unavailable):
                await database.change(lambda tx: tx.execute(PUT, ("changed",)))
            with pytest.raises(DatabaseError):
                await database.read(lambda tx, _: tx.one(COUNT), None)
        assert await database.write(PUT_HANDLER, "let in") == "let in"

    on(empty, work)
    assert stored(empty) == 1


def test_a_command_waits_for_a_lock_as_long_as_it_takes(empty: Place) -> None:
    show = make_statement("show", "", "SELECT current_setting('lock_timeout') AS text", "text text")
    migrate_database(empty.settings)
    assert empty.snapshot(lambda tx: tx.one(show)) == show.row("0")


@contextlib.contextmanager
def frozen(server: LocalPostgres) -> Iterator[None]:
    """No process of the server does anything; the system still takes what is sent to them."""
    main = int((server.data / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    processes = [main, *map(int, children)]
    try:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
        yield
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


@pytest.fixture
def place(postgres: LocalPostgres, tmp_path: Path) -> Place:
    """A database on a server that may be frozen."""
    return Place("postgres", tmp_path, postgres.create_database())


def test_calls_to_a_server_that_froze_are_refused_until_it_goes_on(
    postgres: LocalPostgres, place: Place
) -> None:
    async def work(database: Any) -> None:
        assert await database.write(PUT_HANDLER, "before") == "before"
        assert await database.read(lambda tx, _: tx.one(COUNT), None) == COUNT.row(1)
        with frozen(postgres):
            with pytest.raises(Unavailable):
                await database.write(PUT_HANDLER, "meanwhile")
            with pytest.raises(DatabaseError):
                await database.read(lambda tx, _: tx.one(COUNT), None)
        while True:
            with contextlib.suppress(Unavailable):
                assert await database.write(PUT_HANDLER, "after") == "after"
                return

    on(place, work)
    assert stored(place) == 2


def test_a_server_leaves_while_postgresql_is_frozen(postgres: LocalPostgres, place: Place) -> None:
    async def run() -> list[BaseException | Any]:
        database = postgres_database(place)
        await database.open()
        with frozen(postgres):
            calls = [
                asyncio.ensure_future(database.write(CHANGE_HANDLER, lambda tx: tx.one(COUNT))),
                asyncio.ensure_future(database.read(lambda tx, _: tx.one(COUNT), None)),
                asyncio.ensure_future(database.scan(lambda tx, _: tx.one(COUNT), None)),
            ]
            await asyncio.sleep(0)
            async with asyncio.timeout(PATIENCE):
                await database.close()
            return await asyncio.gather(*calls, return_exceptions=True)

    migrate_database(place.settings)
    assert all(isinstance(found, Unavailable | DatabaseError) for found in asyncio.run(run()))


def postgres_database(place: Place) -> PostgresDatabase:
    return PostgresDatabase(place.database_url, 100)

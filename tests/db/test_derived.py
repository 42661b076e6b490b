"""Derived tables of the embedded database lie in a file of their own, and are made anew whenever that is not the database's."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from footfall.db.protocol import Row, Transaction
from footfall.db.sqlite.connection import FILE_NAME, PAGE_SIZE, connect, derived_path
from footfall.db.sqlite.database import SqliteDatabase
from footfall.db.sqlite.schema import migrate_file
from footfall.db.sqlite.session import open_session
from footfall.db.statements import Statement, make_statement
from footfall.errors import ApiError, DatabaseError
from footfall.identity.model import Operations
from footfall.jobs import run_forever
from footfall.people.index.indexer import DONE_HANDLER, IDLE_SECONDS, INDEX_HANDLER, Take, TraitIndexer
from tests.laws.world import Said, deliver, prepare
from tests.support.engines import Place
from tests.support.inside import inside
from tests.support.people import people, users, wait_for_index
from tests.support.servers import RunningServer, run_json, serving, until
from tests.support.sites import Site, http_client, make_sites, sql

OPERATIONS = Operations({f"field {n}": "x" * 200 for n in range(60)})  # more than a page
CHANGES = make_statement("changes", "", "SELECT change_id FROM profile_change", "change_id bytes")
TERMS = make_statement("terms", "", "SELECT term FROM search_term ORDER BY term", "term text")


@contextmanager
def served(place: Place, known: Site | None = None) -> Iterator[Site]:
    """A server on `place` with a website of it: `known`, or a new one."""
    with inside(place, {"FOOTFALL_RATE_LIMIT": "0"}) as server, http_client(server.url) as client:
        if known is None:
            yield make_sites(server.url, client, place)[0]
        else:
            yield msgspec.structs.replace(known, url=server.url, http=client)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("sqlite", tmp_path)


def remove(path: Path) -> None:
    path.unlink()


def spoil(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - PAGE_SIZE)


def cut_to_a_page(path: Path) -> None:
    os.truncate(path, PAGE_SIZE)


def cut_within_a_page(path: Path) -> None:
    os.truncate(path, 100)


def spoil_the_first_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)  # behind what says what kind of file it is
        file.write(b"\xff" * (PAGE_SIZE - 100))


HARMS = [remove, spoil, empty, cut, cut_to_a_page, cut_within_a_page, spoil_the_first_page]


@pytest.mark.parametrize("harm", HARMS)
def test_an_index_that_is_damaged_keeps_nobody_from_starting(
    tmp_path: Path, harm: Callable[[Path], None], capfd: pytest.CaptureFixture[str]
) -> None:
    async def work() -> None:
        async with opened(tmp_path) as database, indexing(database):
            await becomes(lambda: is_done(database))
        harm(derived_path(tmp_path / FILE_NAME))
        with closing(open_session(tmp_path / FILE_NAME)) as session:
            assert session.is_derived_new
        database = SqliteDatabase(tmp_path, 100)
        await database.open()
        try:
            async with indexing(database):
                await becomes(lambda: has_terms(database))
        finally:
            await database.close()

    asyncio.run(work())
    assert (str(derived_path(tmp_path / FILE_NAME)) in capfd.readouterr().err) is (harm is not remove)


async def has_terms(database: SqliteDatabase) -> bool:
    return await terms_of(database) == {"ann", "bob"}


@pytest.mark.parametrize("harm", [remove, cut])
def test_people_are_found_again_after_their_index_was_lost(
    place: Place, harm: Callable[[Path], None]
) -> None:
    with served(place) as site:
        for name in ("ann", "bob"):
            site.identify(site.pageview(), name, {"plan": "pro"})
        wait_for_index(site)
    harm(derived_path(place.data / FILE_NAME))
    assert run_json(place, "db", "verify")["ok"]
    with served(place, site) as again:
        until_found(again, ["bob", "ann"], trait__plan="pro")
        again.identify(again.pageview(), "cora", {"plan": "pro"})
        assert users(people(again, trait__plan="pro")) == ["cora", "bob", "ann"]
    with served(place, site) as again:
        assert users(people(again, trait__plan="pro")) == ["cora", "bob", "ann"]


def test_an_index_with_damaged_pages_harms_no_call_and_is_made_anew(place: Place) -> None:
    path = derived_path(place.data / FILE_NAME)
    with served(place) as site:
        for number in range(20):
            site.identify(site.pageview(), f"before{number}", {"plan": "pro"})
        wait_for_index(site)
    with path.open("r+b") as file:
        file.seek(PAGE_SIZE)  # behind the first page, which says what kind of file it is
        file.write(b"\xff" * (path.stat().st_size - PAGE_SIZE))
    with serving(place, {"FOOTFALL_RATE_LIMIT": "0"}) as server, http_client(server.url) as client:
        again = msgspec.structs.replace(site, url=server.url, http=client)
        for number in range(20):
            again.identify(again.pageview(), f"after{number}", {"plan": "pro"})
        until(lambda: len(found(again)) == 40)
        assert server.log.count("the index is made anew: its file is damaged") == 1
        assert str(path) in server.log
    with served(place, site) as again:
        assert len(found(again)) == 40


def found(site: Site) -> list[str]:
    """Who is on a plan, as far as lists can be read now."""
    response = site.call("GET", "/api/v1/profiles", params={"trait.plan": "pro", "limit": "100"})
    return users(response.json()) if response.status_code == 200 else []


def test_an_index_that_only_readers_find_damaged_is_made_anew(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as database:
            async with indexing(database):
                await becomes(lambda: is_done(database))
            database._derived_file.suspect(apsw.CorruptError("as a reader meets it"))
            async with indexing(database):
                await becomes(lambda: is_mended(database))
                await becomes(lambda: has_terms(database))

    asyncio.run(work())


async def is_mended(database: SqliteDatabase) -> bool:
    return not database._derived_file.is_suspected


CUT_WHILE_READ = """
import asyncio, os, sys
from pathlib import Path
from footfall.db.sqlite.database import SqliteDatabase
from footfall.db.sqlite.connection import FILE_NAME, PAGE_SIZE, connect, derived_path
from footfall.db.sqlite.schema import migrate_file
from footfall.db.statements import make_statement
from footfall.errors import DatabaseError

folder = Path(sys.argv[1])
path = derived_path(folder / FILE_NAME)
terms = make_statement("terms", "", "SELECT term FROM search_term WHERE website_id = x'77' ORDER BY term", "term text")

def read(tx, _):
    rows = tx.stream(terms)
    next(rows)
    os.truncate(path, PAGE_SIZE)
    return len(list(rows))

async def work():
    database = SqliteDatabase(folder, 100)
    await database.open()
    try:
        await database.scan(read, None)
    except DatabaseError as error:
        print(error)
    await database.close()

migrate_file(folder / FILE_NAME)
connection = connect(path, 1024)
rows = ((b"w", f"{number:0500}", b"p") for number in range(2000))
connection.executemany("INSERT INTO search_term VALUES (?, ?, ?)", rows)
connection.close()
asyncio.run(work())
"""
"""Cuts the index off while a reader is in the middle of it."""


def test_an_index_that_is_cut_off_while_it_is_read_ends_no_process(tmp_path: Path) -> None:
    program = [sys.executable, "-c", CUT_WHILE_READ, str(tmp_path)]
    ran = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (ran.returncode, "is damaged, or the index beside it" in ran.stdout) == (0, True), ran.stderr


def until_found(site: Site, wanted: list[str], **query: str) -> None:
    """At a start the profiles are marked first: before, nothing says that the index is behind."""
    until(lambda: users(people(site, **query)) == wanted, f"never found: {wanted}")


def test_a_restored_backup_is_not_searched_by_the_index_of_what_it_replaced(
    place: Place, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.db"
    with served(place) as site:
        visitor = site.pageview()
        site.identify(visitor, "ann", {"plan": "free"})
        wait_for_index(site)
        run_json(place, "db", "backup", str(backup))
        site.identify(visitor, "ann", {"plan": "pro"})
        site.identify(site.pageview(), "bob", {"plan": "free"})
        wait_for_index(site)
    shutil.copy(backup, place.data / FILE_NAME)
    assert run_json(place, "db", "verify")["ok"]
    with served(place, site) as again:
        until_found(again, ["ann"], trait__plan="free")
        assert users(people(again, trait__plan="pro")) == []
        assert users(people(again, search="bob")) == []
    assert run_json(place, "db", "verify")["ok"]


def test_a_copy_of_the_folder_is_searched_at_once(place: Place, tmp_path: Path) -> None:
    with served(place) as site:
        site.identify(site.pageview(), "ann", {"plan": "pro"})
        wait_for_index(site)
    copy = Place("sqlite", tmp_path / "copy")
    shutil.copytree(place.data, copy.data)
    with served(copy, msgspec.structs.replace(site, place=copy)) as again:
        assert again.rows(sql.changes_of_website) == []
        assert users(people(again, trait__plan="pro")) == ["ann"]


@pytest.mark.slow
def test_a_killed_server_finds_everybody_after_its_restart(place: Place) -> None:
    environment = {"FOOTFALL_RATE_LIMIT": "0"}
    server = RunningServer(place, environment)
    with http_client(server.url) as client:
        (site,) = make_sites(server.url, client, place)
        visitor = site.pageview()
        for number in range(200):
            site.identify(visitor, "ann", {"plan": f"plan {number}", "at": str(number)})
        server.stop(signal.SIGKILL)
    with served(place, site) as again:
        assert users(people(again, trait__plan="plan 199")) == ["ann"]
        assert users(people(again, trait__plan="plan 198")) == []
        assert run_json(place, "db", "verify")["ok"]


def test_tables_that_lay_in_the_database_itself_are_moved(place: Place) -> None:
    with served(place) as site:
        site.identify(site.pageview(), "ann", {"plan": "pro"})
        wait_for_index(site)
    path = place.data / FILE_NAME
    with closing(connect(path, 1024)) as connection:
        connection.execute("CREATE TABLE search_term (website_id, term, profile_id)")
        connection.execute("PRAGMA user_version = 0")  # as an earlier version left it
    derived_path(path).unlink()
    with served(place, site) as again:
        until_found(again, ["ann"], search="ann")
    with closing(connect(path, 1024)) as connection:
        assert not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'search_term'").fetchall()


# The server's side, in this process


@asynccontextmanager
async def opened(folder: Path, kind: type[SqliteDatabase] = SqliteDatabase) -> AsyncIterator[SqliteDatabase]:
    """A database as a server opens it, with two people of whom the index does not know yet."""
    migrate_file(folder / FILE_NAME)
    with closing(open_session(folder / FILE_NAME)) as session:
        session.transact(identify_two)
    database = kind(folder, 100)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def identify_two(tx: Transaction) -> None:
    prepare(tx)
    deliver(tx, [Said(number, user, 5, OPERATIONS, True) for number, user in enumerate(("ann", "bob"))])


def scanned(tx: Transaction, statement: Statement) -> list[Row]:
    return tx.all(statement)


async def terms_of(database: SqliteDatabase) -> set[str]:
    """By which people are found, as readers see it."""
    return {row.term for row in await database.scan(scanned, TERMS)}


async def changes_of(database: SqliteDatabase) -> int:
    """How many changes are left for the index."""
    return len(await database.scan(scanned, CHANGES))


async def becomes(condition: Callable[[], Any]) -> None:
    """Return once `condition()` comes to something true."""
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.01)  # between two looks, not in place of one


@asynccontextmanager
async def indexing(database: SqliteDatabase) -> AsyncIterator[None]:
    task = asyncio.create_task(run_forever("trait index", IDLE_SECONDS, TraitIndexer(database).advance))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_readers_see_steps_once_they_are_settled_and_their_changes_are_kept_until_then(
    tmp_path: Path,
) -> None:
    async def work() -> None:
        async with opened(tmp_path) as database:
            step = await database.write(INDEX_HANDLER, Take(10))
            assert (step.changes, len(step.left)) == (2, 2)
            assert (await terms_of(database), await changes_of(database)) == (set(), 2)
            await database.derived.flush()
            assert (await terms_of(database), await changes_of(database)) == ({"ann", "bob"}, 2)
            await database.write(DONE_HANDLER, step.left)
            assert await changes_of(database) == 0

    asyncio.run(work())


def test_a_step_begins_where_the_last_one_ended(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as database:
            first = await database.write(INDEX_HANDLER, Take(1))
            second = await database.write(INDEX_HANDLER, Take(10, first.left[-1]))
            assert (first.changes, second.changes) == (1, 1)
            assert first.left != second.left

    asyncio.run(work())


def test_commands_write_while_steps_are_not_settled(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as database:
            await database.write(INDEX_HANDLER, Take(10))
            with closing(open_session(tmp_path / FILE_NAME)) as session:
                session.connection.set_busy_timeout(0)
                session.transact(lambda tx: take_more(tx))
            await database.derived.flush()
            assert await terms_of(database) == {"ann", "bob"}

    asyncio.run(work())


def take_more(tx: Transaction) -> None:
    deliver(tx, [Said(2, "Bob", 6, OPERATIONS, True)])


def test_what_a_full_disk_kept_from_the_index_is_written_once_there_is_room(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as database:
            derived = database._derived_file._connection
            derived.execute("PRAGMA max_page_count = 1").fetchall()
            with pytest.raises((ApiError, DatabaseError)):
                await step_and_settle(database)
            assert (await terms_of(database), await changes_of(database)) == (set(), 2)
            derived.execute("PRAGMA max_page_count = 100000").fetchall()
            async with indexing(database):
                await becomes(lambda: is_done(database))
            assert await terms_of(database) == {"ann", "bob"}

    asyncio.run(work())


async def step_and_settle(database: SqliteDatabase) -> None:
    await database.write(INDEX_HANDLER, Take(10))
    await database.derived.flush()


async def is_done(database: SqliteDatabase) -> bool:
    return await changes_of(database) == 0


def test_what_sqlite_rolled_back_by_itself_is_counted(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as database:
            await database.write(INDEX_HANDLER, Take(10))
            database._derived_file._connection.execute("ROLLBACK")
            assert (await database.derived.flush(), await database.derived.flush()) == (1, 1)
            await database.write(INDEX_HANDLER, Take(10))
            assert await database.derived.flush() == 1
            assert await terms_of(database) == {"ann", "bob"}

    asyncio.run(work())


class Losing(SqliteDatabase):
    """Loses what steps wrote, once; and it is not the steps that hear of it first."""

    async def open(self) -> None:
        await super().open()
        flush, losses = self.derived.flush, iter([True])

        async def lose_and_flush() -> int:
            if next(losses, False):
                self._derived_file._connection.execute("ROLLBACK")
                await self.scrub()
            return await flush()

        self.derived.flush = lose_and_flush  # type: ignore[method-assign]


def test_changes_whose_index_was_lost_are_kept_and_taken_again(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path, Losing) as database:
            async with indexing(database):
                await becomes(lambda: is_done(database))
            assert await terms_of(database) == {"ann", "bob"}

    asyncio.run(work())

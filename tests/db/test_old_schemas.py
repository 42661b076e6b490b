"""Data of each schema since the first comes through all migrations to the newest one, whole.

The data is made by this program. A database of an old schema holds of it what that schema has: each table gets its rows when the migration
has made it, so that every later migration finds data in everything that was there before it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest

from footfall.db import migrate
from footfall.db.postgres import schema as postgres_schema
from footfall.db.postgres.connection import connect as connect_postgres
from footfall.db.sqlite import schema as sqlite_schema
from footfall.db.sqlite.connection import FILE_NAME, connect
from footfall.identity.audit.verify import verify_identity
from footfall.storage import migrate_database
from tests.api.test_replay import served
from tests.support.engines import Place, PostgresEngine
from tests.support.people import erase, merge, people, users
from tests.support.sites import Site

NEWEST = max(migrate.migrations())
MADE_WITH_THE_SCHEMA = ("schema_migration", "setting")
"""Tables that migrations fill by themselves."""
BUSY = {"visitor", "session", "event", "fact", "link", "profile", "tombstone", "goal_count", "payment"}
"""Tables that the data fills, among others."""
Rows = list[tuple[Any, ...]]
Ask = Callable[[str], Rows]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, apsw.Connection]]:
    """A website with a bit of everything, and its database."""
    place = Place("sqlite", tmp_path_factory.mktemp("made"))
    with served(place) as site:
        first, second = site.pageview(path="/?utm_source=x"), site.pageview()
        site.custom(first)
        for user in ("Ada", "Bob", "Friend", "Gone"):
            site.identify(first, user, {"plan": user})
            site.identify(second, user)
        merge(site, "Ada", "Friend")
        erase(site, "Gone")
        paid = {"amount": 12, "currency": "EUR", "transaction_id": "t1", "datafast_visitor_id": first}
        assert site.call("POST", "/api/v1/payments", json=paid).is_success
    with contextlib.closing(connect(place.data / FILE_NAME, 1024)) as connection:
        yield site, connection


def columns_of(connection: apsw.Connection) -> dict[str, list[str]]:
    """The columns of each table."""
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return {str(name): _columns(connection, str(name)) for (name,) in tables.fetchall()}


def _columns(connection: apsw.Connection, table: str) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def test_every_table_of_the_data_is_known_here(made: tuple[Site, apsw.Connection]) -> None:
    _, source = made
    filled = {table for table in columns_of(source) if source.execute(f"SELECT 1 FROM {table}").fetchone()}
    assert filled >= BUSY


def tables_by_schema() -> dict[int, dict[str, list[str]]]:
    """The tables that each migration makes, with the columns that they have then."""
    known: set[str] = set()
    found = {}
    with contextlib.closing(apsw.Connection("")) as connection:
        for number in migrate.migrations():
            sqlite_schema._apply(connection, number)
            tables = columns_of(connection)
            found[number] = {name: tables[name] for name in tables.keys() - known}
            known |= tables.keys()
    return found


def fill(source: apsw.Connection, number: int, ask: Ask, put: Callable[[str, Rows], object]) -> None:
    """Put the data into the tables that a migration made, but those that it filled itself from what was there."""
    for table, columns in tables_by_schema()[number].items():
        if table not in MADE_WITH_THE_SCHEMA and not ask(f"SELECT 1 FROM {table} LIMIT 1"):
            rows = source.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
            put(f"INSERT INTO {table} ({', '.join(columns)}) VALUES", rows)


def differences(source: apsw.Connection, ask: Ask) -> list[str]:
    """The tables that do not hold what the data holds of the columns that they were made with."""
    found = []
    for tables in tables_by_schema().values():
        for table, columns in tables.items():
            query = f"SELECT {', '.join(columns)} FROM {table}"
            if table not in MADE_WITH_THE_SCHEMA and _sorted(ask(query)) != _sorted(
                source.execute(query).fetchall()
            ):
                found.append(table)
    return found


def _sorted(rows: Rows) -> Rows:
    return sorted(rows, key=repr)


def check(place: Place, site: Site) -> None:
    """The ledger is whole, and a server tells of the same people."""
    report = place.snapshot(verify_identity)
    assert report.differences == 0, report.shown
    with served(place, site) as at:
        assert users(people(at))[:2] == ["Bob", "Ada"]


def inserting(run_many: Callable[[Any, Any], object], mark: str) -> Callable[[str, Rows], None]:
    """What puts rows behind the beginning of an INSERT; `mark`: how the driver marks a value."""

    def insert(text: str, rows: Rows) -> None:
        if rows:
            run_many(f"{text} ({', '.join([mark] * len(rows[0]))})", rows)

    return insert


def test_data_of_every_schema_comes_to_the_newest_in_the_embedded_database(
    made: tuple[Site, apsw.Connection], tmp_path: Path
) -> None:
    site, source = made
    old = tmp_path / "old.db"
    with contextlib.closing(connect(old, 1024)) as connection:
        for number in migrate.migrations():
            sqlite_schema._apply(connection, number)
            fill(
                source,
                number,
                lambda query: connection.execute(query).fetchall(),
                inserting(connection.executemany, "?"),
            )
            place = Place("sqlite", tmp_path / str(number))
            place.data.mkdir(parents=True)
            path = place.data / FILE_NAME
            connection.execute("VACUUM INTO ?", (str(path),))
            assert migrate_database(place.settings) == list(range(number + 1, NEWEST + 1))
            assert place.snapshot(verify_identity).differences == 0
    with contextlib.closing(connect(path, 1024)) as connection:
        assert differences(source, lambda query: connection.execute(query).fetchall()) == []
    check(place, site)


def test_data_of_every_schema_comes_to_the_newest_in_postgresql(
    made: tuple[Site, apsw.Connection], postgres_engine: PostgresEngine
) -> None:
    site, source = made
    place = postgres_engine.bare_place()
    with (
        connect_postgres(place.database_url) as migrating,
        psycopg.connect(place.database_url, autocommit=True) as connection,
    ):
        for number in migrate.migrations():
            postgres_schema._apply(migrating, number)
            fill(
                source,
                number,
                lambda query: connection.execute(query).fetchall(),
                inserting(connection.cursor().executemany, "%s"),
            )
        assert migrate_database(place.settings) == []
        assert differences(source, lambda query: connection.execute(query).fetchall()) == []
    check(place, site)

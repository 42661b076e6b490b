"""A database of each engine, to be written to in transactions that are rolled back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from footfall.db.postgres.schema import migrate_server
from footfall.db.postgres.session import PostgresSession
from footfall.db.sqlite import connection as sqlite_connection
from footfall.db.sqlite import schema as sqlite_schema
from footfall.db.sqlite.session import SqliteSession
from tests.support.postgres import LocalPostgres, create_database, drop_database


@pytest.fixture(scope="module")
def sqlite_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteSession]:
    """An open session on an empty embedded database with the current schema."""
    path: Path = tmp_path_factory.mktemp("laws") / sqlite_connection.FILE_NAME
    sqlite_schema.migrate_file(path)
    opened = SqliteSession(path)
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def session(request: pytest.FixtureRequest) -> Iterator[object]:
    """An open session on an empty database of each engine with the current schema."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_session")
        return
    outside = os.environ.get("FOOTFALL_TEST_POSTGRES_URL", "")
    with outside_database(outside) if outside else own_database() as url:
        migrate_server(url)
        other = PostgresSession(url)
        yield other
        other.close()


@contextmanager
def outside_database(outside: str) -> Iterator[str]:
    """A new database on a server that runs already."""
    url = create_database(outside)
    yield url
    drop_database(url)


@contextmanager
def own_database() -> Iterator[str]:
    """A new database on a server of the tests' own."""
    server = LocalPostgres({"fsync": "off"})
    try:
        server.start()
        yield server.create_database()
    finally:
        server.remove()

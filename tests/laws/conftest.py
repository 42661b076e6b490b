"""A database of each engine, to be written to in transactions that are rolled back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from footfall.db.postgres.session import PostgresSession
from footfall.db.sqlite.session import SqliteSession
from tests.support.engines import PostgresEngine, empty_database


@pytest.fixture(scope="module")
def sqlite_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteSession]:
    """An open session on an empty embedded database with the current schema."""
    opened = SqliteSession(empty_database(tmp_path_factory.mktemp("laws")))
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def session(request: pytest.FixtureRequest) -> Iterator[object]:
    """An open session on an empty database of each engine with the current schema."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_session")
        return
    engine: PostgresEngine = request.getfixturevalue("postgres_engine")
    other = PostgresSession(engine.new_place().database_url)
    yield other
    other.close()

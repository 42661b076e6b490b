"""A database of each engine, to be written to in transactions that are rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from footfall.db import postgres, sqlite
from tests.support.postgres import LocalPostgres


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """An open session on an empty database with the current schema."""
    if request.param == "sqlite":
        path: Path = tmp_path_factory.mktemp("laws") / sqlite.FILE_NAME
        sqlite.migrate_file(path)
        opened = sqlite.SqliteSession(path)
        yield opened
        opened.close()
        return
    server = LocalPostgres({"fsync": "off"})
    try:
        server.start()
        url = server.create_database()
        postgres.migrate_server(url)
        other = postgres.PostgresSession(url)
        yield other
        other.close()
    finally:
        server.remove()

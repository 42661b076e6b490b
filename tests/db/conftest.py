"""A PostgreSQL server of a test module's own, which it may stop, cut and fill."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support.engines import Place
from tests.support.postgres import LocalPostgres, create_database, drop_database


@pytest.fixture(scope="module")
def postgres() -> Iterator[LocalPostgres]:
    """A running server."""
    server = LocalPostgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A database without a schema: on the server that FOOTFALL_TEST_POSTGRES_URL names, or on the module's own."""
    outside = os.environ.get("FOOTFALL_TEST_POSTGRES_URL", "")
    url = create_database(outside) if outside else request.getfixturevalue("postgres").create_database()
    yield Place("postgres", tmp_path_factory.mktemp("place"), url)
    if outside:
        drop_database(url)

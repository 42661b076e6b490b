"""A PostgreSQL server of a test module's own, which it may stop, cut and fill."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.engines import Place, PostgresEngine
from tests.support.postgres import LocalPostgres


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
def empty(postgres_engine: PostgresEngine) -> Place:
    """A database without a schema."""
    return postgres_engine.bare_place()

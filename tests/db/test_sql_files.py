"""What the `.sql` files declare of their statements is what both engines say of them."""

from __future__ import annotations

import itertools
from pathlib import Path

import apsw.ext
import psycopg
import pytest

from footfall.db.sqlite.connection import FILE_NAME
from footfall.db.sqlite.session import open_session
from footfall.db.statements import Statement, load
from footfall.storage import migrate_database
from tests.support.engines import Place

SOURCES = Path(__file__).parents[2] / "src" / "footfall"
ALL_FILES = sorted(
    str(path.relative_to(SOURCES)) for path in SOURCES.rglob("*.sql") if path.parent.name != "migrations"
)
FILES = [file for file in ALL_FILES if not file.endswith((".sqlite.sql", ".postgres.sql"))]


def statements_of(file: str) -> list[Statement]:
    path = SOURCES / file
    return list(load(str(path), path.name))


def columns_in_sqlite(place: Place, statements: list[Statement]) -> list[tuple[str, ...]]:
    session = open_session(place.data / FILE_NAME)
    try:
        shown = [apsw.ext.query_info(session.connection, one.sqlite).description for one in statements]
    finally:
        session.close()
    return [tuple(name for name, _ in one) for one in shown]


def columns_in_postgres(place: Place, statements: list[Statement]) -> list[tuple[str, ...]]:
    found = []
    with psycopg.connect(place.database_url) as connection:
        for statement in statements:
            connection.pgconn.prepare(statement.name.encode(), statement.postgres.encode())
            result = connection.pgconn.describe_prepared(statement.name.encode())
            assert not result.error_message, f"{statement.name}: {result.error_message.decode()}"
            found.append(tuple((result.fname(n) or b"").decode() for n in range(result.nfields)))
    return found


@pytest.mark.parametrize("file", FILES)
def test_a_statement_gives_the_columns_that_it_declares(place: Place, file: str) -> None:
    migrate_database(place.settings)
    statements = statements_of(file)
    columns = {"sqlite": columns_in_sqlite, "postgres": columns_in_postgres}[place.engine](place, statements)
    given = {one.name: of_one for one, of_one in zip(statements, columns, strict=True)}
    assert given == {one.name: one.columns for one in statements}


@pytest.mark.parametrize("file", ALL_FILES)
def test_a_statement_says_what_it_answers_or_does(file: str) -> None:
    lines = (SOURCES / file).read_text("utf-8").splitlines()
    silent = [
        line
        for line, following in itertools.pairwise(lines)
        if line.startswith("-- name: ") and not following.startswith("-- ")
    ]
    assert silent == []

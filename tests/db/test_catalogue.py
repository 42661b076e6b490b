"""Tables can be spread over many machines by website: every key of a website's data leads with `website_id`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from footfall.db import migrate
from footfall.storage import migrate_database
from tests.support.engines import Place

OF_THE_INSTALLATION = {
    "setting": "settings of the server",
    "website": "the list of websites itself",
    "access_token": "a token reaches several websites",
    "daily_salt": "one secret a day for all cookieless websites",
    "account": "an account sees all websites",
    "account_session": "who is logged in",
    "setup_link": "makes the first account",
    "login_attempt": "an account sees all websites",
    "column_keeper": "columns hold all websites",
    "share": "found by its secret, before the website is known",
    "schema_migration": "the list of migrations",
}
"""The tables that are not one website's data, and why."""

INDEXES = """
SELECT t.relname, i.relname, x.indisunique, (
    SELECT a.attname FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = x.indkey[0])
FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
WHERE t.relnamespace = 'public'::regnamespace
"""
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
SEQUENCES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'"
FOREIGN_KEYS = (
    "SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
)
WITHOUT_WEBSITE = """
SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'website_id')
"""
TEXTS = """
SELECT table_name || '.' || column_name FROM information_schema.columns
WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'
"""
NULLABLE = """
SELECT table_name FROM information_schema.columns
WHERE table_schema = 'public' AND column_name = 'website_id' AND (is_nullable = 'YES' OR data_type <> 'bytea')
"""


def problems(url: str) -> Iterator[str]:
    """Whatever would keep a table from being distributed by `website_id`."""
    with psycopg.connect(url) as connection:
        indexes = connection.execute(INDEXES).fetchall()
        for table, index, is_unique, first in indexes:
            if table not in OF_THE_INSTALLATION and first != "website_id":
                yield f"{'unique index' if is_unique else 'index'} {index} of {table} begins with {first}"
        keyed = {table for table, _, is_unique, _ in indexes if is_unique}
        for (table,) in connection.execute(TABLES):
            if table not in keyed:
                yield f"{table} has no key"
        for (name,) in connection.execute(SEQUENCES):
            yield f"{name} is a sequence"
        for (name,) in connection.execute(FOREIGN_KEYS):
            yield f"{name} is a foreign key"
        for (table,) in connection.execute(NULLABLE):
            yield f"{table}.website_id may be null, or is not bytes"


def test_every_table_of_a_websites_data_can_be_distributed_by_website(empty: Place) -> None:
    migrate_database(empty.settings)
    assert list(problems(empty.database_url)) == []


def test_the_tables_of_the_installation_are_those_listed(empty: Place) -> None:
    migrate_database(empty.settings)
    with psycopg.connect(empty.database_url) as connection:
        found = {row[0] for row in connection.execute(WITHOUT_WEBSITE)}
    assert found | {"website", "share"} == OF_THE_INSTALLATION.keys()


def test_the_guide_places_the_tables_of_the_installation_and_no_others() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text("utf-8")
    [row] = re.findall(r"^\| (`.+`) \| on every node", guide, re.MULTILINE)
    [reference] = re.findall(r"unnest\(ARRAY\[(.*?)\]\)", guide)
    [excepted] = re.findall(r"relname NOT IN \((.*?)\)", guide)
    for listed in (row.replace("`", ""), reference.replace("'", ""), excepted.replace("'", "")):
        assert sorted(listed.split(", ")) == sorted(OF_THE_INSTALLATION)


def test_texts_are_ordered_by_their_bytes_whatever_the_locale_of_the_database_is(empty: Place) -> None:
    migrate_database(empty.settings)
    with psycopg.connect(empty.database_url) as connection:
        assert connection.execute(TEXTS).fetchall() == []


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("CREATE TABLE bad (bad_id BYTEA PRIMARY KEY, website_id BYTEA NOT NULL)", "begins with bad_id"),
        ("CREATE UNIQUE INDEX bad ON profile (user_id)", "begins with user_id"),
        (
            "CREATE TABLE bad (website_id BYTEA NOT NULL, n BIGSERIAL, PRIMARY KEY (website_id, n))",
            "sequence",
        ),
        ("CREATE TABLE bad (website_id BYTEA PRIMARY KEY REFERENCES website (website_id))", "foreign key"),
        ("CREATE TABLE bad (website_id BYTEA)", "has no key"),
    ],
)
def test_a_table_that_cannot_be_distributed_is_noticed(empty: Place, statement: str, word: str) -> None:
    migrate_database(empty.settings)
    with psycopg.connect(empty.database_url) as connection:
        connection.execute(statement.encode())
    assert any(word in problem for problem in problems(empty.database_url))


def test_migrations_are_numbered_without_gaps() -> None:
    numbers = list(migrate.migrations())
    assert numbers == list(range(1, len(numbers) + 1))

"""The schema of a PostgreSQL database, and the lock that keeps servers out while a command holds it."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from typing import TypeVar

import psycopg

from footfall.db import migrate
from footfall.db.postgres.connection import PostgresConnection, connect, ours
from footfall.errors import (
    DatabaseBusy,
    DatabaseError,
)

C = TypeVar("C")
R = TypeVar("R")

MIGRATION_LOCK = 0x466F6F7466616C6C
"""The advisory lock under which schemas are migrated: `Footfall` in ASCII."""
SERVERS_LOCK = MIGRATION_LOCK + 1
"""The lock that servers share, and that a command takes alone when no server may run."""
COLUMNS_LOCK = MIGRATION_LOCK >> 32
"""With the table that says whose columns they are, the lock of whoever feeds columns that all servers share: a database may hold several schemas."""
SERVERS = """
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted AND classid::bigint = $1 AND objid::bigint = $2
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""How many connections of servers a database has."""
LEAVING_SECONDS = 1.0
"""How long PostgreSQL may take to notice that a server that was stopped is gone."""
_TEXT = re.compile(r"\bTEXT\b")
"""In a migration. Texts are ordered by their bytes and folded to lower case as in SQLite, whatever the database's locale is."""


@contextlib.contextmanager
def without_servers(url: str) -> Iterator[None]:
    """Keep servers out of a database. Raises DatabaseBusy when one runs, and DatabaseError."""
    with contextlib.closing(connect(url)) as connection:
        deadline = time.monotonic() + LEAVING_SECONDS
        while not is_locked(connection, "pg_try_advisory_lock"):
            if time.monotonic() > deadline:
                raise DatabaseBusy(
                    "A Footfall server is running on this PostgreSQL database, or another command holds it. Stop all servers first."
                )
            time.sleep(0.05)
        yield
        # PostgreSQL notices only in a while that a connection is gone.
        with contextlib.suppress(psycopg.Error):
            connection.execute("SELECT pg_advisory_unlock($1)", [SERVERS_LOCK])


def is_locked(connection: PostgresConnection, function: str) -> bool:
    """Whether this connection got SERVERS_LOCK through a function that does not wait for it. Raises DatabaseError."""
    return _is_granted(connection, f"SELECT {function}($1)", SERVERS_LOCK)


def may_feed(connection: PostgresConnection) -> bool:
    """Whether this connection got COLUMNS_LOCK. Raises DatabaseError."""
    lock = "SELECT pg_try_advisory_lock($1, 'column_keeper'::regclass::oid::int)"
    return _is_granted(connection, lock, COLUMNS_LOCK)


def has_servers(url: str) -> bool:
    """Whether servers run on a database: each shares SERVERS_LOCK. Raises DatabaseError."""
    with contextlib.closing(connect(url)) as connection:
        return bool(_asked(connection, SERVERS, [SERVERS_LOCK >> 32, SERVERS_LOCK & 0xFFFFFFFF]))


def size_of(url: str) -> int:
    """Bytes of a database. Raises DatabaseError."""
    with contextlib.closing(connect(url)) as connection:
        return int(_asked(connection, "SELECT pg_database_size(current_database())", []))


def _asked(connection: PostgresConnection, text: str, values: list[int]) -> int:
    """The one number that a query gives."""
    try:
        row = connection.execute(text.encode(), values).fetchone()
    except psycopg.Error as error:
        raise ours(error) from error
    return int(row[0]) if row else 0


def _is_granted(connection: PostgresConnection, text: str, lock: int) -> bool:
    try:
        row = connection.execute(text.encode(), [lock]).fetchone()
    except psycopg.Error as error:
        raise ours(error) from error
    return row is not None and bool(row[0])


def schema_version(connection: PostgresConnection) -> int:
    """The number of the newest migration applied; 0 for an empty database."""
    exists = connection.execute("SELECT to_regclass('schema_migration')").fetchone()
    if exists is None or exists[0] is None:
        return 0
    row = connection.execute("SELECT coalesce(max(version), 0) FROM schema_migration").fetchone()
    return int(row[0]) if row else 0


def migrate_server(url: str) -> list[int]:
    """Bring the schema up to date; safe when several processes do it at once. Raises DatabaseError."""
    with connect(url) as connection:
        try:
            connection.execute("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK])
            numbers = migrate.pending(schema_version(connection))
            for number in numbers:
                _apply(connection, number)
        except psycopg.Error as error:
            raise DatabaseError(f"The migration failed: {error}") from error
    return numbers


def _apply(connection: PostgresConnection, number: int) -> None:
    with connection.transaction():
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT NOT NULL PRIMARY KEY)"
        )
        for statement in migrate.statements_of(migrate.whole()[number]):
            connection.execute(_TEXT.sub('TEXT COLLATE "C"', statement))
        connection.execute("INSERT INTO schema_migration VALUES ($1)", [number])

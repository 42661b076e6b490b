"""The file of the embedded database: connections to it, its schema, copies of it, and which server owns it.

Measured reasons stand in docs/decisions/0002-sqlite-settings.md.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from footfall.db import migrate
from footfall.errors import DatabaseBusy, DatabaseError

FILE_NAME = "footfall.db"
MAPPED_BYTES = 64 * 1024**3
"""Of the database file, what reading connections map instead of copying it page by page; it is the system's cache, not ours."""
BUSY_TIMEOUT_MS = 5000


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """apsw's errors as ours."""
    try:
        yield
    except apsw.Error as error:
        raise ours(error) from error


def ours(error: apsw.Error) -> DatabaseError:
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return DatabaseBusy("another process holds the database")
    return DatabaseError(f"{type(error).__name__}: {error}")


def connect(path: Path, cache_kib: int, *, read_only: bool = False) -> apsw.Connection:
    """A connection with Footfall's settings. Raises apsw.Error."""
    flags = apsw.SQLITE_OPEN_READWRITE | (0 if read_only else apsw.SQLITE_OPEN_CREATE)
    connection = apsw.Connection(str(path), flags=flags, statementcachesize=256)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    # Without this, a build with STAT4 plans each statement anew whenever a bound value changes: 40 microseconds a call.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
    return connection


def schema_version(connection: apsw.Connection) -> int:
    """The number of the newest migration that was applied; 0 for an empty database."""
    exists = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'schema_migration'").fetchone()
    if exists is None:
        return 0
    row = connection.execute("SELECT max(version) FROM schema_migration").fetchone()
    return int(row[0]) if row else 0


def migrate_file(path: Path) -> list[int]:
    """Bring the schema up to date, after a backup when it holds data. Returns the numbers applied. Raises DatabaseError."""
    with translated(), contextlib.closing(connect(path, 2048)) as connection:
        version = schema_version(connection)
        numbers = migrate.pending(version)
        if numbers and version:
            backup_file(
                path, path.with_name("backups") / f"before-schema-{numbers[0]:04d}-{time.time_ns()}.db"
            )
        for number in numbers:
            _apply(connection, number)
        if numbers:
            _assume_sizes(connection)
    return numbers


def _apply(connection: apsw.Connection, number: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if schema_version(connection) >= number:
            return
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT NOT NULL PRIMARY KEY)"
        )
        for statement in migrate.statements_of(migrate.migrations()[number]):
            connection.execute(_clustered(statement))
        connection.execute("INSERT INTO schema_migration VALUES (?)", (number,))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


ROWS_OF_A_WEBSITE = 100_000


def _assume_sizes(connection: apsw.Connection) -> None:
    """Tell the planner how tables look once they are large, so that plans are the same on every machine and on every day.

    Left alone it takes a website for ten rows, and walks all of them where an index leads to the one it needs. Each further column of
    a key is taken to leave a tenth of the rows, the last of them one.
    """
    with connection:
        connection.execute("ANALYZE")  # makes the table, and fills it with what is true today
        connection.execute("DELETE FROM sqlite_stat1")
        indexes: list[Any] = connection.execute(
            "SELECT t.name, iif(i.origin = 'pk', t.name, i.name), count(*) FROM sqlite_schema t, pragma_index_list(t.name) i, "
            "pragma_index_info(i.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' GROUP BY 1, 2"
        ).fetchall()
        for table, index, columns in indexes:
            rest = [10 ** (columns - used) for used in range(2, columns + 1)]
            sizes = [10 * ROWS_OF_A_WEBSITE, ROWS_OF_A_WEBSITE if rest else 1, *rest]
            connection.execute(
                "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)",
                (table, index, " ".join(map(str, sizes))),
            )
    connection.execute("ANALYZE sqlite_schema")


def _clustered(statement: str) -> str:
    return (
        re.sub(r"\)\s*$", ") WITHOUT ROWID", statement) if statement.startswith("CREATE TABLE") else statement
    )


def backup_file(source: Path, target: Path) -> None:
    """A consistent copy, also while a server writes; without the daily salts. Raises DatabaseError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        raise DatabaseError(f"{target} exists already; name a new file")
    partial = target.with_name(target.name + ".partial")
    with translated(), contextlib.closing(connect(source, 2048)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT 1 FROM sqlite_schema").fetchone()
        with contextlib.closing(apsw.Connection(str(partial))) as copy:
            with copy.backup("main", reader, "main") as progress:
                progress.step(-1)
            copy.execute("PRAGMA journal_mode = DELETE")
            copy.execute("PRAGMA secure_delete = ON")
            if copy.execute("SELECT 1 FROM sqlite_schema WHERE name = 'daily_salt'").fetchone():
                copy.execute("DELETE FROM daily_salt")
        reader.execute("COMMIT")
    _sync(partial)
    partial.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class ServerLock:
    """Says that one server owns a data folder. Raises DatabaseBusy when another has it."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "server.lock").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise DatabaseBusy(
                f"Another Footfall server is running on the data in {folder}. Stop it, or use another --data folder."
            ) from error

    def release(self) -> None:
        self._file.close()

"""The schema of the embedded database, and of the file with its derived tables.

Which such file belongs to which database is a number that stands in both (`PRAGMA user_version`), another one since each start of a
server. Where they differ, since either file was restored or removed, the derived one is made anew.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from pathlib import Path
from typing import Any

import apsw

from footfall.db import migrate
from footfall.db.sqlite.backups import backup_file
from footfall.db.sqlite.connection import connect, derived_path, remove_database, translated
from footfall.log import get_logger

_DAMAGES = (apsw.CantOpenError, apsw.CorruptError, apsw.IOError, apsw.NotADBError)
"""What apsw raises for a file that is no database, or was truncated."""
_TABLE = re.compile(r"^CREATE TABLE (\w+)", re.MULTILINE)


def schema_version(connection: apsw.Connection) -> int:
    """The number of the newest migration applied; 0 for an empty database."""
    exists = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'schema_migration'").fetchone()
    if exists is None:
        return 0
    row = connection.execute("SELECT max(version) FROM schema_migration").fetchone()
    return int(row[0]) if row else 0


def migrate_file(path: Path, *, is_kept: bool = True) -> list[int]:
    """Bring the schema up to date, after a backup when it holds data. Returns the numbers applied. Raises DatabaseError.

    `is_kept`: make that backup.
    """
    with translated(), contextlib.closing(connect_whole(path)) as connection:
        version = schema_version(connection)
        numbers = migrate.pending(version)
        if numbers and version and is_kept:
            backup_file(
                path, path.with_name("backups") / f"before-schema-{numbers[0]:04d}-{time.time_ns()}.db"
            )
        for number in numbers:
            _apply(connection, number)
        _drop_moved(connection)
        if numbers:
            _assume_sizes(connection)
        if any(number in migrate.derived() for number in numbers):
            _attach_new(connection, path)
            _number_anew(connection, belongs=version == 0)
    return numbers


def connect_whole(path: Path) -> apsw.Connection:
    """A connection to a database, or to a new one. A file that is there and empty is neither. Raises apsw.Error."""
    if path.exists() and not path.stat().st_size:
        raise apsw.NotADBError(f"{path.name} is empty")
    return connect(path, 2048)


def _apply(connection: apsw.Connection, number: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if schema_version(connection) >= number:
            return
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT NOT NULL PRIMARY KEY)"
        )
        _create(connection, migrate.migrations()[number])
        connection.execute("INSERT INTO schema_migration VALUES (?)", (number,))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


ROWS_OF_A_WEBSITE = 100_000


def _assume_sizes(connection: apsw.Connection) -> None:
    """Tell the planner what large tables look like, so that plans are the same on every machine at any time.

    By default it expects ten rows for a website, and walks them all where an index leads to the one it needs. Each further column of
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


def _create(connection: apsw.Connection, text: str) -> None:
    for statement in migrate.statements_of(text):
        is_table = statement.startswith("CREATE TABLE")
        connection.execute(re.sub(r"\)\s*$", ") WITHOUT ROWID", statement) if is_table else statement)


def _drop_moved(connection: apsw.Connection) -> None:
    """Drop derived tables from the database itself, where older versions kept them."""
    for text in migrate.derived().values():
        for name in _TABLE.findall(text):
            connection.execute(f"DROP TABLE IF EXISTS {name}")


def empty_derived() -> bytes:
    """The bytes of a file with empty derived tables."""
    with contextlib.closing(apsw.Connection("")) as connection:
        for text in migrate.derived().values():
            _create(connection, text)
        _assume_sizes(connection)
        return connection.serialize("main")


def _attach_new(connection: apsw.Connection, path: Path) -> None:
    """Create the derived tables of the database `path`, empty, in place of any that exist, and attach them."""
    remove_database(derived_path(path))
    derived_path(path).write_bytes(empty_derived())
    connect(derived_path(path), 2048).close()  # so that it has a write-ahead log, which is kept in the file
    attach_derived(connection, path)


def attach_derived(connection: apsw.Connection, path: Path) -> None:
    """Attach the derived tables of the database `path`, which must exist. Raises apsw.Error."""
    connection.execute("ATTACH ? AS derived", (str(derived_path(path)),))


def pair_derived(path: Path) -> bool:
    """Whether the derived tables belong to the database `path`; else they are made, empty. For a server that starts. Raises DatabaseError."""
    with translated(), contextlib.closing(connect(path, 2048)) as connection:
        belongs = attach_pair(connection, path)
        if not belongs:
            if derived_path(path).exists():
                get_logger("sqlite").warning(
                    "the index is made anew: its file is damaged, or another database's",
                    file=str(derived_path(path)),
                )
            _attach_new(connection, path)
        _number_anew(connection, belongs=belongs)
    return belongs


def attach_pair(connection: apsw.Connection, path: Path) -> bool:
    """The same as `attach_derived`, if the derived tables are there and belong to the database; whether they do. Raises apsw.Error."""
    number = _number_of_derived(path)
    if number == 0 or number != _number(connection, "main"):
        return False
    attach_derived(connection, path)
    return True


def _number_of_derived(path: Path) -> int:
    """The number in the file of derived tables of the database `path`; 0 when it is missing or damaged. Raises apsw.Error."""
    if not derived_path(path).exists():
        return 0
    try:
        with contextlib.closing(connect(derived_path(path), 1024)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            return _number(connection, "main")
    except _DAMAGES:
        return 0


def unpair_derived(path: Path) -> None:
    """Part the derived tables from the database `path`, so that the next start recreates them. Raises DatabaseError."""
    with translated(), contextlib.closing(connect(path, 2048)) as connection:
        connection.execute("PRAGMA user_version = 0")


def empty_anew(connection: apsw.Connection) -> None:
    """Recreate the derived tables, empty, over a connection to their file, however damaged, while others read it. Raises apsw.Error."""
    with contextlib.suppress(apsw.Error):
        connection.execute("ROLLBACK")
    with contextlib.suppress(apsw.Error):  # it has to know that the file has a write-ahead log
        connection.execute("SELECT 1 FROM sqlite_schema").fetchall()
    connection.config(apsw.SQLITE_DBCONFIG_RESET_DATABASE, 1)
    try:
        connection.execute("VACUUM")
    finally:
        connection.config(apsw.SQLITE_DBCONFIG_RESET_DATABASE, 0)
    with connection:
        for text in migrate.derived().values():
            _create(connection, text)
        connection.execute(f"PRAGMA user_version = {_new_number()}")
    _assume_sizes(connection)


def _number_anew(connection: apsw.Connection, *, belongs: bool) -> None:
    """Give the attached derived tables a new number, and the database the same if they belong to it."""
    connection.execute(f"PRAGMA derived.user_version = {_new_number()}")
    connection.execute(f"PRAGMA main.user_version = {_number(connection, 'derived') if belongs else 0}")


def _new_number() -> int:
    return secrets.randbelow(2**31 - 1) + 1


def adopt_derived(path: Path) -> None:
    """Pair the derived tables with the database `path`, which lists what they still lack. Raises DatabaseError."""
    with translated(), contextlib.closing(connect(path, 2048)) as connection:
        attach_derived(connection, path)
        connection.execute(f"PRAGMA main.user_version = {_number(connection, 'derived')}")


def _number(connection: apsw.Connection, which: str) -> int:
    row = connection.execute(f"PRAGMA {which}.user_version").fetchone()
    return int(row[0]) if row else 0

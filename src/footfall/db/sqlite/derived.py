"""The derived tables, in a file of their own beside the embedded database.

A server writes them in steps whose transaction goes on over many batches of calls, on a connection of its own: so no call waits for their
pages, and a page that a thousand steps changed is written once. Measured in docs/decisions/0010-derived-tables-apart.md. A command has them
attached to its one connection instead, and its transactions reach both.
"""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path

import apsw

from footfall.db.protocol import Transaction
from footfall.db.sqlite.connection import (
    PAGE_SIZE,
    READERS_MS,
    connect,
    derived_path,
    start_log_anew,
    translated,
)
from footfall.db.sqlite.schema import adopt_derived, attach_pair, empty_anew, empty_derived, unpair_derived
from footfall.db.sqlite.transaction import SqliteTransaction
from footfall.db.writer import Writer
from footfall.errors import DatabaseError
from footfall.log import get_logger

CACHE_KIB, ATTACHED_CACHE_KIB = 32 * 1024, 16 * 1024
LONG_LOG = 64 * 1024 * 1024 // PAGE_SIZE
"""Pages of write-ahead log that are too many: then wait for readers and restart it. Usually nobody reads while it is copied."""


def attach_own_derived(connection: apsw.Connection, path: Path) -> bool:
    """Let a command's connection to the database `path` see its derived tables, and write them while no server runs. Raises apsw.Error.

    False when they are missing or belong to another database. They look empty until the next server rebuilds them.
    """
    is_pair = attach_pair(connection, path)
    if is_pair:
        connection.execute("PRAGMA derived.secure_delete = ON")
        connection.execute(f"PRAGMA derived.cache_size = -{ATTACHED_CACHE_KIB}")
    else:
        connection.execute("ATTACH ':memory:' AS derived")
        connection.deserialize("derived", empty_derived())
    return is_pair


class DerivedFile:
    """The connection through which a server writes derived tables of the database `path`. Its methods raise DatabaseError.

    `tx` is used inside batches of the writer, which translates errors: it raises apsw.Error.
    """

    def __init__(self, path: Path) -> None:
        with translated():
            self._connection = connect(derived_path(path), CACHE_KIB)
        self._tx = SqliteTransaction(self._connection)
        self._is_begun = False
        self._losses = 0
        self.is_suspected = False
        """Whether something was read that is damaged, maybe here."""

    def suspect(self, error: BaseException | None) -> None:
        """Note an error that a step, or a reader of what steps wrote, ran into."""
        if isinstance(error, apsw.CorruptError | apsw.NotADBError):
            self.is_suspected = True

    def make_anew(self) -> None:
        """Recreate the file, empty, while others read it."""
        with translated():
            empty_anew(self._connection)
        self._is_begun = self.is_suspected = False

    @property
    def tx(self) -> Transaction:
        """The open transaction, or a new one."""
        if not self._connection.in_transaction:
            self._losses += self._is_begun  # SQLite rolls back by itself when the disk is full
            self._is_begun = True
            self._connection.execute("BEGIN IMMEDIATE")
        return self._tx

    def commit(self) -> int:
        """Commit the open transaction and copy the write-ahead log into the file. Returns how many transactions were lost so far."""
        connection = self._connection
        self._losses += self._is_begun and not connection.in_transaction
        self._is_begun = False
        try:
            with translated():
                if connection.in_transaction:
                    connection.execute("COMMIT")
                    log, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                    if log > LONG_LOG:
                        start_log_anew(connection, apsw.SQLITE_CHECKPOINT_RESTART, READERS_MS)
        except DatabaseError:
            self._losses += 1
            with translated():
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            raise
        return self._losses

    def truncate_log(self) -> bool:
        """Commit, and truncate the write-ahead log. False when a reader still needs it."""
        self.commit()
        return start_log_anew(self._connection, apsw.SQLITE_CHECKPOINT_TRUNCATE, READERS_MS)

    def close(self) -> None:
        """Commit and disconnect."""
        with contextlib.suppress(DatabaseError):
            self.commit()
        self._connection.close()


class SqliteDerived:
    """The derived tables of a server; see `db.protocol.DerivedStore`. `is_new`: whether their file was made at this start."""

    _is_mended = False

    def __init__(self, path: Path, file: DerivedFile, writer: Writer, *, is_new: bool) -> None:
        """`path`: of the database; `writer`: through which steps write to `file`."""
        self._path = path
        self._file = file
        self._writer = writer
        self._log = get_logger("sqlite")
        self.is_new = is_new

    async def mark_filled(self) -> None:
        await self._writer.between(functools.partial(adopt_derived, self._path))

    async def flush(self) -> int:
        return await self._writer.between_steps(self._file.commit)

    async def mend(self) -> bool:
        """Rebuilds once in the life of a process: if that does not help, something else is damaged."""
        if not self._file.is_suspected or self._is_mended:
            return False
        self._is_mended = True
        file = str(derived_path(self._path))
        self._log.warning("the index is made anew: its file is damaged", file=file)
        await self._writer.between(functools.partial(unpair_derived, self._path))
        await self._writer.between_steps(self._file.make_anew)
        return True

    def limit_bulk(self, most: int | None) -> None:
        self._writer.most_bulk = most


class ServerTransaction(SqliteTransaction):
    """A transaction on a server's connection to the database; derived tables are written elsewhere."""

    def __init__(self, connection: apsw.Connection, derived: DerivedFile) -> None:
        super().__init__(connection)
        self._derived = derived

    @property
    def derived(self) -> Transaction:
        return self._derived.tx

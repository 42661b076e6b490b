"""The connection that writes to the embedded database, of the server or of a command.

docs/decisions/0002-sqlite-settings.md gives the measurements.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import apsw

from footfall.db import migrate
from footfall.db.protocol import Transaction
from footfall.db.sqlite.connection import (
    BUSY_TIMEOUT_MS,
    PAGE_SIZE,
    READERS_MS,
    connect,
    ours,
    start_log_anew,
    translated,
)
from footfall.db.sqlite.derived import (
    DerivedFile,
    ServerTransaction,
    attach_own_derived,
)
from footfall.db.sqlite.schema import migrate_file, schema_version
from footfall.db.sqlite.transaction import SqliteTransaction

C = TypeVar("C")
R = TypeVar("R")

COPY_EVERY = 3 * 1024 * 1024 // PAGE_SIZE
"""Pages of write-ahead log after which the checkpoint thread copies them into the database: little at a time, so that no commit
waits long behind it."""
MAKE_ROOM_AT = 104 * 1024 * 1024 // PAGE_SIZE
"""Pages of write-ahead log at which the writer restarts it, whatever is left to copy."""
LONG_READERS_MS = 250
"""How long the writer waits for readers once the log is that long."""
_STORE_ERRORS = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.FullError,
    apsw.IOError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
)
"""Errors of the store itself; all others belong to one call."""


class SqliteSession:
    """A connection that writes: the server has one, which writes derived tables through `derived`, and each command."""

    is_local = True
    is_derived_new = False

    def __init__(self, path: Path, cache_kib: int = 16 * 1024, derived: DerivedFile | None = None) -> None:
        with translated():
            self.connection = connect(path, cache_kib)
            self.connection.set_wal_hook(self._wal_grew)
        if derived is None:
            with translated():
                self.is_derived_new = not attach_own_derived(self.connection, path)
            # Locks the database alone, where BEGIN IMMEDIATE would lock the derived tables, to which a server may be writing.
            self._begin = "BEGIN; DELETE FROM main.schema_migration WHERE 0"
            self._tx = SqliteTransaction(self.connection)
        else:
            self._begin = "BEGIN IMMEDIATE"
            self._tx = ServerTransaction(self.connection, derived)
        self._derived = derived
        self.wal_pages = 0
        self.checkpoint = threading.Lock()
        self.may_restart_log = False
        self._make_room_at = MAKE_ROOM_AT

    def begin(self, *, wait: bool = True, is_slow: bool = False) -> Transaction:
        if not wait:
            self.connection.set_busy_timeout(0)
        try:
            self.connection.execute(self._begin)
        except apsw.Error as error:
            self.rollback()
            raise ours(error) from error
        finally:
            if not wait:
                self.connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        return self._tx

    def commit(self) -> None:
        with translated():
            self.connection.execute("COMMIT")

    def rollback(self) -> None:
        with translated():
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    def translate(self, error: Exception) -> Exception:
        if self._derived is not None:
            self._derived.suspect(error)
        return ours(error) if isinstance(error, _STORE_ERRORS) else error

    def transact(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` in one transaction and commit it."""
        try:
            with translated():
                result = work(self.begin())
            self.commit()
        except BaseException:
            self.rollback()
            raise
        self.between_batches()
        return result

    def snapshot(self, work: Callable[[Transaction], R]) -> R:
        """Run `work`, which only reads, on one snapshot of the database."""
        with translated():
            return SqliteTransaction(self.connection).reading(work)

    def mark(self) -> object:
        """Equal to an earlier one only if nothing was committed to the database meanwhile."""
        with translated():
            return self.connection.execute("PRAGMA main.data_version").get, self.connection.total_changes()

    def between_batches(self) -> None:
        if self.wal_pages >= self._make_room_at:
            done = self._checkpoint(apsw.SQLITE_CHECKPOINT_RESTART, LONG_READERS_MS)
            # While a reader of minutes, such as `db verify`, still needs the log, it grows on.
            self._make_room_at = MAKE_ROOM_AT if done else self.wal_pages + COPY_EVERY
        elif self.may_restart_log:
            self._checkpoint(apsw.SQLITE_CHECKPOINT_RESTART, READERS_MS)
        self.may_restart_log = False

    def truncate_log(self) -> bool:
        """Copy the write-ahead log into the database and truncate it. False when a reader still needs it."""
        return self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE, READERS_MS)

    def _checkpoint(self, mode: int, wait_ms: int) -> bool:
        if not self.checkpoint.acquire(timeout=wait_ms / 1000):
            return False
        try:
            is_done = start_log_anew(self.connection, mode, wait_ms)
        finally:
            self.checkpoint.release()
        self.wal_pages = 0 if is_done else self.wal_pages
        return is_done

    def close(self) -> None:
        self.connection.close()

    def _wal_grew(self, _connection: apsw.Connection, name: str, pages: int) -> int:
        self.wal_pages = pages if name == "main" else max(pages, self.wal_pages)
        return apsw.SQLITE_OK


def open_session(path: Path) -> SqliteSession:
    """A session for a command; an empty database gets its schema. Raises SchemaMismatch when the schema is another one."""
    if not path.exists():
        migrate_file(path)
    session = SqliteSession(path)
    version = schema_version(session.connection)
    if migrate.pending(version) and not version:
        migrate_file(path)
    elif migrate.pending(version):
        session.close()
        raise migrate.too_old(version)
    return session

"""SQLite through apsw: one server owns the file, one thread writes, checkpoints run beside it, two others scan.

Measured reasons stand in docs/decisions/0002-sqlite-settings.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import apsw

from footfall.db import migrate
from footfall.db.protocol import CHANGE_HANDLER, Transaction, WriteHandler
from footfall.db.scans import TOO_LONG, Scans, Turn
from footfall.db.sqlite_derived import (
    ATTACHED_CACHE_KIB,
    DerivedFile,
    ServerTransaction,
    SqliteDerived,
    attach_own_derived,
)
from footfall.db.sqlite_file import (
    BUSY_TIMEOUT_MS,
    FILE_NAME,
    PAGE_SIZE,
    READERS_MS,
    ServerLock,
    cannot_open,
    connect,
    make_folder,
    ours,
    start_log_anew,
    translated,
)
from footfall.db.sqlite_schema import (
    attach_derived,
    migrate_file,
    pair_derived,
    schema_version,
)
from footfall.db.sqlite_transaction import SqliteTransaction
from footfall.db.writer import Writer
from footfall.errors import DatabaseError, Unavailable
from footfall.log import get_logger

C = TypeVar("C")
R = TypeVar("R")

COPY_EVERY = 12 * 1024 * 1024 // PAGE_SIZE
"""Pages of write-ahead log after which the checkpoint thread copies them into the database: little at a time, so that no commit
waits long behind it."""
RESTART_AT = 32 * 1024 * 1024 // PAGE_SIZE
"""Pages of write-ahead log from which on the writer starts it anew once little is left to copy."""
LOOKS_FOR_FILE = 25
"""Rounds of the checkpoint thread, 20 ms each, after which it looks whether the database's file is still there."""
LITTLE = 600
"""Pages of write-ahead log that are little: two batches or three write as many while they are copied."""
MAKE_ROOM_AT = 104 * 1024 * 1024 // PAGE_SIZE
"""Pages of write-ahead log at which the writer starts it anew whatever is left to copy."""
LONG_READERS_MS = 250
"""How long the writer waits for readers once the log is that long."""
SCRUB_SECONDS = 1.5
"""How long `scrub` waits for readers, over and over and with live calls between."""
SCANNERS, SCANNERS_OF_ONE = 2, 1
"""Connections that scan, each on a thread of its own, and how many of them one website may have."""
STEPS_BETWEEN_LOOKS = 50_000
"""Of SQLite's machine, a millisecond's work or so, after which a scan looks whether to go on."""
BATCH_SIZE = 512
WRITER_CACHE_KIB = 24 * 1024
READER_CACHE_KIB = 8 * 1024


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
"""The store's own troubles; all other errors are those of one call."""


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
        """Run `work`, which only reads, on one state of the database."""
        with translated():
            return SqliteTransaction(self.connection).reading(work)

    def between_batches(self) -> None:
        if self.wal_pages >= self._make_room_at:
            done = self._checkpoint(apsw.SQLITE_CHECKPOINT_RESTART, LONG_READERS_MS)
            # While a reader of minutes, such as `db verify`, still needs the log, it grows on.
            self._make_room_at = MAKE_ROOM_AT if done else self.wal_pages + COPY_EVERY
        elif self.may_restart_log:
            self._checkpoint(apsw.SQLITE_CHECKPOINT_RESTART, READERS_MS)
        self.may_restart_log = False

    def truncate_log(self) -> bool:
        """Copy the write-ahead log into the database and cut it to nothing; False when a reader still needs it."""
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


class _Checkpointer:
    """A thread that copies the write-ahead log into the database, so that the writer rarely has to."""

    def __init__(self, path: Path, session: SqliteSession, database_file: int) -> None:
        self._path = path
        self._session = session
        self._database_file = database_file
        self._stop = threading.Event()
        self._is_failing = False
        self._log = get_logger("checkpoint")
        self.ended: Future[None] = Future()
        """When and how the thread ended."""
        self._thread = threading.Thread(target=self._run, name="checkpoint", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)

    def _work(self) -> None:
        connection = connect(self._path, 1024)
        connection.execute(
            "SELECT 1 FROM sqlite_schema"
        ).fetchone()  # before a first read, a checkpoint does nothing
        session, copied, looks = self._session, 0, 0
        while not self._stop.wait(0.02):
            looks += 1
            if looks % LOOKS_FOR_FILE == 0 and not self._is_there():
                raise DatabaseError(f"{self._path} was removed or replaced while the server ran")
            if session.wal_pages < copied:
                copied = 0
            if session.wal_pages - copied >= COPY_EVERY:
                copied = self._copy_most(connection)
                session.may_restart_log = copied >= RESTART_AT
        connection.close()

    def _is_there(self) -> bool:
        """Whether the file that is written to still has its name: else what is acknowledged is lost once this process ends."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._database_file))
        except FileNotFoundError:
            return False

    def _copy_most(self, connection: apsw.Connection) -> int:
        """Copy what is in the log; all but little once it is to be started anew. How many of its pages are copied."""
        before, copied = -1, self._copy(connection)
        while before < copied and copied >= RESTART_AT and self._session.wal_pages - copied > LITTLE:
            before, copied = copied, self._copy(connection)
        return copied

    def _copy(self, connection: apsw.Connection) -> int:
        """Copy what is in the log by now, onto the disk; how many of its pages are copied.

        SQLite syncs the database only once nothing is left to copy, which would be in the writer's hands, with all pages to sync.
        """
        try:
            with self._session.checkpoint:
                log, copied = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            os.fsync(self._database_file)
        except (apsw.Error, OSError) as error:
            log = copied = -1
            reason = str(error)
        else:
            reason = "nothing was read yet"
        if log < 0 and not self._is_failing:
            self._log.warning("the write-ahead log is not copied", reason=reason)
        self._is_failing = log < 0
        return max(copied, 0)


class _Scanner:
    """A connection that scans on a thread."""

    def __init__(self, path: Path) -> None:
        self._connection = connection = connect(path, 4 * 1024, read_only=True)
        attach_derived(connection, path)
        # Mapped, it would end this process if somebody cut the file off; read, it is an error, and the tables are made anew.
        connection.execute("PRAGMA derived.mmap_size = 0")
        connection.execute(f"PRAGMA derived.cache_size = -{ATTACHED_CACHE_KIB}")
        connection.exec_trace = self._may_go_on
        connection.set_progress_handler(self._is_over, STEPS_BETWEEN_LOOKS)
        self._log = get_logger("sqlite")
        self._turn: Turn | None = None
        self._is_ended = False

    def scan(self, work: Callable[[Transaction], R], turn: Turn) -> R:
        """The result of `work`. Raises DatabaseError, and Unavailable when it takes too long."""
        self._turn = turn
        try:
            with translated():
                return SqliteTransaction(self._connection).reading(work)
        except DatabaseError as error:
            if self._is_ended or not turn.is_over():
                raise
            if turn.is_late():
                self._log.warning("a scan was given up")
            raise Unavailable(TOO_LONG) from error

    def _is_over(self) -> bool:
        return self._is_ended or (self._turn is not None and self._turn.is_over())

    def _may_go_on(self, _cursor: object, text: str, _params: object) -> bool:
        """A scan may also be many short statements."""
        return text == "COMMIT" or not self._is_over()

    def end(self) -> None:
        """From any thread: end the scan that is at work, and each later one."""
        self._is_ended = True
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()


class SqliteDatabase:
    """The embedded database in a folder; see `db.protocol.Database`."""

    engine = "sqlite"
    _scrubbing: asyncio.Task[None] | None = None

    def __init__(self, folder: Path, queue_size: int) -> None:
        self.path = folder / FILE_NAME
        self._folder = folder
        self._queue_size = queue_size
        self._log = get_logger("sqlite")

    async def open(self) -> None:
        make_folder(self._folder)
        async with contextlib.AsyncExitStack() as opened:
            try:
                with translated():
                    self._open(opened)
            except (DatabaseError, OSError) as error:
                raise cannot_open(self._folder, error) from error
            self._opened = opened.pop_all()

    def _open(self, opened: contextlib.AsyncExitStack) -> None:
        """Open everything, and note with `opened` how to close it: in the opposite order. Raises DatabaseError, OSError and apsw.Error."""
        lock = ServerLock(self._folder)
        opened.callback(lock.release)
        migrate_file(self.path)
        is_derived_new = not pair_derived(self.path)
        # To be closed last: closing a file drops the locks that SQLite has on it in this process.
        database_file = os.open(self.path, os.O_RDONLY)
        opened.callback(os.close, database_file)
        opened.callback(self._empty_logs)
        self._reader = connect(self.path, READER_CACHE_KIB, read_only=True)
        opened.callback(self._reader.close)
        self._read_tx = SqliteTransaction(self._reader)
        self._is_reading = False
        scanners = []
        for _ in range(SCANNERS):
            scanners.append(_Scanner(self.path))
            opened.callback(scanners[-1].close)
        self._scans = Scans(scanners, SCANNERS_OF_ONE)
        opened.push_async_callback(self._scans.close)
        for scanner in scanners:
            opened.callback(scanner.end)
        self._derived_file = DerivedFile(self.path)
        opened.push_async_callback(asyncio.to_thread, self._derived_file.close)
        self._session = SqliteSession(self.path, WRITER_CACHE_KIB, self._derived_file)
        self._checkpointer = _Checkpointer(self.path, self._session, database_file)
        opened.callback(self._checkpointer.close)
        self._writer = Writer(self._session, self._queue_size, BATCH_SIZE)
        opened.push_async_callback(self._writer.close)
        self.derived = SqliteDerived(self.path, self._derived_file, self._writer, is_new=is_derived_new)

    def vitals(self) -> dict[str, asyncio.Future[Any]]:
        return {**self._writer.vitals("writer"), "checkpoints": asyncio.wrap_future(self._checkpointer.ended)}

    async def close(self) -> None:
        if self._scrubbing is not None:
            self._scrubbing.cancel()
        await self._opened.aclose()

    def _empty_logs(self) -> None:
        """Copy the write-ahead logs into their files, unless others read them; the next start does it otherwise."""
        try:
            with contextlib.closing(connect(self.path, 1024, read_only=True)) as connection:
                attach_derived(connection, self.path)
                connection.execute("PRAGMA query_only = OFF")
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            return
        except apsw.Error as error:
            reason = str(ours(error))
            self._log.warning("the write-ahead log stays as it is; nothing is lost", reason=reason)

    def write(self, handler: WriteHandler, call: Any, *, bulk: int | None = None) -> Awaitable[Any]:
        return self._writer.submit(handler, call, bulk is not None)

    def live_calls(self) -> int:
        return self._writer.live_calls

    async def change(self, work: Callable[[Transaction], R]) -> R:
        result: R = await self.write(CHANGE_HANDLER, work)
        return result

    async def scrub(self) -> bool:
        """Deleted rows are overwritten with zeros (secure_delete); what remains of them is in the write-ahead log."""
        deadline = time.monotonic() + SCRUB_SECONDS
        while not await self._truncate_log():
            if time.monotonic() > deadline:
                if self._scrubbing is None or self._scrubbing.done():
                    self._scrubbing = asyncio.create_task(self._scrub_later())
                return False
            await asyncio.sleep(5 * READERS_MS / 1000)
        return True

    async def _truncate_log(self) -> bool:
        try:
            done = await self._writer.between_steps(self._derived_file.truncate_log)
            done &= await self._writer.between(self._session.truncate_log)
        except DatabaseError as error:
            self._log.warning("housekeeping failed", reason=str(error))
            done = False
        return done

    async def _scrub_later(self) -> None:
        """Scrub as soon as the readers have left that need the log now."""
        await asyncio.sleep(1.0)
        while not await self._truncate_log():
            await asyncio.sleep(1.0)
        self._log.info("what was deleted is gone from the write-ahead log")

    async def read(self, handler: Callable[[Transaction, C], R], call: C) -> R:
        """Reads of one turn of the event loop share a snapshot: to begin and end one costs as much as two look-ups.

        A caller who was told of a commit asks again in a later turn, and so sees it.
        """
        try:
            if not self._is_reading:
                self._reader.execute("BEGIN")
                self._is_reading = True
                asyncio.get_running_loop().call_soon(self._end_snapshot)
            return handler(self._read_tx, call)
        except apsw.Error as error:
            raise ours(error) from error

    def _end_snapshot(self) -> None:
        self._is_reading = False
        self._reader.execute("COMMIT")

    async def scan(self, handler: Callable[[Transaction, C], R], call: C, *, share: bytes = b"") -> R:
        def work(scanner: _Scanner, turn: Turn) -> R:
            return scanner.scan(lambda tx: handler(tx, call), turn)

        try:
            return await self._scans.run(share, work)
        except DatabaseError as error:
            self._derived_file.suspect(error.__cause__)
            raise

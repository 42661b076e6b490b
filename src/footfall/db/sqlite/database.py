"""SQLite through apsw: one server owns the file, one thread writes, checkpoints run beside it, two others scan."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import apsw

from footfall.db.protocol import CHANGE_HANDLER, DatabaseFigures, Transaction, WriteHandler
from footfall.db.scans import Scans, Turn
from footfall.db.sqlite.checkpoints import Checkpointer
from footfall.db.sqlite.connection import (
    FILE_NAME,
    MAPPED_BYTES,
    PAGE_SIZE,
    READERS_MS,
    ServerLock,
    cannot_open,
    connect,
    make_folder,
    ours,
    translated,
)
from footfall.db.sqlite.derived import (
    DerivedFile,
    SqliteDerived,
)
from footfall.db.sqlite.scanner import Scanner
from footfall.db.sqlite.schema import attach_derived, migrate_file, pair_derived
from footfall.db.sqlite.session import SqliteSession
from footfall.db.sqlite.transaction import SqliteTransaction
from footfall.db.writer import Writer, figures_of
from footfall.errors import DatabaseError
from footfall.log import get_logger

C = TypeVar("C")
R = TypeVar("R")

SCRUB_SECONDS = 1.5
"""How long `scrub` waits for readers at a time; live calls run in between."""
SCANNERS, SCANNERS_OF_ONE = 2, 1
"""Connections for scans, each on its own thread, and how many of them one website may use."""
BATCH_SIZE = 512
WRITER_CACHE_KIB = 24 * 1024
READER_CACHE_KIB = 8 * 1024


class SqliteDatabase:
    """The embedded database in a folder; see `db.protocol.Database`."""

    engine = "sqlite"
    _scrubbing: asyncio.Task[None] | None = None

    def __init__(self, folder: Path, queue_size: int, mapped_bytes: int = MAPPED_BYTES) -> None:
        """`mapped_bytes`: of the file that each of its reading connections may map into memory."""
        self.path = folder / FILE_NAME
        self._folder = folder
        self._queue_size = queue_size
        self._mapped_bytes = mapped_bytes
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
        """Open everything, and register with `opened` how to close it, in reverse order. Raises DatabaseError, OSError and apsw.Error."""
        lock = ServerLock(self._folder)
        opened.callback(lock.release)
        migrate_file(self.path)
        is_derived_new = not pair_derived(self.path)
        # To be closed last: closing a file drops the locks that SQLite has on it in this process.
        database_file = os.open(self.path, os.O_RDONLY)
        opened.callback(os.close, database_file)
        opened.callback(self._empty_logs)
        mapped = self._mapped_bytes
        self._reader = connect(self.path, READER_CACHE_KIB, read_only=True, mapped_bytes=mapped)
        opened.callback(self._reader.close)
        self._read_tx = SqliteTransaction(self._reader)
        self._is_reading = False
        scanners = []
        for _ in range(SCANNERS):
            scanners.append(Scanner(self.path, mapped))
            opened.callback(scanners[-1].close)
        self._scans = Scans(scanners, SCANNERS_OF_ONE)
        opened.push_async_callback(self._scans.close)
        for scanner in scanners:
            opened.callback(scanner.end)
        self._derived_file = DerivedFile(self.path)
        opened.push_async_callback(asyncio.to_thread, self._derived_file.close)
        self._session = SqliteSession(self.path, WRITER_CACHE_KIB, self._derived_file)
        self._checkpointer = Checkpointer(self.path, self._session, database_file)
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
        """Copy the write-ahead logs into their files, unless somebody reads them; then the next start does it."""
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

    def figures(self) -> DatabaseFigures:
        size = self.path.stat().st_size if self.path.exists() else 0
        return figures_of([self._writer], size, self._session.wal_pages * PAGE_SIZE)

    async def change(self, work: Callable[[Transaction], R]) -> R:
        result: R = await self.write(CHANGE_HANDLER, work)
        return result

    async def scrub(self) -> bool:
        """SQLite overwrites deleted rows with zeros (secure_delete). Copies of them remain in the write-ahead log."""
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
        """Scrub as soon as the readers that need the log now are done."""
        await asyncio.sleep(1.0)
        while not await self._truncate_log():
            await asyncio.sleep(1.0)
        self._log.info("what was deleted is gone from the write-ahead log")

    async def read(self, handler: Callable[[Transaction, C], R], call: C) -> R:
        """Reads in one turn of the event loop share a snapshot, which costs as much to begin and end as two look-ups.

        A caller who learned of a commit reads in a later turn, and so sees it.
        """
        try:
            if not self._is_reading:
                self._reader.execute("BEGIN")
                self._is_reading = True
                asyncio.get_running_loop().call_soon(self._end_snapshot)
            return handler(self._read_tx, call)
        except apsw.Error as error:
            raise ours(error) from error

    async def gather(self, handler: Callable[[Transaction, list[C]], list[R]], call: C) -> R:
        return (await self.read(handler, [call]))[0]

    def _end_snapshot(self) -> None:
        self._is_reading = False
        self._reader.execute("COMMIT")

    async def scan(self, handler: Callable[[Transaction, C], R], call: C, *, share: bytes = b"") -> R:
        def work(scanner: Scanner, turn: Turn) -> R:
            return scanner.scan(lambda tx: handler(tx, call), turn)

        try:
            return await self._scans.run(share, work)
        except DatabaseError as error:
            self._derived_file.suspect(error.__cause__)
            raise

"""The thread that copies the write-ahead log into the database.

docs/decisions/0002-sqlite-settings.md gives the measurements.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import apsw

from footfall.db.sqlite.connection import (
    PAGE_SIZE,
    connect,
)
from footfall.db.sqlite.session import COPY_EVERY, SqliteSession
from footfall.errors import DatabaseError
from footfall.log import get_logger

C = TypeVar("C")
R = TypeVar("R")

RESTART_AT = 32 * 1024 * 1024 // PAGE_SIZE
"""Pages of write-ahead log at which the writer restarts it, once little is left to copy."""
LOOKS_FOR_FILE = 25
"""Rounds of the checkpoint thread, 20 ms each, between checks that the database file is still there."""
LITTLE = 600
"""Pages of write-ahead log that count as little: two or three batches write as many while they are copied."""


class Checkpointer:
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
        """Whether the open database file still has its name. If not, acknowledged writes are lost when this process ends."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._database_file))
        except FileNotFoundError:
            return False

    def _copy_most(self, connection: apsw.Connection) -> int:
        """Copy the log, or nearly all of it once the log is due for a restart. Returns how many of its pages are copied."""
        before, copied = -1, self._copy(connection)
        while before < copied and copied >= RESTART_AT and self._session.wal_pages - copied > LITTLE:
            before, copied = copied, self._copy(connection)
        return copied

    def _copy(self, connection: apsw.Connection) -> int:
        """Copy what the log holds now and sync it. Returns how many of its pages are copied.

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

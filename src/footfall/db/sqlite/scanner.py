"""A connection that scans the embedded database on a thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from footfall.db.protocol import Transaction
from footfall.db.scans import TOO_LONG, Turn
from footfall.db.sqlite.connection import (
    connect,
    translated,
)
from footfall.db.sqlite.derived import (
    ATTACHED_CACHE_KIB,
)
from footfall.db.sqlite.schema import attach_derived
from footfall.db.sqlite.transaction import SqliteTransaction
from footfall.errors import DatabaseError, Unavailable
from footfall.log import get_logger

C = TypeVar("C")
R = TypeVar("R")

STEPS_BETWEEN_LOOKS = 50_000
"""Steps of SQLite's virtual machine, about a millisecond's work, between checks whether a scan may go on."""


class Scanner:
    """A connection that scans on a thread."""

    def __init__(self, path: Path, mapped_bytes: int) -> None:
        """`mapped_bytes`: of the database file that it may map into memory."""
        self._connection = connection = connect(path, 4 * 1024, read_only=True, mapped_bytes=mapped_bytes)
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
        """From any thread: end the running scan and refuse later ones."""
        self._is_ended = True
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()

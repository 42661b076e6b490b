"""A question to the file, on a thread of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Protocol

import duckdb

from footfall.columns.file import ColumnFile, FileClosed, is_damage
from footfall.columns.wire import AWAY, TOO_LONG_TOLD, TOO_MUCH_TOLD, Ask, Failed, Reply, Rows

REPLACED_SECONDS = 15.0
"""How long a query waits for a file that is being put in place: so long as others under way may take, and some more."""


class HasFile(Protocol):
    """Whoever keeps the file."""

    def standing_file(self, seconds: float) -> ColumnFile | None:
        """The file that answers; None: there is none that could be used. Waits for so long while one takes the place of another. For any thread."""

    def suspect(self, damage: str) -> None:
        """Take note of what a query found wrong with the file. For any thread."""


class FileQuery:
    """One query, on a thread of its own."""

    def __init__(self, keeper: HasFile, asked: Ask) -> None:
        self._keeper = keeper
        self._asked = asked
        self._lock = threading.Lock()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._is_cut_off = False

    def run(self) -> Reply:
        """Its rows, or why there are none."""
        for _ in range(2):  # the file may be replaced in between
            if (file := self._keeper.standing_file(REPLACED_SECONDS)) is None:
                break
            with contextlib.suppress(FileClosed), file.cursor() as cursor, self._held(cursor):
                return self._answer(cursor)
        return AWAY

    @contextlib.contextmanager
    def _held(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        with self._lock:
            self._cursor = cursor
        try:
            yield
        finally:
            with self._lock:
                self._cursor = None

    def _answer(self, cursor: duckdb.DuckDBPyConnection) -> Reply:
        if self._is_cut_off:
            return TOO_LONG_TOLD
        try:
            return Rows(
                [list(row) for row in cursor.execute(self._asked.text, self._asked.values).fetchall()]
            )
        except duckdb.InterruptException:
            return TOO_LONG_TOLD
        except duckdb.OutOfMemoryException:
            return TOO_MUCH_TOLD
        except duckdb.Error as error:
            if is_damage(error):
                self._keeper.suspect(str(error))
                return AWAY
            return Failed("wrong", f"{type(error).__name__}: {error}")

    def cut_off(self) -> None:
        """End it soon."""
        with self._lock:
            self._is_cut_off = True
            if self._cursor is not None:
                self._cursor.interrupt()

"""Keeps the columns of a database: opens or makes them, feeds them, and sees to it that nothing erased is left in their file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic

from footfall.columns.feeder import Fed, Feeder, Reader
from footfall.columns.file import FILE_NAME, ColumnFile, FileLimits, Settling, swap_in
from footfall.columns.rebuild import fresh_path, rebuild
from footfall.errors import ColumnsUnusable
from footfall.log import get_logger

SETTLE_SECONDS = 10.0
"""Between two times at which all is put on disk for good, and the database forgets changes."""
REWRITE_SECONDS = 3600.0
"""The file is copied at most that often, so that what was erased is gone from it: seconds of work for ten million events."""

Write = Callable[[Settling], None]
"""Gives what `outbox.store.settle` takes to whoever writes to the database, and returns once it is committed. Raises DatabaseError."""


class ColumnKeeper:
    """The columns in a folder. `file`: None while there are none that could be used."""

    def __init__(self, reader: Reader, folder: Path, write: Write, limits: FileLimits | None = None) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._reader = reader
        self._write = write
        self._limits = limits or FileLimits()
        self._feeder: Feeder | None = None
        self.path = folder / FILE_NAME
        self._settled_at = self._rewritten_at = -REWRITE_SECONDS
        self._log = get_logger("columns")

    @property
    def file(self) -> ColumnFile | None:
        """The file that answers."""
        return self._feeder.file if self._feeder else None

    def open(self) -> bool:
        """Open the columns that there are; False if they have to be made anew."""
        self.close()
        try:
            file = ColumnFile(self.path, self._limits)
        except ColumnsUnusable as error:
            self._log.warning("the columns are made anew", reason=str(error))
            return False
        try:
            self._feeder = Feeder(self._reader, file)
        except ColumnsUnusable as error:
            self._log.warning("the columns are made anew", reason=str(error))
            file.close()
        except BaseException:
            file.close()
            raise
        return self._feeder is not None

    def rebuild(self, progress: Callable[[int], None] = lambda visitors: None) -> None:
        """Make the columns anew, and let them take the place of those there are. Raises DatabaseError."""
        token = rebuild(self._reader, self.path, self._limits, progress)
        self._write(Settling([], token))
        self._swap()

    def _swap(self) -> None:
        self.close()
        swap_in(fresh_path(self.path), self.path)
        if not self.open():
            raise ColumnsUnusable("the columns that were just made cannot be used")

    def step(self) -> Fed:
        """Feed what changed, and see to the file when it is time. Raises DatabaseError; ColumnsUnusable: they have to be made anew."""
        if self._feeder is None:
            raise ColumnsUnusable("there are no columns yet")
        fed = self._feeder.step()
        now = monotonic()
        if now - self._settled_at >= SETTLE_SECONDS:
            self._feeder.settle(self._write)
            self._settled_at = now
        if (
            self._feeder.file.holds_erased
            and not fed.has_more
            and now - self._rewritten_at >= REWRITE_SECONDS
        ):
            self.rewrite()
            self._rewritten_at = now
        return fed

    def rewrite(self) -> None:
        """Copy the file, so that nothing of what was removed from it is left. Raises DatabaseError."""
        if self._feeder is not None:
            self._feeder.file.copy(fresh_path(self.path))
            self._swap()

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._feeder is not None:
            self._feeder.file.close()
        self._feeder = None

"""Keeps the columns of a database: opens or makes them, feeds them, and sees to it that nothing erased is left in their file.

It only reads the database. What has to be written there, which changes may be forgotten and which columns belong to it, whoever writes to it asks
for (`settling`), and says when that is done (`settled`). All but `file` and its queries is for one thread.
"""

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


class ColumnKeeper:
    """The columns in a folder."""

    def __init__(self, reader: Reader, folder: Path, limits: FileLimits | None = None) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._reader = reader
        self._limits = limits or FileLimits()
        self._feeder: Feeder | None = None
        self._made: bytes | None = None
        """The token of columns that were made anew and wait to take their place."""
        self._settling: Settling | None = None
        self._settled_at = self._rewritten_at = -REWRITE_SECONDS
        self._damage = ""
        """What a query found wrong with the file."""
        self._log = get_logger("columns")
        self.path = folder / FILE_NAME
        self.visitors_made = 0
        """How many visitors were seen to so far of columns that are being made anew."""

    @property
    def file(self) -> ColumnFile | None:
        """The file that answers; None: there is none that could be used."""
        return self._feeder.file if self._feeder else None

    def open(self) -> bool:
        """Open the columns that there are; False if they have to be made anew. Raises DatabaseError."""
        self.close()
        try:
            file = ColumnFile(self.path, self._limits)
        except ColumnsUnusable as error:
            tell = self._log.warning if self.path.exists() else self._log.info
            tell("the columns are made anew", reason=str(error))
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

    def suspect(self, damage: str) -> None:
        """Take note of what a query found wrong with the file. For any thread."""
        self._damage = damage

    def rebuild(self, progress: Callable[[int], None] = lambda visitors: None) -> None:
        """Make the columns anew, to take the place of those there are once that is settled. Raises DatabaseError."""
        self._made, self.visitors_made = None, 0

        def add(visitors: int) -> None:
            self.visitors_made += visitors
            progress(visitors)

        self._made = rebuild(self._reader, self.path, self._limits, add)

    @property
    def is_waiting(self) -> bool:
        """Whether columns were made anew, and wait to be settled."""
        return self._made is not None

    def step(self) -> Fed:
        """Feed what changed. Raises DatabaseError; ColumnsUnusable when the columns have to be made anew."""
        if self._feeder is None:
            raise ColumnsUnusable("there are no columns yet")
        if self._damage:
            raise ColumnsUnusable(self._damage)
        fed = self._feeder.step()
        is_due = monotonic() - self._rewritten_at >= REWRITE_SECONDS
        if self._feeder.file.holds_erased and is_due and not fed.has_more:
            self._rewrite()
        return fed

    def _rewrite(self) -> None:
        """Copy the file, so that nothing of what was removed from it is left."""
        if self._feeder is not None:
            self._feeder.file.copy(fresh_path(self.path))
            self._settling = None  # the copy knows no more of it
            self._swap()
            self._rewritten_at = monotonic()

    def settling(self) -> Settling | None:
        """What `outbox.store.settle` is to write to the database now; None: nothing. Raises DatabaseError; then it may be asked again."""
        if self._made is not None:
            return Settling([], self._made)
        if self._feeder is None or not self._feeder.file.taken:
            return None
        if monotonic() - self._settled_at < SETTLE_SECONDS:
            return None
        self._settling = self._feeder.file.begin_settling()
        self._settled_at = monotonic()
        return self._settling

    def settled(self, token: bytes) -> None:
        """What `settling` gave with this token is written. Raises DatabaseError."""
        if token == self._made:
            self._made = None
            self._swap()
        elif self._feeder is not None and self._settling is not None and self._settling.token == token:
            self._feeder.file.end_settling()
            self._settling = None

    def _swap(self) -> None:
        self.close()
        swap_in(fresh_path(self.path), self.path)
        if not self.open():
            raise ColumnsUnusable("the columns that were just made cannot be used")

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._feeder is not None:
            self._feeder.file.close()
        self._feeder, self._damage = None, ""

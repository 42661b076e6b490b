"""Keeps the columns of a database: opens or makes them, feeds them, and sees to it that nothing erased is left in their file.

It only reads the database. What has to be written there, which changes may be forgotten and which columns belong to it, whoever writes to it asks
for (`settling`), and says when that is done (`settled`). All but `file` and its queries is for one thread.
"""

from __future__ import annotations

import contextlib
import functools
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

from footfall.clock import system_clock
from footfall.columns.asking import FileQuery
from footfall.columns.feeder import Fed, Feeder, Reader
from footfall.columns.file import (
    FILE_NAME,
    TOKEN_BYTES,
    ColumnFile,
    FileGivenUp,
    FileLimits,
    Settling,
    is_full,
    swap_in,
)
from footfall.columns.rebuild import fresh_path, rebuild
from footfall.columns.wire import Ask
from footfall.errors import ColumnsUnusable
from footfall.log import get_logger
from footfall.outbox.store import ALONE, change_ids, paired_with

SETTLE_SECONDS = 10.0
"""Between two times at which all is put on disk for good, and the database forgets changes."""
SEEN_SECONDS = 600.0
"""At least as often the database hears of the columns, though nothing changed."""
REWRITE_SECONDS = 3600.0
"""The file is copied at most that often, so that what was erased is gone from it: seconds of work for ten million events."""


def read_keeper_id(folder: Path) -> bytes:
    """The id of whoever keeps columns in a folder, on one of several machines; made when there is none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "keeper"
    if not path.exists():
        path.write_bytes(secrets.token_bytes(len(ALONE)))
    return path.read_bytes()


class ColumnKeeper:
    """The columns in a folder. `keeper_id`: by which the database knows who keeps them."""

    def __init__(
        self, reader: Reader, folder: Path, limits: FileLimits | None = None, keeper_id: bytes = ALONE
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._reader = reader
        self._limits = limits or FileLimits()
        self._feeder: Feeder[ColumnFile] | None = None
        self._fresh: bytes | None = None
        """The token of columns that are to be made anew."""
        self._is_kept_for = False
        """Whether the database has that token, and so keeps word of what changes while they are made."""
        self._settling: Settling | None = None
        self._settled_at = self._rewritten_at = -REWRITE_SECONDS
        self._damage = ""
        """What a query found wrong with the file."""
        self._stands = threading.Event()
        """Clear while one file takes the place of another."""
        self._stands.set()
        self._log = get_logger("columns")
        self.keeper_id = keeper_id
        self.path = folder / FILE_NAME
        self.clean_at = 0
        """The file holds nothing that was erased before (ms since epoch)."""
        self.visitors_made = 0
        """How many visitors were seen to so far of columns that are being made anew."""

    @property
    def file(self) -> ColumnFile | None:
        """The file that answers; None: there is none that could be used."""
        return self._feeder.file if self._feeder else None

    def standing_file(self, seconds: float) -> ColumnFile | None:
        """`file`, once no other is taking its place, for which this waits so long at most. For any thread."""
        self._stands.wait(seconds)
        return self.file

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.path.stat().st_size if self.path.exists() else 0

    def query(self, asked: Ask) -> FileQuery:
        """A question, to be asked on another thread."""
        return FileQuery(self, asked)

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
            self._feeder = Feeder(self._reader, file, keeper_id=self.keeper_id)
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

    def prepare(self) -> bool:
        """Get ready to make the columns anew. True once what has to be settled before is, so that `rebuild` may be called."""
        if self._fresh is None:
            self._fresh, self._is_kept_for = secrets.token_bytes(TOKEN_BYTES), False
        return self._is_kept_for

    def rebuild(self, progress: Callable[[int], None] = lambda visitors: None) -> None:
        """Make the columns anew, beside those there are, which `install` then replaces. Raises DatabaseError."""
        assert self._fresh is not None  # noqa: S101 - `prepare` came before
        self.visitors_made = 0

        def add(visitors: int) -> None:
            self.visitors_made += visitors
            progress(visitors)

        rebuild(self._reader, self.path, self._limits, self._fresh, add)

    def install(self) -> None:
        """Put columns that were just made in their place. Raises DatabaseError; ColumnsUnusable when no word was kept for them meanwhile."""
        self._fresh = None
        self._swap()

    def step(self) -> Fed:
        """Feed what changed. Raises DatabaseError; ColumnsUnusable when the columns have to be made anew."""
        if self._feeder is None:
            raise ColumnsUnusable("there are no columns yet")
        if is_full(self._damage):
            self._reopen()
        if self._damage:
            raise ColumnsUnusable(self._damage)
        with self._opened_again():
            return self._fed(self._feeder)

    def _fed(self, feeder: Feeder[ColumnFile]) -> Fed:
        began = system_clock()
        fed = feeder.step()
        is_due = monotonic() - self._rewritten_at >= REWRITE_SECONDS
        if feeder.file.holds_erased and is_due and not fed.has_more:
            self._rewrite()
        if not fed.has_more and self.file and not self.file.holds_erased:
            self.clean_at = began
        return fed

    @contextlib.contextmanager
    def _opened_again(self) -> Iterator[None]:
        """Opens the file again if it is given up meanwhile: so what is in it answers on while the disk is full."""
        try:
            yield
        except FileGivenUp:
            self._reopen()
            raise

    def _reopen(self) -> None:
        self._settling = None
        self._settled_at = monotonic()  # not at once: most likely it is given up again
        with self._replacing():
            if not self.open():
                raise ColumnsUnusable("the columns cannot be opened again")

    def _rewrite(self) -> None:
        """Copy the file, so that nothing of what was removed from it is left."""
        if self._feeder is not None:
            self._feeder.file.copy(fresh_path(self.path))
            self._settling = None  # the copy knows no more of it
            self._swap()
            self._rewritten_at = monotonic()
            self._settled_at = -REWRITE_SECONDS  # the database is to know soon

    def settling(self) -> Settling | None:
        """What is to be told to the database now; None: nothing. Raises DatabaseError; ColumnsUnusable as `step` does."""
        if self._fresh is not None:
            return None if self._is_kept_for else Settling([], self._fresh)
        if self._feeder is None:
            return None
        waited = monotonic() - self._settled_at
        if waited < SETTLE_SECONDS or (waited < SEEN_SECONDS and not self._feeder.file.has_news):
            return None
        paired = self._reader.snapshot(functools.partial(paired_with, keeper_id=self.keeper_id))
        with self._opened_again():
            self._feeder.file.require(paired)
            self._settling = self._feeder.file.begin_settling()
        self._settled_at = monotonic()
        return self._settling

    def settled(self, token: bytes) -> None:
        """What `settling` gave with this token is written. Raises DatabaseError."""
        if token == self._fresh:
            self._is_kept_for = True
        elif self._feeder is not None and self._settling is not None and self._settling.token == token:
            waiting = self._reader.snapshot(change_ids)
            with self._opened_again():
                self._feeder.file.end_settling(waiting)
            self._settling = None

    def _swap(self) -> None:
        with self._replacing():
            self.close()
            swap_in(fresh_path(self.path), self.path)
            if not self.open():
                raise ColumnsUnusable("the columns that were just made cannot be used")

    @contextlib.contextmanager
    def _replacing(self) -> Iterator[None]:
        """Lets queries that begin meanwhile wait until it ends."""
        self._stands.clear()
        try:
            yield
        finally:
            self._stands.set()

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._feeder is not None:
            self._feeder.file.close()
        self._feeder, self._damage = None, ""

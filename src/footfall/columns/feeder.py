"""Brings the columns up to date with the database, step by step.

A step takes changes of which there is word, reads how what they name looks by now, and puts that in place of what the columns say of it. So it
makes no difference in which order changes are taken, how often, or how much of what they tell of is in the database already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Generic, NamedTuple, Protocol, TypeVar

from footfall.clock import Clock, system_clock
from footfall.columns.file import ColumnStep
from footfall.columns.model import number_of
from footfall.columns.reading import (
    FreshRows,
    Millisecond,
    Tails,
    ToDerive,
    Visitor,
    read_found,
    read_wanted,
    websites_there,
)
from footfall.db.protocol import Transaction
from footfall.outbox.model import Change, told_at
from footfall.outbox.store import ALONE, change_ids, paired_with, read_changes

R = TypeVar("R")

MOST_CHANGES = 500
"""Changes of which a step reads more than the id."""
MOST_BYTES = 200_000
"""Bytes of keys that a step takes, if they are several changes': some 6,000 events."""
VISITORS = 2000
"""Visitors whose rows are held in memory at once."""


class Reader(Protocol):
    """A connection to the database that reads."""

    def snapshot(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` on one state of the database. Raises DatabaseError."""


class Fillable(Protocol):
    """Columns that can be fed: those in a file, or in ClickHouse. The methods raise DatabaseError; ColumnsUnusable when they have to be made anew."""

    taken: set[bytes]
    websites: set[int]

    def pair(self, token: bytes | None, change_ids: Iterable[bytes], websites: set[bytes]) -> None:
        """Compare with the token of the database, the changes of which it has word, and its websites."""

    def apply(self, step: ColumnStep) -> None:
        """Put what a step brings in place of what there is."""


F = TypeVar("F", bound=Fillable)


class Fed(NamedTuple):
    """What a step did: how many changes it took, how many rows it wrote, and for how many ms the first of them had waited. `has_more`: changes wait."""

    changes: int
    rows: int
    waited: int
    has_more: bool


class Feeder(Generic[F]):
    """Feeds columns from a database."""

    def __init__(
        self, reader: Reader, file: F, clock: Clock = system_clock, keeper_id: bytes = ALONE
    ) -> None:
        """Raises ColumnsUnusable when the file does not belong to the database."""
        self._reader = reader
        self._clock = clock
        self._tails = Tails()
        self.file = file
        file.pair(
            *reader.snapshot(lambda tx: (paired_with(tx, keeper_id), change_ids(tx), websites_there(tx)))
        )

    def step(self) -> Fed:
        """Take some changes, if there are any. Raises DatabaseError; then they are taken again."""
        self._forget_websites()
        changes, has_more = self._reader.snapshot(self._changes)
        if not changes:
            return Fed(0, 0, 0, False)
        wanted = self._reader.snapshot(lambda tx: read_wanted(tx, changes))
        ids = [change.change_id for change in changes]
        rows = sum(self._apply(step) for step in self._steps(wanted, ids))
        return Fed(len(ids), rows, self._clock() - told_at(ids[0]), has_more)

    def _forget_websites(self) -> None:
        """Remove the rows of websites that are gone."""
        there = {number_of(one) for one in self._reader.snapshot(websites_there)}
        if gone := self.file.websites - there:
            self.file.apply(ColumnStep(gone=sorted(gone), is_erasing=True))

    def _apply(self, step: ColumnStep) -> int:
        self.file.apply(step)
        return len(step.rows)

    def _changes(self, tx: Transaction) -> tuple[list[Change], bool]:
        """The next changes, and whether there are more."""
        waiting = [one for one in change_ids(tx) if one not in self.file.taken]
        changes: list[Change] = []
        room = MOST_BYTES
        for change in read_changes(tx, waiting[:MOST_CHANGES]):
            room -= len(change.keys)
            if room < 0 and changes:
                break
            changes.append(change)
        return changes, len(changes) < len(waiting)

    def _steps(self, wanted: ToDerive, ids: list[bytes]) -> Iterator[ColumnStep]:
        """What changes bring, part by part; they count as taken with the last of them."""
        parts = list(_parts(wanted.visitors)) or [{}]
        for part in parts[:-1]:
            yield ColumnStep(*self._read(part, ()))
        last = self._read(parts[-1], wanted.payments)
        yield ColumnStep(*last, change_ids=ids, is_erasing=wanted.is_erasing)

    def _read(self, visitors: dict[Visitor, int], payments: Iterable[Millisecond]) -> FreshRows:
        return self._reader.snapshot(lambda tx: read_found(tx, visitors, payments, self._tails))


def _parts(visitors: dict[Visitor, int]) -> Iterator[dict[Visitor, int]]:
    waiting = iter(visitors.items())
    while part := dict(islice(waiting, VISITORS)):
        yield part

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
    DerivedSlice,
    Millisecond,
    Position,
    Since,
    Tails,
    ToDerive,
    Visitor,
    read_payments,
    read_slices,
    read_wanted,
    starts,
    websites_there,
)
from footfall.db.protocol import Transaction
from footfall.outbox.model import Change, told_at
from footfall.outbox.store import ALONE, change_ids, paired_with, read_changes

R = TypeVar("R")

MOST_CHANGES = 2000
"""Changes of which a step reads more than the id."""
MOST_BYTES = 300_000
"""Bytes of keys that a step takes, if they are several changes': some 10,000 events."""
VISITORS = 2000
"""Visitors that are read at once."""
FEW = 100
"""Events of a visitor, and other things about it, that are read beside those of others; one with more takes turns with others of its kind."""
MANY = 4000
"""The same of one that takes its turn."""
TURNS = 2
"""Visitors with many events of which a step takes a slice."""


class Reader(Protocol):
    """A connection to the database that reads."""

    def snapshot(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` on one state of the database. Raises DatabaseError."""

    def mark(self) -> object:
        """Equal to an earlier one only if nothing was committed to the database meanwhile. Raises DatabaseError."""


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


class _Batch:
    """Changes that are taken once all visitors with many events that they name are done."""

    def __init__(self, wanted: ToDerive, ids: list[bytes], visitors: set[Visitor]) -> None:
        self.is_erasing = wanted.is_erasing
        self.ids = ids
        self.visitors = visitors


class _Pass:
    """A visitor with many events is derived from some time on, slice by slice, while others are fed.

    What changes of it meanwhile, at whatever times, waits for the next pass: so many late events cost no more than one.
    """

    def __init__(self, since: Since, batch: _Batch) -> None:
        self.position: Position | None = None
        self.batches: list[_Batch] = []
        """Those that it is for."""
        self.next_since = since
        self.next_batches = [batch]

    def add(self, since: Since, batch: _Batch) -> None:
        """It has changed again."""
        self.next_since = since.with_(self.next_since) if self.next_batches else since
        self.next_batches.append(batch)

    def begin(self) -> Since:
        """Begin the next pass; from when on."""
        self.batches, self.next_batches = self.next_batches, []
        return self.next_since


class Feeder(Generic[F]):
    """Feeds columns from a database."""

    def __init__(
        self, reader: Reader, file: F, clock: Clock = system_clock, keeper_id: bytes = ALONE
    ) -> None:
        """Raises ColumnsUnusable when the file does not belong to the database."""
        self._reader = reader
        self._clock = clock
        self._forget()
        self.file = file
        file.pair(
            *reader.snapshot(lambda tx: (paired_with(tx, keeper_id), change_ids(tx), websites_there(tx)))
        )

    def step(self) -> Fed:
        """Take some changes, if there are any, and some slices of visitors with many events. Raises DatabaseError; then they are taken again."""
        try:
            return self._step()
        except BaseException:  # what is remembered may be ahead of the file
            self._forget()
            raise

    def _forget(self) -> None:
        self._tails = Tails()
        self._passes: dict[Visitor, _Pass] = {}
        self._waiting: dict[bytes, _Batch] = {}
        """By change those that wait for passes."""
        self._done_at: object = None
        """The mark of a state of the database of which everything was taken."""

    def _step(self) -> Fed:
        mark = self._reader.mark()
        if mark == self._done_at:
            return Fed(0, 0, 0, False)
        fed = self._take_some()
        self._done_at = None if fed.has_more else mark
        return fed

    def _take_some(self) -> Fed:
        self._forget_websites()
        changes, has_more = self._reader.snapshot(self._changes)
        ids = [change.change_id for change in changes]
        oldest = min([*ids[:1], *islice(self._waiting, 1)], key=told_at, default=None)
        rows = self._take(changes, ids) if changes else 0
        rows += self._take_turns()
        waited = 0 if oldest is None else max(0, self._clock() - told_at(oldest))  # clocks may go back
        return Fed(len(ids), rows, waited, has_more or bool(self._passes))

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
        taken, held = self.file.taken, self._waiting
        waiting = [one for one in change_ids(tx) if one not in taken and one not in held]
        changes: list[Change] = []
        room = MOST_BYTES
        for change in read_changes(tx, waiting[:MOST_CHANGES]):
            room -= len(change.keys)
            if room < 0 and changes:
                break
            changes.append(change)
        return changes, len(changes) < len(waiting)

    def _take(self, changes: list[Change], ids: list[bytes]) -> int:
        """Derive what they ask for, part by part; they count as taken with the last, unless some visitors have many events."""
        wanted = self._reader.snapshot(lambda tx: read_wanted(tx, changes))
        batch = _Batch(wanted, ids, set())
        for visitor in wanted.visitors.keys() & self._passes.keys():
            self._defer(visitor, wanted.visitors.pop(visitor), batch)
        rows = 0
        parts = list(_parts(wanted.visitors)) or [{}]
        for part in parts[:-1]:
            rows += self._apply(self._read(part, (), batch))
        last = self._read(parts[-1], wanted.payments, batch)
        if not batch.visitors:
            return rows + self._apply(last._replace(change_ids=ids))
        rows += self._apply(last)
        self._waiting |= dict.fromkeys(ids, batch)
        return rows

    def _defer(self, visitor: Visitor, since: Since, batch: _Batch) -> None:
        """Leave a visitor to its next pass."""
        batch.visitors.add(visitor)
        if (found := self._passes.get(visitor)) is not None:
            found.add(since, batch)
        else:
            self._passes[visitor] = _Pass(since, batch)

    def _read(
        self, visitors: dict[Visitor, Since], payments: Iterable[Millisecond], batch: _Batch
    ) -> ColumnStep:
        """The rows of visitors and payments; visitors with many events are left to their passes."""

        def read(tx: Transaction) -> ColumnStep:
            positions = starts(tx, visitors, self._tails)
            slices = read_slices(tx, positions, FEW)
            for visitor in [key for key, one in slices.items() if one.following]:
                del slices[visitor]
                self._defer(visitor, visitors[visitor], batch)
            return self._rows(tx, positions, slices, payments)

        return self._reader.snapshot(read)._replace(is_erasing=batch.is_erasing)

    def _rows(
        self,
        tx: Transaction,
        positions: dict[Visitor, Position],
        slices: dict[Visitor, DerivedSlice],
        payments: Iterable[Millisecond],
    ) -> ColumnStep:
        """What slices and payments bring."""
        for visitor, one in slices.items():
            if one.following is None:
                self._tails.note(visitor, positions[visitor].since, one.derived.tail)
        # Until their first pageview came, payments that name them were no visitor's.
        theirs = {
            (key[0], paid.at)
            for key, one in slices.items()
            if positions[key].is_whole
            for paid in one.payments
        }
        found = [one.derived for one in slices.values()]
        return ColumnStep(found, read_payments(tx, sorted({*payments, *theirs})))

    def _take_turns(self) -> int:
        """The next slices of those whose turn it is."""
        return sum(self._take_turn(one, self._passes.pop(one)) for one in list(islice(self._passes, TURNS)))

    def _take_turn(self, visitor: Visitor, turn: _Pass) -> int:
        def read(tx: Transaction) -> tuple[ColumnStep, Position | None]:
            if visitor[0] not in websites_there(tx):
                return ColumnStep(), None
            position = turn.position
            wanted = {visitor: turn.begin()} if position is None else {}
            positions = {visitor: position} if position else starts(tx, wanted, self._tails)
            slices = read_slices(tx, positions, MANY)
            following = slices[visitor].following if slices else None
            return self._rows(tx, positions, slices, ()), following

        step, turn.position = self._reader.snapshot(read)
        is_erasing = any(one.is_erasing for one in turn.batches)
        done: list[_Batch] = []
        if turn.position is None:
            done = [one for one in turn.batches if one.visitors == {visitor}]
        ids = [id_ for one in done for id_ in one.ids]
        rows = self._apply(step._replace(change_ids=ids, is_erasing=is_erasing))
        self._end_turn(visitor, turn, ids)
        return rows

    def _end_turn(self, visitor: Visitor, turn: _Pass, ids: list[bytes]) -> None:
        """`ids`: the changes that were taken with it."""
        for one in ids:
            del self._waiting[one]
        if turn.position is None:
            for batch in turn.batches:
                batch.visitors.discard(visitor)
        if turn.position or turn.next_batches:
            self._passes[visitor] = turn


def _parts(visitors: dict[Visitor, Since]) -> Iterator[dict[Visitor, Since]]:
    waiting = iter(visitors.items())
    while part := dict(islice(waiting, VISITORS)):
        yield part

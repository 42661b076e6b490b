"""Retention: events and sessions older than a number of days are removed, visit by visit, in slices that hold up nobody.

What visitors add up to stays: their rows, the counts of their goals, payments and what was known when they were made. A visit that is not over
before the time is kept whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import NamedTuple

from footfall.clock import DAY_MS, Clock
from footfall.collect.model import SESSION_IDLE_MS
from footfall.db.protocol import Database, Params, Transaction, WriteHandler
from footfall.db.statements import load
from footfall.ids import at_of, at_prefix
from footfall.outbox.model import ChangeKind, visitor_key
from footfall.outbox.store import tell

sql = load(__file__, "retention.sql")

VISITORS = 500
"""That are looked at in one read."""
SLICE = 500
"""Rows that are removed in one transaction."""
MOST = 20 * SLICE
"""Events of one visitor that are looked at in one read."""
REST = 4.0
"""After each slice, nothing is done for this many times as long as the slice took."""
LOOK_SECONDS = 60.0
PASS_MS = DAY_MS - 3_600_000
"""At least between the beginnings of two passes over all visitors, of whichever server."""
_NAME = "retention"


class Cut(NamedTuple):
    """What to remove of a visitor: events from one at `since` (ms since epoch) up to an id, and sessions; all that is `rows`.

    `last`: see `visitor.removed_at`.
    """

    website_id: bytes
    visitor_id: bytes
    since: int
    until: bytes
    last: int
    rows: int
    sessions: tuple[int, ...] = ()


class Cuts(NamedTuple):
    """What to remove of some visitors, and behind whom to look next; None: these were the last."""

    cuts: list[Cut]
    following: bytes | None


class Sweep(NamedTuple):
    """How far a pass is: a website, behind a visitor; and before which time events go (ms since epoch)."""

    website_id: bytes
    visitor_id: bytes
    before: int


def find_cuts(tx: Transaction, place: Sweep) -> Cuts:
    """What to remove of the next visitors."""
    rows = tx.all(sql.visitors_behind, (place.website_id, place.visitor_id, VISITORS))
    keys: list[Params] = [(place.website_id, row.visitor_id) for row in rows]
    firsts = tx.get_many(sql.event_first, [(*key, at_prefix(place.before)) for key in keys])
    cuts: list[Cut] = []
    done = place.visitor_id
    for row, first in zip(rows, firsts, strict=True):
        if first is not None:
            cuts += _cuts_of(tx, place.website_id, row.visitor_id, place.before)
            if sum(cut.rows for cut in cuts) >= MOST:  # there may be more of this visitor
                return Cuts(cuts, done)
        done = row.visitor_id
    return Cuts(cuts, done if len(rows) == VISITORS else None)


def _cuts_of(tx: Transaction, website_id: bytes, visitor_id: bytes, before: int) -> Iterator[Cut]:
    end, last = _end_of_visits(tx, website_id, visitor_id, before)
    until = at_prefix(end)
    ids = [row.event_id for row in tx.all(sql.events_before, (website_id, visitor_id, until, MOST + 1))]
    bounds = [*ids[SLICE::SLICE], until]
    for start, bound in zip(range(0, min(len(ids), MOST), SLICE), bounds, strict=False):
        part = ids[start : start + SLICE]
        yield Cut(website_id, visitor_id, at_of(part[0]), bound, last, len(part))
    if 0 < len(ids) <= MOST:
        yield from _sessions_of(tx, website_id, visitor_id, end, last)


def _sessions_of(tx: Transaction, website_id: bytes, visitor_id: bytes, end: int, last: int) -> Iterator[Cut]:
    until = at_prefix(end)
    rows = tx.all(sql.sessions_before, (website_id, visitor_id, end, until))
    begun = tuple(row.started_at for row in rows)
    for start in range(0, len(begun), SLICE):
        part = begun[start : start + SLICE]
        yield Cut(website_id, visitor_id, end, until, last, len(part), part)


def _end_of_visits(tx: Transaction, website_id: bytes, visitor_id: bytes, before: int) -> tuple[int, int]:
    """Before which time the visits lie that were over by then, and the last moment of these; 0: there are none."""
    row = tx.one(sql.visit_after, (website_id, visitor_id, at_prefix(before)))
    end = at_of(row.event_id) if row else None
    for row in tx.stream(sql.visits_before, (website_id, visitor_id, at_prefix(before), 2**31)):
        at = at_of(row.event_id)
        if end is None or end - at > SESSION_IDLE_MS:
            return before if end is None else min(end, before), at
        end = at
    return before if end is None else min(end, before), 0


def remove(tx: Transaction, calls: list[list[Cut]]) -> list[None]:
    """Write handler: remove these."""
    cuts = [cut for call in calls for cut in call]
    tx.execute_many(sql.events_remove, _distinct((one.website_id, one.visitor_id, one.until) for one in cuts))
    tx.execute_many(
        sql.session_remove,
        _distinct((one.website_id, one.visitor_id, at) for one in cuts for at in one.sessions),
    )
    tx.execute_many(
        sql.visitor_removed, _distinct((one.website_id, one.visitor_id, one.last) for one in cuts)
    )
    tell(tx, ChangeKind.VISITOR, [visitor_key(one.website_id, one.visitor_id, one.since) for one in cuts])
    return [None] * len(calls)


def _distinct(rows: Iterable[Params]) -> list[Params]:
    return list(dict.fromkeys(rows))


def _locks(calls: list[list[Cut]]) -> list[Params]:
    return _distinct((cut.website_id, cut.visitor_id) for call in calls for cut in call)


def _shares(calls: list[list[Cut]]) -> list[Params]:
    return _distinct((cut.website_id, b"visitors") for call in calls for cut in call)


HANDLER = WriteHandler(rank=-1, run=remove, is_slow=True, is_step=True, locks=_locks, shares=_shares)


def begin_pass(tx: Transaction, now: int) -> bool:
    """Whether a pass is due (ms since epoch); then it counts as begun."""
    return tx.execute(sql.pass_begin, (_NAME, now, now - PASS_MS)) > 0


class Retention:
    """The background job that removes what is older than some days."""

    def __init__(
        self, database: Database, websites: Callable[[], Iterable[bytes]], days: int, clock: Clock
    ) -> None:
        self._database = database
        self._websites = websites
        self._days = days
        self._clock = clock
        self._places: list[Sweep] = []
        """Where to go on, the next one last."""

    async def advance(self) -> float:
        """Look at some visitors. Returns the seconds to wait before the next. Raises ApiError and DatabaseError."""
        if not self._places:
            await self._begin()
            return 0.0 if self._places else LOOK_SECONDS
        place, started = self._places.pop(), perf_counter()
        found = await self._database.scan(find_cuts, place, share=place.website_id)
        for call in _calls(found.cuts):
            await self._database.write(HANDLER, call)
        if found.following is not None:
            self._places.append(place._replace(visitor_id=found.following))
        elif not self._places:
            await self._database.scrub()
        return REST * (perf_counter() - started)

    async def _begin(self) -> None:
        now = self._clock()
        if await self._database.change(lambda tx: begin_pass(tx, now)):
            self._places = [Sweep(one, b"", now - self._days * DAY_MS) for one in self._websites()]


def _calls(cuts: Iterable[Cut]) -> Iterator[list[Cut]]:
    """Cuts together that are no more than a slice of rows."""
    call: list[Cut] = []
    for cut in cuts:
        if call and sum(one.rows for one in call) + cut.rows > SLICE:
            yield call
            call = []
        call.append(cut)
    if call:
        yield call

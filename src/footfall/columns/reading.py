"""What the columns are made from, as the database has it now."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from footfall.collect.model import GOAL, SESSION_IDLE_MS
from footfall.columns.derive import derive, derive_payments
from footfall.columns.model import (
    Columns,
    Derived,
    DerivedPayments,
    LoosePayment,
    StoredEvent,
    StoredPayment,
    StoredSession,
    VisitorHistory,
    VisitTail,
)
from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import load
from footfall.identity.model import Link
from footfall.ids import at_of, at_prefix
from footfall.outbox.model import WEBSITE_BYTES, Change, ChangeKind, keys_of, read_payment, read_visitor
from footfall.payments.model import Kind

sql = load(__file__, "columns.sql")

Visitor = tuple[bytes, bytes]
"""(website id, visitor id)."""
Millisecond = tuple[bytes, int]
"""(website id, ms since epoch)."""


MOST_TAILS = 50_000
"""Visitors whose latest visit is remembered: some 30 MB."""
TAILS = 3
"""Ends of a visitor's latest steps that are remembered, since what comes next may have happened in the same moment."""


class Since(NamedTuple):
    """From when on a visitor changed (ms since epoch; 0: all of it), and whether by nothing but its events.

    `gone`: from when on there may have been what is gone by now, where all of it changed; 0: nothing is.
    """

    at: int = 0
    is_events: bool = False
    gone: int = 0

    def with_(self, other: Since) -> Since:
        """Both."""
        gone = min((one for one in (self.at, self.gone, other.at, other.gone) if one), default=0)
        return Since(min(self.at, other.at), self.is_events and other.is_events, gone)


class ToDerive(NamedTuple):
    """What has to be derived anew: visitors, and payments that are no visitor's."""

    visitors: dict[Visitor, Since]
    payments: set[Millisecond]
    is_erasing: bool = False
    """Whether what was there before has to be gone for good."""


class Position(NamedTuple):
    """How far a visitor was derived: what changed from `since` on (`gone`: see `Since`), what is read from `start` on, and when the visitor was there last before that;
    0: never. `is_continued`: the rows before `since` are made. `is_whole`: they were made from the beginning. `removed_at`: see
    `VisitorHistory`; nothing that happened until then is read but payments."""

    since: int
    start: int = 0
    before: int = 0
    tail: VisitTail | None = None
    is_continued: bool = False
    is_whole: bool = False
    is_new: bool = False
    removed_at: int = 0
    gone: int = 0


def websites_there(tx: Transaction) -> set[bytes]:
    """The websites of which there are columns."""
    return {row.website_id for row in tx.all(sql.websites_there)}


def read_wanted(tx: Transaction, changes: Sequence[Change]) -> ToDerive:
    """What changes ask for. What belongs to websites that are gone by now is left out."""
    there = websites_there(tx)
    visitors: dict[Visitor, Since] = {}
    payments: set[Millisecond] = set()
    people: set[Params] = set()
    for change in changes:
        for key in keys_of(change):
            website_id = key[:WEBSITE_BYTES]
            if website_id not in there:
                break
            if change.kind in (ChangeKind.EVENT, ChangeKind.VISITOR, ChangeKind.ERASED):
                one = read_visitor(key)
                visitor, since = (
                    (website_id, one.visitor_id),
                    Since(one.since, change.kind is ChangeKind.EVENT),
                )
                visitors[visitor] = since.with_(visitors.get(visitor, since))
            elif change.kind is ChangeKind.PAYMENT:
                payments.add(read_payment(key))
            elif change.kind is ChangeKind.PERSON:
                people.add((website_id, key[WEBSITE_BYTES:]))
    is_erasing = any(change.kind is ChangeKind.ERASED for change in changes)
    wanted = ToDerive(visitors, payments, is_erasing)
    _add_people(tx, wanted, sorted(people))
    return wanted


def _add_people(tx: Transaction, wanted: ToDerive, people: list[Params]) -> None:
    """All that is these users', from the beginning."""
    visitors, payments = tx.groups((sql.visitors_of, people), (sql.payments_of, people))
    for (website_id, _), seen, paid in zip(people, visitors, payments, strict=True):
        for row in seen:
            visitor: Visitor = (website_id, row.visitor_id)  # type: ignore[assignment]
            wanted.visitors[visitor] = Since().with_(wanted.visitors.get(visitor, Since()))
        wanted.payments.update((website_id, at_of(row.payment_id)) for row in paid)  # type: ignore[misc]


class Tails:
    """The latest visits of those who were there lately, so that what they do next costs no look at what they did before.

    Whatever changes what a tail tells of leaves word with an earlier time than its last moment, and then all is read.
    """

    def __init__(self) -> None:
        self._tails: OrderedDict[Visitor, tuple[VisitTail, ...]] = OrderedDict()

    def before(self, visitor: Visitor, since: Since) -> Position | None:
        """Where to go on with a visitor, if its latest visit is known and nothing up to some last moment of it changed."""
        tails = self._tails.get(visitor, ())
        for tail in reversed(tails):
            if tail.last < since.at:
                is_new = since.is_events and tail is tails[-1] and tail.latest < since.at
                is_new = is_new and tail.person is not None
                return Position(since.at, tail.last + 1, tail.last, tail, is_new=is_new)
        return None

    def note(self, visitor: Visitor, since: int, tail: VisitTail | None) -> None:
        """Remember the latest visit of a visitor that changed from a time on; forget what is not true any more."""
        tails = self._tails.pop(visitor, ())
        if tail is not None and tail.is_settled:
            kept = [one for one in tails[1 - TAILS :] if one.last < min(since, tail.last)]
            self._tails[visitor] = (*kept, tail)
            if len(self._tails) > MOST_TAILS:
                self._tails.popitem(last=False)


class DerivedSlice(NamedTuple):
    """What a part of a visitor's events brings, and where the next begins; None: it was the last."""

    derived: Derived
    payments: list[StoredPayment]
    following: Position | None


def starts(tx: Transaction, wanted: dict[Visitor, Since], tails: Tails) -> dict[Visitor, Position]:
    """Where to begin with visitors; without those whose first pageview has not come."""
    found = {key: tails.before(key, since) for key, since in wanted.items()}
    known = {key: position for key, position in found.items() if position}
    others: list[Visitor] = [key for key in wanted if key not in known]
    shown = tx.get_many(sql.visitor_shown, others)
    there = {key: row for key, row in zip(others, shown, strict=True) if row is not None}
    removed = {key: row.removed_at for key, row in there.items()}
    # Of one who was never there before, all is read at once.
    unknown = {key: wanted[key].at if row.first_seen_at < wanted[key].at else 0 for key, row in there.items()}
    for key, (start, before) in _windows(tx, unknown, removed).items():
        since = wanted[key]
        known[key] = Position(
            since.at, start, before, is_whole=not start, removed_at=removed[key], gone=since.gone
        )
    return known


def _windows(
    tx: Transaction, since: dict[Visitor, int], removed: dict[Visitor, int]
) -> dict[Visitor, tuple[int, int]]:
    """From when on visitors have to be read, so that the visit is there that was the latest before something changed; and when each was there
    last before that. 0: from the beginning.

    `removed`: when each was there last before what is kept.
    """
    found: dict[Visitor, tuple[int, int]] = {key: (0, removed[key]) for key, at in since.items() if not at}
    waiting = {key: (at, False) for key, at in since.items() if at}
    """By visitor the time before which to look, and whether a visit begins there."""
    while waiting:
        rows = tx.get_many(sql.visit_before, [(*key, at_prefix(at)) for key, (at, _) in waiting.items()])
        looked, waiting = waiting, {}
        for (key, (at, is_begun)), row in zip(looked.items(), rows, strict=True):
            before = at_of(row.event_id) if row else 0
            if row is None or before <= removed[key]:
                found[key] = (0, removed[key])
            elif is_begun and at - before > SESSION_IDLE_MS:
                found[key] = (at, before)
            else:
                waiting[key] = (min(before, row.session_at), True)
    return found


def read_slices(
    tx: Transaction, positions: dict[Visitor, Position], most: int
) -> dict[Visitor, DerivedSlice]:
    """The next slice of each of these visitors: at most so many events of each, but for more in a millisecond."""
    found: dict[Visitor, DerivedSlice] = {}
    for history in _histories(tx, positions, most):
        key = (history.website_id, history.visitor_id)
        derived, position = derive(history), positions[key]
        if (until := derived.until) is None:
            found[key] = DerivedSlice(derived, history.payments, None)
        elif until <= position.start:  # too little to tell anything
            found |= read_slices(tx, {key: position}, most * 2)
        else:
            tail, since = derived.tail, max(position.since, until)
            payments = [one for one in history.payments if one.at < until]
            following = position._replace(
                since=since,
                start=until,
                before=tail.last if tail else position.before,
                tail=tail,
                is_continued=position.since < until,
                is_new=False,
            )
            found[key] = DerivedSlice(derived, payments, following)
    return found


def read_all(tx: Transaction, visitors: Iterable[Visitor], most: int) -> Iterator[Columns]:
    """All rows of these visitors, from at most so many events of each at once, but for more in a millisecond."""
    positions = starts(tx, dict.fromkeys(visitors, Since()), Tails())
    while positions:
        slices = read_slices(tx, positions, most)
        for one in slices.values():
            yield from one.derived.rows
        positions = {key: one.following for key, one in slices.items() if one.following}


def _histories(tx: Transaction, positions: dict[Visitor, Position], most: int) -> Iterator[VisitorHistory]:
    keys = list(positions)
    full = [key for key in keys if not positions[key].is_new]
    from_ = {key: at_prefix(positions[key].start) for key in keys}
    kept_from = {key: at_prefix(max(one.start, one.removed_at + 1)) for key, one in positions.items()}
    owners = tx.get_many(sql.link_before, [(*key, at_prefix(positions[key].start + 1)) for key in full])
    first_links = [(*key, row.fact_id if row else b"", most) for key, row in zip(full, owners, strict=True)]
    events, payments, links = tx.groups(
        (sql.events_from, [(*key, kept_from[key], most) for key in keys]),
        (sql.payments_from, [(*key, from_[key], most) for key in full]),
        (sql.links_from, first_links),
    )
    beside = dict(zip(full, zip(payments, links, strict=True), strict=True))
    happened = {key: list(map(as_event, rows)) for key, rows in zip(keys, events, strict=True)}
    sessions = _sessions(tx, positions, happened)
    people = read_people(tx, full, links)
    for key, all_events in happened.items():
        position = positions[key]
        paid, owned = beside.get(key, _NOTHING)
        until = None
        if max(len(all_events), len(paid), len(owned)) == most:
            until = _end(all_events, paid, owned, most)
        yield VisitorHistory(
            *key,
            position.since,
            position.start,
            position.before,
            all_events,
            list(map(as_payment, paid)),
            sessions.get(key, {}),
            [Link(row.fact_id, row.profile_id) for row in owned],
            people.get(key[0], {}),
            position.tail,
            until,
            position.is_continued,
            position.is_new,
            position.tail.person if position.is_new and position.tail else None,
            position.removed_at,
            position.gone,
        )


_NOTHING: tuple[list[Row], list[Row]] = ([], [])


def _end(events: list[StoredEvent], payments: list[Row], links: list[Row], most: int) -> int:
    """Before when all is there, if there may be more of some of them than was read (ms since epoch)."""
    ends = [events[-1].at] if len(events) == most else []
    ends += [at_of(payments[-1].payment_id)] if len(payments) == most else []
    ends += [at_of(links[-1].fact_id)] if len(links) == most else []
    return min(ends)


def _sessions(
    tx: Transaction, positions: dict[Visitor, Position], events: dict[Visitor, list[StoredEvent]]
) -> dict[Visitor, dict[int, StoredSession]]:
    """By visitor the stored sessions of events, but for those that go on with a visit of which all is known."""
    keys = {
        (*key, at): None
        for key, happened in events.items()
        for at in _session_starts(happened, positions[key].tail)
    }
    found: dict[Visitor, dict[int, StoredSession]] = {}
    for (website_id, visitor_id, at), row in zip(keys, tx.get_many(sql.session_of, list(keys)), strict=True):
        if row is not None:
            found.setdefault((website_id, visitor_id), {})[at] = as_session(row)
    return found


def _session_starts(events: list[StoredEvent], tail: VisitTail | None) -> Iterator[int]:
    last = tail.last if tail else 0
    is_going_on = tail is not None
    for event in events:
        if event.type != GOAL:
            is_going_on = is_going_on and event.at - last <= SESSION_IDLE_MS
            last = event.at
            if not is_going_on:
                yield event.session_at


def read_people(
    tx: Transaction, seen: Iterable[Visitor], links: list[list[Row]]
) -> dict[bytes, dict[bytes, bytes]]:
    """By website the person of each profile that is linked."""
    profiles = {
        (key[0], row.profile_id)
        for key, rows in zip(seen, links, strict=True)
        for row in rows
        if row.profile_id is not None
    }
    keys: list[Params] = sorted(profiles)
    people: dict[bytes, dict[bytes, bytes]] = {}
    for (website_id, profile_id), row in zip(keys, tx.get_many(sql.person_of, keys), strict=True):
        if row is not None:
            people.setdefault(website_id, {})[profile_id] = row.person_id  # type: ignore[arg-type,index]
    return people


def as_event(row: Row) -> StoredEvent:
    """An event."""
    return StoredEvent(at_of(row.event_id), row.type, row.session_at, row.url, row.name, row.data)


def as_session(row: Row) -> StoredSession:
    """A session."""
    return StoredSession(row.referrer, row.params, row.click_ids, row.place, row.device)


def as_payment(row: Row) -> StoredPayment:
    """A payment."""
    return StoredPayment(
        at_of(row.payment_id),
        Kind(row.kind),
        row.minor,
        row.currency,
        row.then_visitor_id,
        row.then_person_id,
        row.touch,
    )


def read_payments(tx: Transaction, wanted: Sequence[Millisecond]) -> list[DerivedPayments]:
    """The rows of payments that are no visitor's."""
    (found,) = tx.groups(
        (sql.loose_between, [(website, at_prefix(at), at_prefix(at + 1)) for website, at in wanted])
    )
    return [
        derive_payments(website_id, at, [_loose(website_id, row) for row in rows])
        for (website_id, at), rows in zip(wanted, found, strict=True)
    ]


def _loose(website_id: bytes, row: Row) -> LoosePayment:
    return LoosePayment(website_id, as_payment(row), row.person_id)

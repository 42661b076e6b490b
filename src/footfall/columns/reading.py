"""What the columns are made from, as the database has it now."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from footfall.collect.model import SESSION_IDLE_MS
from footfall.columns.derive import derive, derive_payments
from footfall.columns.model import (
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
"""Visitors whose latest visit is remembered: some 20 MB."""


class ToDerive(NamedTuple):
    """What has to be derived anew: visitors and from when on (0: all of it), and payments that are no visitor's."""

    visitors: dict[Visitor, int]
    payments: set[Millisecond]
    is_erasing: bool = False
    """Whether what was there before has to be gone for good."""


class _Window(NamedTuple):
    """What of a visitor has to be read: from when on, and when the visitor was there last before that; 0: never."""

    start: int
    before: int


def websites_there(tx: Transaction) -> set[bytes]:
    """The websites of which there are columns."""
    return {row.website_id for row in tx.all(sql.websites_there)}


def read_wanted(tx: Transaction, changes: Sequence[Change]) -> ToDerive:
    """What changes ask for. What belongs to websites that are gone by now is left out."""
    there = websites_there(tx)
    visitors: dict[Visitor, int] = {}
    payments: set[Millisecond] = set()
    people: set[Params] = set()
    for change in changes:
        for key in keys_of(change):
            website_id = key[:WEBSITE_BYTES]
            if website_id not in there:
                break
            if change.kind in (ChangeKind.VISITOR, ChangeKind.ERASED):
                one = read_visitor(key)
                visitor = (website_id, one.visitor_id)
                visitors[visitor] = min(one.since, visitors.get(visitor, one.since))
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
        wanted.visitors.update(((website_id, row.visitor_id), 0) for row in seen)  # type: ignore[misc]
        wanted.payments.update((website_id, at_of(row.payment_id)) for row in paid)  # type: ignore[misc]


class FreshRows(NamedTuple):
    """Rows to put in place of what there was."""

    visitors: list[Derived]
    payments: list[DerivedPayments]


class Tails:
    """The latest visits of those who were there lately, so that what they do next costs no look at what they did before.

    Whatever changes what a tail tells of leaves word with an earlier time than its last moment, and then all is read.
    """

    def __init__(self) -> None:
        self._tails: OrderedDict[Visitor, VisitTail] = OrderedDict()

    def before(self, visitor: Visitor, since: int) -> VisitTail | None:
        """The latest visit of a visitor, if it is known and nothing up to its last moment changed."""
        tail = self._tails.get(visitor)
        return tail if tail and tail.last < since else None

    def note(self, visitor: Visitor, tail: VisitTail | None) -> None:
        """Remember, or forget, the latest visit of a visitor."""
        self._tails.pop(visitor, None)
        if tail is not None:
            self._tails[visitor] = tail
            if len(self._tails) > MOST_TAILS:
                self._tails.popitem(last=False)


def read_found(
    tx: Transaction, visitors: dict[Visitor, int], payments: Iterable[Millisecond], tails: Tails
) -> FreshRows:
    """The rows of these visitors from the times on from which something changed, and of payments that are no visitor's."""
    histories = _histories(tx, visitors, tails)
    # Until their first pageview came, payments that name them were no visitor's.
    theirs = {(one.website_id, paid.at) for one in histories if not one.before for paid in one.payments}
    found = list(map(derive, histories))
    for history, derived in zip(histories, found, strict=True):
        tails.note((history.website_id, history.visitor_id), derived.tail)
    return FreshRows(found, _read_payments(tx, sorted({*payments, *theirs})))


def _histories(tx: Transaction, wanted: dict[Visitor, int], tails: Tails) -> list[VisitorHistory]:
    known = {key: tail for key, since in wanted.items() if (tail := tails.before(key, since))}
    others: list[Visitor] = [key for key in wanted if key not in known]
    shown = tx.get_many(sql.visitor_shown, others)
    unknown = {key: wanted[key] for key, row in zip(others, shown, strict=True) if row is not None}
    windows = _windows(tx, unknown)
    windows |= {key: _Window(tail.last + 1, tail.last) for key, tail in known.items()}
    seen = list(windows)
    from_: list[Params] = [(*key, at_prefix(windows[key].start)) for key in seen]
    events, payments, links = tx.groups(
        (sql.events_from, from_), (sql.payments_from, from_), (sql.links_of, seen)
    )
    earliest = [min((row.session_at for row in rows), default=0) for rows in events]
    (sessions,) = tx.groups((sql.sessions_from, [(*key, at) for key, at in zip(seen, earliest, strict=True)]))
    people = _people(tx, seen, links)
    return [
        VisitorHistory(
            website_id,
            visitor_id,
            wanted[website_id, visitor_id],
            windows[website_id, visitor_id].before,
            list(map(_event, events[n])),
            list(map(_payment, payments[n])),
            {row.started_at: _session(row) for row in sessions[n]},
            [Link(row.fact_id, row.profile_id) for row in links[n]],
            people.get(website_id, {}),
            known.get((website_id, visitor_id)),
        )
        for n, (website_id, visitor_id) in enumerate(seen)
    ]


def _windows(tx: Transaction, since: dict[Visitor, int]) -> dict[Visitor, _Window]:
    """From when on visitors have to be read, so that the visit is there that was the latest before something changed."""
    found: dict[Visitor, _Window] = {key: _Window(0, 0) for key, at in since.items() if not at}
    waiting = {key: (at, False) for key, at in since.items() if at}
    """By visitor the time before which to look, and whether a visit begins there."""
    while waiting:
        rows = tx.get_many(sql.visit_before, [(*key, at_prefix(at)) for key, (at, _) in waiting.items()])
        looked, waiting = waiting, {}
        for (key, (at, is_begun)), row in zip(looked.items(), rows, strict=True):
            before = at_of(row.event_id) if row else 0
            if row is None:
                found[key] = _Window(0, 0)
            elif is_begun and at - before > SESSION_IDLE_MS:
                found[key] = _Window(at, before)
            else:
                waiting[key] = (min(before, row.session_at), True)
    return found


def _people(
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


def _event(row: Row) -> StoredEvent:
    return StoredEvent(at_of(row.event_id), row.type, row.session_at, row.url, row.name, row.data)


def _session(row: Row) -> StoredSession:
    return StoredSession(row.referrer, row.params, row.click_ids, row.place, row.device)


def _payment(row: Row) -> StoredPayment:
    return StoredPayment(
        at_of(row.payment_id),
        Kind(row.kind),
        row.minor,
        row.currency,
        row.then_visitor_id,
        row.then_person_id,
    )


def _read_payments(tx: Transaction, wanted: Sequence[Millisecond]) -> list[DerivedPayments]:
    (found,) = tx.groups(
        (sql.loose_between, [(website, at_prefix(at), at_prefix(at + 1)) for website, at in wanted])
    )
    return [
        derive_payments(website_id, at, [_loose(website_id, row) for row in rows])
        for (website_id, at), rows in zip(wanted, found, strict=True)
    ]


def _loose(website_id: bytes, row: Row) -> LoosePayment:
    return LoosePayment(website_id, _payment(row), row.person_id, row.touch)

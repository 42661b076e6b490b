"""Everything a person did, on all devices and in all spans, in pages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import starmap

import msgspec

from footfall.collect.model import CUSTOM, GOAL, PAGEVIEW
from footfall.db.protocol import Params, Row, Transaction
from footfall.identity.ledger.show import EVERYTHING
from footfall.identity.model import IDENTIFY, Person
from footfall.ids import EVENT_BYTES, FACT_BYTES, at_of
from footfall.payments.model import Kind, Payment
from footfall.payments.owners import has_any, of_visitor, some_payments
from footfall.payments.store import END
from footfall.payments.store import ID_BYTES as PAYMENT_BYTES
from footfall.payments.wire import payment_json
from footfall.people.model import EntryKind, JourneyEntry, JourneyPart
from footfall.people.person import event_ranges, sql

_decode = msgspec.json.Decoder().decode

Entry = tuple[bytes, Row]
"""(key, row of an event or an identify fact, or a payment); keys sort by time, and no two entries share one."""
PAYMENT_TYPE = "payment_received"
"""The type of a payment that a server told of; pages have their own `payment`."""
REFUND_TYPE = "payment_refunded"
EVENT_KEY_BYTES = EVENT_BYTES + 16
PAYMENT_KEY_BYTES = PAYMENT_BYTES + 16
FACT_KEY_BYTES = FACT_BYTES + 16
LOOKED_AT, ROUNDS = 250, 4
"""Among how many events those of a kind are looked for in a round, and in how many rounds at once."""
OF_KIND = {EntryKind.PAGES: (PAGEVIEW,), EntryKind.GOALS: (CUSTOM, GOAL)}
"""Types of events by kind."""
_END = b"\xff" * FACT_BYTES


def journey(
    tx: Transaction,
    website_id: bytes,
    person: Person,
    cursor: bytes,
    limit: int,
    *,
    newest_first: bool,
    only: EntryKind | None = None,
) -> JourneyPart:
    """The entries behind the key `cursor` (empty for the beginning), at most `limit`. `only`: those of a kind, as for `visitor_journey`."""
    if only in OF_KIND:
        return _of_kind(
            lambda key: [*_events(tx, website_id, person, key, LOOKED_AT, newest_first=newest_first)],
            OF_KIND[only],
            cursor,
            limit,
            newest_first=newest_first,
        )
    payments = _payments(tx, website_id, person, cursor, limit, newest_first=newest_first)
    if only is EntryKind.PAYMENTS:
        return _page([*payments], cursor, limit, newest_first=newest_first)
    entries = [
        *_events(tx, website_id, person, cursor, limit, newest_first=newest_first),
        *_facts(tx, website_id, person, cursor, limit, newest_first=newest_first),
        *payments,
    ]
    return _page(entries, cursor, limit, newest_first=newest_first)


def whole_journey(tx: Transaction, website_id: bytes, person: Person) -> Iterator[JourneyEntry]:
    """All entries, oldest first."""
    entries = [
        *(
            (row.event_id + visitor_id, row)
            for visitor_id, spans in person.spans.items()
            for since, until in event_ranges(spans)
            for row in tx.all(sql.events_up, (website_id, visitor_id, since, until, EVERYTHING))
        ),
        *_facts(tx, website_id, person, b"", EVERYTHING, newest_first=False),
        *_payments(tx, website_id, person, b"", EVERYTHING, newest_first=False),
    ]
    entries.sort(key=lambda entry: entry[0])
    return starmap(_entry, entries)


def visitor_journey(
    tx: Transaction,
    website_id: bytes,
    visitor_id: bytes,
    cursor: bytes,
    limit: int,
    only: EntryKind | None = None,
) -> JourneyPart:
    """The same of one visitor, whoever it was, newest first.

    `only`: those of a kind. Pages and goals are looked for among the next thousand events: a part may be short, or empty, and go on.
    """
    if only in OF_KIND:
        return _of_kind(
            lambda key: _events_on(tx, website_id, visitor_id, key, LOOKED_AT),
            OF_KIND[only],
            cursor,
            limit,
            newest_first=True,
        )
    edge = cursor[:EVENT_BYTES]
    payments = [*map(_keyed, of_visitor(tx, website_id, visitor_id, limit + 2, edge + b"\xff"))]
    if only is EntryKind.PAYMENTS:
        return _page(payments, cursor, limit, newest_first=True)
    events = _events_on(tx, website_id, visitor_id, cursor, limit)
    facts = _facts_on(tx, website_id, visitor_id, cursor, limit)
    return _page([*events, *facts, *payments], cursor, limit, newest_first=True)


def _page(entries: list[Entry], cursor: bytes, limit: int, *, newest_first: bool) -> JourneyPart:
    page, has_more = _behind(entries, cursor, limit, newest_first=newest_first)
    return JourneyPart([_entry(*entry) for entry in page], page[-1][0] if has_more else None)


def _of_kind(
    read: Callable[[bytes], list[Entry]],
    types: Collection[str],
    cursor: bytes,
    limit: int,
    *,
    newest_first: bool,
) -> JourneyPart:
    """The same of events of some types. `read`: at least the next LOOKED_AT + 1 events behind a cursor."""
    found: list[Entry] = []
    for _ in range(ROUNDS):
        looked, has_more = _behind(read(cursor), cursor, LOOKED_AT, newest_first=newest_first)
        found += [entry for entry in looked if entry[1].type in types]
        if len(found) > limit or not has_more:
            break
        cursor = looked[-1][0]
    page = found[:limit]
    following = page[-1][0] if len(found) > limit else cursor if has_more else None
    return JourneyPart([_entry(*entry) for entry in page], following)


def _behind(
    entries: list[Entry], cursor: bytes, limit: int, *, newest_first: bool
) -> tuple[list[Entry], bool]:
    """The first entries behind the cursor, and whether there are more."""
    wanted = [
        entry
        for entry in entries
        if not cursor or ((entry[0] < cursor) == newest_first and entry[0] != cursor)
    ]
    wanted.sort(key=lambda entry: entry[0], reverse=newest_first)
    return wanted[:limit], len(wanted) > limit


def _events_on(
    tx: Transaction, website_id: bytes, visitor_id: bytes, cursor: bytes, limit: int
) -> list[Entry]:
    """At least the newest `limit` + 1 events of a visitor that lie behind the cursor."""
    until = (cursor[:EVENT_BYTES] or b"\xff" * EVENT_BYTES) + b"\xff"
    rows = tx.all(sql.events_down, (website_id, visitor_id, b"", until, limit + 2))
    return [(row.event_id + visitor_id, row) for row in rows]


def _events(
    tx: Transaction, website_id: bytes, person: Person, cursor: bytes, limit: int, *, newest_first: bool
) -> Iterator[Entry]:
    """At least the next `limit` + 1 events that lie behind the cursor.

    They lie in the spans whose own next events come first: only of those, more than that one is read.
    """
    first, some = (sql.last_between, sql.events_down) if newest_first else (sql.first_between, sql.events_up)
    ranges = _ranges(website_id, person, cursor[:EVENT_BYTES], newest_first=newest_first)
    found = zip(tx.get_many(first, ranges), ranges, strict=True)
    nearest = sorted(
        ((row.event_id, key) for row, key in found if row is not None),
        key=lambda pair: (pair[0], pair[1][1]),
        reverse=newest_first,
    )
    asked = [(some, (*key, limit + 2)) for _, key in nearest[: limit + 2]]
    for (_, params), rows in zip(asked, tx.all_together(*asked), strict=True):
        yield from ((row.event_id + params[1], row) for row in rows)


def _ranges(website_id: bytes, person: Person, edge: bytes, *, newest_first: bool) -> list[Params]:
    """The ranges of event ids that lie in the person's spans and behind the event id `edge`, if any: with website and visitor."""
    ranges: list[Params] = []
    for visitor_id, spans in person.spans.items():
        for since, until in event_ranges(spans):
            if not newest_first:
                low, high = max(since, edge), until
            else:
                low, high = since, min(until, edge + b"\xff") if edge else until
            if low < high:
                ranges.append((website_id, visitor_id, low, high))
    return ranges


def _facts(
    tx: Transaction, website_id: bytes, person: Person, cursor: bytes, limit: int, *, newest_first: bool
) -> Iterator[Entry]:
    """At least the next `limit` + 1 identify facts about each of the person's users that lie behind the cursor."""
    edge = cursor[:FACT_BYTES]
    since, until = (b"", edge or _END) if newest_first else (edge, _END)
    statement = sql.facts_down if newest_first else sql.facts_up
    for member in person.members:
        for row in tx.all(statement, (website_id, member, since, until, limit + 2)):
            yield row.fact_id + row.visitor_id, row


def _payments(
    tx: Transaction, website_id: bytes, person: Person, cursor: bytes, limit: int, *, newest_first: bool
) -> Iterator[Entry]:
    """At least the next `limit` + 1 payments that lie behind the cursor."""
    if not has_any(tx, website_id):
        return iter(())
    edge = cursor[:EVENT_BYTES]
    since, until = (b"", edge + b"\xff") if newest_first else (edge, END)
    return map(
        _keyed,
        some_payments(tx, website_id, person, since, until, limit + 2, newest_first=newest_first),
    )


def _keyed(one: Payment) -> Entry:
    return one.payment_id + (one.visitor_id or bytes(16)), one


def _facts_on(
    tx: Transaction, website_id: bytes, visitor_id: bytes, cursor: bytes, limit: int
) -> Iterator[Entry]:
    """At least the newest `limit` + 1 identify facts on a visitor that lie behind the cursor: those of a link's user from it on.

    A link is a fact itself, or one that was erased, and no two of those follow each other: so many links are enough.
    """
    until, wanted = cursor[:FACT_BYTES] or _END, limit + 2
    for link in tx.all(sql.links_down, (website_id, visitor_id, until, 2 * wanted)):
        if link.profile_id is not None and wanted > 0:
            key = (website_id, link.profile_id, visitor_id, link.fact_id, until, wanted)
            for row in tx.all(sql.facts_down_on, key):
                yield row.fact_id + row.visitor_id, row
                wanted -= 1
        until = min(until, link.fact_id)


def _entry(key: bytes, row: Row) -> JourneyEntry:
    if len(key) == EVENT_KEY_BYTES:
        return _event(key[EVENT_BYTES:], row)
    return _payment(row) if len(key) == PAYMENT_KEY_BYTES else _identify(row)


def _payment(one: Payment) -> JourneyEntry:
    shown = payment_json(one)
    return JourneyEntry(
        type=REFUND_TYPE if one.kind is Kind.REFUND else PAYMENT_TYPE,
        at=one.at,
        visitor_id=one.visitor_id,
        name=one.kind.value,
        data={name: shown[name] for name in ("paymentId", "transactionId", "amount", "currency", "kind")},
    )


def _event(visitor_id: bytes, row: Row) -> JourneyEntry:
    data, description = _decode(row.data) if row.data else None, None
    if row.type == GOAL and data is not None:
        data, description = data.get("metadata"), data.get("description")
    return JourneyEntry(
        type=row.type,
        at=at_of(row.event_id),
        visitor_id=visitor_id,
        session_at=row.session_started_at,
        url=row.url,
        query=row.query,
        referrer=row.referrer,
        name=row.name,
        data=data,
        description=description,
    )


def _identify(row: Row) -> JourneyEntry:
    return JourneyEntry(
        type=IDENTIFY,
        at=at_of(row.fact_id),
        visitor_id=row.visitor_id,
        name=row.user_id,
        source=row.source,
        fact_id=row.fact_id,
    )

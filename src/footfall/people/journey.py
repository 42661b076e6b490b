"""Everything a person did, on all devices and in all spans, in pages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import starmap

import msgspec

from footfall.collect.model import GOAL
from footfall.db.protocol import Params, Row, Transaction
from footfall.identity.ledger.show import EVERYTHING
from footfall.identity.model import IDENTIFY, Person
from footfall.ids import EVENT_BYTES, FACT_BYTES, at_of
from footfall.payments.model import Kind, Payment
from footfall.payments.owners import has_any, of_visitor, some_payments
from footfall.payments.store import END
from footfall.payments.store import ID_BYTES as PAYMENT_BYTES
from footfall.payments.wire import payment_json
from footfall.people.model import JourneyEntry, JourneyPart
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
_END = b"\xff" * FACT_BYTES


def journey(
    tx: Transaction, website_id: bytes, person: Person, cursor: bytes, limit: int, *, newest_first: bool
) -> JourneyPart:
    """The entries behind the key `cursor` (empty for the beginning), at most `limit`."""
    entries = [
        *_events(tx, website_id, person, cursor, limit, newest_first=newest_first),
        *_facts(tx, website_id, person, cursor, limit, newest_first=newest_first),
        *_payments(tx, website_id, person, cursor, limit, newest_first=newest_first),
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
    tx: Transaction, website_id: bytes, visitor_id: bytes, cursor: bytes, limit: int
) -> JourneyPart:
    """The same of one visitor, whoever it was, newest first."""
    until = (cursor[:EVENT_BYTES] or b"\xff" * EVENT_BYTES) + b"\xff"
    rows = tx.all(sql.events_down, (website_id, visitor_id, b"", until, limit + 2))
    entries = [
        *((row.event_id + visitor_id, row) for row in rows),
        *_facts_on(tx, website_id, visitor_id, cursor, limit),
        *map(_keyed, of_visitor(tx, website_id, visitor_id, limit + 2, cursor[:EVENT_BYTES] + b"\xff")),
    ]
    return _page(entries, cursor, limit, newest_first=True)


def _page(entries: list[Entry], cursor: bytes, limit: int, *, newest_first: bool) -> JourneyPart:
    wanted = [
        entry
        for entry in entries
        if not cursor or ((entry[0] < cursor) == newest_first and entry[0] != cursor)
    ]
    wanted.sort(key=lambda entry: entry[0], reverse=newest_first)
    page = wanted[:limit]
    following = page[-1][0] if len(wanted) > limit else None
    return JourneyPart([_entry(*entry) for entry in page], following)


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

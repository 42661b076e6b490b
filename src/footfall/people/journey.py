"""Everything a person did, over all devices and spans, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from footfall.clock import to_iso
from footfall.db.protocol import Params, Row, Transaction
from footfall.identity.history import EVERYTHING, Person
from footfall.identity.model import IDENTIFY
from footfall.ids import EVENT_BYTES, FACT_BYTES, at_of, format_uuid
from footfall.people.reading import event_ranges, sql

_decode = msgspec.json.Decoder().decode

Entry = tuple[bytes, Row]
"""(key, row of an event or an identify fact); keys sort by time, and no two entries share one."""
EVENT_KEY_BYTES = EVENT_BYTES + 16
FACT_KEY_BYTES = FACT_BYTES + 16
_END = b"\xff" * FACT_BYTES


def journey(
    tx: Transaction, website_id: bytes, person: Person, cursor: bytes, limit: int, *, newest_first: bool
) -> tuple[list[dict[str, Any]], bytes | None]:
    """The entries behind the key `cursor` (empty for the beginning), and the key to go on with; None at the end."""
    entries = [
        *_events(tx, website_id, person, cursor, limit, newest_first=newest_first),
        *_facts(tx, website_id, person, cursor, limit, newest_first=newest_first),
    ]
    return _page(entries, cursor, limit, newest_first=newest_first)


def whole_journey(tx: Transaction, website_id: bytes, person: Person) -> Iterator[dict[str, Any]]:
    """All entries, oldest first."""
    entries = [
        *(
            (row[0] + visitor_id, row)
            for visitor_id, spans in person.spans.items()
            for since, until in event_ranges(spans)
            for row in tx.all(sql.events_up, (website_id, visitor_id, since, until, EVERYTHING))
        ),
        *_facts(tx, website_id, person, b"", EVERYTHING, newest_first=False),
    ]
    entries.sort(key=lambda entry: entry[0])
    return map(_show, entries)


def visitor_journey(
    tx: Transaction, website_id: bytes, visitor_id: bytes, cursor: bytes, limit: int
) -> tuple[list[dict[str, Any]], bytes | None]:
    """The same of one visitor, whoever it was, newest first."""
    until = (cursor[:EVENT_BYTES] or b"\xff" * EVENT_BYTES) + b"\xff"
    rows = tx.all(sql.events_down, (website_id, visitor_id, b"", until, limit + 2))
    entries = [
        *((row[0] + visitor_id, row) for row in rows),
        *_facts_on(tx, website_id, visitor_id, cursor, limit),
    ]
    return _page(entries, cursor, limit, newest_first=True)


def _page(
    entries: list[Entry], cursor: bytes, limit: int, *, newest_first: bool
) -> tuple[list[dict[str, Any]], bytes | None]:
    wanted = [
        entry
        for entry in entries
        if not cursor or ((entry[0] < cursor) == newest_first and entry[0] != cursor)
    ]
    wanted.sort(key=lambda entry: entry[0], reverse=newest_first)
    page = wanted[:limit]
    return [_show(entry) for entry in page], page[-1][0] if len(wanted) > limit else None


def _events(
    tx: Transaction, website_id: bytes, person: Person, cursor: bytes, limit: int, *, newest_first: bool
) -> Iterator[Entry]:
    """At least the next `limit` + 1 events that lie behind the cursor.

    They lie in the spans whose own next events come first: only of those, more than that one is read.
    """
    edge = cursor[:EVENT_BYTES]
    ranges: list[Params] = []
    for visitor_id, spans in person.spans.items():
        for since, until in event_ranges(spans):
            low, high = (
                (since, min(until, edge + b"\xff") if edge else until)
                if newest_first
                else (max(since, edge), until)
            )
            if low < high:
                ranges.append((website_id, visitor_id, low, high))
    found = tx.lookup(sql.last_between if newest_first else sql.first_between, ranges)
    nearest = sorted(
        ((row[0], key) for row, key in zip(found, ranges, strict=True) if row is not None),
        key=lambda pair: (pair[0], pair[1][1]),
        reverse=newest_first,
    )
    asked = [
        (sql.events_down if newest_first else sql.events_up, (*key, limit + 2))
        for _, key in nearest[: limit + 2]
    ]
    for (_, params), rows in zip(asked, tx.queries(*asked), strict=True):
        yield from ((row[0] + params[1], row) for row in rows)


def _facts(
    tx: Transaction, website_id: bytes, person: Person, cursor: bytes, limit: int, *, newest_first: bool
) -> Iterator[Entry]:
    """At least the next `limit` + 1 identify facts about each of the person's users that lie behind the cursor."""
    edge = cursor[:FACT_BYTES]
    since, until = (b"", edge or _END) if newest_first else (edge, _END)
    statement = sql.facts_down if newest_first else sql.facts_up
    for member in person.members:
        for row in tx.all(statement, (website_id, member, since, until, limit + 2)):
            yield row[0] + row[1], row


def _facts_on(
    tx: Transaction, website_id: bytes, visitor_id: bytes, cursor: bytes, limit: int
) -> Iterator[Entry]:
    """At least the newest `limit` + 1 identify facts on a visitor that lie behind the cursor: those of a link's user from it on.

    A link is a fact itself, or one that was erased, and no two of those follow each other: so many links are enough.
    """
    until, wanted = cursor[:FACT_BYTES] or _END, limit + 2
    for fact_id, profile_id in tx.all(sql.links_down, (website_id, visitor_id, until, 2 * wanted)):
        if profile_id is not None and wanted > 0:
            key = (website_id, profile_id, visitor_id, fact_id, until, wanted)
            for row in tx.all(sql.facts_down_on, key):
                yield row[0] + row[1], row
                wanted -= 1
        until = min(until, fact_id)


def _show(entry: Entry) -> dict[str, Any]:
    key, row = entry
    return _event(key[EVENT_BYTES:], row) if len(key) == EVENT_KEY_BYTES else _identify(row)


def _event(visitor_id: bytes, row: Row) -> dict[str, Any]:
    event_id, kind, session_started_at, url, query, referrer, name, data = row
    visitor = format_uuid(visitor_id)
    return {
        "type": kind,
        "at": to_iso(at_of(event_id)),
        "visitorId": visitor,
        "sessionId": f"{visitor}-{session_started_at}",
        "url": url,
        "query": query,
        "referrer": referrer,
        "name": name,
        "data": _decode(data) if data else None,
    }


def _identify(row: Row) -> dict[str, Any]:
    fact_id, visitor_id, user_id, source = row
    return {
        "type": IDENTIFY,
        "at": to_iso(at_of(fact_id)),
        "visitorId": format_uuid(visitor_id),
        "sessionId": None,
        "url": None,
        "query": None,
        "referrer": None,
        "name": user_id,
        "data": {"source": source, "factId": fact_id.hex()},
    }

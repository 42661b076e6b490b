"""Everything a person did, over all devices and spans, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from footfall.clock import to_iso
from footfall.db.protocol import Row, Transaction
from footfall.errors import BadRequest
from footfall.identity import store
from footfall.identity.history import Person
from footfall.identity.model import IDENTIFY, Link
from footfall.ids import EVENT_BYTES, FACT_BYTES, at_of, format_uuid
from footfall.people.reading import event_spans, sql

_decode = msgspec.json.Decoder().decode

Entry = tuple[bytes, dict[str, Any]]
"""(key, entry as the wire shows it); keys sort by time, and no two entries share one."""
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


def visitor_journey(
    tx: Transaction, website_id: bytes, visitor_id: bytes, cursor: bytes, limit: int
) -> tuple[list[dict[str, Any]], bytes | None]:
    """The same of one visitor, whoever it was, newest first."""
    until = (cursor[:EVENT_BYTES] or b"\xff" * EVENT_BYTES) + b"\xff"
    rows = tx.all(sql.events_down, (website_id, visitor_id, b"", until, limit + 2))
    links = store.links_of_visitor(tx, website_id, visitor_id)
    entries = [
        *(event_entry(visitor_id, row) for row in rows),
        *_facts_on(tx, website_id, visitor_id, links, cursor, limit),
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
    return [entry for _, entry in page], page[-1][0] if len(wanted) > limit else None


def _events(
    tx: Transaction, website_id: bytes, person: Person, cursor: bytes, limit: int, *, newest_first: bool
) -> Iterator[Entry]:
    """At least the next `limit` + 1 events of each span that lie behind the cursor."""
    statement = sql.events_down if newest_first else sql.events_up
    edge = cursor[:EVENT_BYTES]
    for visitor_id, links in person.links.items():
        for since, until in event_spans(links, person.members):
            if edge:
                since, until = (
                    (since, min(until, edge + b"\xff")) if newest_first else (max(since, edge), until)
                )
            for row in tx.all(statement, (website_id, visitor_id, since, until, limit + 2)):
                yield event_entry(visitor_id, row)


def _facts(
    tx: Transaction, website_id: bytes, person: Person, cursor: bytes, limit: int, *, newest_first: bool
) -> Iterator[Entry]:
    """At least the next `limit` + 1 identify facts about each of the person's users that lie behind the cursor."""
    edge = cursor[:FACT_BYTES]
    since, until = (b"", edge or _END) if newest_first else (edge, _END)
    statement = sql.facts_down if newest_first else sql.facts_up
    for member in person.members:
        for row in tx.all(statement, (website_id, member, since, until, limit + 2)):
            yield _identify(row)


def _facts_on(
    tx: Transaction, website_id: bytes, visitor_id: bytes, links: list[Link], cursor: bytes, limit: int
) -> Iterator[Entry]:
    """At least the newest `limit` + 1 identify facts on a visitor that lie behind the cursor: those of a link's user from it on."""
    until, wanted = cursor[:FACT_BYTES] or _END, limit + 2
    for link in reversed(links):
        if link.profile_id is not None and link.fact_id <= until and wanted > 0:
            key = (website_id, link.profile_id, visitor_id, link.fact_id, until, wanted)
            for row in tx.all(sql.facts_down_on, key):
                yield _identify(row)
                wanted -= 1
        until = min(until, link.fact_id)


def event_entry(visitor_id: bytes, row: Row) -> Entry:
    """The entry of a row of `event`."""
    event_id, kind, session_started_at, url, query, referrer, name, data = row
    visitor = format_uuid(visitor_id)
    return event_id + visitor_id, {
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


def _identify(row: Row) -> Entry:
    fact_id, visitor_id, user_id, source = row
    return fact_id + visitor_id, {
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


def read_cursor(text: str | None) -> bytes:
    """A cursor as a journey gave it. Raises BadRequest."""
    if text is None:
        return b""
    try:
        cursor = bytes.fromhex(text)
    except ValueError:
        cursor = b""
    if not EVENT_BYTES < len(cursor) <= 48:
        raise BadRequest("cursor must be a nextCursor of this journey.")
    return cursor

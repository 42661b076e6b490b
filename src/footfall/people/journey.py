"""Everything a person did, over all devices and spans, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from footfall.clock import to_iso
from footfall.db.protocol import Row, Transaction
from footfall.errors import BadRequest
from footfall.identity import store
from footfall.identity.history import PersonThen
from footfall.identity.model import IDENTIFY, Fact
from footfall.ids import EVENT_BYTES, at_of, format_uuid
from footfall.people.reading import event_spans, sql

_decode = msgspec.json.Decoder().decode

Entry = tuple[bytes, dict[str, Any]]
"""(key, entry as the wire shows it); keys sort by time, and no two entries share one."""


def journey(
    tx: Transaction, website_id: bytes, then: PersonThen, cursor: bytes, limit: int, *, newest_first: bool
) -> tuple[list[dict[str, Any]], bytes | None]:
    """The entries behind the key `cursor` (empty for the beginning), and the key to go on with; None at the end."""
    entries = [
        *_events(tx, website_id, then, cursor, limit, newest_first=newest_first),
        *(_identify(fact) for fact in then.facts),
    ]
    return _page(entries, cursor, limit, newest_first=newest_first)


def visitor_journey(
    tx: Transaction, website_id: bytes, visitor_id: bytes, cursor: bytes, limit: int
) -> tuple[list[dict[str, Any]], bytes | None]:
    """The same of one visitor, whoever it was, newest first."""
    until = (cursor[:EVENT_BYTES] or b"\xff" * EVENT_BYTES) + b"\xff"
    rows = tx.all(sql.events_down, (website_id, visitor_id, b"", until, limit + 2))
    links = store.links_of_visitor(tx, website_id, visitor_id)
    owners = {link.profile_id for link in links if link.profile_id is not None}
    facts = store.facts_of_profiles(tx, website_id, owners)
    entries = [
        *(event_entry(visitor_id, row) for row in rows),
        *(_identify(fact) for fact in facts if fact.visitor_id == visitor_id),
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
    tx: Transaction, website_id: bytes, then: PersonThen, cursor: bytes, limit: int, *, newest_first: bool
) -> Iterator[Entry]:
    """At least the next `limit` + 1 events of each span that lie behind the cursor."""
    statement = sql.events_down if newest_first else sql.events_up
    edge = cursor[:EVENT_BYTES]
    for visitor_id, links in then.links.items():
        for since, until in event_spans(links, then.members):
            if edge:
                since, until = (
                    (since, min(until, edge + b"\xff")) if newest_first else (max(since, edge), until)
                )
            for row in tx.all(statement, (website_id, visitor_id, since, until, limit + 2)):
                yield event_entry(visitor_id, row)


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


def _identify(fact: Fact) -> Entry:
    return fact.fact_id + fact.visitor_id, {
        "type": IDENTIFY,
        "at": to_iso(at_of(fact.fact_id)),
        "visitorId": format_uuid(fact.visitor_id),
        "sessionId": None,
        "url": None,
        "query": None,
        "referrer": None,
        "name": fact.user_id,
        "data": {"source": fact.source, "factId": fact.fact_id.hex()},
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

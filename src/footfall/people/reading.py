"""One person whole: traits, visitors with their spans, what they did, where they came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from footfall.clock import to_iso
from footfall.collect.model import CUSTOM, PAGEVIEW
from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import Statement, load
from footfall.identity import rules, store
from footfall.identity.history import Person
from footfall.identity.ledger_endpoints import spans_json
from footfall.identity.model import Link
from footfall.ids import EVENT_BYTES, MAX_AT, at_of, at_prefix, format_uuid

sql = load(__file__, "people.sql")

_decode = msgspec.json.Decoder().decode

ASKED_AT_ONCE = 50
"""Visitors whose events are asked for together."""
MOST_VISITORS = 20
"""Visitors of a person that a list looks at."""
Span = tuple[bytes, bytes]
"""From which event id on, until before which, a visitor was a person."""


def event_spans(links: list[Link], members: Iterable[bytes]) -> list[Span]:
    """The spans of these users on a visitor; the first user has the visitor from its beginning."""
    return [
        (at_prefix(since) if since else b"", at_prefix(until) if until < MAX_AT else b"\xff" * EVENT_BYTES)
        for since, until in rules.own_spans(links, set(members))
    ]


class _Deeds(NamedTuple):
    """What a person did on a visitor. `counts`: (type, many) of events; `edges`: when the first and last of each span were.

    `started`: when the sessions began in which it was done; `sessions`: those of them that began as the person's.
    """

    visitor: Row
    sessions: list[Row]
    counts: list[Row]
    edges: list[int]
    started: set[int]


_OF_A_SPAN = (sql.counts_between, sql.first_between, sql.last_between, sql.sessions_between)


def _deeds(
    tx: Transaction, website_id: bytes, person: Person, end: bytes
) -> Iterator[tuple[bytes, list[Link], _Deeds]]:
    """What was done before the event id `end` on each visitor whose first pageview has come."""
    everything = sorted(person.links.items())
    for start in range(0, len(everything), ASKED_AT_ONCE):
        part = everything[start : start + ASKED_AT_ONCE]
        spans = [
            [(since, min(until, end)) for since, until in event_spans(links, person.members)]
            for _, links in part
        ]
        asked: list[tuple[Statement, Params]] = []
        for (visitor_id, _), own in zip(part, spans, strict=True):
            key = (website_id, visitor_id)
            asked += [(sql.visitor_summary, key), (sql.sessions_of, key)]
            asked += [(statement, (*key, *span)) for statement in _OF_A_SPAN for span in own]
        answers = iter(tx.queries(*asked))
        for (visitor_id, links), own in zip(part, spans, strict=True):
            known, sessions = next(answers), next(answers)
            counts, first, last, started = ([row for _ in own for row in next(answers)] for _ in _OF_A_SPAN)
            if known and known[0][2]:
                edges = [at_of(row[0]) for row in first + last]
                begun = {row[0] for row in started}
                own_sessions = [row for row in sessions if row[0] in begun and _is_within(row[0], own)]
                yield visitor_id, links, _Deeds(known[0], own_sessions, counts, edges, begun)


def _is_within(at: int, spans: list[Span]) -> bool:
    """Whether a time (ms since epoch) lies in one of the spans."""
    return any(since <= at_prefix(at) < until for since, until in spans)


def person_json(tx: Transaction, website_id: bytes, person: Person, at: int = MAX_AT) -> dict[str, Any]:
    """What a person did up to a time (ms since epoch), beside who they are; on visitors whose first pageview has come."""
    visitors = []
    seen: list[int] = []
    touches: list[tuple[int, Row]] = []
    sessions = pageviews = goals = 0
    end = at_prefix(at + 1) if at < MAX_AT else b"\xff" * EVENT_BYTES
    for visitor_id, links, done in _deeds(tx, website_id, person, end):
        pageviews += sum(row[1] for row in done.counts if row[0] == PAGEVIEW)
        goals += sum(row[1] for row in done.counts if row[0] == CUSTOM)
        sessions += len(done.started)
        seen += done.edges
        touches += [(row[0], row) for row in done.sessions]
        visitors.append(_visitor(done.visitor, visitor_id, links, person, done.edges))
    touches.sort(key=lambda touch: touch[0])
    return {
        "firstSeenAt": to_iso(min(seen)) if seen else None,
        "lastSeenAt": to_iso(max(seen)) if seen else None,
        "visitors": visitors,
        "activity": {"sessionCount": sessions, "pageViewCount": pageviews, "goalCount": goals},
        "firstTouch": _touch(touches[0][1]) if touches else None,
        "lastTouch": _touch(touches[-1][1]) if touches else None,
    }


def sessions_json(tx: Transaction, website_id: bytes, person: Person) -> list[dict[str, Any]]:
    """Everything held about the sessions that began in the person's own spans, visitor by visitor."""
    return [
        _session_json(visitor_id, row)
        for visitor_id, links in sorted(person.links.items())
        for since, until in event_spans(links, person.members)
        for row in tx.all(sql.whole_sessions, (website_id, visitor_id, at_of(since), at_of(until)))
    ]


def _session_json(visitor_id: bytes, row: Row) -> dict[str, Any]:
    started_at, entry_url, referrer, *texts = row
    params, click_ids, place, device = (_decode(text) if text else None for text in texts)
    visitor = format_uuid(visitor_id)
    return {
        "sessionId": f"{visitor}-{started_at}",
        "visitorId": visitor,
        "startedAt": to_iso(started_at),
        "url": entry_url,
        "referrer": referrer,
        "params": params,
        "adClickIds": click_ids,
        "place": place,
        "device": device,
    }


class Activity(msgspec.Struct):
    """What a list shows of what a person did. `last_seen_at`: ms since epoch; `devices`: kinds of device, sorted."""

    visits: int
    last_seen_at: int | None
    devices: list[str]
    visitor_count: int


def read_activity(tx: Transaction, website_id: bytes, members: Iterable[bytes]) -> Activity:
    """The activity of the person that these profiles are, in their own spans; of the first MOST_VISITORS visitors."""
    own = list(members)
    visitors = store.visitors_of(tx, website_id, own)
    shown = visitors[:MOST_VISITORS]
    spans: list[Params] = [
        (website_id, visitor_id, *span)
        for visitor_id in shown
        for span in event_spans(store.links_of_visitor(tx, website_id, visitor_id), own)
    ]
    found = [row for row in tx.lookup(sql.span_summary, spans) if row is not None and row[1] is not None]
    rows = tx.lookup(sql.visitor_summary, [(website_id, visitor_id) for visitor_id in shown])
    return Activity(
        sum(row[0] for row in found),
        max((at_of(row[1]) for row in found), default=None),
        sorted({device_kind(row[4]) for row in rows if row is not None}),
        len(visitors),
    )


def device_kind(text: str | None) -> str:
    """`desktop`, `mobile` and so on, of a visitor's device (JSON)."""
    return (_decode(text)["device"].get("type") if text else None) or "desktop"


def _visitor(
    known: Row, visitor_id: bytes, links: list[Link], person: Person, edges: list[int]
) -> dict[str, Any]:
    place, device = (_decode(text) if text else None for text in known[3:5])
    return {
        "visitorId": format_uuid(visitor_id),
        "spans": spans_json(links, person),
        "device": device and device["device"],
        "country": place and place.get("country"),
        "city": place and place.get("city"),
        "firstSeenAt": to_iso(min(edges)) if edges else None,
        "lastSeenAt": to_iso(max(edges)) if edges else None,
    }


def _touch(session: Row) -> dict[str, Any]:
    """Where a session came from. `source`: its utm_source, ref, source or via, else the referrer's host, else None."""
    started_at, entry_url, referrer, params = session
    said = _decode(params) if params else {}
    named = next((said[name] for name in ("utm_source", "ref", "source", "via") if said.get(name)), None)
    return {
        "source": named or (referrer.partition("/")[0] if referrer else None),
        "referrer": referrer,
        "params": said,
        "url": entry_url,
        "at": to_iso(started_at),
    }

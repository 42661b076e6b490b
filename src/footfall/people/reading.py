"""One person whole: traits, visitors with their spans, what they did, where they came from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from footfall.clock import to_iso
from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import load
from footfall.identity.history import Person, Span, Spans, shared_spans_of
from footfall.identity.ledger_endpoints import spans_json
from footfall.ids import EVENT_BYTES, MAX_AT, at_of, at_prefix, format_uuid

sql = load(__file__, "people.sql")

_decode = msgspec.json.Decoder().decode

ASKED_AT_ONCE = 500
"""Visitors that are asked for together."""
_NOTHING: Row = (None, None, None, 0)
_NONE_ALONE: Row = (0, 0, None, None, "[]")
KEY_BYTES = 22
"""Of the key by which a person's visitors are listed: 6 of when it was last used, 16 of the visitor id."""

Range = tuple[bytes, bytes]
"""From which event id on, until before which, a visitor was a person."""


def event_ranges(spans: Iterable[Span], end: int = MAX_AT) -> list[Range]:
    """The event ids of spans, of those before `end` (ms since epoch)."""
    return [(_edge(span.since), _edge(min(span.until, end))) for span in spans]


def _edge(at: int) -> bytes:
    """Before every event id of a time (ms since epoch); MAX_AT: behind all."""
    return at_prefix(at) if at < MAX_AT else b"\xff" * EVENT_BYTES


class OnVisitor(msgspec.Struct):
    """What a person did on a visitor whose first pageview has come. `known`: (pages, place, device); `seen`: of each span, see the statement."""

    visitor_id: bytes
    spans: list[Span]
    known: Row
    seen: list[Row]

    @property
    def first_at(self) -> int | None:
        """When it was first used by the person (ms since epoch)."""
        return min((at_of(row[0]) for row in self.seen if row[0] is not None), default=None)

    @property
    def last_at(self) -> int | None:
        """When it was last used by the person (ms since epoch)."""
        return max((at_of(row[1]) for row in self.seen if row[1] is not None), default=None)

    @property
    def key(self) -> bytes:
        """By which visitors are listed, the one that was used last in front."""
        return at_prefix(self.last_at or 0) + self.visitor_id

    def visits(self) -> int:
        """Sessions in which the person did something; one may have begun as somebody else's, and go on over several spans."""
        straddling = {row[2] for row in self.seen if row[2] is not None and not self._is_own(row[2])}
        begun: int = sum(row[3] for row in self.seen)
        return begun + len(straddling)

    def _is_own(self, at: int) -> bool:
        index = bisect_right(self.spans, at, key=lambda span: span.since) - 1
        return index >= 0 and at < self.spans[index].until


def look_at(
    tx: Transaction, website_id: bytes, people: Sequence[Spans], end: int = MAX_AT
) -> list[list[OnVisitor]]:
    """What each of the people with these spans did before `end` (ms since epoch), visitor by visitor."""
    wanted = [(number, *one) for number, spans in enumerate(people) for one in sorted(spans.items())]
    found: list[list[OnVisitor]] = [[] for _ in people]
    for first in range(0, len(wanted), ASKED_AT_ONCE):
        part = wanted[first : first + ASKED_AT_ONCE]
        known = tx.lookup(sql.visitor_summary, [(website_id, visitor_id) for _, visitor_id, _ in part])
        shown = [(one, row) for one, row in zip(part, known, strict=True) if row is not None and row[0]]
        ranges = [_ranges(website_id, visitor_id, spans, end) for (_, visitor_id, spans), _ in shown]
        seen = iter(tx.lookup(sql.seen_between, [key for keys in ranges for key in keys]))
        for ((number, visitor_id, spans), row), keys in zip(shown, ranges, strict=True):
            rows = [row or _NOTHING for row in islice(seen, len(keys))]
            found[number].append(OnVisitor(visitor_id, spans, row, rows))
    return found


def _ranges(website_id: bytes, visitor_id: bytes, spans: list[Span], end: int) -> list[Params]:
    return [
        (website_id, visitor_id, *range_, span.since, min(span.until, end))
        for span, range_ in zip(spans, event_ranges(spans, end), strict=True)
    ]


class Activity(msgspec.Struct):
    """What a person did, in short. Times in ms since epoch, None for never; `devices`: kinds of device, sorted."""

    visits: int
    first_at: int | None
    last_at: int | None
    devices: list[str]
    visitor_count: int


def activity_of(visitors: list[OnVisitor]) -> Activity:
    """The same of all visitors of a person."""
    return Activity(
        sum(one.visits() for one in visitors),
        min((one.first_at for one in visitors if one.first_at is not None), default=None),
        max((one.last_at for one in visitors if one.last_at is not None), default=None),
        sorted({device_kind(text) for text in {one.known[2] for one in visitors}}),
        len(visitors),
    )


def read_activities(tx: Transaction, website_id: bytes, people: Sequence[list[bytes]]) -> list[Activity]:
    """The activity of each of the people that these profiles are.

    Of visitors that were one user's all along, the database sums up: people may have tens of thousands of them.
    """
    keys: list[Params] = [(website_id, member) for members in people for member in members]
    alone = iter(tx.lookup(sql.seen_alone, keys))
    shared = look_at(tx, website_id, shared_spans_of(tx, website_id, people))
    return [
        _together([activity_of(visitors), *(_activity_alone(next(alone)) for _ in members)])
        for members, visitors in zip(people, shared, strict=True)
    ]


def _activity_alone(row: Row | None) -> Activity:
    count, visits, first, last, devices = row or _NONE_ALONE
    kinds = {device_kind(text) for text in _decode(devices)}
    return Activity(visits, _at_of_edge(first), _at_of_edge(last), sorted(kinds), count)


def _at_of_edge(event_id: bytes | None) -> int | None:
    return None if event_id is None else at_of(event_id)


def _together(parts: list[Activity]) -> Activity:
    return Activity(
        sum(one.visits for one in parts),
        min((one.first_at for one in parts if one.first_at is not None), default=None),
        max((one.last_at for one in parts if one.last_at is not None), default=None),
        sorted({kind for one in parts for kind in one.devices}),
        sum(one.visitor_count for one in parts),
    )


class Listed(NamedTuple):
    """A person's visitors, those used last in front, and the key of the next; None at the end."""

    visitors: list[OnVisitor]
    following: bytes | None


def list_visitors(visitors: list[OnVisitor], cursor: bytes, limit: int) -> Listed:
    """At most `limit` visitors behind the key `cursor`; empty for the beginning."""
    keyed = sorted(((one.key, one) for one in visitors), key=lambda pair: pair[0], reverse=True)
    behind = [pair for pair in keyed if not cursor or pair[0] < cursor]
    page = behind[:limit]
    return Listed([one for _, one in page], page[-1][0] if len(behind) > limit else None)


def person_json(
    tx: Transaction, website_id: bytes, visitors: list[OnVisitor], listed: list[OnVisitor], end: int
) -> dict[str, Any]:
    """What a person did before `end` (ms since epoch), beside who they are. `listed`: the visitors that are shown."""
    activity = activity_of(visitors)
    pages, goals, edges = _done(tx, website_id, visitors, end)
    touches = [tx.one(sql.session_get, (website_id, *edge)) for edge in edges]
    return {
        "firstSeenAt": _iso(activity.first_at),
        "lastSeenAt": _iso(activity.last_at),
        "visitorCount": activity.visitor_count,
        "visitors": [visitor_json(one) for one in listed],
        "activity": {"sessionCount": activity.visits, "pageViewCount": pages, "goalCount": goals},
        "firstTouch": _touch(touches[0]) if touches else None,
        "lastTouch": _touch(touches[1]) if touches else None,
    }


def _done(
    tx: Transaction, website_id: bytes, visitors: list[OnVisitor], end: int
) -> tuple[int, int, list[tuple[bytes, int]]]:
    """How many pages and goals; and (visitor id, when it began) of the first and of the last session, if there is one."""
    pages = goals = 0
    begun: list[tuple[int, bytes]] = []
    for first in range(0, len(visitors), ASKED_AT_ONCE):
        keys = [
            key
            for one in visitors[first : first + ASKED_AT_ONCE]
            for key in _ranges(website_id, one.visitor_id, one.spans, end)
        ]
        for key, row in zip(keys, tx.lookup(sql.done_between, keys), strict=True):
            if row is not None:
                pages, goals = pages + row[0], goals + row[1]
                begun += [(at, key[1]) for at in row[2:] if at is not None]  # type: ignore[misc]
    return pages, goals, [(one[1], one[0]) for one in (min(begun), max(begun))] if begun else []


def sessions_json(tx: Transaction, website_id: bytes, person: Person) -> Iterator[dict[str, Any]]:
    """Everything held about the sessions that began in the person's own spans, visitor by visitor."""
    return (
        _session_json(visitor_id, row)
        for visitor_id, spans in sorted(person.spans.items())
        for span in spans
        for row in tx.all(sql.whole_sessions, (website_id, visitor_id, span.since, span.until))
    )


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


def device_kind(text: str | None) -> str:
    """`desktop`, `mobile` and so on, of a visitor's device (JSON)."""
    return (_device(text) or {}).get("type") or "desktop"


def _device(text: str | None) -> dict[str, Any] | None:
    return _decode(text).get("device") if text else None


def visitor_json(one: OnVisitor) -> dict[str, Any]:
    """A visitor of a person as the wire shows it."""
    _, place_text, device_text = one.known
    place = _decode(place_text) if place_text else {}
    return {
        "visitorId": format_uuid(one.visitor_id),
        "spans": spans_json(one.spans),
        "device": _device(device_text),
        "country": place.get("country"),
        "city": place.get("city"),
        "firstSeenAt": _iso(one.first_at),
        "lastSeenAt": _iso(one.last_at),
    }


def _iso(at: int | None) -> str | None:
    return None if at is None else to_iso(at)


def _touch(session: Row | None) -> dict[str, Any] | None:
    """Where a session came from. `source`: its utm_source, ref, source or via, else the referrer's host, else None."""
    if session is None:
        return None
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

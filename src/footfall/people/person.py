"""One person in full: traits, visitors with their spans, what they did, where they came from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from footfall.collect.enrich.device import Device
from footfall.collect.enrich.geo import NOWHERE, Place
from footfall.collect.model import StoredDevice, Touch, touch_of
from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import load
from footfall.identity.ledger.show import shared_spans_of, stays
from footfall.identity.model import Person, Span, Spans
from footfall.ids import EVENT_BYTES, MAX_AT, at_of, at_prefix
from footfall.people.model import Activity, PersonDetail, SessionDetail, VisitOrigin, VisitorOfPerson

sql = load(__file__, "people.sql")

_decode = msgspec.json.Decoder().decode
_decode_device = msgspec.json.Decoder(StoredDevice).decode
_decode_place = msgspec.json.Decoder(Place).decode

ASKED_AT_ONCE = 500
"""Visitors to read at a time."""
NO_ACTIVITY = Activity(0, None, None, [], 0)
QUARTER_MS = 15 * 60_000
"""All time zones differ by whole quarters of an hour."""
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


class SpanActivity(NamedTuple):
    """What a visitor did in a span: the first and the last event, the session of the first, and how many sessions began."""

    first_id: bytes | None
    last_id: bytes | None
    first_session_at: int | None
    session_count: int


_NOTHING = SpanActivity(None, None, None, 0)


class OnVisitor(msgspec.Struct, frozen=True):
    """What a person did on a visitor whose first pageview has come. `place`, `device`: JSON as it is stored; `seen`: of each span."""

    visitor_id: bytes
    spans: list[Span]
    place: str | None
    device: str | None
    seen: list[SpanActivity]

    @property
    def first_at(self) -> int | None:
        """When it was first used by the person (ms since epoch)."""
        return min((at_of(one.first_id) for one in self.seen if one.first_id is not None), default=None)

    @property
    def last_at(self) -> int | None:
        """When it was last used by the person (ms since epoch)."""
        return max((at_of(one.last_id) for one in self.seen if one.last_id is not None), default=None)

    @property
    def key(self) -> bytes:
        """By which visitors are listed, the one that was used last in front."""
        return at_prefix(self.last_at or 0) + self.visitor_id

    def visits(self) -> int:
        """Sessions in which the person did something; one may have begun as somebody else's, and go on over several spans."""
        began = {one.first_session_at for one in self.seen if one.first_session_at is not None}
        straddling = [at for at in began if not self._is_own(at)]
        return sum(one.session_count for one in self.seen) + len(straddling)

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
        known = tx.get_many(sql.visitor_summary, [(website_id, visitor_id) for _, visitor_id, _ in part])
        shown = [(one, row) for one, row in zip(part, known, strict=True) if row and row.pageview_count]
        ranges = [_ranges(website_id, visitor_id, spans, end) for (_, visitor_id, spans), _ in shown]
        seen = iter(tx.get_many(sql.seen_between, [key for keys in ranges for key in keys]))
        for ((number, visitor_id, spans), row), keys in zip(shown, ranges, strict=True):
            own = [_seen(one) for one in islice(seen, len(keys))]
            found[number].append(OnVisitor(visitor_id, spans, row.place, row.device, own))
    return found


def _seen(row: Row | None) -> SpanActivity:
    return (
        SpanActivity(row.first_id, row.last_id, row.first_session_at, row.session_count) if row else _NOTHING
    )


def _ranges(website_id: bytes, visitor_id: bytes, spans: list[Span], end: int) -> list[Params]:
    return [
        (website_id, visitor_id, *range_, span.since, min(span.until, end))
        for span, range_ in zip(spans, event_ranges(spans, end), strict=True)
    ]


def activity_of(visitors: list[OnVisitor]) -> Activity:
    """The same of all visitors of a person."""
    return Activity(
        sum(one.visits() for one in visitors),
        min((one.first_at for one in visitors if one.first_at is not None), default=None),
        max((one.last_at for one in visitors if one.last_at is not None), default=None),
        sorted({device_kind(text) for text in {one.device for one in visitors}}),
        len(visitors),
    )


def read_activities(tx: Transaction, website_id: bytes, people: Sequence[list[bytes]]) -> list[Activity]:
    """The activity of each of the people that these profiles are.

    Of visitors that were one user's all along, the database sums up: people may have tens of thousands of them.
    """
    keys: list[Params] = [(website_id, member) for members in people for member in members]
    alone = iter(tx.get_many(sql.seen_alone, keys))
    shared = look_at(tx, website_id, shared_spans_of(tx, website_id, people))
    return [
        _together([activity_of(visitors), *(_activity_alone(next(alone)) for _ in members)])
        for members, visitors in zip(people, shared, strict=True)
    ]


def _activity_alone(row: Row | None) -> Activity:
    if row is None:
        return NO_ACTIVITY
    kinds = {device_kind(text) for text in _decode(row.devices)}
    return Activity(
        row.visits, _at_of_edge(row.first_id), _at_of_edge(row.last_id), sorted(kinds), row.visitor_count
    )


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


def read_detail(
    tx: Transaction, website_id: bytes, person: Person, visitors: list[OnVisitor], end: int = MAX_AT
) -> PersonDetail:
    """A person with what they did before `end` (ms since epoch), without the visitors themselves."""
    pages, goals, edges = _done(tx, website_id, visitors, end)
    touches = [_touch(tx.one(sql.session_get, (website_id, *edge))) for edge in edges]
    first, last = touches or (None, None)
    return PersonDetail(person, activity_of(visitors), pages, goals, first, last)


def _done(
    tx: Transaction, website_id: bytes, visitors: list[OnVisitor], end: int
) -> tuple[int, int, list[tuple[bytes, int]]]:
    """How many pages and goals; and (visitor id, when it began) of the first and of the last session, if there is one."""
    pages = goals = 0
    begun: list[tuple[int, bytes]] = []
    for first in range(0, len(visitors), ASKED_AT_ONCE):
        keys = [
            (one.visitor_id, key)
            for one in visitors[first : first + ASKED_AT_ONCE]
            for key in _ranges(website_id, one.visitor_id, one.spans, end)
        ]
        rows = tx.get_many(sql.done_between, [key for _, key in keys])
        for (visitor_id, _), row in zip(keys, rows, strict=True):
            if row is not None:
                pages, goals = pages + row.pages, goals + row.goals
                edges = (row.first_session_at, row.last_session_at)
                begun += [(at, visitor_id) for at in edges if at is not None]
    return pages, goals, [(one[1], one[0]) for one in (min(begun), max(begun))] if begun else []


def _touch(row: Row | None) -> Touch | None:
    return None if row is None else _touch_from(row)


def _touch_from(row: Row) -> Touch:
    return touch_of(row.started_at, row.entry_url, row.referrer, row.params)


def _device_from(text: str | None) -> Device | None:
    return _decode_device(text).device if text else None


def read_origins(
    tx: Transaction, website_id: bytes, sessions: Sequence[tuple[bytes, int]]
) -> list[VisitOrigin | None]:
    """Where sessions came from, by visitor and beginning (ms since epoch); None for one that is not stored."""
    rows = tx.get_many(sql.session_get, [(website_id, *one) for one in sessions])
    return [None if row is None else VisitOrigin(_touch_from(row), _device_from(row.device)) for row in rows]


def visits_by_quarter(
    tx: Transaction, website_id: bytes, times: Iterable[tuple[bytes, int, int]]
) -> list[tuple[int, int]]:
    """How many sessions began when (ms since epoch, the beginning of a quarter of an hour), in these times of visitors."""
    (found,) = tx.groups((sql.visits_by_quarter, [(website_id, *time) for time in times]))
    return [(row.quarter * QUARTER_MS, row.count) for rows in found for row in rows]


def read_sessions(tx: Transaction, website_id: bytes, person: Person) -> Iterator[SessionDetail]:
    """Everything held about the sessions that began in the person's own spans, visitor by visitor."""
    return (
        SessionDetail(
            visitor_id,
            row.started_at,
            row.entry_url,
            row.referrer,
            row.params,
            row.click_ids,
            row.place,
            row.device,
        )
        for visitor_id, spans in sorted(person.spans.items())
        for span in spans
        for row in tx.all(sql.whole_sessions, (website_id, visitor_id, span.since, span.until))
    )


def visitor_of(one: OnVisitor) -> VisitorOfPerson:
    """A visitor of a person as it is shown."""
    place = _decode_place(one.place) if one.place else NOWHERE
    return VisitorOfPerson(
        one.visitor_id,
        stays(one.spans),
        _device_from(one.device),
        place.country,
        place.city,
        one.first_at,
        one.last_at,
    )


def device_kind(text: str | None) -> str:
    """`desktop`, `mobile` and so on, of a visitor's device (JSON)."""
    kind = _decode_device(text).device.type if text else None
    return kind or "desktop"

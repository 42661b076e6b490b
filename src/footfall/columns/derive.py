"""From what a visitor did to rows of the columns: a function of the set of its events, in whatever order they came. Pure.

A visit ends after 30 minutes without an event. Where it came from, and on what, is what was stored with its first event; its entry is its
first page. A visitor with many events is derived in slices: each goes on from where the one before ended.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import msgspec

from footfall.collect.enrich.geo import NOWHERE, Place
from footfall.collect.model import EXTERNAL_LINK, GOAL, PAGEVIEW, SESSION_IDLE_MS, StoredDevice, Touch
from footfall.columns.model import (
    OF_EVENT,
    OF_PAYMENT,
    ORIGIN_EVENTS,
    Columns,
    Derived,
    DerivedPayments,
    EventRow,
    LoosePayment,
    Page,
    RowType,
    SessionColumns,
    StoredEvent,
    StoredPayment,
    StoredSession,
    VisitorHistory,
    VisitTail,
    number_of,
    number_of_visitor,
)
from footfall.identity import rules
from footfall.ids import at_of
from footfall.visitors.channels import ad_network, channel

_decode_place = msgspec.json.Decoder(Place).decode
_decode_device = msgspec.json.Decoder(StoredDevice).decode
_decode_params = msgspec.json.Decoder(dict[str, str]).decode
_decode_touch = msgspec.json.Decoder(Touch).decode
_NO_SESSION = StoredSession()
_NONE: Page = (None, None)
_NO_MONEY = (None,) * 4
_PARAMS = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "ref", "source", "via")


class _Outbound(msgspec.Struct):
    url: str


_decode_outbound = msgspec.json.Decoder(_Outbound).decode


class _Visit(NamedTuple):
    """A session: when it began, its events but for goals of servers, and what its rows have in common; None while that cannot be said.

    `views`, `page`, `last`: how many pages came before these events, the last of them, and when the visitor was there last; at first the beginning.
    """

    at: int
    events: list[StoredEvent]
    origin: SessionColumns | None
    last: int
    views: int = 0
    page: Page = _NONE


def derive(history: VisitorHistory) -> Derived:
    """The rows of a visitor that change with what changed, as far as its events were read."""
    website, visitor = number_of(history.website_id), number_of_visitor(history.visitor_id)
    visits = _visits(history)
    until = _cut(history, visits)
    visits = [one for one in visits if one.origin is not None]
    since = history.since if history.is_continued else _since(history, visits)
    make = _Maker(website, visitor, _person_at(history, visitor))
    others = list(_other_rows(make, visits, history, since))
    rows = [*_rows_of_visits(make, visits, history.before, since), *others]
    if others:
        rows.sort(key=_ts)
    if until is not None:
        rows = rows[: bisect_left(rows, until, key=_ts)]
    tail = _tail(history, visits, make, until)
    return Derived(
        website, visitor, since or _beginning(history, rows), rows, until, tail, is_new=history.is_new
    )


def _ts(row: Columns) -> int:
    return row[1]  # type: ignore[return-value]


def _at(event: StoredEvent) -> int:
    return event.at


def _beginning(history: VisitorHistory, rows: list[Columns]) -> int:
    """From when on the visitor may have rows already: not before the first one now, unless that is what is gone."""
    return min((at for at in (*map(_ts, rows[:1]), history.since, history.gone) if at), default=0)


def _visits(history: VisitorHistory) -> list[_Visit]:
    """The sessions that these events make."""
    tail = history.tail
    found: list[list[StoredEvent]] = [[]] if tail else []
    begun: list[int] = []
    last = tail.last if tail else -SESSION_IDLE_MS - 1
    for index, event in enumerate(history.events):
        if event.type == GOAL:
            continue
        if (at := event.at) - last > SESSION_IDLE_MS:
            found.append([])
            begun.append(index)
        found[-1].append(event)
        last = at
    going_on = [_Visit(tail.at, found.pop(0), tail.columns, tail.last, tail.views, tail.page)] if tail else []
    return going_on + [
        _Visit(events[0].at, events, _origin(history, index), events[0].at)
        for index, events in zip(begun, found, strict=True)
    ]


def _cut(history: VisitorHistory, visits: list[_Visit]) -> int | None:
    """Before when all can be told (ms since epoch); None: to the end. Not within a visit whose entry may change with what comes."""
    until = history.until
    if until is None:
        return None
    if visits and visits[-1].origin is None:
        until = min(until, visits[-1].at)
    index = bisect_left(visits, until, key=lambda visit: visit.at) - 1
    if index >= 0:
        visit = visits[index]
        last = visit.events[-1].at if visit.events else visit.last
        if until - last > SESSION_IDLE_MS or _is_settled(history, visit, until):
            return until
        if index:
            return visit.at
    # Of what was before the first visit, only what was paid before all that is kept does not depend on it.
    return max(history.start, min(until, history.removed_at + 1))


def _is_settled(history: VisitorHistory, visit: _Visit, before: int) -> bool:
    """Whether nothing that happens from a time on (ms since epoch) changes what the rows of a visit have in common."""
    if (
        history.tail and history.tail.at == visit.at
    ):  # those that are remembered have their first page, or had room for it
        return True
    begun = bisect_left(history.events, visit.at, key=_at)
    first = history.events[begun : begun + ORIGIN_EVENTS]
    if len(first) == ORIGIN_EVENTS and first[-1].at < before:
        return True
    return any(one.type == PAGEVIEW and one.at < before for one in first)


def _origin(history: VisitorHistory, begun: int) -> SessionColumns | None:
    """What the rows of a session have in common, from its first events: so a long one need not be read again with each that comes.

    `begun`: the index of the first. None when too few of them were read.
    """
    events, page, stored = history.events, None, None
    last = events[begun].at
    while begun and events[begun - 1].at == last:
        begun -= 1
    for event in (events[index] for index in range(begun, min(begun + ORIGIN_EVENTS, len(events)))):
        if event.type == GOAL:
            continue
        if event.at - last > SESSION_IDLE_MS:
            break
        last = event.at
        stored = stored or history.sessions.get(event.session_at)
        page = page or (event if event.type == PAGEVIEW else None)
        if stored and page:
            break
    else:
        if history.until is not None and len(events) - begun < ORIGIN_EVENTS:
            return None
    return _origin_of(page.url if page else None, stored or _NO_SESSION)


def _tail(history: VisitorHistory, visits: list[_Visit], make: _Maker, until: int | None) -> VisitTail | None:
    """The latest visit that began before `until`."""
    index = len(visits) if until is None else bisect_left(visits, until, key=lambda visit: visit.at)
    if not index:
        return None
    visit = visits[index - 1]
    events = visit.events
    if until is not None:
        events = events[: bisect_left(events, until, key=_at)]
    pages = [one for one in events if one.type == PAGEVIEW]
    views = visit.views + len(pages)
    latest = _latest(history)
    is_known = not history.links or at_of(history.links[-1].fact_id) <= latest
    return VisitTail(
        visit.at,
        events[-1].at if events else visit.last,
        views,
        _page(pages[-1].url) if pages else visit.page,
        visit.origin or SessionColumns(),
        0 if views else _seen(history, visit, until),
        latest,
        make.person_at(latest) if is_known else None,
    )


def _latest(history: VisitorHistory) -> int:
    """When the last is that is known of a visitor (ms since epoch)."""
    latest = history.tail.latest if history.tail else 0
    if history.events:
        latest = max(latest, history.events[-1].at)
    if history.payments:
        latest = max(latest, history.payments[-1].at)
    return latest


def _seen(history: VisitorHistory, visit: _Visit, until: int | None) -> int:
    """How many events came since a visit began, as far as its origin depends on them."""
    events, tail = history.events, history.tail
    end = len(events) if until is None else bisect_left(events, until, key=_at)
    seen = end - bisect_left(events, visit.at, key=_at)
    if tail and tail.at == visit.at:
        seen += tail.seen
    return min(seen, ORIGIN_EVENTS)


def _since(history: VisitorHistory, visits: list[_Visit]) -> int:
    """From when on rows change: a page that is the first of its visit changes that visit, and in the first visit everything."""
    index = bisect_right(visits, history.since - 1, key=lambda visit: visit.at) - 1
    if index < 0:
        return 0
    visit = visits[index]
    if _is_settled(history, visit, history.since):
        return history.since
    return 0 if index == 0 and history.is_beginning else visit.at


def _person_at(history: VisitorHistory, visitor: int) -> Callable[[int], int]:
    """Whose number what the visitor did at a time (ms since epoch) gets."""
    links, people = history.links, history.people
    if not links:
        only = visitor if history.person is None else history.person
        return lambda at: only

    def person_at(at: int) -> int:
        person_id = people.get(rules.owner_at(links, at) or b"")
        return visitor if person_id is None else number_of(person_id)

    if len(links) > 1:
        return person_at
    always = person_at(0)
    return lambda at: always


class _Maker(NamedTuple):
    """What all rows of a visitor have in common."""

    website: int
    visitor: int
    person_at: Callable[[int], int]


def _rows_of_visits(make: _Maker, visits: Iterable[_Visit], before: int, since: int) -> Iterator[Columns]:
    website, visitor, person_at = make
    for visit in visits:
        views, page, last, origin = visit.views, visit.page, visit.last, visit.origin or ()
        for event in visit.events:
            at, is_page, here = event.at, event.type == PAGEVIEW, _page(event.url)
            views += is_page
            if at >= since:
                # In the order of `EventRow`, which costs as much again to make.
                row = (website, at, visitor, person_at(at), visit.at, before, OF_EVENT[event.type])
                if is_page:
                    yield (*row, views, at - last, *here, *page, *_said(event), *_NO_MONEY, *origin)
                else:
                    yield (*row, 0, at - last, *here, *_NONE, *_said(event), *_NO_MONEY, *origin)
            page = here if is_page else page
            before = last = at


def _said(event: StoredEvent) -> tuple[str | None, str | None]:
    """Name and properties."""
    if event.name is not None:
        return event.name, event.data if event.name else None
    if event.type == EXTERNAL_LINK and event.data:
        return _decode_outbound(event.data).url, None
    return None, None


def _other_rows(make: _Maker, visits: list[_Visit], history: VisitorHistory, since: int) -> Iterator[Columns]:
    """What servers told of: part of the visit that was the latest by then, and no visit by itself."""
    for event in history.events:
        if event.type == GOAL and event.at >= since:
            yield _beside(make, visits, event.at, RowType.GOAL, name=event.name, properties=event.data)
    for one in history.payments:
        if one.at >= since and (one.at <= history.removed_at or not visits):
            yield _without_visit(make.website, make.visitor, make.person_at(one.at), one)
        elif one.at >= since:
            yield _beside(make, visits, one.at, OF_PAYMENT[one.kind], **_paid(one))


def _paid(payment: StoredPayment) -> dict[str, object]:
    """What a row says of a payment."""
    visitor = None if payment.then_visitor_id is None else number_of_visitor(payment.then_visitor_id)
    person = visitor if payment.then_person_id is None else number_of(payment.then_person_id)
    return {
        "amount": payment.minor,
        "currency": payment.currency,
        "then_visitor": visitor,
        "then_person": person,
    }


def _beside(make: _Maker, visits: list[_Visit], at: int, type_: RowType, **said: object) -> Columns:
    if not visits:  # none is kept
        row = _alone(make.website, make.visitor, make.person_at(at), at, type_, **said)
        return (*row, *SessionColumns())
    index = bisect_right(visits, at, key=lambda visit: visit.at)
    visit = visits[max(index - 1, 0)]
    row = EventRow(
        make.website,
        at,
        make.visitor,
        make.person_at(at),
        visit.at,
        max(at, visit.at),
        type_,
        0,
        0,
        **said,  # type: ignore[arg-type]
    )
    return (*row, *(visit.origin or ()))


def derive_payments(website_id: bytes, at: int, payments: Iterable[LoosePayment]) -> DerivedPayments:
    """The rows of the payments of a time (ms since epoch) that are no visitor's."""
    return DerivedPayments(number_of(website_id), at, [loose_row(one) for one in payments])


def loose_row(loose: LoosePayment) -> Columns:
    """The row of a payment that is no visitor's."""
    person = None if loose.person_id is None else number_of(loose.person_id)
    return _without_visit(number_of(loose.website_id), None, person, loose.payment)


def _without_visit(website: int, visitor: int | None, person: int | None, payment: StoredPayment) -> Columns:
    """The row of a payment of which no visit is kept: what was known when it was made tells where it came from."""
    row = _alone(website, visitor, person, payment.at, OF_PAYMENT[payment.kind], **_paid(payment))
    return (*row, *(_origin_of_touch(payment.touch) if payment.touch else SessionColumns()))


def _alone(
    website: int, visitor: int | None, person: int | None, at: int, type_: RowType, **said: object
) -> EventRow:
    return EventRow(website, at, visitor, person, at, at, type_, 0, 0, **said)  # type: ignore[arg-type]


@lru_cache(8192)
def _page(url: str | None) -> Page:
    """Host and path of a page."""
    if url is None:
        return _NONE
    host, _, path = url.partition("/")
    return host, f"/{path}"


def _origin_of(page: str | None, stored: StoredSession) -> SessionColumns:
    """Each part is remembered by itself: together they are as many as there are sessions."""
    return SessionColumns(
        *_page(page),
        *_came_from(stored.referrer, stored.params, stored.click_ids is not None),
        *_clicked(stored.click_ids),
        *_where(stored.place),
        *_on_what(stored.device),
    )


@lru_cache(1024)
def _origin_of_touch(text: str) -> SessionColumns:
    touch = _decode_touch(text)
    return SessionColumns(*_page(touch.url), *_source(touch.referrer, touch.params, is_ad=False))


@lru_cache(4096)
def _came_from(referrer: str | None, params: str | None, is_ad: bool) -> tuple[str | None, ...]:
    return _source(referrer, _decode_params(params) if params else {}, is_ad=is_ad)


def _source(referrer: str | None, params: dict[str, str], *, is_ad: bool) -> tuple[str | None, ...]:
    return (
        referrer.partition("/")[0].removeprefix("www.") if referrer else None,
        channel(referrer, params.get("utm_medium"), params.get("utm_source"), is_ad=is_ad),
        *map(params.get, _PARAMS),
    )


def _clicked(text: str | None) -> tuple[str | None, ...]:
    """The ad network. Not remembered: each click has an id of its own."""
    return (ad_network(_decode_params(text)) if text else None,)


@lru_cache(4096)
def _where(text: str | None) -> tuple[str | None, ...]:
    place = _decode_place(text) if text else NOWHERE
    return place.country_code, place.region, place.city


@lru_cache(4096)
def _on_what(text: str | None) -> tuple[str | None, ...]:
    if not text:
        return (None,) * 4
    device = _decode_device(text).device
    return device.type, device.browser, device.browser_version, device.os

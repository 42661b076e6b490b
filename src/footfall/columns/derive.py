"""From what a visitor did to rows of the columns: a function of the set of its events, in whatever order they came. Pure.

A visit ends after 30 minutes without an event. Where it came from, and on what, is what was stored with its first event; its entry is its
first page.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import msgspec

from footfall.collect.enrich.geo import NOWHERE, Place
from footfall.collect.model import EXTERNAL_LINK, GOAL, PAGEVIEW, SESSION_IDLE_MS, StoredDevice, Touch
from footfall.columns.model import (
    OF_EVENT,
    OF_PAYMENT,
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
from footfall.visitors.channels import channel

_decode_place = msgspec.json.Decoder(Place).decode
_decode_device = msgspec.json.Decoder(StoredDevice).decode
_decode_params = msgspec.json.Decoder(dict[str, str]).decode
_decode_touch = msgspec.json.Decoder(Touch).decode
_NO_SESSION = StoredSession()
_NONE: Page = (None, None)
_PARAMS = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "ref", "source", "via")


class _Outbound(msgspec.Struct):
    url: str


_decode_outbound = msgspec.json.Decoder(_Outbound).decode


class _Visit(NamedTuple):
    """A session: when it began, its events but for goals of servers, and what its rows have in common.

    `views`, `page`, `last`: how many pages came before these events, the last of them, and when the visitor was there last; at first the beginning.
    """

    at: int
    events: list[StoredEvent]
    origin: SessionColumns
    last: int
    views: int = 0
    page: Page = _NONE


def derive(history: VisitorHistory) -> Derived:
    """The rows of a visitor that change with what changed."""
    website, visitor = number_of(history.website_id), number_of_visitor(history.visitor_id)
    visits = _visits(history)
    if not visits:
        return Derived(website, visitor, history.since, [])
    since = _since(history, visits)
    make = _Maker(website, visitor, _person_at(history, visitor))
    rows = [*_rows_of_visits(make, visits, history.before, since), *_other_rows(make, visits, history, since)]
    rows.sort(key=_ts)
    return Derived(website, visitor, since or _beginning(history, rows), rows, _tail(visits[-1]))


def _ts(row: Columns) -> int:
    return row[1]  # type: ignore[return-value]


def _beginning(history: VisitorHistory, rows: list[Columns]) -> int:
    """From when on the visitor may have rows already: not before the first one now, unless that is what is gone."""
    return min([_ts(rows[0]), *([history.since] if history.since else [])])


def _visits(history: VisitorHistory) -> list[_Visit]:
    """The sessions that these events make; none for a visitor without a pageview."""
    tail = history.tail
    found: list[list[StoredEvent]] = [[]] if tail else []
    last = tail.last if tail else -SESSION_IDLE_MS - 1
    for event in history.events:
        if event.type == GOAL:
            continue
        if (at := event.at) - last > SESSION_IDLE_MS:
            found.append([])
        found[-1].append(event)
        last = at
    going_on = [_Visit(tail.at, found.pop(0), tail.columns, tail.last, tail.views, tail.page)] if tail else []
    return going_on + [
        _Visit(events[0].at, events, _origin(events, history), events[0].at) for events in found
    ]


def _tail(visit: _Visit) -> VisitTail | None:
    pages = [one for one in visit.events if one.type == PAGEVIEW]
    views = visit.views + len(pages)
    if not views:
        return None
    page = _page(pages[-1].url) if pages else visit.page
    last = visit.events[-1].at if visit.events else visit.last
    return VisitTail(visit.at, last, views, page, visit.origin)


def _origin(events: list[StoredEvent], history: VisitorHistory) -> SessionColumns:
    stored = None
    for event in events:
        if (stored := history.sessions.get(event.session_at)) is not None:
            break
    page = None
    for event in events:
        if event.type == PAGEVIEW:
            page = event.url
            break
    return _origin_of(page, stored or _NO_SESSION)


def _since(history: VisitorHistory, visits: list[_Visit]) -> int:
    """From when on rows change: a page that is the first of its visit changes that visit, and in the first visit everything."""
    index = bisect_right(visits, history.since - 1, key=lambda visit: visit.at) - 1
    if index < 0:
        return 0
    visit = visits[index]
    if visit.views or any(one.type == PAGEVIEW and one.at < history.since for one in visit.events):
        return history.since
    return visits[index].at if index or history.before else 0


def _person_at(history: VisitorHistory, visitor: int) -> Callable[[int], int]:
    """Whose number what the visitor did at a time (ms since epoch) gets."""
    links, people = history.links, history.people
    if not links:
        return lambda at: visitor

    def person_at(at: int) -> int:
        person_id = people.get(rules.owner_at(links, at) or b"")
        return visitor if person_id is None else number_of(person_id)

    return person_at


class _Maker(NamedTuple):
    """What all rows of a visitor have in common."""

    website: int
    visitor: int
    person_at: Callable[[int], int]


def _rows_of_visits(make: _Maker, visits: Iterable[_Visit], before: int, since: int) -> Iterator[Columns]:
    for visit in visits:
        views, page, last = visit.views, visit.page, visit.last
        for event in visit.events:
            at, is_page = event.at, event.type == PAGEVIEW
            views += is_page
            here = _page(event.url)
            if at >= since:
                row = EventRow(
                    make.website,
                    at,
                    make.visitor,
                    make.person_at(at),
                    visit.at,
                    before,
                    OF_EVENT[event.type],
                    views if is_page else 0,
                    at - last,
                    *here,
                    *(page if is_page else _NONE),
                    _name(event),
                    event.data if event.name else None,
                )
                yield (*row, *visit.origin)
            page = here if is_page else page
            before = last = at


def _name(event: StoredEvent) -> str | None:
    if event.name is None and event.type == EXTERNAL_LINK and event.data:
        return _decode_outbound(event.data).url
    return event.name


def _other_rows(make: _Maker, visits: list[_Visit], history: VisitorHistory, since: int) -> Iterator[Columns]:
    """What servers told of: part of the visit that was the latest by then, and no visit by itself."""
    for event in history.events:
        if event.type == GOAL and event.at >= since:
            yield _beside(make, visits, event.at, RowType.GOAL, name=event.name, properties=event.data)
    for one in history.payments:
        if one.at >= since:
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
    return (*row, *visit.origin)


def derive_payments(website_id: bytes, at: int, payments: Iterable[LoosePayment]) -> DerivedPayments:
    """The rows of the payments of a time (ms since epoch) that are no visitor's."""
    return DerivedPayments(number_of(website_id), at, [loose_row(one) for one in payments])


def loose_row(loose: LoosePayment) -> Columns:
    """The row of a payment that is no visitor's."""
    payment: StoredPayment = loose.payment
    at = payment.at
    row = EventRow(
        number_of(loose.website_id),
        at,
        None,
        None if loose.person_id is None else number_of(loose.person_id),
        at,
        at,
        OF_PAYMENT[payment.kind],
        0,
        0,
        **_paid(payment),  # type: ignore[arg-type]
    )
    return (*row, *(_origin_of_touch(loose.touch) if loose.touch else SessionColumns()))


@lru_cache(8192)
def _page(url: str | None) -> Page:
    """Host and path of a page."""
    if url is None:
        return _NONE
    host, _, path = url.partition("/")
    return host, f"/{path}"


@lru_cache(4096)
def _origin_of(page: str | None, stored: StoredSession) -> SessionColumns:
    params = _decode_params(stored.params) if stored.params else {}
    return _make_origin(page, stored.referrer, params, stored.click_ids is not None)._replace(
        **_where(stored.place), **_on_what(stored.device)
    )


@lru_cache(1024)
def _origin_of_touch(text: str) -> SessionColumns:
    touch = _decode_touch(text)
    return _make_origin(touch.url, touch.referrer, touch.params, False)


def _make_origin(
    page: str | None, referrer: str | None, params: dict[str, str], is_ad: bool
) -> SessionColumns:
    return SessionColumns(
        *_page(page),
        referrer.partition("/")[0].removeprefix("www.") if referrer else None,
        channel(referrer, params.get("utm_medium"), params.get("utm_source"), is_ad=is_ad),
        *map(params.get, _PARAMS),
    )


@lru_cache(4096)
def _where(text: str | None) -> dict[str, str | None]:
    place = _decode_place(text) if text else NOWHERE
    return {"country": place.country_code, "region": place.region, "city": place.city}


@lru_cache(4096)
def _on_what(text: str | None) -> dict[str, str | None]:
    if not text:
        return {}
    device = _decode_device(text).device
    return {
        "device": device.type,
        "browser": device.browser,
        "version": device.browser_version,
        "os": device.os,
    }

"""What the columns have to say, found the slow way: each row by itself, from all that the database has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from footfall.columns import model
from footfall.columns.file import COLUMNS
from footfall.columns.model import number_of, number_of_visitor
from footfall.db.protocol import Row, Transaction
from footfall.db.statements import load
from footfall.ids import at_of
from footfall.visitors.channels import ad_network, channel

sql = load(__file__, "columns.sql")

IDLE = 30 * 60 * 1000
TYPES = {"pageview": 1, "custom": 2, "identify": 3, "external_link": 4, "payment": 5, "goal": 6}
PAYMENTS = {"payment": 10, "first": 11, "renewal": 12, "refund": 13, "free_trial": 14}
PARAMS = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "ref", "source", "via")

NO_TOUCH: dict[str, Any] = dict.fromkeys(("entry_host", "entry_path", "referrer", "channel", *PARAMS))

Values = tuple[Any, ...]


def expected_rows(tx: Transaction) -> list[Values]:
    """All rows that the columns should hold, sorted."""
    there = {row.website_id for row in tx.all(sql.websites)}
    visitors = {(row.website_id, row.visitor_id) for row in tx.all(sql.visitors) if row.pageview_count}
    visitors = {key for key in visitors if key[0] in there}
    rows = [row for key in visitors for row in _rows_of(tx, *key)]
    rows += [
        _loose(tx, paid)
        for paid in tx.all(sql.payments)
        if paid.website_id in there and (paid.website_id, paid.visitor_id) not in visitors
    ]
    return in_order(_values(row) for row in rows)


def in_order(rows: Any) -> list[Values]:
    """Rows in an order of their own, whatever they hold."""
    return sorted(rows, key=repr)


def _values(row: dict[str, Any]) -> Values:
    assert row.keys() <= set(COLUMNS), row.keys() - set(COLUMNS)
    return tuple(row.get(name) for name in COLUMNS)


def _rows_of(tx: Transaction, website_id: bytes, visitor_id: bytes) -> list[dict[str, Any]]:
    all_events = [
        one for one in tx.all(sql.events) if (one.website_id, one.visitor_id) == (website_id, visitor_id)
    ]
    removed_at = next(
        row.removed_at
        for row in tx.all(sql.visitors)
        if (row.website_id, row.visitor_id) == (website_id, visitor_id)
    )
    all_events = [one for one in all_events if at_of(one.event_id) > removed_at]
    visits = [one for one in all_events if one.type != "goal"]
    rows = []
    for one in all_events:
        at = at_of(one.event_id)
        row = {
            "website": number_of(website_id),
            "ts": at,
            "visitor": number_of_visitor(visitor_id),
            "person": _person(tx, website_id, visitor_id, at),
            "type": TYPES[one.type],
            "name": json.loads(one.data)["url"] if one.type == "external_link" and one.data else one.name,
            "properties": one.data if one.name else None,
        }
        rows.append(
            row | (_beside(tx, visits, at) if one.type == "goal" else _in_visit(tx, visits, one, removed_at))
        )
    for paid in tx.all(sql.payments):
        if (paid.website_id, paid.visitor_id) == (website_id, visitor_id):
            at = at_of(paid.payment_id)
            whose = {
                "visitor": number_of_visitor(visitor_id),
                "person": _person(tx, website_id, visitor_id, at),
            }
            is_gone = at <= removed_at or not visits
            rows.append(_loose(tx, paid) | whose | ({} if is_gone else NO_TOUCH | _beside(tx, visits, at)))
    return rows


def _visit_of(visits: Sequence[Row], one: Row) -> list[Row]:
    """The events of the visit that an event is part of."""
    index = visits.index(one)
    first = last = index
    while first and at_of(visits[first].event_id) - at_of(visits[first - 1].event_id) <= IDLE:
        first -= 1
    while last + 1 < len(visits) and at_of(visits[last + 1].event_id) - at_of(visits[last].event_id) <= IDLE:
        last += 1
    return list(visits[first : last + 1])


def _in_visit(tx: Transaction, visits: Sequence[Row], one: Row, removed_at: int) -> dict[str, Any]:
    visit = _visit_of(visits, one)
    before, so_far = visits[: visits.index(one)], visit[: visit.index(one) + 1]
    at, is_page = at_of(one.event_id), one.type == "pageview"
    pages = [each for each in so_far if each.type == "pageview"]
    row = {
        "session_at": at_of(visit[0].event_id),
        "prev_at": at_of(before[-1].event_id) if before else removed_at,
        "view_no": len(pages) if is_page else 0,
        "span": at - at_of(so_far[-2].event_id) if len(so_far) > 1 else 0,
        **_origin(tx, visit),
    }
    row["host"], row["path"] = _page(one.url)
    if is_page and len(pages) > 1:
        row["prev_host"], row["prev_path"] = _page(pages[-2].url)
    return row


def _beside(tx: Transaction, visits: Sequence[Row], at: int) -> dict[str, Any]:
    if not visits:
        return {"session_at": at, "prev_at": at, "view_no": 0, "span": 0}
    earlier = [one for one in visits if at_of(_visit_of(visits, one)[0].event_id) <= at]
    visit = _visit_of(visits, earlier[-1] if earlier else visits[0])
    began = at_of(visit[0].event_id)
    return {
        "session_at": began,
        "prev_at": max(at, began),
        "view_no": 0,
        "span": 0,
        **_origin(tx, visit),
    }


def _origin(tx: Transaction, whole: Sequence[Row]) -> dict[str, Any]:
    """What the first events of a visit tell of it."""
    website_id, visitor_id, began = whole[0].website_id, whole[0].visitor_id, at_of(whole[0].event_id)
    theirs = [
        one for one in tx.all(sql.events) if (one.website_id, one.visitor_id) == (website_id, visitor_id)
    ]
    first = [one for one in theirs if at_of(one.event_id) >= began][: model.ORIGIN_EVENTS]
    visit = [one for one in first if one in whole]
    sessions = {(row.website_id, row.visitor_id, row.started_at): row for row in tx.all(sql.sessions)}
    keys = [(one.website_id, one.visitor_id, one.session_started_at) for one in visit]
    stored = next(sessions[key] for key in keys if key in sessions)
    params = json.loads(stored.params or "{}")
    place = json.loads(stored.place or "{}")
    device = json.loads(stored.device)["device"] if stored.device else {}
    pages = [one for one in visit if one.type == "pageview"]
    host, path = _page(pages[0].url if pages else None)
    return {
        "entry_host": host,
        "entry_path": path,
        "referrer": stored.referrer.split("/")[0].removeprefix("www.") if stored.referrer else None,
        "channel": channel(
            stored.referrer, params.get("utm_medium"), params.get("utm_source"), is_ad=bool(stored.click_ids)
        ),
        **{name: params.get(name) for name in PARAMS},
        "ad_network": ad_network(json.loads(stored.click_ids or "{}")),
        "country": place.get("country_code"),
        "region": place.get("region"),
        "city": place.get("city"),
        "device": device.get("type"),
        "browser": device.get("browser"),
        "version": device.get("browser_version"),
        "os": device.get("os"),
    }


def _page(url: str | None) -> tuple[str | None, str | None]:
    return (None, None) if url is None else (url.split("/")[0], url[url.index("/") :])


def _person(tx: Transaction, website_id: bytes, visitor_id: bytes, at: int) -> int:
    links = [one for one in tx.all(sql.links) if (one.website_id, one.visitor_id) == (website_id, visitor_id)]
    owner = links[0].profile_id if links else None
    for one in links:
        if at_of(one.fact_id) <= at:
            owner = one.profile_id
    person = _person_of(tx, website_id, owner)
    return number_of_visitor(visitor_id) if person is None else person


def _person_of(tx: Transaction, website_id: bytes, profile_id: bytes | None) -> int | None:
    profiles = {(row.website_id, row.profile_id): row.person_id for row in tx.all(sql.profiles)}
    person_id = profiles.get((website_id, profile_id))
    return None if person_id is None else number_of(person_id)


def _then(tx: Transaction, paid: Row) -> dict[str, Any]:
    visitor = None if paid.known_visitor_id is None else number_of_visitor(paid.known_visitor_id)
    person = _person_of(tx, paid.website_id, paid.known_profile_id)
    return {"then_visitor": visitor, "then_person": visitor if person is None else person}


def _loose(tx: Transaction, paid: Row) -> dict[str, Any]:
    at = at_of(paid.payment_id)
    row = {
        "website": number_of(paid.website_id),
        "ts": at,
        "person": _person_of(tx, paid.website_id, paid.profile_id),
        "session_at": at,
        "prev_at": at,
        "type": PAYMENTS[paid.kind],
        "view_no": 0,
        "span": 0,
        "amount": paid.minor,
        "currency": paid.currency,
        **_then(tx, paid),
    }
    if paid.last_touch:
        touch = json.loads(paid.last_touch)
        params, referrer = touch["params"], touch["referrer"]
        row["entry_host"], row["entry_path"] = _page(touch["url"])
        row["referrer"] = referrer.split("/")[0].removeprefix("www.") if referrer else None
        row["channel"] = channel(referrer, params.get("utm_medium"), params.get("utm_source"), is_ad=False)
        row |= {name: params.get(name) for name in PARAMS}
    return row

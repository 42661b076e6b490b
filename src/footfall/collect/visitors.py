"""`GET /api/v1/visitors/{id}`: one visitor, whole."""

from __future__ import annotations

from typing import Any

import msgspec

from footfall.auth.access import site
from footfall.clock import to_iso
from footfall.collect.model import CUSTOM, PAGEVIEW, StoredDevice
from footfall.collect.service import sql
from footfall.db.protocol import Database, Transaction
from footfall.errors import BadRequest, NotFound
from footfall.identity.reading import profile_of_visitor
from footfall.ids import at_of, format_uuid, parse_uuid
from footfall.web.context import Context, Handler
from footfall.web.envelope import Reply, success

MOST_EVENTS = 1000
"""Newest events of a visitor that the answer lists."""
PARAMS = ("ref", "source", "via", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")

_decode = msgspec.json.Decoder().decode
_decode_device = msgspec.json.Decoder(StoredDevice).decode


def visitor_endpoint(database: Database) -> Handler:
    """A visitor's identity, activity and profile."""

    async def visitor(context: Context) -> Reply:
        visitor_id = parse_uuid(context.path_values[0])
        if visitor_id is None:
            raise BadRequest(
                "The visitor id in the path must be a UUID such as 3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b."
            )
        data = await database.read(read_visitor, (site(context).website_id, visitor_id, context.now))
        if data is None:
            raise NotFound("Visitor data not found for this website: no pageview of this visitor has come.")
        return success(data)

    return visitor


def read_visitor(tx: Transaction, asked: tuple[bytes, bytes, int]) -> dict[str, Any] | None:
    """A visitor as the wire shows it at a time (website id, visitor id, ms since epoch); None before the first pageview."""
    website_id, visitor_id, now = asked
    row = tx.one(sql.visitor_get, (website_id, visitor_id))
    if row is None or row[4] == 0:
        return None
    events = tx.all(sql.timeline, (website_id, visitor_id, MOST_EVENTS))
    data = {
        "visitorId": format_uuid(visitor_id),
        "identity": _identity(row),
        "activity": _activity(row, events, now),
        "prediction": None,
    }
    profile = profile_of_visitor(tx, website_id, visitor_id)
    if profile is not None:
        data["profile"] = profile
    return data


def _identity(row: tuple[Any, ...]) -> dict[str, Any]:
    place = _decode(row[6]) if row[6] else {}
    stored = _decode_device(row[7])
    device = stored.device
    params = _decode(row[9]) if row[9] else {}
    return {
        "country": place.get("country"),
        "countryCode": place.get("country_code"),
        "region": place.get("region"),
        "city": place.get("city"),
        "params": {name: params.get(name) for name in PARAMS},
        "adClickIds": _decode(row[10]) if row[10] else {},
        "browser": {"name": device.browser, "version": device.browser_version},
        "os": {"name": device.os, "version": device.os_version},
        "device": {"type": device.type, "vendor": device.vendor, "model": device.model},
        "viewport": {"width": stored.viewport_width, "height": stored.viewport_height},
        "language": stored.language,
        "referrer": row[8],
    }


def _activity(row: tuple[Any, ...], events: list[tuple[Any, ...]], now: int) -> dict[str, Any]:
    pages, goals = [], []
    for event_id, kind, url, name, data in reversed(events):
        at = to_iso(at_of(event_id))
        if kind == PAGEVIEW:
            pages.append({"url": url, "timestamp": at})
        elif kind == CUSTOM:
            goals.append(_goal(name, data, at))
    return {
        "visitCount": row[3],
        "pageViewCount": row[4],
        "timeSinceFirstVisit": max(now - row[0], 0),
        "timeSinceCurrentVisit": max(now - row[2], 0),
        "firstVisitAt": to_iso(row[0]),
        "lastVisitAt": to_iso(row[1]),
        "currentUrl": row[5],
        "visitedPages": pages,
        "completedGoals": goals,
    }


def _goal(name: str, data: str | None, at: str) -> dict[str, Any]:
    return {
        "name": name,
        "description": None,
        "isServer": False,
        "timestamp": at,
        "origin": "manual",
        "metadata": _decode(data) if data else {},
    }

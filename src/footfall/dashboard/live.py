"""The page of who is online, which goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import msgspec

from footfall.collect.online import ONLINE_MS
from footfall.dashboard.drawing import draw
from footfall.dashboard.page import Call, render
from footfall.dashboard.people import sql
from footfall.db.protocol import Params, Transaction
from footfall.identity import store
from footfall.identity.reading import profile_from
from footfall.ids import format_uuid
from footfall.people.index import read_online
from footfall.people.reading import device_kind
from footfall.web.envelope import Reply
from footfall.web.json import encode
from footfall.websites.model import Website

MOST_ONLINE = 100
FRESH_SECONDS = 0.95
"""For how long what was drawn is shown: a little less than the second after which viewers look again."""
LIVE_SECONDS = 25
"""How long a stream of who is online lasts; browsers come back by themselves."""

_decode = msgspec.json.Decoder().decode


class Live:
    """The page and its stream. What they show is found out and drawn once a second for each website, however many look on."""

    def __init__(self) -> None:
        self._drawn: dict[bytes, _Drawn] = {}

    async def page(self, call: Call) -> Reply:
        """`GET /w/{websiteId}/live`."""
        return render(call, "live.html", section="live", online=await self._html(call))

    async def stream(self, call: Call) -> Reply:
        """`GET /w/{websiteId}/live/stream`: the list again whenever it changes, as server-sent events."""
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        return Reply(b"retry: 1000\n\n", 200, headers, self._events(call))

    async def _events(self, call: Call) -> AsyncIterator[bytes]:
        before = ""
        for _ in range(LIVE_SECONDS):
            html = await self._html(call)
            if html != before:
                yield _event(html)
                before = html
            else:
                yield b":\n\n"  # a comment, by which a connection that is gone is noticed
            if not await call.wait(1) or not await call.is_logged_in():
                return

    async def _html(self, call: Call) -> str:
        """The list of who is online, at most a second old."""
        now = asyncio.get_running_loop().time()
        self._drawn = {key: drawn for key, drawn in self._drawn.items() if drawn.at > now - FRESH_SECONDS}
        website_id = call.site.website_id
        if website_id not in self._drawn:
            self._drawn[website_id] = _Drawn(now, asyncio.ensure_future(_draw(call)))
        return await asyncio.shield(self._drawn[website_id].html)  # for others too when this one leaves


class _Drawn(NamedTuple):
    """`at`: seconds, as the event loop counts."""

    at: float
    html: asyncio.Future[str]


async def _draw(call: Call) -> str:
    online = await _online(call)
    return draw("online.html", website=call.site, most=MOST_ONLINE, online=online, now=call.now)


def _event(html: str) -> bytes:
    """A server-sent event. Whatever might end a line is blank in HTML, so that no name in it can say anything but a name."""
    return b"data: " + " ".join(html.splitlines()).encode() + b"\n\n"


async def _online(call: Call) -> list[dict[str, Any]]:
    """Who was seen in the last five minutes, the latest first; the first hundred."""
    website_id, since = call.site.website_id, call.now - ONLINE_MS
    seen = await call.services.database.read(read_online, (website_id, since, MOST_ONLINE))
    for visitor_id, at in call.services.online.latest(website_id, call.now, MOST_ONLINE).items():
        seen[visitor_id] = max(at, seen.get(visitor_id, 0))
    latest = sorted(seen.items(), key=lambda one: one[1], reverse=True)[:MOST_ONLINE]
    return await call.services.database.read(_show_online, (call.site, latest))


def _show_online(tx: Transaction, asked: tuple[Website, list[tuple[bytes, int]]]) -> list[dict[str, Any]]:
    website, seen = asked
    keys: list[Params] = [(website.website_id, visitor_id) for visitor_id, _ in seen]
    rows = tx.lookup(sql.visitor_seen, keys)
    shown, people = [], set()
    profiles = tx.lookup(store.sql.profile_of_visitor, keys)
    for (visitor_id, at), row, found in zip(seen, rows, profiles, strict=True):
        profile = profile_from(tx, website.website_id, found)
        if profile is not None:
            if profile.profile_id in people:  # with another device, a moment ago
                continue
            people.add(profile.profile_id)
        place = _decode(row[4]) if row and row[4] else {}
        shown.append(
            {
                "visitorId": format_uuid(visitor_id),
                "at": at,
                "url": row[5] if row else None,
                "device": device_kind(row[3] if row else None),
                "country": place.get("country"),
                "profile": _decode(encode(profile)) if profile else None,
            }
        )
    return shown

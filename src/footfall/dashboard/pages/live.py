"""The page of who is online, which goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec

from footfall.collect.enrich.geo import Place
from footfall.collect.online import ONLINE_MS
from footfall.dashboard.drawing import draw
from footfall.dashboard.page import Call, render
from footfall.dashboard.pages.people import sql
from footfall.db.protocol import Params, Row, Transaction
from footfall.identity import store
from footfall.identity.model import KnownPerson
from footfall.identity.reading import profile_from
from footfall.people.person import device_kind
from footfall.people.presence import read_online
from footfall.web.envelope import Reply

MOST_ONLINE = 100
FRESH_SECONDS = 0.95
"""For how long what was drawn is shown: a little less than the second after which viewers look again."""
LIVE_SECONDS = 25
"""How long a stream of who is online lasts; browsers come back by themselves."""

_decode_place = msgspec.json.Decoder(Place).decode


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


class OnlineVisitor(NamedTuple):
    """A visitor who was seen in the last five minutes, on `url`. `at`: ms since epoch; `person`: who it is, None when anonymous."""

    visitor_id: bytes
    at: int
    url: str | None
    device: str
    country: str | None
    person: KnownPerson | None


async def _online(call: Call) -> list[OnlineVisitor]:
    """Who was seen in the last five minutes, the latest first; the first hundred."""
    seen = call.services.online.latest(call.site.website_id, call.now, MOST_ONLINE)
    return await call.services.database.read(read_live_page, (call.site.website_id, call.now, seen))


def read_live_page(tx: Transaction, asked: tuple[bytes, int, dict[bytes, int]]) -> list[OnlineVisitor]:
    """Those online at a time (website id, ms since epoch, when this process saw whom), of one state of the database."""
    website_id, now, here = asked
    seen = read_online(tx, (website_id, now - ONLINE_MS, MOST_ONLINE))
    for visitor_id, at in here.items():
        seen[visitor_id] = max(at, seen.get(visitor_id, 0))
    latest = sorted(seen.items(), key=lambda one: one[1], reverse=True)[:MOST_ONLINE]
    keys: list[Params] = [(website_id, visitor_id) for visitor_id, _ in latest]
    rows, profiles = tx.get_many_together((sql.visitor_seen, keys), (store.sql.profile_of_visitor, keys))
    shown: list[OnlineVisitor] = []
    known: set[bytes] = set()
    for (visitor_id, at), row, found in zip(latest, rows, profiles, strict=True):
        person = profile_from(tx, website_id, found)
        if person is None or person.profile_id not in known:  # else with another device, a moment ago
            shown.append(_shown(visitor_id, at, row, person))
        if person is not None:
            known.add(person.profile_id)
    return shown


def _shown(visitor_id: bytes, at: int, row: Row | None, person: KnownPerson | None) -> OnlineVisitor:
    if row is None:
        return OnlineVisitor(visitor_id, at, None, device_kind(None), None, person)
    country = _decode_place(row.place).country if row.place else None
    return OnlineVisitor(visitor_id, at, row.current_url, device_kind(row.device), country, person)

"""The page that shows who is online and updates itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

import msgspec

from footfall.collect.enrich.geo import Place
from footfall.collect.online import ONLINE_MS
from footfall.dashboard.page import PageRequest, render
from footfall.dashboard.pages.people import sql
from footfall.dashboard.rendering import render_template
from footfall.db.protocol import Params, Row, Transaction
from footfall.identity import store
from footfall.identity.model import KnownPerson
from footfall.identity.reading import profile_from
from footfall.people.person import device_kind
from footfall.people.presence import read_latest
from footfall.web.envelope import Response

MOST_ONLINE = 100
FRESH_SECONDS = 0.95
"""How long a rendered list is shown: a little less than the second after which viewers look again."""
LIVE_SECONDS = 25
"""How long a stream of who is online lasts; browsers reconnect by themselves."""

_decode_place = msgspec.json.Decoder(Place).decode


class Live:
    """The page and its stream. For each website, their content is read and rendered once a second, however many people are watching."""

    def __init__(self) -> None:
        self._rendered: dict[bytes, _Rendered] = {}

    async def page(self, request: PageRequest) -> Response:
        """`GET /w/{websiteId}/live`."""
        return render(request, "live.html", section="live", online=await self._html(request))

    async def stream(self, request: PageRequest) -> Response:
        """`GET /w/{websiteId}/live/stream`: the list again whenever it changes, as server-sent events."""
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        return Response(b"retry: 1000\n\n", 200, headers, self._events(request))

    async def _events(self, request: PageRequest) -> AsyncIterator[bytes]:
        before = ""
        for _ in range(LIVE_SECONDS):
            html = await self._html(request)
            if html != before:
                yield _event(html)
                before = html
            else:
                yield b":\n\n"  # a comment, which reveals whether the connection is gone
            if not await request.wait(1) or not await request.is_logged_in():
                return

    async def _html(self, request: PageRequest) -> str:
        """The list of who is online, at most a second old."""
        now = asyncio.get_running_loop().time()
        self._rendered = {
            key: rendered for key, rendered in self._rendered.items() if rendered.at > now - FRESH_SECONDS
        }
        website_id = request.site.website_id
        if website_id not in self._rendered:
            self._rendered[website_id] = _Rendered(now, asyncio.ensure_future(_render(request)))
        return await asyncio.shield(self._rendered[website_id].html)  # for others too if this one leaves


class _Rendered(NamedTuple):
    """`at`: seconds, on the event loop's clock."""

    at: float
    html: asyncio.Future[str]


async def _render(request: PageRequest) -> str:
    online = await _online(request)
    return render_template(
        "online.html", website=request.site, most=MOST_ONLINE, online=online, now=request.now
    )


def _event(html: str) -> bytes:
    """A server-sent event. In HTML a line break is a blank, so all become blanks: no name can then start another field of the event."""
    return b"data: " + " ".join(html.splitlines()).encode() + b"\n\n"


class OnlineVisitor(NamedTuple):
    """A visitor seen in the last five minutes, on `url`. `at`: ms since epoch; `person`: who it is, None if anonymous."""

    visitor_id: bytes
    at: int
    url: str | None
    device: str
    country: str | None
    person: KnownPerson | None


async def _online(request: PageRequest) -> list[OnlineVisitor]:
    """Everybody seen in the last five minutes, the latest first; at most a hundred."""
    seen = request.services.online.latest(request.site.website_id, request.now, MOST_ONLINE)
    return await request.services.database.read(read_live_page, (request.site.website_id, request.now, seen))


def count_online(tx: Transaction, website_id: bytes, here: Mapping[bytes, int], now: int) -> int:
    """How many visitors are online, up to MOST_ONLINE. `here`: whom this process saw, as in `Online.latest`."""
    return len(read_latest(tx, website_id, now - ONLINE_MS, MOST_ONLINE, here))


def read_live_page(tx: Transaction, asked: tuple[bytes, int, dict[bytes, int]]) -> list[OnlineVisitor]:
    """Everybody online at a time (website id, ms since epoch, whom this process saw when), in one state of the database."""
    website_id, now, here = asked
    latest = read_latest(tx, website_id, now - ONLINE_MS, MOST_ONLINE, here)
    keys: list[Params] = [(website_id, visitor_id) for visitor_id, _ in latest]
    rows, profiles = tx.get_many_together((sql.visitor_seen, keys), (store.sql.profile_of_visitor, keys))
    shown: list[OnlineVisitor] = []
    known: set[bytes] = set()
    for (visitor_id, at), row, found in zip(latest, rows, profiles, strict=True):
        person = profile_from(tx, website_id, found)
        if person is None or person.profile_id not in known:  # otherwise shown already, with another device
            shown.append(_shown(visitor_id, at, row, person))
        if person is not None:
            known.add(person.profile_id)
    return shown


def _shown(visitor_id: bytes, at: int, row: Row | None, person: KnownPerson | None) -> OnlineVisitor:
    if row is None:
        return OnlineVisitor(visitor_id, at, None, device_kind(None), None, person)
    country = _decode_place(row.place).country if row.place else None
    return OnlineVisitor(visitor_id, at, row.current_url, device_kind(row.device), country, person)

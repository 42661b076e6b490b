"""The page that shows what happens on a website, as it happens."""

from __future__ import annotations

import asyncio
import contextvars
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from typing import Generic, NamedTuple, TypeVar

import msgspec
from markupsafe import Markup

from footfall.analytics.query import Question, read_question
from footfall.analytics.realtime.matching import KNOWN, keep, not_known
from footfall.analytics.realtime.model import WebsiteNow
from footfall.analytics.realtime.service import Realtime
from footfall.analytics.realtime.store import MOST_VISITORS
from footfall.collect.online import ONLINE_MS
from footfall.dashboard.address import FILTER, ViewAddress, read_address
from footfall.dashboard.filters import filter_title, show_chips
from footfall.dashboard.liveview import (
    BAR_HEIGHT,
    show_bars,
    show_dots,
    show_lines,
    show_pages,
    show_sources,
    unplaced,
)
from footfall.dashboard.page import PageRequest, apart, render
from footfall.dashboard.rendering import environment
from footfall.db.protocol import Transaction
from footfall.errors import ApiError, BadRequest
from footfall.people.presence import read_latest
from footfall.web.envelope import Response
from footfall.websites.model import Website

T = TypeVar("T")
_TIME = re.compile(r"\d{1,15}", re.ASCII)

MOST_ONLINE = 100
"""How many visitors are counted who are online."""
MOST_EVENTS = 2000
"""Of the last minutes, among which filters look."""
FRESH_SECONDS = 0.95
"""How long what was made is shown: a little less than the second after which viewers look again."""
LIVE_SECONDS = 25
"""How long a stream lasts; browsers reconnect by themselves, and tell what they have."""
COUNT_SECONDS = 1.0
"""How long what happens waits for its numbers, which take milliseconds unless the columns are busy."""
LATE_MS = 10_000
"""How much later what happened may be told, at most: another process tells it seconds later."""


class OnceASecond(Generic[T]):
    """What is made at most once a second, however many ask for it."""

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[float, asyncio.Future[T]]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What was made by that key, made now if that is a second ago.

        Whoever leaves takes nothing from the others: it is made in nobody's name, so that no read is given up since its client has left.
        """
        now = asyncio.get_running_loop().time()
        self._made = {one: made for one, made in self._made.items() if made[0] > now - FRESH_SECONDS}
        if key not in self._made:
            made = contextvars.Context().run(asyncio.ensure_future, make())
            self._made[key] = (now, made)
        return await asyncio.shield(self._made[key][1])


class LiveState(msgspec.Struct, frozen=True):
    """What goes on on a website. `count`, `minutes`: of visitors, None while there are no columns; `at`: ms since epoch."""

    at: int
    now: WebsiteNow
    count: int | None
    minutes: list[int] | None


class ShownLine(NamedTuple):
    """A line, drawn. `at`: ms since epoch."""

    at: int
    html: Markup


class LiveView(msgspec.Struct, frozen=True):
    """The same, drawn: parts of the page by name, and lines by key, the newest in front. `count`: of visitors, as it is written."""

    count: str = ""
    parts: Mapping[str, Markup] = {}
    lines: Mapping[str, ShownLine] = {}

    @property
    def newest(self) -> int:
        """When the newest line was; 0 if there is none."""
        return max((line.at for line in self.lines.values()), default=0)


class Live:
    """The page and its stream. What goes on on a website is read once a second, and drawn once for all who look with the same filters."""

    def __init__(self) -> None:
        self._states: OnceASecond[LiveState] = OnceASecond()
        self._views: OnceASecond[LiveView] = OnceASecond()

    async def page(self, request: PageRequest) -> Response:
        """`GET /w/{websiteId}/live`."""
        address = _address(request)
        try:
            question, problem = _question(request, address), ""
        except BadRequest as error:
            question, problem = None, error.message
        view = await self._view(request, address, question) if question else LiveView()
        left_out = [filter_title(name) for name in not_known(question)] if question else []
        return render(
            request,
            "live.html",
            section="live",
            status=400 if problem else 200,
            address=address,
            chips=show_chips(address),
            left_out=left_out,
            view=view,
            problem=problem,
        )

    async def stream(self, request: PageRequest) -> Response:
        """`GET /w/{websiteId}/live/stream`: what is new or has changed, as server-sent events. `since`: of the newest line that is there."""
        address = _address(request)
        question = _question(request, address)
        newest = request.context.header(b"last-event-id") or request.query.get("since", "")
        since = int(newest) if _TIME.fullmatch(newest) else 0
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        return Response(
            b"retry: 1000\n\n", 200, headers, self._events(request, address, question, since - LATE_MS)
        )

    async def _events(
        self, request: PageRequest, address: ViewAddress, question: Question, since: int
    ) -> AsyncIterator[bytes]:
        before, clock, at = LiveView(), asyncio.get_running_loop().time, request.now
        begun = clock()
        for _ in range(LIVE_SECONDS):
            request.context.now = at + int(1000 * (clock() - begun))
            view = await self._view(request, address, question)
            # A comment reveals whether the connection is gone.
            yield _changes(before, view, since) or b":\n\n"
            before = view
            if not await request.wait(1) or not await request.is_logged_in():
                return

    async def _view(self, request: PageRequest, address: ViewAddress, question: Question) -> LiveView:
        """The page's content, at most a second old."""
        site = request.site

        async def draw() -> LiveView:
            state = await self._states.get(site.website_id, lambda: _read(request))
            return await apart(lambda: _draw(site, state, address, question))

        return await self._views.get((site.website_id, address), draw)


def _address(request: PageRequest) -> ViewAddress:
    return read_address(f"/w/{request.site.website_id.hex()}/live", request.pairs)


def _question(request: PageRequest, address: ViewAddress) -> Question:
    """The filters of an address. Raises BadRequest."""
    pairs = [pair for pair in address.pairs if pair[0].startswith(FILTER)]
    return read_question(pairs, request.site.timezone, request.now, request.now)


async def _read(request: PageRequest) -> LiveState:
    """What goes on, as the API tells it."""
    site, now, services = request.site, request.now, request.services
    realtime = Realtime(services.database, services.analytics, services.online)
    found, count, minutes = await asyncio.gather(
        realtime.now(site, now, None, MOST_EVENTS),
        _tried(realtime.count(site, now)),
        _tried(realtime.by_minute(site, now)),
    )
    return LiveState(now, found, count, minutes)


async def _tried(work: Awaitable[T]) -> T | None:
    """What comes of it; None while it cannot be counted: what happens is shown without it."""
    try:
        return await asyncio.wait_for(work, COUNT_SECONDS)
    except (ApiError, TimeoutError):
        return None


def _draw(site: Website, state: LiveState, address: ViewAddress, question: Question) -> LiveView:
    """What those do whom the filters keep. Run it on a thread."""
    is_filtered = any(one.name in KNOWN for one in question.conditions)
    shown = keep(state.now, question.conditions)
    listed = len(shown.visitors)
    is_counted = state.count is not None and not is_filtered
    count = max(listed, state.count or 0) if is_counted else listed
    is_cut = not is_counted and len(state.now.visitors) == MOST_VISITORS
    module = environment().get_template("online.html").make_module({"website": site})

    def drawn(macro: str, *shown: object) -> Markup:
        html: Markup = getattr(module, macro)(*shown)
        return html

    written = f"{count:,}{'+' if is_cut else ''}"
    bars = show_bars(state.minutes, state.at, site.timezone) if state.minutes else []
    parts = {
        "count": drawn("count", written, count),
        "map": drawn("map", show_dots(shown.visitors, address), unplaced(shown.visitors)),
        "minutes": drawn("minutes", bars, BAR_HEIGHT, is_filtered),
        "pages": drawn("ranks", "pages", "Pages", show_pages(shown.visitors, address)),
        "sources": drawn("ranks", "sources", "Sources", show_sources(shown.visitors, address)),
    }
    lines = show_lines(shown, state.at - ONLINE_MS)
    return LiveView(written, parts, {one.key: ShownLine(one.at, drawn("line", one)) for one in lines})


def _changes(before: LiveView, view: LiveView, since: int) -> bytes:
    """What differs in a view, as events; lines from before `since` are known to whoever has seen none yet."""
    parts = [html for name, html in view.parts.items() if before.parts.get(name) != html]
    lines = [
        line
        for key, line in list(view.lines.items())[::-1]
        if before.lines.get(key) != line and (before.parts or line.at >= since)
    ]
    return b"".join(
        [
            *(_event("part", html) for html in parts),
            *(_event("line", line.html, str(line.at)) for line in lines),
        ]
    )


def _event(name: str, html: str, number: str = "") -> bytes:
    """A server-sent event. In HTML a line break is a blank, so all become blanks: no name can then start another field of the event."""
    head = f"event: {name}\n" + (f"id: {number}\n" if number else "")
    return f"{head}data: {' '.join(html.splitlines())}\n\n".encode()


def count_online(tx: Transaction, website_id: bytes, here: Mapping[bytes, int], now: int) -> int:
    """How many visitors are online, up to MOST_ONLINE. `here`: whom this process saw, as in `Online.latest`."""
    return len(read_latest(tx, website_id, now - ONLINE_MS, MOST_ONLINE, here))

"""Who is online, and what it costs to look on."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from markupsafe import Markup

from footfall.collect.online import MOST_GONE, ONLINE_MS, Online
from footfall.dashboard.address import ViewAddress
from footfall.dashboard.page import PageRequest
from footfall.dashboard.pages import live
from footfall.dashboard.pages.live import Live, LiveView, ShownLine
from footfall.db.scans import HAS_LEFT
from tests.laws.world import NOW, WEBSITE

SITE, OTHER = b"s" * 12, b"o" * 12


def visitor(number: int) -> bytes:
    return number.to_bytes(16, "big")


def test_the_latest_visitors_are_those_seen_last() -> None:
    online = Online()
    for at, number in enumerate([1, 2, 3, 1, 4]):
        online.see(SITE, visitor(number), 1000 + at)
    assert list(online.latest(SITE, 2000, 3)) == [visitor(4), visitor(1), visitor(3)]
    assert online.latest(SITE, 1003 + ONLINE_MS, 9) == {visitor(4): 1004}
    assert online.latest(OTHER, 2000, 3) == {}


def test_of_many_who_left_few_are_forgotten_at_once_and_all_in_the_end() -> None:
    online = Online()
    for number in range(1000):
        online.see(SITE, visitor(number), 0)
    held = online._seen[SITE]
    for number in range(1000, 1000 + 1000 // MOST_GONE + 1):
        before = len(held)
        online.see(SITE, visitor(number), ONLINE_MS + 1)
        assert before - MOST_GONE < len(held)
    assert len(held) == 1000 // MOST_GONE + 1


def test_visitors_are_taken_in_the_order_in_which_they_came() -> None:
    online = Online()
    for number in (1, 2, 3, 1):
        online.see(SITE, visitor(number), number)
    assert online.take_fresh(2) == [(SITE, visitor(1), 1), (SITE, visitor(2), 2)]
    assert online.take_fresh(2) == [(SITE, visitor(3), 3)]
    assert online.take_fresh(2) == []


class Looking:
    """A call of a viewer who looks on for two rounds, with some filters."""

    services = None
    now = NOW

    def __init__(
        self, website_id: bytes, rounds: int = 2, *filters: tuple[str, str], since: str = ""
    ) -> None:
        self.site = msgspec.structs.replace(WEBSITE, website_id=website_id)
        self.context = SimpleNamespace(header=lambda name: since)
        self.pairs = list(filters)
        self.query: dict[str, str] = {}
        self._rounds = rounds

    async def wait(self, seconds: float) -> bool:
        self._rounds -= 1
        return self._rounds > 0

    async def is_logged_in(self) -> bool:
        return True


async def events(shown: Live, call: Looking) -> list[bytes]:
    response = await shown.stream(cast(PageRequest, call))
    assert response.stream is not None
    return [part async for part in response.stream]


def view(part: str, **lines: int) -> LiveView:
    """A view of one part, and of lines by their time."""
    shown = {key: ShownLine(at, Markup(f"<li>{key}")) for key, at in lines.items()}
    return LiveView("1", {"count": Markup(part)}, shown)


PART = b"event: part\ndata: <p>\n\n"


def test_a_second_is_read_once_and_drawn_once_for_each_filter_however_many_look_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[bytes] = []
    drawn: list[str] = []

    async def reading(call: Any) -> None:
        read.append(call.site.website_id)
        await asyncio.sleep(0)

    def drawing(site: Any, state: Any, address: ViewAddress, question: Any) -> LiveView:
        drawn.append(f"{site.website_id[:1].decode()}{address.here}")
        return view("<p>")

    monkeypatch.setattr(live, "_read", reading)
    monkeypatch.setattr(live, "_draw", drawing)

    async def scenario() -> None:
        shown, german = Live(), ("filter_country", "is:DE")
        looking = [Looking(SITE), Looking(SITE), Looking(SITE, 2, german), Looking(OTHER)]
        assert await asyncio.gather(*(events(shown, one) for one in looking)) == [[PART, b":\n\n"]] * 4
        assert sorted(read) == [OTHER, SITE]
        assert sorted(drawn) == ["o?", "s?", "s?filter_country=is:DE"]
        monkeypatch.setattr(live, "FRESH_SECONDS", 0)
        await events(shown, Looking(SITE))
        assert sorted(read) == [OTHER, SITE, SITE, SITE]

    asyncio.run(scenario())


def test_a_viewer_who_leaves_takes_nothing_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        go_on = asyncio.Event()

        async def reading(call: Any) -> None:
            assert not HAS_LEFT.get()()  # or scans would end
            await go_on.wait()

        monkeypatch.setattr(live, "_read", reading)
        monkeypatch.setattr(live, "_draw", lambda *asked: view("<p>"))
        shown = Live()
        HAS_LEFT.set(lambda: True)
        leaving, staying = (asyncio.ensure_future(events(shown, Looking(SITE, 1))) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        go_on.set()
        assert await staying == [PART]

    asyncio.run(scenario())


def test_only_what_is_new_or_has_changed_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    views = [view("<p>", b=200_000, a=100_000), view("<p>", c=300_000, b=200_000), view("<b>", c=300_000)]

    async def reading(call: Any) -> None:
        return None

    monkeypatch.setattr(live, "_read", reading)
    monkeypatch.setattr(live, "_draw", lambda *asked: views.pop(0))
    monkeypatch.setattr(live, "FRESH_SECONDS", 0)
    sent = asyncio.run(events(Live(), Looking(SITE, 3, since="200000")))
    assert sent == [
        PART + b"event: line\nid: 200000\ndata: <li>b\n\n",
        b"event: line\nid: 300000\ndata: <li>c\n\n",
        b"event: part\ndata: <b>\n\n",
    ]


@pytest.mark.parametrize("since", ["", "x", "-1", "9" * 99, "\u0661"])
def test_who_tells_of_no_newest_line_gets_all(monkeypatch: pytest.MonkeyPatch, since: str) -> None:
    async def reading(call: Any) -> None:
        return None

    monkeypatch.setattr(live, "_read", reading)
    monkeypatch.setattr(live, "_draw", lambda *asked: view("<p>", b=2, a=1))
    (sent,) = asyncio.run(events(Live(), Looking(SITE, 1, since=since)))
    assert sent.count(b"event: line") == 2
    assert sent.index(b"<li>a") < sent.index(b"<li>b")


@pytest.mark.parametrize(
    "character", [*map(chr, range(1, 32)), "\r\r", "\x7f", "\x85", "\u2028", "\u2029", "\ufeff"], ids=ascii
)
def test_no_character_in_a_name_ends_a_line_of_the_stream(character: str) -> None:
    html = Markup(f"<b>Bob{character}retry: 9{character}data: <i></b>\n<p>")
    text = live._changes(LiveView(), LiveView("1", {"count": html}), 0).decode()
    assert text.startswith("event: part\ndata: <b>Bob")
    assert text.endswith(" <p>\n\n")
    assert len(text[:-2].splitlines()) == 2

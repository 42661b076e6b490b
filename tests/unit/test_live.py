"""Who is online, and what it costs to look on."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from footfall.collect.online import KEPT_MS, MOST_GONE, ONLINE_MS, Online
from footfall.dashboard.page import PageRequest
from footfall.dashboard.pages import live
from footfall.dashboard.pages.live import Live

SITE, OTHER = b"s" * 12, b"o" * 12


def visitor(number: int) -> bytes:
    return number.to_bytes(16, "big")


def test_the_latest_visitors_are_those_seen_last() -> None:
    online = Online()
    for at, number in enumerate([1, 2, 3, 1, 4]):
        online.see(SITE, visitor(number), 1000 + at)
    assert list(online.latest(SITE, 2000, 3)) == [visitor(4), visitor(1), visitor(3)]
    assert online.latest(SITE, 1003 + ONLINE_MS, 9) == {visitor(4): 1004}
    assert list(online.latest(SITE, 1001 + KEPT_MS, 9, KEPT_MS)) == [visitor(4), visitor(1), visitor(3)]
    assert online.latest(OTHER, 2000, 3) == {}


def test_of_many_who_left_few_are_forgotten_at_once_and_all_in_the_end() -> None:
    online = Online()
    for number in range(1000):
        online.see(SITE, visitor(number), 0)
    held = online._seen[SITE]
    for number in range(1000, 1000 + 1000 // MOST_GONE + 1):
        before = len(held)
        online.see(SITE, visitor(number), KEPT_MS + 1)
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
    """A call of a viewer who looks on for two rounds."""

    def __init__(self, website_id: bytes, rounds: int = 2) -> None:
        self.site = type("Site", (), {"website_id": website_id})
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


def test_a_second_is_drawn_once_however_many_look_on(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[bytes] = []

    async def render(call: Any) -> str:
        rendered.append(call.site.website_id)
        await asyncio.sleep(0)
        return "<p>"

    monkeypatch.setattr(live, "_render", render)

    async def scenario() -> None:
        shown = Live()
        looking = [events(shown, Looking(SITE)) for _ in range(3)] + [events(shown, Looking(OTHER))]
        assert await asyncio.gather(*looking) == [[b"data: <p>\n\n", b":\n\n"]] * 4
        assert rendered == [SITE, OTHER]
        monkeypatch.setattr(live, "FRESH_SECONDS", 0)
        await events(shown, Looking(SITE))
        assert rendered == [SITE, OTHER, SITE, SITE]
        assert len(shown._rendered) == 1

    asyncio.run(scenario())


def test_a_viewer_who_leaves_takes_nothing_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        go_on = asyncio.Event()

        async def render(call: Any) -> str:
            await go_on.wait()
            return "<p>"

        monkeypatch.setattr(live, "_render", render)
        shown = Live()
        leaving, staying = (asyncio.ensure_future(events(shown, Looking(SITE, 1))) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        go_on.set()
        assert await staying == [b"data: <p>\n\n"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "character", [*map(chr, range(1, 32)), "\r\r", "\x7f", "\x85", "\u2028", "\u2029", "\ufeff"], ids=ascii
)
def test_no_character_in_a_name_ends_a_line_of_the_stream(
    monkeypatch: pytest.MonkeyPatch, character: str
) -> None:
    async def render(call: Any) -> str:
        return f"<b>Bob{character}retry: 9{character}data: <i></b>\n<p>"

    monkeypatch.setattr(live, "_render", render)
    [event] = asyncio.run(events(Live(), Looking(SITE, 1)))
    text = event.decode()
    assert text.startswith("data: <b>Bob")
    assert text.endswith(" <p>\n\n")
    assert len(text[:-2].splitlines()) == 1

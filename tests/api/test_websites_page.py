"""All websites side by side: each tile tells what the API tells of its website, however many there are."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from footfall.analytics.websites import grouped
from footfall.columns.client import ColumnsClient
from footfall.dashboard.figures import money_of, show_change
from footfall.errors import Unavailable
from footfall.history.model import HistoryCard, ImportedDay
from footfall.history.totals import put_days
from footfall.websites.store import read_websites
from tests.support.counting import Counting
from tests.support.dashboard import Visit
from tests.support.money import pay
from tests.support.sites import Site
from tests.support.told import DAY, Told


def tiles(page: str) -> dict[str, str]:
    """By path of the overview, in the order of the page."""
    return dict(re.findall(r'<a class="card site" href="([^"]+)">(.*?)</a></li>', page, re.DOTALL))


def figures(tile: str) -> dict[str, tuple[str, str]]:
    found = re.findall(r"<dt>(\w+)</dt><dd><b>([^<]+)</b>(?:<span[^>]*>([^<]+)</span>)?", tile)
    return {title: (html.unescape(value), change) for title, value, change in found}


def tile_of(browser: Visit, site: Site, text: str = "") -> str:
    page = browser.get(f"/?search={site.domain}{text}").text
    return tiles(page)[f"/w/{site.website_id}/overview"]


def expected(told_of: dict[str, Any], currency: str) -> dict[str, tuple[str, str]]:
    before = told_of["compared"]

    def change(name: str) -> str:
        return show_change(float(told_of[name]), float(before[name])).text or ""

    revenue = round(100 * told_of["revenue"])
    return {
        "Visitors": (f"{told_of['visitors']:,}", change("visitors")),
        "Revenue": (money_of(revenue, currency), change("revenue")),
    }


def test_a_tile_tells_what_the_api_tells(told: Told, numbers: Counting, browser: Visit) -> None:
    for days in (0, 23, 29):
        numbers.clock.now = told.now + days * DAY
        (row,) = told.ask("overview", "period=last30d&compare=previous")["data"]
        assert figures(tile_of(browser, told.site)) == expected(row, "EUR"), days
    assert "No visitors in the last 30 days" in tile_of(browser, numbers.site())


def test_imported_days_and_who_is_there_now_count_in_a_tile(numbers: Counting, browser: Visit) -> None:
    site, today = numbers.site(), numbers.clock.now // DAY
    site.pageview()
    site.pageview()
    days = [
        ImportedDay(
            HistoryCard.TOTAL, today - ago, (), visitors=visitors, sessions=visitors, pageviews=visitors
        )
        for ago, visitors in ((3, 7), (40, 5))
    ]
    site.place.transact(lambda tx: put_days(tx, bytes.fromhex(site.website_id), days))
    numbers.columns.catch_up()
    tile = tile_of(browser, site)
    assert figures(tile) == {"Visitors": ("9", "+80%")}
    assert re.search(r'dot ok"></span> 2<span class="hidden"> online', tile)


def test_all_websites_share_a_question_and_are_sorted_as_one_likes(
    numbers: Counting, browser: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    poor, rich = numbers.site(), numbers.site()
    for _ in range(2):
        poor.pageview()
    pay(rich, 500_000, currency="EUR", datafast_visitor_id=rich.pageview())
    numbers.columns.catch_up()
    asked: list[str] = []
    ask = ColumnsClient.ask

    async def counted(client: ColumnsClient, text: str, *rest: Any) -> Any:
        asked.append(text)
        return await ask(client, text, *rest)

    monkeypatch.setattr(ColumnsClient, "ask", counted)
    pages = {
        order: browser.get(f"/?sort={order}").text for order in ("visitors", "revenue", "online", "name")
    }
    groups = grouped(poor.place.snapshot(read_websites).values(), numbers.clock.now)
    assert (
        len(asked) <= 4 * len(groups) * 4
    )  # by day, before, and the days of both for which rates are needed
    assert sum(len(one.websites) for one in groups) > 5 * len(groups)
    paths = {order: list(tiles(page)) for order, page in pages.items()}
    assert len(set(map(len, paths.values()))) == 1
    assert paths["revenue"][0] == f"/w/{rich.website_id}/overview"
    for order in ("visitors", "online"):
        one, other = (paths[order].index(f"/w/{site.website_id}/overview") for site in (poor, rich))
        assert one < other
    shown = [re.findall(r"<strong><bdi>(.*?)</bdi>", tile)[0] for tile in tiles(pages["name"]).values()]
    assert shown == sorted(shown, key=str.casefold)


def test_tiles_are_searched_and_wrong_orders_refused(told: Told, browser: Visit) -> None:
    assert list(tiles(browser.get(f"/?search={told.site.domain.upper()}").text)) == [
        f"/w/{told.site.website_id}/overview"
    ]
    assert "No website found" in browser.get("/?search=zzzzz").text
    for text in ("sort=x", "offset=-1", "offset=x"):
        assert browser.get(f"/?{text}").status_code == 400, text


def test_while_there_are_no_columns_the_websites_stand_there_all_the_same(
    told: Told, browser: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("Analytics are away for a moment.")

    monkeypatch.setattr(ColumnsClient, "ask", away)
    for order in ("name", "visitors", "revenue"):
        answer = browser.get(f"/?sort={order}&search={told.site.domain}")
        assert "Analytics are away for a moment." in answer.text
        assert (list(tiles(answer.text)), answer.headers["refresh"]) == (
            [f"/w/{told.site.website_id}/overview"],
            "2",
        )

"""What an overview shows of the columns, and what can be chosen on it; for those who are logged in, and for those who have a link."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from markupsafe import Markup

from footfall.analytics.dimensions import Operator
from footfall.analytics.model import Asking, CardPage, Series
from footfall.analytics.ranges import SeriesInterval, TimeRange, read_choice
from footfall.dashboard.address import ViewAddress
from footfall.dashboard.cards import (
    GROUPS,
    MAP,
    ROWS,
    CardGroup,
    CardTab,
    ShownCard,
    is_of_visitors,
    show_card,
    tabs_of,
)
from footfall.dashboard.charts import ChartMark, draw_chart
from footfall.dashboard.controls import asked_pairs
from footfall.dashboard.figures import (
    ShownSeries,
    Tile,
    card_without_money,
    series_without_money,
    show_series,
    show_tiles,
)
from footfall.dashboard.page import PageRequest
from footfall.dashboard.pages.boards import tell_board
from footfall.dashboard.spans import DEFAULT, chosen_interval

MOST_COUNTRIES = 250


class PageNumbers(NamedTuple):
    """What the columns say of the whole page."""

    asked: TimeRange
    series: Series
    cards: list[ShownCard]


async def gather_numbers(
    request: PageRequest,
    address: ViewAddress,
    groups: Sequence[CardGroup] = GROUPS,
    *,
    has_money: bool = True,
) -> PageNumbers:
    """All numbers of the page; without `has_money`, nothing that tells of payments. Raises BadRequest and Unavailable."""
    analytics = request.services.analytics
    asking = await analytics.prepare(request.site, asked_pairs(address), request.now, DEFAULT)
    asked = asking.question.range
    interval = chosen_interval(asked, read_choice(dict(address.pairs), "interval", SeriesInterval))
    series, cards = await asyncio.gather(
        analytics.series(asking, interval),
        shown_cards(request, asking, address, list(tabs_of(address, groups)), has_money=has_money),
    )
    return PageNumbers(asked, series if has_money else series_without_money(series), cards)


async def shown_cards(
    request: PageRequest,
    asking: Asking,
    address: ViewAddress,
    tabs: Sequence[tuple[CardGroup, CardTab]],
    *,
    has_money: bool = True,
) -> list[ShownCard]:
    """Cards of analytics, and lists that are none."""
    cards = [tab for tab in tabs if tab[1].is_card]
    first = _first(asking, [])
    boards = asyncio.gather(*(tell_board(request, first, address, *tab) for tab in tabs if tab not in cards))
    found, told = await asyncio.gather(_cards(request, asking, cards), boards)
    currency = request.site.currency
    shown = {
        tab.name: show_card(group, tab, page if has_money else card_without_money(page), address, currency)
        for (group, tab), page in zip(cards, found, strict=True)
    }
    shown |= {one.tab.name: one for one in told}
    return [shown[tab.name] for _, tab in tabs]


async def _cards(
    request: PageRequest, asking: Asking, tabs: Sequence[tuple[CardGroup, CardTab]]
) -> list[CardPage]:
    """The first rows of some cards: those of visitors together, but for cards that are filtered by their own rows."""
    analytics = request.services.analytics
    asked = [choosing(asking, tab) for _, tab in tabs]
    joint = [
        tab
        for (_, tab), one in zip(tabs, asked, strict=True)
        if is_of_visitors(tab) and one.question.conditions == asking.question.conditions
    ]
    alone = [(tab, one) for (_, tab), one in zip(tabs, asked, strict=True) if tab not in joint]
    together = analytics.cards(_first(asking, joint), [tab.card for tab in joint]) if joint else _nothing()
    apiece = asyncio.gather(*(analytics.card(_first(one, [tab]), tab.card) for tab, one in alone))
    found, others = await asyncio.gather(together, apiece)
    pages = {tab.name: page for tab, page in zip(joint, found, strict=True)}
    pages |= {tab.name: page for (tab, _), page in zip(alone, others, strict=True)}
    return [_cut(tab, pages[tab.name]) for _, tab in tabs]


async def _nothing() -> list[CardPage]:
    return []


def choosing(asking: Asking, tab: CardTab) -> Asking:
    """The same question without which rows of this list are chosen, so that others can be chosen too."""
    kept = tuple(
        one
        for one in asking.question.conditions
        if one.name not in tab.filters or one.operator not in (Operator.IS, Operator.IS_NOT)
    )
    question = msgspec.structs.replace(asking.question, conditions=kept)
    return msgspec.structs.replace(asking, question=question)


def _first(asking: Asking, tabs: Sequence[CardTab]) -> Asking:
    """The same question about as many rows as these lists show, and without a comparison."""
    most = MOST_COUNTRIES if any(tab.name == MAP for tab in tabs) else ROWS
    question = msgspec.structs.replace(asking.question, limit=most)
    return msgspec.structs.replace(asking, question=question, compared=None)


def _cut(tab: CardTab, page: CardPage) -> CardPage:
    return page if tab.name == MAP else page._replace(rows=page.rows[:ROWS])


class ShownNumbers(NamedTuple):
    """The numbers as a template takes them; without tiles there are none."""

    tiles: list[Tile] | None = None
    chart: Markup = Markup()
    shown: ShownSeries | None = None
    cards: list[ShownCard] = []


def show_numbers(
    request: PageRequest,
    address: ViewAddress,
    found: PageNumbers,
    marks: Mapping[int, Sequence[ChartMark]],
    notes: Mapping[int, Sequence[str]],
    *,
    has_money: bool = True,
) -> ShownNumbers:
    """The numbers of a page as it shows them; see `show_series`."""
    currency = request.site.currency
    shown = show_series(found.series, found.asked, address, currency, request.now, marks, notes)
    tiles = show_tiles(found.series.totals, address, currency, has_money=has_money)
    return ShownNumbers(tiles, draw_chart(shown.points, shown.value, shown.money), shown, found.cards)

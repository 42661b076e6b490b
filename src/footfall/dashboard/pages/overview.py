"""The overview of a website, its home: how it goes in a range, and where visitors came from, what they read, and who they are like."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from markupsafe import Markup

from footfall.analytics.dimensions import Operator
from footfall.analytics.endpoints import card_file, series_file
from footfall.analytics.listed import Looking, RowOrder
from footfall.analytics.model import Asking, CardPage, Series
from footfall.analytics.query import MAX_ROWS, Question, read_question
from footfall.analytics.ranges import Buckets, SeriesInterval, TimeRange, read_choice
from footfall.analytics.wire import series_form
from footfall.dashboard import names
from footfall.dashboard.address import ViewAddress, read_address
from footfall.dashboard.cards import (
    GROUP_NAMES,
    MAP,
    ROWS,
    TABS,
    CardGroup,
    CardTab,
    ShownCard,
    codes_of,
    is_of_visitors,
    shade,
    show_card,
    tabs_of,
)
from footfall.dashboard.charts import ChartMark, draw_chart
from footfall.dashboard.controls import (
    Choice,
    CompareChoice,
    RangeChoice,
    asked_pairs,
    compare_choice,
    range_choice,
)
from footfall.dashboard.figures import METRICS, ShownSeries, Tile, read_metric, show_series, show_tiles
from footfall.dashboard.filters import ADDING, OPERATORS, ShownChip, filter_fields, show_chips, with_added
from footfall.dashboard.page import PageRequest, apart, page_headers, redirect, render
from footfall.dashboard.pages.boards import tell_board
from footfall.dashboard.pages.live import MOST_ONLINE, count_online
from footfall.dashboard.pages.numbers import looks_again, tried
from footfall.dashboard.pages.payments import payment_rows
from footfall.dashboard.pages.people import MOST_SUGGESTED, some_visitor
from footfall.dashboard.pages.segments import show_segments
from footfall.dashboard.rendering import render_template
from footfall.dashboard.spans import (
    DEFAULT,
    chosen_interval,
    offered_intervals,
    people_address,
    range_text,
)
from footfall.db.protocol import Transaction
from footfall.errors import ApiError, BadRequest, NotFound, Unavailable
from footfall.payments.endpoints import list_payments
from footfall.payments.model import Kind
from footfall.payments.owners import owners_of
from footfall.payments.wire import PaymentQuery, Range
from footfall.people.find.fields import field_names
from footfall.segments.model import Segment
from footfall.segments.store import read_segments
from footfall.web.envelope import Response
from footfall.web.parameters import read_number_parameter
from footfall.websites.model import Website

MOST_COUNTRIES = 250
MOST_PAYMENTS = 200
"""Of which a chart shows who made them."""
PAGE = 50
"""Rows of a list by itself."""
OWN = (*GROUP_NAMES,)
OF_LISTING = ("search", "sort", "offset")


async def home(request: PageRequest) -> Response:
    """`GET /w/{websiteId}`."""
    return redirect(request, f"/w/{request.site.website_id.hex()}/overview")


async def overview(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/overview`. `part`: one of its cards alone; `format=csv`: its chart as a file."""
    address = read_address(f"/w/{request.site.website_id.hex()}/overview", request.pairs, OWN)
    if ADDING & request.query.keys():
        return redirect(request, with_added(address, request.query).href)
    if request.query.get("format") == "csv":
        return await _series_file(request, address)
    if group := next((one for one in tabs_of(address) if one[0].name == request.query.get("part")), None):
        return await _part(request, address, group)
    told, numbers = await asyncio.gather(_read_beside(request, address), tried(_numbers(request, address)))
    return await apart(lambda: _drawn(request, address, told, numbers))


# Questions


class _Numbers(NamedTuple):
    """What the columns say of the whole page."""

    asked: TimeRange
    series: Series
    cards: list[ShownCard]


async def _numbers(request: PageRequest, address: ViewAddress) -> _Numbers:
    """All numbers of the page. Raises BadRequest and Unavailable."""
    analytics = request.services.analytics
    asking = await analytics.prepare(request.site, asked_pairs(address), request.now, DEFAULT)
    asked = asking.question.range
    interval = chosen_interval(asked, read_choice(dict(address.pairs), "interval", SeriesInterval))
    series, cards = await asyncio.gather(
        analytics.series(asking, interval), _shown_cards(request, asking, address, list(tabs_of(address)))
    )
    return _Numbers(asked, series, cards)


async def _shown_cards(
    request: PageRequest, asking: Asking, address: ViewAddress, tabs: Sequence[tuple[CardGroup, CardTab]]
) -> list[ShownCard]:
    """Cards of analytics, and lists that are none."""
    cards = [tab for tab in tabs if tab[1].is_card]
    first = _first(asking, [])
    boards = asyncio.gather(*(tell_board(request, first, address, *tab) for tab in tabs if tab not in cards))
    found, told = await asyncio.gather(_cards(request, asking, cards), boards)
    currency = request.site.currency
    shown = {
        tab.name: show_card(group, tab, page, address, currency)
        for (group, tab), page in zip(cards, found, strict=True)
    }
    shown |= {one.tab.name: one for one in told}
    return [shown[tab.name] for _, tab in tabs]


async def _cards(
    request: PageRequest, asking: Asking, tabs: Sequence[tuple[CardGroup, CardTab]]
) -> list[CardPage]:
    """The first rows of some cards: those of visitors together, but for cards that are filtered by their own rows."""
    analytics = request.services.analytics
    asked = [_choosing(asking, tab) for _, tab in tabs]
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


def _choosing(asking: Asking, tab: CardTab) -> Asking:
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


# What the database tells


class _Payer(NamedTuple):
    """Who paid when (ms since epoch). `key`: decides the colour."""

    at: int
    name: str
    key: str


class _Beside(NamedTuple):
    """What a page shows besides numbers. `fields`: of traits, for the filter."""

    has_visitors: bool
    fields: list[str]
    payers: list[_Payer]
    online: int
    segments: list[Segment]


async def _read_beside(request: PageRequest, address: ViewAddress) -> _Beside:
    question = _question(request, address)
    is_whole = question is not None and not address.chips
    here = request.services.online.latest(request.site.website_id, request.now, MOST_ONLINE)
    asked = (request.site, question.range if question and is_whole else None, here, request.now)
    return await request.services.database.scan(read_overview_page, asked, share=request.site.website_id)


def _question(request: PageRequest, address: ViewAddress) -> Question | None:
    """What the address asks, as far as no columns are needed for that; None if it is wrong."""
    try:
        begins = request.site.created_at
        return read_question(asked_pairs(address), request.site.timezone, request.now, begins, DEFAULT)
    except BadRequest:
        return None


def read_overview_page(
    tx: Transaction, asked: tuple[Website, TimeRange | None, Mapping[bytes, int], int]
) -> _Beside:
    """What a page shows besides numbers, of one state of the database; payers only of a range."""
    website, range_, here, now = asked
    website_id = website.website_id
    return _Beside(
        some_visitor(tx, website_id) is not None,
        field_names(tx, website_id, MOST_SUGGESTED),
        [] if range_ is None else _payers(tx, website, range_),
        count_online(tx, website_id, here, now),
        read_segments(tx, website_id),
    )


def _payers(tx: Transaction, website: Website, asked: TimeRange) -> list[_Payer]:
    """Who paid in a range, the latest first."""
    query = PaymentQuery(Range(asked.since, asked.until), None, None, None, None, b"", MOST_PAYMENTS)
    paid = [
        one
        for one in list_payments(tx, website, query)[:MOST_PAYMENTS]
        if one.kind in (Kind.PAYMENT, Kind.FIRST) and one.money.minor > 0
    ]
    rows = payment_rows(tx, website, owners_of(tx, website.website_id, paid))
    return [
        _payer(row.payment.at, row.name or row.payment.name, row.person_id or row.payment.payment_id)
        for row in rows
    ]


def _payer(at: int, name: str | None, key: bytes) -> _Payer:
    return _Payer(at, name or "", key.hex())


def _marks(payers: Sequence[_Payer], buckets: Buckets) -> Mapping[int, Sequence[ChartMark]]:
    """Who paid in each part of a series, each person once."""
    marks: dict[int, dict[str, ChartMark]] = {}
    for one in payers:
        mark = ChartMark(names.initials(one.name) if one.name else "$", names.hue(one.key))
        marks.setdefault(buckets.number(one.at), {})[one.key] = mark
    return {number: tuple(found.values()) for number, found in marks.items()}


# What is shown


class _Controls(NamedTuple):
    """What can be chosen on the page, and what is: the range, what it is compared with, and the names of its parts and of the chart's metric."""

    when: RangeChoice
    compare: CompareChoice
    interval: str
    metric: str
    intervals: list[Choice]
    chips: list[ShownChip]


def _controls(request: PageRequest, address: ViewAddress, asked: TimeRange | None) -> _Controls:
    wanted = address.text("interval")
    offered = offered_intervals(asked) if asked else []
    chosen = chosen_interval(asked, next((one for one in offered if one == wanted), None)) if asked else None
    return _Controls(
        range_choice(address, asked, request.now),
        compare_choice(address),
        chosen.capitalize() if chosen else "",
        METRICS[read_metric(address)].title,
        [Choice(one.capitalize(), address.having(interval=one.value).here, one is chosen) for one in offered],
        show_chips(address),
    )


def _drawn(
    request: PageRequest, address: ViewAddress, told: _Beside, numbers: _Numbers | ApiError
) -> Response:
    """The page. Run it on a thread."""
    found = numbers if isinstance(numbers, _Numbers) else None
    question = _question(request, address)
    asked = found.asked if found else question.range if question else None
    return render(
        request,
        "overview.html",
        section="overview",
        status=400 if isinstance(numbers, BadRequest) else 200,
        address=address,
        people=people_address(address),
        controls=_controls(request, address, asked),
        told=told,
        problem=numbers.message if isinstance(numbers, ApiError) else "",
        headers=looks_again(numbers) if isinstance(numbers, Unavailable) else None,
        is_away=isinstance(numbers, Unavailable),
        fields=filter_fields(told.fields),
        operators=OPERATORS,
        segments=show_segments(address, told.segments),
        shade=shade,
        **_shown(request, address, found, told)._asdict(),
    )


class _Shown(NamedTuple):
    """The numbers as the template takes them; without tiles there are none."""

    tiles: list[Tile] | None = None
    chart: Markup = Markup()
    shown: ShownSeries | None = None
    cards: list[ShownCard] = []


def _shown(request: PageRequest, address: ViewAddress, found: _Numbers | None, told: _Beside) -> _Shown:
    if found is None:
        return _Shown()
    currency, marks = request.site.currency, _marks(told.payers, found.series.buckets)
    shown = show_series(found.series, found.asked, address, currency, request.now, marks)
    chart = draw_chart(shown.points, shown.value, shown.money)
    return _Shown(show_tiles(found.series.totals, address, currency), chart, shown, found.cards)


async def _part(request: PageRequest, address: ViewAddress, chosen: tuple[CardGroup, CardTab]) -> Response:
    """One card, for the page that shows it already."""
    asking = await request.services.analytics.prepare(
        request.site, asked_pairs(address), request.now, DEFAULT
    )
    (card,) = await _shown_cards(request, asking, address, [chosen])
    drawing: Callable[[], str] = functools.partial(
        render_template,
        "overview_part.html",
        address=address,
        card=card,
        website=request.site,
        now=request.now,
        shade=shade,
    )
    return Response((await apart(drawing)).encode(), 200, page_headers(request))


async def _series_file(request: PageRequest, address: ViewAddress) -> Response:
    pairs = [*asked_pairs(address), ("format", "csv")]
    asking = await request.services.analytics.prepare(request.site, pairs, request.now, DEFAULT)
    wanted = read_choice(dict(address.pairs), "interval", SeriesInterval)
    interval = chosen_interval(asking.question.range, wanted)
    series = await request.services.analytics.series(asking, interval)
    return await series_file(series, series_form(asking), series.parts)


# A list by itself


class _Column(NamedTuple):
    """The head of a column that a list can be sorted by."""

    title: str
    order: RowOrder
    href: str


async def listing(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/overview/{card}`: all rows of a card, searched, sorted, page by page; `format=csv`: as a file."""
    found = TABS.get(request.context.path_values[1])
    if found is None or found[1].name == MAP or not found[1].is_card:
        raise NotFound("There is no such list.")
    path = f"/w/{request.site.website_id.hex()}/overview/{found[1].name}"
    address = read_address(path, request.pairs, OF_LISTING)
    is_file = request.query.get("format") == "csv"
    pairs = [*asked_pairs(address.having(compare="none")), *([("format", "csv")] if is_file else [])]
    try:
        asking = await request.services.analytics.prepare(request.site, pairs, request.now, DEFAULT)
        if is_file:
            return await card_file(asking, await request.services.analytics.card(asking, found[1].card))
        return await _listed(request, address, _choosing(asking, found[1]), found)
    except Unavailable as error:
        return render(
            request,
            "overview_away.html",
            section="overview",
            headers=looks_again(error),
            problem=error.message,
        )


async def _listed(
    request: PageRequest, address: ViewAddress, asking: Asking, chosen: tuple[CardGroup, CardTab]
) -> Response:
    query = dict(address.pairs)
    offset = read_number_parameter(query, "offset", 0, 0, MAX_ROWS)
    order = read_choice(query, "sort", RowOrder) or RowOrder.VISITORS
    text = address.text("search").strip()
    question = msgspec.structs.replace(asking.question, limit=PAGE, offset=offset)
    asking = msgspec.structs.replace(asking, question=question)
    looking = Looking(text, codes_of(text) if text else (), order)
    page = await request.services.analytics.listed(asking, chosen[1].card, looking)
    card = show_card(*chosen, page, address, request.site.currency)
    home = address.at(f"/w/{request.site.website_id.hex()}/overview", OWN)
    group, tab = chosen
    return await apart(
        lambda: render(
            request,
            "overview_list.html",
            section="overview",
            address=address,
            card=card,
            home=home.having(**{group.name: tab.name}),
            range=range_text(address, question.range),
            chips=show_chips(address),
            columns=_columns(address, tab, card),
            order=order,
            offset=offset,
            before=address.having(offset=str(offset - PAGE) if offset > PAGE else None) if offset else None,
            after=address.having(offset=str(offset + PAGE)) if offset + PAGE < page.total else None,
        )
    )


def _columns(address: ViewAddress, tab: CardTab, card: ShownCard) -> list[_Column]:
    titles = {RowOrder.NAME: tab.of_rows, RowOrder.VISITORS: "Visitors", RowOrder.PEOPLE: "People"}
    titles |= {RowOrder.REVENUE: "Revenue"} if card.has_money else {}
    return [
        _Column(title, order, address.having(sort=None if order is RowOrder.VISITORS else order.value).here)
        for order, title in titles.items()
    ]

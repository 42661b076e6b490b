"""The overview of a website, its home: how it goes in a range, and where visitors came from, what they read, and who they are like."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from footfall.analytics.endpoints import card_file
from footfall.analytics.listed import Looking, RowOrder
from footfall.analytics.model import Asking
from footfall.analytics.query import MAX_ROWS
from footfall.analytics.ranges import Buckets, TimeRange, read_choice
from footfall.dashboard import names
from footfall.dashboard.address import ViewAddress, read_address
from footfall.dashboard.cards import (
    GROUP_NAMES,
    MAP,
    TABS,
    CardGroup,
    CardTab,
    ShownCard,
    codes_of,
    shade,
    show_card,
    tabs_of,
)
from footfall.dashboard.charts import ChartMark
from footfall.dashboard.controls import asked_pairs, view_controls
from footfall.dashboard.figures import METRICS, read_metric
from footfall.dashboard.filters import ADDING, OPERATORS, filter_fields, show_chips, with_added
from footfall.dashboard.page import PageRequest, apart, page_headers, redirect, render
from footfall.dashboard.pages.asking import chart_file, looks_again, question_of, tried
from footfall.dashboard.pages.live import MOST_ONLINE, count_online
from footfall.dashboard.pages.notes import notes_by_part, show_notes
from footfall.dashboard.pages.overview_numbers import (
    PageNumbers,
    ShownNumbers,
    choosing,
    gather_numbers,
    show_numbers,
    shown_cards,
)
from footfall.dashboard.pages.payments import payment_rows
from footfall.dashboard.pages.people import MOST_SUGGESTED, some_visitor
from footfall.dashboard.pages.segments import show_segments
from footfall.dashboard.rendering import render_template
from footfall.dashboard.spans import (
    DEFAULT,
    people_address,
    range_text,
)
from footfall.db.protocol import Transaction
from footfall.errors import ApiError, BadRequest, NotFound, Unavailable
from footfall.notes.model import SignedNote
from footfall.notes.store import read_notes
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
        return await chart_file(request, address)
    if group := next((one for one in tabs_of(address) if one[0].name == request.query.get("part")), None):
        return await _part(request, address, group)
    told, numbers = await asyncio.gather(
        _read_beside(request, address), tried(gather_numbers(request, address))
    )
    return await apart(lambda: _drawn(request, address, told, numbers))


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
    notes: list[SignedNote]
    online: int
    segments: list[Segment]


class _BesideAsked(NamedTuple):
    """Of what that is read. `has_payers`: whether the page is of all visitors, so that it shows who paid; `notes_since`: from when on notes
    are shown (ms since epoch); `here`: who was seen when."""

    website: Website
    range: TimeRange | None
    has_payers: bool
    notes_since: int
    here: Mapping[bytes, int]
    now: int


async def _read_beside(request: PageRequest, address: ViewAddress) -> _Beside:
    question = question_of(request, address)
    here = request.services.online.latest(request.site.website_id, request.now, MOST_ONLINE)
    range_ = question.range if question else None
    since = range_.since if range_ and address.text("period") != "all" else 0
    asked = _BesideAsked(request.site, range_, not address.chips, since, here, request.now)
    return await request.services.database.scan(read_overview_page, asked, share=request.site.website_id)


def read_overview_page(tx: Transaction, asked: _BesideAsked) -> _Beside:
    """What a page shows besides numbers, of one state of the database; payers and notes only of a range."""
    website, range_ = asked.website, asked.range
    website_id = website.website_id
    return _Beside(
        some_visitor(tx, website_id) is not None,
        field_names(tx, website_id, MOST_SUGGESTED),
        _payers(tx, website, range_) if range_ and asked.has_payers else [],
        read_notes(tx, website_id, asked.notes_since, range_.until) if range_ else [],
        count_online(tx, website_id, asked.here, asked.now),
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


def _drawn(
    request: PageRequest, address: ViewAddress, told: _Beside, numbers: PageNumbers | ApiError
) -> Response:
    """The page. Run it on a thread."""
    found = numbers if isinstance(numbers, PageNumbers) else None
    question = question_of(request, address)
    asked = found.asked if found else question.range if question else None
    return render(
        request,
        "overview.html",
        section="overview",
        status=400 if isinstance(numbers, BadRequest) else 200,
        address=address,
        people=people_address(address),
        controls=view_controls(address, asked, request.now, METRICS[read_metric(address)].title),
        told=told,
        problem=numbers.message if isinstance(numbers, ApiError) else "",
        headers=looks_again(numbers) if isinstance(numbers, Unavailable) else None,
        is_away=isinstance(numbers, Unavailable),
        fields=filter_fields(told.fields),
        operators=OPERATORS,
        segments=show_segments(address, told.segments),
        notes=show_notes(told.notes, request, address),
        done=request.query.get("done"),
        shade=shade,
        **_shown(request, address, found, told)._asdict(),
    )


def _shown(
    request: PageRequest, address: ViewAddress, found: PageNumbers | None, told: _Beside
) -> ShownNumbers:
    if found is None:
        return ShownNumbers()
    buckets = found.series.buckets
    marks, notes = _marks(told.payers, buckets), notes_by_part(told.notes, buckets)
    return show_numbers(request, address, found, marks, notes)


async def _part(request: PageRequest, address: ViewAddress, chosen: tuple[CardGroup, CardTab]) -> Response:
    """One card, for the page that shows it already."""
    asking = await request.services.analytics.prepare(
        request.site, asked_pairs(address), request.now, DEFAULT
    )
    (card,) = await shown_cards(request, asking, address, [chosen])
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
        return await _listed(request, address, choosing(asking, found[1]), found)
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

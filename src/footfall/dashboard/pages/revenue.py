"""Revenue: what came in over time, from where and when, who paid, and what recurs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from markupsafe import Markup

from footfall.analytics.dimensions import Attribution
from footfall.analytics.model import Asking, Series
from footfall.analytics.money.model import (
    CustomerReport,
    CustomerSum,
    DelayReport,
    HourSum,
    RecurringReport,
    SourceSum,
)
from footfall.analytics.money.service import Earnings
from footfall.analytics.people import Face
from footfall.analytics.ranges import SeriesInterval, TimeRange, read_choice
from footfall.dashboard.address import ViewAddress, read_address
from footfall.dashboard.cards import ROWS, TABS, CardTab
from footfall.dashboard.controls import Choice, asked_pairs, view_controls
from footfall.dashboard.earnings import (
    SOURCES,
    HeatRow,
    MoneyPart,
    MoneyTile,
    ShownDelays,
    ShownRecurring,
    SourceRow,
    chosen_sources,
    customers_address,
    show_delays,
    show_hours,
    show_money_tiles,
    show_recurring,
    show_sources,
    show_stacks,
)
from footfall.dashboard.figures import money_column, short_money
from footfall.dashboard.filters import ADDING, OPERATORS, filter_fields, with_added
from footfall.dashboard.page import PageRequest, apart, redirect, render
from footfall.dashboard.pages.asking import chart_file, looks_again, question_of, tried
from footfall.dashboard.pages.people import MOST_SUGGESTED
from footfall.dashboard.pages.roster import faces_of, show_face
from footfall.dashboard.pages.segments import show_segments
from footfall.dashboard.spans import DEFAULT, chosen_interval
from footfall.dashboard.stacks import draw_stacks
from footfall.db.protocol import Transaction
from footfall.errors import ApiError, BadRequest, Unavailable
from footfall.identity.model import TraitValues
from footfall.people.find.fields import field_names
from footfall.segments.model import Segment
from footfall.segments.store import read_segments
from footfall.web.envelope import Response

MOST = 8
"""Customers who are shown: their rows are higher than others."""
OWN = ("sources",)
_FIELDS = ("fields", "revenue,payments")


class _Earned(NamedTuple):
    """What is known of the whole page. `sources`: by last touch, and by first; `faces`: of the customers who paid most."""

    asked: TimeRange
    series: Series
    sources: tuple[list[SourceSum], list[SourceSum]]
    customers: tuple[CustomerReport, CustomerReport | None]
    faces: list[Face]
    delays: DelayReport
    hours: list[HourSum]
    recurring: RecurringReport


class _RevenueBeside(NamedTuple):
    """What a page shows besides numbers. `fields`: of traits, for the filter."""

    fields: list[str]
    segments: list[Segment]


class CustomerRow(NamedTuple):
    """Somebody who paid. `path`: of their page, below the website's, empty if there is none; `key`: decides the colour of the avatar."""

    path: str
    key: str
    name: str
    traits: TraitValues
    paid: str
    payments: int
    first_at: int


async def revenue(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/revenue`. `format=csv`: its chart as a file."""
    address = read_address(f"/w/{request.site.website_id.hex()}/revenue", request.pairs, OWN)
    if ADDING & request.query.keys():
        return redirect(request, with_added(address, request.query).href)
    if not request.site.has_payments:
        return render(request, "revenue.html", section="revenue", is_empty=True)
    if request.query.get("format") == "csv":
        return await chart_file(request, address, _FIELDS)
    website_id = request.site.website_id
    told, earned = await asyncio.gather(
        request.services.database.scan(read_revenue_page, website_id, share=website_id),
        tried(_earned(request, address)),
    )
    return await apart(lambda: _drawn(request, address, told, earned))


def read_revenue_page(tx: Transaction, website_id: bytes) -> _RevenueBeside:
    """What the page shows besides numbers, of one state of the database."""
    return _RevenueBeside(field_names(tx, website_id, MOST_SUGGESTED), read_segments(tx, website_id))


async def _earned(request: PageRequest, address: ViewAddress) -> _Earned:
    """All numbers of the page. Raises BadRequest and Unavailable."""
    services = request.services
    earnings = Earnings(services.analytics, services.database, services.rates)
    pairs = [*asked_pairs(address), _FIELDS]
    asking = await services.analytics.prepare(request.site, pairs, request.now, DEFAULT)
    asked, name = asking.question.range, chosen_sources(address).name
    interval = chosen_interval(asked, read_choice(dict(address.pairs), "interval", SeriesInterval))
    series, sources, (customers, faces), delays, hours, recurring = await asyncio.gather(
        services.analytics.series(asking, interval),
        _sources(earnings, asking, name),
        _customers(request, earnings, asking),
        earnings.delays(asking),
        earnings.hours(asking),
        earnings.recurring(asking),
    )
    return _Earned(asked, series, sources, customers, faces, delays, hours, recurring)


async def _sources(earnings: Earnings, asking: Asking, name: str) -> tuple[list[SourceSum], list[SourceSum]]:
    def by(attribution: Attribution) -> Asking:
        return msgspec.structs.replace(asking, scene=asking.scene._replace(attribution=attribution))

    return await asyncio.gather(
        earnings.sources(by(Attribution.LAST), name, ROWS),
        earnings.sources(by(Attribution.FIRST), name, ROWS),
    )


async def _customers(
    request: PageRequest, earnings: Earnings, asking: Asking
) -> tuple[tuple[CustomerReport, CustomerReport | None], list[Face]]:
    found = await earnings.customers(asking, MOST)
    people = [(one.person, bool(one.is_known)) for one in found[0].most]
    return found, await faces_of(request, asking, people)


def _drawn(
    request: PageRequest, address: ViewAddress, told: _RevenueBeside, earned: _Earned | ApiError
) -> Response:
    """The page. Run it on a thread."""
    found = earned if isinstance(earned, _Earned) else None
    question = question_of(request, address)
    asked = found.asked if found else question.range if question else None
    return render(
        request,
        "revenue.html",
        section="revenue",
        status=400 if isinstance(earned, BadRequest) else 200,
        headers=looks_again(earned) if isinstance(earned, Unavailable) else None,
        is_empty=False,
        address=address,
        controls=view_controls(address, asked, request.now),
        problem=earned.message if isinstance(earned, ApiError) else "",
        is_away=isinstance(earned, Unavailable),
        fields=filter_fields(told.fields),
        operators=OPERATORS,
        segments=show_segments(address, told.segments),
        shown=_shown(request, address, found) if found else None,
    )


class _RevenueShown(NamedTuple):
    """The numbers as the template takes them. `touches`: the cards of sources, by title; `customers`: how many there are, and who paid most."""

    tiles: list[MoneyTile]
    chart: Markup
    parts: list[MoneyPart]
    tabs: list[Choice]
    tab: CardTab
    touches: dict[str, list[SourceRow]]
    all_sources: dict[str, str]
    customers: int
    most: list[CustomerRow]
    who: str
    delays: ShownDelays
    hours: list[HeatRow]
    recurring: ShownRecurring | None


def _shown(request: PageRequest, address: ViewAddress, found: _Earned) -> _RevenueShown:
    currency, tab = request.site.currency, chosen_sources(address)
    stacks = show_stacks(found.series, found.asked, address, currency, request.now)
    last, first = found.sources
    report = found.customers[0]
    paid = money_column((one.revenue for one in report.most), currency)
    return _RevenueShown(
        show_money_tiles(found.series.totals, found.customers, found.recurring, address, currency),
        draw_stacks(stacks.points, lambda value: short_money(value, currency)),
        stacks.parts,
        _tabs(address, tab),
        tab,
        {
            "Last touch": show_sources(last, tab, address, currency, is_last=True),
            "First touch": show_sources(first, tab, address, currency, is_last=False),
        },
        {
            title: _all_of(address, tab, attribution)
            for title, attribution in (("Last touch", None), ("First touch", Attribution.FIRST.value))
        },
        report.total,
        [_customer_row(*one, paid) for one in zip(found.faces, report.most, strict=True)],
        customers_address(address).href,
        show_delays(found.delays),
        show_hours(found.hours, currency),
        show_recurring(found.recurring, currency),
    )


def _tabs(address: ViewAddress, chosen: CardTab) -> list[Choice]:
    return [
        Choice(
            TABS[name][1].title,
            address.having(sources=None if name == SOURCES[0] else name).here,
            name == chosen.name,
        )
        for name in SOURCES
    ]


def _all_of(address: ViewAddress, tab: CardTab, attribution: str | None) -> str:
    """The whole list of sources, as the overview shows it."""
    website = address.path.rsplit("/", 1)[0]
    listed = address.having(attribution=attribution).at(f"{website}/overview/{tab.name}")
    return listed._replace(own=("sort",)).having(sort="revenue").href


def _customer_row(face: Face, one: CustomerSum, spelled: Callable[[int], str]) -> CustomerRow:
    known, paid = show_face(face), spelled(one.revenue)
    return CustomerRow(known.path, known.key, known.name, known.traits, paid, one.payments, one.first_at)

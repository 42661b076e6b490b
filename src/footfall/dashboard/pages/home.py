"""All websites: how each of them goes, side by side."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from markupsafe import Markup

from footfall.analytics.ranges import read_choice
from footfall.analytics.websites import SeveralWebsites, WebsiteSums
from footfall.collect.online import ONLINE_MS
from footfall.dashboard.address import ViewAddress, read_address
from footfall.dashboard.charts import draw_line
from footfall.dashboard.controls import Choice
from footfall.dashboard.figures import ShownChange, money_of, show_change
from footfall.dashboard.page import PageRequest, apart, redirect, render
from footfall.dashboard.pages.asking import looks_again, tried
from footfall.dashboard.pages.live import MOST_ONLINE
from footfall.dashboard.pages.sites import new_form
from footfall.db.protocol import Transaction
from footfall.errors import ApiError, Unavailable
from footfall.hostnames import to_unicode
from footfall.payments.money import Money
from footfall.payments.rates import BASE, Rates
from footfall.people.presence import read_latest_of
from footfall.web.envelope import Response
from footfall.web.parameters import read_number_parameter
from footfall.websites.model import Website

PAGE = 48
"""Tiles that are shown at once."""
SEARCHED = 8
"""From how many websites on they can be searched."""
OWN = ("search", "sort", "offset")


class SiteOrder(StrEnum):
    """By what websites are sorted, most first; by name from A on."""

    NAME = "name"
    VISITORS = "visitors"
    REVENUE = "revenue"
    ONLINE = "online"


class SiteTile(NamedTuple):
    """A website. `line`: its visitors by day, but for today, which is not over; `visitors`, `revenue`: texts, empty for what is not known or never was.

    `is_quiet`: whether nothing came, neither visitors nor money.
    """

    website: Website
    online: int
    line: Markup = Markup()
    visitors: str = ""
    visitors_change: ShownChange = ShownChange()
    revenue: str = ""
    revenue_change: ShownChange = ShownChange()
    is_quiet: bool = False


class _Sites(NamedTuple):
    """What is known of websites, by id. `problem`: why it is not all; `rates`: to sort sums in several currencies."""

    websites: list[Website]
    online: Mapping[bytes, int]
    sums: Mapping[bytes, WebsiteSums]
    rates: Rates | None
    problem: ApiError | None = None


async def home(request: PageRequest) -> Response:
    """`GET /`: the websites; or, if there is only one, its overview."""
    websites = list(request.services.directory.websites.values())
    if len(websites) == 1 and not request.query.get("done"):
        return redirect(request, f"/w/{websites[0].website_id.hex()}/overview")
    return await _tiles(request, websites) if websites else await new_form(request)


async def _tiles(request: PageRequest, websites: Sequence[Website]) -> Response:
    address = read_address("/", request.pairs, OWN)
    query = dict(address.pairs)
    order = read_choice(query, "sort", SiteOrder) or SiteOrder.NAME
    offset = read_number_parameter(query, "offset", 0, 0, len(websites))
    found = _searched(websites, address.text("search").strip())
    is_known_first = order in (SiteOrder.NAME, SiteOrder.ONLINE)
    online = await _count_online(request, found)
    if is_known_first:  # the others need not be asked for
        asked = _sorted(_Sites(found, online, {}, None), order, request.now)[offset : offset + PAGE]
    else:
        asked = found
    sites = await _read_sites(request, asked, online)
    shown = asked if is_known_first else _sorted(sites, order, request.now)[offset : offset + PAGE]
    return await apart(lambda: _drawn(request, address, order, offset, len(found), sites, shown))


def _searched(websites: Sequence[Website], text: str) -> list[Website]:
    """Those whose name or domain contains a text, in any letters."""
    wanted = text.casefold()
    return [one for one in websites if wanted in f"{one.name} {to_unicode(one.domain)}".casefold()]


async def _count_online(request: PageRequest, websites: Sequence[Website]) -> dict[bytes, int]:
    seen = request.services.online
    here = {one.website_id: seen.latest(one.website_id, request.now, MOST_ONLINE) for one in websites}
    return await request.services.database.scan(count_online_of, (here, request.now))


def count_online_of(
    tx: Transaction, asked: tuple[Mapping[bytes, Mapping[bytes, int]], int]
) -> dict[bytes, int]:
    """How many visitors each website has online, as `live.count_online` tells it of one."""
    here, now = asked
    latest = read_latest_of(tx, now - ONLINE_MS, MOST_ONLINE, here)
    return {website_id: len(visitors) for website_id, visitors in latest.items()}


async def _read_sites(request: PageRequest, websites: list[Website], online: Mapping[bytes, int]) -> _Sites:
    services = request.services
    asking = SeveralWebsites(services.analytics, services.database)
    sums = await tried(asking.sums(websites, request.now))
    payer = next((one for one in websites if one.has_payments), None)
    rates = await services.rates.rates_for(payer) if payer else None
    if isinstance(sums, ApiError):
        return _Sites(websites, online, {}, rates, sums)
    return _Sites(websites, online, sums, rates)


def _sorted(sites: _Sites, order: SiteOrder, now: int) -> list[Website]:
    """Those that are equal come by name."""
    by_name = sorted(sites.websites, key=lambda one: (one.name.casefold(), one.domain))
    if order is SiteOrder.NAME:
        return by_name
    day = datetime.fromtimestamp(now / 1000, UTC).date()

    def revenue(one: Website) -> float:
        minor = sites.sums[one.website_id].revenue if sites.sums else 0
        worth = sites.rates.convert(Money(minor, one.currency), BASE, day) if sites.rates else None
        return worth.minor if worth else 0

    keys: dict[SiteOrder, Callable[[Website], float]] = {
        SiteOrder.VISITORS: lambda one: sites.sums[one.website_id].visitors if sites.sums else 0,
        SiteOrder.REVENUE: revenue,
        SiteOrder.ONLINE: lambda one: sites.online[one.website_id],
    }
    return sorted(by_name, key=keys[order], reverse=True)


def _drawn(
    request: PageRequest,
    address: ViewAddress,
    order: SiteOrder,
    offset: int,
    total: int,
    sites: _Sites,
    shown: Collection[Website],
) -> Response:
    """The page. Run it on a thread."""
    return render(
        request,
        "websites.html",
        done=request.query.get("done"),
        headers=looks_again(sites.problem) if isinstance(sites.problem, Unavailable) else None,
        problem=sites.problem.message if sites.problem else "",
        address=address,
        is_searched=len(request.services.directory.websites) >= SEARCHED,
        orders=_orders(address, order),
        tiles=[_tile(one, sites) for one in shown],
        offset=offset,
        total=total,
        before=address.having(offset=str(offset - PAGE) if offset > PAGE else None) if offset else None,
        after=address.having(offset=str(offset + PAGE)) if offset + PAGE < total else None,
    )


def _orders(address: ViewAddress, chosen: SiteOrder) -> list[Choice]:
    return [
        Choice(
            "Online now" if one is SiteOrder.ONLINE else one.capitalize(),
            address.having(sort=None if one is SiteOrder.NAME else one.value).href,
            one is chosen,
        )
        for one in SiteOrder
    ]


def _tile(website: Website, sites: _Sites) -> SiteTile:
    online, sums = sites.online[website.website_id], sites.sums.get(website.website_id)
    if sums is None:
        return SiteTile(website, online)
    return SiteTile(
        website,
        online,
        draw_line(sums.days[:-1]),
        f"{sums.visitors:,}",
        show_change(sums.visitors, sums.visitors_before),
        money_of(sums.revenue, website.currency) if website.has_payments else "",
        show_change(sums.revenue, sums.revenue_before),
        not sums.visitors and not sums.revenue,
    )

"""Shared links: made and revoked, and the overview that anybody sees who has one: without people, and without a way to anything else."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping
from typing import NamedTuple

from footfall.accounts.attempts import place_of
from footfall.analytics.ranges import TimeRange
from footfall.dashboard.address import ViewAddress, read_address
from footfall.dashboard.cards import SHARED_GROUPS, CardGroup, CardTab, shade, tabs_of
from footfall.dashboard.controls import asked_pairs, view_controls
from footfall.dashboard.figures import METRICS, OF_MONEY, read_metric
from footfall.dashboard.filters import ADDING, OPERATORS, filter_fields, with_added
from footfall.dashboard.forms import Problem, problem_of
from footfall.dashboard.page import (
    UNLISTED,
    PageRequest,
    apart,
    html_response,
    public_headers,
    redirect,
    render,
)
from footfall.dashboard.pages.asking import looks_again, question_of, tried
from footfall.dashboard.pages.live import MOST_ONLINE, count_online
from footfall.dashboard.pages.login import came_from
from footfall.dashboard.pages.overview_numbers import (
    PageNumbers,
    ShownNumbers,
    gather_numbers,
    show_numbers,
    shown_cards,
)
from footfall.dashboard.pages.people import some_visitor
from footfall.dashboard.pages.sites import change
from footfall.dashboard.rendering import render_template
from footfall.dashboard.spans import DEFAULT
from footfall.db.protocol import Transaction
from footfall.errors import ApiError, BadRequest, FieldError, NotFound, Unavailable
from footfall.ids import parse_object_id
from footfall.shares.model import FoundShare
from footfall.shares.store import add_share, find_share, new_share, read_shares, remove_share
from footfall.web.envelope import Headers, Response
from footfall.web.ratelimit import RateLimit
from footfall.websites.model import Changes
from footfall.websites.store import update_website

VIEWS_A_MINUTE = 120
"""Pages and cards for one address, in each process."""
OWN = tuple(group.name for group in SHARED_GROUPS)
Tabs = list[tuple[CardGroup, CardTab]]


# For those who are logged in


async def show(
    request: PageRequest, *, shown_link: str = "", problem: Problem | None = None, status: int = 200
) -> Response:
    """`GET /w/{websiteId}/shares`: the links of a website."""
    found = await request.services.database.read(read_shares, request.site.website_id)
    return render(
        request,
        "shares.html",
        section="overview",
        status=status,
        shares=found,
        shown_link=shown_link,
        problem=problem,
        done=request.query.get("done"),
    )


async def add(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/shares`: a link, shown only this once."""
    form, website_id = request.form, request.site.website_id
    try:
        new = new_share(form.get("name", ""), request.now, has_money="has_money" in form)
        await change(request, lambda tx: add_share(tx, website_id, new))
    except FieldError as error:
        return await show(request, problem=problem_of(error), status=400)
    return await show(request, shown_link=f"{request.origin}/share/{new.secret}")


async def revoke(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/shares/revoke`."""
    website_id, share_id = request.site.website_id, parse_object_id(request.form.get("id", ""))
    if share_id:
        await request.services.database.change(lambda tx: remove_share(tx, website_id, share_id))
    return redirect(request, f"/w/{website_id.hex()}/shares?done=revoked")


async def allow(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/shares/allow`: let the links of a website work."""
    website_id = request.site.website_id
    await change(request, lambda tx: update_website(tx, website_id, Changes(is_public=True)))
    return redirect(request, f"/w/{website_id.hex()}/shares")


# For anybody


class SharedPages:
    """The pages behind links."""

    def __init__(self) -> None:
        self._rate_limit = RateLimit(VIEWS_A_MINUTE)

    async def overview(self, request: PageRequest) -> Response:
        """`GET /share/{secret}`. `part`: one of its cards alone."""
        self._rate_limit.take(place_of(came_from(request)).encode(), request.now)
        share = await _open(request)
        address = _read_shared(request, share)
        if ADDING & request.query.keys():
            return redirect(request, with_added(address, request.query).without_people().href, [UNLISTED])
        tabs = [one for one in tabs_of(address, SHARED_GROUPS) if one[0].name == request.query.get("part")]
        if tabs:
            return await _part(request, share, address, tabs)
        told, numbers = await asyncio.gather(
            _read_beside(request),
            tried(gather_numbers(request, address, SHARED_GROUPS, has_money=share.has_money)),
        )
        return await apart(lambda: _drawn(request, share, address, told, numbers))


async def _open(request: PageRequest) -> FoundShare:
    """What a link opens; from here on the request is a stranger's about that website. Raises NotFound, as any address without a page does."""
    share = await request.services.database.read(find_share, request.context.path_values[0])
    website = request.services.directory.websites.get(share.website_id) if share else None
    if share is None or website is None or not website.is_public or website.is_suspended:
        raise NotFound("There is no page at this address.")
    request.account, request.website = None, website
    return share


def _read_shared(request: PageRequest, share: FoundShare) -> ViewAddress:
    """What the page shows: no filter finds single people, and no chart is of money that is not told of."""
    path = f"/share/{request.context.path_values[0]}"
    address = read_address(path, request.pairs, OWN).without_people()
    is_hidden = not share.has_money and read_metric(address) in OF_MONEY
    return address.having(metric=None) if is_hidden else address


class _SharedBeside(NamedTuple):
    """What a page shows besides numbers."""

    has_visitors: bool
    online: int


async def _read_beside(request: PageRequest) -> _SharedBeside:
    website_id = request.site.website_id
    here = request.services.online.latest(website_id, request.now, MOST_ONLINE)
    asked = (website_id, here, request.now)
    return await request.services.database.scan(read_shared_page, asked, share=website_id)


def read_shared_page(tx: Transaction, asked: tuple[bytes, Mapping[bytes, int], int]) -> _SharedBeside:
    """What a page shows besides numbers, of one state of the database (website id, who was seen when, now)."""
    website_id, here, now = asked
    return _SharedBeside(some_visitor(tx, website_id) is not None, count_online(tx, website_id, here, now))


async def _part(request: PageRequest, share: FoundShare, address: ViewAddress, tabs: Tabs) -> Response:
    """One card, for the page that shows it already."""
    asking = await request.services.analytics.prepare(
        request.site, asked_pairs(address), request.now, DEFAULT
    )
    (card,) = await shown_cards(request, asking, address, tabs, has_money=share.has_money)
    drawing = functools.partial(
        render_template,
        "overview_part.html",
        address=address,
        card=card.without_links(),
        website=request.site,
        now=request.now,
        shade=shade,
        is_shared=True,
    )
    return Response((await apart(drawing)).encode(), 200, _headers())


def _headers(error: Unavailable | None = None) -> Headers:
    return [*public_headers(), UNLISTED, *(looks_again(error) if error else [])]


def _drawn(
    request: PageRequest,
    share: FoundShare,
    address: ViewAddress,
    told: _SharedBeside,
    numbers: PageNumbers | ApiError,
) -> Response:
    """The page. Run it on a thread."""
    found = numbers if isinstance(numbers, PageNumbers) else None
    body = render_template(
        "shared.html",
        request=request,
        account=None,
        website=request.site,
        now=request.now,
        is_shared=True,
        has_money=share.has_money,
        address=address,
        controls=view_controls(
            address,
            found.asked if found else _range(request, address),
            request.now,
            METRICS[read_metric(address)].title,
        ),
        told=told,
        problem=numbers.message if isinstance(numbers, ApiError) else "",
        is_away=isinstance(numbers, Unavailable),
        fields=filter_fields([], has_people=False),
        operators=OPERATORS,
        shade=shade,
        **_shown(request, share, address, found)._asdict(),
    )
    status = 400 if isinstance(numbers, BadRequest) else 200
    headers = _headers(numbers if isinstance(numbers, Unavailable) else None)
    return html_response(request.context, body, status, headers)


def _range(request: PageRequest, address: ViewAddress) -> TimeRange | None:
    question = question_of(request, address)
    return question.range if question else None


def _shown(
    request: PageRequest, share: FoundShare, address: ViewAddress, found: PageNumbers | None
) -> ShownNumbers:
    if found is None:
        return ShownNumbers()
    public = found._replace(cards=[card.without_links() for card in found.cards])
    return show_numbers(request, address, public, {}, {}, has_money=share.has_money)

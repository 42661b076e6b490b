"""The list of people.

The list has two sources. Whom somebody identified, the index of people finds, at once and as one types. Who came in a range, known or not, and
what is asked of their visits, the columns tell. While they are away, the list goes on without them, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from footfall.analytics.query import read_question
from footfall.analytics.ranges import TimeRange
from footfall.analytics.roster import RosterOrder, RosterPart, RosterRow
from footfall.dashboard.address import Chip, ViewAddress
from footfall.dashboard.controls import Choice, RangeChoice, range_choice
from footfall.dashboard.filters import (
    ADDING,
    OPERATORS,
    ShownChip,
    filter_fields,
    show_chips,
    with_added,
)
from footfall.dashboard.page import PageRequest, apart, html_response, page_headers, redirect, render
from footfall.dashboard.pages.people_address import (
    PAGE,
    SIGNED_UP,
    PeopleView,
    filter_problem,
    index_query,
    read_people_view,
)
from footfall.dashboard.pages.roster import (
    Gathered,
    PersonRow,
    facts_of,
    gather,
    listed_row,
    roster_file,
    roster_money,
    seen_row,
)
from footfall.dashboard.pages.segments import show_segments
from footfall.dashboard.rendering import render_template
from footfall.dashboard.spans import DEFAULT
from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.errors import BadRequest, Unavailable
from footfall.ids import format_uuid, parse_uuid
from footfall.payments.webhooks.integrations import lacks_payments
from footfall.people.endpoints import read_people
from footfall.people.find.fields import field_names, people_named
from footfall.people.find.query import fields_holding
from footfall.people.model import PeopleList
from footfall.people.wire import MAX_CONTAINED, MAX_OFFSET, PeopleQuery
from footfall.segments.model import Segment
from footfall.segments.store import read_segments
from footfall.web.envelope import Response
from footfall.web.parameters import read_number_parameter
from footfall.websites.model import Website

sql = load(__file__, "people.sql")

MOST_SUGGESTED = 100
"""How many names of fields are suggested."""
PARTS = {
    RosterPart.EVERYBODY: "People",
    RosterPart.KNOWN: "Known",
    RosterPart.NEW: "New",
    RosterPart.BACK: "Came back",
    RosterPart.CUSTOMERS: "Customers",
}
COLUMNS = {
    RosterOrder.SOURCE: "Source",
    RosterOrder.COUNTRY: "Country",
    RosterOrder.VISITS: "Visits",
    RosterOrder.REVENUE: "Revenue",
    SIGNED_UP: "Signed up",
    RosterOrder.SEEN: "Last seen",
}
"""By which the list can be sorted, from left to right."""
_NUMBERS = (RosterOrder.VISITS, RosterOrder.REVENUE)
_FROM_A = (RosterOrder.SOURCE, RosterOrder.COUNTRY)
_NOBODY = PeopleList([], 0, is_exact=True, has_more=False)


def some_visitor(tx: Transaction, website_id: bytes) -> bytes | None:
    """One of the website's visitors; None before the first pageview."""
    row = tx.one(sql.any_visitor, (website_id,))
    return row.visitor_id if row else None


# The list


class _ListQuery(NamedTuple):
    """What a page of the list has to show. `query`: None if the index is not asked; `is_part`: only the list."""

    website: Website
    query: PeopleQuery | None
    search: str
    is_part: bool


class PeoplePage(msgspec.Struct, frozen=True):
    """A page of the list, as far as the database knows it. If nobody is found: the fields that contain the search text, and the visitor with that id.

    `goal`: where a pasted id leads, instead of anything else; `some_visitor`: one of the website's; `fields`: suggested names.

    `lacks_payments`: the website.
    """

    found: PeopleList = _NOBODY
    holding: list[str] = []
    visitor_id: bytes | None = None
    some_visitor: bytes | None = None
    fields: list[str] = []
    goal: str | None = None
    lacks_payments: bool = False
    segments: list[Segment] = []


class _ListShown(NamedTuple):
    """The people of a page. `total`: of all, exactly if `is_exact`; `away`: why some of it is missing; `problem`: why there are none."""

    rows: list[PersonRow] = []
    total: int = 0
    is_exact: bool = True
    has_more: bool = False
    range: TimeRange | None = None
    totals: Mapping[RosterPart, int] | None = None
    away: str = ""
    problem: str = ""


async def people(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/people`: who was identified, or who came in a range; the whole view is in the address. `format=csv`: as a file."""
    view = read_people_view(request.site.website_id, request.pairs)
    if ADDING & request.query.keys():
        return redirect(request, with_added(view.address, request.query).href)
    if request.query.get("format") == "csv":
        return await roster_file(request, view.asked(0))
    # Search as you type asks for a part.
    is_part = request.query.get("part") == "list"
    page, shown = await (
        _of_index(request, view, is_part) if view.is_indexed else _of_range(request, view, is_part)
    )
    if page.goal:
        return redirect(request, f"/w/{request.site.website_id.hex()}/{page.goal}")
    return await apart(lambda: _drawn(request, view, page, shown, is_part))


async def _of_index(
    request: PageRequest, view: PeopleView, is_part: bool, away: str = ""
) -> tuple[PeoplePage, _ListShown]:
    """Who was identified. What the columns know of them is left out while these are away."""
    query, problem = None, ""
    try:
        query = index_query(view)
    except BadRequest as error:
        problem = filter_problem(view.address) or error.message
    page = await _read_page(request, view, query, is_part)
    found, facts = page.found, dict[bytes, RosterRow]()
    try:
        facts.update(await facts_of(request, found.people) if not away else {})
    except (BadRequest, Unavailable):
        away = "Where people came from and what they paid is shown once analytics are there again."
    spelled = roster_money(facts.values(), request.site.currency)
    rows = [listed_row(one, facts.get(one.profile_id), view.address, spelled) for one in found.people]
    return page, _ListShown(rows, found.total, found.is_exact, found.has_more, away=away, problem=problem)


async def _of_range(request: PageRequest, view: PeopleView, is_part: bool) -> tuple[PeoplePage, _ListShown]:
    """Who came in a range. While the columns are away: who was identified."""
    try:
        offset = read_number_parameter(
            {"offset": view.address.text("offset", "0")}, "offset", 0, 0, MAX_OFFSET
        )
        found = await gather(request, view.asked(offset))
    except BadRequest as error:
        page = await _read_page(request, view, None, is_part)
        return page, _ListShown(problem=filter_problem(view.address) or error.message)
    except Unavailable as error:
        without = "their visits" if view.is_ranged else "that order"
        return await _of_index(
            request,
            view,
            is_part,
            f"{error.message} Until then, these are all known people, without regard to {without}.",
        )
    page = await _read_page(request, view, None, is_part)
    return page, _seen(request, view, found, offset)


def _seen(request: PageRequest, view: PeopleView, found: Gathered, offset: int) -> _ListShown:
    of_all = view.address if view.is_ranged else view.address.having(period="all")
    roster = found.roster
    spelled = roster_money(roster.rows, request.site.currency)
    rows = [seen_row(face, row, of_all, spelled) for face, row in zip(found.faces, roster.rows, strict=True)]
    total = roster.totals[view.asked(0).looking.part]
    totals = roster.totals if view.is_ranged else None
    has_more = offset + len(rows) < total
    return _ListShown(rows, total, True, has_more, found.range if view.is_ranged else None, totals)


async def _read_page(
    request: PageRequest, view: PeopleView, query: PeopleQuery | None, is_part: bool
) -> PeoplePage:
    asked = _ListQuery(request.site, query, view.search, is_part)
    return await request.services.database.scan(read_people_page, asked, share=request.site.website_id)


def read_people_page(tx: Transaction, asked: _ListQuery) -> PeoplePage:
    """A page of the list, and what else might be meant if nobody is found."""
    website_id, query, search = asked.website.website_id, asked.query, asked.search
    if search and not asked.is_part and (goal := _goal(tx, website_id, search)):
        return PeoplePage(goal=goal)
    found = read_people(tx, asked.website, query) if query else _NOBODY
    some = some_visitor(tx, website_id)
    fields = [] if asked.is_part else field_names(tx, website_id, MOST_SUGGESTED)
    lacking = not asked.is_part and lacks_payments(tx, asked.website)
    segments = [] if asked.is_part else read_segments(tx, website_id)
    page = PeoplePage(found, some_visitor=some, fields=fields, lacks_payments=lacking, segments=segments)
    if found.people or query is None or query.offset or not query.search:
        return page
    holding = fields_holding(tx, website_id, search) if len(search) <= MAX_CONTAINED else []
    known = known_visitor(tx, website_id, search)
    return msgspec.structs.replace(page, holding=holding, visitor_id=known)


def _goal(tx: Transaction, website_id: bytes, search: str) -> str | None:
    """The page that a pasted id leads to: the only person it names, or else the visitor; None if it is not such an id."""
    named = people_named(tx, website_id, search.lower())
    if len(named) == 1:
        return f"people/{named[0].hex()}"
    visitor_id = known_visitor(tx, website_id, search)
    return f"visitors/{format_uuid(visitor_id)}" if visitor_id else None


def known_visitor(tx: Transaction, website_id: bytes, text: str) -> bytes | None:
    """The visitor whose id a text is; None if it is not an id, or no pageview has arrived."""
    visitor_id = parse_uuid(text)
    row = tx.one(sql.visitor_seen, (website_id, visitor_id)) if visitor_id else None
    return visitor_id if row and row.pageview_count else None


# What is shown


class _SortedColumn(NamedTuple):
    """The head of a column. `href`: sorted by it; `sorted`: as aria-sort has it, empty if not by this one."""

    name: str
    title: str
    href: str
    sorted: str


class _ListView(NamedTuple):
    """What the templates of the list need besides the people. `offers`: (field, address) of other searches; `first` to `after`: addresses of
    pages; `everybody`: the address without anything."""

    search: str
    offset: int
    chips: list[ShownChip]
    columns: list[_SortedColumn]
    parts: list[tuple[Choice, int]]
    when: RangeChoice
    visitor_id: bytes | None
    some_visitor: bytes | None
    offers: list[tuple[str, str]]
    is_filtered: bool
    first: str
    before: str | None
    after: str | None


def _drawn(
    request: PageRequest, view: PeopleView, page: PeoplePage, shown: _ListShown, is_part: bool
) -> Response:
    """The page, or the list alone, which takes its message along as it is. Run it on a thread."""
    values: dict[str, Any] = {
        "shown": shown,
        "address": view.address,
        "view": _view(request, view, page, shown),
    }
    if is_part:
        html = render_template(
            "people_list.html", request=request, website=request.site, now=request.now, **values
        )
        return html_response(request.context, html, 200, page_headers(request))
    return render(
        request,
        "people.html",
        section="people",
        status=400 if shown.problem else 200,
        fields=filter_fields(page.fields),
        operators=OPERATORS,
        lacks_payments=page.lacks_payments,
        segments=show_segments(view.address, page.segments),
        **values,
    )


def _view(request: PageRequest, view: PeopleView, page: PeoplePage, shown: _ListShown) -> _ListView:
    address, offset = view.address, _offset(view.address)
    return _ListView(
        search=address.text("search"),
        offset=offset,
        chips=show_chips(address),
        columns=_columns(view),
        parts=_parts(view, shown),
        when=_when(request, view, shown),
        visitor_id=page.visitor_id,
        some_visitor=page.some_visitor,
        offers=[(name, _offered(view, name)) for name in page.holding],
        is_filtered=bool(view.search or address.chips or view.is_ranged),
        first=address.having().here,
        before=_page_address(address, offset - PAGE) if offset else None,
        after=_page_address(address, offset + PAGE) if shown.has_more else None,
    )


def _offset(address: ViewAddress) -> int:
    text = address.text("offset", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0


def _page_address(address: ViewAddress, offset: int) -> str:
    return address.having(**({"offset": str(offset)} if offset > 0 else {})).here


def _offered(view: PeopleView, name: str) -> str:
    """The address that asks for `name contains search` instead of the search."""
    return view.address.having(search=None).with_chip(Chip(f"trait.{name}", "contains", (view.search,))).here


def _columns(view: PeopleView) -> list[_SortedColumn]:
    chosen = view.sort if view.sort in COLUMNS else RosterOrder.SEEN
    return [
        _SortedColumn(
            name,
            title,
            _sorted_address(view.address, name),
            "" if name != chosen else "ascending" if name in _FROM_A else "descending",
        )
        for name, title in COLUMNS.items()
    ]


def _sorted_address(address: ViewAddress, name: str) -> str:
    return address.having(sort=None if name == RosterOrder.SEEN else str(name)).here


def _parts(view: PeopleView, shown: _ListShown) -> list[tuple[Choice, int]]:
    """Of how many people of a range the list may be."""
    if shown.totals is None:
        return []
    return [
        (
            Choice(
                title,
                view.address.having(who=None if part is RosterPart.EVERYBODY else part.value).here,
                part is view.part,
            ),
            shown.totals[part],
        )
        for part, title in PARTS.items()
    ]


def _when(request: PageRequest, view: PeopleView, shown: _ListShown) -> RangeChoice:
    """The ranges to choose from, each of them named, and all that are known."""
    address = view.address
    found = range_choice(address, shown.range or _range(request, view), request.now)
    everybody = address.during().having(who=None)
    for chip in address.chips:
        everybody = everybody if chip.name.startswith("trait.") else everybody.without(chip)
    periods = [
        one._replace(
            href=address.during(period=DEFAULT.value).here, is_chosen=one.is_chosen and view.is_ranged
        )
        if one.href == address.during().here
        else one._replace(is_chosen=one.is_chosen and view.is_ranged)
        for one in found.periods
    ]
    return RangeChoice(
        found.title if view.is_ranged else "All known people",
        found.steps if view.is_ranged else found.steps._replace(before=None, behind=None),
        [Choice("All known people", everybody.here, not view.is_ranged), *periods],
    )


def _range(request: PageRequest, view: PeopleView) -> TimeRange | None:
    """The range that the address names; None if it is wrong."""
    try:
        begins = request.site.created_at
        asked = view.address.asked
        return read_question(asked, request.site.timezone, request.now, begins, view.default).range
    except BadRequest:
        return None

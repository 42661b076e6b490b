"""The pages about people: the list, and what looks wrong."""

from __future__ import annotations

import functools
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec

from footfall.dashboard.page import PageRequest, apart, page_headers, redirect, render
from footfall.dashboard.rendering import render_template
from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.errors import BadRequest
from footfall.identity.audit.health import identity_health
from footfall.ids import format_uuid, parse_uuid
from footfall.people.endpoints import read_people
from footfall.people.find.fields import field_names, people_named
from footfall.people.find.query import fields_holding
from footfall.people.find.terms import read_number
from footfall.people.model import PeopleList
from footfall.people.wire import COMPARISONS, MAX_CONTAINED, PeopleQuery, read_filter, read_people_query
from footfall.web.envelope import Response
from footfall.websites.model import Website

sql = load(__file__, "people.sql")

PAGE = 50
"""How many people are listed at once."""
MOST_SUGGESTED = 100
"""How many names of fields are suggested."""
OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "contains": "contains",
    "gt": ">",
    "gte": "≥",
    "lt": "<",
    "lte": "≤",
    "exists": "is there",
    "missing": "is missing",
}
_ADDING = frozenset(("field", "operator", "text"))
"""Fields of the form for adding a filter."""
_NOBODY = PeopleList([], 0, is_exact=True, has_more=False)


def some_visitor(tx: Transaction, website_id: bytes) -> bytes | None:
    """One of the website's visitors; None before the first pageview."""
    row = tx.one(sql.any_visitor, (website_id,))
    return row.visitor_id if row else None


# The list


class _ListQuery(NamedTuple):
    """What a page of the list has to show. `query`: None if a filter is wrong; `search`: as it was typed; `is_part`: only the list."""

    website: Website
    query: PeopleQuery | None
    search: str
    is_part: bool


class PeoplePage(msgspec.Struct, frozen=True):
    """A page of the list. If nobody is found: the fields that contain the search text, and the visitor with that id.

    `goal`: where a pasted id leads, instead of anything else; `some_visitor`: one of the website's; `fields`: suggested names.
    """

    found: PeopleList = _NOBODY
    holding: list[str] = []
    visitor_id: bytes | None = None
    some_visitor: bytes | None = None
    fields: list[str] = []
    goal: str | None = None


async def people(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/people`: identified users; the whole view is in the address."""
    if _ADDING & request.query.keys():
        return redirect(request, f"/w/{request.site.website_id.hex()}/people" + _with_added(request))
    query, problem = _read_query(request)
    search = request.query.get("search", "").strip()
    # Search as you type asks for a part.
    asked = _ListQuery(request.site, query, search, request.query.get("part") == "list")
    page = await request.services.database.scan(read_people_page, asked, share=request.site.website_id)
    if page.goal:
        return redirect(request, f"/w/{request.site.website_id.hex()}/{page.goal}")
    shown = _view(request, page, query.offset if query else 0, problem)._asdict()
    if asked.is_part:
        rendering = functools.partial(
            render_template, "people_list.html", request=request, website=request.site, now=request.now
        )
        html = await apart(lambda: rendering(form_token=request.form_token(), **shown))
        return Response(html.encode(), 200, page_headers(request))
    return await apart(lambda: render(request, "people.html", section="people", fields=page.fields, **shown))


def _read_query(request: PageRequest) -> tuple[PeopleQuery | None, str | None]:
    """What the address asks for, or what is wrong with it."""
    kept = [pair for pair in request.pairs if pair[0] == "offset" or _is_filter(pair[0])]
    try:
        return read_people_query([("limit", str(PAGE)), ("sort", "lastSeenAt"), *kept]), None
    except BadRequest as error:
        return None, _filter_problem(request.pairs) or error.message


class _View(NamedTuple):
    """What the templates of the list need. `offers`: (field, address) of other searches; `first`, `before`, `after`: addresses of pages."""

    found: PeopleList
    problem: str | None
    search: str
    visitor_id: bytes | None
    offers: list[tuple[str, str]]
    filters: list[dict[str, str]]
    operators: dict[str, str]
    is_filtered: bool
    first: str
    some_visitor: bytes | None
    before: str | None
    after: str | None
    offset: int


def _view(request: PageRequest, page: PeoplePage, offset: int, problem: str | None) -> _View:
    search = request.query.get("search", "")
    return _View(
        found=page.found,
        problem=problem,
        search=search,
        visitor_id=page.visitor_id,
        offers=[(name, _offered(request.pairs, name, search.strip())) for name in page.holding],
        filters=[
            _shown_filter(request.pairs, *pair) for pair in request.pairs if pair[0].startswith("trait.")
        ],
        operators=OPERATORS,
        is_filtered=any(text if name == "search" else _is_filter(name) for name, text in request.pairs),
        first=_page_address(request.pairs, 0),
        some_visitor=page.some_visitor,
        before=_page_address(request.pairs, offset - PAGE) if offset else None,
        after=_page_address(request.pairs, offset + PAGE) if page.found.has_more else None,
        offset=offset,
    )


def read_people_page(tx: Transaction, asked: _ListQuery) -> PeoplePage:
    """A page of the list, and what else might be meant if nobody is found."""
    website_id, query, search = asked.website.website_id, asked.query, asked.search
    if search and not asked.is_part and (goal := _goal(tx, website_id, search)):
        return PeoplePage(goal=goal)
    found = read_people(tx, asked.website, query) if query else _NOBODY
    some = some_visitor(tx, website_id)
    fields = [] if asked.is_part else field_names(tx, website_id, MOST_SUGGESTED)
    if found.people or query is None or query.offset or not query.search:
        return PeoplePage(found, some_visitor=some, fields=fields)
    holding = fields_holding(tx, website_id, search) if len(search) <= MAX_CONTAINED else []
    return PeoplePage(found, holding, _known_visitor(tx, website_id, search), some, fields)


def _goal(tx: Transaction, website_id: bytes, search: str) -> str | None:
    """The page that a pasted id leads to: the only person it names, or else the visitor; None if it is not such an id."""
    named = people_named(tx, website_id, search.lower())
    if len(named) == 1:
        return f"people/{named[0].hex()}"
    visitor_id = _known_visitor(tx, website_id, search)
    return f"visitors/{format_uuid(visitor_id)}" if visitor_id else None


def _known_visitor(tx: Transaction, website_id: bytes, text: str) -> bytes | None:
    """The visitor whose id a text is; None if it is not an id, or no pageview has arrived."""
    visitor_id = parse_uuid(text)
    row = tx.one(sql.visitor_seen, (website_id, visitor_id)) if visitor_id else None
    return visitor_id if row and row.pageview_count else None


def _offered(pairs: list[tuple[str, str]], name: str, search: str) -> str:
    """The query string that asks for `name contains search` instead of the search."""
    text = search.replace("\\", "\\\\").replace(",", "\\,")
    kept = [pair for pair in pairs if pair[0].startswith("trait.")]
    return "?" + urlencode([*kept, (f"trait.{name}", f"contains:{text}")])


def _is_filter(name: str) -> bool:
    return name == "search" or name.startswith("trait.")


def _filter_problem(pairs: list[tuple[str, str]]) -> str | None:
    """What is wrong with the values of a filter, in the words of the form; None if nothing is."""
    for name, raw in pairs:
        operator, _, text = raw.partition(":")
        if not name.startswith("trait.") or raw in ("exists", "missing"):
            continue
        shown = f"{name.removeprefix('trait.')} {OPERATORS.get(operator, 'is')}"
        if operator in COMPARISONS and read_number(text.strip()) is None:
            return f"“{shown}” compares with a number or a date, such as 5 or 2026-05-05."
        if not (text if operator in OPERATORS else raw).replace(",", "").strip():
            return f"“{shown}” needs a value."
    return None


def _with_added(request: PageRequest) -> str:
    """The query string with the filter described by the form's fields `field`, `operator` and `text`, and nothing empty."""
    kept = [(name, text) for name, text in request.pairs if _is_filter(name) and text]
    if field := request.query.get("field"):
        operator, text = request.query.get("operator", "is"), request.query.get("text", "")
        added = (f"trait.{field}", operator if operator in ("exists", "missing") else f"{operator}:{text}")
        kept += [added] if added not in kept else []
    return "?" + urlencode(kept) if kept else ""


def _values_shown(name: str, raw: str) -> str:
    """The values that a filter asks for; empty if there are none to show, or it is wrong."""
    try:
        values = read_filter(name, raw).values
    except BadRequest:
        return ""
    return " or ".join(value or "“”" for value in values)


def _shown_filter(pairs: list[tuple[str, str]], name: str, raw: str) -> dict[str, str]:
    operator, separator, rest = raw.partition(":")
    if raw in ("exists", "missing"):
        operator, rest = raw, ""
    elif not separator or operator not in OPERATORS:
        operator, rest = "is", raw
    left = [pair for pair in pairs if _is_filter(pair[0]) and pair != (name, raw)]
    return {
        "name": name.removeprefix("trait."),
        "parameter": name,
        "raw": raw,
        "operator": OPERATORS[operator],
        "text": _values_shown(name, raw) or rest,
        "without": "?" + urlencode(left),
    }


def _page_address(pairs: list[tuple[str, str]], offset: int) -> str:
    kept = [pair for pair in pairs if _is_filter(pair[0])]
    return "?" + urlencode([*kept, ("offset", str(offset))] if offset > 0 else kept)


# What looks wrong


async def health(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/health`."""
    await request.services.refused.flush()
    findings = await request.services.database.scan(
        identity_health, request.site, share=request.site.website_id
    )
    return await apart(lambda: render(request, "health.html", section="health", findings=findings))

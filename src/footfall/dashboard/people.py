"""The pages about people: the list, and what looks wrong."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from footfall.dashboard.drawing import draw, sorted_traits
from footfall.dashboard.page import Call, apart, page_headers, redirect, render
from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.errors import BadRequest
from footfall.identity.health import identity_health
from footfall.ids import format_uuid, parse_uuid
from footfall.people.endpoints import read_page
from footfall.people.fields import field_names, people_named
from footfall.people.query import fields_holding
from footfall.people.reading import Activity
from footfall.people.terms import read_number
from footfall.people.wire import COMPARISONS, MAX_CONTAINED, PeopleQuery, read_filter, read_people_query
from footfall.web.envelope import Reply
from footfall.websites.model import Website

T = TypeVar("T")

sql = load(__file__, "people.sql")

PAGE = 50
"""People that are listed at once."""
MOST_TRAITS = 3
"""Traits that a list shows of a person."""
MOST_SUGGESTED = 100
"""Names of fields that are suggested."""
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
"""Fields of the form that adds a filter."""
_HIDDEN = frozenset(("name", "image", "email"))


def some_visitor(tx: Transaction, website_id: bytes) -> str | None:
    """The id of one of the website's visitors; None before the first pageview."""
    row = tx.one(sql.any_visitor, (website_id,))
    return format_uuid(row[0]) if row else None


# The list


class _Found(NamedTuple):
    """A page of the list. When nobody is found: the fields that hold what was searched for, and the visitor whose id that is."""

    people: list[dict[str, Any]]
    pagination: dict[str, Any]
    holding: list[str] = []
    visitor: str | None = None


async def people(call: Call) -> Reply:
    """`GET /w/{websiteId}/people`: identified users; the whole view is in the address."""
    if _ADDING & call.query.keys():
        return redirect(call, f"/w/{call.site.website_id.hex()}/people" + _with_added(call))
    search = call.query.get("search", "").strip()
    is_part = call.query.get("part") == "list"  # what search as you type asks for
    if search and not is_part and (goal := await _scan(call, _goal, search)):
        return redirect(call, f"/w/{call.site.website_id.hex()}/{goal}")
    problem, offset = None, 0
    kept = [pair for pair in call.pairs if pair[0] == "offset" or _is_filter(pair[0])]
    try:
        query = read_people_query([("limit", str(PAGE)), ("sort", "lastSeenAt"), *kept])
        offset = query.offset
        found = await _scan(call, _find, (query, search))
    except BadRequest as error:
        problem = _filter_problem(call.pairs) or error.message
        found = _Found([], {"total": 0, "hasMore": False, "totalIsExact": True})
    some = await call.services.database.read(some_visitor, call.site.website_id)
    values: dict[str, Any] = {
        "people": found.people,
        "pagination": found.pagination,
        "problem": problem,
        "search": call.query.get("search", ""),
        "visitor": found.visitor,
        "offers": [(name, _offered(call.pairs, name, search)) for name in found.holding],
        "filters": [_shown_filter(call.pairs, *pair) for pair in call.pairs if pair[0].startswith("trait.")],
        "operators": OPERATORS,
        "is_filtered": any(text if name == "search" else _is_filter(name) for name, text in call.pairs),
        "first": _page_address(call.pairs, 0),
        "some_visitor": some,
        "before": _page_address(call.pairs, offset - PAGE) if offset else None,
        "after": _page_address(call.pairs, offset + PAGE) if found.pagination["hasMore"] else None,
        "offset": offset,
    }
    if is_part:
        drawing = functools.partial(draw, "people_list.html", call=call, website=call.site, now=call.now)
        html = await apart(lambda: drawing(form_token=call.form_token(), **values))
        return Reply(html.encode(), 200, page_headers(call))
    fields = await _scan(call, lambda tx, asked: field_names(tx, asked[0].website_id, MOST_SUGGESTED), None)
    return await apart(lambda: render(call, "people.html", section="people", fields=fields, **values))


async def _scan(call: Call, read: Callable[[Transaction, tuple[Website, Any]], T], asked: Any) -> T:
    """What `read` reads of the website. Raises what it raises."""
    return await call.services.database.scan(read, (call.site, asked), share=call.site.website_id)


def _find(tx: Transaction, asked: tuple[Website, tuple[PeopleQuery, str]]) -> _Found:
    """A page of the list, and what else may be meant when nobody is found."""
    website, (query, search) = asked
    found, pagination = read_page(tx, (website, query))
    people = [_listed(*one) for one in found]
    if people or query.offset or not query.search:
        return _Found(people, pagination)
    holding = fields_holding(tx, website.website_id, search) if len(search) <= MAX_CONTAINED else []
    return _Found([], pagination, holding, _known_visitor(tx, website.website_id, search))


def _goal(tx: Transaction, asked: tuple[Website, str]) -> str | None:
    """The page to which a pasted id leads: of the only person whom it names, else of the visitor; None when it is no such id."""
    website, search = asked
    named = people_named(tx, website.website_id, search.lower())
    if len(named) == 1:
        return f"people/{named[0].hex()}"
    visitor = _known_visitor(tx, website.website_id, search)
    return f"visitors/{visitor}" if visitor else None


def _known_visitor(tx: Transaction, website_id: bytes, text: str) -> str | None:
    """The visitor id that a text is; None when it is none, or no pageview of it has come."""
    visitor_id = parse_uuid(text)
    row = tx.one(sql.visitor_seen, (website_id, visitor_id)) if visitor_id else None
    return format_uuid(visitor_id) if visitor_id and row and row[2] else None


def _offered(pairs: list[tuple[str, str]], name: str, search: str) -> str:
    """The query string that asks for `name contains search` in place of the search."""
    text = search.replace("\\", "\\\\").replace(",", "\\,")
    kept = [pair for pair in pairs if pair[0].startswith("trait.")]
    return "?" + urlencode([*kept, (f"trait.{name}", f"contains:{text}")])


def _is_filter(name: str) -> bool:
    return name == "search" or name.startswith("trait.")


def _filter_problem(pairs: list[tuple[str, str]]) -> str | None:
    """What is wrong with the values of a filter, in the words of the form; None when that is all right."""
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


def _with_added(call: Call) -> str:
    """The query string with the filter that the form's fields `field`, `operator` and `text` describe, and nothing empty."""
    kept = [(name, text) for name, text in call.pairs if _is_filter(name) and text]
    if field := call.query.get("field"):
        operator, text = call.query.get("operator", "is"), call.query.get("text", "")
        added = (f"trait.{field}", operator if operator in ("exists", "missing") else f"{operator}:{text}")
        kept += [added] if added not in kept else []
    return "?" + urlencode(kept) if kept else ""


def _values_shown(name: str, raw: str) -> str:
    """The values that a filter asks for; empty where there are none to show, or it is wrong."""
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


def _listed(person: dict[str, Any], activity: Activity) -> dict[str, Any]:
    """A person with when they were seen, how often and with which devices."""
    shown = [one for one in sorted_traits(person["metadata"]) if one[0] not in _HIDDEN]
    return person | {"activity": activity, "traits": shown[:MOST_TRAITS]}


# What looks wrong


async def health(call: Call) -> Reply:
    """`GET /w/{websiteId}/health`."""
    await call.services.refused.flush()
    report = await call.services.database.scan(identity_health, call.site, share=call.site.website_id)
    return await apart(lambda: render(call, "health.html", section="health", report=report))

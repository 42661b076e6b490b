"""The pages about people: the list, and what looks wrong."""

from __future__ import annotations

import functools
from typing import Any
from urllib.parse import urlencode

from footfall.dashboard.core import Call, apart, page_headers, redirect, render
from footfall.dashboard.drawing import draw, sorted_traits
from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.errors import BadRequest
from footfall.identity.health import identity_health
from footfall.ids import format_uuid
from footfall.people.endpoints import read_page
from footfall.people.reading import Activity
from footfall.people.terms import read_number
from footfall.people.wire import COMPARISONS, read_filter, read_people_query
from footfall.web.envelope import Reply

sql = load(__file__, "people.sql")

PAGE = 50
"""People that are listed at once."""
MOST_TRAITS = 3
"""Traits that a list shows of a person."""
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


async def people(call: Call) -> Reply:
    """`GET /w/{websiteId}/people`: identified users; the whole view is in the address."""
    if _ADDING & call.query.keys():
        return redirect(call, f"/w/{call.site.website_id.hex()}/people" + _with_added(call))
    problem, offset = None, 0
    kept = [pair for pair in call.pairs if pair[0] == "offset" or _is_filter(pair[0])]
    try:
        query = read_people_query([("limit", str(PAGE)), ("sort", "lastSeenAt"), *kept])
        offset = query.offset
        found, pagination = await call.services.database.scan(
            read_page, (call.site, query), share=call.site.website_id
        )
        rows = [_listed(*one) for one in found]
    except BadRequest as error:
        problem = _filter_problem(call.pairs) or error.message
        rows, pagination = [], {"total": 0, "hasMore": False, "totalIsExact": True}
    some = await call.services.database.read(some_visitor, call.site.website_id)
    values: dict[str, Any] = {
        "people": rows,
        "pagination": pagination,
        "problem": problem,
        "search": call.query.get("search", ""),
        "filters": [_shown_filter(call.pairs, *pair) for pair in call.pairs if pair[0].startswith("trait.")],
        "operators": OPERATORS,
        "is_filtered": any(text if name == "search" else _is_filter(name) for name, text in call.pairs),
        "first": _page_address(call.pairs, 0),
        "some_visitor": some,
        "before": _page_address(call.pairs, offset - PAGE) if offset else None,
        "after": _page_address(call.pairs, offset + PAGE) if pagination["hasMore"] else None,
        "offset": offset,
    }
    if call.query.get("part") == "list":  # what search as you type asks for
        drawing = functools.partial(draw, "people_list.html", call=call, website=call.site, now=call.now)
        html = await apart(lambda: drawing(form_token=call.form_token(), **values))
        return Reply(html.encode(), 200, page_headers(call))
    return await apart(lambda: render(call, "people.html", section="people", **values))


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

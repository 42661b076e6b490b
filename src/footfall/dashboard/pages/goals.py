"""GoalsRead: how often each was reached, by how many, and what it brought; a goal by itself, what was said with it, and how it is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

import msgspec
from markupsafe import Markup

from footfall.analytics.flows.model import PropertyReport
from footfall.analytics.flows.service import Flows, divided
from footfall.analytics.model import CardPage, CardRow, Measures, Series, SeriesPart
from footfall.analytics.query import MAX_OFFSET
from footfall.analytics.ranges import SeriesInterval, TimeRange, read_choice
from footfall.analytics.wire import share
from footfall.dashboard.address import ViewAddress, read_address
from footfall.dashboard.charts import draw_chart, draw_line
from footfall.dashboard.controls import asked_pairs
from footfall.dashboard.figures import (
    COMPLETIONS,
    ShownChange,
    ShownSeries,
    ToldMetric,
    money_column,
    money_of,
    show_change,
    show_series,
)
from footfall.dashboard.filters import ADDING, with_added
from footfall.dashboard.forms import Problem
from footfall.dashboard.goals import GoalFace, GoalFaces
from footfall.dashboard.page import PageRequest, redirect
from footfall.dashboard.pages.asking import tried
from footfall.dashboard.pages.numbers import Around, draw_numbers, look_around, read_around, tabs_below
from footfall.dashboard.spans import DEFAULT, chosen_interval, people_address
from footfall.db.protocol import Transaction
from footfall.errors import BadRequest
from footfall.goals.model import COLORS
from footfall.goals.store import change_look, read_looks
from footfall.goals.wire import read_look
from footfall.web.envelope import Response
from footfall.web.parameters import read_number_parameter

TABS = (("goals", "Goals"), ("funnels", "Funnels"), ("retention", "Retention"))
"""The pages about what visitors do; each keeps the range and filters of the others."""
OWN = ("goal", "property", "offset")
PAGE = 50
VALUES = 50
"""Values of a property that are shown."""
LONGEST = 255
"""Characters of a goal's name, or of a property's, that is looked for."""


class GoalsRead(NamedTuple):
    """What the database knows of goals, besides their numbers."""

    around: Around
    faces: GoalFaces


async def goals(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/goals`: all goals; `goal`: one of them, with the values of one `property`."""
    address = _address(request)
    if ADDING & request.query.keys():
        return redirect(request, with_added(address, request.query).href)
    return await (_one(request, address) if address.text("goal") else _all(request, address))


def _address(request: PageRequest, pairs: Sequence[tuple[str, str]] | None = None) -> ViewAddress:
    path = f"/w/{request.site.website_id.hex()}/goals"
    return read_address(path, request.pairs if pairs is None else pairs, OWN)


def _read(tx: Transaction, website_id: bytes) -> GoalsRead:
    return GoalsRead(read_around(tx, website_id), GoalFaces(read_looks(tx, website_id)))


async def _read_beside(request: PageRequest) -> GoalsRead:
    website_id = request.site.website_id
    return await request.services.database.scan(_read, website_id, share=website_id)


# All goals


class GoalRow(NamedTuple):
    """A goal. `share`: the length of its bar, `rate`: of the visitors of the range, percent; `who`: its people; `money`: empty for none."""

    face: GoalFace
    href: str
    share: float
    line: Markup
    measures: Measures
    rate: str
    money: str
    change: ShownChange | None
    who: str


class _Listed(NamedTuple):
    """A page of the goals. `visitors`: of the whole range; `parts`: by name."""

    page: CardPage
    visitors: int
    parts: Mapping[str, list[SeriesPart]]


async def _all(request: PageRequest, address: ViewAddress) -> Response:
    beside, found = await asyncio.gather(_read_beside(request), tried(_numbers(request, address)))
    rows = _rows(request, address, found, beside.faces) if isinstance(found, _Listed) else []
    offset = int(address.text("offset", "0")) if isinstance(found, _Listed) else 0
    total = found.page.total if isinstance(found, _Listed) else 0
    tabs = tabs_below(address, request.site.website_id, TABS)
    return await draw_numbers(
        request,
        "goals.html",
        look_around(request, address, beside.around, tabs, "goals"),
        found,
        section="goals",
        address=address,
        rows=rows,
        total=total,
        offset=offset,
        before=address.having(offset=str(max(0, offset - PAGE))) if offset else None,
        after=address.having(offset=str(offset + PAGE)) if offset + PAGE < total else None,
        file=address.at(f"/w/{request.site.website_id.hex()}/overview/goals"),
    )


async def _numbers(request: PageRequest, address: ViewAddress) -> _Listed:
    """Raises BadRequest and Unavailable."""
    analytics = request.services.analytics
    offset = read_number_parameter(dict(address.pairs), "offset", 0, 0, MAX_OFFSET)
    asking = await analytics.prepare(request.site, asked_pairs(address), request.now, DEFAULT)
    question = msgspec.structs.replace(asking.question, limit=PAGE, offset=offset)
    asking = msgspec.structs.replace(asking, question=question)
    page, overview = await asyncio.gather(analytics.card(asking, "goals"), analytics.overview(asking))
    names, alone = [row.keys[0] or "" for row in page.rows], msgspec.structs.replace(asking, compared=None)
    buckets = await asyncio.to_thread(divided, question.range, chosen_interval(question.range, None))
    parts = await Flows(analytics).goals(alone, names, buckets) if names else {}
    return _Listed(page, overview.measures.visitors, parts)


def _rows(request: PageRequest, address: ViewAddress, found: _Listed, faces: GoalFaces) -> list[GoalRow]:
    most = max((row.measures.visitors for row in found.page.rows), default=0) or 1
    spelled = money_column((row.measures.revenue for row in found.page.rows), request.site.currency)
    return [_row(request, address, found, row, faces, most, spelled) for row in found.page.rows]


def _row(
    request: PageRequest,
    address: ViewAddress,
    found: _Listed,
    row: CardRow,
    faces: GoalFaces,
    most: int,
    spelled: Callable[[int], str],
) -> GoalRow:
    name, counts = row.keys[0] or "", row.measures
    return GoalRow(
        faces.of(name),
        address.having(goal=name).here,
        round(100 * counts.visitors / most, 1),
        draw_line([part.measures.times for part in found.parts[name] if part.start <= request.now]),
        counts,
        f"{share(counts.visitors, found.visitors):.1f}%",
        spelled(counts.revenue) if counts.payments else "",
        show_change(counts.times, row.compared.times) if row.compared else None,
        people_address(address).also("goal", name).href,
    )


# A goal by itself


class _Goal(NamedTuple):
    """A goal's numbers. `visitors`: of the whole range; `values`: of the property that is shown, None if it has none."""

    range: TimeRange
    series: Series
    visitors: int
    properties: PropertyReport
    property: str
    values: PropertyReport | None


class PropertyRow(NamedTuple):
    """A value of a property. `share`: the length of its bar, percent."""

    shown: str
    share: float
    completions: int
    visitors: int


class GoalShown(NamedTuple):
    """A goal's numbers as the page shows them. `tabs`: its properties, and where their values are."""

    whole: Measures
    rate: str
    money: str
    change: ShownChange | None
    series: ShownSeries
    chart: Markup
    tabs: list[tuple[str, str]]
    property: str
    values: list[PropertyRow]
    left_out: int


async def _one(request: PageRequest, address: ViewAddress, problem: Problem | None = None) -> Response:
    beside, found = await asyncio.gather(_read_beside(request), tried(_goal(request, address)))
    name = address.text("goal")
    tabs = tabs_below(address, request.site.website_id, TABS)
    return await draw_numbers(
        request,
        "goal.html",
        look_around(request, address, beside.around, tabs, "goals"),
        found,
        status=400 if problem else 200,
        section="goals",
        address=address,
        face=beside.faces.of(name),
        shown=_shown(request, address, found) if isinstance(found, _Goal) else None,
        who=people_address(address).also("goal", name).href,
        filtered=address.at(f"/w/{request.site.website_id.hex()}/overview").also("goal", name).href,
        everything=address.having(goal=None, property=None).href,
        colors=COLORS,
        problem=problem,
        done=request.query.get("done"),
    )


async def _goal(request: PageRequest, address: ViewAddress) -> _Goal:
    """Raises BadRequest and Unavailable."""
    analytics, flows = request.services.analytics, Flows(request.services.analytics)
    name, wanted = _said(address, "goal"), _said(address, "property")
    asking = await analytics.prepare(request.site, asked_pairs(address), request.now, DEFAULT)
    asked = asking.question.range
    interval = chosen_interval(asked, read_choice(dict(address.pairs), "interval", SeriesInterval))
    series, overview, properties = await asyncio.gather(
        flows.goal(asking, name, interval),
        analytics.overview(msgspec.structs.replace(asking, compared=None)),
        flows.properties(asking, name, None),
    )
    named = [one.shown for one in properties.counts]
    chosen = wanted if wanted in named else named[0] if named else ""
    question = msgspec.structs.replace(asking.question, limit=VALUES)
    values = (
        await flows.properties(msgspec.structs.replace(asking, question=question), name, chosen)
        if chosen
        else None
    )
    return _Goal(asked, series, overview.measures.visitors, properties, chosen, values)


def _said(address: ViewAddress, name: str) -> str:
    text = address.text(name)
    if len(text) > LONGEST or "\0" in text:
        raise BadRequest(f"{name}: no {name} has this name.")
    return text


def _shown(request: PageRequest, address: ViewAddress, found: _Goal) -> GoalShown:
    currency, whole = request.site.currency, found.series.totals.measures
    before = found.series.totals.compared
    told = ToldMetric(COMPLETIONS, lambda one, _: one.times)
    shown = show_series(found.series, found.range, address, currency, request.now, {}, told=told)
    values = found.values.counts if found.values else []
    most = max((one.visitors for one in values), default=0) or 1
    return GoalShown(
        whole,
        f"{share(whole.visitors, found.visitors):.1f}%",
        money_of(whole.revenue, currency) if whole.payments else "",
        show_change(whole.times, before.times) if before else None,
        shown,
        draw_chart(shown.points, shown.value, shown.money),
        [(one.shown, address.having(property=one.shown).here) for one in found.properties.counts],
        found.property,
        [
            PropertyRow(one.shown, round(100 * one.visitors / most, 1), one.completions, one.visitors)
            for one in values
        ],
        found.values.total - len(values) if found.values else 0,
    )


async def save_look(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/goals/look`: how a goal is shown, as the API changes it; `back`: the query of its page."""
    address = _address(request, parse_qsl(request.form.get("back", "").removeprefix("?")))
    address = address.having(goal=request.form.get("goal", ""))
    body = {
        "goalName": address.text("goal"),
        "displayName": request.form.get("title") or None,
        "color": request.form.get("color") or None,
        "description": request.form.get("description") or None,
    }
    try:
        change = read_look(body)
    except BadRequest as error:
        return await _one(request, address, _problem(error))
    website_id, now = request.site.website_id, request.now
    await request.services.database.change(lambda tx: change_look(tx, website_id, change, now))
    return redirect(request, f"{address.href}&done=saved#look")


_FIELDS = {
    "displayName": ("title", "The display name"),
    "color": ("color", "The colour"),
    "description": ("description", "The description"),
}
"""Fields of the form, and what they are called, by their names in the API."""


def _problem(error: BadRequest) -> Problem:
    word, _, said = error.message.partition(" ")
    field, called = _FIELDS.get(word, ("", ""))
    return Problem(field, f"{called} {said}" if field else error.message)

"""Funnels: how far visitors came on their way, where they stopped, and who they are; made, changed and deleted in forms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from footfall.analytics.flows.model import FunnelReport
from footfall.analytics.flows.service import Flows
from footfall.analytics.model import Measures
from footfall.analytics.query import MAX_OFFSET
from footfall.analytics.wire import share
from footfall.collect.goals import tracked_goals
from footfall.dashboard.address import ViewAddress, read_address
from footfall.dashboard.controls import Choice, asked_pairs
from footfall.dashboard.figures import ShownChange, money_column, show_change
from footfall.dashboard.filters import ADDING, with_added
from footfall.dashboard.forms import Problem, refused
from footfall.dashboard.funnel_forms import (
    PAYMENT,
    FunnelForm,
    form_of,
    read_form_funnel,
    suggest_funnel,
    typed_form,
)
from footfall.dashboard.page import PageRequest, redirect, render
from footfall.dashboard.pages.asking import tried
from footfall.dashboard.pages.goals import TABS
from footfall.dashboard.pages.numbers import (
    Around,
    NumbersView,
    draw_numbers,
    look_around,
    read_around,
    tabs_below,
)
from footfall.dashboard.spans import DEFAULT, people_address
from footfall.db.protocol import Transaction
from footfall.errors import Conflict, NotFound, accepted
from footfall.funnels.model import Funnel, FunnelFields, FunnelStep
from footfall.funnels.store import add_funnel, change_funnel, delete_funnel, find_funnel, read_funnels
from footfall.goals.store import read_looks
from footfall.ids import parse_object_id
from footfall.web.envelope import Response
from footfall.web.parameters import read_number_parameter

PAGE = 20
"""Funnels that are counted at once: each is a question of its own."""
LOOKED_AT = 200
"""Pages and goals among which the steps of a suggestion are looked for."""
MOST_NAMES = 100
"""Goals that a form suggests."""
VISITORS = "visitors"
"""What is counted instead of people, if the address says so."""

Writing = Callable[[Transaction], Funnel | Conflict | NotFound]


def _root(request: PageRequest) -> str:
    return f"/w/{request.site.website_id.hex()}/funnels"


def _view(request: PageRequest, address: ViewAddress, around: Around) -> NumbersView:
    tabs = tabs_below(address, request.site.website_id, TABS)
    return look_around(request, address, around, tabs, "funnels")


# The list


class FunnelLine(NamedTuple):
    """A funnel of the list. `rate`: the share of who began that finished, percent; `change`: of who finished."""

    name: str
    href: str
    steps: int
    began: int
    finished: int
    rate: float
    change: ShownChange | None
    money: str


class _Counted(NamedTuple):
    """Reports of a page of the funnels, or a funnel to begin with where there is none."""

    reports: list[FunnelReport]
    suggested: FunnelForm | None = None


async def funnels(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/funnels`."""
    address = read_address(_root(request), request.pairs, ("offset",))
    if ADDING & request.query.keys():
        return redirect(request, with_added(address, request.query).href)
    website_id = request.site.website_id
    around, every = await request.services.database.scan(_read_list, website_id, share=website_id)
    found = await tried(_count(request, address, every))
    offset = int(address.text("offset", "0")) if isinstance(found, _Counted) else 0
    return await draw_numbers(
        request,
        "funnels.html",
        _view(request, address, around),
        found,
        section="goals",
        address=address,
        lines=_lines(request, address, found.reports) if isinstance(found, _Counted) else [],
        suggested=found.suggested if isinstance(found, _Counted) else None,
        total=len(every),
        offset=offset,
        before=address.having(offset=str(max(0, offset - PAGE))) if offset else None,
        after=address.having(offset=str(offset + PAGE)) if offset + PAGE < len(every) else None,
        done=request.query.get("done"),
    )


def _read_list(tx: Transaction, website_id: bytes) -> tuple[Around, list[Funnel]]:
    return read_around(tx, website_id), read_funnels(tx, website_id)


async def _count(request: PageRequest, address: ViewAddress, every: Sequence[Funnel]) -> _Counted:
    """Raises BadRequest and Unavailable."""
    analytics = request.services.analytics
    offset = read_number_parameter(dict(address.pairs), "offset", 0, 0, MAX_OFFSET)
    asking = await analytics.prepare(request.site, asked_pairs(address), request.now, DEFAULT, has_money=True)
    if not every:
        return _Counted([], await _suggest(request))
    flows = Flows(analytics)
    asked = every[offset : offset + PAGE]
    return _Counted(list(await asyncio.gather(*(flows.funnel(asking, one) for one in asked))))


async def _suggest(request: PageRequest) -> FunnelForm | None:
    """A funnel of what the website's visitors did lately, whatever the filters."""
    analytics = request.services.analytics
    asking = await analytics.prepare(request.site, [], request.now, DEFAULT, has_money=False)
    question = msgspec.structs.replace(asking.question, limit=LOOKED_AT)
    asking = msgspec.structs.replace(asking, question=question)
    pages, goals = await asyncio.gather(analytics.card(asking, "pages"), analytics.card(asking, "goals"))
    return suggest_funnel(
        (row.keys[1] or "" for row in pages.rows),
        (row.keys[0] or "" for row in goals.rows),
        has_payments=request.site.has_payments,
    )


def _lines(request: PageRequest, address: ViewAddress, reports: Sequence[FunnelReport]) -> list[FunnelLine]:
    spelled = money_column((one.steps[-1].revenue for one in reports), request.site.currency)
    return [_line(request, address, one, spelled) for one in reports]


def _line(
    request: PageRequest, address: ViewAddress, report: FunnelReport, spelled: Callable[[int], str]
) -> FunnelLine:
    first, last = report.steps[0], report.steps[-1]
    before = report.compared[-1].people if report.compared else None
    return FunnelLine(
        report.funnel.name,
        _page(request, address, report.funnel).href,
        len(report.steps),
        first.people,
        last.people,
        share(last.people, first.people),
        show_change(last.people, before),
        spelled(last.revenue) if last.payments else "",
    )


def _page(request: PageRequest, address: ViewAddress, funnel: Funnel) -> ViewAddress:
    return address.at(f"{_root(request)}/{funnel.funnel_id.hex()}")


# A funnel by itself


class ShownStep(NamedTuple):
    """A step. `share`: of who began, percent; `who`: the people who came here; `lost`: how many went no further, of whom `stopped` are the people."""

    number: int
    step: FunnelStep
    reached: int
    share: float
    before: str
    change: ShownChange | None
    money: str
    who: str
    people: int
    lost: int
    lost_share: float
    stopped: str
    stopped_people: int


class ShownFunnel(NamedTuple):
    """A funnel's numbers. `unit`: what is counted; `rate`: the share of who began that finished, percent."""

    unit: str
    units: list[Choice]
    rate: float
    rate_before: float | None
    steps: list[ShownStep]


async def funnel(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/funnels/{funnelId}`; `by=visitors`: counts these instead of people."""
    around, one = await _read_one(request)
    address = read_address(f"{_root(request)}/{one.funnel_id.hex()}", request.pairs, ("by",))
    if ADDING & request.query.keys():
        return redirect(request, with_added(address, request.query).href)
    found = await tried(_report(request, address, one))
    return await draw_numbers(
        request,
        "funnel.html",
        _view(request, address, around),
        found,
        section="goals",
        address=address,
        funnel=one,
        shown=_show(request, address, found) if isinstance(found, FunnelReport) else None,
        everything=address.at(_root(request)).href,
        done=request.query.get("done"),
    )


async def _read_one(request: PageRequest) -> tuple[Around, Funnel]:
    """Raises NotFound."""
    website_id, ref = request.site.website_id, request.context.path_values[1]
    around, found = await request.services.database.scan(_read_funnel, (website_id, ref), share=website_id)
    return around, accepted(found)


def _read_funnel(tx: Transaction, asked: tuple[bytes, str]) -> tuple[Around, Funnel | NotFound]:
    return read_around(tx, asked[0]), find_funnel(tx, asked)


async def _report(request: PageRequest, address: ViewAddress, one: Funnel) -> FunnelReport:
    """Raises BadRequest and Unavailable."""
    analytics = request.services.analytics
    asking = await analytics.prepare(request.site, asked_pairs(address), request.now, DEFAULT, has_money=True)
    return await Flows(analytics).funnel(asking, one)


def _show(request: PageRequest, address: ViewAddress, report: FunnelReport) -> ShownFunnel:
    unit = VISITORS if address.text("by") == VISITORS else "people"
    counts = [_number(one, unit) for one in report.steps]
    before = [_number(one, unit) for one in report.compared or ()]
    spelled = money_column((one.revenue for one in report.steps), request.site.currency)
    units = [("people", "People", None), (VISITORS, "Visitors", VISITORS)]
    return ShownFunnel(
        unit,
        [Choice(title, address.having(by=by).here, one == unit) for one, title, by in units],
        share(counts[-1], counts[0]),
        share(before[-1], before[0]) if before else None,
        [_step(address, report, counts, before, place, spelled) for place in range(len(counts))],
    )


def _number(one: Measures, unit: str) -> int:
    return one.visitors if unit == VISITORS else one.people


def _step(
    address: ViewAddress,
    report: FunnelReport,
    counts: Sequence[int],
    before: Sequence[int],
    place: int,
    spelled: Callable[[int], str],
) -> ShownStep:
    measures, count, slug = report.steps[place], counts[place], report.funnel.slug
    is_last = place + 1 == len(counts)
    people = people_address(address)
    following = report.steps[place if is_last else place + 1].people
    lost = 0 if is_last else count - counts[place + 1]
    return ShownStep(
        place + 1,
        report.funnel.steps[place],
        count,
        share(count, counts[0]),
        f"{before[place]:,}" if before else "",
        show_change(count, before[place]) if before else None,
        spelled(measures.revenue) if measures.payments else "",
        people.also("funnel", f"{slug}:{place + 1}:passed").href,
        measures.people,
        lost,
        share(lost, count),
        "" if is_last else people.also("funnel", f"{slug}:{place + 1}:stopped").href,
        measures.people - following,
    )


# Forms


class _FormRead(NamedTuple):
    """What a form needs besides what was typed: the funnel that it changes, if it does, and names of goals."""

    funnel: Funnel | None
    goals: list[str]


async def new(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/funnels/new`."""
    return await _form(request, form_of("", ()))


async def create(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/funnels/make`."""
    website_id, now = request.site.website_id, request.now
    return await _save(request, lambda said: lambda tx: add_funnel(tx, website_id, said, now))


async def edit(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/funnels/{funnelId}/edit`."""
    return await _form(request, None)


async def change(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/funnels/{funnelId}/edit`."""
    website_id, now = request.site.website_id, request.now
    funnel_id = parse_object_id(request.context.path_values[1])
    return await _save(request, lambda said: lambda tx: change_funnel(tx, website_id, funnel_id, said, now))


async def _save(request: PageRequest, writing: Callable[[FunnelFields], Writing]) -> Response:
    """To the funnel that comes of the form, or the form again, with what is wrong."""
    form = typed_form(request.form)
    said = read_form_funnel(form)
    if isinstance(said, Problem):
        return await _form(request, form, said)
    outcome = await request.services.database.change(writing(said))
    if isinstance(outcome, Conflict):
        return await _form(request, form, refused("name", outcome), outcome.status)
    return redirect(request, f"{_root(request)}/{accepted(outcome).funnel_id.hex()}?done=saved")


async def remove(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/funnels/{funnelId}/remove`; twice is as good as once."""
    website_id, now = request.site.website_id, request.now
    funnel_id = parse_object_id(request.context.path_values[1])
    await request.services.database.change(lambda tx: delete_funnel(tx, website_id, funnel_id, now))
    return redirect(request, f"{_root(request)}?done=unfunneled")


async def _form(
    request: PageRequest, form: FunnelForm | None, problem: Problem | None = None, status: int = 400
) -> Response:
    """The form as it was typed, or with a funnel as it is."""
    website_id, ref = request.site.website_id, request.context.path_values[1:]
    beside = await request.services.database.scan(_read_form_page, (website_id, ref), share=website_id)
    funnel = beside.funnel
    return render(
        request,
        "funnel_form.html",
        status=status if problem else 200,
        section="goals",
        form=form or form_of(funnel.name, funnel.steps) if funnel else form,
        funnel=funnel,
        problem=problem,
        goals=beside.goals,
        root=_root(request),
    )


def _read_form_page(tx: Transaction, asked: tuple[bytes, Sequence[str]]) -> _FormRead:
    """Raises NotFound if the funnel that is named is not there."""
    website_id, refs = asked
    funnel = accepted(find_funnel(tx, (website_id, refs[0]))) if refs else None
    tracked, _ = tracked_goals(tx, website_id)
    looks = [one.name for one in read_looks(tx, website_id)]
    names = dict.fromkeys([PAYMENT, *(one.name for one in tracked), *looks])
    return _FormRead(funnel, list(names)[:MOST_NAMES])

"""Retention: of the people who came first in a week, how many came again in each week after it."""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec

from footfall.analytics.flows.model import RetentionReport
from footfall.analytics.flows.service import Flows, whole_weeks
from footfall.analytics.ranges import Period, TimeRange
from footfall.analytics.roster import RosterPart
from footfall.analytics.wire import share
from footfall.dashboard.address import ViewAddress, has_range, read_address
from footfall.dashboard.controls import Choice
from footfall.dashboard.filters import ADDING, with_added
from footfall.dashboard.page import PageRequest, redirect
from footfall.dashboard.pages.asking import tried
from footfall.dashboard.pages.goals import TABS
from footfall.dashboard.pages.numbers import draw_numbers, look_around, read_around, tabs_below
from footfall.dashboard.rendering import date_text
from footfall.dashboard.spans import part_address, people_address
from footfall.web.envelope import Response

SHADES = 6
COUNTS = "counts"
"""What cells show instead of percent, if the address says so."""


class RetentionCell(NamedTuple):
    """How many came in a week. `text`: as the page shows it; `title`: in full; `shade`: 0 for nobody, up to SHADES."""

    text: str
    title: str
    shade: int


class RetentionRow(NamedTuple):
    """Who came first in a week. `began`: its first day; `who`: these people."""

    began: str
    people: int
    who: str
    cells: list[RetentionCell]


class _Found(NamedTuple):
    range: TimeRange
    report: RetentionReport


async def retention(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/retention`: of the last twelve weeks unless the address names a range; `show=counts`: people instead of percent."""
    website_id = request.site.website_id
    address = read_address(f"/w/{website_id.hex()}/retention", request.pairs, ("show",))
    if ADDING & request.query.keys():
        return redirect(request, with_added(address, request.query).href)
    asked = address if has_range(address) else address.having(period=Period.LAST_12W.value)
    around = await request.services.database.scan(read_around, website_id, share=website_id)
    found = await tried(_find(request, asked))
    is_counts = address.text("show") == COUNTS
    rows = _rows(asked, found, is_counts=is_counts) if isinstance(found, _Found) else []
    view = look_around(
        request,
        asked,
        around,
        tabs_below(address, website_id, TABS),
        "retention",
        Period.LAST_12W,
        is_compared=False,
    )
    return await draw_numbers(
        request,
        "retention.html",
        view,
        found,
        section="goals",
        address=address,
        rows=rows,
        weeks=len(rows),
        units=[
            Choice("Percent", address.having(show=None).here, not is_counts),
            Choice("People", address.having(show=COUNTS).here, is_counts),
        ],
    )


async def _find(request: PageRequest, address: ViewAddress) -> _Found:
    """Raises BadRequest and Unavailable."""
    analytics = request.services.analytics
    pairs = [pair for pair in address.asked if pair[0] != "compare"]
    asking = await analytics.prepare(request.site, pairs, request.now, Period.LAST_12W, has_money=False)
    question = msgspec.structs.replace(asking.question, range=whole_weeks(asking.question.range))
    asking = msgspec.structs.replace(asking, question=question)
    return _Found(question.range, await Flows(analytics).retention(asking, request.now))


def _rows(address: ViewAddress, found: _Found, *, is_counts: bool) -> list[RetentionRow]:
    """From the first week on in which somebody came."""
    zone, ends = found.range.zone, (*found.report.weeks.starts[1:], found.range.until)
    rows: list[RetentionRow] = []
    for cohort, end in zip(found.report.cohorts, ends, strict=False):
        if not rows and not cohort.people[0]:
            continue
        first = cohort.people[0]
        week = part_address(people_address(address), TimeRange(cohort.began, end, zone))
        who = week._replace(own=("who",)).having(who=RosterPart.NEW.value).href if first else ""
        cells = [
            retention_cell(number, count, first, is_counts=is_counts)
            for number, count in enumerate(cohort.people)
        ]
        rows.append(RetentionRow(date_text(cohort.began, zone), first, who, cells))
    return rows


def retention_cell(week: int, count: int, first: int, *, is_counts: bool) -> RetentionCell:
    """What stands for `count` of `first` people. The shade goes by the square root, so that small shares differ too."""
    percent = share(count, first)
    shade = math.ceil(SHADES * math.sqrt(percent / 100))
    part = "<1%" if 0 < percent < 1 else f"{percent:.0f}%"
    shown = "" if not first else f"{count:,}" if is_counts else part
    return RetentionCell(shown, f"Week {week}: {count:,} of {first:,} people, {percent:.1f}%", shade)

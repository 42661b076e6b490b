"""Answers what visitors went through, from the columns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from footfall.analytics.compose import TOUCHES, compose_funnel, compose_properties, compose_retention
from footfall.analytics.flows.model import (
    Cohort,
    FunnelReport,
    PropertyCount,
    PropertyReport,
    RetentionReport,
)
from footfall.analytics.model import Asking, Measures
from footfall.analytics.query import Question
from footfall.analytics.ranges import WEEK_MS, Buckets, SeriesInterval, TimeRange, divide
from footfall.analytics.service import Analytics, measures
from footfall.errors import BadRequest
from footfall.funnels.model import Funnel

MOST_WEEKS = 104
"""Of retention: each has a number for itself and all that follow."""
_STEP = ("visitors", "people", *TOUCHES[3:])


class Flows:
    """Answers by way of `Analytics`, and raises what that does."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def funnel(self, asking: Asking, funnel: Funnel) -> FunnelReport:
        """How many came how far."""
        questions = [one for one in (asking.question, asking.compared) if one]
        return FunnelReport(
            funnel, *await asyncio.gather(*(self._steps(asking, one, funnel) for one in questions))
        )

    async def _steps(self, asking: Asking, question: Question, funnel: Funnel) -> list[Measures]:
        rows = await self._analytics.rows(compose_funnel(asking.scene, question, funnel.steps))
        return [measures(_STEP, row[1:]) for row in rows]

    async def properties(self, asking: Asking, goal: str, name: str | None) -> PropertyReport:
        """The properties of a goal, or the values of one of them."""
        rows = await self._analytics.rows(compose_properties(asking.scene, asking.question, goal, name))
        counts = [PropertyCount(*counted) for _, *counted in rows if counted[0] is not None]
        return PropertyReport(counts, rows[0][0])

    async def retention(self, asking: Asking, now: int) -> RetentionReport:
        """Who came back, by the week in which they came first; only of weeks that have begun by `now` (ms since epoch)."""
        weeks = _weeks(asking.question.range)
        rows = await self._analytics.rows(compose_retention(asking.scene, asking.question, weeks))
        begun = [at for at in weeks.starts if at <= now]
        came = {(cohort, week): people for cohort, week, people in rows}
        cohorts = [_cohort(came, begun, number) for number in range(len(begun))]
        return RetentionReport(weeks, cohorts)


def _weeks(asked: TimeRange) -> Buckets:
    """Raises BadRequest if they are too many, before many more are made."""
    if asked.until - asked.since <= (MOST_WEEKS + 1) * WEEK_MS:
        weeks = divide(asked, SeriesInterval.WEEK)
        if len(weeks.starts) <= MOST_WEEKS:
            return weeks
    raise BadRequest(f"startAt: retention is of at most {MOST_WEEKS} weeks. Choose a shorter range.")


def _cohort(came: dict[tuple[int, int], int], begun: Sequence[int], number: int) -> Cohort:
    return Cohort(begun[number], [came.get((number, week), 0) for week in range(number, len(begun))])


def whole_weeks(asked: TimeRange) -> TimeRange:
    """From the beginning of the week in which a range begins."""
    first = divide(TimeRange(asked.since, asked.since + 1, asked.zone), SeriesInterval.WEEK).starts[0]
    return TimeRange(max(0, first), asked.until, asked.zone)

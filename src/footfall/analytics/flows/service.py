"""Answers what visitors went through, from the columns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from footfall.analytics.compared import compose_rows_of_card
from footfall.analytics.compose import (
    TOUCHES,
    compose_funnel,
    compose_goals,
    compose_properties,
    compose_retention,
)
from footfall.analytics.flows.model import (
    Cohort,
    FunnelReport,
    PropertyCount,
    PropertyReport,
    RetentionReport,
)
from footfall.analytics.model import NOTHING, Asking, Measures, Overview, Series, SeriesPart
from footfall.analytics.query import Question
from footfall.analytics.ranges import WEEK_MS, Buckets, SeriesInterval, TimeRange, divide, is_one_day
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
        return FunnelReport(
            funnel, *await asyncio.gather(*(self._steps(asking, one, funnel) for one in asking.questions))
        )

    async def _steps(self, asking: Asking, question: Question, funnel: Funnel) -> list[Measures]:
        rows = await self._analytics.rows(compose_funnel(asking.scene, question, funnel.steps))
        return [measures(_STEP, row[1:]) for row in rows]

    async def goal(self, asking: Asking, name: str, interval: SeriesInterval) -> Series:
        """How often a goal was reached, in all and in parts of an interval, of hours if the range is a day. The whole has its revenue, too."""
        buckets = await asyncio.to_thread(divided, asking.question.range, interval)
        wholes, parts = await asyncio.gather(
            asyncio.gather(*(self._whole(asking, one, name) for one in asking.questions)),
            self.goals(asking, [name], buckets),
        )
        return Series(buckets, Overview(*wholes), parts[name])

    async def _whole(self, asking: Asking, question: Question, name: str) -> Measures:
        rows = await self._analytics.rows(compose_rows_of_card(asking.scene, question, "goals", [(name,)]))
        return measures(TOUCHES, rows[0][2:]) if rows else NOTHING

    async def goals(
        self, asking: Asking, names: Sequence[str], buckets: Buckets
    ) -> dict[str, list[SeriesPart]]:
        """By name, how often goals were reached in each part of the range, and in that in the same place of the range to compare with."""
        found = await asyncio.gather(
            *(self._reached(asking, one, names, buckets) for one in asking.questions)
        )
        return {
            name: [
                SeriesPart(start, *(one.get((name, number), NOTHING) for one in found))
                for number, start in enumerate(buckets.starts)
            ]
            for name in names
        }

    async def _reached(
        self, asking: Asking, question: Question, names: Sequence[str], buckets: Buckets
    ) -> dict[tuple[str, int], Measures]:
        if question is not asking.question:
            buckets = await asyncio.to_thread(divided, question.range, buckets.interval)
        rows = await self._analytics.rows(compose_goals(asking.scene, question, buckets, names))
        return {(name, number): measures(TOUCHES[:3], counts) for name, number, *counts in rows}

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


def divided(asked: TimeRange, interval: SeriesInterval) -> Buckets:
    """A range in parts of an interval; a day is always divided into hours."""
    return divide(asked, SeriesInterval.HOUR if is_one_day(asked) else interval)


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

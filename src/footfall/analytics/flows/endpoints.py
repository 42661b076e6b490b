"""`GET /api/v1/analytics/funnels/{funnelId}`, `/retention` and `/goals/properties`."""

from __future__ import annotations

from msgspec.structs import replace

from footfall.analytics.flows.service import Flows, whole_weeks
from footfall.analytics.flows.wire import (
    cohorts_json,
    named_json,
    property_json,
    read_goal,
    steps_json,
    totals_json,
)
from footfall.analytics.model import Asking
from footfall.analytics.query import refuse_file
from footfall.analytics.ranges import Period
from footfall.analytics.service import Analytics
from footfall.analytics.wire import pagination
from footfall.auth.principal import WebsitePrincipal
from footfall.db.protocol import Database
from footfall.errors import accepted
from footfall.funnels.store import find_funnel
from footfall.web.context import Context
from footfall.web.envelope import Response, success

Call = Context[WebsitePrincipal]


class FlowEndpoints:
    """The handlers."""

    def __init__(self, database: Database, analytics: Analytics) -> None:
        self._database = database
        self._analytics = analytics
        self._flows = Flows(analytics)

    async def funnel(self, context: Call) -> Response:
        """How many came how far in a funnel."""
        website = context.principal.website
        asked = (website.website_id, context.path_values[0])
        funnel = accepted(await self._database.scan(find_funnel, asked, share=website.website_id))
        asking = await self._prepare(context, has_money=True)
        found = await self._flows.funnel(asking, funnel)
        compared = {"compared": totals_json(found.compared, website.currency)} if found.compared else {}
        return success(
            steps_json(found, website.currency),
            funnel=named_json(funnel),
            totals=totals_json(found.steps, website.currency) | compared,
        )

    async def properties(self, context: Call) -> Response:
        """What was said of a goal."""
        goal, name = read_goal(context.query())
        asking = await self._prepare(context)
        found = await self._flows.properties(asking, goal, name)
        question = asking.question
        return success(
            [property_json(one, name) for one in found.counts],
            pagination=pagination(question, found.total),
        )

    async def retention(self, context: Call) -> Response:
        """Who came back, by the week in which they came first."""
        asking = await self._prepare(context, Period.LAST_12W)
        question = replace(asking.question, range=whole_weeks(asking.question.range))
        found = await self._flows.retention(replace(asking, question=question), context.now)
        page = found.cohorts[question.offset : question.offset + question.limit]
        return success(
            cohorts_json(page, question.range.zone),
            interval=found.weeks.interval.value,
            timezone=question.range.zone,
            pagination=pagination(question, len(found.cohorts)),
        )

    async def _prepare(
        self, context: Call, default: Period = Period.ALL, *, has_money: bool = False
    ) -> Asking:
        refuse_file(context.query())
        website, pairs = context.principal.website, context.pairs()
        return await self._analytics.prepare(website, pairs, context.now, default, has_money=has_money)

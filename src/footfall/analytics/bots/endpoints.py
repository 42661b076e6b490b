"""`GET /api/v1/analytics/bot-traffic` and `/bot-traffic/pages`."""

from __future__ import annotations

import asyncio

from footfall.analytics.bots.model import BotQuestion
from footfall.analytics.bots.store import read_bots, read_crawled
from footfall.analytics.bots.wire import ZONE, bot_json, crawled_json, read_bot_question, series_json
from footfall.analytics.wire import pagination
from footfall.auth.principal import WebsitePrincipal
from footfall.db.protocol import Database
from footfall.web.context import Context
from footfall.web.envelope import Response, success

Call = Context[WebsitePrincipal]


class BotEndpoints:
    """The handlers, on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def bots(self, context: Call) -> Response:
        """The bots of a range, the busiest first, and what they fetched in each part of it."""
        website_id, question = context.principal.website.website_id, await _question(context)
        found = await self._database.scan(read_bots, (website_id, question), share=website_id)
        return success(
            [bot_json(one, question.fields) for one in found.bots],
            interval=question.parts.interval.value,
            timezone=ZONE,
            totals={"crawlers": found.total, "hits": found.hits},
            timeseries=series_json(question, found.series),
            pagination=pagination(question, found.total),
        )

    async def pages(self, context: Call) -> Response:
        """The pages that AI crawlers fetched, the most fetched first."""
        website_id, question = context.principal.website.website_id, await _question(context)
        found = await self._database.scan(read_crawled, (website_id, question), share=website_id)
        return success(
            [crawled_json(one, question.fields) for one in found.pages],
            totals={"pages": found.total, "hits": found.hits},
            pagination=pagination(question, found.total),
        )


async def _question(context: Call) -> BotQuestion:
    """Read off the event loop: to divide decades into days takes a while."""
    created_at = context.principal.website.created_at
    return await asyncio.to_thread(read_bot_question, context.pairs(), context.now, created_at)

"""`GET /api/v1/analytics/realtime` and `/realtime/map`."""

from __future__ import annotations

import asyncio

from footfall.analytics.compose import Composed
from footfall.analytics.realtime.store import MOST_VISITORS, NowAsked, read_now
from footfall.analytics.realtime.wire import check_fields, now_json
from footfall.analytics.service import Analytics
from footfall.auth.principal import WebsitePrincipal
from footfall.collect.online import KEPT_MS, Online
from footfall.columns.model import number_of
from footfall.db.protocol import Database
from footfall.predictions.book import Predictions
from footfall.web.context import Context
from footfall.web.envelope import Response, success
from footfall.websites.model import Website

Call = Context[WebsitePrincipal]

_COUNT = """
SELECT count(*) FROM event_row
WHERE website = $website AND ts >= $since AND ts < $until AND type <= 5 AND prev_at < $since"""
"""The visitors of a range; see `columns.model.EventRow`."""


class RealtimeEndpoints:
    """The handlers. How many visitors there are, the columns know; who they are, this process and the database."""

    def __init__(
        self, database: Database, analytics: Analytics, online: Online, predictions: Predictions
    ) -> None:
        self._database = database
        self._analytics = analytics
        self._online = online
        self._predictions = predictions

    async def visitors(self, context: Call) -> Response:
        """How many visitors did anything in the last ten minutes."""
        check_fields(context.query())
        return success([{"visitors": await self._count(context.principal.website, context.now)}])

    async def map(self, context: Call) -> Response:
        """The visitors of the last ten minutes, where they are and what they did."""
        website, now = context.principal.website, context.now
        model = self._predictions.model_of(website)
        here = self._online.latest(website.website_id, now, MOST_VISITORS, KEPT_MS)
        asked = NowAsked(website, now, here, model)
        found, count = await asyncio.gather(
            self._database.scan(read_now, asked, share=website.website_id), self._count(website, now)
        )
        return success(now_json(found, count, model, website.currency))

    async def _count(self, website: Website, now: int) -> int:
        bound = {"website": number_of(website.website_id), "since": now + 1 - KEPT_MS, "until": now + 1}
        rows = await self._analytics.rows(Composed(_COUNT, dict(bound)))
        return int(rows[0][0])

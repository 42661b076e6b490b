"""`GET /api/v1/analytics/realtime` and `/realtime/map`."""

from __future__ import annotations

import asyncio

from footfall.analytics.realtime.service import Realtime
from footfall.analytics.realtime.wire import check_fields, now_json
from footfall.auth.principal import WebsitePrincipal
from footfall.predictions.book import Predictions
from footfall.web.context import Context
from footfall.web.envelope import Response, success

Call = Context[WebsitePrincipal]


class RealtimeEndpoints:
    """The handlers."""

    def __init__(self, realtime: Realtime, predictions: Predictions) -> None:
        self._realtime = realtime
        self._predictions = predictions

    async def visitors(self, context: Call) -> Response:
        """How many visitors did anything in the last ten minutes."""
        check_fields(context.query())
        count = await self._realtime.count(context.principal.website, context.now)
        return success([{"visitors": count}])

    async def map(self, context: Call) -> Response:
        """The visitors of the last ten minutes, where they are and what they did."""
        website, now = context.principal.website, context.now
        model = self._predictions.model_of(website)
        found, count = await asyncio.gather(
            self._realtime.now(website, now, model), self._realtime.count(website, now)
        )
        return success(now_json(found, count, model, website.currency))

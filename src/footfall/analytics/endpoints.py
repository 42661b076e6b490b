"""`GET /api/v1/analytics/...`: the numbers, as overview, series and cards."""

from __future__ import annotations

from footfall.analytics.service import Analytics
from footfall.analytics.wire import overview_json
from footfall.auth.principal import WebsitePrincipal
from footfall.web.context import Context
from footfall.web.envelope import Response, success

Call = Context[WebsitePrincipal]


class AnalyticsEndpoints:
    """The handlers."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def overview(self, context: Call) -> Response:
        """The whole range in one row."""
        website = context.principal.website
        asking = await self._analytics.prepare(website, context.pairs(), context.now)
        found = await self._analytics.overview(asking)
        return success([overview_json(found, website.currency, asking.question.fields)])

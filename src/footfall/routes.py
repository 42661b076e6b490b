"""THE table: every route of the API, who may call it, and what an access token needs for it."""

from __future__ import annotations

import msgspec

from footfall.collect.endpoints import Collector
from footfall.collect.visitors import visitor_endpoint
from footfall.db.protocol import Database
from footfall.identity.endpoints import identify_endpoint
from footfall.identity.wire import MAX_BODY
from footfall.web.context import Credential, Route
from footfall.web.pages import Health, Reference

JSON = ("application/json",)
OPEN, BROWSER, WEBSITE = Credential.OPEN, Credential.BROWSER, Credential.WEBSITE


class Services(msgspec.Struct, frozen=True):
    """What the handlers work with."""

    database: Database
    collector: Collector
    health: Health
    reference: Reference


def routes(services: Services) -> list[Route]:
    """The whole API."""
    database = services.database
    return [
        # From pages
        Route("POST", "/api/events", services.collector.events, BROWSER, max_body=MAX_BODY),
        # People
        Route(
            "POST", "/api/v1/identify", identify_endpoint(database), WEBSITE, "identify:write", MAX_BODY, JSON
        ),
        Route("GET", "/api/v1/visitors/{visitorId}", visitor_endpoint(database), WEBSITE, "analytics:read"),
        # The server itself
        Route("GET", "/healthz", services.health.alive, OPEN),
        Route("GET", "/readyz", services.health.ready, OPEN),
        Route("GET", "/openapi.yaml", services.reference.openapi, OPEN),
        Route("GET", "/docs", services.reference.docs, OPEN),
    ]

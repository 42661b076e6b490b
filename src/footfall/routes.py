"""THE table: every route of the API, who may call it, and what an access token needs for it."""

from __future__ import annotations

from typing import Any

import msgspec

from footfall.auth.access import WEBSITE
from footfall.collect.endpoints import Collector
from footfall.db.protocol import Database
from footfall.identity.identify.batch import MAX_BATCH, NDJSON
from footfall.identity.identify.endpoints import Identifying
from footfall.identity.identify.wire import MAX_BODY
from footfall.identity.ledger.endpoints import Ledger
from footfall.people.endpoints import People
from footfall.privacy.endpoints import Privacy
from footfall.reference.pages import Reference
from footfall.tracker.endpoints import script
from footfall.visitors.retrieve import visitor_endpoint
from footfall.web.context import BROWSER, OPEN, Route
from footfall.web.health import Health

JSON = ("application/json",)
JSON_LINES = (*JSON, NDJSON)


class Services(msgspec.Struct, frozen=True):
    """What the handlers work with."""

    database: Database
    collector: Collector
    identifying: Identifying
    people: People
    ledger: Ledger
    privacy: Privacy
    health: Health
    reference: Reference


def routes(services: Services) -> list[Route[Any]]:
    """The whole API."""
    database, people, ledger = services.database, services.people, services.ledger
    identifying = services.identifying
    return [
        # From pages
        Route("POST", "/api/events", services.collector.events, BROWSER, max_body=MAX_BODY),
        Route("GET", "/js/{script}", script, OPEN),
        # People
        Route("POST", "/api/v1/identify", identifying.identify, WEBSITE, "identify:write", MAX_BODY, JSON),
        Route(
            "POST",
            "/api/v1/identify/batch",
            identifying.batch,
            WEBSITE,
            "identify:write",
            MAX_BATCH,
            JSON_LINES,
        ),
        Route("GET", "/api/v1/visitors/{visitorId}", visitor_endpoint(database), WEBSITE, "analytics:read"),
        Route("GET", "/api/v1/profiles", people.profiles, WEBSITE, "analytics:read"),
        Route("GET", "/api/v1/profiles/{ref}", people.profile, WEBSITE, "analytics:read"),
        Route("GET", "/api/v1/profiles/{ref}/journey", people.journey, WEBSITE, "analytics:read"),
        Route("GET", "/api/v1/profiles/{ref}/export", services.privacy.export, WEBSITE, "profiles:export"),
        Route("POST", "/api/v1/profiles/merge", ledger.merge, WEBSITE, "identify:write", MAX_BODY, JSON),
        Route("GET", "/api/v1/profiles/{ref}/ledger", ledger.ledger, WEBSITE, "analytics:read"),
        Route("DELETE", "/api/v1/profiles/{ref}", services.privacy.erase, WEBSITE, "profiles:erase"),
        Route("POST", "/api/v1/ledger/{factId}/undo", ledger.undo, WEBSITE, "identify:write", MAX_BODY, JSON),
        Route("GET", "/api/v1/identity/health", ledger.health, WEBSITE, "analytics:read"),
        # The server itself
        Route("GET", "/healthz", services.health.alive, OPEN),
        Route("GET", "/readyz", services.health.ready, OPEN),
        Route("GET", "/openapi.yaml", services.reference.openapi, OPEN),
        Route("GET", "/docs", services.reference.docs, OPEN),
        Route("GET", "/robots.txt", services.reference.robots, OPEN),
    ]

"""THE table: every route of the API, who may call it, and what an access token needs for it."""

from __future__ import annotations

from typing import Any

import msgspec

from footfall.admin.endpoints import Websites
from footfall.analytics.bots.endpoints import BotEndpoints
from footfall.analytics.dimensions import CARDS
from footfall.analytics.endpoints import AnalyticsEndpoints
from footfall.analytics.flows.endpoints import FlowEndpoints
from footfall.analytics.realtime.endpoints import RealtimeEndpoints
from footfall.auth.access import CALLER, WEBSITE, WEBSITE_IN_PATH
from footfall.collect.endpoints import Collector
from footfall.crawls.endpoints import Crawls
from footfall.db.protocol import Database
from footfall.funnels.endpoints import Funnels
from footfall.goals.endpoints import Goals
from footfall.goals.wire import MAX_LOOK_BODY
from footfall.identity.identify.endpoints import Identifying
from footfall.identity.identify.wire import MAX_BODY
from footfall.identity.ledger.endpoints import Ledger
from footfall.notes.endpoints import Notes
from footfall.payments.connecting.endpoints import Connecting
from footfall.payments.endpoints import Payments
from footfall.payments.ratebook import RateBook
from footfall.payments.webhooks.endpoints import MAX_DELIVERY, Webhooks
from footfall.people.endpoints import People
from footfall.predictions.book import Predictions
from footfall.privacy.endpoints import Privacy
from footfall.reference.pages import Reference
from footfall.tracker.endpoints import script
from footfall.visitors.endpoints import visitors_endpoint
from footfall.visitors.retrieve import visitor_endpoint
from footfall.web.batch import MAX_BATCH, NDJSON
from footfall.web.context import BROWSER, OPEN, Route
from footfall.web.health import Health

JSON = ("application/json",)
JSON_LINES = (*JSON, NDJSON)
ANALYTICS = "/api/v1/analytics"
WEBSITES = "/api/v1/admin/websites"
ADMIN = f"{WEBSITES}/{{id}}"
FUNNEL = f"{ADMIN}/funnels/{{funnelId}}"
NOTE = f"{ADMIN}/notes/{{noteId}}"
INTEGRATION = f"{ADMIN}/integrations/{{provider}}"
BOT_TOKEN = f"{ADMIN}/bot-traffic/token"


class Services(msgspec.Struct, frozen=True):
    """What the handlers work with."""

    database: Database
    collector: Collector
    websites: Websites
    identifying: Identifying
    goals: Goals
    funnels: Funnels
    notes: Notes
    crawls: Crawls
    people: People
    ledger: Ledger
    privacy: Privacy
    payments: Payments
    webhooks: Webhooks
    connecting: Connecting
    rates: RateBook
    predictions: Predictions
    analytics: AnalyticsEndpoints
    realtime: RealtimeEndpoints
    flows: FlowEndpoints
    bots: BotEndpoints
    health: Health
    reference: Reference


def routes(services: Services) -> list[Route[Any]]:
    """The whole API."""
    subjects = (
        _from_pages,
        _about_websites,
        _about_people,
        _about_goals,
        _about_funnels,
        _about_notes,
        _about_crawls,
        _about_payments,
        _about_numbers,
        _about_moments,
        _about_the_server,
    )
    return [route for subject in subjects for route in subject(services)]


def _from_pages(services: Services) -> list[Route[Any]]:
    """What pages send and load."""
    return [
        Route("POST", "/api/events", services.collector.events, BROWSER, max_body=MAX_BODY),
        Route("GET", "/js/{script}", script, OPEN),
    ]


def _about_websites(services: Services) -> list[Route[Any]]:
    """The websites and their settings."""
    websites = services.websites
    return [
        Route("GET", WEBSITES, websites.list, CALLER, "websites:read"),
        Route("GET", ADMIN, websites.settings, WEBSITE_IN_PATH, "settings:read"),
        Route("PUT", ADMIN, websites.change, WEBSITE_IN_PATH, "settings:write", MAX_BODY, JSON),
    ]


def _about_people(services: Services) -> list[Route[Any]]:
    """Who visitors are."""
    database, people, ledger, identifying = (
        services.database,
        services.people,
        services.ledger,
        services.identifying,
    )
    return [
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
        Route("GET", "/api/v1/visitors", visitors_endpoint(database), WEBSITE, "analytics:read"),
        Route(
            "GET",
            "/api/v1/visitors/{visitorId}",
            visitor_endpoint(database, services.rates, services.predictions),
            WEBSITE,
            "analytics:read",
        ),
        Route("GET", "/api/v1/profiles", people.profiles, WEBSITE, "analytics:read"),
        Route("GET", "/api/v1/profiles/{ref}", people.profile, WEBSITE, "analytics:read"),
        Route("GET", "/api/v1/profiles/{ref}/journey", people.journey, WEBSITE, "analytics:read"),
        Route("GET", "/api/v1/profiles/{ref}/export", services.privacy.export, WEBSITE, "profiles:export"),
        Route("POST", "/api/v1/profiles/merge", ledger.merge, WEBSITE, "identify:write", MAX_BODY, JSON),
        Route("GET", "/api/v1/profiles/{ref}/ledger", ledger.ledger, WEBSITE, "analytics:read"),
        Route("DELETE", "/api/v1/profiles/{ref}", services.privacy.erase, WEBSITE, "profiles:erase"),
        Route("POST", "/api/v1/ledger/{factId}/undo", ledger.undo, WEBSITE, "identify:write", MAX_BODY, JSON),
        Route("GET", "/api/v1/identity/health", ledger.health, WEBSITE, "analytics:read"),
    ]


def _about_goals(services: Services) -> list[Route[Any]]:
    """What people reached."""
    goals = services.goals
    return [
        Route("POST", "/api/v1/goals", goals.create, WEBSITE, "goals:write", MAX_BODY, JSON),
        Route("POST", "/api/v1/goals/batch", goals.batch, WEBSITE, "goals:write", MAX_BATCH, JSON_LINES),
        Route("DELETE", "/api/v1/goals", goals.delete, WEBSITE, "goals:write"),
        Route("GET", f"{ADMIN}/goals", goals.tracked, WEBSITE_IN_PATH, "settings:read"),
        Route("GET", f"{ADMIN}/goals/customizations", goals.looks, WEBSITE_IN_PATH, "goals:read"),
        Route(
            "PATCH",
            f"{ADMIN}/goals/customizations",
            goals.change_look,
            WEBSITE_IN_PATH,
            "goals:write",
            MAX_LOOK_BODY,
            JSON,
        ),
        Route("DELETE", f"{ADMIN}/goals/customizations", goals.remove_look, WEBSITE_IN_PATH, "goals:write"),
    ]


def _about_funnels(services: Services) -> list[Route[Any]]:
    """The steps that visitors are meant to go through."""
    funnels = services.funnels
    return [
        Route("GET", f"{ADMIN}/funnels", funnels.funnels, WEBSITE_IN_PATH, "funnels:read"),
        Route("POST", f"{ADMIN}/funnels", funnels.create, WEBSITE_IN_PATH, "funnels:write", MAX_BODY, JSON),
        Route("PUT", FUNNEL, funnels.change, WEBSITE_IN_PATH, "funnels:write", MAX_BODY, JSON),
        Route("DELETE", FUNNEL, funnels.delete, WEBSITE_IN_PATH, "funnels:write"),
    ]


def _about_notes(services: Services) -> list[Route[Any]]:
    """What somebody wrote about a moment."""
    notes = services.notes
    return [
        Route("GET", f"{ADMIN}/notes", notes.notes, WEBSITE_IN_PATH, "notes:read"),
        Route("POST", f"{ADMIN}/notes", notes.create, WEBSITE_IN_PATH, "notes:write", MAX_BODY, JSON),
        Route("PUT", NOTE, notes.change, WEBSITE_IN_PATH, "notes:write", MAX_BODY, JSON),
        Route("DELETE", NOTE, notes.delete, WEBSITE_IN_PATH, "notes:write"),
    ]


def _about_crawls(services: Services) -> list[Route[Any]]:
    """What AI crawlers fetch, and the token for telling."""
    crawls = services.crawls
    return [
        Route("POST", "/api/ai-crawls", crawls.record, OPEN, max_body=MAX_BODY),
        Route("GET", BOT_TOKEN, crawls.token, WEBSITE_IN_PATH, "settings:read"),
        Route("POST", BOT_TOKEN, crawls.create_token, WEBSITE_IN_PATH, "settings:write"),
        Route("PUT", BOT_TOKEN, crawls.replace_token, WEBSITE_IN_PATH, "settings:write"),
        Route("DELETE", BOT_TOKEN, crawls.remove_token, WEBSITE_IN_PATH, "settings:write"),
    ]


def _about_payments(services: Services) -> list[Route[Any]]:
    """Payments, and the providers that deliver them."""
    payments, webhooks, connecting = services.payments, services.webhooks, services.connecting
    return [
        Route("POST", "/api/v1/payments", payments.record, WEBSITE, "payments:write", MAX_BODY, JSON),
        Route("GET", "/api/v1/payments", payments.list, WEBSITE, "payments:read"),
        Route("GET", "/api/v1/payments/{transactionId}", payments.story, WEBSITE, "payments:read"),
        Route("DELETE", "/api/v1/payments", payments.remove, WEBSITE, "payments:write"),
        Route("POST", "/api/webhooks/{provider}/{websiteId}", webhooks.receive, OPEN, max_body=MAX_DELIVERY),
        Route("GET", f"{ADMIN}/integrations", connecting.list, WEBSITE_IN_PATH, "settings:read"),
        Route("POST", INTEGRATION, connecting.connect, WEBSITE_IN_PATH, "settings:write", MAX_BODY, JSON),
        Route(
            "DELETE", INTEGRATION, connecting.disconnect, WEBSITE_IN_PATH, "settings:write", MAX_BODY, JSON
        ),
    ]


def _about_numbers(services: Services) -> list[Route[Any]]:
    """What analytics ask."""
    analytics = services.analytics
    handlers = {
        "overview": analytics.overview,
        "timeseries": analytics.timeseries,
        "metadata": analytics.metadata,
        "os": analytics.card("operating-systems"),
        **{name: analytics.card(name) for name in CARDS},
    }
    return [
        Route("GET", f"{ANALYTICS}/{name}", handler, WEBSITE, "analytics:read", ends_with_client=True)
        for name, handler in handlers.items()
    ]


def _about_moments(services: Services) -> list[Route[Any]]:
    """What analytics tell of the last minutes, of what visitors went through, and of bots."""
    realtime, flows, bots = services.realtime, services.flows, services.bots
    handlers = {
        "realtime": realtime.visitors,
        "realtime/map": realtime.map,
        "goals/properties": flows.properties,
        "funnels/{funnelId}": flows.funnel,
        "retention": flows.retention,
        "bot-traffic": bots.bots,
        "bot-traffic/pages": bots.pages,
    }
    return [
        Route("GET", f"{ANALYTICS}/{name}", handler, WEBSITE, "analytics:read", ends_with_client=True)
        for name, handler in handlers.items()
    ]


def _about_the_server(services: Services) -> list[Route[Any]]:
    """Health and the reference."""
    return [
        Route("GET", "/healthz", services.health.alive, OPEN),
        Route("GET", "/readyz", services.health.ready, OPEN),
        Route("GET", "/openapi.yaml", services.reference.openapi, OPEN),
        Route("GET", "/robots.txt", services.reference.robots, OPEN),
    ]

"""What comes from pages: hits, and the closed set of reasons for which one is dropped. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from footfall.collect.enrich.device import Device

PAGEVIEW, CUSTOM, IDENTIFY, EXTERNAL_LINK, PAYMENT = (
    "pageview",
    "custom",
    "identify",
    "external_link",
    "payment",
)
"""The `type` of an event (stored)."""

PAYMENT_IDS = ("stripe_session_id", "lemonsqueezy_order_id", "polar_checkout_id", "paddle_transaction_id")
"""Fields of a payment by which its provider knows it."""

SESSION_IDLE_MS = 30 * 60 * 1000
"""A session ends after 30 minutes without an event."""
SKEW_MS = 60 * 1000
"""How far the clocks of two servers may be apart, so that a hit which comes later may tell of an earlier time."""


class Reason(StrEnum):
    """Why a hit was dropped; told to the caller in `X-Footfall-Dropped` and counted."""

    UNKNOWN_WEBSITE = "unknown_website"
    SUSPENDED = "suspended"
    BOT = "bot"
    HEADLESS = "headless"
    WRONG_SCRIPT = "wrong_script"
    UNKNOWN_TYPE = "unknown_type"
    INVALID_VISITOR = "invalid_visitor"
    INVALID_PAGE = "invalid_page"
    WRONG_HOST = "wrong_host"
    LOCALHOST = "localhost"
    EXCLUDED = "excluded"
    INVALID_EVENT = "invalid_event"
    INVALID_IDENTIFY = "invalid_identify"
    COOKIELESS = "cookieless"
    UNSIGNED = "unsigned_identify"
    TOO_MANY = "too_many"


class Dropped(msgspec.Struct, frozen=True):
    """A hit that is not kept. `message` says more where there is more to say; `host`: the page's, as it was sent, when it is another website's."""

    reason: Reason
    message: str = ""
    host: str = ""


class StoredDevice(msgspec.Struct, frozen=True, omit_defaults=True):
    """A visitor's device as it is stored (JSON)."""

    device: Device
    viewport_width: int | None = None
    viewport_height: int | None = None
    language: str | None = None


class Hit(msgspec.Struct, frozen=True):
    """An accepted event that is not stored yet. Values are cleaned and cut; what is stored as JSON is JSON already.

    `at`: ms since epoch of its arrival. `url`: `host/path`; None when the event names no page. `event_id`: 10 bytes that sort by time.
    """

    website_id: bytes
    visitor_id: bytes
    event_id: bytes
    at: int
    type: str
    url: str | None
    query: str | None
    referrer: str | None
    name: str | None
    data: str | None
    place: str | None
    device: str
    params: str | None
    click_ids: str | None

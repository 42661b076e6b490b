"""What pages send: hits, and the closed set of reasons to drop one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from footfall.collect.enrich.device import Device

PAGEVIEW, CUSTOM, IDENTIFY, EXTERNAL_LINK, PAYMENT, GOAL = (
    "pageview",
    "custom",
    "identify",
    "external_link",
    "payment",
    "goal",
)
"""The `type` of an event (stored). A `custom` event is a goal of a page, a `goal` one of a server."""

LIFECYCLE = frozenset(
    (
        "payment",
        "free_trial",
        "trial_started",
        "trial_converted",
        "subscription_started",
        "subscription_upgraded",
        "subscription_downgraded",
        "subscription_renewed",
        "subscription_cancel_scheduled",
        "subscription_reactivated",
        "subscription_ended",
    )
)
"""Names of goals that follow from payments; nobody may send one."""
RESERVED = LIFECYCLE | {"identify"}
"""Names that no goal may have that is sent."""

PAYMENT_IDS = ("stripe_session_id", "lemonsqueezy_order_id", "polar_checkout_id", "paddle_transaction_id")
"""Fields of a payment by which its provider knows it."""
UNGUESSABLE_IDS = ("stripe_session_id", "polar_checkout_id", "paddle_transaction_id")
"""Those of them that nobody can guess; orders of Lemon Squeezy are counted up."""

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


class GoalData(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a server said of a goal, as it is stored (JSON)."""

    description: str | None = None
    metadata: dict[str, str] = {}


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


class PastSession(msgspec.Struct, frozen=True):
    """Where a visit came from, and on what. `at`: when it began (ms since epoch); JSON as text."""

    at: int
    entry_url: str | None
    referrer: str | None
    params: str | None
    click_ids: str | None
    place: str | None
    device: str | None


class PastEvent(msgspec.Struct, frozen=True):
    """An event of the past, cleaned. `session`: the visit that it is part of; None: find out, and if it begins one, it came from where the
    hit says.
    """

    hit: Hit
    session: PastSession | None = None

    @property
    def key(self) -> tuple[bytes, bytes, bytes]:
        """Website, visitor and event id."""
        return (self.hit.website_id, self.hit.visitor_id, self.hit.event_id)


SOURCES = ("utm_source", "ref", "source", "via")
"""Parameters that say where somebody came from, the one that counts most first."""


class Touch(msgspec.Struct, frozen=True):
    """Where a session came from. `source`: its utm_source, ref, source or via, else the referrer's host, else None; `params`: as stored."""

    source: str | None
    referrer: str | None
    params: dict[str, str]
    url: str | None
    at: int


def touch_of(at: int, url: str | None, referrer: str | None, stored: str | None) -> Touch:
    """Where a session came from that began at `at` (ms since epoch) on the page `url`; `stored`: its parameters as JSON."""
    params = _decode_params(stored) if stored else {}
    return Touch(source_of(map(params.get, SOURCES), referrer), referrer, params, url, at)


def source_of(named: Iterable[str | None], referrer: str | None) -> str | None:
    """Where a session came from: the first of what its SOURCES name, else the referrer's host."""
    for name in named:
        if name:
            return name
    return referrer.partition("/")[0] if referrer else None


_decode_params = msgspec.json.Decoder(dict[str, str]).decode

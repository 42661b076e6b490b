"""The wire's form of one visitor."""

from __future__ import annotations

import functools
from typing import Any

import msgspec

from footfall.clock import to_iso
from footfall.collect.model import CUSTOM, GOAL, PAGEVIEW, GoalData
from footfall.db.protocol import Row
from footfall.identity.model import KnownPerson
from footfall.ids import at_of, format_uuid
from footfall.payments.finance import nothing_paid
from footfall.payments.model import Finance
from footfall.payments.webhooks.model import ReachedGoal
from footfall.payments.wire import finance_json
from footfall.predictions.model import Prediction
from footfall.predictions.wire import prediction_json
from footfall.visitors.model import Params, Visitor
from footfall.web.json import encode

MOST_EVENTS = 1000
"""How many of the newest events of a visitor the answer lists."""


class Wire(msgspec.Struct, rename="camel"):
    """A part of the answer."""


class Version(Wire):
    """A browser or operating system."""

    name: str | None
    version: str | None


class DeviceType(Wire):
    """`type`: `desktop`, `mobile`, `tablet` and so on."""

    type: str | None
    vendor: str | None
    model: str | None


class Viewport(Wire):
    """In CSS pixels."""

    width: int | None
    height: int | None


class Identity(Wire):
    """Where a visitor is and what they use, as of the latest pageview; `params` and `referrer` are those of the first session."""

    country: str | None
    country_code: str | None
    region: str | None
    city: str | None
    params: Params
    ad_click_ids: msgspec.Raw
    browser: Version
    os: Version
    device: DeviceType
    viewport: Viewport
    language: str | None
    referrer: str | None


class VisitedPage(Wire):
    """A page and when it was seen (ISO 8601)."""

    url: str | None
    timestamp: str


class CompletedGoal(Wire):
    """A goal and when it was reached (ISO 8601)."""

    name: str
    timestamp: str
    metadata: msgspec.Raw
    description: str | None = None
    is_server: bool = False
    origin: str = "manual"


class ActivityData(Wire):
    """What a visitor did. Spans are in ms, times ISO 8601; the newest 1,000 events are listed, oldest first."""

    visit_count: int
    page_view_count: int
    time_since_first_visit: int
    time_since_current_visit: int
    first_visit_at: str
    last_visit_at: str
    current_url: str | None
    visited_pages: list[VisitedPage]
    completed_goals: list[CompletedGoal]
    completed_custom_goals: list[CompletedGoal]
    """The same under its older name, which clients still read; without goals that payments reached."""


class ProfileData(Wire):
    """Who a visitor is."""

    user_id: str
    profile_id: str
    metadata: msgspec.Raw
    identified_at: str


class VisitorData(Wire, omit_defaults=True):
    """`data` of the answer; `profile` only for identified visitors. `payments.wire.finance_json` describes what was paid, `predictions.wire` the prediction."""

    visitor_id: str
    identity: Identity
    activity: ActivityData
    prediction: msgspec.Raw
    is_customer: bool
    has_revenue: bool
    revenue: dict[str, Any]
    payment_count: int
    first_payment_at: str | None
    days_to_first_payment: int | None
    visits_to_first_payment: int | None
    payments: list[dict[str, Any]]
    profile: ProfileData | None = None


_EMPTY = msgspec.Raw(b"{}")
_NULL = msgspec.Raw(b"null")
_NOTHING_SAID = GoalData()

_decode_goal = msgspec.json.Decoder(GoalData).decode


def visitor_data(
    visitor: Visitor,
    events: list[Row],
    reached: list[ReachedGoal],
    finance: Finance | str,
    predicted: Prediction | None,
    now: int,
) -> VisitorData:
    """`data` of the answer. `events`: newest first; `reached`: by payments and subscriptions; `finance`: what was paid, or the website's currency when nothing was."""
    money = _nothing(finance) if isinstance(finance, str) else finance_json(finance)
    return VisitorData(
        format_uuid(visitor.visitor_id),
        _identity(visitor),
        _activity(visitor, events, reached, now),
        prediction_json(predicted) if predicted else _NULL,
        money["isCustomer"],
        money["hasRevenue"],
        money["revenue"],
        money["paymentCount"],
        money["firstPaymentAt"],
        money["daysToFirstPayment"],
        money["visitsToFirstPayment"],
        money["payments"],
        _profile(visitor.person) if visitor.person else None,
    )


@functools.lru_cache(256)
def _nothing(currency: str) -> dict[str, Any]:
    """What was paid by who paid nothing."""
    return finance_json(nothing_paid(currency))


def _profile(person: KnownPerson) -> ProfileData:
    metadata = msgspec.Raw(person.metadata.encode())
    return ProfileData(person.user_id, person.profile_id.hex(), metadata, to_iso(person.identified_at))


def _identity(visitor: Visitor) -> Identity:
    place, stored = visitor.place, visitor.stored_device
    device = stored.device
    return Identity(
        place.country,
        place.country_code,
        place.region,
        place.city,
        visitor.params,
        _raw(visitor.click_ids),
        Version(device.browser, device.browser_version),
        Version(device.os, device.os_version),
        DeviceType(device.type, device.vendor, device.model),
        Viewport(stored.viewport_width, stored.viewport_height),
        stored.language,
        visitor.referrer,
    )


def _activity(visitor: Visitor, events: list[Row], reached: list[ReachedGoal], now: int) -> ActivityData:
    pages: list[VisitedPage] = []
    goals: list[CompletedGoal] = []
    for event in reversed(events):
        if event.type == PAGEVIEW:
            pages.append(VisitedPage(event.url, to_iso(at_of(event.event_id))))
        elif event.type == CUSTOM:
            goals.append(CompletedGoal(event.name, to_iso(at_of(event.event_id)), _raw(event.data)))
        elif event.type == GOAL:
            goals.append(_server_goal(event))
    return ActivityData(
        visitor.session_count,
        visitor.pageview_count,
        max(now - visitor.first_seen_at, 0),
        max(now - visitor.session_started_at, 0),
        to_iso(visitor.first_seen_at),
        to_iso(visitor.last_seen_at),
        visitor.current_url,
        pages,
        _with_lifecycle(goals, reached) if reached else goals,
        goals,
    )


def _server_goal(event: Row) -> CompletedGoal:
    said = _decode_goal(event.data) if event.data else _NOTHING_SAID
    metadata = msgspec.Raw(encode(said.metadata))
    return CompletedGoal(
        event.name, to_iso(at_of(event.event_id)), metadata, said.description, is_server=True
    )


def _with_lifecycle(goals: list[CompletedGoal], reached: list[ReachedGoal]) -> list[CompletedGoal]:
    """The goals with those that payments and subscriptions reached, oldest first; the newest of them."""
    shown = [
        CompletedGoal(one.name, to_iso(one.at), _EMPTY, is_server=True, origin="payment_provider")
        for one in reached
    ]
    return sorted([*goals, *shown], key=lambda done: done.timestamp)[-MOST_EVENTS:]


def _raw(text: str | None) -> msgspec.Raw:
    """A stored JSON object as it is, or an empty one."""
    return _EMPTY if text is None else msgspec.Raw(text.encode())

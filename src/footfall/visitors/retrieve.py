"""`GET /api/v1/visitors/{id}`: one visitor, whole."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import msgspec

from footfall.auth.principal import WebsitePrincipal
from footfall.clock import to_iso
from footfall.collect.enrich.device import Device
from footfall.collect.enrich.geo import NOWHERE, Place
from footfall.collect.model import CUSTOM, GOAL, PAGEVIEW, GoalData, StoredDevice
from footfall.collect.service import sql
from footfall.db.protocol import Database, Row, Transaction
from footfall.errors import BadRequest, NotFound
from footfall.identity.model import KnownPerson
from footfall.identity.reading import profile_from
from footfall.identity.store import sql as identity_sql
from footfall.ids import MAX_AT, at_of, format_uuid, parse_uuid
from footfall.payments.finance import finance_of, nothing_paid
from footfall.payments.model import Payment
from footfall.payments.ratebook import RateBook
from footfall.payments.rates import Rates
from footfall.payments.store import END, EVERYTHING, payment_from
from footfall.payments.store import sql as payments_sql
from footfall.payments.webhooks.lifecycle import Reached, goals_reached
from footfall.payments.wire import finance_json
from footfall.web.context import Context, Handler
from footfall.web.envelope import Response, success
from footfall.web.json import encode
from footfall.websites.model import Website

MOST_EVENTS = 1000
"""Newest events of a visitor that the answer lists."""
MOST_PAYMENTS = 200
"""Payments of a visitor that are summed up on the event loop."""


class Visitor(msgspec.Struct, frozen=True, gc=False):
    """A visitor as of the latest event. Times in ms since epoch; `referrer`, `params` and `click_ids` (JSON) are of the first session.

    `person`: who it is, None when anonymous.
    """

    visitor_id: bytes
    first_seen_at: int
    last_seen_at: int
    session_started_at: int
    session_count: int
    pageview_count: int
    current_url: str | None
    place: Place
    stored_device: StoredDevice
    referrer: str | None
    params: Params
    click_ids: str | None
    person: KnownPerson | None


class Wire(msgspec.Struct, rename="camel"):
    """A part of the answer."""


class Params(Wire, rename=None):
    """What the address of the first session's first page said; all names are always there."""

    ref: str | None = None
    source: str | None = None
    via: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None


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
    """Where a visitor is and with what, as of the latest pageview; `params` and `referrer` are of the first session."""

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
    """The same under its older name, which clients still read; without what payments reached."""


class ProfileData(Wire):
    """Who a visitor is."""

    user_id: str
    profile_id: str
    metadata: msgspec.Raw
    identified_at: str


class VisitorData(Wire, omit_defaults=True):
    """`data` of the answer; `profile` only for identified visitors. What was paid is described in `payments.wire.finance_json`."""

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
_UNKNOWN = StoredDevice(Device(None, None, None, None, None, None, None))
_NO_PARAMS = Params()
_NOTHING_SAID = GoalData()

_decode_params = msgspec.json.Decoder(Params).decode
_decode_goal = msgspec.json.Decoder(GoalData).decode
_decode_device = msgspec.json.Decoder(StoredDevice).decode
_decode_place = msgspec.json.Decoder(Place).decode


def visitor_endpoint(database: Database, rates: RateBook) -> Handler[WebsitePrincipal]:
    """A visitor's identity, activity, payments and profile."""

    async def visitor(context: Context[WebsitePrincipal]) -> Response:
        visitor_id = parse_uuid(context.path_values[0])
        if visitor_id is None:
            raise BadRequest(
                "The visitor id in the path must be a UUID such as 3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b."
            )
        website = context.principal.website
        asked = VisitorQuery(website, visitor_id, context.now, await rates.rates_for(website))
        data = await database.gather(read_visitors, asked)
        if isinstance(data, TooMany):
            # Off the event loop, for it takes its time to sum them up.
            whole = asked._replace(most=EVERYTHING)
            return await database.scan(_answer_whole, whole, share=website.website_id)
        if data is None:
            raise NotFound("Visitor data not found for this website: no pageview of this visitor has come.")
        return success(data)

    return visitor


class VisitorQuery(NamedTuple):
    """Which visitor, at which time (ms since epoch); `rates`: None without payments; `most`: payments that are read at once."""

    website: Website
    visitor_id: bytes
    now: int
    rates: Rates | None
    most: int = MOST_PAYMENTS


class TooMany(msgspec.Struct, frozen=True):
    """The visitor has more payments than are read at once."""


def _answer_whole(tx: Transaction, asked: VisitorQuery) -> Response:
    return success(read_visitors(tx, [asked])[0])


def read_visitors(tx: Transaction, calls: list[VisitorQuery]) -> list[VisitorData | TooMany | None]:
    """Each visitor as the wire shows it; None before the first pageview."""
    keys = [(call.website.website_id, call.visitor_id) for call in calls]
    paying = [number for number, call in enumerate(calls) if call.website.has_payments]
    rows, events, profiles, paid = tx.groups(
        (sql.visitor_get, keys),
        (sql.timeline, [(*key, MOST_EVENTS) for key in keys]),
        (identity_sql.profile_of_visitor, keys),
        (payments_sql.of_visitor_down, [(*keys[one], b"", END, calls[one].most + 1) for one in paying]),
    )
    payments = dict(zip(paying, paid, strict=True))
    return [
        _shown(
            tx, call, _visitor(tx, keys[one], rows[one], profiles[one]), events[one], payments.get(one, [])
        )
        for one, call in enumerate(calls)
    ]


def _shown(
    tx: Transaction, asked: VisitorQuery, visitor: Visitor | None, events: list[Row], paid: list[Row]
) -> VisitorData | TooMany | None:
    if visitor is None:
        return None
    payments = [payment_from(row) for row in paid]
    if len(payments) > asked.most:
        return TooMany()
    reached = goals_reached(tx, asked.website.website_id, payments[:MOST_EVENTS]) if payments else []
    finance = _nothing(asked.website.currency) if not payments else _finance(tx, asked, visitor, payments)
    return VisitorData(
        format_uuid(asked.visitor_id),
        _identity(visitor),
        _activity(visitor, events, reached, asked.now),
        _NULL,
        finance["isCustomer"],
        finance["hasRevenue"],
        finance["revenue"],
        finance["paymentCount"],
        finance["firstPaymentAt"],
        finance["daysToFirstPayment"],
        finance["visitsToFirstPayment"],
        finance["payments"],
        _profile(visitor.person) if visitor.person else None,
    )


def _finance(
    tx: Transaction, asked: VisitorQuery, visitor: Visitor, payments: list[Payment]
) -> dict[str, Any]:
    times = [(visitor.visitor_id, 0, MAX_AT)]
    found = finance_of(tx, asked.website, payments, times, visitor.first_seen_at, asked.rates)
    return finance_json(found)


@functools.lru_cache(256)
def _nothing(currency: str) -> dict[str, Any]:
    """The same of who paid nothing."""
    return finance_json(nothing_paid(currency))


def find_visitor(tx: Transaction, website_id: bytes, visitor_id: bytes) -> Visitor | None:
    """A visitor without its events; None before the first pageview."""
    key = (website_id, visitor_id)
    rows, profiles = tx.all_together((sql.visitor_get, key), (identity_sql.profile_of_visitor, key))
    return _visitor(tx, key, rows, profiles)


def _visitor(
    tx: Transaction, key: tuple[bytes, bytes], rows: list[Row], profiles: list[Row]
) -> Visitor | None:
    """The visitor from its row and that of who it is, if there are any."""
    row = rows[0] if rows else None
    if row is None or row.pageview_count == 0:
        return None
    return visitor_from(key[1], row, profile_from(tx, key[0], profiles[0] if profiles else None))


def visitor_from(visitor_id: bytes, row: Row, person: KnownPerson | None) -> Visitor:
    """The visitor from its row."""
    return Visitor(
        visitor_id,
        row.first_seen_at,
        row.last_seen_at,
        row.session_started_at,
        row.session_count,
        row.pageview_count,
        row.current_url,
        _decode_place(row.place) if row.place else NOWHERE,
        _decode_device(row.device) if row.device else _UNKNOWN,
        row.first_referrer,
        _decode_params(row.first_params) if row.first_params else _NO_PARAMS,
        row.first_click_ids,
        person,
    )


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


def _activity(visitor: Visitor, events: list[Row], reached: list[Reached], now: int) -> ActivityData:
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


def _with_lifecycle(goals: list[CompletedGoal], reached: list[Reached]) -> list[CompletedGoal]:
    """The goals with those that payments and subscriptions reached, oldest first; the newest of them."""
    shown = [
        CompletedGoal(name, to_iso(at), _EMPTY, is_server=True, origin="payment_provider")
        for name, at in reached
    ]
    return sorted([*goals, *shown], key=lambda done: done.timestamp)[-MOST_EVENTS:]


def _raw(text: str | None) -> msgspec.Raw:
    """A stored JSON object as it is, or an empty one."""
    return _EMPTY if text is None else msgspec.Raw(text.encode())

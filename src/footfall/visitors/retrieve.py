"""`GET /api/v1/visitors/{id}`: one visitor, whole."""

from __future__ import annotations

import msgspec

from footfall.auth.principal import WebsitePrincipal
from footfall.clock import to_iso
from footfall.collect.enrich.device import Device
from footfall.collect.enrich.geo import NOWHERE, Place
from footfall.collect.model import CUSTOM, PAGEVIEW, StoredDevice
from footfall.collect.service import sql
from footfall.db.protocol import Database, Row, Transaction
from footfall.errors import BadRequest, NotFound
from footfall.identity.model import KnownPerson
from footfall.identity.reading import profile_from
from footfall.identity.store import sql as identity_sql
from footfall.ids import at_of, format_uuid, parse_uuid
from footfall.web.context import Context, Handler
from footfall.web.envelope import Response, success

MOST_EVENTS = 1000
"""Newest events of a visitor that the answer lists."""


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
    """The same under its older name, which clients still read."""


class ProfileData(Wire):
    """Who a visitor is."""

    user_id: str
    profile_id: str
    metadata: msgspec.Raw
    identified_at: str


class VisitorData(Wire, omit_defaults=True):
    """`data` of the answer; `profile` only for identified visitors."""

    visitor_id: str
    identity: Identity
    activity: ActivityData
    prediction: msgspec.Raw
    profile: ProfileData | None = None


_EMPTY = msgspec.Raw(b"{}")
_NULL = msgspec.Raw(b"null")
_UNKNOWN = StoredDevice(Device(None, None, None, None, None, None, None))
_NO_PARAMS = Params()

_decode_params = msgspec.json.Decoder(Params).decode
_decode_device = msgspec.json.Decoder(StoredDevice).decode
_decode_place = msgspec.json.Decoder(Place).decode


def visitor_endpoint(database: Database) -> Handler[WebsitePrincipal]:
    """A visitor's identity, activity and profile."""

    async def visitor(context: Context[WebsitePrincipal]) -> Response:
        visitor_id = parse_uuid(context.path_values[0])
        if visitor_id is None:
            raise BadRequest(
                "The visitor id in the path must be a UUID such as 3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b."
            )
        data = await database.read(
            read_visitor, (context.principal.website.website_id, visitor_id, context.now)
        )
        if data is None:
            raise NotFound("Visitor data not found for this website: no pageview of this visitor has come.")
        return success(data)

    return visitor


def read_visitor(tx: Transaction, asked: tuple[bytes, bytes, int]) -> VisitorData | None:
    """A visitor as the wire shows it at a time (website id, visitor id, ms since epoch); None before the first pageview."""
    website_id, visitor_id, now = asked
    key = (website_id, visitor_id)
    rows, events, profiles = tx.all_together(
        (sql.visitor_get, key), (sql.timeline, (*key, MOST_EVENTS)), (identity_sql.profile_of_visitor, key)
    )
    visitor = _visitor(tx, key, rows, profiles)
    if visitor is None:
        return None
    return VisitorData(
        format_uuid(visitor_id),
        _identity(visitor),
        _activity(visitor, events, now),
        _NULL,
        _profile(visitor.person) if visitor.person else None,
    )


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
    return Visitor(
        key[1],
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
        profile_from(tx, key[0], profiles[0] if profiles else None),
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


def _activity(visitor: Visitor, events: list[Row], now: int) -> ActivityData:
    pages: list[VisitedPage] = []
    goals: list[CompletedGoal] = []
    for event in reversed(events):
        if event.type == PAGEVIEW:
            pages.append(VisitedPage(event.url, to_iso(at_of(event.event_id))))
        elif event.type == CUSTOM:
            goals.append(CompletedGoal(event.name, to_iso(at_of(event.event_id)), _raw(event.data)))
    return ActivityData(
        visitor.session_count,
        visitor.pageview_count,
        max(now - visitor.first_seen_at, 0),
        max(now - visitor.session_started_at, 0),
        to_iso(visitor.first_seen_at),
        to_iso(visitor.last_seen_at),
        visitor.current_url,
        pages,
        goals,
        goals,
    )


def _raw(text: str | None) -> msgspec.Raw:
    """A stored JSON object as it is, or an empty one."""
    return _EMPTY if text is None else msgspec.Raw(text.encode())

"""What the public API answers, as far as it is read here: by DataFast's words, and by Footfall's where those say more. Pure.

https://datafa.st/docs/api/website/visitors/list, https://datafa.st/docs/api/website/visitors/retrieve, https://datafa.st/docs/api/account.
Any field but an id may be missing or null: which ones are told differs by the age of the account's data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

from footfall.errors import BadRequest
from footfall.history.exported import PaymentLine
from footfall.payments.money import read_decimal

T = TypeVar("T")


class _Sent(msgspec.Struct, frozen=True, rename="camel"):
    """A part of an answer."""


class SentPagination(_Sent, frozen=True):
    """Which part of a list an answer is; `next_cursor` is Footfall's."""

    has_more: bool | None = None
    next_cursor: str | None = None
    total: int | None = None


class SentPage(_Sent, Generic[T], frozen=True):
    """A page of a list."""

    data: list[T]
    pagination: SentPagination | None = None


class SentObject(_Sent, Generic[T], frozen=True):
    """One thing."""

    data: T


class SentAcquisition(_Sent, frozen=True):
    """Where a visitor came from first. `referrer`: `domain/path`."""

    referrer: str | None = None


class SentRow(_Sent, frozen=True):
    """A visitor in the list."""

    visitor_id: str
    last_seen_at: str | None = None
    acquisition: SentAcquisition | None = None


class SentName(_Sent, frozen=True):
    """A browser or a system."""

    name: str | None = None
    version: str | None = None


class SentDevice(_Sent, frozen=True):
    """A device."""

    type: str | None = None
    vendor: str | None = None
    model: str | None = None


class SentViewport(_Sent, frozen=True):
    """In CSS pixels."""

    width: int | None = None
    height: int | None = None


class SentIdentity(_Sent, frozen=True):
    """Where a visitor is, on what, and where they came from first."""

    country: str | None = None
    country_code: str | None = None
    region: str | None = None
    city: str | None = None
    params: dict[str, Any] | None = None
    ad_click_ids: dict[str, Any] | None = None
    browser: SentName | str | None = None
    os: SentName | str | None = None
    device: SentDevice | str | None = None
    viewport: SentViewport | None = None
    language: str | None = None
    referrer: str | None = None


class SentVisit(_Sent, frozen=True):
    """A page that was seen."""

    timestamp: str
    url: str | None = None


class SentGoal(_Sent, frozen=True):
    """A goal that was reached. `origin`: `manual` or `payment_provider`."""

    name: str
    timestamp: str
    metadata: dict[str, Any] | None = None
    description: str | None = None
    is_server: bool | None = None
    origin: str | None = None


class SentActivity(_Sent, frozen=True):
    """What a visitor did."""

    page_view_count: int | None = None
    last_visit_at: str | None = None
    visited_pages: list[SentVisit] | None = None
    completed_goals: list[SentGoal] | None = None
    completed_custom_goals: list[SentGoal] | None = None


class SentProfile(_Sent, frozen=True):
    """Who a visitor is."""

    user_id: str | int
    metadata: dict[str, Any] | None = None
    identified_at: str | None = None


class SentVisitor(_Sent, frozen=True):
    """A visitor with everything that is told."""

    visitor_id: str
    identity: SentIdentity | None = None
    activity: SentActivity | None = None
    profile: SentProfile | None = None


class SentMatch(_Sent, frozen=True):
    """Why a payment is whose it is. `given`: the visitor that was sent with it."""

    method: str | None = None
    given: str | None = None


class SentPayment(_Sent, frozen=True):
    """A payment. DataFast documents no list of them; this is Footfall's."""

    transaction_id: str | None
    timestamp: str
    amount: Any
    currency: str
    kind: str | None = None
    renewal: bool = False
    refunded: bool = False
    is_free_trial: bool = False
    email: str | None = None
    name: str | None = None
    customer_id: str | None = None
    visitor_id: str | None = None
    match: SentMatch | None = None


class SentWebsite(_Sent, frozen=True):
    """A website of the account, and in an answer about it alone, what it takes and leaves out."""

    website_id: str | None = msgspec.field(name="_id", default=None)
    allowed_hostnames: list[str] | None = None
    excluded_hostnames: list[str] | None = None
    excluded_paths: list[str] | None = None
    excluded_countries: list[str] | None = None
    excluded_ips: list[str] | None = None


class SentSettings(_Sent, frozen=True):
    """How a website is set up."""

    domain: str | None = None
    name: str | None = None
    timezone: str | None = None
    currency: str | None = None


class SentLook(_Sent, frozen=True):
    """How a goal is shown."""

    goal_name: str
    display_name: str | None = None
    color: str | None = None
    description: str | None = None


class SentFunnel(_Sent, frozen=True):
    """A funnel; its steps in the words of the API."""

    name: str
    steps: list[dict[str, Any]]
    is_active: bool | None = None


class SentNote(_Sent, frozen=True):
    """A note about a moment."""

    text: str
    timestamp: str
    id: str | None = None


PAYMENTS_TAKEN = ("visitor", "checkout")
"""Whose a payment is by what nothing but the visitor's id can tell here; all else follows again from addresses and ids."""


def read_answer(kind: type[T], body: bytes) -> T:
    """An answer as what it should be. Raises BadRequest."""
    try:
        return msgspec.json.Decoder(kind, float_hook=read_decimal).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"the answer has another form than documented: {error}") from None


def payment_line(paid: SentPayment) -> PaymentLine:
    """A payment as a line of an export."""
    match = paid.match or SentMatch("visitor", None)
    visitor = match.given or (paid.visitor_id if match.method in PAYMENTS_TAKEN else None)
    return PaymentLine(
        paid.transaction_id or "",
        paid.amount,
        paid.currency,
        paid.timestamp,
        paid.email,
        paid.name,
        paid.customer_id,
        visitor,
        paid.renewal,
        paid.refunded,
        paid.is_free_trial,
        "first" if paid.kind == "first" else None,
    )


def identify_records(row: SentRow, visitor: SentVisitor, earliest: str) -> list[dict[str, Any]]:
    """Calls that say who a visitor is: since they were identified, and with what is known as of their last visit. `earliest`: if neither is told."""
    profile, activity = visitor.profile, visitor.activity
    if profile is None:
        return []
    last_at = (activity.last_visit_at if activity else None) or row.last_seen_at or earliest
    first_at = profile.identified_at or last_at
    who = {"user_id": profile.user_id, "datafast_visitor_id": visitor.visitor_id}
    traits = known_traits(profile.metadata or {})
    if last_at <= first_at or not traits:
        return [{**who, "$at": first_at, **traits}]
    return [{**who, "$at": first_at}, {**who, "$at": last_at, **traits}]


def known_traits(said: Mapping[str, Any]) -> dict[str, Any]:
    """Traits that are none of an identify call's own fields."""
    own = ("", "user_id", "datafast_visitor_id", "visitorId")
    return {
        name: value
        for name, value in said.items()
        if value is not None and name[:1] != "$" and name not in own
    }


def look_body(look: SentLook) -> dict[str, Any]:
    """A look in the words of the API."""
    shown = {"displayName": look.display_name, "color": look.color, "description": look.description}
    return {"goalName": look.goal_name, **{name: text for name, text in shown.items() if text is not None}}


def funnel_body(funnel: SentFunnel) -> dict[str, Any]:
    """A funnel in the words of the API."""
    return {"name": funnel.name, "steps": funnel.steps}


def note_body(note: SentNote) -> dict[str, Any]:
    """A note in the words of the API, which makes it once."""
    key = {"idempotencyKey": f"import:{note.id}"} if note.id else {}
    return {"text": note.text, "timestamp": note.timestamp, **key}

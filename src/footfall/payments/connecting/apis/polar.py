"""Polar's API. Pure.

Lists come newest first, by number of the page: what is new moves objects to later pages, where they are met again, and passes none over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from footfall.payments.connecting.apis.shaping import (
    PAGE,
    changed,
    in_period,
    iso,
    items_of,
    newest_first,
    number_of,
    post,
)
from footfall.payments.connecting.model import ApiCall, Event, ImportPeriod, Listing, MadeWebhook, ProviderApi
from footfall.payments.providers import polar
from footfall.payments.providers.reading import Node

_BARE = {"amount": None, "cancel_at_period_end": False}
"""What a subscription is not known to have had before: its price and its end."""


def _listing(
    name: str,
    events: Callable[[Node, ImportPeriod], list[Event]],
    sorting: str = "-created_at",
    *,
    is_all: bool = False,
) -> Listing:
    """`is_all`: objects of all times, not of the period alone."""

    def call(period: ImportPeriod, cursor: str, account: str | None) -> ApiCall:
        page = (("page", str(number_of(cursor, 1))), ("limit", str(PAGE)), ("sorting", sorting))
        of = (("organization_id", account),) if account else ()
        return ApiCall("GET", f"/v1/{name}/", f"{name}:read", (*page, *of))

    def following(page: Node, objects: list[Node], cursor: str, period: ImportPeriod) -> str:
        number = number_of(cursor, 1)
        if number >= page.get("pagination").whole("max_page"):
            return ""
        return str(number + 1) if is_all else newest_first(_created_at, str(number + 1), objects, period)

    return Listing(call, items_of, following, events)


def _created_at(thing: Node) -> int:
    return thing.moment("created_at")


def _event(name: str, thing: Node, at: int, **fields: Any) -> Event:
    return {"type": name, "timestamp": iso(at), "data": changed(thing, **fields)}


def _customer(customer: Node, period: ImportPeriod) -> list[Event]:
    return [_event("customer.created", customer, _created_at(customer))]


def _order(order: Node, period: ImportPeriod) -> list[Event]:
    """It tells the sum of its refunds, as of now."""
    return in_period([(_created_at(order), _event("order.created", order, period.until))], period)


def _refund(refund: Node, period: ImportPeriod) -> list[Event]:
    """When one failed is not told, only that it did by now."""
    created = _created_at(refund)
    is_failed = refund.text("status") not in ("succeeded", "pending")
    return in_period(
        [(created, _event("refund.updated", refund, period.until if is_failed else created))], period
    )


def _subscription(subscription: Node, period: ImportPeriod) -> list[Event]:
    """Its beginning, the end of its trial, its end, and how it stands now. Prices that it had before are not known."""
    status, created = subscription.text("status"), _created_at(subscription)
    if status in ("incomplete", "incomplete_expired"):
        return []
    is_over, trial_end = status == "canceled", subscription.find_moment("trial_end")
    ended = subscription.find_moment("ended_at") or period.until
    if is_over and ended < period.since:
        return []
    first = "trialing" if trial_end else "active"
    start = _event("subscription.created", subscription, created, **_BARE, status=first)
    events = [(created, start)]
    if trial_end and trial_end < (ended if is_over else period.until) and status != "trialing":
        converted = _event("subscription.updated", subscription, trial_end, **_BARE, status="active")
        events.append((trial_end, converted))
    if is_over:
        events.append((ended, _event("subscription.revoked", subscription, ended, amount=None)))
        return in_period(events, period)
    cancelled = subscription.find_moment("canceled_at")
    if cancelled and subscription.flag("cancel_at_period_end"):
        events.append((cancelled, _event("subscription.canceled", subscription, cancelled, amount=None)))
    events.append((period.until, _event("subscription.updated", subscription, period.until)))
    return in_period(events, period)


def _make(url: str, secret: str, account: str | None) -> ApiCall:
    content = {"url": url, "format": "raw", "events": polar.EVENTS}
    of = {"organization_id": account} if account else {}
    return post("/v1/webhooks/endpoints", "webhooks:write", {**content, **of})


def _made(webhook: Node, secret: str) -> MadeWebhook:
    return MadeWebhook(webhook.text("id"), webhook.text("secret"))


def _remove(webhook_id: str) -> ApiCall:
    return ApiCall("DELETE", f"/v1/webhooks/endpoints/{quote(webhook_id, safe='')}", "webhooks:write")


API = ProviderApi(
    headers=(),
    key_fields=("polarAccessToken",),
    account_field="polarOrgId",
    listings=(
        _listing("customers", _customer),
        _listing("orders", _order),
        _listing("refunds", _refund),
        _listing("subscriptions", _subscription, "-started_at", is_all=True),
    ),
    make=_make,
    made=_made,
    remove=_remove,
)

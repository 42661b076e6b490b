"""Dodo Payments' API. Pure.

Lists come newest first, by number of the page: what is new moves objects to later pages, where they are met again, and passes none over.
They hold less than webhooks: no checkout session, and of a subscription's payment not whether it is the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from footfall.payments.connecting.apis.shaping import (
    DAY_MS,
    PAGE,
    changed,
    in_period,
    iso,
    items_of,
    number_of,
    post,
)
from footfall.payments.connecting.model import ApiCall, Event, ImportPeriod, Listing, MadeWebhook, ProviderApi
from footfall.payments.providers import dodo
from footfall.payments.providers.reading import Node

_READ, _WRITE = "read access", "write access"
_BARE = {"cancel_at_next_billing_date": False, "recurring_pre_tax_amount": None}
"""What a subscription is not known to have had before: its price and its end."""


def _listing(
    path: str, events: Callable[[Node, ImportPeriod], list[Event]], *, is_all: bool = False
) -> Listing:
    """`is_all`: objects of all times, not of the period alone."""

    def call(period: ImportPeriod, cursor: str, account: str | None) -> ApiCall:
        page = (("page_number", str(number_of(cursor, 0))), ("page_size", str(PAGE)))
        since = () if is_all else (("created_at_gte", iso(period.since)),)
        return ApiCall("GET", path, _READ, (*page, *since))

    return Listing(call, items_of, _cursor, events)


def _cursor(page: Node, objects: list[Node], cursor: str, period: ImportPeriod) -> str:
    return str(number_of(cursor, 0) + 1) if len(objects) == PAGE else ""


def _event(name: str, thing: Node, at: int, **fields: Any) -> Event:
    return {"type": name, "timestamp": iso(at), "data": changed(thing, **fields)}


def _created_at(thing: Node) -> int:
    return thing.moment("created_at")


def _payment(payment: Node, period: ImportPeriod) -> list[Event]:
    if payment.find_text("status") not in (None, "succeeded"):
        return []
    return [_event("payment.succeeded", payment, _created_at(payment))]


def _refund(refund: Node, period: ImportPeriod) -> list[Event]:
    """When one failed is not told, only that it did by now."""
    status = refund.text("status")
    if status == "failed":
        return [_event("refund.failed", refund, period.until)]
    return [_event("refund.succeeded", refund, _created_at(refund))] if status == "succeeded" else []


def _dispute(dispute: Node, period: ImportPeriod) -> list[Event]:
    """It took money when it was made; how it ended is known as of now."""
    name = dispute.text("dispute_status").replace("_", ".", 1)
    opened = _event("dispute.opened", dispute, _created_at(dispute))
    return [opened] if name == "dispute.opened" else [opened, _event(name, dispute, period.until)]


def _subscription(subscription: Node, period: ImportPeriod) -> list[Event]:
    """Its beginning, the end of its trial, its end, and how it stands now. Prices that it had before are not known."""
    status, created = subscription.text("status"), _created_at(subscription)
    if status in ("pending", "failed"):
        return []
    is_over, days = status in ("cancelled", "expired"), subscription.find_whole("trial_period_days") or 0
    ended, trial_end = _ended_at(subscription, period), created + days * DAY_MS
    if is_over and ended < period.since:
        return []
    events = [(created, _event("subscription.active", subscription, created, **_BARE, status="active"))]
    if days and trial_end < (ended if is_over else period.until):
        converted = _event("subscription.updated", subscription, trial_end, **_BARE, status="active")
        events.append((trial_end, converted))
    if is_over:
        events.append((ended, _event(f"subscription.{status}", subscription, ended, **_BARE)))
    else:
        events.append((period.until, _event("subscription.updated", subscription, period.until)))
    return in_period(events, period)


def _ended_at(subscription: Node, period: ImportPeriod) -> int:
    name = "cancelled_at" if subscription.text("status") == "cancelled" else "next_billing_date"
    return min(subscription.find_moment(name) or period.until, period.until)


def _make(url: str, secret: str, account: str | None) -> ApiCall:
    return post("/webhooks", _WRITE, {"url": url, "description": "Footfall", "filter_types": dodo.EVENTS})


def _made(webhook: Node, secret: str) -> MadeWebhook:
    return MadeWebhook(webhook.text("id"), None)


def _remove(webhook_id: str) -> ApiCall:
    return ApiCall("DELETE", f"/webhooks/{quote(webhook_id, safe='')}", _WRITE)


def _ask_secret(webhook_id: str) -> ApiCall:
    return ApiCall("GET", f"/webhooks/{quote(webhook_id, safe='')}/secret", _WRITE)


def _secret(answer: Node) -> str:
    return answer.text("secret")


API = ProviderApi(
    headers=(),
    key_fields=("dodoApiKey",),
    account_field=None,
    listings=(
        _listing("/payments", _payment),
        _listing("/refunds", _refund),
        _listing("/disputes", _dispute),
        _listing("/subscriptions", _subscription, is_all=True),
    ),
    make=_make,
    made=_made,
    remove=_remove,
    ask_secret=_ask_secret,
    secret=_secret,
)

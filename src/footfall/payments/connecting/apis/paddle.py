"""Paddle Billing's API. Pure.

Lists come newest first, from a cursor that is the id of the last object, so that what is new does not move their pages. A page has at
most 30 transactions, 50 adjustments or 200 subscriptions. Only transactions can be asked for by time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from footfall.payments.connecting.apis.shaping import changed, data_of, in_period, iso, newest_first, post
from footfall.payments.connecting.model import (
    ApiCall,
    Event,
    ImportPeriod,
    Listing,
    MadeWebhook,
    ProviderApi,
    Query,
)
from footfall.payments.providers import paddle
from footfall.payments.providers.reading import Node

_WRITE = "notification_setting.write"
_BARE: Event = {"items": [], "scheduled_change": None}
"""What a subscription is not known to have had before: its price and its end."""


def _listing(
    path: str,
    needs: str,
    page_size: int,
    events: Callable[[Node, ImportPeriod], list[Event]],
    query: Callable[[ImportPeriod], Query],
    *,
    is_all: bool = False,
) -> Listing:
    """`is_all`: every object that the list gives, not those of the period alone."""

    def call(period: ImportPeriod, cursor: str, account: str | None) -> ApiCall:
        page = (("per_page", str(page_size)), ("order_by", "id[DESC]"))
        after = (("after", cursor),) if cursor else ()
        return ApiCall("GET", path, needs, (*page, *query(period), *after))

    def following(page: Node, objects: list[Node], cursor: str, period: ImportPeriod) -> str:
        if not objects or not page.get("meta", "pagination").flag("has_more"):
            return ""
        last = objects[-1].text("id")
        return last if is_all else newest_first(_created_at, last, objects, period)

    return Listing(call, data_of, following, events)


def _no_query(period: ImportPeriod) -> Query:
    return ()


def _paid_within(period: ImportPeriod) -> Query:
    return (("status", "paid,completed"), ("billed_at[GTE]", iso(period.since)), ("include", "customer"))


def _created_at(thing: Node) -> int:
    return thing.moment("created_at")


def _event(name: str, thing: Node, at: int, **fields: Any) -> Event:
    return {
        "event_id": f"{name}/{thing.text('id')}",
        "event_type": name,
        "occurred_at": iso(at),
        "data": changed(thing, **fields),
    }


def _transaction(transaction: Node, period: ImportPeriod) -> list[Event]:
    at = transaction.find_moment("billed_at") or _created_at(transaction)
    return in_period([(at, _event("transaction.completed", transaction, at))], period)


def _adjustment(adjustment: Node, period: ImportPeriod) -> list[Event]:
    """When one was rejected or reversed is not told, only that it was by now."""
    created = _created_at(adjustment)
    at = created if adjustment.text("status") in ("approved", "pending_approval") else period.until
    return in_period([(created, _event("adjustment.updated", adjustment, at))], period)


def _subscription(subscription: Node, period: ImportPeriod) -> list[Event]:
    """Its beginning, the end of its trial, its end, and how it stands now. Prices that it had before are not known."""
    status, created = subscription.text("status"), _created_at(subscription)
    is_over, trial_end = status == "canceled", _trial_end(subscription)
    ended = subscription.find_moment("canceled_at") or period.until
    if is_over and ended < period.since:
        return []
    first = "trialing" if trial_end else "active"
    start = _event("subscription.created", subscription, created, **_BARE, status=first)
    events = [(created, start)]
    if trial_end and trial_end < (ended if is_over else period.until) and status != "trialing":
        converted = _event("subscription.updated", subscription, trial_end, **_BARE, status="active")
        events.append((trial_end, converted))
    if is_over:
        events.append((ended, _event("subscription.canceled", subscription, ended, **_BARE)))
    else:
        events.append((period.until, _event("subscription.updated", subscription, period.until)))
    return in_period(events, period)


def _trial_end(subscription: Node) -> int | None:
    ends = (item.get("trial_dates").find_moment("ends_at") for item in subscription.nodes("items"))
    return next((end for end in ends if end is not None), None)


def _make(url: str, secret: str, account: str | None) -> ApiCall:
    content = {"description": "Footfall", "destination": url, "type": "url", "api_version": 1}
    more = {"include_sensitive_fields": False, "subscribed_events": paddle.EVENTS}
    return post("/notification-settings", _WRITE, {**content, **more})


def _made(answer: Node, secret: str) -> MadeWebhook:
    webhook = answer.node("data")
    return MadeWebhook(webhook.text("id"), webhook.text("endpoint_secret_key"))


def _remove(webhook_id: str) -> ApiCall:
    return ApiCall("DELETE", f"/notification-settings/{quote(webhook_id, safe='')}", _WRITE)


API = ProviderApi(
    headers=(("paddle-version", "1"),),
    key_fields=("paddleApiKey",),
    account_field=None,
    listings=(
        _listing(
            "/transactions",
            "transaction.read and customer.read",
            30,
            _transaction,
            _paid_within,
            is_all=True,
        ),
        _listing("/adjustments", "adjustment.read", 50, _adjustment, _no_query),
        _listing("/subscriptions", "subscription.read", 200, _subscription, _no_query, is_all=True),
    ),
    make=_make,
    made=_made,
    remove=_remove,
)

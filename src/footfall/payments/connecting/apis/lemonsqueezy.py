"""Lemon Squeezy's API. Pure.

Lists come newest first, by number of the page: what is new moves objects to later pages, where they are met again, and passes none over.
Custom data of a checkout is in webhooks alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from footfall.payments.connecting.apis.shaping import (
    PAGE,
    data_of,
    in_period,
    iso,
    newest_first,
    number_of,
    post,
)
from footfall.payments.connecting.model import ApiCall, Event, ImportPeriod, Listing, MadeWebhook, ProviderApi
from footfall.payments.providers import lemonsqueezy
from footfall.payments.providers.reading import Node

_KEY = "a key of the store's owner"
_ENDS = {"cancelled": "subscription_cancelled", "expired": "subscription_expired"}
_PAID = ("paid", "refunded", "partial_refund")


def _listing(
    path: str, events: Callable[[Node, ImportPeriod], list[Event]], *, is_all: bool = False
) -> Listing:
    """`is_all`: objects of all times, not of the period alone."""

    def call(period: ImportPeriod, cursor: str, account: str | None) -> ApiCall:
        page = (("page[number]", str(number_of(cursor, 1))), ("page[size]", str(PAGE)))
        return ApiCall("GET", path, _KEY, (("filter[store_id]", account or ""), *page))

    def following(page: Node, objects: list[Node], cursor: str, period: ImportPeriod) -> str:
        number = number_of(cursor, 1)
        last = page.get("meta", "page").find_whole("lastPage")
        if last is not None and number >= last:
            return ""
        return str(number + 1) if is_all and objects else _later(objects, str(number + 1), period)

    return Listing(call, data_of, following, events)


def _later(objects: list[Node], cursor: str, period: ImportPeriod) -> str:
    return newest_first(_created_at, cursor, objects, period)


def _created_at(thing: Node) -> int:
    return thing.node("attributes").moment("created_at")


def _event(name: str, thing: Node, **fields: Any) -> Event:
    attributes = {**thing.node("attributes").values, **fields}
    return {"meta": {"event_name": name}, "data": {**thing.values, "attributes": attributes}}


def _order(order: Node, period: ImportPeriod) -> list[Event]:
    return in_period([(_created_at(order), _event("order_created", order))], period) + _refund(
        "order_refunded", order, period
    )


def _invoice(invoice: Node, period: ImportPeriod) -> list[Event]:
    if invoice.node("attributes").find_text("status") not in _PAID:
        return []
    paid = [(_created_at(invoice), _event("subscription_payment_success", invoice))]
    return in_period(paid, period) + _refund("subscription_payment_refunded", invoice, period)


def _refund(name: str, thing: Node, period: ImportPeriod) -> list[Event]:
    """The sum of its refunds, if there are any."""
    attributes = thing.node("attributes")
    if not attributes.flag("refunded") and not attributes.find_whole("refunded_amount"):
        return []
    at = attributes.find_moment("refunded_at") or attributes.moment("updated_at")
    return in_period([(at, _event(name, thing))], period)


def _subscription(subscription: Node, period: ImportPeriod) -> list[Event]:
    """Its beginning, and how it stands now."""
    attributes, created = subscription.node("attributes"), _created_at(subscription)
    status, ended = attributes.text("status"), attributes.find_moment("ends_at")
    if status == "expired" and ended is not None and ended < period.since:
        return []
    first = "on_trial" if attributes.find_moment("trial_ends_at") else "active"
    start = _event("subscription_created", subscription, status=first, updated_at=iso(created))
    changed_at = ended if status == "expired" and ended else attributes.moment("updated_at")
    now = _event(_ENDS.get(status, "subscription_updated"), subscription, updated_at=iso(changed_at))
    return [*in_period([(created, start)], period), now]


def _make(url: str, secret: str, account: str | None) -> ApiCall:
    attributes = {"url": url, "events": lemonsqueezy.EVENTS, "secret": secret}
    store = {"store": {"data": {"type": "stores", "id": account}}}
    content = {"data": {"type": "webhooks", "attributes": attributes, "relationships": store}}
    return post("/v1/webhooks", _KEY, content)


def _made(answer: Node, secret: str) -> MadeWebhook:
    return MadeWebhook(answer.node("data").text("id"), secret)


def _remove(webhook_id: str) -> ApiCall:
    return ApiCall("DELETE", f"/v1/webhooks/{quote(webhook_id, safe='')}", _KEY)


def _account(answer: Node) -> str | None:
    stores = answer.nodes("data")
    return stores[0].text("id") if len(stores) == 1 else None


API = ProviderApi(
    headers=(("accept", "application/vnd.api+json"), ("content-type", "application/vnd.api+json")),
    key_fields=("lemonsqueezyApiKey",),
    account_field="lemonsqueezyStoreId",
    listings=(
        _listing("/v1/orders", _order),
        _listing("/v1/subscriptions", _subscription, is_all=True),
        _listing("/v1/subscription-invoices", _invoice),
    ),
    make=_make,
    made=_made,
    remove=_remove,
    ask_accounts=ApiCall("GET", "/v1/stores", _KEY, (("page[size]", str(PAGE)),)),
    account=_account,
)

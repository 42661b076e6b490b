"""Lemon Squeezy's webhooks. Pure.

A subscription's first period is reported twice, by an order and by an invoice (`billing_reason` is `initial`). The order is the payment; the
invoice only links its id to it. Deliveries have neither an id nor a time of signing, so a replay can be recognized only by its body.
Ids are numbers, counted separately for orders, invoices and subscriptions; amounts are in the minor units of ISO 4217.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from footfall.payments.providers.model import (
    Delivery,
    Interval,
    Kind,
    Linked,
    Paid,
    Payer,
    Refunded,
    Seen,
    SignatureProblem,
    State,
    SubscriptionMoved,
    Told,
    What,
    deliver,
    first_of,
)
from footfall.payments.providers.reading import Node, beside, either, hash_body, open_body, read_metadata
from footfall.payments.providers.signing import verify_plain
from footfall.payments.providers.spans import interval_between

EVENTS = (
    "order_created",
    "order_refunded",
    "subscription_cancelled",
    "subscription_created",
    "subscription_expired",
    "subscription_payment_recovered",
    "subscription_payment_refunded",
    "subscription_payment_success",
    "subscription_plan_changed",
    "subscription_resumed",
    "subscription_updated",
)
"""The events to select."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: int) -> SignatureProblem | None:
    """`now` is not used: the signature has no time."""
    return verify_plain(secret, headers.get("x-signature"), body)


def read(body: bytes) -> Delivery:
    """Raises BadDelivery."""
    envelope = open_body(body)
    meta = envelope.node("meta")
    event, data = meta.text("event_name"), envelope.node("data")
    reader = _READERS.get(event)
    told = reader(event, data, meta) if reader else f"{event} tells nothing of payments"
    attributes = data.get("attributes")
    return deliver(
        told,
        delivery_id=hash_body(body),
        event=event,
        at=attributes.find_moment("updated_at"),
        is_live=not (meta.flag("test_mode") or attributes.flag("test_mode")),
        account=attributes.find_text("store_id"),
    )


def _read_order(event: str, data: Node, meta: Node) -> Told:
    order = data.node("attributes")
    status = order.find_text("status")
    if status in ("pending", "failed", "fraudulent"):
        return f"the order is {status}"
    paid = Paid(
        ids=_ids_of_order(data),
        at=order.moment("created_at"),
        money=order.money("total", "currency"),
        payer=_payer(order, meta),
        kind="unknown",
        checkout_ids=tuple(one for one in (order.find_text("identifier"), data.text("id")) if one),
    )
    return (paid,)


def _read_order_refund(event: str, data: Node, meta: Node) -> Told:
    return _refunds(_ids_of_order(data), data.node("attributes"))


def _read_invoice(event: str, data: Node, meta: Node) -> Told:
    invoice = data.node("attributes")
    subscription_id, reason = _subscription(invoice), invoice.find_text("billing_reason")
    if reason == "initial":
        return (Linked(_ids_of_invoice(data)),)
    paid = Paid(
        ids=_ids_of_invoice(data),
        at=invoice.moment("updated_at" if event == "subscription_payment_recovered" else "created_at"),
        money=invoice.money("total", "currency"),
        payer=_payer(invoice, meta),
        kind=_KIND_OF_REASON.get(reason or "", "unknown"),
        subscription_id=subscription_id,
    )
    if paid.kind != "renewal":
        return (paid,)
    return paid, SubscriptionMoved(subscription_id, paid.at, "renewed", "active", paid.payer)


_KIND_OF_REASON: dict[str, Kind] = {"renewal": "renewal", "updated": "update"}


def _read_invoice_refund(event: str, data: Node, meta: Node) -> Told:
    return _refunds(_ids_of_invoice(data), data.node("attributes"))


def _refunds(ids: tuple[str, ...], attributes: Node) -> Told:
    """The sum of all refunds so far; before partial refunds existed, no amount was given."""
    at = attributes.find_moment("refunded_at") or attributes.moment("updated_at")
    amount = "total" if attributes.values.get("refunded_amount") is None else "refunded_amount"
    return (Refunded(ids, refund_id=None, at=at, money=attributes.money(amount, "currency")),)


def _read_new_subscription(event: str, data: Node, meta: Node) -> Told:
    subscription = data.node("attributes")
    subscription_id, order_id = f"subscription_{data.text('id')}", subscription.find_text("order_id")
    link = (Linked((f"order_{order_id}", first_of(subscription_id))),) if order_id else ()
    is_trial = subscription.find_text("status") == "on_trial"
    return _move("trial_started" if is_trial else "started", data, meta) + link


def _read_subscription(event: str, data: Node, meta: Node) -> Told:
    moved = _move(_WHATS.get(event, "updated"), data, meta)
    return moved or f"the subscription is {data.node('attributes').text('status')}"


_WHATS: dict[str, What] = {
    "subscription_cancelled": "cancel_scheduled",
    "subscription_resumed": "reactivated",
    "subscription_expired": "ended",
}


def _move(what: What, data: Node, meta: Node) -> tuple[SubscriptionMoved, ...]:
    """Nothing for an unknown status."""
    subscription = data.node("attributes")
    status = subscription.text("status")
    if status not in _STATES:
        return ()
    moved = SubscriptionMoved(
        subscription_id=f"subscription_{data.text('id')}",
        at=subscription.moment("updated_at"),
        what=what,
        state=_STATES[status],
        payer=_payer(subscription, meta),
        interval=_interval(subscription) if what == "started" else None,
    )
    return (moved,)


_STATES: dict[str, State] = {
    "on_trial": "trialing",
    "active": "active",
    "paused": "paused",
    "past_due": "past_due",
    "unpaid": "past_due",
    "cancelled": "cancelling",
    "expired": "ended",
}


@beside
def _interval(subscription: Node) -> Interval | None:
    """How often it recurs, judged by its first period: nothing else says so."""
    start, end = subscription.find_moment("created_at"), subscription.find_moment("renews_at")
    return None if start is None or end is None else interval_between(start, end)


def _read_customer(event: str, data: Node, meta: Node) -> Told:
    customer = data.node("attributes")
    known = Payer(data.text("id"), customer.loose("email"), customer.find_label("name"))
    return (Seen(either(known, read_metadata(_custom_data(meta)))),)


def _payer(attributes: Node, meta: Node) -> Payer:
    known = Payer(
        attributes.find_text("customer_id"),
        attributes.loose("user_email"),
        attributes.find_label("user_name"),
    )
    return either(known, read_metadata(_custom_data(meta)))


def _custom_data(meta: Node) -> Node:
    """An empty one arrives as an empty list."""
    return meta.get("custom_data") if type(meta.values.get("custom_data")) is dict else Node({})


def _ids_of_order(data: Node) -> tuple[str, ...]:
    identifier = data.node("attributes").find_text("identifier")
    return (f"order_{data.text('id')}", *((identifier,) if identifier else ()))


def _ids_of_invoice(data: Node) -> tuple[str, ...]:
    invoice = data.node("attributes")
    is_first = invoice.find_text("billing_reason") == "initial"
    first = (first_of(_subscription(invoice)),) if is_first else ()
    return (f"invoice_{data.text('id')}", *first)


def _subscription(invoice: Node) -> str:
    return f"subscription_{invoice.text('subscription_id')}"


_READERS: dict[str, Callable[[str, Node, Node], Told]] = {
    "order_created": _read_order,
    "order_refunded": _read_order_refund,
    "subscription_payment_success": _read_invoice,
    "subscription_payment_recovered": _read_invoice,
    "subscription_payment_refunded": _read_invoice_refund,
    "subscription_created": _read_new_subscription,
    "subscription_cancelled": _read_subscription,
    "subscription_expired": _read_subscription,
    "subscription_paused": _read_subscription,
    "subscription_plan_changed": _read_subscription,
    "subscription_resumed": _read_subscription,
    "subscription_unpaused": _read_subscription,
    "subscription_updated": _read_subscription,
    "customer_created": _read_customer,
    "customer_updated": _read_customer,
}

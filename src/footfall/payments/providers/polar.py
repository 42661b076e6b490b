"""Polar's webhooks. Pure.

Amounts are in the minor units of ISO 4217. An order that costs nothing may arrive as `order.created` alone, and never as `order.paid`.
Production and sandbox are separate, each with its own endpoints, and no delivery says which it is from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from footfall.payments.money import Money
from footfall.payments.providers.model import (
    Delivery,
    Interval,
    Kind,
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
)
from footfall.payments.providers.reading import (
    Node,
    beside,
    either,
    hash_body,
    open_body,
    per_month,
    read_interval,
    read_metadata,
)
from footfall.payments.providers.signing import literal_keys, standard_keys, verify_standard

EVENTS = (
    "checkout.updated",
    "customer.created",
    "customer.updated",
    "order.created",
    "order.paid",
    "order.refunded",
    "refund.created",
    "refund.updated",
    "subscription.active",
    "subscription.canceled",
    "subscription.created",
    "subscription.past_due",
    "subscription.revoked",
    "subscription.uncanceled",
    "subscription.updated",
)
"""The events to select."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: int) -> SignatureProblem | None:
    """Secrets created since September 2026 hold the key in base64; older ones are the key as written."""
    return verify_standard(standard_keys(secret) + literal_keys(secret), headers, body, now)


def read(body: bytes) -> Delivery:
    """Raises BadDelivery."""
    envelope = open_body(body)
    event, data = envelope.text("type"), envelope.node("data")
    at = envelope.find_moment("timestamp") or data.find_moment("modified_at") or data.moment("created_at")
    reader = _READERS.get(event)
    told = reader(event, data, at) if reader else f"{event} tells nothing of payments"
    return deliver(
        told,
        delivery_id=hash_body(body),
        event=event,
        at=at,
        is_live=None,
        account=_account(data),
    )


def _account(data: Node) -> str | None:
    holders = (data, data.get("customer"), data.get("product"))
    return next((found for holder in holders if (found := holder.find_text("organization_id"))), None)


def _read_order(event: str, order: Node, at: int) -> Told:
    status = order.find_text("status")
    if status not in (None, "paid", "refunded", "partially_refunded"):
        return f"the order is {status}"
    paid = _pay(order, at if event == "order.paid" else order.moment("created_at"))
    moved = _renewal(paid)
    return (paid, *moved, *_sum_of_refunds(order, at))


def _pay(order: Node, at: int) -> Paid:
    kind = _KIND_OF_REASON.get(order.find_text("billing_reason") or "", "unknown")
    money, interval = _total(order), _interval(order.get("subscription"))
    subscription_id, checkout_id = order.find_text("subscription_id"), order.find_text("checkout_id")
    return Paid(
        ids=(order.text("id"),),
        at=at,
        money=money,
        payer=_payer(order),
        kind=kind,
        checkout_ids=(checkout_id,) if checkout_id and kind in ("first", "one_off") else (),
        subscription_id=subscription_id,
        interval=interval,
        monthly=_monthly_of_order(order, interval) if kind in ("first", "renewal") else None,
        is_free_trial=kind == "first" and money.minor == 0,
    )


_KIND_OF_REASON: dict[str, Kind] = {
    "purchase": "one_off",
    "subscription_create": "first",
    "subscription_cycle": "renewal",
    "subscription_update": "update",
}


def _total(order: Node) -> Money:
    if order.values.get("total_amount") is not None:
        return order.money("total_amount", "currency")
    return Money(_net(order) + (order.find_whole("tax_amount") or 0), order.currency("currency"))


def _net(order: Node) -> int:
    """Minus discounts, before tax."""
    return order.minor("amount" if order.values.get("net_amount") is None else "net_amount")


@beside
def _monthly_of_order(order: Node, interval: Interval | None) -> Money | None:
    net = _net(order)
    return Money(round(per_month(net, interval)), order.currency("currency")) if interval and net else None


def _renewal(paid: Paid) -> tuple[SubscriptionMoved, ...]:
    if paid.kind != "renewal" or paid.subscription_id is None:
        return ()
    return (
        SubscriptionMoved(
            paid.subscription_id, paid.at, "renewed", "active", paid.payer, paid.monthly, paid.interval
        ),
    )


def _sum_of_refunds(order: Node, at: int) -> tuple[Refunded, ...]:
    amount = order.find_whole("refunded_amount") or 0
    if amount <= 0:
        return ()
    money = Money(amount + (order.find_whole("refunded_tax_amount") or 0), order.currency("currency"))
    return (Refunded((order.text("id"),), refund_id=None, at=at, money=money),)


def _read_refund(event: str, refund: Node, at: int) -> Told:
    status = refund.text("status")
    if status == "pending":
        return "the refund is pending"
    money = Money(
        refund.minor("amount") + (refund.find_whole("tax_amount") or 0), refund.currency("currency")
    )
    return (Refunded((refund.text("order_id"),), refund.text("id"), at, money, status != "succeeded"),)


def _read_subscription(event: str, subscription: Node, at: int) -> Told:
    status = subscription.text("status")
    if status not in _STATES:
        return f"the subscription is {status}"
    state = _state(subscription)
    moved = SubscriptionMoved(
        subscription_id=subscription.text("id"),
        at=at,
        what=_what(event, state),
        state=state,
        payer=_payer(subscription),
        monthly=_monthly(subscription),
        interval=_interval(subscription),
    )
    return (moved,)


def _what(event: str, state: State) -> What:
    if event in ("subscription.created", "subscription.active"):
        return "trial_started" if state == "trialing" else "started"
    if event == "subscription.canceled":
        return "ended" if state == "ended" else "cancel_scheduled"
    return _WHATS.get(event, "updated")


_WHATS: dict[str, What] = {"subscription.uncanceled": "reactivated", "subscription.revoked": "ended"}
_STATES: dict[str, State] = {
    "incomplete_expired": "ended",
    "trialing": "trialing",
    "active": "active",
    "past_due": "past_due",
    "unpaid": "past_due",
    "paused": "paused",
    "canceled": "ended",
}


def _state(subscription: Node) -> State:
    status = subscription.text("status")
    is_cancelling = subscription.flag("cancel_at_period_end") and status in ("active", "trialing")
    return "cancelling" if is_cancelling else _STATES[status]


@beside
def _interval(subscription: Node) -> Interval | None:
    return read_interval(subscription, "recurring_interval", "recurring_interval_count")


@beside
def _monthly(subscription: Node) -> Money | None:
    """None with a discount: whether the amount already includes it is not documented."""
    interval = _interval(subscription)
    if interval is None or subscription.values.get("amount") is None or _has_discount(subscription):
        return None
    amount = per_month(subscription.minor("amount"), interval)
    return Money(round(amount), subscription.currency("currency"))


def _has_discount(subscription: Node) -> bool:
    return subscription.values.get("discount_id") is not None or subscription.find("discount") is not None


def _read_customer(event: str, customer: Node, at: int) -> Told:
    known = Payer(
        customer_id=customer.text("id"),
        email=customer.loose("email"),
        name=customer.find_label("name"),
        external_id=customer.loose("external_id"),
    )
    return (Seen(either(known, read_metadata(customer.get("metadata")))),)


def _read_checkout(event: str, checkout: Node, at: int) -> Told:
    if checkout.find_text("status") != "succeeded":
        return "the checkout is not paid"
    known = Payer(
        customer_id=checkout.find_text("customer_id"),
        email=checkout.loose("customer_email"),
        name=checkout.find_label("customer_name"),
        external_id=checkout.loose("external_customer_id") or checkout.loose("customer_external_id"),
    )
    return (Seen(either(known, _said(checkout))),)


def _payer(node: Node) -> Payer:
    """Of an order or subscription; `user` has the format from before there were customers."""
    customer, user = node.get("customer"), node.get("user")
    known = Payer(
        customer_id=node.find_text("customer_id") or customer.find_text("id"),
        email=customer.loose("email") or user.loose("email"),
        name=customer.find_label("name") or user.find_label("public_name"),
        external_id=customer.loose("external_id"),
    )
    return either(known, _said(node))


def _said(node: Node) -> Payer:
    """What the metadata holds; a checkout link puts its `reference_id` there."""
    metadata = node.get("metadata")
    reference = metadata.loose("reference_id")
    return either(read_metadata(metadata), Payer(visitor_id=reference, external_id=reference))


_READERS: dict[str, Callable[[str, Node, int], Told]] = {
    "order.created": _read_order,
    "order.paid": _read_order,
    "order.refunded": _read_order,
    "order.updated": _read_order,
    "refund.created": _read_refund,
    "refund.updated": _read_refund,
    "subscription.active": _read_subscription,
    "subscription.canceled": _read_subscription,
    "subscription.created": _read_subscription,
    "subscription.past_due": _read_subscription,
    "subscription.revoked": _read_subscription,
    "subscription.uncanceled": _read_subscription,
    "subscription.updated": _read_subscription,
    "customer.created": _read_customer,
    "customer.state_changed": _read_customer,
    "customer.updated": _read_customer,
    "checkout.updated": _read_checkout,
}

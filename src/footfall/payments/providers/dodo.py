"""Dodo Payments' webhooks. Pure.

Amounts are in the minor units of ISO 4217. A payment of a subscription does not say whether it is the first. Live and test mode have
their own endpoints; only the address of a checkout reveals test mode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from footfall.payments.money import Money
from footfall.payments.providers.model import (
    Delivery,
    Disputed,
    Interval,
    Paid,
    Payer,
    Refunded,
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
from footfall.payments.providers.signing import standard_keys, verify_standard

EVENTS = (
    "dispute.accepted",
    "dispute.cancelled",
    "dispute.challenged",
    "dispute.expired",
    "dispute.lost",
    "dispute.opened",
    "dispute.won",
    "payment.succeeded",
    "refund.failed",
    "refund.succeeded",
    "subscription.active",
    "subscription.cancelled",
    "subscription.expired",
    "subscription.on_hold",
    "subscription.plan_changed",
    "subscription.renewed",
    "subscription.updated",
)
"""The events to select."""
_DAY_MS = 86_400_000


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: int) -> SignatureProblem | None:
    return verify_standard(standard_keys(secret), headers, body, now)


def read(body: bytes) -> Delivery:
    """Raises BadDelivery."""
    envelope = open_body(body)
    event, data, at = envelope.text("type"), envelope.node("data"), envelope.moment("timestamp")
    reader = _READERS.get(event)
    told = reader(event, data, at) if reader else f"{event} tells nothing of payments"
    return deliver(
        told,
        delivery_id=hash_body(body),
        event=event,
        at=at,
        is_live=_is_live(data),
        account=envelope.find_text("business_id") or data.find_text("business_id"),
    )


def _is_live(data: Node) -> bool | None:
    link = data.values.get("payment_link")
    return False if isinstance(link, str) and link.startswith("https://test.") else None


def _read_payment(event: str, payment: Node, at: int) -> Told:
    money, subscription_id = payment.money("total_amount", "currency"), payment.find_text("subscription_id")
    payment_id, session_id = payment.text("payment_id"), payment.find_text("checkout_session_id")
    paid = Paid(
        ids=(payment_id,),
        at=at,
        money=money,
        payer=_payer(payment),
        kind="unknown" if subscription_id else "one_off",
        checkout_ids=(payment_id, *((session_id,) if session_id else ())),
        subscription_id=subscription_id,
        is_free_trial=subscription_id is not None and money.minor == 0,
    )
    return (paid,)


def _read_refund(event: str, refund: Node, at: int) -> Told:
    is_stated = refund.values.get("amount") is not None and refund.values.get("currency") is not None
    money = refund.money("amount", "currency") if is_stated else None
    is_failed = event == "refund.failed"
    return (Refunded((refund.text("payment_id"),), refund.text("refund_id"), at, money, is_failed),)


def _read_dispute(event: str, dispute: Node, at: int) -> Told:
    ids = (dispute.text("payment_id"),)
    return (Disputed(ids, dispute.text("dispute_id"), at, _disputed_money(dispute), _DISPUTES[event]),)


_DISPUTES: dict[str, Literal["opened", "won", "lost"]] = {
    "dispute.opened": "opened",
    "dispute.challenged": "opened",
    "dispute.accepted": "lost",
    "dispute.expired": "lost",
    "dispute.lost": "lost",
    "dispute.cancelled": "won",
    "dispute.won": "won",
}


def _disputed_money(dispute: Node) -> Money | None:
    """The amount is a text. With a decimal point, its unit is not documented, so it counts as the whole payment."""
    if "." in dispute.text("amount"):
        return None
    return Money(dispute.digits("amount"), dispute.currency("currency"))


def _read_subscription(event: str, subscription: Node, at: int) -> Told:
    status = subscription.text("status")
    if status not in _STATES:
        return f"the subscription is {status}"
    state = _state(subscription, at)
    moved = SubscriptionMoved(
        subscription_id=subscription.text("subscription_id"),
        at=at,
        what=_what(event, state, subscription),
        state=state,
        payer=_payer(subscription),
        monthly=_monthly(subscription),
        interval=_interval(subscription),
    )
    return (moved,)


def _what(event: str, state: State, subscription: Node) -> What:
    """A renewal may also be sent for the first period."""
    is_start = event == "subscription.renewed" and _is_first_period(subscription)
    if event == "subscription.active" or is_start:
        return "trial_started" if state == "trialing" else "started"
    if event == "subscription.cancelled":
        return "cancel_scheduled" if state == "cancelling" else "ended"
    return _WHATS.get(event, "updated")


_WHATS: dict[str, What] = {"subscription.renewed": "renewed", "subscription.expired": "ended"}
_STATES: dict[str, State] = {
    "active": "active",
    "past_due": "past_due",
    "on_hold": "past_due",
    "paused": "paused",
    "cancelled": "ended",
    "failed": "ended",
    "expired": "ended",
}


def _state(subscription: Node, at: int) -> State:
    status = subscription.text("status")
    if status != "active":
        return _STATES[status]
    if subscription.flag("cancel_at_next_billing_date"):
        return "cancelling"
    return "trialing" if at < _trial_end(subscription) else "active"


def _is_first_period(subscription: Node) -> bool:
    billed_at = subscription.find_moment("previous_billing_date")
    return billed_at is not None and billed_at < subscription.moment("created_at") + _DAY_MS


def _trial_end(subscription: Node) -> int:
    days = subscription.find_whole("trial_period_days") or 0
    return subscription.moment("created_at") + days * _DAY_MS


@beside
def _interval(subscription: Node) -> Interval | None:
    return read_interval(subscription, "payment_frequency_interval", "payment_frequency_count")


@beside
def _monthly(subscription: Node) -> Money | None:
    interval = _interval(subscription)
    if interval is None or subscription.values.get("recurring_pre_tax_amount") is None:
        return None
    amount = per_month(subscription.minor("recurring_pre_tax_amount"), interval)
    return Money(round(amount), subscription.currency("currency"))


def _payer(node: Node) -> Payer:
    customer = node.get("customer")
    known = Payer(customer.find_text("customer_id"), customer.loose("email"), customer.find_label("name"))
    return either(known, read_metadata(node.get("metadata"), customer.get("metadata")))


_READERS: dict[str, Callable[[str, Node, int], Told]] = {
    "payment.succeeded": _read_payment,
    "refund.failed": _read_refund,
    "refund.succeeded": _read_refund,
    **dict.fromkeys(_DISPUTES, _read_dispute),
    "subscription.active": _read_subscription,
    "subscription.cancelled": _read_subscription,
    "subscription.expired": _read_subscription,
    "subscription.on_hold": _read_subscription,
    "subscription.past_due": _read_subscription,
    "subscription.paused": _read_subscription,
    "subscription.plan_changed": _read_subscription,
    "subscription.renewed": _read_subscription,
    "subscription.unpaused": _read_subscription,
    "subscription.updated": _read_subscription,
}

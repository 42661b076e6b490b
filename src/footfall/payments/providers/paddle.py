"""Paddle Billing's webhooks. Pure.

Amounts are strings of digits, in the minor units of ISO 4217. Refunds and chargebacks are adjustments of a transaction. Customers are sent
separately: a transaction has only their id. Production and sandbox have their own destinations, and no delivery says which it is from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Literal

from footfall.payments.money import Money
from footfall.payments.providers.model import (
    Delivery,
    Disputed,
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
    open_body,
    per_month,
    read_interval,
    read_metadata,
)
from footfall.payments.providers.signing import verify_timed

EVENTS = (
    "adjustment.created",
    "adjustment.updated",
    "customer.created",
    "customer.updated",
    "subscription.activated",
    "subscription.canceled",
    "subscription.created",
    "subscription.past_due",
    "subscription.paused",
    "subscription.resumed",
    "subscription.trialing",
    "subscription.updated",
    "transaction.completed",
)
"""The events to select."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: int) -> SignatureProblem | None:
    header = headers.get("paddle-signature")
    return verify_timed(secret, header, body, now, names=("ts", "h1"), separators=(";", ":"))


def read(body: bytes) -> Delivery:
    """Raises BadDelivery."""
    envelope = open_body(body)
    event, data, at = envelope.text("event_type"), envelope.node("data"), envelope.moment("occurred_at")
    reader = _READERS.get(event)
    told = reader(event, data, at) if reader else f"{event} tells nothing of payments"
    return deliver(
        told,
        delivery_id=envelope.text("event_id"),
        event=event,
        at=at,
        is_live=None,
        account=None,
    )


def _read_transaction(event: str, transaction: Node, at: int) -> Told:
    if transaction.text("status") not in ("paid", "completed"):
        return "the transaction is not paid"
    paid = _pay(transaction, at)
    if transaction.find_text("origin") == "subscription_payment_method_change" and paid.money.minor == 0:
        return "only the way to pay was changed"
    if paid.kind != "renewal" or paid.subscription_id is None:
        return (paid,)
    moved = SubscriptionMoved(
        paid.subscription_id, paid.at, "renewed", "active", paid.payer, paid.monthly, paid.interval
    )
    return paid, moved


def _pay(transaction: Node, at: int) -> Paid:
    totals = transaction.node("details").node("totals")
    money = Money(totals.digits("grand_total"), transaction.currency("currency_code"))
    interval, subscription_id = _interval_of_items(transaction), transaction.find_text("subscription_id")
    kind = _kind(transaction, subscription_id is not None or interval is not None)
    invoice_id = transaction.find_text("invoice_id")
    return Paid(
        ids=(transaction.text("id"), *((invoice_id,) if invoice_id else ())),
        at=_captured_at(transaction) or at,
        money=money,
        payer=_payer(transaction),
        kind=kind,
        checkout_ids=(transaction.text("id"),),
        subscription_id=subscription_id,
        interval=interval,
        monthly=_monthly_of_transaction(transaction) if kind in ("first", "renewal") else None,
        is_free_trial=kind == "first" and money.minor == 0,
    )


def _kind(transaction: Node, is_recurring: bool) -> Kind:
    origin = transaction.find_text("origin") or ""
    if origin in ("web", "api"):
        return "first" if is_recurring else "one_off"
    return _KIND_OF_ORIGIN.get(origin, "unknown")


_KIND_OF_ORIGIN: dict[str, Kind] = {
    "subscription_recurring": "renewal",
    "subscription_payment_method_change": "renewal",
    "subscription_charge": "update",
    "subscription_update": "update",
}


def _captured_at(transaction: Node) -> int | None:
    payments = transaction.nodes("payments")
    times = [one.find_moment("captured_at") for one in payments if one.find_text("status") == "captured"]
    return max((time for time in times if time is not None), default=None)


@beside
def _monthly_of_transaction(transaction: Node) -> Money | None:
    """What its recurring lines add up to per month, minus discounts and without tax."""
    cycles = {
        item.get("price").find_text("id"): read_interval(
            item.get("price", "billing_cycle"), "interval", "frequency"
        )
        for item in transaction.nodes("items")
    }
    lines = [
        (line, cycles.get(line.find_text("price_id")))
        for line in transaction.get("details").nodes("line_items")
    ]
    nets = [per_month(_net(line.node("totals")), cycle) for line, cycle in lines if cycle]
    total = round(sum(nets, Fraction()))
    return Money(total, transaction.currency("currency_code")) if total > 0 else None


def _net(totals: Node) -> int:
    return totals.digits("subtotal") - totals.digits("discount")


@beside
def _interval_of_items(node: Node) -> Interval | None:
    cycles = (item.get("price", "billing_cycle") for item in node.nodes("items"))
    return next((found for cycle in cycles if (found := read_interval(cycle, "interval", "frequency"))), None)


def _read_adjustment(event: str, adjustment: Node, at: int) -> Told:
    action, status = adjustment.text("action"), adjustment.text("status")
    if status == "pending_approval":
        return "the adjustment waits for Paddle's approval"
    if action == "refund":
        return (_refund(adjustment, at, is_failed=status != "approved"),)
    if action not in _DISPUTES:
        return f"{action} gives no money back"
    return (_dispute(adjustment, at, "won" if status != "approved" else _DISPUTES[action]),)


_DISPUTES: dict[str, Literal["opened", "won", "lost"]] = {
    "chargeback": "lost",
    "chargeback_reverse": "won",
}
"""A chargeback warning is not a chargeback: money moves with the chargeback, or with the refund that prevents it."""


def _refund(adjustment: Node, at: int, is_failed: bool) -> Refunded:
    ids = (adjustment.text("transaction_id"),)
    return Refunded(ids, adjustment.text("id"), at, _money_of_adjustment(adjustment), is_failed)


def _dispute(adjustment: Node, at: int, state: Literal["opened", "won", "lost"]) -> Disputed:
    """Named by its transaction: a reversal is a separate adjustment, which does not name the chargeback."""
    transaction_id = adjustment.text("transaction_id")
    return Disputed((transaction_id,), transaction_id, at, _money_of_adjustment(adjustment), state)


def _money_of_adjustment(adjustment: Node) -> Money:
    return Money(adjustment.node("totals").digits("total"), adjustment.currency("currency_code"))


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
        interval=_interval_of_items(subscription),
    )
    return (moved,)


def _what(event: str, state: State) -> What:
    if event in ("subscription.created", "subscription.activated"):
        return "trial_started" if state == "trialing" else "started"
    return "ended" if event == "subscription.canceled" else "updated"


_STATES: dict[str, State] = {
    "trialing": "trialing",
    "active": "active",
    "past_due": "past_due",
    "paused": "paused",
    "canceled": "ended",
}


def _state(subscription: Node) -> State:
    status = subscription.text("status")
    is_cancelling = subscription.get("scheduled_change").find_text("action") == "cancel"
    return "cancelling" if is_cancelling and status in ("active", "trialing") else _STATES[status]


@beside
def _monthly(subscription: Node) -> Money | None:
    """What all recurring items bring per month; None with a discount, whose size is not sent, or with prices in several currencies."""
    currency = subscription.currency("currency_code")
    items = [item for item in subscription.nodes("items") if item.get("price").find("billing_cycle")]
    parts = [_part(item, currency) for item in items]
    known = [part for part in parts if part is not None]
    if subscription.find("discount") or not items or len(known) < len(parts):
        return None
    return Money(round(sum(known, Fraction())), currency)


def _part(item: Node, currency: str) -> Fraction | None:
    price = item.get("price")
    interval, quantity = (
        read_interval(price.get("billing_cycle"), "interval", "frequency"),
        item.find_whole("quantity"),
    )
    prices = {one.digits("amount") for one in _prices(price) if one.currency("currency_code") == currency}
    if interval is None or len(prices) != 1:
        return None
    return per_month(prices.pop() * (1 if quantity is None else quantity), interval)


def _prices(price: Node) -> list[Node]:
    """The price; and those for countries, which may be in other currencies."""
    overrides = [override.node("unit_price") for override in price.nodes("unit_price_overrides")]
    return [price.node("unit_price"), *overrides]


def _read_customer(event: str, customer: Node, at: int) -> Told:
    known = Payer(customer.text("id"), customer.loose("email"), customer.find_label("name"))
    return (Seen(either(known, read_metadata(customer.get("custom_data")))),)


def _payer(node: Node) -> Payer:
    customer = node.get("customer")
    known = Payer(
        node.find_text("customer_id") or customer.find_text("id"),
        customer.loose("email"),
        customer.find_label("name"),
    )
    return either(known, read_metadata(node.get("custom_data")))


_READERS: dict[str, Callable[[str, Node, int], Told]] = {
    "transaction.completed": _read_transaction,
    "transaction.paid": _read_transaction,
    "adjustment.created": _read_adjustment,
    "adjustment.updated": _read_adjustment,
    "subscription.activated": _read_subscription,
    "subscription.canceled": _read_subscription,
    "subscription.created": _read_subscription,
    "subscription.imported": _read_subscription,
    "subscription.past_due": _read_subscription,
    "subscription.paused": _read_subscription,
    "subscription.resumed": _read_subscription,
    "subscription.trialing": _read_subscription,
    "subscription.updated": _read_subscription,
    "customer.created": _read_customer,
    "customer.updated": _read_customer,
}

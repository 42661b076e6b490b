"""Stripe's subscriptions: how they changed, and what they bring per month. Pure."""

from __future__ import annotations

from footfall.payments.providers.model import Paid, Payer, State, SubscriptionMoved, What
from footfall.payments.providers.reading import Node, either, read_metadata
from footfall.payments.providers.stripe_lines import lines_of
from footfall.payments.providers.stripe_prices import find_interval, monthly_of_subscription, price_of_items


def find_subscription(invoice: Node) -> str | None:
    """The subscription id named by an invoice, in any format."""
    items = [line.get("parent", "subscription_item_details") for line in lines_of(invoice)]
    return (
        invoice.find_ref("subscription")
        or invoice.get("parent", "subscription_details").find_ref("subscription")
        or next((found for item in items if (found := item.find_ref("subscription"))), None)
    )


def read_renewal(paid: Paid) -> SubscriptionMoved | None:
    """What an invoice's payment says about its subscription, if it was for a later period."""
    if paid.subscription_id is None or paid.kind != "renewal":
        return None
    return SubscriptionMoved(
        paid.subscription_id, paid.at, "renewed", "active", paid.payer, paid.monthly, paid.interval
    )


def read_start(subscription: Node, at: int) -> tuple[SubscriptionMoved, ...] | str:
    status = subscription.text("status")
    if status not in _STATES:
        return f"the subscription is {status}"
    return (make_move(subscription, _STARTS.get(_state(subscription), "updated"), at),)


def read_changes(subscription: Node, before: Node, at: int) -> tuple[SubscriptionMoved, ...] | str:
    """`before`: the previous values of what changed."""
    status = subscription.text("status")
    if status not in _STATES:
        return f"the subscription is {status}"
    found = (_move_of_status(subscription, before), _move_of_end(subscription, before))
    whats = [what for what in (*found, _move_of_price(subscription, before)) if what]
    return tuple(make_move(subscription, what, at) for what in whats or [_UPDATED])


def make_move(subscription: Node, what: What, at: int) -> SubscriptionMoved:
    known = Payer(customer_id=subscription.find_ref("customer"))
    return SubscriptionMoved(
        subscription_id=subscription.text("id"),
        at=at,
        what=what,
        state="ended" if what == "ended" else _state(subscription),
        payer=either(known, read_metadata(subscription.get("metadata"))),
        monthly=monthly_of_subscription(subscription),
        interval=find_interval(subscription),
    )


_UPDATED: What = "updated"
_STATES: dict[str, State] = {
    "incomplete_expired": "ended",
    "trialing": "trialing",
    "active": "active",
    "past_due": "past_due",
    "unpaid": "past_due",
    "paused": "paused",
    "canceled": "ended",
}
_STARTS: dict[State, What] = {"trialing": "trial_started", "active": "started", "cancelling": "started"}


def _state(subscription: Node) -> State:
    status = subscription.text("status")
    is_running = status in ("active", "trialing")
    return "cancelling" if is_running and _is_cancelling(subscription) else _STATES[status]


def _is_cancelling(subscription: Node) -> bool:
    return subscription.flag("cancel_at_period_end") or subscription.values.get("cancel_at") is not None


def _move_of_status(subscription: Node, before: Node) -> What | None:
    old, new = before.find_text("status"), subscription.text("status")
    return _MOVES.get((old, new)) if old else None


_MOVES: dict[tuple[str, str], What] = {
    ("incomplete", "active"): "started",
    ("incomplete", "trialing"): "trial_started",
    ("trialing", "active"): "trial_converted",
}


def _move_of_end(subscription: Node, before: Node) -> What | None:
    if not {"cancel_at_period_end", "cancel_at"} & before.values.keys():
        return None
    now = _is_cancelling(subscription)
    then = _is_cancelling(_as_it_was(subscription, before))
    if now == then:
        return None
    return "cancel_scheduled" if now else "reactivated"


def _move_of_price(subscription: Node, before: Node) -> What | None:
    if "items" not in before.values:
        return None
    new, old = price_of_items(subscription), price_of_items(_as_it_was(subscription, before))
    if new is None or old is None or new == old:
        return None
    return "upgraded" if new > old else "downgraded"


def _as_it_was(subscription: Node, before: Node) -> Node:
    return Node({**subscription.values, **before.values}, before.path)

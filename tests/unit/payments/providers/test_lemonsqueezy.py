"""Lemon Squeezy: orders, invoices of subscriptions, refunds and subscriptions."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import pytest

from footfall.payments.money import Money
from footfall.payments.providers.model import Interval, Linked, Paid, Payer, Refunded, SubscriptionMoved
from footfall.payments.providers.refunds import refunded
from tests.unit.payments.providers.other_events import (
    LATER,
    NEXT_MONTH,
    NEXT_YEAR,
    lemon,
    lemon_invoice,
    lemon_order,
    lemon_subscription,
)
from tests.unit.payments.providers.telling import (
    NOW,
    VISITOR,
    body,
    groups,
    of_payment,
    only,
    read,
    told,
    usd,
)

DAY = 86_400_000
IDENTIFIER = "104e18a2-d755-4d4b-80c4-a6c1dcbe1c10"
ANN = Payer("3", "ann@example.com", "Ann Lee", VISITOR, "42")


def test_an_order_is_a_payment_of_who_paid() -> None:
    assert told("lemonsqueezy", lemon_order()) == (
        Paid(
            ids=("order_2", IDENTIFIER),
            at=NOW,
            money=usd(1199),
            payer=ANN,
            kind="unknown",
            checkout_ids=(IDENTIFIER, "2"),
        ),
    )


def test_a_delivery_is_known_by_its_body_and_names_the_store() -> None:
    delivery = read("lemonsqueezy", lemon_order())
    assert delivery.delivery_id == hashlib.sha256(body(lemon_order())).hexdigest()
    assert (delivery.event, delivery.at, delivery.account, delivery.is_live) == (
        "order_created",
        NOW,
        "7",
        True,
    )


def test_test_mode_is_told_apart_from_live() -> None:
    assert read("lemonsqueezy", lemon_order(test_mode=True)).is_live is False
    customer = {"email": "ann@example.com", "name": "Ann"}
    assert (
        read("lemonsqueezy", lemon("customer_created", "customers", "3", customer, test_mode=True)).is_live
        is False
    )


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_an_order_that_is_not_paid_is_none(status: str) -> None:
    assert read("lemonsqueezy", lemon_order(status=status)).ignored == f"the order is {status}"


def test_custom_data_may_be_missing_or_an_empty_list() -> None:
    nothings: list[Any] = [[], None]
    for custom in nothings:
        event = lemon_order()
        event["meta"]["custom_data"] = custom
        assert only(Paid, told("lemonsqueezy", event)).payer == Payer("3", "ann@example.com", "Ann Lee")


def test_a_subscriptions_order_and_first_invoice_are_one_payment_in_whatever_order_they_come() -> None:
    first = lemon_invoice(billing_reason="initial")
    deliveries = [told("lemonsqueezy", event) for event in (lemon_order(), lemon_subscription(), first)]
    for order in itertools.permutations(deliveries):
        [ids] = groups(itertools.chain(*order))
        assert {"order_2", "invoice_5"} <= ids
    assert sum(isinstance(one, Paid) for delivery in deliveries for one in delivery) == 1


def test_the_refund_of_the_first_invoice_finds_the_order() -> None:
    events = [lemon_order(), lemon_subscription(), lemon_invoice(billing_reason="initial")]
    [ids] = groups(one for event in events for one in told("lemonsqueezy", event))
    refund = lemon_invoice("subscription_payment_refunded", billing_reason="initial", refunded_amount=1199)
    assert of_payment(only(Refunded, told("lemonsqueezy", refund)), ids)


def test_orders_invoices_and_subscriptions_of_the_same_number_are_apart() -> None:
    events = [lemon_order(), lemon_invoice(number="2")]
    assert len(groups(one for event in events for one in told("lemonsqueezy", event))) == 2


def test_a_renewal_is_a_payment_and_renews() -> None:
    paid, moved = told("lemonsqueezy", lemon_invoice())
    assert paid == Paid(("invoice_5",), NOW, usd(1199), ANN, "renewal", subscription_id="subscription_9")
    assert isinstance(moved, SubscriptionMoved)
    assert (moved.subscription_id, moved.what) == ("subscription_9", "renewed")


def test_a_payment_that_succeeded_late_is_the_same_payment_at_its_time() -> None:
    recovered = only(Paid, told("lemonsqueezy", lemon_invoice("subscription_payment_recovered")))
    assert (recovered.ids, recovered.at) == (("invoice_5",), NOW + DAY)


def test_partial_refunds_are_told_as_their_sum() -> None:
    first = only(Refunded, told("lemonsqueezy", lemon_order("order_refunded", refunded_amount=100)))
    both = only(
        Refunded, told("lemonsqueezy", lemon_order("order_refunded", refunded_amount=300, updated_at=LATER))
    )
    assert first.is_cumulative
    assert refunded(usd(1199), [both, first, first]) == usd(300)


def test_a_refund_without_an_amount_is_of_all() -> None:
    event = lemon_order("order_refunded", refunded=1, refunded_at=LATER)
    del event["data"]["attributes"]["refunded_amount"]
    refund = only(Refunded, told("lemonsqueezy", event))
    assert (refund.at, refund.money) == (NOW + DAY, usd(1199))


@pytest.mark.parametrize(
    ("event", "status", "what", "state"),
    [
        ("subscription_created", "active", "started", "active"),
        ("subscription_created", "on_trial", "trial_started", "trialing"),
        ("subscription_cancelled", "cancelled", "cancel_scheduled", "cancelling"),
        ("subscription_resumed", "active", "reactivated", "active"),
        ("subscription_expired", "expired", "ended", "ended"),
        ("subscription_paused", "paused", "updated", "paused"),
        ("subscription_updated", "past_due", "updated", "past_due"),
        ("subscription_plan_changed", "active", "updated", "active"),
    ],
)
def test_a_subscription_moves(event: str, status: str, what: str, state: str) -> None:
    moved = only(SubscriptionMoved, told("lemonsqueezy", lemon_subscription(event, status=status)))
    assert (moved.subscription_id, moved.what, moved.state) == ("subscription_9", what, state)
    assert (moved.payer, moved.monthly) == (ANN, None)


def test_a_new_subscription_joins_its_order_and_tells_how_often_it_recurs() -> None:
    for renews_at, interval in (
        (NEXT_MONTH, Interval("month", 1)),
        (NEXT_YEAR, Interval("year", 1)),
        (None, None),
    ):
        occurrences = told("lemonsqueezy", lemon_subscription(renews_at=renews_at))
        assert only(Linked, occurrences).ids == ("order_2", "subscription_9/first")
        assert only(SubscriptionMoved, occurrences).interval == interval


def test_a_status_that_is_new_costs_no_delivery() -> None:
    delivery = read("lemonsqueezy", lemon_subscription("subscription_updated", status="frozen"))
    assert (delivery.occurrences, delivery.ignored) == ((), "the subscription is frozen")


def test_yen_are_whole() -> None:
    yen = only(Paid, told("lemonsqueezy", lemon_order(currency="JPY", total=500)))
    assert yen.money == Money(500, "JPY")


def test_an_event_that_tells_nothing_is_ignored_with_the_reason() -> None:
    delivery = read("lemonsqueezy", lemon("license_key_created", "license-keys", "1", {}))
    assert delivery.ignored == "license_key_created tells nothing of payments"

"""Dodo Payments: payments, refunds, disputes and subscriptions."""

from __future__ import annotations

from typing import Any

import pytest

from footfall.payments.money import Money
from footfall.payments.providers.model import (
    BadDelivery,
    Disputed,
    Interval,
    Paid,
    Payer,
    Refunded,
    SubscriptionMoved,
)
from tests.unit.payments.providers.other_events import (
    NEXT_MONTH,
    dodo,
    dodo_dispute,
    dodo_payment,
    dodo_refund,
    dodo_subscription,
)
from tests.unit.payments.providers.telling import ISO, NOW, VISITOR, only, read, told, usd

DAY = 86_400_000
ANN = Payer("cus_1", "ann@example.com", "Ann Lee", VISITOR)


def moved(event: str, **fields: Any) -> SubscriptionMoved:
    return only(SubscriptionMoved, told("dodo", dodo(event, dodo_subscription(**fields))))


def test_a_payment_is_one_of_who_paid_in_the_currency_that_they_paid_in() -> None:
    assert told("dodo", dodo("payment.succeeded", dodo_payment())) == (
        Paid(("pay_1",), NOW + DAY, usd(1999), ANN, "one_off", checkout_ids=("pay_1", "cks_1")),
    )


def test_a_delivery_names_the_business_and_the_address_of_the_checkout_tells_test_mode() -> None:
    delivery = read("dodo", dodo("payment.succeeded", dodo_payment()))
    assert (delivery.account, delivery.at, delivery.is_live) == ("bus_1", NOW + DAY, None)
    test = dodo_payment(payment_link="https://test.checkout.dodopayments.com/abc")
    assert read("dodo", dodo("payment.succeeded", test)).is_live is False


def test_a_subscriptions_payment_does_not_say_whether_it_is_the_first() -> None:
    paid = only(Paid, told("dodo", dodo("payment.succeeded", dodo_payment(subscription_id="sub_1"))))
    assert (paid.kind, paid.subscription_id, paid.is_free_trial) == ("unknown", "sub_1", False)


def test_a_subscriptions_payment_of_nothing_is_a_free_trial() -> None:
    trial = dodo_payment(subscription_id="sub_1", total_amount=0)
    assert only(Paid, told("dodo", dodo("payment.succeeded", trial))).is_free_trial


def test_refunds_succeed_or_fail() -> None:
    assert told("dodo", dodo("refund.succeeded", dodo_refund())) == (
        Refunded(("pay_1",), "ref_1", NOW + DAY, usd(500), is_failed=False),
    )
    assert only(Refunded, told("dodo", dodo("refund.failed", dodo_refund(status="failed")))).is_failed


def test_a_refund_without_an_amount_is_of_all() -> None:
    assert only(Refunded, told("dodo", dodo("refund.succeeded", dodo_refund(amount=None)))).money is None


@pytest.mark.parametrize(
    ("event", "state"),
    [
        ("dispute.opened", "opened"),
        ("dispute.challenged", "opened"),
        ("dispute.accepted", "lost"),
        ("dispute.expired", "lost"),
        ("dispute.lost", "lost"),
        ("dispute.cancelled", "won"),
        ("dispute.won", "won"),
    ],
)
def test_a_dispute_has_one_of_three_states(event: str, state: str) -> None:
    disputed = only(Disputed, told("dodo", dodo(event, dodo_dispute())))
    assert (disputed.ids, disputed.dispute_id) == (("pay_1",), "dp_1")
    assert (disputed.money, disputed.state) == (usd(1999), state)


@pytest.mark.parametrize(("amount", "money"), [("1999", usd(1999)), (1999, usd(1999)), ("19.99", None)])
def test_a_disputed_amount_with_a_decimal_point_is_not_guessed(amount: Any, money: Money | None) -> None:
    assert only(Disputed, told("dodo", dodo("dispute.opened", dodo_dispute(amount=amount)))).money == money


def test_a_disputed_amount_that_is_no_number_is_refused() -> None:
    with pytest.raises(BadDelivery, match=r"`data\.amount`"):
        told("dodo", dodo("dispute.opened", dodo_dispute(amount="all")))


@pytest.mark.parametrize(
    ("event", "fields", "what", "state"),
    [
        ("subscription.active", {}, "started", "active"),
        ("subscription.active", {"trial_period_days": 7}, "trial_started", "trialing"),
        ("subscription.renewed", {}, "started", "active"),
        ("subscription.renewed", {"previous_billing_date": NEXT_MONTH}, "renewed", "active"),
        ("subscription.updated", {}, "updated", "active"),
        ("subscription.plan_changed", {}, "updated", "active"),
        ("subscription.on_hold", {"status": "on_hold"}, "updated", "past_due"),
        ("subscription.cancelled", {"cancel_at_next_billing_date": True}, "cancel_scheduled", "cancelling"),
        ("subscription.cancelled", {"status": "cancelled"}, "ended", "ended"),
        ("subscription.expired", {"status": "expired"}, "ended", "ended"),
    ],
)
def test_a_subscription_moves(event: str, fields: dict[str, Any], what: str, state: str) -> None:
    move = moved(event, **fields)
    assert (move.subscription_id, move.what, move.state, move.payer) == ("sub_1", what, state, ANN)
    assert (move.monthly, move.interval) == (usd(10_000), Interval("year", 1))


def test_a_subscription_that_is_not_paid_yet_has_not_started() -> None:
    delivery = read("dodo", dodo("subscription.updated", dodo_subscription(status="pending")))
    assert (delivery.occurrences, delivery.ignored) == ((), "the subscription is pending")


def test_an_interval_in_an_unknown_unit_costs_no_move() -> None:
    move = moved("subscription.updated", payment_frequency_interval="Fortnight")
    assert (move.interval, move.monthly) == (None, None)


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
def test_amounts_are_in_minor_units_of_iso_4217(currency: str) -> None:
    paid = only(
        Paid, told("dodo", dodo("payment.succeeded", dodo_payment(currency=currency, total_amount=1234)))
    )
    assert paid.money == Money(1234, currency)


def test_an_event_that_tells_nothing_is_ignored_with_the_reason() -> None:
    delivery = read("dodo", dodo("license_key.created", {"id": "lic_1", "created_at": ISO}))
    assert delivery.ignored == "license_key.created tells nothing of payments"

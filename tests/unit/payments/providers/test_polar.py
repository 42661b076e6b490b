"""Polar: orders in the shapes before and after there were customers, refunds, subscriptions and customers."""

from __future__ import annotations

from typing import Any

import pytest

from footfall.payments.money import Money
from footfall.payments.providers.model import Interval, Paid, Payer, Refunded, Seen, SubscriptionMoved
from footfall.payments.providers.refunds import refunded
from tests.unit.payments.providers.other_events import (
    POLAR_CUSTOMER,
    polar,
    polar_order,
    polar_refund,
    polar_renewal,
    polar_subscription,
)
from tests.unit.payments.providers.telling import ISO, NOW, VISITOR, groups, only, read, told, usd

DAY = 86_400_000
ANN = Payer("c1", "ann@example.com", "Ann Lee", VISITOR, "u1")


def test_an_order_is_a_payment_of_who_paid() -> None:
    assert told("polar", polar("order.paid", polar_order())) == (
        Paid(("o1",), NOW + DAY, usd(2160), ANN, "one_off", checkout_ids=("ch1",)),
    )


def test_a_delivery_names_the_organization_and_not_the_mode() -> None:
    delivery = read("polar", polar("order.paid", polar_order()))
    assert (delivery.event, delivery.at, delivery.account, delivery.is_live) == (
        "order.paid",
        NOW + DAY,
        "org1",
        None,
    )


def test_an_order_in_the_shape_before_there_were_customers() -> None:
    old = {
        "id": "o1",
        "created_at": ISO,
        "metadata": {"reference_id": VISITOR},
        "amount": 1800,
        "tax_amount": 360,
        "currency": "usd",
        "billing_reason": "purchase",
        "user_id": "x1",
        "checkout_id": "ch1",
        "user": {"id": "x1", "email": "ann@example.com", "public_name": "Ann"},
    }
    paid = only(Paid, told("polar", polar("order.created", old)))
    assert (paid.money, paid.at) == (usd(2160), NOW)
    assert paid.payer == Payer(None, "ann@example.com", "Ann", VISITOR, VISITOR)


def test_an_order_that_waits_for_its_payment_counts_when_it_is_paid() -> None:
    assert (
        read("polar", polar("order.created", polar_order(status="pending"))).ignored == "the order is pending"
    )


def test_a_free_order_is_told_when_it_is_created() -> None:
    assert only(Paid, told("polar", polar("order.created", polar_order(total_amount=0)))).money == usd(0)


def test_created_paid_and_updated_are_one_payment() -> None:
    events = [polar(kind, polar_order()) for kind in ("order.created", "order.paid", "order.updated")]
    assert groups(one for event in events for one in told("polar", event)) == [{"o1"}]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("purchase", "one_off"),
        ("subscription_create", "first"),
        ("subscription_cycle", "renewal"),
        ("subscription_update", "update"),
        ("gift", "unknown"),
    ],
)
def test_the_billing_reason_tells_the_kind(reason: str, kind: str) -> None:
    paid = only(Paid, told("polar", polar("order.paid", polar_renewal(billing_reason=reason))))
    assert (paid.kind, paid.subscription_id, paid.interval) == (kind, "s1", Interval("year", 1))


def test_a_yearly_order_of_1200_is_100_a_month_after_discounts_and_before_tax() -> None:
    yearly = polar_renewal(net_amount=120_000, tax_amount=24_000, total_amount=144_000)
    paid, moved = told("polar", polar("order.paid", yearly))
    assert isinstance(paid, Paid)
    assert (paid.money, paid.monthly) == (usd(144_000), usd(10_000))
    assert isinstance(moved, SubscriptionMoved)
    assert (moved.what, moved.monthly) == ("renewed", usd(10_000))


def test_a_renewal_of_the_same_checkout_is_another_payment() -> None:
    events = [polar("order.paid", polar_order()), polar("order.paid", polar_renewal(id="o2"))]
    assert groups(one for event in events for one in told("polar", event)) == [{"o1"}, {"o2"}]
    assert only(Paid, told("polar", events[1])).checkout_ids == ()


def test_the_first_order_of_a_free_trial_is_one() -> None:
    trial = polar_renewal(billing_reason="subscription_create", total_amount=0, net_amount=0)
    assert only(Paid, told("polar", polar("order.created", trial))).is_free_trial


def test_a_refund_is_with_its_tax_and_its_sum_is_too() -> None:
    one = only(Refunded, told("polar", polar("refund.created", polar_refund())))
    assert one == Refunded(("o1",), "r1", NOW + DAY, usd(600), is_failed=False)
    order = polar_order(status="partially_refunded", refunded_amount=500, refunded_tax_amount=100)
    told_sum = only(Refunded, told("polar", polar("order.refunded", order)))
    assert refunded(usd(2160), [told_sum, one, one]) == usd(600)


def test_a_refund_counts_when_it_succeeded_and_no_more_when_it_failed() -> None:
    assert read("polar", polar("refund.created", polar_refund(status="pending"))).occurrences == ()
    for status in ("failed", "canceled"):
        assert only(Refunded, told("polar", polar("refund.updated", polar_refund(status=status)))).is_failed


def test_a_refunded_order_tells_its_payment_too() -> None:
    order = polar_order(status="refunded", refunded_amount=1800, refunded_tax_amount=360)
    assert only(Paid, told("polar", polar("order.refunded", order))).at == NOW


@pytest.mark.parametrize(
    ("event", "fields", "what", "state"),
    [
        ("subscription.created", {}, "started", "active"),
        ("subscription.created", {"status": "trialing"}, "trial_started", "trialing"),
        ("subscription.active", {}, "started", "active"),
        ("subscription.updated", {}, "updated", "active"),
        ("subscription.canceled", {"cancel_at_period_end": True}, "cancel_scheduled", "cancelling"),
        ("subscription.canceled", {"status": "canceled"}, "ended", "ended"),
        ("subscription.uncanceled", {}, "reactivated", "active"),
        ("subscription.revoked", {"status": "canceled"}, "ended", "ended"),
        ("subscription.past_due", {"status": "past_due"}, "updated", "past_due"),
    ],
)
def test_a_subscription_moves(event: str, fields: dict[str, Any], what: str, state: str) -> None:
    moved = only(SubscriptionMoved, told("polar", polar(event, polar_subscription(**fields))))
    assert (moved.subscription_id, moved.what, moved.state) == ("s1", what, state)
    assert (moved.monthly, moved.interval) == (usd(10_000), Interval("year", 1))
    assert (moved.payer.visitor_id, moved.payer.external_id) == (VISITOR, "u1")


def test_a_subscription_with_a_discount_leaves_its_monthly_amount_to_its_orders() -> None:
    for fields in (
        {"discount_id": "d1"},
        {"discount": {"id": "d1", "type": "percentage", "basis_points": 1000}},
    ):
        moved = only(
            SubscriptionMoved, told("polar", polar("subscription.updated", polar_subscription(**fields)))
        )
        assert moved.monthly is None


def test_a_subscription_that_is_not_paid_yet_has_not_started() -> None:
    delivery = read("polar", polar("subscription.created", polar_subscription(status="incomplete")))
    assert delivery.ignored == "the subscription is incomplete"


def test_customers_and_paid_checkouts_tell_who_a_customer_is() -> None:
    customer = {**POLAR_CUSTOMER, "metadata": {"datafast_visitor_id": VISITOR}}
    assert told("polar", polar("customer.updated", customer)) == (Seen(ANN),)
    checkout = {
        "id": "ch1",
        "created_at": ISO,
        "status": "succeeded",
        "customer_id": "c1",
        "customer_email": "ann@example.com",
        "customer_name": "Ann Lee",
        "external_customer_id": "u1",
        "metadata": {"datafast_visitor_id": VISITOR},
    }
    assert told("polar", polar("checkout.updated", checkout)) == (Seen(ANN),)
    assert read("polar", polar("checkout.updated", {**checkout, "status": "open"})).ignored


def test_yen_are_whole() -> None:
    yen = only(Paid, told("polar", polar("order.paid", polar_order(currency="jpy", total_amount=500))))
    assert yen.money == Money(500, "JPY")


def test_an_event_that_tells_nothing_is_ignored_with_the_reason() -> None:
    delivery = read("polar", polar("benefit.created", {"id": "b1", "created_at": ISO}))
    assert delivery.ignored == "benefit.created tells nothing of payments"

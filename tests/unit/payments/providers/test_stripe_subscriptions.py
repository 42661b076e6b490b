"""Stripe: how subscriptions move, and what they bring a month."""

from __future__ import annotations

from typing import Any

import pytest

from footfall.payments.money import Money
from footfall.payments.providers.model import Interval, SubscriptionMoved
from tests.unit.payments.providers import stripe_events as events
from tests.unit.payments.providers.stripe_events import CREATE, event, item, items
from tests.unit.payments.providers.telling import VISITOR, only, read, told, usd

CREATED, UPDATED = "customer.subscription.created", "customer.subscription.updated"


def moved(kind: str, before: dict[str, Any] | None = None, **fields: Any) -> SubscriptionMoved:
    return only(SubscriptionMoved, told("stripe", event(kind, events.subscription(**fields), before=before)))


def monthly(**fields: Any) -> Money | None:
    return moved(CREATED, **fields).monthly


def test_a_new_subscription_starts() -> None:
    started = moved(CREATED)
    assert (started.subscription_id, started.what, started.state) == ("sub_1", "started", "active")
    assert (started.monthly, started.interval) == (usd(1999), Interval("month", 1))
    assert (started.payer.customer_id, started.payer.visitor_id) == ("cus_1", VISITOR)


def test_a_new_subscription_may_start_with_a_trial() -> None:
    trial = moved(CREATED, status="trialing")
    assert (trial.what, trial.state) == ("trial_started", "trialing")


def test_a_subscription_that_is_not_paid_yet_has_not_started() -> None:
    delivery = read("stripe", event(CREATED, events.subscription(status="incomplete")))
    assert (delivery.occurrences, delivery.ignored) == ((), "the subscription is incomplete")


@pytest.mark.parametrize(
    ("before", "fields", "what", "state"),
    [
        ({"status": "incomplete"}, {}, "started", "active"),
        ({"status": "incomplete"}, {"status": "trialing"}, "trial_started", "trialing"),
        ({"status": "trialing"}, {}, "trial_converted", "active"),
        ({"cancel_at_period_end": False}, {"cancel_at_period_end": True}, "cancel_scheduled", "cancelling"),
        ({"cancel_at_period_end": True}, {}, "reactivated", "active"),
        ({"cancel_at": None}, {"cancel_at": 1_800_000_000}, "cancel_scheduled", "cancelling"),
        ({"cancel_at": 1_800_000_000}, {}, "reactivated", "active"),
        ({"items": items(item(999))}, {}, "upgraded", "active"),
        ({"items": items(item(2999))}, {}, "downgraded", "active"),
        ({"items": items(item(1999, quantity=3))}, {}, "downgraded", "active"),
        ({"items": items(item(2999))}, {"discounts": ["di_1"]}, "downgraded", "active"),
        ({"items": items(item(1999 * 12, "year"))}, {}, "updated", "active"),
        ({"metadata": {}}, {}, "updated", "active"),
        ({"status": "active"}, {"status": "past_due"}, "updated", "past_due"),
        ({"status": "past_due"}, {"status": "canceled"}, "updated", "ended"),
    ],
)
def test_what_changed_tells_how_it_moved(
    before: dict[str, Any], fields: dict[str, Any], what: str, state: str
) -> None:
    change = moved(UPDATED, before, **fields)
    assert (change.what, change.state) == (what, state)


def test_two_changes_at_once_are_two_moves() -> None:
    before = {"status": "trialing", "items": items(item(999))}
    occurrences = told("stripe", event(UPDATED, events.subscription(), before=before))
    assert [one.what for one in occurrences if isinstance(one, SubscriptionMoved)] == [
        "trial_converted",
        "upgraded",
    ]


def test_a_deleted_subscription_ended() -> None:
    ended = moved("customer.subscription.deleted", status="canceled")
    assert (ended.what, ended.state) == ("ended", "ended")


@pytest.mark.parametrize("make", [events.invoice, events.old_invoice])
def test_a_renewals_invoice_renews_and_the_first_does_not(make: Any) -> None:
    renewed = only(SubscriptionMoved, told("stripe", event("invoice.paid", make())))
    assert (renewed.subscription_id, renewed.what, renewed.monthly) == ("sub_1", "renewed", usd(1999))
    assert len(told("stripe", event("invoice.paid", make(CREATE)))) == 1


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (item(120_000, "year"), 10_000),
        (item(3000, "month", 3), 1000),
        (item(700, "week"), 3033),
        (item(100, "day"), 3042),
        (item(500, quantity=4), 2000),
        (item(500, quantity=0), 0),
    ],
)
def test_every_interval_comes_to_an_amount_a_month(one: dict[str, Any], expected: int) -> None:
    assert monthly(items=items(one)) == usd(expected)


def test_several_items_of_several_intervals_add_up_before_they_are_rounded() -> None:
    several = items(item(1000), item(1000, "year"), item(1000, "year"), item(1000, "month", 3))
    assert monthly(items=several) == usd(round(1000 + 2000 / 12 + 1000 / 3))


def test_prices_in_parts_of_a_cent_are_exact() -> None:
    one = item(None, quantity=1000)
    one["price"]["unit_amount_decimal"] = "0.5"
    assert monthly(items=items(one)) == usd(500)


def coupon(**fields: Any) -> dict[str, Any]:
    return {
        "coupon": {"id": "co_1", "duration": "forever", "amount_off": None, "percent_off": None, **fields}
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"discount": coupon(percent_off=50), "discounts": ["di_1"]}, 5000),
        ({"discount": coupon(percent_off=12.5)}, 8750),
        ({"discounts": [coupon(percent_off=50), coupon(amount_off=1000)]}, 4000),
        ({"discounts": [{"source": coupon(percent_off=10)}]}, 9000),
        ({"discounts": [coupon(percent_off=100, duration="once")]}, 10_000),
        ({"discounts": [coupon(amount_off=99_999)]}, 0),
    ],
)
def test_discounts_that_last_are_taken_off(fields: dict[str, Any], expected: int) -> None:
    assert monthly(items=items(item(10_000)), **fields) == usd(expected)


def test_an_amount_off_each_year_is_a_twelfth_off_each_month() -> None:
    assert monthly(items=items(item(120_000, "year")), discounts=[coupon(amount_off=12_000)]) == usd(9000)


@pytest.mark.parametrize(
    "fields",
    [
        {"discounts": ["di_1"]},
        {"discounts": ["di_1", "di_2"], "discount": coupon(percent_off=10)},
        {"discounts": [{"source": {"coupon": "co_1"}}]},
        {"items": items(item(discounts=["di_1"]))},
        {"items": items(item(None))},
        {"items": items()},
        {"items": {"data": [item()], "has_more": True}},
        {"items": items(item("much"))},
        {"items": items(item(interval="fortnight"))},
    ],
)
def test_what_cannot_be_told_is_not_guessed(fields: dict[str, Any]) -> None:
    assert monthly(**fields) is None


def test_a_metered_price_brings_what_its_invoices_say() -> None:
    metered = item(5)
    metered["price"]["recurring"]["usage_type"] = "metered"
    del metered["quantity"]
    assert monthly(items=items(item(1000), metered)) == usd(1000)


def test_yen_and_ariary_come_in_their_own_minor_units() -> None:
    assert monthly(currency="jpy", items=items(item(12_000, "year"))) == Money(1000, "JPY")
    assert monthly(currency="mga", items=items(item(12_000, "year"))) == Money(100_000, "MGA")

"""Paddle Billing: transactions, adjustments, subscriptions and customers."""

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
    Seen,
    SubscriptionMoved,
)
from tests.unit.payments.providers.other_events import (
    paddle,
    paddle_adjustment,
    paddle_item,
    paddle_line,
    paddle_subscription,
    paddle_transaction,
)
from tests.unit.payments.providers.telling import NOW, VISITOR, groups, only, read, told, usd

DAY = 86_400_000
CUSTOMER = Payer(customer_id="ctm_1", visitor_id=VISITOR)


def paid(**fields: Any) -> Paid:
    return only(Paid, told("paddle", paddle("transaction.completed", paddle_transaction(**fields))))


def moved(event: str, **fields: Any) -> SubscriptionMoved:
    return only(SubscriptionMoved, told("paddle", paddle(event, paddle_subscription(**fields))))


def test_a_transaction_is_a_payment_of_who_paid() -> None:
    assert told("paddle", paddle("transaction.completed", paddle_transaction())) == (
        Paid(
            ids=("txn_1", "inv_1"),
            at=NOW,
            money=usd(10_800),
            payer=CUSTOMER,
            kind="first",
            checkout_ids=("txn_1",),
            subscription_id="sub_1",
            interval=Interval("month", 1),
            monthly=usd(10_000),
        ),
    )


def test_a_delivery_has_an_id_and_a_time_and_no_mode() -> None:
    delivery = read("paddle", paddle("transaction.completed", paddle_transaction()))
    assert (delivery.delivery_id, delivery.at) == ("evt_transaction.completed", NOW + DAY)
    assert (delivery.is_live, delivery.account) == (None, None)


def test_paid_and_completed_are_one_payment() -> None:
    early = paddle_transaction(status="paid", invoice_id=None, subscription_id=None)
    events = [paddle("transaction.paid", early), paddle("transaction.completed", paddle_transaction())]
    assert len(groups(one for event in events for one in told("paddle", event))) == 1


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, "first"),
        ({"origin": "api", "subscription_id": None}, "first"),
        ({"subscription_id": None, "items": [paddle_item(interval=None)]}, "one_off"),
        ({"origin": "subscription_recurring"}, "renewal"),
        ({"origin": "subscription_payment_method_change"}, "renewal"),
        ({"origin": "subscription_update"}, "update"),
        ({"origin": "subscription_charge"}, "update"),
        ({"origin": "elsewhere"}, "unknown"),
    ],
)
def test_the_origin_tells_the_kind(fields: dict[str, Any], kind: str) -> None:
    assert paid(**fields).kind == kind


def test_a_renewal_renews() -> None:
    renewal = paddle("transaction.completed", paddle_transaction(origin="subscription_recurring"))
    renewed = only(SubscriptionMoved, told("paddle", renewal))
    assert (renewed.subscription_id, renewed.what, renewed.monthly) == ("sub_1", "renewed", usd(10_000))


def totals(grand_total: str) -> dict[str, Any]:
    return {"totals": {"grand_total": grand_total}, "line_items": []}


def test_the_first_transaction_of_a_free_trial_is_one() -> None:
    assert paid(details=totals("0")).is_free_trial


def test_a_change_of_the_way_to_pay_is_no_payment() -> None:
    change = paddle_transaction(origin="subscription_payment_method_change", details=totals("0"))
    assert read("paddle", paddle("transaction.completed", change)).occurrences == ()


def test_several_items_and_discounts_make_one_monthly_amount() -> None:
    items = [
        paddle_item(),
        paddle_item("120000", "year", price_id="pri_2"),
        paddle_item("500", None, price_id="pri_3"),
    ]
    lines = [
        paddle_line("10000", "2500"),
        paddle_line("120000", price_id="pri_2"),
        paddle_line("500", price_id="pri_3"),
    ]
    details = {"totals": {"grand_total": "128000"}, "line_items": lines}
    assert paid(items=items, details=details).monthly == usd(7500 + 10_000)


def test_lines_in_an_unknown_shape_cost_no_payment() -> None:
    details = {"totals": {"grand_total": "10800"}, "line_items": [{"price_id": "pri_1"}]}
    assert (paid(details=details).money, paid(details=details).monthly) == (usd(10_800), None)


@pytest.mark.parametrize("amount", ["108.00", "-1", "", "٣", "1" * 17, None, "ten"])
def test_an_amount_of_another_kind_is_refused_by_its_path(amount: Any) -> None:
    with pytest.raises(BadDelivery, match=r"`data\.details\.totals\.grand_total`"):
        paid(details={"totals": {"grand_total": amount}})


def test_an_amount_may_come_as_a_number() -> None:
    assert paid(details={"totals": {"grand_total": 10_800}, "line_items": []}).money == usd(10_800)


def adjusted(kind: type[Any], event: str = "adjustment.created", **fields: Any) -> Any:
    return only(kind, told("paddle", paddle(event, paddle_adjustment(**fields))))


def test_a_refund_counts_when_paddle_approves_it() -> None:
    waiting = read("paddle", paddle("adjustment.created", paddle_adjustment(status="pending_approval")))
    assert waiting.ignored == "the adjustment waits for Paddle's approval"
    approved = adjusted(Refunded, "adjustment.updated")
    assert approved == Refunded(("txn_1",), "adj_1", NOW + DAY, usd(100), is_failed=False)
    assert adjusted(Refunded, "adjustment.updated", status="rejected").is_failed


@pytest.mark.parametrize(
    ("action", "status", "state"),
    [
        ("chargeback", "approved", "lost"),
        ("chargeback", "reversed", "won"),
        ("chargeback_reverse", "approved", "won"),
    ],
)
def test_a_chargeback_and_its_reversal_are_one_dispute(action: str, status: str, state: str) -> None:
    dispute = adjusted(Disputed, id=f"adj_{action}", action=action, status=status)
    assert (dispute.ids, dispute.dispute_id, dispute.state) == (("txn_1",), "txn_1", state)


@pytest.mark.parametrize("action", ["credit", "credit_reverse", "chargeback_warning"])
def test_other_adjustments_give_no_money_back(action: str) -> None:
    delivery = read("paddle", paddle("adjustment.created", paddle_adjustment(action=action)))
    assert (delivery.occurrences, delivery.ignored) == ((), f"{action} gives no money back")


@pytest.mark.parametrize(
    ("event", "fields", "what", "state"),
    [
        ("subscription.created", {}, "started", "active"),
        ("subscription.created", {"status": "trialing"}, "trial_started", "trialing"),
        ("subscription.activated", {}, "started", "active"),
        ("subscription.updated", {}, "updated", "active"),
        ("subscription.updated", {"scheduled_change": {"action": "cancel"}}, "updated", "cancelling"),
        ("subscription.updated", {"scheduled_change": {"action": "pause"}}, "updated", "active"),
        ("subscription.past_due", {"status": "past_due"}, "updated", "past_due"),
        ("subscription.paused", {"status": "paused"}, "updated", "paused"),
        ("subscription.canceled", {"status": "canceled"}, "ended", "ended"),
    ],
)
def test_a_subscription_moves(event: str, fields: dict[str, Any], what: str, state: str) -> None:
    move = moved(event, **fields)
    assert (move.subscription_id, move.what, move.state, move.payer) == ("sub_1", what, state, CUSTOMER)
    assert (move.monthly, move.interval) == (usd(10_000), Interval("month", 1))


def test_a_status_that_is_new_costs_no_delivery() -> None:
    delivery = read("paddle", paddle("subscription.updated", paddle_subscription(status="frozen")))
    assert (delivery.occurrences, delivery.ignored) == ((), "the subscription is frozen")


def test_items_of_a_subscription_add_up() -> None:
    items = [paddle_item("500", quantity=10), paddle_item("1200", "year"), paddle_item("99", None)]
    assert moved("subscription.updated", items=items).monthly == usd(5100)


def test_a_price_in_another_currency_is_that_of_its_country_or_not_told() -> None:
    item = paddle_item()
    item["price"]["unit_price_overrides"] = [
        {"country_codes": ["DE"], "unit_price": {"amount": "700", "currency_code": "EUR"}},
        {"country_codes": ["GB"], "unit_price": {"amount": "600", "currency_code": "GBP"}},
    ]
    assert moved("subscription.updated", currency_code="EUR", items=[item]).monthly == Money(700, "EUR")
    assert moved("subscription.updated", currency_code="CHF", items=[item]).monthly is None


def test_a_subscription_with_a_discount_leaves_its_monthly_amount_to_its_transactions() -> None:
    assert moved("subscription.updated", discount={"id": "dsc_1"}).monthly is None


def test_a_customer_is_told_apart_from_transactions() -> None:
    customer = {
        "id": "ctm_1",
        "email": "ann@example.com",
        "name": "Ann Lee",
        "custom_data": {"user_id": "u1"},
    }
    seen = only(Seen, told("paddle", paddle("customer.created", customer)))
    assert seen.payer == Payer("ctm_1", "ann@example.com", "Ann Lee", None, "u1")


def test_yen_are_whole() -> None:
    assert paid(currency_code="JPY", details=totals("500")).money == Money(500, "JPY")


def test_an_event_that_tells_nothing_is_ignored_with_the_reason() -> None:
    assert (
        read("paddle", paddle("price.created", {"id": "pri_1"})).ignored
        == "price.created tells nothing of payments"
    )

"""Stripe: refunds and disputes, however often and in whatever order they are told."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from footfall.payments.providers.model import BadDelivery, Disputed, Refunded
from footfall.payments.providers.refunds import refunded
from tests.unit.payments.providers import stripe_events as events
from tests.unit.payments.providers.stripe_events import event
from tests.unit.payments.providers.telling import NOW, SECONDS, only, read, told, usd


def refund(kind: str, *, at: int = SECONDS, **fields: Any) -> Refunded:
    return only(Refunded, told("stripe", event(kind, events.refund(**fields), at=at)))


def total(amount: int, at: int = SECONDS) -> Refunded:
    return only(
        Refunded, told("stripe", event("charge.refunded", events.charge(amount_refunded=amount), at=at))
    )


def test_a_refund_names_its_payment() -> None:
    assert refund("refund.created") == Refunded(("pi_1", "ch_1"), "re_1", NOW, usd(500), is_failed=False)


def test_a_charge_tells_the_sum_of_its_refunds() -> None:
    told_sum = total(700)
    assert (told_sum.ids, told_sum.money, told_sum.is_cumulative) == (("pi_1", "ch_1"), usd(700), True)


def test_a_refund_that_fails_later_is_the_same_refund() -> None:
    for kind, status in (
        ("refund.failed", "failed"),
        ("refund.updated", "canceled"),
        ("charge.refund.updated", "failed"),
    ):
        failed = refund(kind, status=status)
        assert (failed.refund_id, failed.is_failed) == ("re_1", True)


def test_a_refund_without_a_payment_is_ignored() -> None:
    lonely = events.refund(charge=None, payment_intent=None)
    assert read("stripe", event("refund.created", lonely)).ignored == "the refund names no payment"


@pytest.mark.parametrize(
    ("told_of", "expected"),
    [
        ([refund("refund.created")], 500),
        ([refund("refund.created"), refund("refund.created")], 500),
        ([total(500), total(500)], 500),
        ([refund("refund.created"), total(500)], 500),
        ([refund("refund.created"), total(500), refund("refund.updated", at=SECONDS + 9)], 500),
        ([total(500), total(800, SECONDS + 60)], 800),
        ([refund("refund.created"), refund("refund.created", id="re_2", amount=300), total(500)], 800),
        ([refund("refund.created"), refund("refund.failed", at=SECONDS + 60, status="failed")], 0),
        (
            [refund("refund.created"), total(500), refund("refund.failed", at=SECONDS + 60, status="failed")],
            0,
        ),
        ([refund("refund.failed", at=SECONDS + 60, status="failed"), total(300, SECONDS + 90)], 300),
        ([refund("refund.failed", status="failed"), total(500)], 0),
        ([refund("refund.created", amount=5000)], 1999),
        ([total(5000)], 1999),
        ([], 0),
    ],
)
def test_what_went_back_is_the_same_in_whatever_order_it_is_told(
    told_of: list[Refunded], expected: int
) -> None:
    for order in itertools.permutations(told_of):
        assert refunded(usd(1999), order) == usd(expected)
        assert refunded(usd(1999), [*order, *order]) == usd(expected)


def test_a_refund_without_an_amount_is_of_all_that_was_paid() -> None:
    assert refunded(usd(1999), [Refunded(("pi_1",), "re_1", NOW, None)]) == usd(1999)


@pytest.mark.parametrize(
    ("kind", "status", "state"),
    [
        ("charge.dispute.created", "needs_response", "opened"),
        ("charge.dispute.updated", "under_review", "opened"),
        ("charge.dispute.closed", "won", "won"),
        ("charge.dispute.closed", "lost", "lost"),
        ("charge.dispute.funds_reinstated", "won", "won"),
    ],
)
def test_a_dispute_has_one_of_three_states(kind: str, status: str, state: str) -> None:
    disputed = only(Disputed, told("stripe", event(kind, events.dispute(status=status))))
    assert (disputed.ids, disputed.dispute_id, disputed.money) == (("pi_1", "ch_1"), "dp_1", usd(1999))
    assert disputed.state == state


@pytest.mark.parametrize("status", ["warning_needs_response", "warning_closed", "prevented"])
def test_an_inquiry_is_no_dispute(status: str) -> None:
    assert read("stripe", event("charge.dispute.created", events.dispute(status=status))).occurrences == ()


def test_a_dispute_of_nothing_is_refused() -> None:
    with pytest.raises(BadDelivery, match="charge"):
        told("stripe", event("charge.dispute.created", events.dispute(charge=None, payment_intent=None)))

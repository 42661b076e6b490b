"""Deliveries in any order, however often each comes, come to the same payments; and no payment is lost or made by them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from footfall.db.protocol import Transaction
from footfall.db.sqlite.session import SqliteSession
from footfall.payments.endpoints import list_payments
from footfall.payments.providers import PROVIDERS
from footfall.payments.webhooks.model import DeliveryCall
from footfall.payments.webhooks.service import receive
from footfall.people.index.indexer import Take, index_step
from tests.laws.test_erasing import ID
from tests.laws.test_laws import world_of
from tests.laws.test_payments import EVERYTHING, check
from tests.laws.world import START, WEBSITE
from tests.unit.payments.providers import other_events as other
from tests.unit.payments.providers import stripe_events as stripe
from tests.unit.payments.providers.telling import ISO, SECONDS, body

Event = dict[str, Any]
LATER = SECONDS + 31 * 86_400


def refunds(event: Any) -> list[Event]:
    """Of a payment of 19.99 dollars: 5 given back, 3 that failed, 4 of which only the sum tells, and a dispute that was lost."""
    return [
        event("refund.created", stripe.refund(), at=LATER + 1),
        event("refund.updated", stripe.refund(), at=LATER + 2),
        event("refund.created", stripe.refund(id="re_2", amount=300), at=LATER + 3),
        event("refund.failed", stripe.refund(id="re_2", amount=300, status="failed"), at=LATER + 4),
        event("charge.refunded", stripe.charge(amount_refunded=900), at=LATER + 5),
        event("charge.dispute.created", stripe.dispute(amount=500), at=LATER + 6),
        event("charge.dispute.closed", stripe.dispute(amount=500, status="lost"), at=LATER + 7),
        event("charge.dispute.created", stripe.dispute(id="dp_2", amount=100), at=LATER + 6),
        event("charge.dispute.closed", stripe.dispute(id="dp_2", amount=100, status="won"), at=LATER + 8),
    ]


def renewal(event: Any, invoice: Event, *, with_link: bool) -> list[Event]:
    """The second invoice of a subscription, and what tells of its payment."""
    again = {**invoice, "id": "in_2", "status_transitions": {"paid_at": LATER}}
    link = stripe.invoice_payment(
        invoice="in_2", payment={"payment_intent": "pi_2", "type": "payment_intent"}
    )
    intent = stripe.intent(id="pi_2", latest_charge="ch_2", **({} if with_link else {"invoice": "in_2"}))
    return [
        event("invoice.paid", again, at=LATER),
        event("payment_intent.succeeded", intent, at=LATER + 1),
        event("charge.succeeded", stripe.charge(id="ch_2", payment_intent="pi_2"), at=LATER),
        event("refund.created", stripe.refund(id="re_3", payment_intent="pi_2", charge="ch_2"), at=LATER + 9),
        *([event("invoice_payment.paid", link, at=LATER + 1)] if with_link else []),
    ]


ONE_OFF = [
    stripe.event("checkout.session.completed", stripe.session(success_url=None)),
    stripe.event("payment_intent.succeeded", stripe.intent(invoice=None), at=SECONDS - 1),
    stripe.event("charge.succeeded", stripe.charge(), at=SECONDS - 1),
    stripe.event("customer.created", {"id": "cus_1", "email": "ann@example.com", "name": "Ann Lee"}),
    *refunds(stripe.event),
]
BASIL = [
    stripe.event("checkout.session.completed", stripe.subscribed_session(success_url=None), at=SECONDS + 2),
    stripe.event("invoice.paid", stripe.invoice(stripe.CREATE), at=SECONDS + 1),
    stripe.event("invoice_payment.paid", stripe.invoice_payment(), at=SECONDS + 1),
    stripe.event("payment_intent.succeeded", stripe.intent(), at=SECONDS),
    stripe.event("customer.subscription.created", stripe.subscription(status="incomplete"), at=SECONDS),
    *refunds(stripe.event),
    *renewal(stripe.event, stripe.invoice(), with_link=True),
]
OLD = [
    stripe.event("checkout.session.completed", stripe.subscribed_session(success_url=None), at=SECONDS + 2),
    stripe.event("invoice.paid", stripe.old_invoice(stripe.CREATE), at=SECONDS + 1),
    stripe.event("payment_intent.succeeded", stripe.intent(invoice="in_1"), at=SECONDS),
    *refunds(stripe.event),
    *renewal(stripe.event, stripe.old_invoice(payment_intent="pi_2", charge="ch_2"), with_link=False),
]
LEMONS = [
    other.lemon_order(),
    other.lemon_subscription(),
    other.lemon_invoice(billing_reason="initial"),
    other.lemon_invoice(number="6"),
    other.lemon_order("order_refunded", refunded_amount=300, refunded_at=other.LATER),
    other.lemon_order("order_refunded", refunded_amount=500, refunded_at=other.NEXT_MONTH),
]
DODO = [
    other.dodo("payment.succeeded", other.dodo_payment(payment_id=f"pay_{number}", subscription_id="sub_1"))
    | {"timestamp": when}
    for number, when in enumerate((ISO, other.LATER, other.NEXT_MONTH))
]
STORIES = {
    "one_off": ("stripe", ONE_OFF),
    "basil": ("stripe", BASIL),
    "old": ("stripe", OLD),
    "lemons": ("lemonsqueezy", LEMONS),
    "dodo": ("dodo", DODO),
}
EXPECTED = {
    "one_off": [("dp_1", -500), ("pi_1", 1999), ("pi_1/refunded", -400), ("re_1", -500)],
    "basil": [
        ("dp_1", -500),
        ("in_1", 1999),
        ("in_1/refunded", -400),
        ("in_2", 1999),
        ("re_1", -500),
        ("re_3", -500),
    ],
    "old": [
        ("dp_1", -500),
        ("in_1", 1999),
        ("in_1/refunded", -400),
        ("in_2", 1999),
        ("re_1", -500),
        ("re_3", -500),
    ],
    "lemons": [("invoice_6", 1199), ("order_2", 1199), ("order_2/refunded", -500)],
    "dodo": [("pay_0", 1999), ("pay_1", 1999), ("pay_2", 1999)],
}


def take_in(tx: Transaction, provider: str, events: list[Event]) -> None:
    """Take in deliveries, one by one."""
    for number, event in enumerate(events):
        delivery = PROVIDERS[provider].read(body(event))
        receive(tx, [DeliveryCall(ID, provider, delivery, START + number, True)])


def stored(tx: Transaction) -> list[Any]:
    """All that is stored of payments but how they were matched."""
    return sorted(
        (one.transaction_id or "", one.at, one.kind.value, one.money.minor, one.email, one.customer_id)
        for one in list_payments(tx, WEBSITE, EVERYTHING)
    )


@pytest.mark.parametrize("story", STORIES)
def test_the_order_of_deliveries_and_their_repetition_make_no_difference(session: Any, story: str) -> None:
    provider, events = STORIES[story]
    with world_of(session) as tx:
        take_in(tx, provider, events)
        expected = stored(tx)
    assert sorted((one[0], one[3]) for one in expected) == EXPECTED[story]

    # Both engines run the same statements; the larger part of the orders is tried where they are fast.
    @settings(
        max_examples=12 if isinstance(session, SqliteSession) else 2,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        order=st.permutations(events),
        repeated=st.lists(st.sampled_from(events), max_size=4),
        is_matched=st.booleans(),
    )
    def in_any_order(order: list[Event], repeated: list[Event], is_matched: bool) -> None:
        with world_of(session) as tx:
            half = len(order) // 2
            take_in(tx, provider, [*order[:half], *repeated])
            if is_matched:
                index_step(tx, [Take(1000)])
            take_in(tx, provider, order[half:])
            index_step(tx, [Take(1000)])
            assert stored(tx) == expected
            check(tx)

    in_any_order()

"""Stripe: checkouts, invoices, payment intents and charges, and which of them are one payment."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from footfall.payments.money import Money
from footfall.payments.providers.model import (
    BadDelivery,
    Disputed,
    Interval,
    Linked,
    Occurrence,
    Paid,
    Payer,
    Refunded,
    Seen,
)
from tests.unit.payments.providers import stripe_events as events
from tests.unit.payments.providers.stripe_events import CREATE, CYCLE, UPDATE, event
from tests.unit.payments.providers.telling import NOW, VISITOR, groups, of_payment, only, read, told, usd


def paid(kind: str, thing: dict[str, Any], **more: Any) -> Paid:
    return only(Paid, told("stripe", event(kind, thing, **more)))


def test_a_checkout_is_a_payment_of_who_paid() -> None:
    checkout = events.session(metadata={"datafast_visitor_id": VISITOR, "user_id": "u1"})
    assert told("stripe", event("checkout.session.completed", checkout)) == (
        Paid(
            ids=("pi_1", "cs_live_a1"),
            at=NOW,
            money=usd(1999),
            payer=Payer("cus_1", "ann@example.com", "Ann Lee", VISITOR, "u1"),
            kind="one_off",
            checkout_ids=("cs_live_a1",),
            host="www.example.com",
        ),
    )


def test_a_delivery_has_an_id_a_time_and_a_mode() -> None:
    delivery = read("stripe", event("checkout.session.completed", events.session(), account="acct_1"))
    assert delivery.delivery_id == "evt_checkout.session.completed_cs_live_a1_1767225600"
    assert (delivery.event, delivery.at, delivery.account) == ("checkout.session.completed", NOW, "acct_1")
    assert (delivery.is_live, delivery.ignored) == (True, None)


def test_test_mode_is_told_apart_from_live() -> None:
    assert read("stripe", event("charge.succeeded", events.charge(), livemode=False)).is_live is False


def test_the_reference_of_a_payment_link_may_be_the_visitor_or_the_merchants_id() -> None:
    payer = paid("checkout.session.completed", events.session(client_reference_id=VISITOR)).payer
    assert (payer.visitor_id, payer.external_id) == (VISITOR, VISITOR)


def test_the_metadata_win_over_the_reference() -> None:
    checkout = events.session(client_reference_id="u7", metadata={"datafast_visitor_id": VISITOR})
    payer = paid("checkout.session.completed", checkout).payer
    assert (payer.visitor_id, payer.external_id) == (VISITOR, "u7")


def test_a_visitor_id_need_not_be_a_uuid() -> None:
    checkout = events.session(metadata={"datafast_visitor_id": " visitor-7 "})
    assert paid("checkout.session.completed", checkout).payer.visitor_id == "visitor-7"


@pytest.mark.parametrize(
    "metadata",
    [{"datafast_visitor_id": "x" * 256}, {"datafast_visitor_id": "a\0b"}, {"datafast_visitor_id": {}}],
)
def test_metadata_that_cannot_be_kept_cost_no_payment(metadata: dict[str, Any]) -> None:
    assert paid("checkout.session.completed", events.session(metadata=metadata)).payer.visitor_id is None


@pytest.mark.parametrize(
    ("urls", "host"),
    [
        ({"success_url": "https://shop.example.com/ok"}, "shop.example.com"),
        ({"success_url": None, "return_url": "https://b.example.com/?x"}, "b.example.com"),
        ({"success_url": "https://stripe.com", "cancel_url": "https://a.example.com"}, "a.example.com"),
        ({"success_url": "https://[bad"}, None),
        ({"success_url": 7}, None),
    ],
)
def test_the_page_that_a_checkout_returns_to_tells_websites_of_one_account_apart(
    urls: dict[str, Any], host: str | None
) -> None:
    assert paid("checkout.session.completed", events.session(**urls)).host == host


def test_a_checkout_whose_payment_comes_later_counts_when_it_came() -> None:
    waiting = events.session(payment_status="unpaid")
    delivery = read("stripe", event("checkout.session.completed", waiting))
    assert delivery.occurrences == ()
    assert delivery.ignored == "the checkout is complete, its payment is not"
    assert paid("checkout.session.async_payment_succeeded", events.session()).money == usd(1999)


def test_a_checkout_that_only_keeps_a_card_tells_who_the_customer_is() -> None:
    checkout = events.session(mode="setup", currency=None, amount_total=None, payment_intent=None)
    seen = only(Seen, told("stripe", event("checkout.session.completed", checkout)))
    assert (seen.payer.customer_id, seen.payer.email) == ("cus_1", "ann@example.com")


def test_a_subscriptions_first_invoice_and_its_checkout_are_one_payment_in_both_shapes() -> None:
    for first in (events.invoice(CREATE), events.old_invoice(CREATE)):
        checkout = event("checkout.session.completed", events.subscribed_session())
        both = [*told("stripe", checkout), *told("stripe", event("invoice.paid", first))]
        assert len(groups(both)) == len(groups(reversed(both))) == 1
        assert [one.ids[0] for one in both if isinstance(one, Paid)] == ["in_1", "in_1"]


def test_they_are_one_payment_where_the_checkout_names_no_invoice() -> None:
    checkout = event("checkout.session.completed", events.subscribed_session(invoice=None))
    both = [*told("stripe", checkout), *told("stripe", event("invoice.paid", events.old_invoice(CREATE)))]
    assert len(groups(both)) == 1


def renewal_in(shape: str) -> list[tuple[Occurrence, ...]]:
    """All that Stripe delivers of a renewal, an event each."""
    if shape == "old":
        things: list[tuple[str, dict[str, Any]]] = [
            ("invoice.paid", events.old_invoice()),
            ("invoice.payment_succeeded", events.old_invoice()),
            ("payment_intent.succeeded", events.intent(invoice="in_1")),
            ("charge.succeeded", events.charge(invoice="in_1")),
        ]
    else:
        things = [
            ("invoice.paid", events.invoice()),
            ("invoice_payment.paid", events.invoice_payment()),
            ("payment_intent.succeeded", events.intent()),
            ("charge.succeeded", events.charge()),
        ]
    return [told("stripe", event(kind, thing)) for kind, thing in things]


@pytest.mark.parametrize("shape", ["old", "basil"])
def test_a_renewal_is_one_payment_in_whatever_order_it_is_told(shape: str) -> None:
    for order in itertools.permutations(renewal_in(shape)):
        [ids] = groups(itertools.chain(*order))
        assert ids == {"in_1", "pi_1", "ch_1"}


@pytest.mark.parametrize("shape", ["old", "basil"])
def test_the_refund_and_the_dispute_of_a_renewal_find_it(shape: str) -> None:
    [ids] = groups(itertools.chain(*renewal_in(shape)))
    fields = {"invoice": "in_1"} if shape == "old" else {}
    for kind, thing in (
        ("charge.refunded", events.charge(amount_refunded=500, **fields)),
        ("refund.created", events.refund()),
        ("charge.dispute.created", events.dispute()),
    ):
        [told_of] = told("stripe", event(kind, thing))
        assert isinstance(told_of, Refunded | Disputed)
        assert of_payment(told_of, ids)


@pytest.mark.parametrize("shape", ["old", "basil"])
def test_a_refund_and_a_dispute_that_come_before_their_payment_find_it(shape: str) -> None:
    fields = {"invoice": "in_1"} if shape == "old" else {}
    early = [
        *told("stripe", event("charge.dispute.created", events.dispute())),
        *told("stripe", event("charge.refunded", events.charge(amount_refunded=500, **fields))),
    ]
    assert groups(early) == []
    [ids] = groups([*early, *itertools.chain(*renewal_in(shape))])
    assert all(of_payment(one, ids) for one in early if isinstance(one, Refunded | Disputed))


def test_one_account_of_two_websites_tells_the_same_payment_to_both_and_where_it_returned() -> None:
    checkout = event("checkout.session.completed", events.session(), account="acct_1")
    one, other = read("stripe", checkout), read("stripe", checkout)
    assert one == other
    assert (one.account, only(Paid, one.occurrences).host) == ("acct_1", "www.example.com")


def test_two_renewals_are_two_payments() -> None:
    later = {"id": "in_2", "payment_intent": "pi_2", "charge": "ch_2"}
    things = [events.old_invoice(CREATE), events.old_invoice(**later), events.invoice(id="in_3")]
    assert len(groups(one for thing in things for one in told("stripe", event("invoice.paid", thing)))) == 3


def test_an_invoice_with_its_list_of_payments_names_them_itself() -> None:
    payments = {"object": "list", "data": [events.invoice_payment()], "has_more": False}
    assert paid("invoice.paid", events.invoice(payments=payments)).ids == ("in_1", "pi_1")


@pytest.mark.parametrize("make", [events.invoice, events.old_invoice])
def test_an_invoice_says_what_for_and_when_and_how_often(make: Any) -> None:
    renewal = paid("invoice.paid", make())
    assert (renewal.kind, renewal.at, renewal.subscription_id) == ("renewal", NOW + 5000, "sub_1")
    assert (renewal.interval, renewal.monthly) == (Interval("month", 1), usd(1999))
    assert renewal.payer == Payer("cus_1", "ann@example.com", "Ann Lee", VISITOR)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [(CREATE, "first"), (CYCLE, "renewal"), (UPDATE, "update"), ("manual", "one_off"), ("new", "unknown")],
)
def test_the_billing_reason_tells_the_kind(reason: str, kind: str) -> None:
    assert paid("invoice.paid", events.invoice(reason)).kind == kind


@pytest.mark.parametrize("make", [events.invoice, events.old_invoice])
def test_the_first_invoice_of_a_free_trial_is_one(make: Any) -> None:
    trial = paid("invoice.paid", make(CREATE, amount_paid=0))
    assert (trial.money, trial.is_free_trial, trial.monthly) == (usd(0), True, None)


def test_a_trials_checkout_needs_no_payment() -> None:
    checkout = events.subscribed_session(payment_status="no_payment_required", amount_total=0)
    assert paid("checkout.session.completed", checkout).is_free_trial


def test_a_checkout_that_a_discount_makes_free_is_no_trial() -> None:
    checkout = events.session(payment_status="no_payment_required", amount_total=0, payment_intent=None)
    assert not paid("checkout.session.completed", checkout).is_free_trial


def test_a_yearly_invoice_of_1200_is_100_a_month_in_both_shapes() -> None:
    lines = [events.line(120_000, days=365)], [events.old_line(120_000, "year")]
    for make, data in zip((events.invoice, events.old_invoice), lines, strict=True):
        yearly = paid("invoice.paid", make(amount_paid=120_000, lines={"data": data, "has_more": False}))
        assert (yearly.interval, yearly.monthly) == (Interval("year", 1), usd(10_000))


def test_several_items_and_discounts_make_one_monthly_amount() -> None:
    lines = [
        events.line(10_000, discount_amounts=[{"amount": 1000, "discount": "di_1"}]),
        events.line(24_000, days=366, discount_amounts=[{"amount": 6000, "discount": "di_1"}]),
        events.line(500, parent={"type": "invoice_item_details", "subscription_item_details": None}),
        events.line(-300, parent={"subscription_item_details": {"proration": True, "subscription": "sub_1"}}),
    ]
    invoice = events.invoice(amount_paid=27_200, lines={"data": lines, "has_more": False})
    assert paid("invoice.paid", invoice).monthly == usd(9000 + 18_000 // 12)


def test_lines_that_did_not_all_come_tell_no_monthly_amount() -> None:
    invoice = events.invoice(lines={"data": [events.line()], "has_more": True})
    assert paid("invoice.paid", invoice).monthly is None


def test_lines_in_an_unknown_shape_cost_no_payment() -> None:
    broken = events.line(amount="a lot")
    invoice = events.invoice(lines={"data": [broken], "has_more": False})
    assert paid("invoice.paid", invoice).money == usd(1999)
    assert paid("invoice.paid", invoice).monthly is None


def test_a_payment_intent_tells_whether_it_may_be_an_invoices() -> None:
    since_basil = paid("payment_intent.succeeded", events.intent())
    assert (since_basil.ids, since_basil.kind, since_basil.may_repeat_invoice) == (
        ("pi_1", "ch_1"),
        "unknown",
        True,
    )
    before = paid("payment_intent.succeeded", events.intent(invoice=None))
    assert (before.kind, before.may_repeat_invoice) == ("one_off", False)


def test_an_older_payment_intent_holds_its_charge() -> None:
    charges = {"object": "list", "data": [events.charge()]}
    intent = paid(
        "payment_intent.succeeded", events.intent(invoice=None, latest_charge=None, charges=charges)
    )
    assert intent.ids == ("pi_1", "ch_1")
    assert (intent.payer.email, intent.payer.name) == ("ann@example.com", "Ann Lee")


def test_a_charge_with_a_payment_intent_only_joins_their_ids() -> None:
    assert told("stripe", event("charge.succeeded", events.charge())) == (Linked(("pi_1", "ch_1")),)


def test_a_charge_without_a_payment_intent_is_a_payment() -> None:
    alone = paid("charge.succeeded", events.charge(payment_intent=None, receipt_email="ann@example.com"))
    assert (alone.ids, alone.kind, alone.payer.email) == (("ch_1",), "one_off", "ann@example.com")


def test_a_charge_counts_when_it_is_captured() -> None:
    assert read("stripe", event("charge.succeeded", events.charge(captured=False))).ignored
    assert paid("charge.captured", events.charge(payment_intent=None, amount_captured=700)).money == usd(700)


def test_an_invoice_paid_outside_of_stripe_has_nothing_to_join() -> None:
    outside = events.invoice_payment(payment={"type": "payment_record", "payment_record": "pr_1"})
    assert (
        read("stripe", event("invoice_payment.paid", outside)).ignored
        == "the invoice was paid outside of Stripe"
    )


@pytest.mark.parametrize(
    ("amount", "currency", "money"),
    [
        (1999, "usd", Money(1999, "USD")),
        (500, "jpy", Money(500, "JPY")),
        (5120, "kwd", Money(5120, "KWD")),
        (500, "isk", Money(5, "ISK")),
        (500, "ugx", Money(5, "UGX")),
        (500, "mga", Money(50_000, "MGA")),
        (1045, "huf", Money(1045, "HUF")),
        (100, "zzz", Money(100, "ZZZ")),
    ],
)
def test_amounts_become_minor_units_of_iso_4217(amount: int, currency: str, money: Money) -> None:
    checkout = events.session(amount_total=amount, currency=currency)
    assert paid("checkout.session.completed", checkout).money == money


@pytest.mark.parametrize("amount", ["1999", 19.99, -1, True, None, 10**16, [], {}])
def test_an_amount_of_another_kind_is_refused_by_its_path(amount: Any) -> None:
    with pytest.raises(BadDelivery, match=r"`data\.object\.amount_total`"):
        told("stripe", event("checkout.session.completed", events.session(amount_total=amount)))


def test_an_event_that_tells_nothing_is_ignored_with_the_reason() -> None:
    delivery = read("stripe", event("product.created", {"id": "prod_1"}))
    assert (delivery.occurrences, delivery.ignored) == ((), "product.created tells nothing of payments")


def test_a_customer_is_seen() -> None:
    customer = {"id": "cus_1", "email": "ann@example.com", "name": None, "metadata": {"user_id": 42}}
    seen = only(Seen, told("stripe", event("customer.updated", customer)))
    assert seen == Seen(Payer("cus_1", "ann@example.com", None, None, "42"))

"""What deliveries of payment providers come to: whose a sale is, what went back of it, and the goals of subscriptions."""

from __future__ import annotations

import uuid
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
import pytest

from footfall.clock import system_clock
from footfall.payments.webhooks.store import deliveries_of
from tests.support.money import payments, settle
from tests.support.people import ask, erase, person, user_ref
from tests.support.servers import run_command, run_json, until
from tests.support.sites import Site, sql
from tests.support.table import route_table
from tests.support.webhooks import SECRETS, connect, deliver, integrate, send
from tests.unit.payments.providers import other_events as other
from tests.unit.payments.providers import stripe_events as stripe

Fields = dict[str, Any]
MONTH = 31 * 86_400


def now() -> int:
    """In s since epoch."""
    return system_clock() // 1000


def sold(*, at: int | None = None, **fields: Any) -> Fields:
    """A checkout of Stripe that names no page to return to."""
    event = stripe.event("checkout.session.completed", stripe.session(**{"success_url": None, **fields}))
    return event | {"created": now() + 1 if at is None else at}


def invoiced(number: int, reason: str, at: int, **fields: Any) -> Fields:
    """An invoice of Stripe that was paid at a time (s since epoch)."""
    invoice = stripe.invoice(reason, id=f"in_{number}", status_transitions={"paid_at": at}, **fields)
    return stripe.event("invoice.paid", invoice, at=at)


def by_visitor(site: Site) -> Fields:
    """(visitor, method) of each payment, by transaction id."""
    return {
        one["transactionId"]: (one["visitorId"], one["match"]["method"], one["userId"])
        for one in payments(site)
    }


def goals(site: Site, visitor: str) -> list[str]:
    """What payments and subscriptions reached, oldest first."""
    found = site.visitor(visitor)["activity"]["completedGoals"]
    return [one["name"] for one in found if one["origin"] == "payment_provider"]


# Whose it is


def test_a_sale_is_the_visitors_whom_metadata_or_a_checkout_link_names(server: Site) -> None:
    connect(server)
    visitors = [server.pageview(path="/?utm_source=letter") for _ in range(6)]
    metadata: list[Fields] = [{"metadata": {"datafast_visitor_id": one}} for one in visitors]
    deliver(server, "stripe", sold(id="cs_a", payment_intent="pi_a", **metadata[0]))
    deliver(server, "stripe", sold(id="cs_b", payment_intent="pi_b", client_reference_id=visitors[1]))
    lemon = other.lemon_order()
    lemon["meta"]["custom_data"] = metadata[2]["metadata"]
    deliver(server, "lemonsqueezy", lemon)
    deliver(server, "polar", other.polar("order.paid", other.polar_order(**metadata[3])))
    paid = other.paddle_transaction(custom_data=metadata[4]["metadata"])
    deliver(server, "paddle", other.paddle("transaction.completed", paid))
    deliver(server, "dodo", other.dodo("payment.succeeded", other.dodo_payment(**metadata[5])))
    assert sorted(visitor for visitor, _, _ in by_visitor(server).values()) == sorted(visitors)
    for visitor in visitors:
        assert server.visitor(visitor)["isCustomer"]
    (first,) = payments(server, transaction_id="pi_a")
    assert first["atPayment"]["lastTouch"]["source"] == "letter"


def test_the_last_touch_is_the_source_of_the_visit_and_not_of_the_last_page(server: Site) -> None:
    connect(server, "stripe")
    visitor = server.pageview(path="/?utm_source=first")
    server.pageview(visitor, path="/pricing", referrer=f"https://{server.domain}/")
    deliver(server, "stripe", sold(client_reference_id=visitor))
    server.pageview(visitor, path="/thanks", referrer="https://checkout.stripe.com/")
    (one,) = payments(server)
    assert one["atPayment"]["lastTouch"]["source"] == "first"
    assert one["atPayment"]["firstTouch"]["source"] == "first"


@pytest.mark.parametrize("is_reported_first", [True, False])
def test_a_sale_is_the_visitors_whose_page_reported_the_checkout(
    server: Site, is_reported_first: bool
) -> None:
    connect(server, "stripe")
    visitor, checkout = server.pageview(), f"cs_live_{uuid.uuid4().hex}"
    steps = [
        lambda: server.kept("payment", visitor, extraData={"stripe_session_id": checkout}),
        lambda: deliver(server, "stripe", sold(id=checkout, customer=None)),
    ]
    for step in steps if is_reported_first else reversed(steps):
        step()
    until(lambda: by_visitor(server)["pi_1"][:2] == (visitor, "checkout"))


def test_an_identify_after_the_sale_finds_it_by_the_merchants_own_id_alone(server: Site) -> None:
    connect(server, "stripe")
    said: Fields = {"customer": None, "customer_details": {}, "metadata": {"user_id": "user 44"}}
    deliver(server, "stripe", sold(**said))
    assert by_visitor(server)["pi_1"][1:] == ("nobody_known", None)
    server.identify(server.pageview(), "user 44")
    until(lambda: by_visitor(server)["pi_1"][1:] == ("customer_id", "user 44"))


@pytest.mark.parametrize("is_seen_first", [True, False])
def test_who_a_customer_is_may_be_told_by_a_delivery_of_its_own(server: Site, is_seen_first: bool) -> None:
    connect(server, "paddle")
    server.identify(server.pageview(), "U1", {"email": "Ann@Example.com"})
    customer = {"id": "ctm_1", "email": "ann@example.com", "name": "Ann Lee", "custom_data": None}
    steps = [
        other.paddle("customer.created", customer),
        other.paddle("transaction.completed", other.paddle_transaction(custom_data=None)),
    ]
    deliver(server, "paddle", *(steps if is_seen_first else reversed(steps)))
    until(lambda: [one[1:] for one in by_visitor(server).values()] == [("email", "U1")])
    (one,) = payments(server)
    assert (one["email"], one["name"]) == ("ann@example.com", "Ann Lee")


def test_a_renewal_that_names_nobody_is_the_visitors_who_subscribed(server: Site) -> None:
    connect(server, "stripe")
    visitor = server.pageview()
    bare: Fields = {"parent": {"subscription_details": {"subscription": "sub_1"}}, "customer_email": None}
    start = stripe.subscribed_session(
        success_url=None, client_reference_id=visitor, customer_details={}, id="cs_1"
    )
    deliver(
        server,
        "stripe",
        stripe.event("checkout.session.completed", start, at=now() - 5),
        invoiced(1, stripe.CREATE, now() - 5, **bare),
        invoiced(2, stripe.CYCLE, now(), **bare),
    )
    until(lambda: {one[0] for one in by_visitor(server).values()} == {visitor})
    assert len(payments(server)) == 2


# What went back


def test_refunds_and_disputes_lower_what_the_person_paid(server: Site) -> None:
    connect(server, "stripe")
    visitor = server.pageview()
    server.identify(visitor, "ann")
    part, bank = stripe.refund(amount=500), stripe.dispute(amount=1000)
    at = now()
    deliver(
        server,
        "stripe",
        stripe.event("refund.created", part, at=at),
        stripe.event("charge.dispute.created", bank, at=at),
        stripe.event("charge.succeeded", stripe.charge(), at=at - 1),
    )
    assert payments(server) == []
    deliver(server, "stripe", sold(client_reference_id=visitor, at=at - 2))
    settle(server)
    assert person(server, "ann")["revenue"]["total"] == 4.99
    deliver(server, "stripe", stripe.event("charge.dispute.closed", {**bank, "status": "won"}, at=at + 1))
    assert person(server, "ann")["revenue"]["total"] == 14.99
    deliver(server, "stripe", stripe.event("refund.failed", {**part, "status": "failed"}, at=at + 2))
    settle(server)
    found = person(server, "ann")
    assert (found["revenue"]["total"], found["paymentCount"]) == (19.99, 1)


def test_a_refund_that_was_posted_too_is_counted_once(server: Site) -> None:
    connect(server, "stripe")
    deliver(server, "stripe", sold())
    body = {"amount": 5, "currency": "USD", "transaction_id": "re_1", "refunded": True}
    assert server.call("POST", "/api/v1/payments", json=body).status_code == 200
    deliver(server, "stripe", stripe.event("refund.created", stripe.refund()))
    assert sorted(one["transactionId"] for one in payments(server)) == ["pi_1", "re_1"]


def test_a_refund_finds_a_payment_that_was_only_posted(server: Site) -> None:
    connect(server, "stripe")
    body = {"amount": 20, "currency": "USD", "transaction_id": "pi_1"}
    assert server.call("POST", "/api/v1/payments", json=body).status_code == 200
    told = stripe.event("charge.refunded", stripe.charge(amount_refunded=700))
    deliver(server, "stripe", told, stripe.event("refund.created", stripe.refund()))
    found = {one["transactionId"]: one["amount"] for one in payments(server)}
    assert found == {"pi_1": 20, "re_1": 5, "pi_1/refunded": 2}


def test_a_refund_that_was_deleted_by_hand_stays_deleted(server: Site) -> None:
    connect(server, "stripe")
    deliver(server, "stripe", sold(), stripe.event("refund.created", stripe.refund()))
    assert server.call("DELETE", "/api/v1/payments?transaction_id=re_1").status_code == 200
    deliver(server, "stripe", stripe.event("refund.updated", stripe.refund()))
    deliver(server, "stripe", stripe.event("charge.dispute.created", stripe.dispute(amount=100)))
    assert sorted(one["transactionId"] for one in payments(server)) == ["dp_1", "pi_1"]


# Subscriptions


def test_a_subscription_reaches_the_goals_of_its_life_each_once(server: Site) -> None:
    connect(server, "stripe")
    visitor, start = server.pageview(), now() - 10 * MONTH
    trialing = stripe.subscription(status="trialing")
    dearer = stripe.subscription(items=stripe.items(stripe.item(3999)))
    ending = stripe.subscription(items=stripe.items(stripe.item(3999)), cancel_at_period_end=True)
    before: Fields = {"items": stripe.items(stripe.item())}
    metadata = {"metadata": {"datafast_visitor_id": visitor}, "subscription": "sub_1"}
    theirs: Fields = {"parent": {"subscription_details": metadata}}
    told = [
        stripe.event("customer.subscription.created", trialing, at=start),
        invoiced(1, stripe.CREATE, start, amount_paid=0),
        sold(
            mode="subscription",
            subscription="sub_1",
            invoice="in_1",
            payment_intent=None,
            amount_total=0,
            client_reference_id=visitor,
            at=start + 2,
        ),
        invoiced(2, stripe.CYCLE, start + MONTH, **theirs),
        stripe.event(
            "customer.subscription.updated",
            stripe.subscription(),
            at=start + MONTH,
            before={"status": "trialing"},
        ),
        invoiced(3, stripe.CYCLE, start + 2 * MONTH, **theirs),
        stripe.event("customer.subscription.updated", dearer, at=start + 2 * MONTH + 60, before=before),
        stripe.event(
            "customer.subscription.updated",
            ending,
            at=start + 3 * MONTH,
            before={"cancel_at_period_end": False},
        ),
        stripe.event("customer.subscription.deleted", {**ending, "status": "canceled"}, at=start + 4 * MONTH),
    ]
    deliver(server, "stripe", *reversed(told), *told)
    assert sorted(goals(server, visitor)) == sorted(
        [
            "trial_started",
            "free_trial",
            "trial_converted",
            "payment",
            "subscription_renewed",
            "payment",
            "subscription_upgraded",
            "subscription_cancel_scheduled",
            "subscription_ended",
        ]
    )


def test_a_subscription_that_starts_with_money_starts_once(server: Site) -> None:
    connect(server, "stripe", "lemonsqueezy")
    visitor, start = server.pageview(), now() - 40
    begun = stripe.subscription(metadata={})
    deliver(
        server,
        "stripe",
        sold(
            mode="subscription",
            subscription="sub_1",
            invoice="in_1",
            payment_intent=None,
            client_reference_id=visitor,
            at=start,
        ),
        stripe.event("customer.subscription.created", begun, at=start),
        invoiced(1, stripe.CREATE, start),
    )
    assert goals(server, visitor) == ["subscription_started", "payment"]
    second = server.pageview()
    order, subscribed = other.lemon_order(), other.lemon_subscription()
    first_invoice = other.lemon_invoice(billing_reason="initial")
    for event in (order, subscribed, first_invoice):
        event["meta"]["custom_data"] = {"datafast_visitor_id": second}
    deliver(server, "lemonsqueezy", first_invoice, subscribed, order)
    assert sorted(goals(server, second)) == ["payment", "subscription_started"]


def test_a_yearly_invoice_of_1200_recurs_with_100_a_month(server: Site) -> None:
    connect(server, "stripe")
    yearly = {"amount_paid": 120_000, "lines": {"data": [stripe.line(120_000, days=365)], "has_more": False}}
    deliver(server, "stripe", invoiced(1, stripe.CREATE, now(), **yearly))
    assert server.rows(sql.monthly_of_sales) == [(10_000, "USD")]
    several = stripe.items(
        stripe.item(1000, quantity=3), stripe.item(120_000, "year", id="si_2"), stripe.item(900, "month", 3)
    )
    discount = {"coupon": {"duration": "forever", "percent_off": 50, "amount_off": None}}
    moved = stripe.subscription(id="sub_2", items=several, discounts=[discount])
    deliver(server, "stripe", stripe.event("customer.subscription.created", moved))
    assert server.rows(sql.monthly_of_moves) == [("started", 6650, "USD")]


# Two websites of one account


def test_a_sale_of_another_website_of_the_same_account_counts_there_alone(server: Site, other: Site) -> None:
    for site in (server, other):
        connect(site, "stripe")
    start = now()
    told = [
        invoiced(1, stripe.CREATE, start),
        stripe.event("customer.subscription.created", stripe.subscription(), at=start),
        invoiced(2, stripe.CYCLE, start + 1),
        stripe.event(
            "checkout.session.completed",
            stripe.subscribed_session(success_url=f"https://www.{server.domain}/thanks"),
            at=start,
        ),
        invoiced(3, stripe.CYCLE, start + 2),
    ]
    named = stripe.session(
        id="cs_9", payment_intent="pi_9", metadata={"datafast_website_id": server.tracking_id}
    )
    for site in (server, other):
        deliver(site, "stripe", *told, stripe.event("checkout.session.completed", named, at=start))
    assert len(payments(server)) == 4
    assert payments(other) == []
    assert other.rows(sql.monthly_of_moves) == []


# What the owner sees


def test_a_payment_tells_its_deliveries(server: Site) -> None:
    connect(server, "stripe")
    deliver(
        server,
        "stripe",
        sold(),
        stripe.event("refund.created", stripe.refund()),
        sold(),
        {**sold(), "id": "evt_9"},
    )
    website_id = bytes.fromhex(server.website_id)
    for one in payments(server):
        payment_id = bytes.fromhex(one["paymentId"])
        told = server.place.snapshot(partial(deliveries_of, website_id=website_id, payment_id=payment_id))
        assert {(each.provider, each.event) for each in told} == {
            ("stripe", "checkout.session.completed"),
            ("stripe", "refund.created"),
        }


def test_erasing_whoever_paid_leaves_amounts_and_no_word_of_them(server: Site) -> None:
    connect(server, "stripe")
    visitor = server.pageview()
    server.identify(visitor, "ann", {"email": "ann@example.com"})
    at = now()
    said = {"metadata": {"user_id": "her own id"}, "client_reference_id": visitor}
    customer = {"id": "cus_2", "email": "ANN@example.com", "name": "Ann Lee"}
    deliver(
        server,
        "stripe",
        sold(**said, at=at),
        stripe.event("refund.created", stripe.refund(), at=at),
        stripe.event("customer.created", customer),
    )
    settle(server)
    exported = ask(server, f"/api/v1/profiles/{user_ref('ann')}/export")
    assert {one["transactionId"] for one in exported["data"]["payments"]} == {"pi_1", "re_1"}
    assert [one["externalId"] for one in exported["data"]["paymentCustomers"]] == ["her own id"]
    assert [one["what"] for one in exported["data"]["subscriptionMoves"]] == []
    erase(server, "ann")
    until(lambda: all(one["transactionId"] is None for one in payments(server)))
    for word in ("ann", "Ann", "her own id", "cus_", "pi_1", "ch_1", "re_1", "cs_live", visitor):
        assert word not in held(server), word
    deliver(
        server,
        "stripe",
        stripe.event("refund.updated", stripe.refund(), at=at + 5),
        stripe.event("charge.succeeded", stripe.charge(), at=at),
    )
    assert sorted(-one["amount"] if one["refunded"] else one["amount"] for one in payments(server)) == [
        -5,
        Decimal("19.99"),
    ]
    for word in ("pi_1", "ch_1", "re_1"):
        assert word not in held(server), word


def test_a_refund_of_an_erased_payment_waits_for_no_evidence(server: Site) -> None:
    connect(server, "stripe")
    server.identify(server.pageview(), "ann", {"email": "ann@example.com"})
    intent = stripe.intent(customer=None, receipt_email="ann@example.com")
    deliver(server, "stripe", stripe.event("payment_intent.succeeded", intent))
    settle(server)
    erase(server, "ann")
    deliver(server, "stripe", stripe.event("refund.created", stripe.refund()))
    found = {one["kind"]: one["match"]["method"] for one in payments(server)}
    assert found == {"payment": "erased", "refund": "erased"}
    assert payments(server, matched="false") == []


def held(site: Site) -> str:
    """All that is kept of deliveries."""
    found = [site.rows(statement) for statement in sql if statement.name.startswith("held_")]
    assert len(found) == 5
    return repr(found)


def test_an_access_token_needs_the_permission_of_settings(server: Site) -> None:
    reading, writing = server.tokens([(["settings:read"], []), (["settings:write"], [])])
    body = {"json": {"webhookSecret": SECRETS["stripe"]}}
    assert integrate(server, "POST", "stripe", key=reading, **body).status_code == 403
    assert integrate(server, "POST", "stripe", key=writing, **body).status_code == 200
    assert integrate(server, "GET", key=writing).status_code == 403
    assert integrate(server, "GET", key=reading).status_code == 200
    assert integrate(server, "DELETE", "stripe", key=writing).status_code == 200
    assert [route.scope for route in route_table() if "webhooks" in route.path] == [None]


def test_a_command_sets_shows_and_removes_a_secret(server: Site) -> None:
    place, website = server.place, server.website_id
    ran = run_command(
        place, "website", "payments", "set", website, "polar", "--json", typed=SECRETS["polar"] + "\n"
    )
    assert msgspec.json.decode(ran.output)["webhookPath"] == f"/api/webhooks/polar/{website}", ran
    paid = other.polar("order.paid", other.polar_order())
    assert send(server, "polar", paid).status_code == 200
    shown = {one["provider"]: one for one in run_json(place, "website", "payments", "show", website)}
    assert shown["polar"]["lastDelivery"]["event"] == "order.paid"
    assert not shown["stripe"]["isConnected"]
    assert SECRETS["polar"] not in msgspec.json.encode(shown).decode()
    run_json(place, "website", "payments", "remove", website, "polar")
    assert send(server, "polar", paid).status_code == 404

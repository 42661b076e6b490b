"""`/api/webhooks`: what payment providers deliver is believed when they signed it, and counted once."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from footfall.clock import system_clock
from tests.support.money import pay, payments
from tests.support.sites import Site, sql
from tests.support.webhooks import SECRETS, connect, deliver, integrate, integration, post, send, sign
from tests.unit.payments.providers import other_events as other
from tests.unit.payments.providers import stripe_events as stripe

DAY = 86_400
SALES: dict[str, Any] = {
    "stripe": stripe.event("checkout.session.completed", stripe.session(success_url=None)),
    "lemonsqueezy": other.lemon_order(),
    "polar": other.polar("order.paid", other.polar_order()),
    "paddle": other.paddle("transaction.completed", other.paddle_transaction()),
    "dodo": other.dodo("payment.succeeded", other.dodo_payment()),
}


def amounts(site: Site) -> list[tuple[str, Decimal, str]]:
    """(transaction id, amount, kind) of all payments, refunds below zero; oldest first."""
    return sorted(
        (one["transactionId"], -one["amount"] if one["refunded"] else one["amount"], one["kind"])
        for one in payments(site)
    )


def net(site: Site) -> Decimal:
    """What all payments come to."""
    return Decimal(sum(amount for _, amount, _ in amounts(site)))


def message(response: Any) -> str:
    """What an error says."""
    said: str = response.json()["error"]["message"]
    return said


# Believed or not


@pytest.mark.parametrize("provider", SALES)
def test_a_sale_of_each_provider_is_one_payment_however_often_it_is_delivered(
    server: Site, provider: str
) -> None:
    connect(server, provider)
    answers = [send(server, provider, SALES[provider]).json()["data"]["isNew"] for _ in range(3)]
    assert answers == [True, False, False]
    assert len(payments(server)) == 1
    told = integration(server, provider)
    assert told["isConnected"]
    assert told["isSecretReadable"]
    assert not told["lastDelivery"]["isTest"]
    assert told["refusedDeliveries"] == []


def test_what_nobody_signed_is_refused_and_listed_by_event_and_reason_alone(server: Site) -> None:
    connect(server, "stripe")
    sale, now = SALES["stripe"], system_clock() // 1000
    body = json.dumps(sale).encode()
    header = sign("stripe", SECRETS["stripe"], body, now)["stripe-signature"]
    refused = [
        send(server, "stripe", sale, secret="another"),
        send(server, "stripe", sale, signed_at=now - DAY),
        send(server, "stripe", sale, signed_at=now + DAY),
        post(server, "stripe", body, {}),
        post(server, "stripe", body, {"stripe-signature": header.replace("v1=", "v0=")}),
        post(server, "stripe", body.replace(b"1999", b"1998"), {"stripe-signature": header}),
        send(server, "stripe", {**sale, "created": "yesterday"}),
        send(server, "stripe", b"not json"),
    ]
    assert [response.status_code for response in refused] == [400] * len(refused)
    listed = integration(server, "stripe")["refusedDeliveries"]
    assert [one["event"] for one in reversed(listed)] == [*["checkout.session.completed"] * 7, None]
    for response, one in zip(refused, reversed(listed), strict=True):
        assert one["reason"].rstrip(".") in message(response)
    assert "`created`" in listed[1]["reason"]
    assert "ann@example.com" not in json.dumps(listed)
    assert integration(server, "stripe")["lastDelivery"] is None
    assert payments(server) == []


def test_the_last_ten_refusals_are_kept(server: Site) -> None:
    connect(server, "polar", "dodo")
    for number in range(13):
        assert send(server, "polar", {"type": f"event.{number}"}).status_code == 400
    listed = [one["event"] for one in integration(server, "polar")["refusedDeliveries"]]
    assert listed == [f"event.{number}" for number in range(12, 2, -1)]
    assert integration(server, "dodo")["refusedDeliveries"] == []


def test_a_stranger_does_not_choose_what_the_list_shows(server: Site) -> None:
    connect(server, "stripe")
    for name in ("<script>", "a" * 61, 5, None, ["x"], {"a": 1}):
        send(server, "stripe", {"type": name}, secret="another")
    events = {one["event"] for one in integration(server, "stripe")["refusedDeliveries"]}
    assert events == {None, "5"}


def test_the_largest_delivery_has_1_mib(server: Site) -> None:
    connect(server, "stripe")
    sale = {**SALES["stripe"], "padding": ""}
    room = 1024 * 1024 - len(json.dumps(sale))
    assert send(server, "stripe", {**sale, "padding": "x" * room}).status_code == 200
    assert send(server, "stripe", {**sale, "padding": "x" * (room + 1)}).status_code == 413
    for body in (b"[" * 1024 * 1024, b'{"type":"' + b"\\u0000" * 170_000 + b'"}', b'{"a":1,' * 140_000):
        assert send(server, "stripe", body).status_code == 400


def test_unknown_providers_and_websites_and_missing_secrets_are_404(server: Site, other: Site) -> None:
    connect(server, "stripe")
    sale = SALES["stripe"]
    assert post(server, "paypal", b"{}", {}).status_code == 404
    assert send(server, "stripe", sale, website="f" * 24).status_code == 404
    assert send(server, "stripe", sale, website="nonsense").status_code == 404
    assert "not connected to Stripe" in message(send(other, "stripe", sale))
    assert send(server, "stripe", sale, website=server.tracking_id).status_code == 200


# Connecting


def test_a_secret_is_never_shown_and_goes_when_the_provider_is_disconnected(server: Site) -> None:
    connect(server, "stripe")
    everything = integrate(server, "GET").text
    assert SECRETS["stripe"] not in everything
    assert [one["provider"] for one in json.loads(everything)["data"]] == list(SECRETS)
    assert integrate(server, "DELETE", "stripe").status_code == 200
    assert integrate(server, "DELETE", "stripe").status_code == 404
    assert send(server, "stripe", SALES["stripe"]).status_code == 404
    assert not integration(server, "stripe")["isConnected"]


def test_a_secret_in_the_data_is_encrypted_and_tied_to_its_place(server: Site, other: Site) -> None:
    connect(server, "polar")
    connect(other, "polar")
    sealed = [site.rows(sql.integration_secrets)[0][0] for site in (server, other)]
    assert sealed[0] != sealed[1]
    assert all(b"whsec" not in one and b"a2tra2" not in one for one in sealed)
    assert server.place.key_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("provider", "body", "told"),
    [
        ("stripe", {}, "webhookSecret"),
        ("stripe", {"polarOrgId": 5}, "webhookSecret"),
        ("stripe", {"webhookSecret": " "}, "webhookSecret"),
        ("stripe", {"webhookSecret": 5}, "webhookSecret"),
        ("stripe", {"webhookSecret": "x" * 256}, "webhookSecret"),
        ("dodo", {"webhookSecret": "no base64!"}, "webhookSecret"),
    ],
)
def test_what_can_be_no_secret_is_refused(server: Site, provider: str, body: Any, told: str) -> None:
    response = integrate(server, "POST", provider, json=body)
    assert response.status_code == 400
    assert told in message(response)


def test_the_providers_own_fields_are_accepted_and_ignored(server: Site) -> None:
    body = {"webhookSecret": SECRETS["stripe"], "stripeRak": "rk_live_1", "polarOrgId": 5}
    assert integrate(server, "POST", "stripe", json=body).json()["data"][0]["isConnected"]
    assert integrate(server, "POST", "shopify", json=body).status_code == 404


# One sale is one payment


def test_a_payment_that_was_posted_under_one_of_its_ids_is_the_same_one(server: Site) -> None:
    connect(server, "stripe")
    pay(server, 20, transaction_id="pi_1")
    deliver(server, "stripe", SALES["stripe"])
    (one,) = payments(server)
    assert (one["amount"], one["transactionId"], one["email"]) == (20, "pi_1", "ann@example.com")
    deliver(server, "stripe", stripe.event("refund.created", stripe.refund()))
    assert net(server) == 15


def test_a_payment_that_is_posted_after_its_delivery_completes_it(server: Site) -> None:
    visitor = server.pageview()
    connect(server, "stripe")
    deliver(server, "stripe", SALES["stripe"])
    again = pay(server, 19.99, transaction_id="cs_live_a1", datafast_visitor_id=visitor)
    assert "warning" not in again
    assert "warning" in pay(server, 5, transaction_id="pi_1")
    (one,) = payments(server)
    assert (one["amount"], one["visitorId"], one["match"]["method"]) == (Decimal("19.99"), visitor, "visitor")


def test_a_payment_that_was_deleted_by_hand_stays_deleted(server: Site) -> None:
    connect(server, "stripe")
    deliver(server, "stripe", SALES["stripe"])
    assert server.call("DELETE", "/api/v1/payments?transaction_id=pi_1").status_code == 200
    deliver(server, "stripe", stripe.event("charge.succeeded", stripe.charge()))
    assert payments(server) == []


def test_test_mode_is_listed_and_never_counted(server: Site) -> None:
    connect(server, "stripe", "lemonsqueezy")
    deliver(server, "stripe", {**SALES["stripe"], "livemode": False})
    sale = other.lemon_order()
    sale["meta"]["test_mode"] = True
    deliver(server, "lemonsqueezy", sale)
    for provider in ("stripe", "lemonsqueezy"):
        assert integration(server, provider)["lastDelivery"]["isTest"]
    assert payments(server) == []


def test_a_currency_without_a_rate_is_stored_as_are_those_with_no_and_three_decimal_places(
    server: Site,
) -> None:
    connect(server, "stripe")
    for number, (code, amount) in enumerate([("jpy", 1200), ("kwd", 1234), ("vef", 500), ("xqz", 500)]):
        sold = stripe.session(
            id=f"cs_{number}",
            payment_intent=f"pi_{number}",
            currency=code,
            amount_total=amount,
            success_url=None,
        )
        deliver(server, "stripe", stripe.event("checkout.session.completed", sold))
    found = {one["currency"]: one["amount"] for one in payments(server)}
    assert found == {"JPY": 1200, "KWD": Decimal("1.234"), "VEF": 5, "XQZ": 5}


def test_no_event_that_a_provider_may_send_is_an_error(server: Site) -> None:
    connect(server)
    for provider in SECRETS:
        name = {"lemonsqueezy": "meta", "paddle": "event_type"}.get(provider, "type")
        said = json.loads(json.dumps(SALES[provider]))
        said[name] = {**said["meta"], "event_name": "license_key_created"} if name == "meta" else "app.made"
        deliver(server, provider, said)
        assert integration(server, provider)["lastDelivery"]["event"] in ("app.made", "license_key_created")
    assert payments(server) == []


def test_a_lost_key_is_told_and_deliveries_are_asked_for_again(server: Site) -> None:
    connect(server, "stripe")
    file = server.place.key_file
    aside = file.rename(file.with_name("aside"))
    try:
        assert send(server, "stripe", SALES["stripe"]).status_code == 503
        assert not integration(server, "stripe")["isSecretReadable"]
        file.write_text("x" * 40)
        assert send(server, "stripe", SALES["stripe"]).status_code == 503
    finally:
        aside.rename(file)
    assert send(server, "stripe", SALES["stripe"]).status_code == 200
    assert len(payments(server)) == 1

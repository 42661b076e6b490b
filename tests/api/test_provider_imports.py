"""Imports of what was paid before: nothing is counted twice, nothing newer is overwritten, whatever comes in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from footfall.clock import system_clock
from footfall.payments.connecting.importing import MOST_ATTEMPTS
from footfall.payments.connecting.store import HELD_MS
from tests.conftest import Kept
from tests.support.engines import Engine, Place
from tests.support.inside import SetClock, inside
from tests.support.money import payments
from tests.support.providers import ProviderAccount, provider_apis
from tests.support.servers import run_command, until
from tests.support.sites import Site, http_client, make_sites, sql
from tests.support.sold import ago, connect_by_key, imported, iso_ago, sell, sold_by, state_of, stripe_sale
from tests.support.webhooks import connect, deliver, integrate, integration
from tests.unit.payments.providers import other_events as other
from tests.unit.payments.providers import stripe_events as stripe

MINUTE = 60_000


@pytest.fixture(autouse=True)
def _apis(kept: Kept) -> None:
    kept.get("provider apis", "", provider_apis)


@pytest.fixture
def account() -> ProviderAccount:
    """An account with Stripe."""
    return ProviderAccount("stripe")


def amounts(site: Site) -> list[Decimal]:
    """Of all payments, refunds below zero."""
    return sorted(-one["amount"] if one["refunded"] else one["amount"] for one in payments(site))


def run(site: Site, account: ProviderAccount) -> None:
    """Connect and import, which succeeds."""
    connect_by_key(site, account)
    ended = imported(site, account)
    assert (ended["state"], ended["reason"]) == ("done", None)


def session_event(account: ProviderAccount, number: int) -> dict[str, Any]:
    """What the webhook says of a sale, a minute after it was made."""
    (sale,) = [one for one in account.lists["/v1/checkout/sessions"] if one["id"] == f"cs_{number}"]
    bare = {**sale, "payment_intent": f"pi_{number}"}
    return stripe.event("checkout.session.completed", bare, at=sale["created"] + 60)


# Pages


def test_all_pages_of_all_lists_are_read(server: Site, account: ProviderAccount) -> None:
    account.page = 2
    sell(account, *[stripe_sale(number, number) for number in range(1, 6)])
    run(server, account)
    assert amounts(server) == [Decimal("19.99")] * 5
    assert integration(server, "stripe")["import"]["objects"] == 15


def test_pages_by_number_are_read_to_the_end(server: Site) -> None:
    for provider, path in (
        ("lemonsqueezy", "/v1/orders"),
        ("polar", "/v1/orders"),
        ("paddle", "/transactions"),
    ):
        account = ProviderAccount(provider)
        account.page = 2
        sell(account, *[{path: sale_of(provider, number)} for number in range(1, 4)])
        run(server, account)
    assert len(payments(server)) == 9


def sale_of(provider: str, number: int) -> dict[str, Any]:
    """A sale so many days ago, in the shape of a provider's list."""
    at = iso_ago(number)
    if provider == "lemonsqueezy":
        order = other.lemon_order(created_at=at, updated_at=at, identifier=f"order-{number}")["data"]
        return {**order, "id": str(number)}
    if provider == "polar":
        return other.polar_order(id=f"o{number}", created_at=at)
    return other.paddle_transaction(id=f"txn_{number}", invoice_id=None, created_at=at, billed_at=at)


def test_what_is_older_than_90_days_is_left_out(server: Site, account: ProviderAccount) -> None:
    old = {"paid_at": ago(100), "finalized_at": ago(100)}
    invoice = stripe.invoice(id="in_old", created=ago(100), livemode=True, status_transitions=old)
    sell(account, stripe_sale(1, 89), stripe_sale(2, 91), {"/v1/invoices": invoice})
    run(server, account)
    assert [one["transactionId"] for one in payments(server)] == ["pi_1"]
    lemon = ProviderAccount("lemonsqueezy")
    lemon.page = 1
    sell(lemon, *[{"/v1/orders": sale_of("lemonsqueezy", days)} for days in (80, 95, 100, 110)])
    run(server, lemon)
    assert len(payments(server)) == 2
    assert (
        lemon.calls.count(("GET", "/v1/orders")) == 3
    )  # to check the key, and until the first that is too old


# Twice, and beside webhooks


def test_an_import_twice_counts_once(server: Site, account: ProviderAccount) -> None:
    sell(account, stripe_sale(1, 5), {"/v1/refunds": stripe.refund(created=ago(4), livemode=True)})
    run(server, account)
    before = payments(server)
    run(server, account)
    assert payments(server) == before
    assert amounts(server) == [-5, Decimal("19.99")]


def test_webhooks_before_during_and_after_an_import_count_nothing_twice(
    server: Site, account: ProviderAccount
) -> None:
    sell(account, *[stripe_sale(number, number) for number in range(1, 5)])
    connect(server, "stripe")
    deliver(server, "stripe", session_event(account, 1))

    def meanwhile(path: str, query: dict[str, str]) -> None:
        if path == "/v1/payment_intents" and query["limit"] and server_is_importing():
            deliver(server, "stripe", session_event(account, 2))

    def server_is_importing() -> bool:
        return bool(account.webhooks)

    account.on_call = meanwhile
    run(server, account)
    deliver(server, "stripe", session_event(account, 3), session_event(account, 1))
    assert amounts(server) == [Decimal("19.99")] * 4
    assert {one["transactionId"] for one in payments(server)} == {f"pi_{number}" for number in range(1, 5)}
    assert integration(server, "stripe")["lastDelivery"]["event"] == "checkout.session.completed"


def test_a_payment_that_was_posted_is_found_by_its_id(server: Site, account: ProviderAccount) -> None:
    visitor = server.pageview()
    posted = {"transaction_id": "pi_1", "amount": 19.99, "currency": "USD", "datafast_visitor_id": visitor}
    assert server.call("POST", "/api/v1/payments", json=posted).status_code == 200
    sell(account, stripe_sale(1, 5))
    run(server, account)
    (one,) = payments(server)
    assert (one["visitorId"], one["email"]) == (visitor, "ann@example.com")


def test_a_subscriptions_sale_invoice_intent_and_charge_are_one_payment(
    server: Site, account: ProviderAccount
) -> None:
    for number, (days, reason) in enumerate([(40, stripe.CREATE), (10, stripe.CYCLE)], 1):
        sale = stripe_sale(number, days)
        paid = {"payment": {"type": "payment_intent", "payment_intent": f"pi_{number}"}, "status": "paid"}
        invoice = stripe.invoice(
            reason,
            id=f"in_{number}",
            created=ago(days),
            livemode=True,
            status_transitions={"paid_at": ago(days), "finalized_at": ago(days)},
            payments={"object": "list", "data": [paid], "has_more": False},
        )
        session = stripe.subscribed_session(
            created=ago(days), livemode=True, invoice=invoice, success_url=None
        )
        first = {"/v1/checkout/sessions": session} if number == 1 else {}
        sell(
            account, {"/v1/payment_intents": sale["/v1/payment_intents"], "/v1/charges": sale["/v1/charges"]}
        )
        sell(account, {"/v1/invoices": invoice, **first})
    account.lists = {
        path: sorted(found, key=lambda one: -one["created"]) for path, found in account.lists.items()
    }
    run(server, account)
    assert [(one["transactionId"], one["kind"]) for one in payments(server)] == [
        ("in_2", "renewal"),
        ("in_1", "first"),
    ]


# What is newer stays


def test_a_refund_that_failed_stays_failed_whatever_the_import_read(
    server: Site, account: ProviderAccount
) -> None:
    refund = {"created": ago(4), "livemode": True}
    sell(account, stripe_sale(1, 5), {"/v1/refunds": stripe.refund(**refund)})
    connect(server, "stripe")
    failed = stripe.refund(status="failed")
    deliver(server, "stripe", stripe.event("refund.failed", failed, at=ago(1)))
    run(server, account)
    assert amounts(server) == [Decimal("19.99")]


def test_a_refund_that_fails_after_the_import_is_reversed(server: Site, account: ProviderAccount) -> None:
    sell(account, stripe_sale(1, 5), {"/v1/refunds": stripe.refund(created=ago(4), livemode=True)})
    run(server, account)
    deliver(server, "stripe", stripe.event("refund.failed", stripe.refund(status="failed"), at=ago(0)))
    assert amounts(server) == [Decimal("19.99")]


def test_a_failed_refund_outlasts_the_sum_of_refunds_that_was_told_before(
    server: Site, account: ProviderAccount
) -> None:
    refund = stripe.refund(status="failed", created=ago(4), livemode=True)
    sell(account, stripe_sale(1, 5), {"/v1/refunds": refund})
    connect(server, "stripe")
    charge = stripe.charge(amount_refunded=500)
    deliver(server, "stripe", stripe.event("charge.refunded", charge, at=ago(3)))
    run(server, account)
    assert amounts(server) == [Decimal("19.99")]


def test_refunds_of_an_import_are_not_added_to_their_sum(server: Site, account: ProviderAccount) -> None:
    refunds = [stripe.refund(id=f"re_{n}", amount=300, created=ago(n), livemode=True) for n in (2, 3)]
    sell(account, stripe_sale(1, 5), *[{"/v1/refunds": one} for one in refunds])
    connect(server, "stripe")
    deliver(server, "stripe", stripe.event("charge.refunded", stripe.charge(amount_refunded=600), at=ago(1)))
    run(server, account)
    assert amounts(server) == [-3, -3, Decimal("19.99")]


@pytest.mark.parametrize(
    ("read", "told", "expected"),
    [
        ("needs_response", "won", [Decimal("19.99")]),
        ("needs_response", None, [Decimal("-19.99"), Decimal("19.99")]),
        ("won", None, [Decimal("19.99")]),
        ("won", "under_review", [Decimal("19.99")]),
        ("lost", "needs_response", [Decimal("-19.99"), Decimal("19.99")]),
        ("warning_closed", None, [Decimal("19.99")]),
    ],
)
def test_a_dispute_is_as_the_newest_word_has_it(
    server: Site, account: ProviderAccount, read: str, told: str | None, expected: list[Decimal]
) -> None:
    sell(account, stripe_sale(1, 9))
    sell(account, {"/v1/disputes": stripe.dispute(status=read, created=ago(8), livemode=True)})
    connect(server, "stripe")
    if told is not None:
        closed = stripe.dispute(status=told)
        deliver(server, "stripe", stripe.event("charge.dispute.updated", closed, at=ago(2)))
    run(server, account)
    assert amounts(server) == expected
    losses = [one for one in payments(server) if one["refunded"]]
    assert all(one["timestamp"][:10] == iso_ago(8)[:10] for one in losses)


def test_test_mode_and_other_websites_are_never_counted(
    server: Site, other: Site, account: ProviderAccount
) -> None:
    test = stripe_sale(1, 5)
    sell(account, {path: {**one, "livemode": False} for path, one in test.items()})
    elsewhere = {"datafast_website_id": other.tracking_id}
    sell(account, {"/v1/checkout/sessions": stripe_sale(2, 4, metadata=elsewhere)["/v1/checkout/sessions"]})
    sell(account, {"/v1/payment_intents": stripe_sale(2, 4)["/v1/payment_intents"]})
    run(server, account)
    assert payments(server) == []


# Subscriptions


def reached(site: Site, visitor: str) -> list[str]:
    """The lifecycle goals of a visitor but those of single payments, oldest first."""
    goals = site.visitor(visitor)["activity"]["completedGoals"]
    return [one["name"] for one in goals if one["name"] not in ("payment", "free_trial")]


def subscribed(account: ProviderAccount, visitor: str, **fields: Any) -> dict[str, Any]:
    """A subscription that began 60 days ago, and its first invoice."""
    said = {"datafast_visitor_id": visitor}
    invoice = stripe.invoice(
        stripe.CREATE,
        created=ago(60),
        livemode=True,
        metadata=said,
        status_transitions={"paid_at": ago(60), "finalized_at": ago(60)},
    )
    live = {"created": ago(60), "livemode": True, "canceled_at": None, "ended_at": None, "trial_end": None}
    one = stripe.subscription(**{**live, "metadata": said, **fields})
    sell(account, {"/v1/invoices": invoice, "/v1/subscriptions": one})
    return one


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["subscription_started"]),
        (
            {"cancel_at_period_end": True, "canceled_at": 5},
            ["subscription_started", "subscription_cancel_scheduled"],
        ),
        (
            {"status": "canceled", "canceled_at": 6, "ended_at": 5},
            ["subscription_started", "subscription_ended"],
        ),
        ({"trial_end": 46}, ["trial_started", "trial_converted"]),
        ({"status": "trialing", "trial_end": -3}, ["trial_started"]),
        ({"status": "past_due"}, ["subscription_started"]),
    ],
)
def test_a_subscription_reaches_its_goals_by_what_is_read_of_it(
    server: Site, account: ProviderAccount, fields: dict[str, Any], expected: list[str]
) -> None:
    visitor = server.pageview()
    days = {"canceled_at", "ended_at", "trial_end"}
    subscribed(account, visitor, **{k: ago(v) if k in days else v for k, v in fields.items()})
    run(server, account)
    assert reached(server, visitor) == expected


def test_what_webhooks_told_of_a_subscription_is_told_once(server: Site, account: ProviderAccount) -> None:
    visitor = server.pageview()
    one = subscribed(account, visitor, items=stripe.items(stripe.item(3999)))
    before = {**one, "items": stripe.items(stripe.item(1999))}
    connect(server, "stripe")
    deliver(
        server,
        "stripe",
        stripe.event("customer.subscription.created", before, at=one["created"] + 2),
        stripe.event("customer.subscription.updated", one, at=ago(20), before={"items": before["items"]}),
    )
    run(server, account)
    run(server, account)
    assert reached(server, visitor) == ["subscription_started", "subscription_upgraded"]


# Trouble


def test_an_object_in_another_shape_costs_no_other(server: Site, account: ProviderAccount) -> None:
    account.page = 2
    sell(account, stripe_sale(1, 3), stripe_sale(2, 4, amount_total="much"), stripe_sale(3, 5))
    for path in ("/v1/payment_intents", "/v1/charges"):
        account.lists[path] = []
    connect_by_key(server, account)
    ended = imported(server, account)
    assert (ended["state"], ended["unreadable"], ended["objects"]) == ("done", 1, 3)
    assert ended["reason"].startswith("cs_2: `data.object.amount_total` must be")
    assert len(payments(server)) == 2


def test_disconnecting_ends_an_import_and_removes_the_webhook_with_its_key(
    server: Site, account: ProviderAccount
) -> None:
    account.busy.extend([("/v1/refunds", (200, {"data": []}, {})), ("/v1/refunds", busy(3600))])
    sell(account, stripe_sale(1, 3))
    connect_by_key(server, account)
    until(lambda: not account.busy, "the import does not come to the refunds")
    (told,) = integrate(server, "DELETE", "stripe").json()["data"]
    assert told["isWebhookRemoved"] is True
    assert account.webhooks == {}
    assert integration(server, "stripe")["import"] is None
    assert len(payments(server)) == 1


def busy(seconds: int) -> tuple[int, Any, dict[str, str]]:
    """An answer that asks to wait."""
    return 429, {"error": {"message": "slow down"}}, {"retry-after": str(seconds)}


@contextmanager
def served(place: Place, clock: SetClock, site: Site | None = None) -> Iterator[Site]:
    """The website on a server of `place` with a clock of its own; a new one when none is given."""
    with inside(place, {"FOOTFALL_RATE_LIMIT": "0"}, clock) as server, http_client(server.url) as client:
        if site is None:
            (site,) = make_sites(server.url, client, place)
        yield msgspec.structs.replace(site, url=server.url, http=client)


def test_a_provider_that_asks_to_wait_is_not_called_before(engine: Engine, account: ProviderAccount) -> None:
    clock = SetClock(system_clock())
    sell(account, stripe_sale(1, 3))
    with served(engine.new_place(), clock) as site:
        account.busy.extend([("/v1/charges", (200, {"data": []}, {})), ("/v1/charges", busy(90))])
        connect_by_key(site, account)
        until(lambda: not account.busy, "the import does not come to the charges")
        asked = account.calls.count(("GET", "/v1/charges"))
        clock.move(HELD_MS + 1)
        until(lambda: state_of(site, account) == "running", "nobody holds the import while it waits")
        assert account.calls.count(("GET", "/v1/charges")) == asked
        clock.move(90_000)
        assert imported(site, account)["state"] == "done"
        assert len(payments(site)) == 1


def test_a_provider_that_stays_away_ends_the_import_with_the_reason(
    engine: Engine, account: ProviderAccount
) -> None:
    clock = SetClock(system_clock())
    with served(engine.new_place(), clock) as site:
        account.busy.append(("/v1/disputes", (200, {"data": []}, {})))
        account.busy.extend([("/v1/disputes", (500, {}, {}))] * MOST_ATTEMPTS)
        connect_by_key(site, account)

        def is_over() -> bool:
            clock.move(MINUTE)
            return bool(state_of(site, account) == "failed")

        until(is_over, "it never gives up")
        assert not account.busy
        ended = imported(site, account)
        assert (ended["state"], ended["reason"]) == ("failed", "Stripe has a problem at the moment (500).")
        assert ended["listsDone"] == 6


@pytest.mark.parametrize("is_kept", [True, False])
def test_an_import_goes_on_after_a_restart_with_a_kept_key_and_else_asks_for_it(
    engine: Engine, account: ProviderAccount, is_kept: bool
) -> None:
    clock, place = SetClock(system_clock()), engine.new_place()
    account.page = 1
    sell(account, *[stripe_sale(number, number) for number in range(1, 4)])
    account.busy.append(("/v1/charges", (200, {"data": []}, {})))
    account.busy.append(("/v1/charges", busy(3600)))
    with served(place, clock) as site:
        connect_by_key(site, account, keepKey=is_kept)
        until(lambda: not account.busy, "the import does not come to the charges")
        until(lambda: lists_done(site) == 4, "its place is not stored")
    account.calls.clear()
    with served(place, clock, site) as site:
        assert state_of(site, account) == "running"
        clock.move(HELD_MS + 1)
        if not is_kept:
            until(lambda: state_of(site, account) == "needs_key", "it does not ask for the key")
            connect_by_key(site, account)
        assert imported(site, account)["state"] == "done"
        assert len(payments(site)) == 3
    assert (("GET", "/v1/customers") in account.calls) is not is_kept


def test_a_kept_key_that_cannot_be_decrypted_ends_the_import_with_the_reason(
    engine: Engine, account: ProviderAccount
) -> None:
    clock, place = SetClock(system_clock()), engine.new_place()
    account.busy.extend([("/v1/charges", (200, {"data": []}, {})), ("/v1/charges", busy(3600))])
    with served(place, clock) as site:
        connect_by_key(site, account, keepKey=True)
        until(lambda: lists_done(site) == 4, "the import does not come to the charges")
    place.key_file.write_text("x" * 40)
    with served(place, clock, site) as site:
        clock.move(HELD_MS + 1)
        ended = imported(site, account)
        assert ended["state"] == "failed"
        assert "was stored with another key" in ended["reason"]
        (told,) = integrate(site, "DELETE", "stripe").json()["data"]
        assert told["isWebhookRemoved"] is False


def test_an_import_of_a_website_that_is_suspended_ends(engine: Engine, account: ProviderAccount) -> None:
    clock, place = SetClock(system_clock()), engine.new_place()
    account.busy.extend([("/v1/charges", (200, {"data": []}, {})), ("/v1/charges", busy(60))])
    sell(account, stripe_sale(1, 3))
    with served(place, clock) as site:
        connect_by_key(site, account)
        until(lambda: lists_done(site) == 4, "the import does not come to the charges")
        assert run_command(place, "website", "update", site.website_id, "--suspended").code == 0
        until(lambda: integrate(site, "GET").status_code == 403, "the server does not notice")

        def is_over() -> bool:
            clock.move(MINUTE)
            return bool(site.rows(sql.import_ends)[0][0] == "failed")

        until(is_over, "the import goes on")
        assert site.rows(sql.import_ends) == [("failed", "The website is suspended or deleted.")]


def lists_done(site: Site) -> Any:
    return integration(site, "stripe")["import"]["listsDone"]


def test_a_command_connects_imports_and_disconnects(server: Site) -> None:
    account = sold_by("stripe")
    where = ("website", "payments")
    ran = run_command(
        server.place, *where, "connect", server.website_id, "stripe", "--json", typed=f"{account.key}\n"
    )
    assert (ran.code, ran.errors) == (0, "")
    told = json.loads(ran.output)
    assert (told["import"]["state"], told["import"]["objects"]) == ("done", 4)
    assert told["webhookId"] in account.webhooks
    assert len(payments(server)) == 2
    shown = run_command(server.place, *where, "show", server.website_id, "--json")
    assert json.loads(shown.output)[0]["import"]["state"] == "done"
    gone = run_command(
        server.place,
        *where,
        "remove",
        server.website_id,
        "stripe",
        "--with-key",
        "--json",
        typed=f"{account.key}\n",
    )
    assert json.loads(gone.output)["isWebhookRemoved"] is True
    assert account.webhooks == {}

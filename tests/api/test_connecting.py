"""Connecting a payment provider by API key: its webhook is made and removed, and the key is not kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from footfall.payments.providers import PROVIDERS
from tests.conftest import Kept, MakeInside
from tests.support.engines import PUBLIC_URL
from tests.support.money import payments
from tests.support.providers import KEYS, ProviderAccount, provider_apis
from tests.support.servers import run_command
from tests.support.sites import Site, http_client, make_sites, sql
from tests.support.sold import connect_by_key, imported, sold_by
from tests.support.webhooks import SECRETS, integrate, integration, send
from tests.unit.payments.providers import other_events as other

ON_ENGINES = ["sqlite"]


@pytest.fixture(autouse=True)
def _apis(kept: Kept) -> None:
    kept.get("provider apis", "", provider_apis)


def message(response: Any) -> str:
    """What an error says."""
    said: str = response.json()["error"]["message"]
    return said


def events_of(account: ProviderAccount) -> list[str]:
    """The events that the one webhook of an account is sent, and nothing else beside its address."""
    (made,) = account.webhooks.values()
    made = made["data"]["attributes"] if account.provider == "lemonsqueezy" else made
    names = ("enabled_events", "events", "subscribed_events", "filter_types")
    found: list[str] = next(made[name] for name in names if name in made)
    return found


@pytest.mark.parametrize("provider", KEYS)
def test_a_key_makes_the_webhook_and_imports_what_was_paid(server: Site, provider: str) -> None:
    account = sold_by(provider)
    found = connect_by_key(server, account)
    assert found["isConnected"]
    assert found["isSecretReadable"]
    assert not found["isKeyKept"]
    assert [found["webhookId"]] == list(account.webhooks)
    assert f"{PUBLIC_URL}{found['webhookPath']}" in json.dumps(account.webhooks[found["webhookId"]])
    assert sorted(events_of(account)) == sorted(PROVIDERS[provider].events)
    ended = imported(server, account)
    assert (ended["state"], ended["unreadable"], ended["reason"]) == ("done", 0, None)
    assert ended["lists"] == ended["listsDone"]
    assert ended["objects"] == sum(map(len, account.lists.values()))
    assert sorted(one["refunded"] for one in payments(server)) == [False, True]
    assert integration(server, provider)["lastDelivery"] is None


def test_what_the_webhook_delivers_is_signed_with_its_secret(server: Site) -> None:
    account = ProviderAccount("lemonsqueezy")
    found = connect_by_key(server, account)
    secret = account.webhooks[found["webhookId"]]["data"]["attributes"]["secret"]
    assert 6 <= len(secret) <= 40
    assert send(server, "lemonsqueezy", other.lemon_order(), secret=secret).status_code == 200
    connect_by_key(server, ProviderAccount("dodo"))
    sale = other.dodo("payment.succeeded", other.dodo_payment())
    assert send(server, "dodo", sale, secret=SECRETS["dodo"]).status_code == 200


@pytest.mark.parametrize("provider", KEYS)
def test_a_wrong_key_is_refused_and_changes_nothing(server: Site, provider: str) -> None:
    response = integrate(server, "POST", provider, json={"apiKey": f"{KEYS[provider]}wrong"})
    assert response.status_code == 400
    assert message(response) == f"apiKey: {PROVIDERS[provider].title} does not accept this key."
    assert not integration(server, provider)["isConnected"]


@pytest.mark.parametrize(
    ("provider", "path", "named"),
    [
        ("stripe", "/v1/refunds", "Charges and Refunds: Read"),
        ("stripe", "/v1/checkout/sessions", "Checkout Sessions: Read"),
        ("stripe", "/v1/webhook_endpoints", "Webhook Endpoints: Write"),
        ("polar", "/v1/orders", "orders:read"),
        ("polar", "/v1/webhooks/endpoints", "webhooks:write"),
        ("paddle", "/adjustments", "adjustment.read"),
        ("dodo", "/webhooks", "write access"),
    ],
)
def test_a_missing_permission_is_named(server: Site, provider: str, path: str, named: str) -> None:
    account = sold_by(provider)
    account.forbidden = {path}
    response = integrate(server, "POST", provider, json={"apiKey": account.key})
    assert response.status_code == 400
    assert message(response).startswith("apiKey: The key lacks a permission in ")
    assert named in message(response)
    assert account.key not in response.text
    assert account.webhooks == {}
    assert not integration(server, provider)["isConnected"]


def test_a_provider_that_has_a_problem_is_told_and_nothing_is_changed(server: Site) -> None:
    account = ProviderAccount("stripe")
    account.busy.append(("/v1/webhook_endpoints", (503, {}, {})))
    response = integrate(server, "POST", "stripe", json={"apiKey": account.key})
    assert response.status_code == 503
    assert "Stripe has a problem at the moment (503)" in message(response)
    account.busy.append(("/v1/customers", (200, ["no", "object"], {})))
    account.busy.append(("/v1/webhook_endpoints", (200, {"id": 5.5}, {})))
    assert "unexpected form" in message(integrate(server, "POST", "stripe", json={"apiKey": account.key}))
    account.busy.append(("/v1/customers", (302, {}, {"location": "http://127.0.0.1:1/"})))
    assert "(302)" in message(integrate(server, "POST", "stripe", json={"apiKey": account.key}))
    assert not integration(server, "stripe")["isConnected"]


def test_a_webhook_whose_secret_cannot_be_stored_is_removed_again(server: Site) -> None:
    account = ProviderAccount("dodo")
    account.on_call = lambda path, query: account.forbidden.update([path] if path.endswith("/secret") else [])
    assert integrate(server, "POST", "dodo", json={"apiKey": account.key}).status_code == 400
    assert account.webhooks == {}
    polar = ProviderAccount("polar")
    polar.busy.append(("/v1/webhooks/endpoints", (201, {"id": "we_x", "secret": "ünusable"}, {})))
    response = integrate(server, "POST", "polar", json={"apiKey": polar.key})
    assert response.status_code == 503
    assert message(response) == "Polar gave the webhook a secret of an unexpected form. Nothing was changed."
    assert ("DELETE", "/v1/webhooks/endpoints/we_x") in polar.calls


@pytest.mark.parametrize(
    ("provider", "body", "told"),
    [
        ("stripe", {"apiKey": 5}, "apiKey"),
        ("stripe", {"apiKey": "rk_\r\nx: y"}, "apiKey"),
        ("stripe", {"apiKey": "rk_" + "x" * 600}, "apiKey"),
        ("stripe", {"apiKey": "pk_live_1"}, "restricted key"),
        ("stripe", {"stripeRak": "whsec_1"}, "stripeRak"),
        ("stripe", {"apiKey": "rk_live_1", "keepKey": "yes"}, "keepKey"),
        ("lemonsqueezy", {"apiKey": "x", "lemonsqueezyStoreId": "../7"}, "lemonsqueezyStoreId"),
        ("polar", {"polarAccessToken": "x", "polarOrgId": ["x"]}, "polarOrgId"),
        ("dodo", {}, "webhookSecret or apiKey is required"),
    ],
)
def test_what_can_be_no_key_is_refused_by_name_and_not_repeated(
    server: Site, provider: str, body: Any, told: str
) -> None:
    response = integrate(server, "POST", provider, json=body)
    assert response.status_code == 400
    assert told in message(response)
    assert "live_1" not in response.text


def test_the_providers_own_names_of_fields_are_accepted(server: Site) -> None:
    fields = {"stripe": "stripeRak", "polar": "polarAccessToken", "lemonsqueezy": "lemonsqueezyApiKey"}
    more: dict[str, dict[str, Any]] = {
        "polar": {"polarOrgId": "org-1"},
        "lemonsqueezy": {"lemonsqueezyStoreId": 7},
    }
    for provider, field in fields.items():
        account = ProviderAccount(provider)
        body = {field: account.key, **more.get(provider, {})}
        assert integrate(server, "POST", provider, json=body).status_code == 200
        assert len(account.webhooks) == 1
        if provider == "polar":
            (made,) = account.webhooks.values()
            assert made["organization_id"] == "org-1"


def test_of_several_stores_one_must_be_named(server: Site) -> None:
    account = ProviderAccount("lemonsqueezy")
    account.lists["/v1/stores"] = [{"type": "stores", "id": number} for number in ("7", "8")]
    response = integrate(server, "POST", "lemonsqueezy", json={"apiKey": account.key})
    assert response.status_code == 400
    assert message(response).startswith("lemonsqueezyStoreId is required")


def test_without_a_setting_the_address_is_the_one_that_the_call_asked_for(start_inside: MakeInside) -> None:
    behind = start_inside({"FOOTFALL_PUBLIC_URL": "", "FOOTFALL_TRUSTED_PROXIES": "127.0.0.0/8"})
    account = ProviderAccount("polar")
    with http_client(behind.url) as client:
        (site,) = make_sites(behind.url, client, behind.place)
        refused = integrate(site, "POST", "polar", json={"apiKey": account.key})
        assert refused.status_code == 400
        assert "FOOTFALL_PUBLIC_URL" in message(refused)
        assert account.calls == []
        client.headers = {"x-forwarded-proto": "https", "x-forwarded-host": "in.example.org"}
        connect_by_key(site, account)
        (made,) = account.webhooks.values()
        assert made["url"] == f"https://in.example.org/api/webhooks/polar/{site.website_id}"


def test_connecting_again_replaces_the_webhook(server: Site) -> None:
    account = ProviderAccount("stripe")
    first = connect_by_key(server, account)["webhookId"]
    second = connect_by_key(server, account)["webhookId"]
    assert first != second
    assert list(account.webhooks) == [second]


def test_disconnecting_with_the_key_removes_the_webhook(server: Site) -> None:
    account = sold_by("stripe")
    connect_by_key(server, account)
    imported(server, account)
    response = integrate(server, "DELETE", "stripe", json={"apiKey": account.key})
    (told,) = response.json()["data"]
    assert (told["isWebhookRemoved"], "warning" in told) == (True, False)
    assert account.webhooks == {}
    assert len(payments(server)) == 2
    assert integration(server, "stripe")["webhookId"] is None
    assert integrate(server, "DELETE", "stripe").status_code == 404


def test_disconnecting_without_the_key_says_what_is_left(server: Site) -> None:
    account = sold_by("stripe")
    made = connect_by_key(server, account)["webhookId"]
    imported(server, account)
    (told,) = integrate(server, "DELETE", "stripe").json()["data"]
    assert told["isWebhookRemoved"] is False
    assert told["warning"] == (
        f"Footfall does not keep the key. The webhook {made} is still in Stripe; remove it there."
    )
    assert not integration(server, "stripe")["isConnected"]
    by_hand = {"webhookSecret": SECRETS["polar"]}
    integrate(server, "POST", "polar", json=by_hand)
    (told,) = integrate(server, "DELETE", "polar").json()["data"]
    assert told["isWebhookRemoved"] is None


def test_a_provider_that_is_away_does_not_keep_a_website_connected(server: Site) -> None:
    account = ProviderAccount("stripe")
    made = connect_by_key(server, account, keepKey=True)["webhookId"]
    account.busy.append((f"/v1/webhook_endpoints/{made}", (503, {}, {})))
    (told,) = integrate(server, "DELETE", "stripe").json()["data"]
    assert told["isWebhookRemoved"] is False
    assert told["warning"].startswith(f"Stripe has a problem at the moment (503). The webhook {made} is")
    assert not integration(server, "stripe")["isConnected"]


def test_a_key_is_kept_encrypted_if_the_owner_says_so(server: Site) -> None:
    account = sold_by("polar")
    assert connect_by_key(server, account, keepKey=True)["isKeyKept"]
    imported(server, account)
    ((sealed,),) = server.rows(sql.kept_keys)
    assert account.key.encode() not in sealed
    assert account.key not in integrate(server, "GET").text
    (told,) = integrate(server, "DELETE", "polar").json()["data"]
    assert told["isWebhookRemoved"] is True
    assert server.rows(sql.kept_keys) == []


def test_a_webhook_that_is_gone_already_counts_as_removed(server: Site) -> None:
    account = ProviderAccount("paddle")
    connect_by_key(server, account, keepKey=True)
    account.webhooks.clear()
    (told,) = integrate(server, "DELETE", "paddle").json()["data"]
    assert told["isWebhookRemoved"] is True


def test_nothing_that_is_stored_or_logged_tells_a_key_that_is_not_kept(server: Site) -> None:
    account = sold_by("stripe")
    account.busy.append(("/v1/refunds", (200, {}, {})))
    account.busy.append(("/v1/refunds", (400, {"error": {"message": account.key}}, {})))
    connect_by_key(server, account)
    ended = imported(server, account)
    assert (ended["state"], ended["reason"]) == ("failed", "Stripe refused GET /v1/refunds (400).")
    assert server.rows(sql.kept_keys) == [(None,)]


def test_a_command_says_why_it_cannot_connect(server: Site) -> None:
    where = ("website", "payments", "connect", server.website_id, "stripe")
    wrong = run_command(server.place, *where, typed="rk_live_wrong\n")
    assert wrong.code == 1
    assert "does not accept this key" in wrong.errors
    local = run_command(server.place, *where, "--url", "http://localhost:8000", typed="rk_live_wrong\n")
    assert "FOOTFALL_PUBLIC_URL" in local.errors
    assert "wrong" not in local.errors + local.output

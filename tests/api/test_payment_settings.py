"""The page on which a founder connects a payment provider, sees what it delivers, and disconnects it."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from footfall.dashboard.pages.payment_settings import GUIDES
from footfall.payments.providers import PROVIDERS
from tests.conftest import Kept, MakeInside
from tests.support.dashboard import Visit, enter, make_account
from tests.support.engines import PUBLIC_URL
from tests.support.inside import Inside
from tests.support.money import pay, payments
from tests.support.providers import provider_apis
from tests.support.servers import until
from tests.support.sites import Site, http_client, make_sites
from tests.support.sold import connect_by_key, imported, sold_by
from tests.support.webhooks import SECRETS, connect, deliver, integration, send
from tests.unit.payments.providers import stripe_events as stripe

SALE = stripe.event("checkout.session.completed", stripe.session(success_url=None))
STEP = "connect the payment provider that sells for you"
LINK = ">Connect payments</a>"


def page_of(site: Site) -> str:
    return f"/w/{site.website_id}/settings/payments"


def card(html: str, provider: str) -> str:
    """The card of a provider as HTML."""
    found = re.search(rf'<section class="card" id="{provider}">.*?</section>', html, re.S)
    assert found
    return found[0]


def shown(visit: Visit, site: Site, provider: str) -> str:
    """The card of a provider on the page."""
    return card(visit.get(page_of(site)).text, provider)


def save(visit: Visit, site: Site, provider: str, secret: str | None) -> httpx.Response:
    """Send the form for the secret."""
    fields = {} if secret is None else {"webhook_secret": secret}
    return visit.post(f"{page_of(site)}/{provider}/secret", form=page_of(site), **fields)


def disconnect(visit: Visit, site: Site, provider: str) -> httpx.Response:
    return visit.post(f"{page_of(site)}/{provider}/disconnect", form=page_of(site))


# What to do


def test_whoever_connected_nothing_is_told_what_to_do_with_each_provider(inside: Visit, server: Site) -> None:
    html = inside.get(page_of(server)).text
    assert "Connect payments</h2>" in html
    assert '<details class="provider" open>' not in html
    for name, provider in PROVIDERS.items():
        one = card(html, name)
        assert "Not connected" in one
        assert GUIDES[name].path in one
        assert f"{PUBLIC_URL}/api/webhooks/{name}/{server.website_id}<" in one
        assert re.findall(r"<li><code>([\w.]+)</code></li>", one) == list(provider.events)


def test_the_card_that_the_address_names_is_unfolded(inside: Visit, server: Site) -> None:
    html = inside.get(page_of(server) + "?provider=polar").text
    unfolded = [name for name in PROVIDERS if '<details class="provider" open>' in card(html, name)]
    assert unfolded == ["polar"]
    assert inside.get(page_of(server) + "?provider=<b>").status_code == 200


@pytest.mark.parametrize(
    ("host", "told"),
    [("127.0.0.1:8000", "cannot reach this machine"), ("stats.example.com", "HTTPS addresses only")],
)
def test_an_address_that_providers_cannot_reach_is_warned_of(
    start_inside: MakeInside, host: str, told: str
) -> None:
    running = start_inside({"FOOTFALL_PUBLIC_URL": ""})
    with http_client(running.url) as client, closing(Visit(running.url, {"host": host})) as visit:
        (site,) = make_sites(running.url, client, running.place)
        enter(visit, running.place, make_account(running.place))
        html = visit.get(page_of(site)).text
    assert told in html
    assert f"http://{host}/api/webhooks/stripe/{site.website_id}<" in html


def test_the_currency_is_told_and_led_to(inside: Visit, server: Site) -> None:
    server.change(currency="EUR")
    html = inside.get(page_of(server)).text
    assert "Totals are in EUR." in html
    assert f'href="/w/{server.website_id}/settings#currency"' in html
    assert 'id="currency"' in inside.get(f"/w/{server.website_id}/settings").text


# Secrets


@pytest.mark.parametrize("provider", SECRETS)
def test_a_secret_that_is_typed_lets_deliveries_count_and_is_never_shown(
    inside: Visit, server: Site, provider: str
) -> None:
    answer = save(inside, server, provider, f" {SECRETS[provider]} ")
    there = f"{page_of(server)}?provider={provider}&done=connected#{provider}"
    assert (answer.status_code, answer.headers["location"]) == (303, there)
    one = card(inside.get(there).text, provider)
    assert "The secret is saved." in one
    assert "Waiting for the first delivery" in one
    assert integration(server, provider)["isConnected"]
    assert SECRETS[provider] not in one + answer.text


def test_a_replaced_secret_is_the_only_one(inside: Visit, server: Site) -> None:
    for secret in ("the first secret", "the second secret"):
        assert save(inside, server, "stripe", secret).status_code == 303
    assert send(server, "stripe", SALE, secret="the first secret").status_code == 400
    assert send(server, "stripe", SALE, secret="the second secret").status_code == 200


@pytest.mark.parametrize(
    ("provider", "secret", "told"),
    [
        ("stripe", None, "The signing secret is required"),
        ("stripe", " ", "The signing secret is required"),
        ("polar", "x" * 256, " to 255 printable ASCII characters."),
        ("paddle", "sécret enough", " to 255 printable ASCII characters."),
        ("dodo", "no base64, surely!", "Not of the form that Dodo Payments uses."),
    ],
)
def test_what_can_be_no_secret_is_refused_beside_its_field(
    inside: Visit, server: Site, provider: str, secret: str | None, told: str
) -> None:
    answer = save(inside, server, provider, secret)
    assert answer.status_code == 400
    one = card(answer.text, provider)
    assert '<details class="provider" open>' in one
    assert 'aria-invalid="true" aria-describedby="wrong"' in one
    wrong = one.partition('<span class="wrong" id="wrong" role="alert"><bdi>')[2].partition("<")[0]
    assert told in wrong
    assert "webhookSecret" not in wrong
    assert answer.text.count("aria-invalid") == 1
    assert f'value="{secret}"' not in answer.text
    assert not integration(server, provider)["isConnected"]


def test_a_provider_that_is_disconnected_is_forgotten_and_its_payments_stay(
    inside: Visit, server: Site
) -> None:
    connect(server, "stripe")
    deliver(server, "stripe", SALE)
    for _ in range(2):  # of two tabs, say
        answer = disconnect(inside, server, "stripe")
        assert answer.status_code == 303
    one = card(inside.get(answer.headers["location"]).text, "stripe")
    assert "Disconnected." in one
    assert "Not connected" in one
    assert send(server, "stripe", SALE).status_code == 404
    assert len(payments(server)) == 1


def test_a_webhook_that_footfall_made_is_removed_with_a_kept_key(
    inside: Visit, server: Site, kept: Kept
) -> None:
    kept.get("provider apis", "", provider_apis)
    account = sold_by("stripe")
    connect_by_key(server, account, keepKey=True)
    answer = disconnect(inside, server, "stripe")
    assert "so is the webhook" in card(inside.get(answer.headers["location"]).text, "stripe")
    assert account.webhooks == {}
    assert integration(server, "stripe")["webhookId"] is None


def connect_with(visit: Visit, site: Site, provider: str, **fields: str) -> httpx.Response:
    """Send the form for an API key."""
    return visit.post(f"{page_of(site)}/{provider}/key", form=page_of(site), **fields)


def test_a_key_connects_imports_and_is_not_shown(inside: Visit, server: Site, kept: Kept) -> None:
    kept.get("provider apis", "", provider_apis)
    account = sold_by("stripe")
    answer = connect_with(inside, server, "stripe", api_key=account.key)
    assert answer.status_code == 303
    assert "Footfall made the webhook" in card(inside.get(answer.headers["location"]).text, "stripe")
    assert imported(server, account)["state"] == "done"
    one = shown(inside, server, "stripe")
    assert "Done: " in one
    assert "Not kept" in one
    assert account.key not in one
    assert "Remove the webhook" in inside.get(disconnect(inside, server, "stripe").headers["location"]).text
    assert len(account.webhooks) == 1


def test_what_is_wrong_with_a_key_is_told_beside_it(inside: Visit, server: Site, kept: Kept) -> None:
    kept.get("provider apis", "", provider_apis)
    for provider, fields, field, said in (
        ("stripe", {"api_key": "whsec_1"}, "api_key", "A restricted key of Stripe begins with rk_live_."),
        ("stripe", {"api_key": "rk_live_unknown"}, "api_key", ""),
        ("polar", {"api_key": "polar_oat_1", "account": "a b"}, "account", "Must be an id"),
    ):
        answer = connect_with(inside, server, provider, **fields)
        assert answer.status_code == 400
        one = card(answer.text, provider)
        assert re.search(rf'name="{field}"[^>]* aria-invalid="true"', one)
        assert f'role="alert"><bdi>{said}' in one
        assert fields["api_key"] not in answer.text
        assert not integration(server, provider)["isConnected"]


def test_an_unknown_provider_has_no_forms(inside: Visit, server: Site) -> None:
    assert save(inside, server, "paypal", "x").status_code == 404
    assert disconnect(inside, server, "paypal").status_code == 404


def test_a_secret_that_is_typed_after_the_session_ended_is_neither_kept_nor_shown(
    inside: Visit, server: Site
) -> None:
    token = inside.token(page_of(server))
    inside.http.cookies.clear()
    origin = {"origin": server.url}
    fields = {"form_token": token, "webhook_secret": "whsec_typed_by_hand"}
    answer = inside.http.post(f"{page_of(server)}/stripe/secret", data=fields, headers=origin)
    assert answer.status_code == 401
    assert "The webhook secret was not saved." in answer.text
    assert "whsec_typed_by_hand" not in answer.text


def test_a_key_that_cannot_be_made_is_told_beside_the_field(start_inside: MakeInside, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    running = start_inside({"FOOTFALL_KEY_FILE": str(tmp_path / "file" / "key")})
    with http_client(running.url) as client, closing(Visit(running.url)) as visit:
        (site,) = make_sites(running.url, client, running.place)
        enter(visit, running.place, make_account(running.place))
        answer = save(visit, site, "stripe", "whsec_typed_by_hand")
        assert answer.status_code == 503
        assert "FOOTFALL_KEY_FILE" in card(answer.text, "stripe")
        assert "whsec_typed_by_hand" not in answer.text + running.log


def test_who_connects_and_disconnects_is_logged_without_the_secret(
    inside: Visit, server: Site, shared_server: Inside
) -> None:
    save(inside, server, "stripe", "whsec_not_to_be_logged")
    disconnect(inside, server, "stripe")
    for what in ("payment provider connected", "payment provider disconnected"):
        assert any(what in line and server.website_id in line for line in shared_server.log.splitlines())
    assert "whsec_not_to_be_logged" not in shared_server.log


# Deliveries


def test_the_last_delivery_and_those_that_were_refused_are_shown_newest_first(
    inside: Visit, server: Site
) -> None:
    connect(server, "stripe")
    for number in range(12):
        send(server, "stripe", {"type": f"event.{number}"}, secret="another")
    assert "Deliveries are refused" in shown(inside, server, "stripe")
    deliver(server, "stripe", {**SALE, "livemode": False})
    one = shown(inside, server, "stripe")
    assert "test mode, not counted" in one
    assert "<code><bdi>checkout.session.completed</bdi></code>" in one
    assert re.findall(r"<bdi>event\.(\d+)", one) == [str(number) for number in range(11, 1, -1)]
    assert one.count("No signature matches: ") == 10
    assert "another one, or the body was changed on its way." in one
    deliver(server, "stripe", SALE)
    assert "test mode" not in shown(inside, server, "stripe")


def test_a_lost_key_is_told(inside: Visit, server: Site) -> None:
    connect(server, "stripe")
    file = server.place.key_file
    aside = file.rename(file.with_name("aside"))
    try:
        assert "Secret unreadable" in shown(inside, server, "stripe")
    finally:
        aside.rename(file)
    assert "Secret unreadable" not in shown(inside, server, "stripe")


def test_the_page_learns_of_the_first_delivery_be_it_believed_or_refused(inside: Visit, server: Site) -> None:
    connect(server, "stripe", "polar")
    deliver(server, "stripe", SALE)
    send(server, "polar", {"type": "order.paid"}, secret=SECRETS["dodo"])
    for provider in ("stripe", "polar"):
        path = f"/w/{server.website_id}/seen?what={provider}"
        assert inside.get(path).json() == {"seen": True}


# The way there


def leading(visit: Visit, site: Site, visitor: str) -> list[str]:
    """The pages that lead to the page."""
    pages = ("people", "people/user:ann", f"visitors/{visitor}")
    return [path for path in pages if LINK in visit.get(f"/w/{site.website_id}/{path}").text]


def test_pages_about_people_lead_there_until_something_is_connected_or_paid(
    inside: Visit, server: Site, other: Site
) -> None:
    for site in (server, other):
        visitor = site.pageview()
        site.identify(visitor, "ann")
        assert len(leading(inside, site, visitor)) == 3
        settings = inside.get(f"/w/{site.website_id}/settings").text
        assert STEP in settings
        assert f'href="{page_of(site)}">Connect payments</a>' in settings
        if site is server:
            connect(site, "polar", "stripe")
        else:
            pay(site)
            until(lambda: "by the API" in told(inside, other), "the payment is not noticed")
        assert leading(inside, site, visitor) == []
    assert "Connected to Stripe, Polar." in told(inside, server)


def told(visit: Visit, site: Site) -> Any:
    return visit.get(f"/w/{site.website_id}/settings").text


def test_a_website_without_visitors_is_led_to_its_script_first(inside: Visit, server: Site) -> None:
    assert LINK not in inside.get(f"/w/{server.website_id}/people").text

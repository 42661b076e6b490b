"""What is read from the lists of providers' APIs, and that the server which tests import from is in the provider's own shape."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import msgspec
import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from footfall.clock import DAY_MS, from_iso, to_iso
from footfall.payments.connecting.apis import APIS
from footfall.payments.connecting.client import ADDRESSES, LONGEST_WAIT, ApiClient
from footfall.payments.connecting.model import ApiCall, ApiProblem, ImportPeriod, ListPage
from footfall.payments.connecting.paging import read_page
from footfall.payments.providers import PROVIDERS
from footfall.payments.providers.model import BadDelivery, SubscriptionMoved
from footfall.payments.providers.stripe import EVENTS
from footfall.payments.webhooks.lifecycle import goals_of_moves
from tests.conftest import Kept
from tests.support.providers import ProviderAccount, provider_apis
from tests.support.sold import sell, stripe_sale
from tests.unit.payments.providers import other_events as other

UNTIL = from_iso("2026-06-01T00:00:00Z")
PERIOD = ImportPeriod(UNTIL - 90 * DAY_MS, UNTIL)
CURSORS = {"stripe": "id_99", "lemonsqueezy": "2", "polar": "2", "paddle": "id_99", "dodo": "1"}


def at(days: float) -> str:
    """So many days before the end of the period, as text."""
    return to_iso(UNTIL - round(days * DAY_MS))


def page_of(
    provider: str, path: str, *things: dict[str, Any], cursor: str = "", more: bool = False
) -> ListPage:
    """A page of the list at a path, read."""
    listing = next(
        one for one in APIS[provider].listings if one.call(PERIOD, "", "7").path.rstrip("/") == path
    )
    page = {
        "data": things,
        "items": things,
        "has_more": more,
        "meta": {"page": {"lastPage": 2 if more else 1}, "pagination": {"has_more": more}},
        "pagination": {"max_page": 2 if more else 1},
    }
    return read_page(PROVIDERS[provider], listing, msgspec.json.encode(page), cursor, PERIOD)


def moves_in(page: ListPage) -> list[SubscriptionMoved]:
    """How subscriptions moved, oldest first."""
    assert page.unreadable == ()
    found = [one for delivery in page.deliveries for one in delivery.occurrences]
    return sorted((one for one in found if isinstance(one, SubscriptionMoved)), key=lambda one: one.at)


# Subscriptions of each provider: begun 60 days ago


def lemon_subscription(**fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = other.lemon_subscription(created_at=at(60), **fields)["data"]
    return found


def polar_subscription(**fields: Any) -> dict[str, Any]:
    return other.polar_subscription(created_at=at(60), **fields)


def paddle_subscription(**fields: Any) -> dict[str, Any]:
    return other.paddle_subscription(created_at=at(60), **fields)


def dodo_subscription(**fields: Any) -> dict[str, Any]:
    return other.dodo_subscription(created_at=at(60), **fields)


TRIAL = {"trial_dates": {"starts_at": at(60), "ends_at": at(46)}}
STARTED, CONVERTED = ["subscription_started"], ["trial_started", "trial_converted"]
SUBSCRIPTIONS = [
    ("lemonsqueezy", lemon_subscription(updated_at=at(60)), STARTED),
    ("lemonsqueezy", lemon_subscription(updated_at=at(40), trial_ends_at=at(46)), CONVERTED),
    (
        "lemonsqueezy",
        lemon_subscription(updated_at=at(5), status="cancelled", ends_at=at(-20)),
        [*STARTED, "subscription_cancel_scheduled"],
    ),
    (
        "lemonsqueezy",
        lemon_subscription(updated_at=at(1), status="expired", ends_at=at(5)),
        [*STARTED, "subscription_ended"],
    ),
    ("polar", polar_subscription(), STARTED),
    ("polar", polar_subscription(trial_start=at(60), trial_end=at(46)), CONVERTED),
    (
        "polar",
        polar_subscription(cancel_at_period_end=True, canceled_at=at(5)),
        [*STARTED, "subscription_cancel_scheduled"],
    ),
    ("polar", polar_subscription(status="canceled", ended_at=at(5)), [*STARTED, "subscription_ended"]),
    ("paddle", paddle_subscription(), STARTED),
    ("paddle", paddle_subscription(items=[{**other.paddle_item(), **TRIAL}]), CONVERTED),
    (
        "paddle",
        paddle_subscription(scheduled_change={"action": "cancel", "effective_at": at(-20)}),
        [*STARTED, "subscription_cancel_scheduled"],
    ),
    ("paddle", paddle_subscription(status="canceled", canceled_at=at(5)), [*STARTED, "subscription_ended"]),
    ("dodo", dodo_subscription(), STARTED),
    ("dodo", dodo_subscription(trial_period_days=14), CONVERTED),
    (
        "dodo",
        dodo_subscription(cancel_at_next_billing_date=True),
        [*STARTED, "subscription_cancel_scheduled"],
    ),
    ("dodo", dodo_subscription(status="cancelled", cancelled_at=at(5)), [*STARTED, "subscription_ended"]),
]
PATHS = {
    "lemonsqueezy": "/v1/subscriptions",
    "polar": "/v1/subscriptions",
    "paddle": "/subscriptions",
    "dodo": "/subscriptions",
}


@pytest.mark.parametrize(("provider", "subscription", "goals"), SUBSCRIPTIONS)
def test_a_subscription_reaches_what_it_went_through(
    provider: str, subscription: dict[str, Any], goals: list[str]
) -> None:
    moved = moves_in(page_of(provider, PATHS[provider], subscription))
    assert [one.name for one in goals_of_moves(moved, None)] == goals


@pytest.mark.parametrize(
    ("provider", "subscription"),
    [
        ("lemonsqueezy", lemon_subscription(status="expired", ends_at=at(95))),
        ("polar", polar_subscription(status="canceled", ended_at=at(95))),
        ("paddle", paddle_subscription(status="canceled", canceled_at=at(95))),
        ("dodo", dodo_subscription(status="cancelled", cancelled_at=at(95))),
        ("dodo", dodo_subscription(status="pending")),
        ("polar", polar_subscription(status="incomplete")),
    ],
)
def test_a_subscription_that_ended_before_or_never_began_says_nothing(
    provider: str, subscription: dict[str, Any]
) -> None:
    assert page_of(provider, PATHS[provider], subscription).deliveries == ()


def test_of_a_price_only_that_of_now_is_told() -> None:
    moved = moves_in(page_of("polar", "/v1/subscriptions", polar_subscription(amount=120_000)))
    assert [(one.monthly.minor if one.monthly else None) for one in moved] == [None, 10_000]


def test_a_renewal_that_several_tell_of_is_one() -> None:
    moved = moves_in(page_of("dodo", "/subscriptions", dodo_subscription()))[:1]
    renewed = [
        msgspec.structs.replace(moved[0], what="renewed", at=UNTIL + shift)
        for shift in (0, 2000, 30 * DAY_MS, 30 * DAY_MS + 2000)
    ]
    goals = [one.name for one in goals_of_moves([*moved, *renewed], moved[0].at)]
    assert goals == ["subscription_started", "subscription_renewed", "subscription_renewed"]


# Pages


@pytest.mark.parametrize("provider", APIS)
def test_a_full_page_leads_to_the_next_one_and_the_last_to_none(provider: str) -> None:
    things = [
        {"id": f"id_{number}", "created_at": at(1), "attributes": {"created_at": at(1)}}
        for number in range(100)
    ]
    path = APIS[provider].listings[0].call(PERIOD, "", "7").path.rstrip("/")
    full = page_of(provider, path, *things, more=True)
    assert (full.cursor, full.objects) == (CURSORS[provider], 100)
    assert page_of(provider, path, *things[:3], cursor=full.cursor).cursor == ""
    again = APIS[provider].listings[0].call(PERIOD, full.cursor, "7")
    assert full.cursor in dict(again.query).values()


@given(st.binary(max_size=200) | st.from_regex(rb'\{"(data|items)":(\[[{}"a:,\[\]0-9]*\]|[0-9]|"x"),?\}'))
def test_no_page_in_another_shape_is_an_error_of_ours(body: bytes) -> None:
    for provider, api in APIS.items():
        for listing in api.listings:
            with contextlib.suppress(BadDelivery):
                read_page(PROVIDERS[provider], listing, body, "", PERIOD)


@pytest.mark.parametrize("provider", APIS)
def test_an_object_without_anything_is_unreadable_and_named_by_nothing(provider: str) -> None:
    for listing in APIS[provider].listings:
        path = listing.call(PERIOD, "", "7").path.rstrip("/")
        page = page_of(provider, path, {})
        assert (page.objects, len(page.unreadable) + len(page.deliveries) <= 1) == (1, True)


# The provider's own library


@pytest.fixture
def account(kept: Kept) -> ProviderAccount:
    kept.get("provider apis", "", provider_apis)
    made = ProviderAccount("stripe")
    made.page = 2
    return made


def test_the_server_of_tests_is_read_by_stripes_own_library(account: ProviderAccount) -> None:
    sell(account, *[stripe_sale(number, number) for number in range(1, 6)])
    client = stripe.StripeClient(account.key, base_addresses={"api": account.address}, max_network_retries=0)
    sessions = list(client.v1.checkout.sessions.list({"limit": 2, "status": "complete"}).auto_paging_iter())
    assert [one.id for one in sessions] == [f"cs_{number}" for number in range(1, 6)]
    assert {one.amount_total for one in sessions} == {1999}
    made = client.v1.webhook_endpoints.create(
        {"url": "https://x.example/hook", "enabled_events": ["charge.succeeded"]}
    )
    assert (made.secret or "").startswith("whsec_")
    assert client.v1.webhook_endpoints.delete(made.id).deleted
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient("rk_live_wrong", base_addresses={"api": account.address}).v1.charges.list()


def test_a_webhook_that_is_made_here_is_one_to_stripes_own_library(account: ProviderAccount) -> None:
    async def make() -> str:
        client = ApiClient("stripe", account.key)
        try:
            answer = await client.ask(APIS["stripe"].make("https://x.example/hook", "", None))
            return APIS["stripe"].made(answer, "").webhook_id
        finally:
            await client.close()

    webhook_id = asyncio.run(make())
    client = stripe.StripeClient(account.key, base_addresses={"api": account.address})
    found = client.v1.webhook_endpoints.retrieve(webhook_id)
    assert (found.url, sorted(found.enabled_events)) == ("https://x.example/hook", sorted(EVENTS))


# Waiting


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("", 0),
        ("-5", 0),
        ("soon", 0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0),
        ("999999", LONGEST_WAIT),
        ("9" * 400, 0),
        ("1.2.3", 0),
    ],
)
def test_a_provider_says_how_long_to_wait(account: ProviderAccount, header: str, seconds: float) -> None:
    account.busy.append(("/v1/charges", (429, {}, {"retry-after": header})))
    assert problem_of(account.key, ADDRESSES["stripe"]).retry_after == seconds


def test_a_provider_that_cannot_be_reached_is_asked_again() -> None:
    assert problem_of("rk_live_1", "http://127.0.0.1:9").retry_after == 0


def problem_of(key: str, address: str) -> ApiProblem:
    """Why a call fails."""

    async def ask() -> ApiProblem:
        client = ApiClient("stripe", key)
        try:
            await client.send(ApiCall("GET", "/v1/charges", "Charges: Read"))
        except ApiProblem as problem:
            return problem
        finally:
            await client.close()
        raise AssertionError("it did not fail")

    before = ADDRESSES["stripe"]
    ADDRESSES["stripe"] = address
    try:
        return asyncio.run(ask())
    finally:
        ADDRESSES["stripe"] = before

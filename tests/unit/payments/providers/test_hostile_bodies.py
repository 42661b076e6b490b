"""Whatever a body is, it is read or refused with BadDelivery: never another exception."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.payments.providers import PROVIDERS
from footfall.payments.providers.model import BadDelivery, Delivery
from tests.unit.payments.providers import other_events as others
from tests.unit.payments.providers import stripe_events as stripe
from tests.unit.payments.providers.telling import ISO, body
from tests.unit.strategies import json_values

MIB = 1024 * 1024
DISCOUNTED = stripe.subscription(
    discounts=[{"coupon": {"id": "co_1", "duration": "forever", "percent_off": 12.5, "amount_off": None}}]
)
EVENTS: dict[str, list[dict[str, Any]]] = {
    "stripe": [
        stripe.event(
            "checkout.session.completed", stripe.subscribed_session(metadata={"datafast_visitor_id": "v"})
        ),
        stripe.event("invoice.paid", stripe.invoice()),
        stripe.event("invoice.paid", stripe.old_invoice()),
        stripe.event("invoice_payment.paid", stripe.invoice_payment()),
        stripe.event("payment_intent.succeeded", stripe.intent(charges={"data": [stripe.charge()]})),
        stripe.event("charge.succeeded", stripe.charge(payment_intent=None)),
        stripe.event("charge.refunded", stripe.charge()),
        stripe.event("refund.updated", stripe.refund()),
        stripe.event("charge.dispute.closed", stripe.dispute()),
        stripe.event("customer.subscription.created", DISCOUNTED),
        stripe.event(
            "customer.subscription.updated",
            DISCOUNTED,
            before={"status": "trialing", "items": stripe.items()},
        ),
        stripe.event("customer.subscription.deleted", stripe.subscription()),
        stripe.event(
            "customer.updated", {"id": "cus_1", "email": "a@example.com", "metadata": {"user_id": 1}}
        ),
    ],
    "lemonsqueezy": [
        others.lemon_order(),
        others.lemon_order("order_refunded", refunded_amount=1),
        others.lemon_invoice(),
        others.lemon_invoice(billing_reason="initial"),
        others.lemon_invoice("subscription_payment_refunded"),
        others.lemon_subscription(),
        others.lemon_subscription("subscription_cancelled"),
        others.lemon("customer_created", "customers", "3", {"email": "a@example.com", "name": "A"}),
    ],
    "polar": [
        others.polar("order.paid", others.polar_renewal()),
        others.polar("order.refunded", others.polar_order(refunded_amount=5)),
        others.polar("refund.created", others.polar_refund()),
        others.polar("subscription.updated", others.polar_subscription()),
        others.polar("customer.created", others.POLAR_CUSTOMER),
        others.polar("checkout.updated", {"created_at": ISO, "status": "succeeded", "customer_id": "c1"}),
    ],
    "paddle": [
        others.paddle("transaction.completed", others.paddle_transaction(origin="subscription_recurring")),
        others.paddle("adjustment.updated", others.paddle_adjustment()),
        others.paddle("adjustment.created", others.paddle_adjustment(action="chargeback")),
        others.paddle("subscription.updated", others.paddle_subscription()),
        others.paddle("customer.created", {"id": "ctm_1", "email": "a@example.com", "name": "A"}),
    ],
    "dodo": [
        others.dodo("payment.succeeded", others.dodo_payment()),
        others.dodo("refund.succeeded", others.dodo_refund()),
        others.dodo("dispute.opened", others.dodo_dispute()),
        others.dodo("subscription.renewed", others.dodo_subscription()),
    ],
}
CASES = [(provider, event) for provider, events in EVENTS.items() for event in events]
NASTY: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**15,
    10**16,
    2**63,
    10**40,
    -(10**40),
    "",
    "\0",
    "x" * 256,
    "9" * 400,
    "٣",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-01-01",
    "NaN",
    [],
    {},
    [[]],
    [{}],
    {"id": []},
    {"data": {}},
    {"id": "x", "data": [{"id": 1}]},
]


def attempt(provider: str, raw: bytes) -> Delivery | None:
    """The delivery; None where the body is refused."""
    try:
        return PROVIDERS[provider].read(raw)
    except BadDelivery:
        return None


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield at
    inner = value.items() if type(value) is dict else enumerate(value) if type(value) is list else ()
    for key, item in inner:
        yield from paths(item, (*at, key))


def changed(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """A copy with `new` in one place; the place is left out where `new` is an Ellipsis."""
    if not at:
        return new
    copy = dict(value) if type(value) is dict else list(value)
    if new is ... and len(at) == 1:
        del copy[at[0]]
    else:
        copy[at[0]] = changed(value[at[0]], at[1:], new)
    return copy


@pytest.mark.parametrize(("provider", "event"), CASES)
def test_every_sample_is_read(provider: str, event: dict[str, Any]) -> None:
    assert PROVIDERS[provider].read(body(event)).ignored is None


@pytest.mark.parametrize(("provider", "event"), CASES)
def test_a_wrong_value_in_any_one_place_is_no_exception(provider: str, event: dict[str, Any]) -> None:
    for at in paths(event):
        for new in [*NASTY, ...] if at else NASTY:
            attempt(provider, body(changed(event, at, new)))


@given(
    st.sampled_from(CASES),
    st.lists(st.tuples(st.randoms(use_true_random=False), json_values), min_size=1, max_size=5),
)
def test_wrong_values_in_several_places_are_no_exception(
    case: tuple[str, dict[str, Any]], changes: list[tuple[random.Random, Any]]
) -> None:
    provider, event = case
    for choose, new in changes:
        event = changed(event, choose.choice(list(paths(event))[1:]), new) if event else event
    attempt(provider, body(event))


@given(st.sampled_from(sorted(PROVIDERS)), st.binary() | json_values.map(body))
def test_what_is_no_event_at_all_is_refused(provider: str, raw: bytes) -> None:
    assert attempt(provider, raw) is None


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"id": NaN}',
        b'{"id": 1e400}',
        b'{"id": "\\ud800"}',
        b'{"a":' * 200_000,
        b"[" * MIB,
        b'{"a":' + b"9" * MIB + b"}",
        b'{"a":"' + b"x" * MIB + b'"}',
    ],
)
def test_a_body_that_is_none_is_refused(provider: str, raw: bytes) -> None:
    assert attempt(provider, raw) is None


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_refusal_names_the_field_by_its_path(provider: str) -> None:
    with pytest.raises(BadDelivery) as caught:
        PROVIDERS[provider].read(b"{}")
    assert caught.value.message == f"`{caught.value.field}` is missing."
    assert caught.value.status == 400


def test_a_mebibyte_of_text_beside_a_payment_is_passed_over() -> None:
    raw = body(stripe.event("invoice.paid", stripe.invoice(footer="x" * MIB)))
    assert attempt("stripe", raw) is not None


def test_a_list_without_end_is_refused() -> None:
    lines = {"data": [{}] * 1001, "has_more": False}
    with pytest.raises(
        BadDelivery, match=r"`data\.object\.lines\.data` must be a list of at most 1000 objects"
    ):
        PROVIDERS["stripe"].read(body(stripe.event("invoice.paid", stripe.invoice(lines=lines))))


@pytest.mark.parametrize(("provider", "event"), CASES)
def test_the_same_body_says_the_same_and_has_the_same_id(provider: str, event: dict[str, Any]) -> None:
    assert attempt(provider, body(event)) == attempt(provider, body(event))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_all_events_that_are_to_be_ticked_are_read(provider: str) -> None:
    known = PROVIDERS[provider]
    module = __import__(known.read.__module__, fromlist=["_READERS"])
    assert set(known.events) <= set(module._READERS)
    assert list(known.events) == sorted(known.events)

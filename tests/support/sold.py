"""What was sold at payment providers within the last days, in the shape of their APIs."""

from __future__ import annotations

from typing import Any

from footfall.clock import DAY_MS, system_clock, to_iso
from tests.support.providers import ProviderAccount
from tests.support.servers import until
from tests.support.sites import Site
from tests.support.webhooks import integrate, integration
from tests.unit.payments.providers import other_events as other
from tests.unit.payments.providers import stripe_events as stripe


def ago(days: float) -> int:
    """Seconds since epoch, so many days ago."""
    return round(system_clock() - days * DAY_MS) // 1000


def iso_ago(days: float) -> str:
    """The same as text."""
    return to_iso(ago(days) * 1000)


def stripe_sale(number: int, days: float, **fields: Any) -> dict[str, dict[str, Any]]:
    """The payment intent, the charge and the checkout session of a sale, by path."""
    at, intent_id, charge_id = ago(days), f"pi_{number}", f"ch_{number}"
    live = {"created": at, "livemode": True}
    charge = stripe.charge(id=charge_id, payment_intent=intent_id, **live)
    intent = stripe.intent(id=intent_id, latest_charge=charge, **live)
    session = {"id": f"cs_{number}", "payment_intent": intent, "success_url": None, **live, **fields}
    return {
        "/v1/checkout/sessions": stripe.session(**session),
        "/v1/payment_intents": intent,
        "/v1/charges": charge,
    }


def sell(account: ProviderAccount, *sales: dict[str, dict[str, Any]]) -> None:
    """Add sales to what an account has; the newest first."""
    for sale in sales:
        for path, thing in sale.items():
            account.lists.setdefault(path, []).append(thing)


def sold_by(provider: str) -> ProviderAccount:
    """An account with one sale of each shape that the provider has: paid, and some of it refunded, ten days ago."""
    account, at = ProviderAccount(provider), iso_ago(10)
    if provider == "stripe":
        sell(account, stripe_sale(1, 10))
        refund = stripe.refund(created=ago(9), livemode=True)
        sell(account, {"/v1/refunds": refund})
    elif provider == "lemonsqueezy":
        changes: dict[str, Any] = {"refunded": True, "refunded_amount": 500, "refunded_at": at}
        sell(account, {"/v1/orders": other.lemon_order(created_at=at, updated_at=at, **changes)["data"]})
    elif provider == "polar":
        order = other.polar_order(created_at=at, refunded_amount=500, refunded_tax_amount=100)
        sell(account, {"/v1/orders": order, "/v1/customers": {**other.POLAR_CUSTOMER, "created_at": at}})
        sell(account, {"/v1/refunds": other.polar_refund(created_at=at)})
    elif provider == "paddle":
        paid = {"status": "captured", "captured_at": at, "amount": "10800"}
        customer = {"id": "ctm_1", "email": "ann@example.com", "name": "Ann Lee"}
        sale = other.paddle_transaction(
            created_at=at, billed_at=at, updated_at=at, payments=[paid], customer=customer
        )
        sell(account, {"/transactions": sale, "/adjustments": other.paddle_adjustment(created_at=at)})
    else:
        sell(account, {"/payments": other.dodo_payment(created_at=at)})
        sell(account, {"/refunds": other.dodo_refund(created_at=at)})
    return account


def connect_by_key(site: Site, account: ProviderAccount, **more: Any) -> Any:
    """Connect a website by the key of an account; how it stands then."""
    response = integrate(site, "POST", account.provider, json={"apiKey": account.key, **more})
    assert response.status_code == 200, response.text
    (found,) = response.json()["data"]
    return found


def imported(site: Site, account: ProviderAccount) -> Any:
    """How the import ended."""
    until(lambda: state_of(site, account) not in ("running", "needs_key"), "the import does not end")
    return integration(site, account.provider)["import"]


def state_of(site: Site, account: ProviderAccount) -> Any:
    """How the import stands."""
    return integration(site, account.provider)["import"]["state"]

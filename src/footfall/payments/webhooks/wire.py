"""Integrations on the wire. Pure."""

from __future__ import annotations

from typing import Any

from footfall.clock import to_iso
from footfall.payments.money import to_major
from footfall.payments.providers import PROVIDERS
from footfall.payments.providers.model import Payer, SubscriptionMoved
from footfall.payments.webhooks.model import Integration, RefusedDelivery


def integration_json(website_id: bytes, one: Integration) -> dict[str, Any]:
    """How a website stands with a provider; never a secret."""
    provider = PROVIDERS[one.provider]
    last = one.last
    return {
        "provider": provider.name,
        "name": provider.title,
        "isConnected": one.connected_at is not None,
        "connectedAt": None if one.connected_at is None else to_iso(one.connected_at),
        "isSecretReadable": one.is_readable,
        "webhookPath": webhook_path(provider.name, website_id),
        "events": list(provider.events),
        "lastDelivery": last and {"at": to_iso(last.at), "event": last.event, "isTest": last.is_test},
        "refusedDeliveries": list(map(_refused_json, one.refused)),
    }


def webhook_path(provider: str, website_id: bytes) -> str:
    """Where a provider delivers, behind the address of the server."""
    return f"/api/webhooks/{provider}/{website_id.hex()}"


def customer_json(one: Payer) -> dict[str, Any]:
    """Who somebody is to a provider."""
    return {
        "customerId": one.customer_id,
        "email": one.email,
        "name": one.name,
        "externalId": one.external_id,
        "visitorId": one.visitor_id,
    }


def move_json(subscription: bytes, one: SubscriptionMoved) -> dict[str, Any]:
    """How a subscription moved; `subscription` is a hash."""
    monthly = one.monthly
    return {
        "subscription": subscription.hex(),
        "at": to_iso(one.at),
        "what": one.what,
        "state": one.state,
        "monthly": monthly and {"amount": to_major(monthly), "currency": monthly.currency},
    }


def _refused_json(one: RefusedDelivery) -> dict[str, Any]:
    return {"at": to_iso(one.at), "event": one.event, "reason": one.reason}

"""What tests deliver to webhooks: bodies of payment providers, signed by their own libraries where they have one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import standardwebhooks
import stripe

from footfall.clock import system_clock
from tests.support.sites import JSON_TYPE, Site

STANDARD_SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
SECRETS = {
    "stripe": "whsec_stripe",
    "lemonsqueezy": "lemons",
    "polar": STANDARD_SECRET,
    "paddle": "pdl_ntfset_1",
    "dodo": STANDARD_SECRET,
}


def connect(site: Site, *providers: str) -> None:
    """Set the secrets of some providers."""
    for provider in providers or SECRETS:
        response = integrate(site, "POST", provider, json={"webhookSecret": SECRETS[provider]})
        assert response.status_code == 200, response.text


def integrate(site: Site, method: str, provider: str = "", **options: Any) -> httpx.Response:
    """Call a route of integrations."""
    path = f"/api/v1/admin/websites/{site.website_id}/integrations"
    return site.call(method, f"{path}/{provider}" if provider else path, **options)


def integration(site: Site, provider: str) -> Any:
    """How a website stands with a provider."""
    response = integrate(site, "GET")
    assert response.status_code == 200, response.text
    (found,) = [one for one in response.json()["data"] if one["provider"] == provider]
    return found


def deliver(site: Site, provider: str, *events: dict[str, Any]) -> None:
    """Deliver events, which are believed."""
    for event in events:
        response = send(site, provider, event)
        assert response.status_code == 200, response.text


def send(
    site: Site,
    provider: str,
    event: dict[str, Any] | bytes,
    *,
    signed_at: int | None = None,
    secret: str | None = None,
    website: str | None = None,
) -> httpx.Response:
    """Deliver an event or any body, signed at a time (s since epoch; now) with a secret (the right one)."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    at = system_clock() // 1000 if signed_at is None else signed_at
    headers = sign(provider, SECRETS[provider] if secret is None else secret, body, at)
    return post(site, provider, body, headers, website=website)


def post(
    site: Site, provider: str, body: bytes, headers: dict[str, str], *, website: str | None = None
) -> httpx.Response:
    """Deliver a body with headers."""
    path = f"/api/webhooks/{provider}/{website or site.website_id}"
    return site.http.post(path, content=body, headers={**JSON_TYPE, **headers})


def sign(provider: str, secret: str, body: bytes, at: int) -> dict[str, str]:
    """The headers of a delivery signed at a time (s since epoch)."""
    text = body.decode(errors="replace")
    if provider == "stripe":
        header = stripe.WebhookSignature.generate_signature_header(text, secret, timestamp=at)
        return {"stripe-signature": header}
    if provider == "paddle":
        return {"paddle-signature": f"ts={at};h1={_hex(secret, f'{at}:'.encode() + body)}"}
    if provider == "lemonsqueezy":
        return {"x-signature": _hex(secret, body)}
    signature = standardwebhooks.Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), text)
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": signature}


def _hex(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()

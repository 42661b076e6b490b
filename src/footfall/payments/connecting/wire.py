"""Connections by key on the wire. Pure."""

from __future__ import annotations

from typing import Any

from footfall.clock import to_iso
from footfall.errors import BadRequest
from footfall.payments.connecting.apis import APIS
from footfall.payments.connecting.model import Disconnected, KeyCall, KeyConnection
from footfall.payments.connecting.rules import check_account, check_key
from footfall.payments.providers import Provider


def read_key_call(provider: Provider, body: dict[str, Any]) -> KeyCall | None:
    """The key that a body gives, in `apiKey` or the provider's own field; None without one. Raises BadRequest."""
    api = APIS[provider.name]
    field = next((name for name in ("apiKey", *api.key_fields) if body.get(name) is not None), None)
    if field is None:
        return None
    named = api.account_field
    account = check_account(named, body.get(named)) if named else None
    is_kept = body.get("keepKey", False)
    if type(is_kept) is not bool:
        raise BadRequest("keepKey must be true or false.")
    return KeyCall(check_key(provider, body[field], field), account, is_kept)


def connection_json(one: KeyConnection | None, now: int) -> dict[str, Any]:
    """What a connection by key adds to how a website stands with a provider; never the key."""
    return {
        "webhookId": None if one is None else one.webhook_id,
        "isKeyKept": one is not None and one.sealed_key is not None,
        "import": None if one is None else _import_json(one, now),
    }


def _import_json(one: KeyConnection, now: int) -> dict[str, Any]:
    progress = one.progress
    return {
        "state": "needs_key" if one.needs_key(now) else progress.state,
        "from": to_iso(one.period.since),
        "to": to_iso(one.period.until),
        "listsDone": progress.listing,
        "lists": len(APIS[one.provider].listings),
        "objects": progress.objects,
        "unreadable": progress.unreadable,
        "reason": progress.reason,
        "endedAt": None if progress.ended_at is None else to_iso(progress.ended_at),
    }


def disconnected_json(provider: Provider, one: Disconnected) -> dict[str, Any]:
    """What is answered when a provider was disconnected."""
    answer = {
        "message": f"{provider.title} disconnected successfully",
        "provider": provider.name,
        "isWebhookRemoved": one.is_removed,
    }
    if one.is_removed is False:
        left = f"The webhook {one.webhook_id} is still in {provider.title}; remove it there."
        answer["warning"] = f"{one.problem} {left}"
    return answer

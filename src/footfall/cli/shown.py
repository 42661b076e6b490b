"""How commands show keys, tokens and accounts: ids in hex digits, times in ISO 8601."""

from __future__ import annotations

from typing import Any

from footfall.accounts.model import Account
from footfall.auth.model import AccessToken, ApiKey, NewKey, NewToken
from footfall.clock import to_iso


def new_key_json(new: NewKey) -> dict[str, Any]:
    """An API key with its secret."""
    key = new.key
    return {
        "apiKeyId": key.api_key_id.hex(),
        "key": new.secret,
        "name": key.name,
        "websiteId": key.website_id.hex(),
        "createdAt": to_iso(key.created_at),
    }


def key_json(key: ApiKey) -> dict[str, Any]:
    """An API key in a list."""
    return {
        "apiKeyId": key.api_key_id.hex(),
        "name": key.name,
        "displayKey": key.display_key,
        **_times(key),
    }


def new_token_json(new: NewToken) -> dict[str, Any]:
    """An access token with its secret."""
    token = new.token
    return {
        "tokenId": token.token_id.hex(),
        "key": new.secret,
        "name": token.name,
        **_access(token),
        "createdAt": to_iso(token.created_at),
    }


def token_json(token: AccessToken) -> dict[str, Any]:
    """An access token in a list."""
    return {
        "tokenId": token.token_id.hex(),
        "name": token.name,
        "displayKey": token.display_key,
        **_access(token),
        **_times(token),
    }


def account_json(account: Account) -> dict[str, Any]:
    """An account in a list."""
    return {
        "accountId": account.account_id.hex(),
        "email": account.email,
        "createdAt": to_iso(account.created_at),
    }


def _access(token: AccessToken) -> dict[str, Any]:
    return {
        "permissions": list(token.scopes),
        "websiteIds": [website_id.hex() for website_id in token.website_ids],
    }


def _times(one: ApiKey | AccessToken) -> dict[str, Any]:
    times = {"createdAt": one.created_at, "revokedAt": one.revoked_at, "lastUsedAt": one.last_used_at}
    return {name: None if at is None else to_iso(at) for name, at in times.items()}

"""How commands show websites, keys, tokens and accounts: ids in hex digits, times in ISO 8601."""

from __future__ import annotations

from typing import Any

from footfall.accounts.model import Account
from footfall.auth.model import AccessToken, ApiKey, NewKey, NewToken
from footfall.clock import to_iso
from footfall.hostnames import to_unicode
from footfall.websites.model import Website


def website_json(website: Website) -> dict[str, Any]:
    """A website without its secrets."""
    return {
        "websiteId": website.website_id.hex(),
        "trackingId": website.tracking_id,
        "domain": to_unicode(website.domain),
        "name": website.name,
        "timezone": website.timezone,
        "currency": website.currency,
        "isCookieless": website.is_cookieless,
        "isSuspended": website.is_suspended,
        "isLocalhostAllowed": website.is_localhost_allowed,
        "allowedHostnames": list(map(to_unicode, website.allowed_hostnames)),
        "excludedHostnames": list(map(to_unicode, website.exclusions.hostnames)),
        "excludedPaths": list(website.exclusions.paths),
        "excludedCountries": list(website.exclusions.countries),
        "excludedIps": list(website.exclusions.ips),
        "isSignatureRequired": website.is_signature_required,
        "isHeadlessAllowed": website.is_headless_allowed,
        "isImageAllowed": website.is_image_allowed,
        "isPublicDashboardEnabled": website.is_public,
        "createdAt": to_iso(website.created_at),
    }


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

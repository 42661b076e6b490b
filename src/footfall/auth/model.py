"""API keys and access tokens, as they are shown. Only hashes of their secrets are stored."""

from __future__ import annotations

import msgspec


class ApiKey(msgspec.Struct, frozen=True):
    """A key with full access to one website. Times in ms since epoch; `display_key`: its secret with the middle cut out."""

    api_key_id: bytes
    website_id: bytes
    name: str
    display_key: str
    created_at: int
    revoked_at: int | None = None
    last_used_at: int | None = None


class AccessToken(msgspec.Struct, frozen=True):
    """A token with chosen scopes on chosen websites, or on all if it names none."""

    token_id: bytes
    name: str | None
    display_key: str
    scopes: tuple[str, ...]
    website_ids: tuple[bytes, ...]
    created_at: int
    revoked_at: int | None = None
    last_used_at: int | None = None


class NewKey(msgspec.Struct, frozen=True):
    """A new API key with its secret, which is not stored."""

    key: ApiKey
    secret: str


class NewToken(msgspec.Struct, frozen=True):
    """A new access token with its secret, which is not stored."""

    token: AccessToken
    secret: str

"""Dashboard accounts."""

from __future__ import annotations

import msgspec


class Account(msgspec.Struct, frozen=True):
    """Somebody who may use the dashboard, and since when (ms since epoch)."""

    account_id: bytes
    email: str
    created_at: int


class Credentials(msgspec.Struct, frozen=True):
    """An account with the hash of its password."""

    account: Account
    password_hash: str

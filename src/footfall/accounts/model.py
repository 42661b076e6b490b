"""Accounts of the dashboard."""

from __future__ import annotations

import msgspec


class Account(msgspec.Struct, frozen=True):
    """Who may use the dashboard, since when (ms since epoch)."""

    account_id: bytes
    email: str
    created_at: int


class Credentials(msgspec.Struct, frozen=True):
    """An account with the hash of its password."""

    account: Account
    password_hash: str

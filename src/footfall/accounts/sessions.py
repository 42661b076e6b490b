"""Who is logged in to the dashboard."""

from __future__ import annotations

import hashlib
import secrets

from footfall.accounts.model import Account
from footfall.db.protocol import Transaction
from footfall.db.statements import load

sql = load(__file__, "sessions.sql")

SESSION_DAYS = 30


def start_session(tx: Transaction, account_id: bytes, now: int) -> str:
    """Log in: the secret for the cookie. Only its hash is stored."""
    secret = secrets.token_urlsafe(32)
    tx.execute(sql.sessions_forget, (now,))
    tx.execute(sql.session_add, (hash_secret(secret), account_id, now, now + SESSION_DAYS * 86_400_000))
    return secret


def find_session(tx: Transaction, asked: tuple[str, int]) -> Account | None:
    """The account that a cookie's secret belongs to at a time (ms since epoch); None if it is unknown or expired."""
    secret, now = asked
    row = tx.one(sql.session_get, (hash_secret(secret), now))
    return Account(row.account_id, row.email, row.created_at) if row else None


def end_session(tx: Transaction, secret: str) -> None:
    """Log out."""
    tx.execute(sql.session_end, (hash_secret(secret),))


def end_sessions(tx: Transaction, account_id: bytes) -> None:
    """Log an account out everywhere."""
    tx.execute(sql.sessions_end, (account_id,))


def hash_secret(secret: str) -> bytes:
    """The stored hash of a cookie's or link's secret."""
    return hashlib.sha256(secret.encode()).digest()

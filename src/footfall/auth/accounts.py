"""Accounts of the dashboard, who is logged in, and the one-time link that makes the first account."""

from __future__ import annotations

import hashlib
import secrets

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from footfall.db.protocol import Row, Transaction
from footfall.db.statements import load
from footfall.errors import FieldError
from footfall.ids import new_object_id

sql = load(__file__, "accounts.sql")

SESSION_DAYS = 30
MAX_EMAIL = 254
MIN_PASSWORD, MAX_PASSWORD = 10, 200
"""Characters of a password."""

_hasher = PasswordHasher()
_NOBODY = _hasher.hash("nobody has this password")
"""Compared with when there is no such account, so that the time taken does not tell."""


class Account(msgspec.Struct, frozen=True):
    """Who may use the dashboard, since when (ms since epoch)."""

    account_id: bytes
    email: str
    created_at: int


class Credentials(msgspec.Struct, frozen=True):
    """An account with the hash of its password."""

    account: Account
    password_hash: str


def clean_email(email: str) -> str:
    """An e-mail address as accounts keep it. Raises FieldError."""
    cleaned = email.strip().lower()
    name, _, host = cleaned.partition("@")
    is_clean = cleaned.isprintable() and not any(c.isspace() for c in cleaned)
    if len(cleaned) > MAX_EMAIL or not name or "." not in host or not is_clean:
        raise FieldError("email", "this is no e-mail address")
    return cleaned


def hash_password(password: str) -> str:
    """The argon2 hash of a new password; takes some tens of milliseconds. Raises FieldError when it is too short or too long."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise FieldError("password", f"use {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    return _hasher.hash(password)


def is_password(password_hash: str | None, password: str) -> bool:
    """Whether a password fits a hash (None: no account); takes as long either way."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def create_account(tx: Transaction, email: str, password_hash: str, now: int) -> Account | FieldError:
    """A new account of a clean address; FieldError when the address has one. Ends the one-time link."""
    tx.lock([("accounts",)])
    if tx.one(sql.account_by_email, (email,)):
        return FieldError("email", f"there is an account for {email} already")
    account = Account(new_object_id(), email, now)
    tx.run(sql.account_add, (account.account_id, email, password_hash, now))
    tx.run(sql.links_remove)
    return account


def find_account(tx: Transaction, email: str) -> Credentials | None:
    """The account of an e-mail address."""
    row = tx.one(sql.account_by_email, (email.strip().lower(),))
    return Credentials(_account(row), row.password_hash) if row else None


def list_accounts(tx: Transaction) -> list[Account]:
    """All accounts, oldest first."""
    return [_account(row) for row in tx.all(sql.accounts_all)]


def _account(row: Row) -> Account:
    return Account(row.account_id, row.email, row.created_at)


def set_password(tx: Transaction, account: Account, password_hash: str, was: str | None = None) -> bool:
    """Change the password, and log the account out everywhere. `was`: the hash that it must have had until now; False when it had not."""
    if was is not None and not _is_still(tx, account, was):
        return False
    _lock(tx, account)
    tx.run(sql.password_set, (account.account_id, password_hash))
    tx.run(sql.sessions_end, (account.account_id,))
    return True


def _is_still(tx: Transaction, account: Account, password_hash: str) -> bool:
    """Whether the password is the one that was looked at; it stays so until this transaction ends."""
    _lock(tx, account)
    return find_account(tx, account.email) == Credentials(account, password_hash)


def _lock(tx: Transaction, account: Account) -> None:
    tx.lock([("account", account.account_id)])


# Sessions


def start_session(tx: Transaction, account_id: bytes, now: int) -> str:
    """Log in: the secret for the cookie, of which only the hash is kept."""
    secret = secrets.token_urlsafe(32)
    tx.run(sql.sessions_forget, (now,))
    tx.run(sql.session_add, (_hash(secret), account_id, now, now + SESSION_DAYS * 86_400_000))
    return secret


def open_session(tx: Transaction, account: Account, password_hash: str, now: int) -> str | None:
    """Log in with a password that fitted `password_hash`; None when it was changed while it was looked at."""
    return start_session(tx, account.account_id, now) if _is_still(tx, account, password_hash) else None


def find_session(tx: Transaction, asked: tuple[str, int]) -> Account | None:
    """Who a cookie's secret is, at a time (ms since epoch); None when nobody, or not any more."""
    secret, now = asked
    row = tx.one(sql.session_get, (_hash(secret), now))
    return _account(row) if row else None


def end_session(tx: Transaction, secret: str) -> None:
    """Log out."""
    tx.run(sql.session_end, (_hash(secret),))


# The first account


def new_setup_link(tx: Transaction, now: int) -> str | None:
    """The secret of a new one-time link, which replaces the one before; None when there is an account."""
    tx.lock([("accounts",)])
    if tx.all(sql.accounts_all):
        return None
    secret = secrets.token_urlsafe(24)
    tx.run(sql.links_remove)
    tx.run(sql.link_add, (_hash(secret), now))
    return secret


def is_setup_link(tx: Transaction, secret: str) -> bool:
    """Whether a link may still make the first account."""
    return tx.one(sql.link_get, (_hash(secret),)) is not None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

"""Dashboard accounts, their passwords, and the one-time link that creates the first account."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from footfall.accounts.model import Account, Credentials
from footfall.accounts.sessions import end_sessions, hash_secret, start_session
from footfall.db.protocol import Row, Transaction
from footfall.db.statements import load
from footfall.errors import FieldError, UsageError
from footfall.ids import new_object_id

sql = load(__file__, "accounts.sql")

MAX_EMAIL = 254
MIN_PASSWORD, MAX_PASSWORD = 10, 200
"""Characters of a password."""

_hasher = PasswordHasher()
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$PTeXjCiTfbfZU/Jx+4cd0A$sLfe+9kC0zifBTNjEH+W4aFyDk6JHEmTqDdTDdEp1go"
"""Compared with when no such account exists, so that the time taken reveals nothing."""


def clean_email(email: str) -> str:
    """An e-mail address in the form in which accounts store it. Raises FieldError."""
    cleaned = email.strip().lower()
    name, _, host = cleaned.partition("@")
    is_clean = cleaned.isprintable() and not any(c.isspace() for c in cleaned)
    if len(cleaned) > MAX_EMAIL or not name or "." not in host or not is_clean:
        raise FieldError("email", "this is no e-mail address")
    return cleaned


def hash_password(password: str) -> str:
    """The argon2 hash of a new password; takes tens of milliseconds. Raises FieldError if it is too short or too long."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise FieldError("password", f"use {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    return _hasher.hash(password)


def is_password(password_hash: str | None, password: str) -> bool:
    """Whether a password matches a hash (None: no account); takes equally long either way."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def create_account(tx: Transaction, email: str, password_hash: str, now: int) -> Account | FieldError:
    """A new account for a clean address; FieldError if the address already has one. Invalidates the one-time link."""
    tx.lock([("accounts",)])
    if tx.one(sql.account_by_email, (email,)):
        return FieldError("email", f"there is an account for {email} already")
    account = Account(new_object_id(), email, now)
    tx.execute(sql.account_add, (account.account_id, email, password_hash, now))
    tx.execute(sql.links_remove)
    return account


def find_account(tx: Transaction, email: str) -> Credentials | None:
    """The account with an e-mail address."""
    row = tx.one(sql.account_by_email, (email.strip().lower(),))
    return Credentials(_account(row), row.password_hash) if row else None


def list_accounts(tx: Transaction) -> list[Account]:
    """All accounts, oldest first."""
    return [_account(row) for row in tx.all(sql.accounts_all)]


def _account(row: Row) -> Account:
    return Account(row.account_id, row.email, row.created_at)


def set_password(tx: Transaction, account: Account, password_hash: str, was: str | None = None) -> bool:
    """Change the password and log the account out everywhere. `was`: its expected current hash. Returns False if it differs."""
    if was is not None and not _is_still(tx, account, was):
        return False
    _lock(tx, account)
    tx.execute(sql.password_set, (account.account_id, password_hash))
    end_sessions(tx, account.account_id)
    return True


def remove_account(tx: Transaction, email: str, *, is_last_too: bool) -> Account:
    """Remove the account with an e-mail address, with its sessions. Raises UsageError without one, or for the last one unless `is_last_too`."""
    tx.lock([("accounts",)])
    found = find_account(tx, email)
    if found is None:
        raise no_such_account()
    if not is_last_too and len(list_accounts(tx)) == 1:
        raise UsageError(
            "This is the last account. With --yes it is removed, and the next start prints a link that creates another."
        )
    _lock(tx, found.account)
    end_sessions(tx, found.account.account_id)
    tx.execute(sql.account_remove, (found.account.account_id,))
    return found.account


def no_such_account() -> UsageError:
    """The error for an unknown e-mail address."""
    return UsageError("There is no account with this e-mail address; see footfall account list")


def _is_still(tx: Transaction, account: Account, password_hash: str) -> bool:
    """Whether the password is still the one that was checked; it stays so until this transaction ends."""
    _lock(tx, account)
    return find_account(tx, account.email) == Credentials(account, password_hash)


def _lock(tx: Transaction, account: Account) -> None:
    tx.lock([("account", account.account_id)])


def open_session(tx: Transaction, account: Account, password_hash: str, now: int) -> str | None:
    """Log in with a password that matched `password_hash`; None if it was changed while it was being checked."""
    return start_session(tx, account.account_id, now) if _is_still(tx, account, password_hash) else None


# The first account


def new_setup_link(tx: Transaction, now: int) -> str | None:
    """The secret of a new one-time link, which replaces the previous one; None if there is an account."""
    tx.lock([("accounts",)])
    if tx.all(sql.accounts_all):
        return None
    secret = secrets.token_urlsafe(24)
    tx.execute(sql.links_remove)
    tx.execute(sql.link_add, (hash_secret(secret), now))
    return secret


def is_setup_link(tx: Transaction, secret: str) -> bool:
    """Whether a link can still create the first account."""
    return tx.one(sql.link_get, (hash_secret(secret),)) is not None

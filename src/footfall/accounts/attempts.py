"""Counts recent password attempts, in the database, so that all processes share them."""

from __future__ import annotations

import hmac
import ipaddress

from footfall.accounts.accounts import find_account
from footfall.clock import DAY_MS
from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.ip import parse_ip

sql = load(__file__, "attempts.sql")

WINDOW_MS = 15 * 60_000
PER_ACCOUNT, PER_ADDRESS = 8, 40
"""Failed attempts within a quarter of the hour. The first limit is shared by all addresses from which the account has not logged in
before. Each address from which it has logged in has its own, so that strangers cannot lock anybody out."""
KNOWN_DAYS = 90
"""How long an address is remembered after a login."""


def begin_attempt(tx: Transaction, salt: bytes, email: str, address: str, now: int) -> list[bytes]:
    """Count a login before the password is checked, so that many at once cannot get around the limit.

    Returns the keys it is counted by; none if there were too many. `salt`: a secret of the day, so that addresses cannot be guessed from
    what is stored. `now`: ms since epoch.
    """
    tx.lock([("log-ins",)])
    email, place = email.strip().lower(), place_of(address)
    known = _known_key(tx, email, place)
    is_known = known is not None and tx.one(sql.attempts_of, (known,)) is not None
    budget = f"account {email} at {place}" if is_known else f"account {email}"
    return _count(tx, salt, now, {budget: PER_ACCOUNT, f"address {place}": PER_ADDRESS})


def begin_change(tx: Transaction, salt: bytes, account_id: bytes, now: int) -> list[bytes]:
    """The same for somebody who is logged in and enters the current password to change it."""
    tx.lock([("log-ins",)])
    return _count(tx, salt, now, {f"change {account_id.hex()}": PER_ACCOUNT})


def uncount_attempt(tx: Transaction, keys: list[bytes]) -> None:
    """Take an attempt back: the password was right, or was not checked."""
    tx.execute_many(sql.attempt_uncount, [(key,) for key in keys])


def remember_address(tx: Transaction, email: str, address: str, now: int) -> None:
    """Remember that an account logs in from an address."""
    key = _known_key(tx, email.strip().lower(), place_of(address))
    if key is not None:
        tx.execute(sql.address_known, (key, (now + KNOWN_DAYS * DAY_MS) // WINDOW_MS))


def place_of(address: str) -> str:
    """What an address is counted as: for IPv6, its 64-bit network, all of which belongs to one subscriber."""
    parsed = parse_ip(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed or address[:64])


def _known_key(tx: Transaction, email: str, place: str) -> bytes | None:
    """Stands for an address from which an account has logged in, until its password changes; None without such an account."""
    found = find_account(tx, email)
    return hmac.digest(found.password_hash.encode(), f"known {place}".encode(), "sha256") if found else None


def _count(tx: Transaction, salt: bytes, now: int, budgets: dict[str, int]) -> list[bytes]:
    """Count an attempt by each of `budgets` (how many each may have). The keys; or none, with nothing counted, if one is used up."""
    window = now // WINDOW_MS
    tx.execute(sql.attempts_forget, (window,))
    keys = [hmac.digest(salt, f"{window} {budget}".encode(), "sha256") for budget in budgets]
    counted = [row.attempts if row else 0 for row in tx.get_many(sql.attempts_of, [(key,) for key in keys])]
    if any(used >= most for used, most in zip(counted, budgets.values(), strict=True)):
        return []
    tx.execute_many(sql.attempt_count, [(key, window) for key in keys])
    return keys

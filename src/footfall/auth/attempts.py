"""How often somebody tried to log in of late: counted in the database, so that all processes count together."""

from __future__ import annotations

import hmac

from footfall.db.protocol import Transaction
from footfall.db.statements import load

sql = load(__file__, "attempts.sql")

WINDOW_MS = 15 * 60_000
PER_ACCOUNT, PER_ADDRESS = 8, 40
"""Failed attempts within a quarter of an hour of the clock."""


def begin_attempt(tx: Transaction, salt: bytes, email: str, address: str, now: int) -> list[bytes]:
    """Count an attempt before the password is looked at, so that many at once are no way around.

    The keys it is counted by; none when there were too many. `salt`: a secret of the day, so that addresses cannot be guessed from
    what is kept. `now`: ms since epoch.
    """
    tx.lock([("log-ins",)])
    window = now // WINDOW_MS
    said = (f"{window} account {email.strip().lower()}", f"{window} address {address}")
    keys = [hmac.digest(salt, one.encode(), "sha256") for one in said]
    tx.run(sql.attempts_forget, (window,))
    counted = [row[0] if row else 0 for row in tx.lookup(sql.attempts_of, [(key,) for key in keys])]
    if counted[0] >= PER_ACCOUNT or counted[1] >= PER_ADDRESS:
        return []
    tx.run_many(sql.attempt_count, [(key, window) for key in keys])
    return keys


def uncount_attempt(tx: Transaction, keys: list[bytes]) -> None:
    """It was the right password."""
    tx.run_many(sql.attempt_uncount, [(key,) for key in keys])

"""Shares in the database."""

from __future__ import annotations

from footfall.auth.tokens import SHARE_PREFIX, display_key, hash_secret, make_secret
from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.errors import FieldError
from footfall.ids import new_object_id, random_text
from footfall.labels import clean_label
from footfall.shares.model import FoundShare, NewShare, Share

sql = load(__file__, "shares.sql")

MOST_SHARES = 50
"""Of a website."""


def read_shares(tx: Transaction, website_id: bytes) -> list[Share]:
    """The shares of a website, oldest first."""
    return [
        Share(row.share_id, row.name, row.display_key, bool(row.has_money), row.created_at)
        for row in tx.all(sql.shares_of, (website_id,))
    ]


def find_share(tx: Transaction, secret: str) -> FoundShare | None:
    """What a secret opens; None if it is unknown or was revoked. Whether the website allows it, its settings say."""
    row = tx.one(sql.share_find, (hash_secret(secret),))
    return FoundShare(row.website_id, bool(row.has_money)) if row else None


def new_share(name: str, now: int, *, has_money: bool) -> NewShare:
    """A new share, not stored yet. Raises FieldError for its name."""
    name, secret = clean_label(name, "name"), make_secret(SHARE_PREFIX, random_text(32))
    return NewShare(Share(new_object_id(), name, display_key(secret), has_money, now), secret)


def add_share(tx: Transaction, website_id: bytes, new: NewShare) -> FieldError | None:
    """Store a new share."""
    tx.lock([(website_id, b"shares")])
    if len(read_shares(tx, website_id)) >= MOST_SHARES:
        return FieldError("name", f"a website has at most {MOST_SHARES} links; revoke one that nobody needs")
    one = new.share
    said = (one.name, hash_secret(new.secret), one.display_key, int(one.has_money), one.created_at)
    tx.execute(sql.share_add, (website_id, one.share_id, *said))
    return None


def remove_share(tx: Transaction, website_id: bytes, share_id: bytes) -> None:
    """Revoke a share; one that is gone already does not matter."""
    tx.execute(sql.share_remove, (website_id, share_id))

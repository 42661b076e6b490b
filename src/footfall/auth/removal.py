"""Deleting a website together with the keys that open it."""

from __future__ import annotations

from footfall.auth.store import sql
from footfall.db.protocol import Transaction
from footfall.errors import NotFound
from footfall.websites.removal import remove_website


def close_website(tx: Transaction, website_id: bytes, now: int) -> NotFound | None:
    """Delete a website, if it exists, and its keys (`now`: ms since epoch)."""
    tx.execute(sql.keys_remove, (website_id,))
    return remove_website(tx, website_id, now)

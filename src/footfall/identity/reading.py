"""Who a visitor is, read from what is stored."""

from __future__ import annotations

from typing import Any

import msgspec

from footfall.clock import to_iso
from footfall.db.protocol import Transaction
from footfall.identity.store import sql


def profile_of_visitor(tx: Transaction, website_id: bytes, visitor_id: bytes) -> dict[str, Any] | None:
    """`{userId, profileId, metadata, identifiedAt}` of the visitor's last link; None when anonymous."""
    link = tx.one(sql.link_newest, (website_id, visitor_id))
    if link is None or link[1] is None:
        return None
    row = tx.one(sql.profile_get, (website_id, link[1]))
    if row is None:
        return None
    return {
        "userId": row[1],
        "profileId": row[0].hex(),
        "metadata": msgspec.Raw(row[4].encode()),
        "identifiedAt": to_iso(row[2]),
    }

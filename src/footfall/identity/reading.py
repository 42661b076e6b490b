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
    person_id, member_count, user_id, identified_at = row[:4]
    if member_count > 1:
        _, user_id, identified_at = tx.all(sql.members_of_person, (website_id, person_id))[0]
        row = tx.one(sql.profile_get, (website_id, person_id)) or row
    return {
        "userId": user_id,
        "profileId": person_id.hex(),
        "metadata": msgspec.Raw(row[5].encode()),
        "identifiedAt": to_iso(identified_at),
    }

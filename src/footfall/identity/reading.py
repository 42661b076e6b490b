"""Who a visitor is, read from what is stored."""

from __future__ import annotations

import msgspec

from footfall.clock import to_iso
from footfall.db.protocol import Row, Transaction
from footfall.identity.store import sql


class ProfileData(msgspec.Struct, rename="camel"):
    """Who a visitor is, on the wire."""

    user_id: str
    profile_id: str
    metadata: msgspec.Raw
    identified_at: str


def profile_of_visitor(tx: Transaction, website_id: bytes, visitor_id: bytes) -> ProfileData | None:
    """The person of the visitor's last link; None when anonymous."""
    return profile_from(tx, website_id, tx.one(sql.profile_of_visitor, (website_id, visitor_id)))


def profile_from(tx: Transaction, website_id: bytes, row: Row | None) -> ProfileData | None:
    """The same from the row of the statement `profile_of_visitor`, if there is one."""
    if row is None:
        return None
    person_id, member_count, user_id, identified_at, metadata = row
    if member_count > 1:
        _, user_id, identified_at = tx.all(sql.members_of_person, (website_id, person_id))[0]
        metadata = tx.all(sql.profile_get, (website_id, person_id))[0][5]
    return ProfileData(user_id, person_id.hex(), msgspec.Raw(metadata.encode()), to_iso(identified_at))

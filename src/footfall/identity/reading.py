"""Who a visitor is, read from what is stored."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from footfall.clock import to_iso
from footfall.db.protocol import Row, Transaction
from footfall.identity.store import sql


class Member(NamedTuple):
    """One of the users that a person is. `identified_at`: ms since epoch."""

    profile_id: bytes
    user_id: str
    identified_at: int


def members_of(tx: Transaction, website_id: bytes, person_id: bytes) -> list[Member]:
    """The users that a person is, first identified first."""
    rows = tx.all(sql.members_of_person, (website_id, person_id))
    return [Member(row.profile_id, row.user_id, row.identified_at) for row in rows]


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
    user_id, identified_at, metadata = row.user_id, row.identified_at, row.metadata
    if row.member_count > 1:
        first = tx.all(sql.members_of_person, (website_id, row.person_id))[0]
        user_id, identified_at = first.user_id, first.identified_at
        metadata = tx.all(sql.profile_get, (website_id, row.person_id))[0].metadata
    return ProfileData(user_id, row.person_id.hex(), msgspec.Raw(metadata.encode()), to_iso(identified_at))

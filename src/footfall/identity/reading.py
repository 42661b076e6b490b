"""Who a visitor is, and whom a profile id stands for, read from what is stored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from footfall.db.protocol import Params, Row, Transaction
from footfall.identity.model import KnownPerson
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


def profile_of_visitor(tx: Transaction, website_id: bytes, visitor_id: bytes) -> KnownPerson | None:
    """The person of the visitor's last link; None when anonymous."""
    return profile_from(tx, website_id, tx.one(sql.profile_of_visitor, (website_id, visitor_id)))


def profile_from(tx: Transaction, website_id: bytes, row: Row | None) -> KnownPerson | None:
    """The same from the row of the statement `profile_of_visitor`, if there is one."""
    if row is None:
        return None
    if row.member_count == 1:
        return KnownPerson(row.person_id, row.user_id, row.identified_at, row.metadata)
    return find_person(tx, website_id, row.person_id)


def find_person(tx: Transaction, website_id: bytes, person_id: bytes) -> KnownPerson | None:
    """A person by the profile id that they go by; None when there is none."""
    row = tx.one(sql.profile_get, (website_id, person_id))
    if row is None:
        return None
    first = members_of(tx, website_id, person_id)[0]
    return KnownPerson(person_id, first.user_id, first.identified_at, row.metadata)


def users_of(tx: Transaction, website_id: bytes, profile_ids: Iterable[bytes]) -> list[str]:
    """The user ids of those of these profiles that exist."""
    keys: list[Params] = [(website_id, one) for one in profile_ids]
    return [row.user_id for row in tx.get_many(sql.profile_get, keys) if row is not None]


def persons_of(tx: Transaction, website_id: bytes, profile_ids: Iterable[bytes]) -> dict[bytes, KnownPerson]:
    """The people that these profiles are, by profile id, under the user id of the profile that the person goes by."""
    keys: list[Params] = [(website_id, one) for one in sorted(profile_ids)]
    own = {key[1]: row for key, row in zip(keys, tx.get_many(sql.profile_get, keys), strict=True) if row}
    persons: list[Params] = [(website_id, one) for one in sorted({row.person_id for row in own.values()})]
    rows = dict(zip((key[1] for key in persons), tx.get_many(sql.profile_get, persons), strict=True))
    found: dict[bytes, KnownPerson] = {}
    for profile_id, row in own.items():
        one = rows[row.person_id] or row
        known = KnownPerson(row.person_id, one.user_id, one.identified_at, one.metadata)
        found[profile_id] = known  # type: ignore[index]
    return found

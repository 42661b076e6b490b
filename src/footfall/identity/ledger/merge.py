"""Merge: two users are one person from now on, as if they had always been."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

import msgspec

from footfall.db.protocol import Transaction, WriteHandler
from footfall.errors import ApiError, BadRequest, NotFound
from footfall.identity import store
from footfall.identity.fold import find_user, refresh_people
from footfall.identity.ledger.store import append_fact, lock_people
from footfall.identity.model import MERGE, TraitValues
from footfall.identity.reading import members_of
from footfall.identity.store import Profile, sql

_encode = msgspec.json.Encoder(order="sorted").encode


R = TypeVar("R")


class MergeCall(msgspec.Struct, frozen=True):
    """A request to merge two users. `now`: ms since epoch; `actor_id`: who asks for it."""

    website_id: bytes
    profile_secret: bytes
    user_ids: tuple[str, str]
    reason: str | None
    actor_id: bytes | None
    now: int
    is_dry_run: bool = False


class Merged(msgspec.Struct, frozen=True):
    """The survivor of a merge. `left_out`: keys for which the person has no room."""

    fact_id: bytes
    profile_id: bytes
    user_id: str
    user_ids: list[str]
    visitor_ids: list[bytes]
    metadata: TraitValues
    left_out: list[str]


def merge(tx: Transaction, calls: list[MergeCall]) -> list[Merged | ApiError]:
    """Write handler: the outcome of each merge."""
    return [
        in_preview(tx, functools.partial(_merge, tx, call)) if call.is_dry_run else _merge(tx, call)
        for call in calls
    ]


def in_preview(tx: Transaction, work: Callable[[], R]) -> R:
    """The result of `work`, whose writes are taken back."""
    tx.execute(sql.preview_begin)
    try:
        return work()
    finally:
        tx.execute(sql.preview_back)
        tx.execute(sql.preview_end)


def _merge(tx: Transaction, call: MergeCall) -> Merged | ApiError:
    found: list[Profile] = []
    for index, user_id in enumerate(call.user_ids):
        profile = find_user(tx, call.website_id, call.profile_secret, user_id)
        if profile is None:
            return NotFound(f"userIds[{index}]: nobody was identified under this user id.")
        found.append(profile)
    if found[0].profile_id == found[1].profile_id:
        return BadRequest("userIds: name two different users.")
    low, high = sorted(found, key=lambda profile: profile.profile_id)
    operations = _encode({"merge": [low.profile_id.hex(), high.profile_id.hex()], "reason": call.reason})
    fact_id = append_fact(
        tx, call.website_id, MERGE, low, operations, call.actor_id, call.now, max(low.newest, high.newest)
    )
    tx.execute(sql.merge_add, (call.website_id, low.profile_id, fact_id, high.profile_id))
    tx.execute(sql.merge_add, (call.website_id, high.profile_id, fact_id, low.profile_id))
    refresh_people(tx, call.website_id, [low.profile_id])
    return _merged(tx, call.website_id, low.profile_id, fact_id)


def _merged(tx: Transaction, website_id: bytes, profile_id: bytes, fact_id: bytes) -> Merged:
    profile = store.read_profile(tx, website_id, profile_id)
    assert profile is not None  # noqa: S101 - it was there when the merge began
    person = store.read_profile(tx, website_id, profile.person_id) or profile
    members = members_of(tx, website_id, profile.person_id)
    return Merged(
        fact_id,
        person.profile_id,
        members[0].user_id,
        [member.user_id for member in members],
        store.visitors_of(tx, website_id, [member.profile_id for member in members]),
        person.traits.values,
        sorted(person.traits.left_out),
    )


MERGE_HANDLER = WriteHandler(rank=2, run=merge, is_slow=True, locks=lock_people)

"""Erasures made on one database, repeated on another that was made before them."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable

import msgspec

from footfall.privacy.erase import finish_erasures
from footfall.privacy.erasing import Erasers
from footfall.privacy.replay import TombstoneLine, replay, users_of
from footfall.storage import CommandSession
from footfall.websites.store import read_websites


class ReplayedErasures(msgspec.Struct, frozen=True):
    """How many users were erased again, and how many erasures were of websites that are not there."""

    users_erased: int
    of_unknown_websites: int


def replay_all(
    session: CommandSession, erasers: Erasers, tombstones: Iterable[TombstoneLine]
) -> ReplayedErasures:
    """End the erasures that were under way when a backup was made, and repeat these. Raises DatabaseError."""
    session.transact(lambda tx: finish_erasures(tx, erasers))
    by_website: dict[str, list[TombstoneLine]] = defaultdict(list)
    for tombstone in tombstones:
        by_website[tombstone.website_id].append(tombstone)
    erased = 0
    for website in session.snapshot(read_websites).values():
        known = by_website.pop(website.website_id.hex(), [])
        users = session.snapshot(functools.partial(users_of, website=website, tombstones=known))
        for tombstone in known:
            work = functools.partial(
                replay, erasers=erasers, website=website, tombstone=tombstone, user=users.get(tombstone)
            )
            erased += session.transact(work) is not None
    return ReplayedErasures(erased, sum(map(len, by_website.values())))

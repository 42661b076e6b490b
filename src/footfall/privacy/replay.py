"""Erasures carried from one database to another: a backup from before an erasure still holds the person.

What is carried are tombstones, which name nobody: keyed hashes of user ids, and when they were erased. Whoever they fit is erased again,
as of then. What was said about the same user id since stays, under the profile id that it would have had; merges with it do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec

from footfall.db.protocol import Transaction
from footfall.errors import UsageError
from footfall.identity import rules
from footfall.identity.erasing import (
    Erasure,
    Stone,
    User,
    all_stones,
    put_stone,
    said_since,
    say_again,
    stone_of,
    users_by_hash,
)
from footfall.privacy import erasing
from footfall.privacy.erasing import Erased, Erasers
from footfall.websites.model import Website

_Hex24 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{24}$")]
_Hex32 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]


class Tombstone(msgspec.Struct, frozen=True, rename="camel"):
    """What an erasure left of a user: a line of a file. `generation`: how often it was erased; `erased_at`: ms since epoch."""

    website_id: _Hex24
    user_hash: _Hex32
    erasure_id: _Hex32
    generation: Annotated[int, msgspec.Meta(ge=1)]
    erased_at: Annotated[int, msgspec.Meta(ge=0)]


def tombstones(tx: Transaction) -> list[Tombstone]:
    """Those of all websites."""
    return [
        Tombstone(
            stone.website_id.hex(),
            stone.user_hash.hex(),
            stone.erasure_id.hex(),
            stone.generation,
            stone.erased_at,
        )
        for stone in all_stones(tx)
    ]


def read_tombstones(lines: Iterable[bytes]) -> Iterator[Tombstone]:
    """The tombstones of a file. Raises UsageError that names the line."""
    for number, line in enumerate(lines, 1):
        try:
            yield msgspec.json.decode(line, type=Tombstone)
        except msgspec.MsgspecError as error:
            raise UsageError(f"line {number}: this is no erasure: {error}") from error


def users_of(tx: Transaction, website: Website, stones: Iterable[Tombstone]) -> dict[Tombstone, User]:
    """Those of whom anything is held, by the tombstone that fits."""
    wanted = {bytes.fromhex(stone.user_hash): stone for stone in stones}
    held = users_by_hash(tx, website.website_id, website.profile_secret, wanted.keys())
    return {wanted[user_hash]: user for user_hash, user in held.items()}


def replay(
    tx: Transaction, erasers: Erasers, website: Website, stone: Tombstone, user: User | None
) -> Erased | None:
    """Keep a tombstone, and erase the user whom it fits, as of then; None when nothing was held of the user, or the erasure is known."""
    website_id, user_hash = website.website_id, bytes.fromhex(stone.user_hash)
    tx.lock([(website_id, b"people"), (website_id, b"visitors")])
    known = stone_of(tx, website_id, user_hash)
    if known is not None and known.erased_at >= stone.erased_at:
        return None
    generation = max(stone.generation, known.generation + 1) if known else stone.generation
    kept = Stone(website_id, user_hash, bytes.fromhex(stone.erasure_id), generation, stone.erased_at)
    erased = _erase_again(tx, erasers, website, kept, user) if user else None
    put_stone(tx, kept)
    return erased


def _erase_again(
    tx: Transaction, erasers: Erasers, website: Website, stone: Stone, user: User
) -> Erased | None:
    website_id, secret = website.website_id, website.profile_secret
    again = rules.profile_id(secret, stone.generation, user.user_id)
    since = said_since(tx, website_id, user.profile_id, stone.erased_at, again)
    erasure, until = Erasure(website_id, secret, stone.erasure_id), stone.erased_at + 1
    keys = erasing.begin(tx, erasers, erasure, {user.profile_id: user.user_id}, stone.erased_at, until)
    erasing.forget(tx, erasers, keys)
    erased = erasing.finish(tx, erasers, erasure, until)
    if since:
        say_again(tx, since)
    return erased

"""Carries erasures from one database to another: a backup from before an erasure still contains the person.

Only tombstones are carried, which name nobody: keyed hashes of user ids, and when they were erased. Everybody who matches is erased again,
as of then. Whatever was said about the same user id since stays, under the profile id it would have had; merges with it do not.
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
    HeldUser,
    Tombstone,
    all_tombstones,
    find_tombstone,
    put_tombstone,
    said_since,
    say_again,
    users_by_hash,
)
from footfall.privacy import erasing
from footfall.privacy.erasing import Erased, Erasers
from footfall.websites.model import Website

_Hex24 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{24}$")]
_Hex32 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]


class TombstoneLine(msgspec.Struct, frozen=True, rename="camel"):
    """What an erasure left of a user: one line of a file. `generation`: how often it was erased; `erased_at`: ms since epoch."""

    website_id: _Hex24
    user_hash: _Hex32
    erasure_id: _Hex32
    generation: Annotated[int, msgspec.Meta(ge=1)]
    erased_at: Annotated[int, msgspec.Meta(ge=0)]


def tombstone_lines(tx: Transaction) -> list[TombstoneLine]:
    """The tombstones of all websites."""
    return [
        TombstoneLine(
            tombstone.website_id.hex(),
            tombstone.user_hash.hex(),
            tombstone.erasure_id.hex(),
            tombstone.generation,
            tombstone.erased_at,
        )
        for tombstone in all_tombstones(tx)
    ]


def read_tombstones(lines: Iterable[bytes]) -> Iterator[TombstoneLine]:
    """The tombstones in a file. Raises UsageError that names the line."""
    for number, line in enumerate(lines, 1):
        try:
            yield msgspec.json.decode(line, type=TombstoneLine)
        except msgspec.MsgspecError as error:
            raise UsageError(f"line {number}: this is no erasure: {error}") from error


def users_of(
    tx: Transaction, website: Website, tombstones: Iterable[TombstoneLine]
) -> dict[TombstoneLine, HeldUser]:
    """The users about whom anything is stored, by their tombstones."""
    wanted = {bytes.fromhex(tombstone.user_hash): tombstone for tombstone in tombstones}
    held = users_by_hash(tx, website.website_id, website.profile_secret, wanted.keys())
    return {wanted[user_hash]: user for user_hash, user in held.items()}


def replay(
    tx: Transaction, erasers: Erasers, website: Website, tombstone: TombstoneLine, user: HeldUser | None
) -> Erased | None:
    """Store a tombstone and repeat its erasure. Returns None if nothing was stored about the user or the erasure is already known."""
    website_id, user_hash = website.website_id, bytes.fromhex(tombstone.user_hash)
    tx.lock([(website_id, b"people"), (website_id, b"visitors")])
    known = find_tombstone(tx, website_id, user_hash)
    if known is not None and known.erased_at >= tombstone.erased_at:
        return None
    generation = max(tombstone.generation, known.generation + 1) if known else tombstone.generation
    kept = Tombstone(
        website_id, user_hash, bytes.fromhex(tombstone.erasure_id), generation, tombstone.erased_at
    )
    erased = _erase_again(tx, erasers, website, kept, user) if user else None
    put_tombstone(tx, kept)
    return erased


def _erase_again(
    tx: Transaction, erasers: Erasers, website: Website, tombstone: Tombstone, user: HeldUser
) -> Erased | None:
    website_id, secret = website.website_id, website.profile_secret
    again = rules.profile_id(secret, tombstone.generation, user.user_id)
    since = said_since(tx, website_id, user.profile_id, tombstone.erased_at, again)
    erasure, until = Erasure(website_id, secret, tombstone.erasure_id), tombstone.erased_at + 1
    keys = erasing.begin(tx, erasers, erasure, {user.profile_id: user.user_id}, tombstone.erased_at, until)
    erasing.forget(tx, erasers, keys)
    erased = erasing.finish(tx, erasers, erasure, until)
    if since:
        say_again(tx, since)
    return erased

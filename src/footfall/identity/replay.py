"""Erasures carried from one database to another: a backup from before an erasure still holds the person.

What is carried are tombstones, which name nobody: keyed hashes of user ids, and when they were erased. Whoever they fit is erased again,
as of then. What was said about the same user id since stays, under the profile id that it would have had; merges with it do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec

from footfall.db.protocol import Params, Transaction
from footfall.db.statements import load
from footfall.errors import UsageError
from footfall.identity import erasing, rules
from footfall.identity.erase import forget
from footfall.identity.erasing import Erased, Erasure
from footfall.identity.ledger import refresh_profile, refresh_visitor
from footfall.identity.store import sql as identity_sql
from footfall.ids import at_of
from footfall.websites.model import Website

sql = load(__file__, "replay.sql")

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
        Tombstone(website_id.hex(), user_hash.hex(), erasure_id.hex(), generation, erased_at)
        for website_id, user_hash, erasure_id, generation, erased_at in tx.stream(sql.tombstones)
    ]


def read_tombstones(lines: Iterable[bytes]) -> Iterator[Tombstone]:
    """The tombstones of a file. Raises UsageError that names the line."""
    for number, line in enumerate(lines, 1):
        try:
            yield msgspec.json.decode(line, type=Tombstone)
        except msgspec.MsgspecError as error:
            raise UsageError(f"line {number}: this is no erasure: {error}") from error


def users_of(tx: Transaction, website: Website, stones: Iterable[Tombstone]) -> dict[Tombstone, Params]:
    """(profile id, user id) of those of whom anything is held, by the tombstone that fits."""
    wanted = {bytes.fromhex(stone.user_hash): stone for stone in stones}
    found: dict[Tombstone, Params] = {}
    for profile_id, user_id in tx.stream(sql.users, (website.website_id,)):
        if stone := wanted.get(rules.user_hash(website.profile_secret, user_id)):
            found[stone] = (profile_id, user_id)
    return found


def replay(tx: Transaction, website: Website, stone: Tombstone, user: Params | None) -> Erased | None:
    """Keep a tombstone, and erase the user whom it fits, as of then; None when nothing was held of the user, or the erasure is known."""
    website_id, user_hash = website.website_id, bytes.fromhex(stone.user_hash)
    tx.lock([(website_id, b"people"), (website_id, b"visitors")])
    known = tx.one(identity_sql.tombstone_get, (website_id, user_hash))
    if known is not None and known[1] >= stone.erased_at:
        return None
    generation = max(stone.generation, known[0] + 1) if known else stone.generation
    erased = _erase_again(tx, website, stone, generation, *user) if user else None  # type: ignore[arg-type]
    tx.run(
        identity_sql.tombstone_put,
        (website_id, user_hash, bytes.fromhex(stone.erasure_id), generation, stone.erased_at),
    )
    return erased


def _erase_again(
    tx: Transaction, website: Website, stone: Tombstone, generation: int, profile_id: bytes, user_id: str
) -> Erased | None:
    website_id, secret = website.website_id, website.profile_secret
    said_since = [
        row
        for row in tx.all(identity_sql.facts_of_profile, (website_id, profile_id))
        if at_of(row[0]) > stone.erased_at
    ]
    erasure, until = Erasure(website_id, secret, bytes.fromhex(stone.erasure_id)), stone.erased_at + 1
    forget(tx, [erasing.begin(tx, erasure, {profile_id: user_id}, stone.erased_at, until)])
    erased = erasing.finish(tx, erasure, until)
    if said_since:
        again = rules.profile_id(secret, generation, user_id)
        tx.run_many(identity_sql.fact_add, [(website_id, *row[:2], again, *row[3:]) for row in said_since])
        for visitor_id in {row[4] for row in said_since}:
            refresh_visitor(tx, website_id, visitor_id, [again])
        refresh_profile(tx, website_id, again)
    return erased

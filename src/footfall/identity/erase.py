"""Erasure: the removal of facts, and of everything else that tells who a person was.

What stays: that somebody did what the events say, without e-mail addresses, parameters and query strings; a boundary for each of the
person's links, so that nobody else inherits the events; and a tombstone, by which later copies of the facts are recognised and dropped.

The person is nobody as soon as the first transaction commits. What has many rows goes in slices, between which calls are written.
"""

from __future__ import annotations

import asyncio
import secrets

import msgspec

from footfall.clock import to_iso
from footfall.db.protocol import Database, Params, Transaction, WriteHandler
from footfall.db.statements import load
from footfall.errors import ApiError, DatabaseError, NotFound
from footfall.identity import erasing, rules
from footfall.identity.erasing import Erased, Erasure, Slice
from footfall.identity.ledger import everybody_of
from footfall.identity.refs import Ref, no_such_person, profile_id_of
from footfall.identity.store import sql as identity_sql
from footfall.log import get_logger
from footfall.websites.model import Website
from footfall.websites.store import read_websites

sql = load(__file__, "erase.sql")

REST_SECONDS = 0.02
"""While live calls come, nothing is done for so long after a slice."""
LOOK_SECONDS = 2.0
"""How often a server looks for erasures with which nobody goes on."""


class EraseCall(msgspec.Struct, frozen=True):
    """Erase a person. `erasure_id` (see `rules.erasure_id`) names the erasure; `now`: ms since epoch."""

    website_id: bytes
    profile_secret: bytes
    profile_id: bytes
    erasure_id: bytes
    now: int


def erase_call(website: Website, profile_id: bytes, now: int) -> EraseCall:
    """The call to erase a person at a time (ms since epoch), under an id of its own."""
    erasure_id = rules.erasure_id(website.profile_secret, secrets.token_bytes(8))
    return EraseCall(website.website_id, website.profile_secret, profile_id, erasure_id, now)


def profile_to_erase(tx: Transaction, asked: tuple[Website, Ref]) -> bytes:
    """The id of the profile that a reference names; of a user who is being erased and of whom nothing came since, the erased one."""
    website, ref = asked
    profile_id = profile_id_of(tx, website, ref)
    if isinstance(ref, bytes) or tx.one(identity_sql.user_of_profile, (website.website_id, profile_id)):
        return profile_id
    stone = tx.one(
        identity_sql.tombstone_get, (website.website_id, rules.user_hash(website.profile_secret, ref))
    )
    before = rules.profile_id(website.profile_secret, stone[0] - 1, ref) if stone else profile_id
    return before if is_being_erased(tx, (website.website_id, before)) else profile_id


def is_being_erased(tx: Transaction, key: Params) -> bool:
    """Whether the erasure of a profile (website id, profile id) is under way."""
    return tx.one(identity_sql.erasing_get, key) is not None


def nobody_to_erase(tx: Transaction, asked: tuple[Website, Ref]) -> NotFound:
    """The error for a reference that names nobody: it says so when that is since the user was erased."""
    website, ref = asked
    user_hash = rules.user_hash(website.profile_secret, ref) if isinstance(ref, str) else b""
    stone = tx.one(identity_sql.tombstone_get, (website.website_id, user_hash))
    if stone is None:
        return no_such_person()
    return NotFound(
        f"Nothing is held about this user, who was erased as of {to_iso(stone[1])}: erasure {stone[2].hex()}."
    )


def erase(tx: Transaction, calls: list[EraseCall]) -> list[Erased | None]:
    """Write handler: how far each erasure came, which is the end unless there is much to erase; None when there is no fact about such a profile."""
    return [_erase(tx, call) for call in calls]


def _erase(tx: Transaction, call: EraseCall) -> Erased | None:
    if (under_way := tx.one(identity_sql.erasing_get, (call.website_id, call.profile_id))) is not None:
        return erasing.erased(tx, call.website_id, under_way[0])
    members = everybody_of(tx, call.website_id, call.profile_id)
    if not members:
        return None
    erasure = Erasure(call.website_id, call.profile_secret, call.erasure_id)
    keys = erasing.begin(tx, erasure, members, call.now)
    facts = erasing.few_facts(tx, erasure)
    if facts:
        erasing.take(tx, erasure, erasing.slices(facts)[0])
    found = erasing.end(tx, erasure)
    return found and msgspec.structs.replace(found, keys=keys)


class Taking(msgspec.Struct, frozen=True):
    """A slice of an erasure to take."""

    erasure: Erasure
    part: Slice


def take_slices(tx: Transaction, calls: list[Taking]) -> list[int]:
    """Write handler: how many of each slice's facts are done, from the first on."""
    return [erasing.take(tx, call.erasure, call.part) for call in calls]


def end_erasures(tx: Transaction, calls: list[Erasure]) -> list[Erased | None]:
    """Write handler: the receipts; see `erasing.end`."""
    return [erasing.end(tx, call) for call in calls]


def _locked(website_id: bytes) -> list[Params]:
    """Besides all that concerns people, the visitors' own rows: an event would write back what is being blanked."""
    return [(website_id, name) for name in (b"people", b"visitors")]


def _locks(calls: list[EraseCall] | list[Erasure]) -> list[Params]:
    return [name for call in calls for name in _locked(call.website_id)]


def _slice_locks(calls: list[Taking]) -> list[Params]:
    return [name for call in calls for name in _locked(call.erasure.website_id)]


ERASE_HANDLER = WriteHandler(rank=2, run=erase, is_slow=True, locks=_locks)
SLICE_HANDLER = WriteHandler(rank=-1, run=take_slices, is_slow=True, is_step=True, locks=_slice_locks)
END_HANDLER = WriteHandler(rank=-1, run=end_erasures, is_slow=True, is_step=True, locks=_locks)


def forget(tx: Transaction, calls: list[list[Params]]) -> list[None]:
    """Write handler: nobody is found by these profiles (website id, profile id) any more. The next step of the index would see to it too."""
    for keys in calls:
        for statement in (sql.index_forget, sql.terms_forget, sql.seen_forget):
            tx.derived.run_many(statement, keys)
    return [None] * len(calls)


FORGET_HANDLER = WriteHandler(rank=-1, run=forget, is_step=True, locks=lambda calls: [(b"trait index",)])


async def erase_person(database: Database, call: EraseCall) -> tuple[Erased | None, bool]:
    """The receipt of an erasure, None when there is no fact about such a profile; and whether all that was removed is gone from the disk.

    When the person is being erased already, that erasure's, at its end.
    """
    receipt: Erased | None = await database.write(ERASE_HANDLER, call)
    if receipt is None:
        return None, False
    is_forgotten = await _forget(database, receipt.keys)
    if not receipt.is_done:
        receipt = await go_on(database, Erasure(call.website_id, call.profile_secret, receipt.erasure_id))
    return receipt, is_forgotten and await database.scrub()


async def _forget(database: Database, keys: list[Params]) -> bool:
    try:
        await database.write(FORGET_HANDLER, keys)
    except (ApiError, DatabaseError) as error:  # the erasure stands
        get_logger("erasure").warning("the index is cleared by its next step", reason=str(error))
        return False
    return True


async def go_on(database: Database, erasure: Erasure) -> Erased | None:
    """The receipt of an erasure that was begun, once it is done; None when its website was deleted. Others may go on with the same one."""
    while True:
        while facts := await database.scan(erasing.facts_left, erasure, share=erasure.website_id):
            for part in erasing.slices(facts):
                await _take(database, erasure, part)
        receipt: Erased | None = await database.write(END_HANDLER, erasure)
        if receipt is None or receipt.is_done:
            return receipt


async def _take(database: Database, erasure: Erasure, part: Slice) -> None:
    taken = 0
    while taken < len(part.facts):
        calls = database.live_calls()
        rest = msgspec.structs.replace(part, facts=part.facts[taken:])
        taken += await database.write(SLICE_HANDLER, Taking(erasure, rest))
        if database.live_calls() != calls:
            await asyncio.sleep(REST_SECONDS)


def unfinished(tx: Transaction, _: None = None) -> list[Erasure]:
    """Erasures that were begun and are not done."""
    found = sorted({(row[0], row[2]) for row in tx.all(identity_sql.all_erasing)})
    websites = read_websites(tx) if found else {}
    return [Erasure(one, websites[one].profile_secret, two) for one, two in found if one in websites]


def finish_erasures(tx: Transaction, website_id: bytes | None = None) -> None:
    """Do what is left of erasures, of one website or of all, in this transaction: for commands beside which no server need run."""
    for erasure in unfinished(tx):
        if website_id in (None, erasure.website_id):
            tx.lock(_locked(erasure.website_id))
            erasing.finish(tx, erasure)


class Eraser:
    """A server's work on erasures whose callers are gone, or whose server was stopped."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[Erasure, Erased | None] = {}

    async def advance(self) -> None:
        """Go on with what nobody got on with since the last time. Raises ApiError and DatabaseError."""
        seen, self._seen = self._seen, await self._database.read(_progress, None)
        for erasure, progress in self._seen.items():
            if seen.get(erasure) == progress:
                await go_on(self._database, erasure)
                await self._database.scrub()


def _progress(tx: Transaction, _: None) -> dict[Erasure, Erased | None]:
    return {one: erasing.erased(tx, one.website_id, one.erasure_id) for one in unfinished(tx)}

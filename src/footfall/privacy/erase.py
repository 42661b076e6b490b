"""Erasure: removes facts, and everything else that tells who a person was.

What stays: that somebody did what the events say, without e-mail addresses, parameters and query strings; a boundary for each of the
person's links, so that nobody else inherits the events; and a tombstone, which identifies later copies of the facts so that they are dropped.

As soon as the first transaction commits, the person is nobody. Whatever has many rows is erased in slices, with other calls in between.
"""

from __future__ import annotations

import asyncio
import secrets

import msgspec

from footfall.clock import to_iso
from footfall.db.protocol import Database, Params, Transaction, WriteHandler
from footfall.errors import ApiError, DatabaseError, NotFound
from footfall.identity import rules
from footfall.identity.erasing import Erasure, erasure_of, erasures_under_way, find_tombstone
from footfall.identity.fold import everybody_of
from footfall.identity.refs import Ref, no_such_person, resolve_profile
from footfall.identity.store import Key, has_facts
from footfall.log import get_logger
from footfall.privacy import erasing
from footfall.privacy.erasing import Erased, Erasers, Slice
from footfall.websites.model import Website
from footfall.websites.store import read_websites

REST_SECONDS = 0.02
"""While live calls come in, nothing is done for this long after a slice."""
COLUMNS_MS = 75 * 60 * 1000
"""After an erasure, within which columns are rewritten: at most an hour passes before that begins, while a server runs."""
LOOK_SECONDS = 2.0
"""How often a server looks for erasures that nobody is working on."""


class EraseCall(msgspec.Struct, frozen=True):
    """Erase a person. `erasure_id` (see `rules.erasure_id`) names the erasure; `now`: ms since epoch."""

    website_id: bytes
    profile_secret: bytes
    profile_id: bytes
    erasure_id: bytes
    now: int


def erase_call(website: Website, profile_id: bytes, now: int) -> EraseCall:
    """The call to erase a person at a time (ms since epoch), under a new id."""
    erasure_id = rules.erasure_id(website.profile_secret, secrets.token_bytes(8))
    return EraseCall(website.website_id, website.profile_secret, profile_id, erasure_id, now)


def profile_to_erase(tx: Transaction, asked: tuple[Website, Ref]) -> bytes:
    """The id of the profile that a reference names. For a user who is being erased and has not come back since, the erased one."""
    website, ref = asked
    profile_id = resolve_profile(tx, website, ref)
    if isinstance(ref, bytes) or has_facts(tx, website.website_id, profile_id):
        return profile_id
    tombstone = find_tombstone(tx, website.website_id, rules.user_hash(website.profile_secret, ref))
    before = (
        rules.profile_id(website.profile_secret, tombstone.generation - 1, ref) if tombstone else profile_id
    )
    return before if is_being_erased(tx, (website.website_id, before)) else profile_id


def is_being_erased(tx: Transaction, key: Key) -> bool:
    """Whether a profile (website id, profile id) is being erased."""
    return erasure_of(tx, *key) is not None


def nobody_to_erase(tx: Transaction, asked: tuple[Website, Ref]) -> NotFound:
    """The error for an unknown person. It says so if the user was erased."""
    website, ref = asked
    user_hash = rules.user_hash(website.profile_secret, ref) if isinstance(ref, str) else b""
    tombstone = find_tombstone(tx, website.website_id, user_hash)
    if tombstone is None:
        return no_such_person()
    receipt = erasing.erased(tx, website.website_id, tombstone.erasure_id)
    return NotFound(
        f"Nothing is held about this user, who was erased as of {to_iso(tombstone.erased_at)}: "
        f"erasure {tombstone.erasure_id.hex()}. {columns_note(receipt) if receipt else ''}".rstrip()
    )


def columns_by(receipt: Erased) -> int | None:
    """By when the copy that analytics are answered from is rewritten without the erased (ms since epoch); None while the erasure goes on."""
    return None if receipt.ended_at is None else receipt.ended_at + COLUMNS_MS


def columns_note(receipt: Erased) -> str:
    """What a receipt says about that copy."""
    if receipt.columns_at is not None:
        return f"The copy that analytics are answered from was rewritten without them by {to_iso(receipt.columns_at)}."
    by = columns_by(receipt)
    return (
        f"The copy that analytics are answered from is rewritten without them by {to_iso(by)}." if by else ""
    )


class Taking(msgspec.Struct, frozen=True):
    """One slice of an erasure."""

    erasure: Erasure
    part: Slice


def end_erasures(tx: Transaction, calls: list[Erasure]) -> list[Erased | None]:
    """Write handler: the receipts; see `erasing.end`."""
    return [erasing.end(tx, call) for call in calls]


def _locked(website_id: bytes) -> list[Params]:
    """Everything that concerns people, and also the visitors' own rows: otherwise an event could write back what is being blanked."""
    return [(website_id, name) for name in (b"people", b"visitors")]


def _locks(calls: list[EraseCall] | list[Erasure]) -> list[Params]:
    return [name for call in calls for name in _locked(call.website_id)]


def _slice_locks(calls: list[Taking]) -> list[Params]:
    return [name for call in calls for name in _locked(call.erasure.website_id)]


class Erasing:
    """Erases people from all domains. Each domain brings an eraser."""

    def __init__(self, erasers: Erasers) -> None:
        self._erasers = erasers
        # Steps, since they write derived tables too, which nothing else may commit meanwhile.
        self.erase_handler = WriteHandler(rank=2, run=self.erase, is_slow=True, is_step=True, locks=_locks)
        self._slice_handler = WriteHandler(
            rank=-1, run=self._take_slices, is_slow=True, is_step=True, locks=_slice_locks
        )
        self._end_handler = WriteHandler(rank=-1, run=end_erasures, is_slow=True, is_step=True, locks=_locks)
        self._forget_handler = WriteHandler(
            rank=-1, run=self._forget_all, is_step=True, locks=lambda calls: [(b"trait index",)]
        )

    def erase(self, tx: Transaction, calls: list[EraseCall]) -> list[Erased | None]:
        """Write handler: how far each erasure came, to the end unless there is much to erase; None if there is no fact about such a profile."""
        return [self._erase(tx, call) for call in calls]

    def _erase(self, tx: Transaction, call: EraseCall) -> Erased | None:
        if (under_way := erasure_of(tx, call.website_id, call.profile_id)) is not None:
            return erasing.erased(tx, call.website_id, under_way)
        members = everybody_of(tx, call.website_id, call.profile_id)
        if not members:
            return None
        erasure = Erasure(call.website_id, call.profile_secret, call.erasure_id)
        keys = erasing.begin(tx, self._erasers, erasure, members, call.now)
        facts = erasing.few_facts(tx, erasure)
        if facts:
            erasing.take(tx, self._erasers, erasure, erasing.slices(facts)[0])
        found = erasing.end(tx, erasure)
        return found and msgspec.structs.replace(found, keys=keys)

    def _take_slices(self, tx: Transaction, calls: list[Taking]) -> list[int]:
        """Write handler: how many facts of each slice are done, counted from the first."""
        return [erasing.take(tx, self._erasers, call.erasure, call.part) for call in calls]

    def _forget_all(self, tx: Transaction, calls: list[list[Params]]) -> list[None]:
        """Write handler: nobody can be found by these profiles (website id, profile id) any more."""
        for keys in calls:
            erasing.forget(tx, self._erasers, keys)
        return [None] * len(calls)

    async def erase_person(self, database: Database, call: EraseCall) -> tuple[Erased | None, bool]:
        """The receipt of an erasure, None if there is no fact about such a profile; and whether everything removed is gone from the disk.

        If the person is already being erased, waits for that erasure and returns its receipt.
        """
        receipt: Erased | None = await database.write(self.erase_handler, call)
        if receipt is None:
            return None, False
        is_forgotten = await self._forget(database, receipt.keys)
        if not receipt.is_done:
            erasure = Erasure(call.website_id, call.profile_secret, receipt.erasure_id)
            receipt = await self.go_on(database, erasure)
        return receipt, is_forgotten and await database.scrub()

    async def _forget(self, database: Database, keys: list[Params]) -> bool:
        try:
            await database.write(self._forget_handler, keys)
        except (ApiError, DatabaseError) as error:  # the erasure stands
            get_logger("erasure").warning("the index is cleared by its next step", reason=str(error))
            return False
        return True

    async def go_on(self, database: Database, erasure: Erasure) -> Erased | None:
        """The receipt of an erasure that was begun, once it is done; None if its website was deleted. Others may work on the same one."""
        while True:
            while facts := await database.scan(erasing.facts_left, erasure, share=erasure.website_id):
                for part in erasing.slices(facts):
                    await self._take(database, erasure, part)
            receipt: Erased | None = await database.write(self._end_handler, erasure)
            if receipt is None or receipt.is_done:
                return receipt

    async def _take(self, database: Database, erasure: Erasure, part: Slice) -> None:
        taken = 0
        while taken < len(part.facts):
            calls = database.live_calls()
            rest = msgspec.structs.replace(part, facts=part.facts[taken:])
            taken += await database.write(self._slice_handler, Taking(erasure, rest))
            if database.live_calls() != calls:
                await asyncio.sleep(REST_SECONDS)


def unfinished(tx: Transaction, _: None = None) -> list[Erasure]:
    """Unfinished erasures."""
    found = erasures_under_way(tx)
    websites = read_websites(tx) if found else {}
    return [Erasure(one, websites[one].profile_secret, two) for one, two in found if one in websites]


def finish_erasures(tx: Transaction, erasers: Erasers, website_id: bytes | None = None) -> None:
    """Finish erasures, of one website or of all, in this transaction: for commands, which may run without a server."""
    for erasure in unfinished(tx):
        if website_id in (None, erasure.website_id):
            tx.lock(_locked(erasure.website_id))
            erasing.finish(tx, erasers, erasure)


class ErasureWatch:
    """The background job that finishes erasures whose caller or server has gone away, and notes when columns were rewritten without them."""

    def __init__(self, database: Database, erasing: Erasing) -> None:
        self._database = database
        self._erasing = erasing
        self._seen: dict[Erasure, Erased | None] = {}

    async def advance(self) -> None:
        """Continue erasures that have made no progress since the last run. Raises ApiError and DatabaseError."""
        seen, self._seen = self._seen, await self._database.read(_progress, None)
        for erasure, progress in self._seen.items():
            if seen.get(erasure) == progress:
                await self._erasing.go_on(self._database, erasure)
                await self._database.scrub()
        if await self._database.read(erasing.are_in_columns, None):
            await self._database.change(erasing.note_columns)


def _progress(tx: Transaction, _: None) -> dict[Erasure, Erased | None]:
    return {one: erasing.erased(tx, one.website_id, one.erasure_id) for one in unfinished(tx)}

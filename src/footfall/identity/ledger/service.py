"""Merge, undo and erase: what is done to the ledger itself, and the folding anew of what depends on it.

These are rare and may touch many rows, so each brings exactly what it changed up to date from the ledger instead of taking shortcuts.
"""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from footfall.db.protocol import Params, Transaction, WriteHandler
from footfall.errors import ApiError, BadRequest, Conflict, NotFound
from footfall.identity import rules, store
from footfall.identity.model import IDENTIFY, MERGE, SERVER, UNDO, Merge, Traits, TraitValues, Undo
from footfall.identity.reading import members_of
from footfall.identity.store import Profile, sql
from footfall.ids import at_of

R = TypeVar("R")

_encode = msgspec.json.Encoder(order="sorted").encode


class MergeCall(msgspec.Struct, frozen=True):
    """Say that two users are one person. `now`: ms since epoch; `key_id`: who says so."""

    website_id: bytes
    profile_secret: bytes
    user_ids: tuple[str, str]
    reason: str | None
    key_id: bytes | None
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


class UndoCall(msgspec.Struct, frozen=True):
    """Say that a fact does not count."""

    website_id: bytes
    profile_secret: bytes
    fact_id: bytes
    reason: str | None
    key_id: bytes | None
    now: int


class Undone(msgspec.Struct, frozen=True):
    """The outcome of an undo. `still_merged_by`: active merges that still join what the undone merge joined."""

    fact_id: bytes
    target_id: bytes
    kind: str
    is_new: bool
    still_merged_by: list[bytes]


def merge(tx: Transaction, calls: list[MergeCall]) -> list[Merged | ApiError]:
    """Write handler: the outcome of each merge."""
    return [
        in_preview(tx, functools.partial(_merge, tx, call)) if call.is_dry_run else _merge(tx, call)
        for call in calls
    ]


def in_preview(tx: Transaction, work: Callable[[], R]) -> R:
    """The result of `work`, whose writes are taken back."""
    tx.run(sql.preview_begin)
    try:
        return work()
    finally:
        tx.run(sql.preview_back)
        tx.run(sql.preview_end)


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
    fact_id = _append(
        tx, call.website_id, MERGE, low, operations, call.key_id, call.now, max(low.newest, high.newest)
    )
    tx.run(sql.merge_add, (call.website_id, low.profile_id, fact_id, high.profile_id))
    tx.run(sql.merge_add, (call.website_id, high.profile_id, fact_id, low.profile_id))
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


def undo(tx: Transaction, calls: list[UndoCall]) -> list[Undone | ApiError]:
    """Write handler: the outcome of each undo."""
    return [_undo(tx, call) for call in calls]


def _undo(tx: Transaction, call: UndoCall) -> Undone | ApiError:
    fact = tx.one(sql.fact_get, (call.website_id, call.fact_id))
    if fact is None:
        if _is_erasure(tx, call):
            return Conflict("An erasure cannot be undone: what it removed is gone.")
        return NotFound("factId: there is no such fact in this website's ledger.")
    known = store.undos_of(tx, call.website_id, call.fact_id)
    active = [found for found in known if not store.is_inactive(tx, call.website_id, found.fact_id)]
    if active:
        return Undone(active[0].fact_id, call.fact_id, fact.kind, False, [])
    subject = Profile(
        call.website_id, fact.profile_id, fact.profile_id, 1, fact.user_id, 0, 0, Traits({}, {}, set())
    )
    operations = _encode({"undo": call.fact_id.hex(), "reason": call.reason})
    newest = max([call.fact_id, *(found.fact_id for found in known)])
    fact_id = _append(tx, call.website_id, UNDO, subject, operations, call.key_id, call.now, newest)
    tx.run(sql.undo_add, (call.website_id, call.fact_id, fact_id))
    still = _apply_undos(tx, call.website_id, call.fact_id)
    return Undone(fact_id, call.fact_id, fact.kind, True, still)


def _is_erasure(tx: Transaction, call: UndoCall) -> bool:
    """Whether the id is that of an erasure; ids that were drawn without a secret are known to the tombstones."""
    return (
        rules.is_erasure_id(call.profile_secret, call.fact_id)
        or tx.one(sql.tombstone_by_erasure, (call.website_id, call.fact_id)) is not None
    )


def _apply_undos(tx: Transaction, website_id: bytes, fact_id: bytes) -> list[bytes]:
    """Decide anew which of the facts around an undone one count, and fold what hangs on them; the merges that still join."""
    root = tx.all(sql.fact_get, (website_id, fact_id))[0]
    while root.kind == UNDO:
        root = tx.all(sql.fact_get, (website_id, undone_by(root.operations)))[0]
    undos = _undos_above(tx, website_id, root.fact_id)
    inactive = rules.inactive_facts(undos)
    for one in {root.fact_id, *(found.fact_id for found in undos)}:
        tx.run(sql.inactive_add if one in inactive else sql.inactive_remove, (website_id, one))
    if root.kind == IDENTIFY:
        refresh_visitor(tx, website_id, root.visitor_id, [root.profile_id])
        refresh_profile(tx, website_id, root.profile_id)
        refresh_people(tx, website_id, [root.profile_id])
        return []
    merges = store.merges_of(tx, website_id, root.profile_id)
    other_id = next(merge.other_id for merge in merges if merge.fact_id == root.fact_id)
    pair = [root.profile_id, other_id]
    refresh_people(tx, website_id, pair)
    return _joining(tx, website_id, pair) if root.fact_id in inactive else []


def undone_by(operations: str) -> bytes:
    """The id of the fact that an undo names in its operations (JSON)."""
    return bytes.fromhex(msgspec.json.decode(operations)["undo"])


def _undos_above(tx: Transaction, website_id: bytes, fact_id: bytes) -> list[Undo]:
    """All undos of a fact, of those undos, and so on."""
    found: list[Undo] = []
    waiting = [fact_id]
    while waiting:
        more = store.undos_of(tx, website_id, waiting.pop())
        found += more
        waiting += [one.fact_id for one in more]
    return found


def _joining(tx: Transaction, website_id: bytes, pair: list[bytes]) -> list[bytes]:
    """The active merges of the person that both profiles still are; none when they are two."""
    merges = active_merges(tx, website_id, pair[:1])
    people = rules.people(merges)
    if people.get(pair[0], pair[0]) != people.get(pair[1], pair[1]):
        return []
    return sorted({merge.fact_id for merge in merges})


def active_merges(tx: Transaction, website_id: bytes, profile_ids: Iterable[bytes]) -> list[Merge]:
    """The active merges that can be reached from these profiles."""
    found: dict[bytes, Merge] = {}
    waiting, seen = list(profile_ids), set(profile_ids)
    while waiting:
        for merge in store.merges_of(tx, website_id, waiting.pop()):
            if merge.fact_id in found or store.is_inactive(tx, website_id, merge.fact_id):
                continue
            found[merge.fact_id] = merge
            if merge.other_id not in seen:
                seen.add(merge.other_id)
                waiting.append(merge.other_id)
    return list(found.values())


def refresh_visitor(
    tx: Transaction, website_id: bytes, visitor_id: bytes, also: Iterable[bytes] = ()
) -> None:
    """Fold a visitor's links anew; `also` names users whose facts may have come back."""
    links = rules.fold_links(store.facts_on_visitor(tx, website_id, visitor_id, also))
    store.replace_links(tx, website_id, visitor_id, links)


def refresh_profile(tx: Transaction, website_id: bytes, profile_id: bytes) -> None:
    """Fold a user's own row anew; it goes when no fact about the user counts any more."""
    facts = store.facts_of_profile(tx, website_id, profile_id)
    if not facts:
        tx.run(sql.profile_remove, (website_id, profile_id))
        store.mark_changed(tx, [(website_id, profile_id)])
        return
    known = store.read_profile(tx, website_id, profile_id)
    profile = Profile(
        website_id,
        profile_id,
        known.person_id if known else profile_id,
        known.member_count if known else 1,
        facts[0].user_id,
        min(at_of(fact.fact_id) for fact in facts),
        len({fact.visitor_id for fact in facts}),
        rules.fold_traits(facts),
    )
    store.put_profiles(tx, [profile])


def refresh_people(tx: Transaction, website_id: bytes, profile_ids: Iterable[bytes]) -> None:
    """Fold anew who these profiles are one person with, and the traits of each such person."""
    waiting = dict.fromkeys(profile_ids)
    while waiting:
        first, _ = waiting.popitem()
        known = store.read_profile(tx, website_id, first)
        joined = {first} | rules.people(active_merges(tx, website_id, [first])).keys()
        # Those who were one person with it until now may be several from now on.
        if known is not None:
            waiting.update(_others(tx, known, joined))
        for one in joined:
            waiting.pop(one, None)
        _put_person(tx, website_id, joined, waiting)


def _others(tx: Transaction, profile: Profile, joined: set[bytes]) -> dict[bytes, None]:
    """The members of a profile's stored person who are not among `joined`."""
    members = members_of(tx, profile.website_id, profile.person_id)
    return {member.profile_id: None for member in members if member.profile_id not in joined}


def _put_person(tx: Transaction, website_id: bytes, joined: set[bytes], waiting: dict[bytes, None]) -> None:
    found = (store.read_profile(tx, website_id, profile_id) for profile_id in sorted(joined))
    members = [profile for profile in found if profile is not None]
    if not members:
        return
    traits = rules.fold_traits(
        store.facts_of_profiles(tx, website_id, [profile.profile_id for profile in members])
    )
    person_id = members[0].profile_id
    for profile in members:
        if profile.person_id != person_id:
            waiting.update(_others(tx, profile, joined))
        profile.person_id, profile.member_count = person_id, len(members)
        profile.traits = traits if profile.profile_id == person_id else Traits({}, {}, set())
    store.put_profiles(tx, members)


def find_user(tx: Transaction, website_id: bytes, secret: bytes, user_id: str) -> Profile | None:
    """The profile of a user id; None when nobody was identified under it."""
    return store.read_profile(tx, website_id, id_of_user(tx, website_id, secret, user_id))


def id_of_user(tx: Transaction, website_id: bytes, secret: bytes, user_id: str) -> bytes:
    """The id that the profile of a user id has, or would have: another one after each erasure."""
    stone = tx.one(sql.tombstone_get, (website_id, rules.user_hash(secret, user_id)))
    return rules.profile_id(secret, stone.generation if stone else 0, user_id)


def everybody_of(tx: Transaction, website_id: bytes, profile_id: bytes) -> dict[bytes, str]:
    """User ids by profile id of all who are one person with a profile, also those of whom no fact counts; empty when nothing is held."""
    joined = sorted({profile_id} | rules.people(active_merges(tx, website_id, [profile_id])).keys())
    found = tx.lookup(sql.user_of_profile, [(website_id, one) for one in joined])
    return {one: row.user_id for one, row in zip(joined, found, strict=True) if row is not None}


def standing_profile(tx: Transaction, website_id: bytes, profile_id: bytes) -> Profile | None:
    """A profile; when no fact about it counts, one that it is merged with. None when there is none."""
    found = store.read_profile(tx, website_id, profile_id)
    if found is None:
        others = (store.read_profile(tx, website_id, one) for one in everybody_of(tx, website_id, profile_id))
        found = next((other for other in others if other is not None), None)
    return found


def _append(
    tx: Transaction,
    website_id: bytes,
    kind: str,
    subject: Profile,
    operations: bytes,
    key_id: bytes | None,
    now: int,
    newest: bytes,
) -> bytes:
    """Append a fact without a visitor, later than `newest`; its id."""
    at = rules.live_at(now, newest)
    fact_id = rules.fact_id(website_id, kind, subject.user_id, b"", at, operations, SERVER, key_id)
    row: Params = (
        website_id,
        fact_id,
        kind,
        subject.profile_id,
        subject.user_id,
        None,
        now,
        SERVER,
        1,
        key_id,
        operations.decode(),
    )
    tx.run_many(sql.fact_add, [row])
    return fact_id


def boundary_id(secret: bytes, fact_id: bytes) -> bytes:
    """What stays of an erased link: its time, and nothing from which the user could be guessed. (Stored.)"""
    return fact_id[:6] + hmac.digest(secret, b"boundary\0" + fact_id, "sha256")[:10]


def _locks(calls: list[MergeCall] | list[UndoCall]) -> list[Params]:
    return [(call.website_id, b"people") for call in calls]


MERGE_HANDLER = WriteHandler(rank=2, run=merge, is_slow=True, locks=_locks)
UNDO_HANDLER = WriteHandler(rank=2, run=undo, is_slow=True, locks=_locks)

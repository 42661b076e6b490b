"""Undo: a fact stops counting, and everything becomes what it would be without it."""

from __future__ import annotations

import msgspec

from footfall.db.protocol import Transaction, WriteHandler
from footfall.errors import ApiError, Conflict, NotFound
from footfall.identity import rules, store
from footfall.identity.fold import active_merges, refresh_people, refresh_profile, refresh_visitor
from footfall.identity.ledger.store import append_fact, lock_people
from footfall.identity.model import IDENTIFY, UNDO, Traits, Undo
from footfall.identity.store import Profile, sql

_encode = msgspec.json.Encoder(order="sorted").encode


class UndoCall(msgspec.Struct, frozen=True):
    """A request to undo a fact."""

    website_id: bytes
    profile_secret: bytes
    fact_id: bytes
    reason: str | None
    actor_id: bytes | None
    now: int


class Undone(msgspec.Struct, frozen=True):
    """The outcome of an undo. `still_merged_by`: active merges that still join what the undone merge joined."""

    fact_id: bytes
    target_id: bytes
    kind: str
    is_new: bool
    still_merged_by: list[bytes]


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
    fact_id = _append(tx, call, subject, known)
    still = _apply_undos(tx, call.website_id, call.fact_id)
    return Undone(fact_id, call.fact_id, fact.kind, True, still)


def _append(tx: Transaction, call: UndoCall, subject: Profile, known: list[Undo]) -> bytes:
    """Append the undo of a fact about `subject`, later than those that are `known`; its id."""
    operations = _encode({"undo": call.fact_id.hex(), "reason": call.reason})
    newest = max([call.fact_id, *(found.fact_id for found in known)])
    fact_id = append_fact(tx, call.website_id, UNDO, subject, operations, call.actor_id, call.now, newest)
    tx.execute(sql.undo_add, (call.website_id, call.fact_id, fact_id))
    return fact_id


def _is_erasure(tx: Transaction, call: UndoCall) -> bool:
    """Whether the id is that of an erasure; ids that were drawn without a secret are known to the tombstones."""
    return (
        rules.is_erasure_id(call.profile_secret, call.fact_id)
        or tx.one(sql.tombstone_by_erasure, (call.website_id, call.fact_id)) is not None
    )


def _apply_undos(tx: Transaction, website_id: bytes, fact_id: bytes) -> list[bytes]:
    """Decide again whether the fact behind the undos counts, and fold what depends on it. Returns the merges that still join."""
    root = tx.all(sql.fact_get, (website_id, fact_id))[0]
    while root.kind == UNDO:
        root = tx.all(sql.fact_get, (website_id, undone_by(root.operations)))[0]
    is_active = _decide_anew(tx, website_id, root.fact_id)
    if root.kind == IDENTIFY:
        refresh_visitor(tx, website_id, root.visitor_id, [root.profile_id])
        refresh_profile(tx, website_id, root.profile_id)
        refresh_people(tx, website_id, [root.profile_id])
        return []
    merges = store.merges_of(tx, website_id, root.profile_id)
    other_id = next(merge.other_id for merge in merges if merge.fact_id == root.fact_id)
    pair = [root.profile_id, other_id]
    refresh_people(tx, website_id, pair)
    return [] if is_active else _joining(tx, website_id, pair)


def _decide_anew(tx: Transaction, website_id: bytes, fact_id: bytes) -> bool:
    """Store which of a fact and the undos above it count; whether the fact does."""
    undos = _undos_above(tx, website_id, fact_id)
    inactive = rules.inactive_facts(undos)
    for one in {fact_id, *(found.fact_id for found in undos)}:
        tx.execute(sql.inactive_add if one in inactive else sql.inactive_remove, (website_id, one))
    return fact_id not in inactive


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


UNDO_HANDLER = WriteHandler(rank=2, run=undo, is_slow=True, locks=lock_people)

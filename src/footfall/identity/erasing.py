"""What an erasure asks of each domain, and what identity does for it.

From the first transaction on, the users of the person are dead (tombstones), have no profile, and stand in `erasing`, which hides the
facts about them. Their links go on to say whose a visitor's events were, until a slice has blanked these events and put boundaries in
the facts' places. So the fold of the ledger is whole after each slice, and an erasure that was cut off can go on from any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import NamedTuple, Protocol

import msgspec
from msgspec.structs import astuple, replace

from footfall.db.protocol import Params, Transaction
from footfall.db.statements import load
from footfall.identity import rules, store
from footfall.identity.fold import refresh_people, refresh_profile, refresh_visitor
from footfall.identity.model import Link
from footfall.identity.rules import boundary_id
from footfall.identity.store import Key
from footfall.identity.store import sql as identity_sql
from footfall.ids import at_of

sql = load(__file__, "erasing.sql")

Counts = dict[str, int]
"""How many rows were removed or blanked, by what they were: part of the receipt."""
Range = tuple[bytes, bytes]
"""From which id on and before which. Ids of what a visitor did begin with its time; see `ids.at_prefix`."""
Ranges = dict[bytes, list[Range]]
"""By visitor, rising."""


class Erasure(msgspec.Struct, frozen=True):
    """Which erasure: its website, with what is secret there, and its id."""

    website_id: bytes
    profile_secret: bytes
    erasure_id: bytes


class Leaving(msgspec.Struct, frozen=True):
    """The users to erase: user ids by profile id. `at`: ms since epoch; facts up to then are dropped from now on."""

    erasure: Erasure
    users: dict[bytes, str]
    at: int


class Held(Protocol):
    """What a domain holds of what was done in some ranges."""

    def ids(self, visitor_id: bytes) -> Sequence[bytes]:
        """The ids of what the visitor did, rising."""

    def blank(self, ranges: Ranges) -> Counts:
        """Blank or remove it in these ranges: those that were asked for, or what of them lies before an id."""


class Blanked(msgspec.Struct, frozen=True):
    """Visitors of whom everything that the erased users did is blanked. `links`: as they were until now.

    `users`: profile ids. `facts`: those to be removed, by visitor. `fresh`: the visitors that came so far in this transaction; the others
    did before. `until`: only what was done before this time (ms since epoch) is erased. `cut`: of this visitor more facts may follow.
    """

    erasure: Erasure
    users: frozenset[bytes]
    links: dict[bytes, list[Link]]
    facts: dict[bytes, list[bytes]]
    fresh: list[bytes]
    until: int
    cut: bytes | None


class Eraser(msgspec.Struct, frozen=True, kw_only=True):
    """What a domain does when people are erased; each part is optional. All of it is crash-safe: it commits with the erasure's progress.

    `tables`: those with ids of visitors or users that it sees to. `counts`: what it counts for the receipt, in the order of the receipt.
    `forget_users`: at once, when the person becomes nobody; for few rows, found by user.
    `find`: what was done in some ranges, at most so many of each; it is then blanked, in as many slices as it takes.
    `finish_visitors`: what else tells of visitors of whom all that is blanked; for few rows of each.
    `forget_derived`: what can be rebuilt is forgotten about profiles (website id, profile id).
    """

    tables: frozenset[str]
    counts: tuple[str, ...] = ()
    forget_users: Callable[[Transaction, Leaving], Counts] | None = None
    find: Callable[[Transaction, bytes, Ranges, int], Held] | None = None
    finish_visitors: Callable[[Transaction, Blanked], Counts] | None = None
    forget_derived: Callable[[Transaction, list[Params]], None] | None = None


class FactOn(NamedTuple):
    """A fact about a visitor."""

    visitor_id: bytes
    fact_id: bytes


class Tombstone(msgspec.Struct, frozen=True):
    """What an erasure left of a user. `generation`: how often the user was erased; `erased_at`: ms since epoch."""

    website_id: bytes
    user_hash: bytes
    erasure_id: bytes
    generation: int
    erased_at: int


class HeldUser(NamedTuple):
    """Somebody of whom facts are held."""

    profile_id: bytes
    user_id: str


def _forget_users(tx: Transaction, leaving: Leaving) -> Counts:
    """Take users out: no profiles, no merges, a tombstone each. What is left of them is hidden."""
    website_id, ids = leaving.erasure.website_id, sorted(leaving.users)
    keys: list[Key] = [(website_id, one) for one in ids]
    profiles = sum(tx.execute(identity_sql.profile_remove, key) for key in keys)
    facts = _remove_merges(tx, website_id, set(ids))
    for user_id in leaving.users.values():
        _bury(tx, leaving, user_id)
    tx.execute_many(sql.changes_forget, keys)
    store.mark_changed(tx, keys)
    tx.execute_many(sql.erasing_add, [(*key, leaving.erasure.erasure_id) for key in keys])
    return {"profiles": profiles, "facts": facts}


def _remove_merges(tx: Transaction, website_id: bytes, ids: set[bytes]) -> int:
    """Remove the merges that name these users; how many facts that were."""
    merges = {merge for member in ids for merge in store.merges_of(tx, website_id, member)}
    keys: list[Params] = [(website_id, fact_id) for fact_id in sorted({merge.fact_id for merge in merges})]
    undone = tx.get_many(identity_sql.inactive_get, keys)
    active = {key[1] for key, row in zip(keys, undone, strict=True) if row is None}
    sides = {
        (website_id, side, merge.fact_id) for merge in merges for side in (merge.profile_id, merge.other_id)
    }
    tx.execute_many(identity_sql.merge_remove, sorted(sides))
    removed = _remove_facts(tx, website_id, [merge.fact_id for merge in merges])
    refresh_people(tx, website_id, {merge.other_id for merge in merges if merge.fact_id in active} - ids)
    return removed


def _bury(tx: Transaction, leaving: Leaving, user_id: str) -> None:
    erasure = leaving.erasure
    user_hash = rules.user_hash(erasure.profile_secret, user_id)
    tombstone = find_tombstone(tx, erasure.website_id, user_hash)
    generation = (tombstone.generation if tombstone else 0) + 1
    put_tombstone(tx, Tombstone(erasure.website_id, user_hash, erasure.erasure_id, generation, leaving.at))


def _finish_visitors(tx: Transaction, blanked: Blanked) -> Counts:
    """Remove the facts about visitors, and fold their links anew."""
    removed = _remove_and_bound(tx, blanked)
    _refold(tx, blanked)
    return {"facts": removed}


def _remove_and_bound(tx: Transaction, blanked: Blanked) -> int:
    """Remove the facts; each that counted leaves a boundary. How many that were."""
    website_id, secret = blanked.erasure.website_id, blanked.erasure.profile_secret
    pairs = [(one, fact_id) for one, facts in blanked.facts.items() for fact_id in facts]
    undone = tx.get_many(identity_sql.inactive_get, [(website_id, fact_id) for _, fact_id in pairs])
    boundaries: list[Params] = [
        (website_id, one, boundary_id(secret, fact_id))
        for (one, fact_id), row in zip(pairs, undone, strict=True)
        if row is None and at_of(fact_id) < blanked.until
    ]
    tx.execute_many(identity_sql.boundary_add, boundaries)
    return _remove_facts(tx, website_id, [fact_id for _, fact_id in pairs])


def _refold(tx: Transaction, blanked: Blanked) -> None:
    """Fold the links of the visitors anew. Others than the erased are listed by other events than before."""
    website_id, visitors = blanked.erasure.website_id, list(blanked.facts)
    owners = {one: _owners(blanked, one) for one in visitors}
    asked = [(one, owner) for one in visitors for owner in owners[one]]
    found = tx.all_together(
        *[(identity_sql.boundaries_of_visitor, (website_id, one)) for one in visitors],
        *[(identity_sql.fact_ids_of_profile_on, (website_id, owner, one)) for one, owner in asked],
    )
    facts: dict[bytes, list[tuple[bytes, bytes | None]]] = {
        one: [(row.fact_id, None) for row in rows]
        for one, rows in zip(visitors, found[: len(visitors)], strict=True)
    }
    for (one, owner), rows in zip(asked, found[len(visitors) :], strict=True):
        facts[one] += [(row.fact_id, owner) for row in rows]
    tx.execute_many(identity_sql.links_remove, [(website_id, one) for one in visitors])
    folded = [
        (website_id, one, link.fact_id, link.profile_id)
        for one in visitors
        for link in rules.fold_links(facts[one])
    ]
    tx.execute_many(identity_sql.link_add, folded)
    others = {owner for found in owners.values() for owner in found} - blanked.users
    store.mark_changed(tx, [(website_id, owner) for owner in sorted(others)])


def _owners(blanked: Blanked, visitor_id: bytes) -> list[bytes]:
    """Whose facts about a visitor are left; the users' own are all removed, unless more of them follow."""
    found = {link.profile_id for link in blanked.links[visitor_id] if link.profile_id is not None}
    return sorted(found if visitor_id == blanked.cut else found - blanked.users)


def _remove_facts(tx: Transaction, website_id: bytes, fact_ids: Sequence[bytes]) -> int:
    """Remove facts, all undos of them, and undos of those; how many that were."""
    doomed, waiting = set(fact_ids), sorted(set(fact_ids))
    while waiting:
        found = tx.all_together(*[(identity_sql.undos_of_fact, (website_id, one)) for one in waiting])
        undos = [(target, row.fact_id) for target, rows in zip(waiting, found, strict=True) for row in rows]
        tx.execute_many(identity_sql.undo_remove, [(website_id, *undo) for undo in undos])
        waiting = [fact_id for _, fact_id in undos]
        doomed.update(waiting)
    keys: list[Params] = [(website_id, one) for one in sorted(doomed)]
    tx.execute_many(identity_sql.inactive_remove, keys)
    tx.execute_many(identity_sql.fact_remove, keys)
    return len(doomed)


ERASER = Eraser(
    tables=frozenset(("fact", "merge_fact", "link", "profile", "profile_change", "erasing")),
    counts=("profiles", "facts"),
    forget_users=_forget_users,
    finish_visitors=_finish_visitors,
)


def time_of_erasure(tx: Transaction, keys: Sequence[Params], now: int) -> int:
    """When users (website id, profile id) are erased: not before the newest fact about any of them."""
    newest = [
        row.fact_id for row in tx.get_many(identity_sql.fact_newest_of_profile, keys) if row is not None
    ]
    return max([now, *map(at_of, newest)])


def users_being_erased(tx: Transaction, website_id: bytes, erasure_id: bytes) -> list[bytes]:
    """The profile ids of the users in a running erasure."""
    return [row.profile_id for row in tx.all(sql.erasing_users, (website_id, erasure_id))]


def erasure_of(tx: Transaction, website_id: bytes, profile_id: bytes) -> bytes | None:
    """The id of the running erasure of a profile, if there is one."""
    row = tx.one(identity_sql.erasing_get, (website_id, profile_id))
    return row.erasure_id if row else None


def erasures_under_way(tx: Transaction) -> list[Key]:
    """(website id, erasure id) of all that were begun and are not done."""
    return sorted({(row.website_id, row.erasure_id) for row in tx.all(identity_sql.all_erasing)})


def end_erasing(tx: Transaction, erasure: Erasure) -> None:
    """Nothing is left to hide of the users of an erasure."""
    tx.execute(sql.erasing_remove, (erasure.website_id, erasure.erasure_id))


def facts_left(tx: Transaction, erasure: Erasure, most: int) -> list[FactOn]:
    """The next facts to remove: all about one visitor after the other, in the order in which the visitors lie."""
    rows = tx.all(sql.facts_left, (erasure.website_id, erasure.erasure_id, most))
    return [FactOn(row.visitor_id, row.fact_id) for row in rows]


def some_facts(tx: Transaction, erasure: Erasure, most: int) -> list[FactOn]:
    """Some of the facts to remove, sorted among themselves: without sorting all of them."""
    rows = tx.all(sql.facts_some, (erasure.website_id, erasure.erasure_id, most))
    return sorted(FactOn(row.visitor_id, row.fact_id) for row in rows)


def facts_there(tx: Transaction, website_id: bytes, facts: Sequence[FactOn]) -> dict[bytes, list[bytes]]:
    """Those of these facts that are still in the ledger, by visitor."""
    there: dict[bytes, list[bytes]] = {}
    found = tx.get_many(identity_sql.fact_exists, [(website_id, fact.fact_id) for fact in facts])
    for fact, row in zip(facts, found, strict=True):
        if row is not None:
            there.setdefault(fact.visitor_id, []).append(fact.fact_id)
    return there


def links_of(tx: Transaction, website_id: bytes, visitors: Sequence[bytes]) -> dict[bytes, list[Link]]:
    """The links of each of these visitors, oldest first."""
    found = tx.all_together(*[(identity_sql.links_of_visitor, (website_id, one)) for one in visitors])
    return {one: [store.link_from(row) for row in rows] for one, rows in zip(visitors, found, strict=True)}


def find_tombstone(tx: Transaction, website_id: bytes, user_hash: bytes) -> Tombstone | None:
    """What the newest erasure of a user left; None when the user was never erased."""
    row = tx.one(identity_sql.tombstone_get, (website_id, user_hash))
    return Tombstone(website_id, user_hash, row.erasure_id, row.generation, row.erased_at) if row else None


def put_tombstone(tx: Transaction, tombstone: Tombstone) -> None:
    """Keep what an erasure left of a user, in place of what an earlier one did."""
    tx.execute(identity_sql.tombstone_put, astuple(tombstone))


def all_tombstones(tx: Transaction) -> list[Tombstone]:
    """What all erasures left."""
    return [
        Tombstone(row.website_id, row.user_hash, row.erasure_id, row.generation, row.erased_at)
        for row in tx.stream(sql.tombstones)
    ]


def users_by_hash(
    tx: Transaction, website_id: bytes, secret: bytes, wanted: Container[bytes]
) -> dict[bytes, HeldUser]:
    """Those of whom the ledger holds a fact, by the hash of their user id, if that is wanted."""
    return {
        user_hash: HeldUser(row.profile_id, row.user_id)
        for row in tx.stream(sql.users_of_facts, (website_id,))
        if (user_hash := rules.user_hash(secret, row.user_id)) in wanted
    }


class SaidSince(msgspec.Struct, frozen=True):
    """Facts that are stored anew, for the profile that the user has after an erasure."""

    website_id: bytes
    profile_id: bytes
    rows: list[Params]
    visitors: set[bytes]


def said_since(
    tx: Transaction, website_id: bytes, profile_id: bytes, at: int, again: bytes
) -> SaidSince | None:
    """What was said about a user after a time (ms since epoch), to be stored for the profile `again`; None for nothing."""
    rows = tx.all(identity_sql.facts_of_profile, (website_id, profile_id))
    later = [row for row in rows if at_of(row.fact_id) > at]
    said: list[Params] = [(website_id, *astuple(replace(row, profile_id=again))) for row in later]
    return SaidSince(website_id, again, said, {row.visitor_id for row in later}) if said else None


def say_again(tx: Transaction, said: SaidSince) -> None:
    """Store what `said_since` found."""
    tx.execute_many(identity_sql.fact_add, said.rows)
    for visitor_id in said.visitors:
        refresh_visitor(tx, said.website_id, visitor_id, [said.profile_id])
    refresh_profile(tx, said.website_id, said.profile_id)

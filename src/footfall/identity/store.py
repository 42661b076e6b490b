"""Identity in the database: what one batch reads before it decides, and writes after."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from footfall.clock import system_clock
from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import load
from footfall.identity.model import Fact, Link, Merge, Operations, Traits, TraitValues, Undo
from footfall.ids import at_prefix
from footfall.outbox.store import tell_visitors

sql = load(__file__, "identity.sql")

_encode = msgspec.json.encode
_decode = msgspec.json.decode
decode_operations = msgspec.json.Decoder(Operations).decode

Key = tuple[bytes, bytes]
"""(website_id, visitor_id) or (website_id, profile_id)."""


class Profile(msgspec.Struct):
    """A profile as it stands in this transaction. `traits` count in the row of the person. `newest`: its newest fact id, or empty.

    `changed_names`: the traits that changed, when it is to be stored and nothing else did; None when more did.
    """

    website_id: bytes
    profile_id: bytes
    person_id: bytes
    member_count: int
    user_id: str
    identified_at: int
    visitor_count: int
    traits: Traits
    newest: bytes = b""
    is_new: bool = False
    changed_names: set[str] | None = None


class VisitorState(msgspec.Struct):
    """A visitor as identity sees it. `last`: the newest link, None when nobody was identified; `newest`: a fact id on it in this batch."""

    has_pageview: bool
    last: Link | None
    newest: bytes = b""


class Unsigned(NamedTuple):
    """The last UTC day (since epoch) on which a visitor brought unsigned facts, and how many."""

    day: int
    facts: int


def fact_from(row: Row) -> Fact:
    """A fact from a row of `facts_of_profile`."""
    return Fact(
        row.fact_id,
        row.kind,
        row.profile_id,
        row.user_id,
        row.visitor_id,
        row.received_at,
        row.source,
        bool(row.is_trusted),
        row.key_id,
        decode_operations(row.operations),
    )


def link_from(row: Row) -> Link:
    """A link from a row of any statement that gives links."""
    return Link(row.fact_id, row.profile_id)


def traits_from(row: Row) -> Traits:
    """Traits from a row of `profile_get`."""
    values = _decode(row.metadata)
    untrusted = _untrusted_from(row.untrusted, values)
    return Traits(values, untrusted, _keys_from(row.gone), _keys_from(row.left_out))


def _untrusted_from(text: str | None, values: TraitValues) -> TraitValues:
    items = _decode(text) if text else []
    return dict((item, values.get(item)) if isinstance(item, str) else item for item in items)


def _untrusted_text(traits: Traits) -> str | None:
    """A JSON list of the keys, newest first; what is left out of the values as a list of its key and value."""
    items = [key if key in traits.values else [key, value] for key, value in traits.untrusted.items()]
    return _encode(items).decode() if items else None


def _keys_from(text: str | None) -> set[str]:
    return set(_decode(text)) if text else set()


def _keys_text(keys: set[str] | None) -> str | None:
    return _encode(sorted(keys)).decode() if keys else None


class State(NamedTuple):
    """What is stored about visitors and users. `undone`: of users without a profile who have facts, none of which counts, the newest."""

    visitors: dict[Params, VisitorState]
    profiles: dict[Params, Profile]
    undone: dict[Params, bytes]


def read_state(tx: Transaction, visitors: list[Params], profiles: list[Params]) -> State:
    """The visitors of these keys with their newest links, and those of these profiles that exist."""
    seen, links, rows, newest = tx.get_many_together(
        (sql.visitor_pageviews, visitors),
        (sql.link_newest, visitors),
        (sql.profile_get, profiles),
        (sql.fact_newest_of_profile, profiles),
    )
    state = State({}, {}, {})
    for key, row, link in zip(visitors, seen, links, strict=True):
        last = link_from(link) if link else None
        state.visitors[key] = VisitorState(row is not None and row.pageview_count > 0, last)
    for key, row, fact in zip(profiles, rows, newest, strict=True):
        if row is not None:
            state.profiles[key] = _profile(key, row, fact.fact_id if fact else b"")
        elif fact is not None:
            state.undone[key] = fact.fact_id
    return state


def read_unsigned(tx: Transaction, visitors: Iterable[Key]) -> dict[Key, Unsigned]:
    """The unsigned facts that each of these visitors brought last."""
    keys = sorted(visitors)
    rows = tx.get_many(sql.unsigned_get, keys) if keys else []
    return {
        key: Unsigned(row.day, row.facts) if row else Unsigned(0, 0)
        for key, row in zip(keys, rows, strict=True)
    }


def read_profile(tx: Transaction, website_id: bytes, profile_id: bytes) -> Profile | None:
    """One profile, or None when there is none."""
    key = (website_id, profile_id)
    return read_state(tx, [], [key]).profiles.get(key)


def _profile(key: Params, row: Row, newest: bytes) -> Profile:
    website_id, profile_id = key
    return Profile(
        website_id,  # type: ignore[arg-type]
        profile_id,  # type: ignore[arg-type]
        row.person_id,
        row.member_count,
        row.user_id,
        row.identified_at,
        row.visitor_count,
        traits_from(row),
        newest,
    )


def merges_of(tx: Transaction, website_id: bytes, profile_id: bytes) -> list[Merge]:
    """The merges that name a user, undone ones too, oldest first; the user comes first in each."""
    rows = tx.all(sql.merges_of_profile, (website_id, profile_id))
    return [Merge(row.fact_id, row.profile_id, row.other_id) for row in rows]


def undos_of(tx: Transaction, website_id: bytes, fact_id: bytes) -> list[Undo]:
    """The undos of a fact, undone ones too, oldest first."""
    rows = tx.all(sql.undos_of_fact, (website_id, fact_id))
    return [Undo(row.fact_id, row.target_id) for row in rows]


def is_inactive(tx: Transaction, website_id: bytes, fact_id: bytes) -> bool:
    """Whether a fact does not count."""
    return tx.one(sql.inactive_get, (website_id, fact_id)) is not None


def fact_row(website_id: bytes, fact: Fact, operations: bytes) -> Params:
    """The columns of `fact_add`; `operations` is the fact's as canonical JSON."""
    return (
        website_id,
        fact.fact_id,
        fact.kind,
        fact.profile_id,
        fact.user_id,
        fact.visitor_id,
        fact.received_at,
        fact.source,
        int(fact.is_trusted),
        fact.actor_id,
        operations.decode(),
    )


def put_profiles(tx: Transaction, profiles: Iterable[Profile]) -> None:
    """Store profiles, and mark them for the trait index."""
    found = list(profiles)
    whole = [one for one in found if one.changed_names is None]
    tx.execute_many(sql.profile_put, [profile_row(one) for one in whole])
    rest = [one for one in found if one.changed_names is not None]
    tx.execute_many(
        sql.profile_set_traits,
        [(one.website_id, one.profile_id, *_traits_columns(one.traits)) for one in rest],
    )
    changed = [one for one in found if one.changed_names != set()]
    _mark(tx, [(one.website_id, one.profile_id, _keys_text(one.changed_names)) for one in changed])


def mark_changed(tx: Transaction, keys: Iterable[Key]) -> None:
    """Mark these profiles (website id, profile id) for the trait index."""
    _mark(tx, [(website_id, profile_id, None) for website_id, profile_id in keys])


def forget_changes(tx: Transaction, keys: list[Params]) -> None:
    """The trait index saw to the changes of these keys (website id, change id)."""
    tx.execute_many(sql.change_remove, keys)


def _mark(tx: Transaction, changed: list[tuple[bytes, bytes, str | None]]) -> None:
    now, draws = at_prefix(system_clock()), os.urandom(8 * len(changed))
    tx.execute_many(
        sql.profile_changed,
        [
            (website_id, now + draws[8 * i : 8 * i + 8], profile_id, names)
            for i, (website_id, profile_id, names) in enumerate(changed)
        ],
    )


def profile_row(profile: Profile) -> Params:
    """The columns of `profile_put`."""
    return (
        profile.website_id,
        profile.profile_id,
        profile.person_id,
        profile.member_count,
        profile.user_id,
        profile.identified_at,
        profile.visitor_count,
        *_traits_columns(profile.traits),
    )


def _traits_columns(traits: Traits) -> Params:
    """metadata, untrusted, gone and left_out."""
    return (
        _encode(traits.values).decode(),
        _untrusted_text(traits),
        _keys_text(traits.gone),
        _keys_text(traits.left_out),
    )


def has_facts(tx: Transaction, website_id: bytes, profile_id: bytes) -> bool:
    """Whether there is any fact about a user who is not being erased."""
    return tx.one(sql.user_of_profile, (website_id, profile_id)) is not None


def facts_of_profile(tx: Transaction, website_id: bytes, profile_id: bytes) -> list[Fact]:
    """All active identify facts about one user, oldest first."""
    return [fact_from(row) for row in tx.all(sql.facts_of_profile, (website_id, profile_id))]


def facts_of_profiles(tx: Transaction, website_id: bytes, profile_ids: Iterable[bytes]) -> list[Fact]:
    """All active identify facts about several users."""
    return [fact for profile_id in profile_ids for fact in facts_of_profile(tx, website_id, profile_id)]


def newest_facts(
    tx: Transaction, website_id: bytes, profile_ids: Iterable[bytes], most: int
) -> dict[bytes, list[Fact]]:
    """The newest active identify facts about each of these users, at most so many, oldest first."""
    ids = list(profile_ids)
    found = tx.all_together(*[(sql.facts_of_profile_newest, (website_id, one, most)) for one in ids])
    return {one: [fact_from(row) for row in reversed(rows)] for one, rows in zip(ids, found, strict=True)}


def visitors_of(tx: Transaction, website_id: bytes, profile_ids: Iterable[bytes]) -> list[bytes]:
    """The visitors that are linked to any of these users, sorted."""
    rows = [
        row for profile_id in profile_ids for row in tx.all(sql.visitors_of_profile, (website_id, profile_id))
    ]
    return sorted({row.visitor_id for row in rows})


def links_around(tx: Transaction, website_id: bytes, visitor_id: bytes, fact_id: bytes) -> list[Link | None]:
    """The last link of a visitor before a fact, and the first after it."""
    key = (website_id, visitor_id, fact_id)
    before, after = tx.one(sql.link_before, key), tx.one(sql.link_after, key)
    return [link_from(row) if row else None for row in (before, after)]


def resumes(
    tx: Transaction, website_id: bytes, visitor_id: bytes, before: Link, since: bytes, until: bytes
) -> Link | None:
    """The first fact between two on a visitor of whoever has it since the link `before`, as a link; None when there is none."""
    if before.profile_id is None:
        row = tx.one(sql.boundary_between, (website_id, visitor_id, since, until))
    else:
        row = tx.one(sql.fact_between, (website_id, before.profile_id, visitor_id, since, until))
    return Link(row.fact_id, before.profile_id) if row else None


def replace_some_links(
    tx: Transaction, website_id: bytes, visitor_id: bytes, before: list[Link], after: list[Link]
) -> None:
    """Store the links `after` in place of `before`, neighbours of one visitor. Whoever they name is listed by other events."""
    owners = {link.profile_id for link in [*before, *after] if link.profile_id is not None}
    mark_changed(tx, [(website_id, owner) for owner in sorted(owners)])
    tx.execute_many(
        sql.link_remove, [(website_id, visitor_id, link.fact_id) for link in before if link not in after]
    )
    tx.execute_many(
        sql.link_add,
        [(website_id, visitor_id, link.fact_id, link.profile_id) for link in after if link not in before],
    )
    tell_visitors(tx, website_id, [visitor_id])


def links_of_visitor(tx: Transaction, website_id: bytes, visitor_id: bytes) -> list[Link]:
    """The links of a visitor, oldest first."""
    return [link_from(row) for row in tx.all(sql.links_of_visitor, (website_id, visitor_id))]


def facts_on_visitor(
    tx: Transaction, website_id: bytes, visitor_id: bytes, also: Iterable[bytes] = ()
) -> list[tuple[bytes, bytes | None]]:
    """(fact id, profile id) of all active facts on a visitor, in no order; profile id None where a user was erased.

    Who is linked to it stands in its stored links, since each run of a user's facts begins with one; `also` names users whose
    facts came back since those were stored.
    """
    key = (website_id, visitor_id)
    facts: list[tuple[bytes, bytes | None]] = [
        (row.fact_id, None) for row in tx.all(sql.boundaries_of_visitor, key)
    ]
    linked = {link.profile_id for link in links_of_visitor(tx, website_id, visitor_id)}
    for profile_id in (linked | set(also)) - {None}:
        rows = tx.all(sql.fact_ids_of_profile_on, (website_id, profile_id, visitor_id))
        facts += [(row.fact_id, profile_id) for row in rows]
    return facts


def replace_links(tx: Transaction, website_id: bytes, visitor_id: bytes, links: list[Link]) -> None:
    """Store `links` in place of the visitor's. Whoever had or has the visitor is listed by other events than before."""
    both = [*links_of_visitor(tx, website_id, visitor_id), *links]
    owners = {link.profile_id for link in both if link.profile_id is not None}
    mark_changed(tx, [(website_id, owner) for owner in sorted(owners)])
    tx.execute(sql.links_remove, (website_id, visitor_id))
    tx.execute_many(sql.link_add, [(website_id, visitor_id, link.fact_id, link.profile_id) for link in links])
    tell_visitors(tx, website_id, [visitor_id])

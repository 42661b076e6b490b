"""A person as stored, and why they are what they are: the state as of a time, where each trait and link comes from, the ledger itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import Statement, load
from footfall.identity import rules, store, trait_rules
from footfall.identity.fold import active_merges, everybody_of, standing_profile
from footfall.identity.model import (
    IDENTIFY,
    MERGE,
    Explanation,
    Fact,
    LedgerEntry,
    LinkReason,
    Merge,
    Origin,
    Person,
    PersonThen,
    Span,
    Spans,
    Stay,
    TraitReason,
)
from footfall.identity.reading import Member, members_of
from footfall.identity.store import sql
from footfall.ids import FACT_BYTES, MAX_AT, at_of

history_sql = load(__file__, "show.sql")

_END = b"\xff" * FACT_BYTES
EVERYTHING = 2**62
"""As a limit: all there is."""
TOGETHER = 250
"""Entries of a whole ledger that are made at once."""
Names = Mapping[bytes, str | None]
"""What keys, tokens and accounts are called, by id."""


def person_now(tx: Transaction, website_id: bytes, profile_id: bytes) -> Person | None:
    """The person of a profile as stored, which is what `person_then` gives of now, however many facts there are."""
    profile = standing_profile(tx, website_id, profile_id)
    if profile is None:
        return None
    members = [Member(profile.profile_id, profile.user_id, profile.identified_at)]
    if profile.member_count > 1:
        members = members_of(tx, website_id, profile.person_id)
    person = profile
    if profile.person_id != profile.profile_id:
        person = store.read_profile(tx, website_id, profile.person_id) or profile
    users = {one.profile_id: one.user_id for one in members}
    return Person(
        person_id=person.person_id,
        members=users,
        traits=person.traits.values,
        spans=spans_of(tx, website_id, [list(users)])[0],
        identified_at=members[0].identified_at,
    )


def person_then(tx: Transaction, website_id: bytes, profile_id: bytes, at: int = MAX_AT) -> PersonThen | None:
    """The person of a profile as the facts up to `at` (ms since epoch) give it; None when there was none. Undos always apply."""
    merges = [merge for merge in active_merges(tx, website_id, [profile_id]) if at_of(merge.fact_id) <= at]
    joined = _joined(profile_id, merges)
    facts = [
        fact for fact in store.facts_of_profiles(tx, website_id, sorted(joined)) if at_of(fact.fact_id) <= at
    ]
    if not facts:
        return None
    facts.sort(key=lambda fact: fact.fact_id)
    first: dict[bytes, Fact] = {}
    for fact in facts:
        first.setdefault(fact.profile_id, fact)
    # Of users first identified in the same millisecond, the smaller profile id comes first, as in stored rows.
    order = sorted(first.values(), key=lambda fact: (at_of(fact.fact_id), fact.profile_id))
    members = {fact.profile_id: fact.user_id for fact in order}
    return PersonThen(
        person_id=min(members),
        members=members,
        facts=facts,
        traits=trait_rules.fold_traits(facts).values,
        spans=spans_of(tx, website_id, [list(members)], at)[0],
        identified_at=at_of(facts[0].fact_id),
    )


def nobody(tx: Transaction, website_id: bytes, profile_id: bytes) -> PersonThen | None:
    """A person about whom there are facts, none of which counts: without traits and visitors. None when there are no facts."""
    members = everybody_of(tx, website_id, profile_id)
    first = _facts_about(tx, website_id, members, b"", 1, newest_first=False)[0]
    if not first:
        return None
    return PersonThen(
        person_id=min(members),
        members=members,
        facts=[],
        traits={},
        spans={},
        identified_at=at_of(first[0].fact_id),
    )


def _joined(profile_id: bytes, merges: Iterable[Merge]) -> set[bytes]:
    people = rules.people(merges)
    return {profile_id} | {one for one, person in people.items() if person == people.get(profile_id)}


def spans_of(
    tx: Transaction, website_id: bytes, people: Sequence[Collection[bytes]], at: int = MAX_AT
) -> list[Spans]:
    """The spans of each of these people (profile ids) as of a time (ms since epoch).

    Which links there were by then follows from the facts up to then alone, so that they are the stored ones up to then.
    """
    return _read_spans(tx, website_id, people, at, only_shared=False)


def shared_spans_of(tx: Transaction, website_id: bytes, people: Sequence[Collection[bytes]]) -> list[Spans]:
    """The spans of each of these people on visitors that have more than one link; the others were theirs all along."""
    return _read_spans(tx, website_id, people, MAX_AT, only_shared=True)


def _read_spans(
    tx: Transaction, website_id: bytes, people: Sequence[Collection[bytes]], at: int, *, only_shared: bool
) -> list[Spans]:
    asked: list[tuple[Statement, Params]] = [
        (history_sql.spans_of_profile, (website_id, member, int(only_shared)))
        for members in people
        for member in members
    ]
    answers = iter(tx.all_together(*asked))
    return [_by_visitor(((one, next(answers)) for one in members), at) for members in people]


def _by_visitor(found: Iterable[tuple[bytes, list[Row]]], at: int) -> Spans:
    spans: Spans = {}
    for profile_id, rows in found:
        for row in rows:
            if at_of(row.fact_id) <= at:
                following = row.next_id if row.next_id is not None and at_of(row.next_id) <= at else None
                span = Span(row.fact_id, profile_id, row.before_id is None, row.before, following)
                spans.setdefault(row.visitor_id, []).append(span)
    for own in spans.values():
        own.sort(key=lambda span: span.fact_id)
    return spans


def stays(spans: Iterable[Span]) -> list[Stay]:
    """From when until when a visitor was a person, oldest first: spans that follow each other are one."""
    found: list[Stay] = []
    end: bytes | None = None
    for span in spans:
        until = None if span.next_id is None else span.until
        if found and end == span.fact_id:
            found[-1] = Stay(found[-1].since, until)
        else:
            found.append(Stay(None if span.is_first else span.since, until))
        end = span.next_id
    return found


def explain(then: PersonThen, names: Names, visitors: Iterable[bytes] | None = None) -> Explanation:
    """For each trait and link of a person: since when, from which source and key, by which fact, and what it replaced.

    `visitors`: those whose links are told of; None: all.
    """
    by_id = {fact.fact_id: fact for fact in then.facts}
    traits = {}
    for key, changes in trait_rules.changes_by_key(then.facts).items():
        change = trait_rules.deciding_change(changes)
        if change is None or key not in then.traits:
            continue
        earlier = trait_rules.deciding_change([one for one in changes if one.fact_id < change.fact_id])
        origin = _origin(by_id[change.fact_id], names)
        traits[key] = TraitReason(change.value, origin, earlier.value if earlier else None)
    links = [
        LinkReason(
            visitor_id,
            then.members[span.profile_id],
            _origin(by_id[span.fact_id], names),
            span.before,
        )
        for visitor_id in (sorted(then.spans) if visitors is None else visitors)
        for span in then.spans[visitor_id]
    ]
    return Explanation(traits, links)


def _origin(fact: Fact, names: Names) -> Origin:
    name = names.get(fact.actor_id) if fact.actor_id else None
    return Origin(fact.fact_id, fact.source, fact.is_trusted, name)


class LedgerPart(NamedTuple):
    """Some entries of a ledger, and the cursor to go on with; None at the end."""

    entries: list[LedgerEntry]
    following: bytes | None


def ledger_of(
    tx: Transaction,
    website_id: bytes,
    profile_ids: Iterable[bytes],
    names: Names,
    cursor: bytes,
    limit: int,
    *,
    newest_first: bool,
) -> LedgerPart:
    """Facts about these users: identify facts, the merges that name them, and undos of any of those.

    Those behind the fact id `cursor` (empty for the beginning), at most `limit`.
    """
    rows, following = _facts_about(tx, website_id, profile_ids, cursor, limit, newest_first=newest_first)
    return LedgerPart(_entries(tx, website_id, rows, names), following)


def whole_ledger(
    tx: Transaction, website_id: bytes, profile_ids: Iterable[bytes], names: Names
) -> Iterator[LedgerEntry]:
    """The same, all of it, oldest first; made a part at a time."""
    rows, _ = _facts_about(tx, website_id, profile_ids, b"", EVERYTHING, newest_first=False)
    for first in range(0, len(rows), TOGETHER):
        yield from _entries(tx, website_id, rows[first : first + TOGETHER], names)


def find_entry(tx: Transaction, website_id: bytes, fact_id: bytes) -> LedgerEntry | None:
    """One fact, without the name of who brought it; None when there is none of this id."""
    row = tx.one(sql.fact_get, (website_id, fact_id))
    return None if row is None else _entries(tx, website_id, [row], {})[0]


def _facts_about(
    tx: Transaction,
    website_id: bytes,
    profile_ids: Iterable[bytes],
    cursor: bytes,
    limit: int,
    *,
    newest_first: bool,
) -> tuple[list[Row], bytes | None]:
    since, until = (b"", cursor or _END) if newest_first else (cursor, _END)
    statement = history_sql.ledger_down if newest_first else history_sql.ledger_up
    members = list(profile_ids)
    rows = {
        row.fact_id: row
        for member in members
        for row in tx.all(statement, (website_id, member, since, until, limit + 1))
    }
    beside = sorted(
        one for one in _merges_around(tx, website_id, members) - rows.keys() if since < one < until
    )
    wanted = beside[-limit - 1 :] if newest_first else beside[: limit + 1]
    keys: list[Params] = [(website_id, one) for one in wanted]
    rows |= {row.fact_id: row for row in tx.get_many(sql.fact_get, keys) if row is not None}
    order = sorted(rows, reverse=newest_first)
    return [rows[one] for one in order[:limit]], order[limit - 1] if len(order) > limit else None


def _merges_around(tx: Transaction, website_id: bytes, members: list[bytes]) -> set[bytes]:
    """The ids of all merges that name these users, undone ones too, of the undos of those, and so on: they may be kept under other users."""
    waiting = [
        row.fact_id for member in members for row in tx.all(sql.merges_of_profile, (website_id, member))
    ]
    found = set(waiting)
    while waiting:
        for undo in tx.all(sql.undos_of_fact, (website_id, waiting.pop())):
            if undo.fact_id not in found:
                found.add(undo.fact_id)
                waiting.append(undo.fact_id)
    return found


def _entries(tx: Transaction, website_id: bytes, rows: list[Row], names: Names) -> list[LedgerEntry]:
    inactive = tx.get_many(sql.inactive_get, [(website_id, row.fact_id) for row in rows])
    return [_entry(row, one is None, names) for row, one in zip(rows, inactive, strict=True)]


def _entry(row: Row, is_active: bool, names: Names) -> LedgerEntry:
    said: dict[str, Any] = {}
    if row.kind == IDENTIFY:
        said["operations"] = store.decode_operations(row.operations)
    else:
        stored = msgspec.json.decode(row.operations)
        said["reason"] = stored["reason"]
        if row.kind == MERGE:
            said["merged"] = tuple(map(bytes.fromhex, stored["merge"]))
        else:
            said["undone"] = bytes.fromhex(stored["undo"])
    return LedgerEntry(
        fact_id=row.fact_id,
        kind=row.kind,
        profile_id=row.profile_id,
        user_id=row.user_id,
        visitor_id=row.visitor_id,
        received_at=row.received_at,
        source=row.source,
        is_trusted=bool(row.is_trusted),
        key_name=names.get(row.key_id) if row.key_id else None,
        is_active=is_active,
        **said,
    )

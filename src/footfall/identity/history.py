"""A person as stored, and why they are what they are: the state as of a time, where each trait and link comes from, the ledger itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from footfall.clock import to_iso
from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import Statement, load
from footfall.identity import rules, store
from footfall.identity.ledger import active_merges, everybody_of, standing_profile
from footfall.identity.model import IDENTIFY, MERGE, Fact, Merge, Traits
from footfall.identity.reading import Member, members_of
from footfall.identity.store import sql
from footfall.ids import FACT_BYTES, MAX_AT, at_of, format_uuid

history_sql = load(__file__, "history.sql")

_END = b"\xff" * FACT_BYTES
EVERYTHING = 2**62
"""As a limit: all there is."""


class Span(NamedTuple):
    """A time for which a visitor was a user: from one of its links to the next, `next_id`; None: until now.

    `is_first`: no link comes before, so that the visitor was the user from its beginning; `before`: whose it was until then, if known.
    """

    fact_id: bytes
    profile_id: bytes
    is_first: bool
    before: bytes | None
    next_id: bytes | None

    @property
    def since(self) -> int:
        """The first ms (since epoch) of it."""
        return 0 if self.is_first else at_of(self.fact_id)

    @property
    def until(self) -> int:
        """The first ms (since epoch) after it; MAX_AT: it goes on."""
        return MAX_AT if self.next_id is None else at_of(self.next_id)


Spans = dict[bytes, list[Span]]
"""The spans of a person by visitor, oldest first."""


class Person(msgspec.Struct, kw_only=True):
    """A person: the profiles that are one, what is known, and when which visitors were this person."""

    person_id: bytes
    members: dict[bytes, str]
    """User id by profile id, first identified first."""
    traits: Traits
    spans: Spans
    identified_at: int


class PersonThen(Person, kw_only=True):
    """A person as of a time, with the facts that make them so, oldest first."""

    facts: list[Fact]


def person_now(tx: Transaction, website_id: bytes, profile_id: bytes) -> Person | None:
    """The person of a profile as stored, which is what `person_then` gives of now, however many facts there are."""
    profile = standing_profile(tx, website_id, profile_id)
    if profile is None:
        return None
    rows = [Member(profile.profile_id, profile.user_id, profile.identified_at)]
    if profile.member_count > 1:
        rows = members_of(tx, website_id, profile.person_id)
    person = profile
    if profile.person_id != profile.profile_id:
        person = store.read_profile(tx, website_id, profile.person_id) or profile
    members = {member: user_id for member, user_id, _ in rows}
    return Person(
        person_id=person.person_id,
        members=members,
        traits=person.traits,
        spans=spans_of(tx, website_id, [list(members)])[0],
        identified_at=rows[0].identified_at,
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
        traits=rules.fold_traits(facts),
        spans=spans_of(tx, website_id, [list(members)], at)[0],
        identified_at=at_of(facts[0].fact_id),
    )


def nobody(tx: Transaction, website_id: bytes, profile_id: bytes) -> PersonThen | None:
    """A person about whom there are facts, none of which counts: without traits and visitors. None when there are no facts."""
    members = everybody_of(tx, website_id, profile_id)
    rows, _ = ledger_of(tx, website_id, members, limit=1)
    if not rows:
        return None
    return PersonThen(
        person_id=min(members),
        members=members,
        facts=[],
        traits=Traits({}, {}, set()),
        spans={},
        identified_at=at_of(rows[0].fact_id),
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
    return _read_spans(tx, history_sql.spans_of_profile, website_id, people, at)


def shared_spans_of(tx: Transaction, website_id: bytes, people: Sequence[Collection[bytes]]) -> list[Spans]:
    """The spans of each of these people on visitors that have more than one link; the others were theirs all along."""
    return _read_spans(tx, history_sql.shared_spans_of_profile, website_id, people, MAX_AT)


def _read_spans(
    tx: Transaction, statement: Statement, website_id: bytes, people: Sequence[Collection[bytes]], at: int
) -> list[Spans]:
    asked: list[tuple[Statement, Params]] = [
        (statement, (website_id, member)) for members in people for member in members
    ]
    answers = iter(tx.queries(*asked))
    return [_by_visitor(((one, next(answers)) for one in members), at) for members in people]


def _by_visitor(found: Iterable[tuple[bytes, list[Row]]], at: int) -> Spans:
    spans: Spans = {}
    for profile_id, rows in found:
        for visitor_id, fact_id, before_id, before, next_id in rows:
            if at_of(fact_id) <= at:
                following = next_id if next_id is not None and at_of(next_id) <= at else None
                span = Span(fact_id, profile_id, before_id is None, before, following)
                spans.setdefault(visitor_id, []).append(span)
    for own in spans.values():
        own.sort(key=lambda span: span.fact_id)
    return spans


def explain(
    then: PersonThen, key_names: Mapping[bytes, str | None], visitors: Iterable[bytes] | None = None
) -> dict[str, Any]:
    """For each trait and link of a person: since when, from which source and key, by which fact, and what it replaced.

    `visitors`: those whose links are told of; None: all.
    """
    by_id = {fact.fact_id: fact for fact in then.facts}
    traits = {}
    for key, touches in rules.touches_by_key(then.facts).items():
        touch = rules.deciding_touch(touches)
        if touch is None or key not in then.traits.values:
            continue
        earlier = rules.deciding_touch([one for one in touches if one.fact_id < touch.fact_id])
        traits[key] = {
            "value": touch.value,
            **_origin(by_id[touch.fact_id], key_names),
            "replaced": earlier.value if earlier else None,
        }
    links = [
        {
            "visitorId": format_uuid(visitor_id),
            "userId": then.members[span.profile_id],
            **_origin(by_id[span.fact_id], key_names),
            "replaced": span.before.hex() if span.before else None,
        }
        for visitor_id in (sorted(then.spans) if visitors is None else visitors)
        for span in then.spans[visitor_id]
    ]
    return {"traits": traits, "links": links}


def _origin(fact: Fact, key_names: Mapping[bytes, str | None]) -> dict[str, Any]:
    return {
        "at": to_iso(at_of(fact.fact_id)),
        "source": fact.source,
        "trusted": fact.is_trusted,
        "key": key_names.get(fact.key_id) if fact.key_id else None,
        "factId": fact.fact_id.hex(),
    }


def ledger_of(
    tx: Transaction,
    website_id: bytes,
    profile_ids: Iterable[bytes],
    cursor: bytes = b"",
    limit: int = EVERYTHING,
    *,
    newest_first: bool = False,
) -> tuple[list[Row], bytes | None]:
    """Facts about these users: identify facts, the merges that name them, and undos of any of those.

    Those behind the fact id `cursor` (empty for the beginning), at most `limit`; and the cursor to go on with, None at the end.
    """
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
    rows |= {row.fact_id: row for row in tx.lookup(sql.fact_get, keys) if row is not None}
    order = sorted(rows, reverse=newest_first)
    return [rows[one] for one in order[:limit]], order[limit - 1] if len(order) > limit else None


def _merges_around(tx: Transaction, website_id: bytes, members: list[bytes]) -> set[bytes]:
    """The ids of all merges that name these users, undone ones too, of the undos of those, and so on: they may be kept under other users."""
    waiting = [merge.fact_id for member in members for merge in store.merges_of(tx, website_id, member)]
    found = set(waiting)
    while waiting:
        for undo in store.undos_of(tx, website_id, waiting.pop()):
            if undo.fact_id not in found:
                found.add(undo.fact_id)
                waiting.append(undo.fact_id)
    return found


def facts_json(
    tx: Transaction, website_id: bytes, rows: list[Row], key_names: Mapping[bytes, str | None]
) -> list[dict[str, Any]]:
    """Facts as the wire shows them; `active` says whether one counts."""
    inactive = tx.lookup(sql.inactive_get, [(website_id, row.fact_id) for row in rows])
    return [_fact_json(row, one is None, key_names) for row, one in zip(rows, inactive, strict=True)]


def _fact_json(row: Row, is_active: bool, key_names: Mapping[bytes, str | None]) -> dict[str, Any]:
    said = msgspec.json.decode(row.operations)
    shown: dict[str, Any] = {
        "factId": row.fact_id.hex(),
        "kind": row.kind,
        "at": to_iso(at_of(row.fact_id)),
        "receivedAt": to_iso(row.received_at),
        "source": row.source,
        "trusted": bool(row.is_trusted),
        "key": key_names.get(row.key_id) if row.key_id else None,
        "active": is_active,
        "profileId": row.profile_id.hex(),
        "userId": row.user_id,
    }
    if row.kind == IDENTIFY:
        return {**shown, "visitorId": format_uuid(row.visitor_id), "operations": said}
    if row.kind == MERGE:
        return {**shown, "merged": said["merge"], "reason": said["reason"]}
    return {**shown, "undone": said["undo"], "reason": said["reason"]}

"""A person as stored, and why they are what they are: the state as of a time, where each trait and link comes from, the ledger itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from footfall.clock import to_iso
from footfall.db.protocol import Row, Transaction
from footfall.db.statements import load
from footfall.identity import rules, store
from footfall.identity.ledger import active_merges, everybody_of, standing_profile
from footfall.identity.model import IDENTIFY, MERGE, Fact, Link, Merge, Traits
from footfall.identity.store import sql
from footfall.ids import MAX_AT, at_of, format_uuid

history_sql = load(__file__, "history.sql")


class Person(msgspec.Struct, kw_only=True):
    """A person: the profiles that are one, what is known, and the links of each visitor (of all people on it)."""

    person_id: bytes
    members: dict[bytes, str]
    """User id by profile id, first identified first."""
    traits: Traits
    links: dict[bytes, list[Link]]
    identified_at: int


class PersonThen(Person, kw_only=True):
    """A person as of a time, with the facts that make them so, oldest first."""

    facts: list[Fact]


def person_now(tx: Transaction, website_id: bytes, profile_id: bytes) -> Person | None:
    """The person of a profile as stored, which is what `person_then` gives of now, however many facts there are."""
    profile = standing_profile(tx, website_id, profile_id)
    if profile is None:
        return None
    rows: list[Row] = [(profile.profile_id, profile.user_id, profile.identified_at)]
    if profile.member_count > 1:
        rows = tx.all(sql.members_of_person, (website_id, profile.person_id))
    person = profile
    if profile.person_id != profile.profile_id:
        person = store.read_profile(tx, website_id, profile.person_id) or profile
    links: dict[bytes, list[Link]] = {}
    asked = [(history_sql.links_beside, (website_id, member)) for member, _, _ in rows]
    for beside in tx.queries(*asked):
        found: dict[bytes, list[Link]] = {}
        for visitor_id, *link in beside:
            found.setdefault(visitor_id, []).append(Link(*link))
        links |= found
    return Person(
        person_id=person.person_id,
        members={member: user_id for member, user_id, _ in rows},
        traits=person.traits,
        links=links,
        identified_at=rows[0][2],
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
        links={
            visitor: _links_then(tx, website_id, visitor, at)
            for visitor in {fact.visitor_id for fact in facts}
        },
        identified_at=at_of(facts[0].fact_id),
    )


def nobody(tx: Transaction, website_id: bytes, profile_id: bytes) -> PersonThen | None:
    """A person about whom there are facts, none of which counts: without traits and visitors. None when there are no facts."""
    members = everybody_of(tx, website_id, profile_id)
    rows = ledger_of(tx, website_id, members)
    if not rows:
        return None
    return PersonThen(
        person_id=min(members),
        members=members,
        facts=[],
        traits=Traits({}, {}, set()),
        links={},
        identified_at=at_of(rows[0][0]),
    )


def _joined(profile_id: bytes, merges: Iterable[Merge]) -> set[bytes]:
    people = rules.people(merges)
    return {profile_id} | {one for one, person in people.items() if person == people.get(profile_id)}


def _links_then(tx: Transaction, website_id: bytes, visitor_id: bytes, at: int) -> list[Link]:
    facts = store.facts_on_visitor(tx, website_id, visitor_id)
    return rules.fold_links(pair for pair in facts if at_of(pair[0]) <= at)


def explain(then: PersonThen, key_names: Mapping[bytes, str | None]) -> dict[str, Any]:
    """For each trait and link of a person: since when, from which source and key, by which fact, and what it replaced."""
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
    return {
        "traits": traits,
        "links": [link for one in sorted(then.links) for link in _explain_links(one, then, key_names)],
    }


def _explain_links(
    visitor_id: bytes, then: PersonThen, key_names: Mapping[bytes, str | None]
) -> list[dict[str, Any]]:
    by_id = {fact.fact_id: fact for fact in then.facts}
    links = then.links[visitor_id]
    found = []
    for index, link in enumerate(links):
        if link.profile_id not in then.members:
            continue
        before = links[index - 1].profile_id if index else None
        found.append(
            {
                "visitorId": format_uuid(visitor_id),
                "userId": then.members[link.profile_id],
                **_origin(by_id[link.fact_id], key_names),
                "replaced": before.hex() if before else None,
            }
        )
    return found


def _origin(fact: Fact, key_names: Mapping[bytes, str | None]) -> dict[str, Any]:
    return {
        "at": to_iso(at_of(fact.fact_id)),
        "source": fact.source,
        "trusted": fact.is_trusted,
        "key": key_names.get(fact.key_id) if fact.key_id else None,
        "factId": fact.fact_id.hex(),
    }


def ledger_of(tx: Transaction, website_id: bytes, profile_ids: Iterable[bytes]) -> list[Row]:
    """Every fact about these users, oldest first: identify facts, the merges that name them, and undos of any of those."""
    rows: dict[bytes, Row] = {}
    for profile_id in profile_ids:
        for row in tx.all(sql.ledger_of_profile, (website_id, profile_id)):
            rows[row[0]] = row
        for fact_id, _, _ in tx.all(sql.merges_of_profile, (website_id, profile_id)):
            waiting = [fact_id]
            while waiting:
                one = waiting.pop()
                rows[one] = tx.all(sql.fact_get, (website_id, one))[0]
                waiting += [
                    undo[0] for undo in tx.all(sql.undos_of_fact, (website_id, one)) if undo[0] not in rows
                ]
    return [rows[fact_id] for fact_id in sorted(rows)]


def fact_json(
    tx: Transaction, website_id: bytes, row: Row, key_names: Mapping[bytes, str | None]
) -> dict[str, Any]:
    """One fact as the wire shows it; `active` says whether it counts."""
    fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations = row
    said = msgspec.json.decode(operations)
    shown: dict[str, Any] = {
        "factId": fact_id.hex(),
        "kind": kind,
        "at": to_iso(at_of(fact_id)),
        "receivedAt": to_iso(received_at),
        "source": source,
        "trusted": bool(is_trusted),
        "key": key_names.get(key_id) if key_id else None,
        "active": tx.one(sql.inactive_get, (website_id, fact_id)) is None,
        "profileId": profile_id.hex(),
        "userId": user_id,
    }
    if kind == IDENTIFY:
        return {**shown, "visitorId": format_uuid(visitor_id), "operations": said}
    if kind == MERGE:
        return {**shown, "merged": said["merge"], "reason": said["reason"]}
    return {**shown, "undone": said["undo"], "reason": said["reason"]}

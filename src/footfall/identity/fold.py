"""Fold again what depends on the ledger: links, profiles, people.

It is rare and may touch many rows, so it brings exactly what changed up to date from the ledger instead of taking shortcuts.
"""

from __future__ import annotations

from collections.abc import Iterable

from footfall.db.protocol import Transaction
from footfall.identity import rules, store, trait_rules
from footfall.identity.model import Merge, Traits
from footfall.identity.reading import members_of
from footfall.identity.store import Profile, sql
from footfall.ids import at_of
from footfall.outbox.model import ChangeKind
from footfall.outbox.store import tell


def find_user(tx: Transaction, website_id: bytes, secret: bytes, user_id: str) -> Profile | None:
    """The profile of a user id; None when nobody was identified under it."""
    return store.read_profile(tx, website_id, id_of_user(tx, website_id, secret, user_id))


def id_of_user(tx: Transaction, website_id: bytes, secret: bytes, user_id: str) -> bytes:
    """The id that the profile of a user id has, or would have: another one after each erasure."""
    tombstone = tx.one(sql.tombstone_get, (website_id, rules.user_hash(secret, user_id)))
    return rules.profile_id(secret, tombstone.generation if tombstone else 0, user_id)


def everybody_of(tx: Transaction, website_id: bytes, profile_id: bytes) -> dict[bytes, str]:
    """User ids by profile id of all who are one person with a profile, also those of whom no fact counts; empty when nothing is held."""
    joined = sorted({profile_id} | rules.people(active_merges(tx, website_id, [profile_id])).keys())
    found = tx.get_many(sql.user_of_profile, [(website_id, one) for one in joined])
    return {one: row.user_id for one, row in zip(joined, found, strict=True) if row is not None}


def standing_profile(tx: Transaction, website_id: bytes, profile_id: bytes) -> Profile | None:
    """A profile; when no fact about it counts, one that it is merged with. None when there is none."""
    found = store.read_profile(tx, website_id, profile_id)
    if found is None:
        others = (store.read_profile(tx, website_id, one) for one in everybody_of(tx, website_id, profile_id))
        found = next((other for other in others if other is not None), None)
    return found


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
    """Fold a visitor's links again; `also` names users whose facts may have come back."""
    links = rules.fold_links(store.facts_on_visitor(tx, website_id, visitor_id, also))
    store.replace_links(tx, website_id, visitor_id, links)


def refresh_profile(tx: Transaction, website_id: bytes, profile_id: bytes) -> None:
    """Fold a user's own row again, or remove it when no fact about the user counts any more."""
    facts = store.facts_of_profile(tx, website_id, profile_id)
    known = store.read_profile(tx, website_id, profile_id)
    if (known is None) == bool(facts):  # it comes or goes, and with it what is its own without a visitor
        tell(tx, ChangeKind.PERSON, [website_id + profile_id])
    if not facts:
        tx.execute(sql.profile_remove, (website_id, profile_id))
        store.mark_changed(tx, [(website_id, profile_id)])
        return
    profile = Profile(
        website_id,
        profile_id,
        known.person_id if known else profile_id,
        known.member_count if known else 1,
        facts[0].user_id,
        min(at_of(fact.fact_id) for fact in facts),
        len({fact.visitor_id for fact in facts}),
        trait_rules.fold_traits(facts),
    )
    store.put_profiles(tx, [profile])


def refresh_people(tx: Transaction, website_id: bytes, profile_ids: Iterable[bytes]) -> None:
    """Work out again which profiles are one person with these, and fold each such person's traits."""
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
    traits = trait_rules.fold_traits(
        store.facts_of_profiles(tx, website_id, [profile.profile_id for profile in members])
    )
    person_id = members[0].profile_id
    moved = [profile.profile_id for profile in members if profile.person_id != person_id]
    tell(tx, ChangeKind.PERSON, [website_id + one for one in moved])
    for profile in members:
        if profile.person_id != person_id:
            waiting.update(_others(tx, profile, joined))
        profile.person_id, profile.member_count = person_id, len(members)
        profile.traits = traits if profile.profile_id == person_id else Traits({}, {}, set())
    store.put_profiles(tx, members)

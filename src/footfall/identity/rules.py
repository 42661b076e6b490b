"""Who is who: facts in, answers out. Pure.

Identity is a function of the set of accepted facts: the order in which they arrive, and how often, changes no answer. Here: ids,
links, merges and undos. `trait_rules` says what the facts make of a person's traits.
"""

from __future__ import annotations

import hashlib
import hmac
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from footfall.identity.model import Link, Merge, Operations, Undo
from footfall.ids import MAX_AT, at_of, at_prefix

MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1
"""The whole numbers that JSON is read and written with."""

_canonical = msgspec.json.Encoder(order="sorted").encode


def profile_id(secret: bytes, generation: int, user_id: str) -> bytes:
    """The 12 bytes of a profile's id: derived, so that two nodes which create a profile at once agree. (Stored.)

    `secret` is the website's profile secret; `generation` counts the erasures of this `user_id`.
    """
    message = b"profile\0%d\0%b" % (generation, user_id.encode())
    return hmac.digest(secret, message, "sha256")[:12]


def user_hash(secret: bytes, user_id: str) -> bytes:
    """The 16 bytes by which an erased user_id is recognised without being kept. (Stored.)"""
    return hmac.digest(secret, b"tombstone\0" + user_id.encode(), "sha256")[:16]


def erasure_id(secret: bytes, drawn: bytes) -> bytes:
    """The 16 bytes of an erasure's id: 8 random ones, `drawn`, and 8 by which it is recognised without being kept. (Stored.)

    The tombstone of a user who was erased twice keeps the last id only.
    """
    return drawn + hmac.digest(secret, b"erasure\0" + drawn, "sha256")[:8]


def is_erasure_id(secret: bytes, erasure: bytes) -> bool:
    """Whether 16 bytes are the id of an erasure in the website of this profile secret."""
    return hmac.compare_digest(erasure_id(secret, erasure[:8]), erasure)


def canonical_operations(operations: Operations) -> bytes:
    """JSON with sorted keys, in which equal values are equal bytes: `1.0` is `1`. (Stored and hashed.)"""
    return _canonical(
        Operations(
            _whole(operations.set),
            _whole(operations.set_once) if operations.set_once else {},
            tuple(sorted(operations.unset)) if operations.unset else (),
        )
    )


def fact_id(
    website_id: bytes,
    kind: str,
    user_id: str,
    visitor_id: bytes,
    at: int,
    operations: bytes,
    source: str,
    actor_id: bytes | None,
) -> bytes:
    """The id of a fact: 6 bytes of `at` (ms since epoch), 10 of SHA-256 over all that the fact says. (Stored.)

    `operations` is canonical JSON. The same fact sent twice has the same id.
    """
    what = msgspec.Raw(operations)
    said = (website_id.hex(), kind, user_id, visitor_id.hex(), at, what, source, actor_id and actor_id.hex())
    return at_prefix(at) + hashlib.sha256(_canonical(said)).digest()[:10]


def _whole(value: Any) -> Any:
    """`value` with floats that are whole numbers of at most 64 bits as integers."""
    kind = type(value)
    if kind is dict:
        return {key: _whole(item) if type(item) in _DEEP else item for key, item in value.items()}
    if kind is list:
        return [_whole(item) for item in value]
    if kind is float and value.is_integer() and MIN_INTEGER <= value <= MAX_INTEGER:
        return int(value)
    return value


_DEEP = frozenset((dict, list, float))


def live_at(clock: int, newest: bytes) -> int:
    """The time of a call without a time of its own: now, but later than `newest`, the newest fact id it could be compared with.

    So a later acknowledged call never loses against an earlier one, whatever clocks do. `newest` may be empty.
    """
    return max(clock, at_of(newest) + 1) if newest else clock


def inactive_facts(undos: Iterable[Undo]) -> set[bytes]:
    """The ids of the facts that do not count: those that an active undo names. Undoing an undo restores."""
    by_target: dict[bytes, list[bytes]] = {}
    for undo in undos:
        by_target.setdefault(undo.target_id, []).append(undo.fact_id)
    inactive: set[bytes] = set()

    # An undo is younger than what it names, so from the youngest target on, each is decided by what is decided already.
    for target in sorted(by_target, reverse=True):
        if any(undo not in inactive for undo in by_target[target]):
            inactive.add(target)
    return inactive


def people(merges: Iterable[Merge]) -> dict[bytes, bytes]:
    """The person of each profile that an active merge names: the smallest profile id of its connected component."""
    person: dict[bytes, bytes] = {}

    def find(profile: bytes) -> bytes:
        while person.setdefault(profile, profile) != profile:
            profile = person[profile]
        return profile

    for merge in merges:
        low, high = sorted((find(merge.profile_id), find(merge.other_id)))
        person[high] = low
    return {profile: find(profile) for profile in person}


def fold_links(facts: Iterable[tuple[bytes, bytes | None]]) -> list[Link]:
    """The links of one visitor, from the (fact id, profile id) of every fact about it: one for each change of user."""
    links: list[Link] = []
    for fact, profile in sorted(facts, key=lambda pair: pair[0]):
        if not links or links[-1].profile_id != profile:
            links.append(Link(fact, profile))
    return links


def spans(links: Sequence[Link]) -> list[tuple[int, bytes | None]]:
    """From when (ms since epoch) on each user has a visitor; the first has it from its beginning."""
    return [(at_of(link.fact_id) if index else 0, link.profile_id) for index, link in enumerate(links)]


def spans_of_people(links: Sequence[Link], people: dict[bytes, bytes]) -> list[tuple[int, bytes | None]]:
    """The same by person: `people` gives the person of each profile that is merged with others."""
    owned = [(link.fact_id, people.get(link.profile_id or b"", link.profile_id)) for link in links]
    return spans(fold_links(owned))


def own_spans(links: Sequence[Link], members: Collection[bytes]) -> list[tuple[int, int]]:
    """From when until before when (ms since epoch) a visitor was any of these users; the first user has it from its beginning."""
    edges = [*(at for at, _ in spans(links)), MAX_AT]
    return [(edges[n], edges[n + 1]) for n, link in enumerate(links) if link.profile_id in members]


def owner_at(links: Sequence[Link], at: int) -> bytes | None:
    """Whose an event at `at` (ms since epoch) is: the profile of the last link by then, before the first link that of the first."""
    if not links:
        return None
    index = bisect_right(links, at, key=lambda link: at_of(link.fact_id))
    return links[max(index - 1, 0)].profile_id


def boundary_id(secret: bytes, fact_id: bytes) -> bytes:
    """What stays of an erased link: its time, and nothing from which the user could be guessed. (Stored.)"""
    return fact_id[:6] + hmac.digest(secret, b"boundary\0" + fact_id, "sha256")[:10]

"""Who is who: facts in, answers out. Pure.

Identity is a function of the set of accepted facts: the order in which they arrive, and how often, changes no answer. `fold_traits` and
`fold_links` are that function; `apply_newest` is its shortcut for a fact newer than all others about a person, and tests compare the two.
"""

from __future__ import annotations

import hashlib
import hmac
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from footfall.identity.model import Fact, Link, Merge, Operations, Traits, Undo
from footfall.ids import MAX_AT, at_of, at_prefix

MAX_KEYS = 256
MAX_METADATA_BYTES = 32 * 1024
NO_ROOM = (
    f"The profile would hold more than {MAX_KEYS} fields, or more than {MAX_METADATA_BYTES} bytes of JSON in them. "
    "Nothing was stored."
)
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1
"""The whole numbers that JSON is read and written with."""

_MISSING = object()
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
    key_id: bytes | None,
) -> bytes:
    """The id of a fact: 6 bytes of `at` (ms since epoch), 10 of SHA-256 over all that the fact says. (Stored.)

    `operations` is canonical JSON. The same fact sent twice has the same id.
    """
    what = msgspec.Raw(operations)
    said = (website_id.hex(), kind, user_id, visitor_id.hex(), at, what, source, key_id and key_id.hex())
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


def same_value(a: Any, b: Any) -> bool:
    """Whether two JSON values are equal: `1` equals `1.0` but not `true`; the order of keys is irrelevant."""
    if type(a) is str or type(b) is str:
        return bool(a == b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_value(value, b[key]) for key, value in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_value, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def live_at(clock: int, newest: bytes) -> int:
    """The time of a call without a time of its own: now, but later than `newest`, the newest fact id it could be compared with.

    So a later acknowledged call never loses against an earlier one, whatever clocks do. `newest` may be empty.
    """
    return max(clock, at_of(newest) + 1) if newest else clock


def fold_traits(facts: Iterable[Fact]) -> Traits:
    """The traits that follow from all active facts about one person.

    Each key is decided on its own. If any trusted fact touches it, only trusted facts count. Of those, U is the time of the newest
    unset, S the sets later than U, O the set_onces later than U; the value is the newest of S, else the earliest of O, else none.
    Of more than a profile can hold, the newest keys stay.
    """
    return _decide(touches_by_key(facts))


def fold_in(before: Traits, touched: dict[str, list[Touch]], fact: Fact) -> Traits:
    """The traits with a fact of any age more. `before`: those that follow from `touched` (see `touches_by_key`), which gets the fact.

    Each key is decided on its own, so those that the fact does not name stay as they were.
    """
    add_touches(touched, fact)
    named = set(_named(fact.operations))
    part = _decide({key: touched[key] for key in named})
    values = {key: value for key, value in before.values.items() if key not in named} | part.values
    if before.left_out or part.left_out or size_problem(values):
        return _decide(touched)
    return Traits(values, (before.untrusted - named) | part.untrusted, (before.gone - named) | part.gone)


def _decide(touched: dict[str, list[Touch]]) -> Traits:
    traits = Traits({}, set(), set())
    chosen: dict[str, Touch] = {}
    for key, touches in touched.items():
        touch = deciding_touch(touches)
        if touch is not None:
            chosen[key] = touch
            traits.values[key] = touch.value
            traits.untrusted.update([] if touch.is_trusted else [key])
        elif any(touch.is_trusted for touch in touches):
            traits.gone.add(key)
    if size_problem(traits.values):
        _leave_out_oldest(traits, chosen)
    return traits


def _leave_out_oldest(traits: Traits, chosen: dict[str, Touch]) -> None:
    kept: dict[str, Any] = {}
    size = 2
    for key in sorted(chosen, key=lambda key: (chosen[key].fact_id, key), reverse=True):
        more = len(_canonical({key: chosen[key].value})) - 1
        if len(kept) < MAX_KEYS and size + more <= MAX_METADATA_BYTES and not traits.left_out:
            kept[key] = chosen[key].value
            size += more
        else:
            traits.left_out = traits.left_out | {key}
    traits.values = kept
    traits.untrusted &= kept.keys()


def touches_by_key(facts: Iterable[Fact]) -> dict[str, list[Touch]]:
    """What each of `facts` does to each key."""
    touched: dict[str, list[Touch]] = {}
    for fact in facts:
        add_touches(touched, fact)
    return touched


def add_touches(touched: dict[str, list[Touch]], fact: Fact) -> None:
    """Add what a fact does to each key to what others do."""
    for touch in _touches(fact):
        touched.setdefault(touch.key, []).append(touch)


def compact(touches: Iterable[Touch]) -> list[Touch]:
    """Those of one key that can ever decide it, whatever comes beside them: the newest sets and unsets, and all set_onces."""
    kept: list[Touch] = []
    newest: dict[tuple[str, bool], Touch] = {}
    for touch in touches:
        sort = (touch.kind, touch.is_trusted)
        if touch.kind == "set_once":
            kept.append(touch)
        elif sort not in newest or touch.fact_id > newest[sort].fact_id:
            newest[sort] = touch
    return [*kept, *newest.values()]


class Touch(msgspec.Struct, frozen=True):
    """What one fact does to one key. `kind`: `set`, `set_once` or `unset`."""

    key: str
    kind: str
    value: Any
    fact_id: bytes
    is_trusted: bool


def _touches(fact: Fact) -> Iterable[Touch]:
    operations = fact.operations
    for key, value in operations.set.items():
        yield Touch(key, "set", value, fact.fact_id, fact.is_trusted)
    for key, value in operations.set_once.items():
        yield Touch(key, "set_once", value, fact.fact_id, fact.is_trusted)
    for key in operations.unset:
        yield Touch(key, "unset", None, fact.fact_id, fact.is_trusted)


def deciding_touch(touches: Sequence[Touch]) -> Touch | None:
    """The touch whose value a key has, of all that touched it; None when it has none."""
    trusted = [touch for touch in touches if touch.is_trusted]
    counted = trusted or touches
    unset_at = max((at_of(touch.fact_id) for touch in counted if touch.kind == "unset"), default=-1)
    later = [touch for touch in counted if at_of(touch.fact_id) > unset_at]
    sets = [touch for touch in later if touch.kind == "set"]
    if sets:
        return max(sets, key=lambda touch: touch.fact_id)
    return min(
        (touch for touch in later if touch.kind == "set_once"), key=lambda touch: touch.fact_id, default=None
    )


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


def apply_newest(traits: Traits, operations: Operations, is_trusted: bool) -> tuple[Traits, list[str]]:
    """`traits` brought up to date with a fact newer than all that made them: what `fold_traits` gives, without the ledger.

    Returns `traits` itself when nothing about them changed, and the keys left alone because a trusted call decided them.
    """
    refused = [] if is_trusted else refused_keys(traits, operations)
    sets = operations.set
    if refused or operations.set_once:
        sets = {key: value for key, value in sets.items() if key not in refused}
        for key, value in operations.set_once.items():
            if key not in refused and (key not in traits.values or (is_trusted and key in traits.untrusted)):
                sets[key] = value
    unset = [key for key in operations.unset if key not in refused]
    if not unset and _says_nothing_new(traits, sets, is_trusted):
        return traits, refused
    return _changed(traits, sets, unset, is_trusted), refused


def changed_names(before: Traits, after: Traits) -> set[str]:
    """The keys whose values may differ; values that are not texts count as different when they are not the same object."""
    old, new = before.values, after.values
    names = old.keys() - new.keys()
    for key, value in new.items():
        known = old.get(key, _MISSING)
        if known is not value and not (type(known) is str and known == value):
            names.add(key)
    return names


def refused_keys(traits: Traits, operations: Operations) -> list[str]:
    """The keys that an untrusted fact names in vain, given the traits with it."""
    return [key for key in _named(operations) if is_decided_by_trusted(traits, key)]


def size_problem(metadata: dict[str, Any]) -> str | None:
    """Why a profile cannot hold `metadata`, or None when it can."""
    if len(metadata) > MAX_KEYS:
        return (
            f"The profile would hold {len(metadata)} fields; at most {MAX_KEYS} are kept. Nothing was stored."
        )
    if (size := len(_canonical(metadata))) > MAX_METADATA_BYTES:
        return f"The profile's fields would take {size} bytes of JSON; at most {MAX_METADATA_BYTES} are kept. Nothing was stored."
    return None


def is_decided_by_trusted(traits: Traits, key: str) -> bool:
    """Whether a trusted call ever touched `key`, so that only trusted calls count for it."""
    return key in traits.gone or (key in traits.values and key not in traits.untrusted)


def _named(operations: Operations) -> Iterable[str]:
    yield from operations.set
    yield from operations.set_once
    yield from operations.unset


def _says_nothing_new(traits: Traits, sets: dict[str, Any], is_trusted: bool) -> bool:
    known = traits.values.get
    for key, value in sets.items():
        if type(value) is str:  # by far the most common kind, and no other kind equals it
            if known(key) != value:
                return False
        elif key not in traits.values or not same_value(known(key), value):
            return False
    return not is_trusted or not traits.untrusted or traits.untrusted.isdisjoint(sets)


def _changed(traits: Traits, sets: dict[str, Any], unset: list[str], is_trusted: bool) -> Traits:
    values = {key: value for key, value in traits.values.items() if key not in unset}
    for key, value in sets.items():
        known = values.get(key, _MISSING)
        is_same = known == value if type(value) is str else known is not _MISSING and same_value(known, value)
        if not is_same:
            values[key] = value
    if is_trusted:
        return Traits(
            values, traits.untrusted - sets.keys() - set(unset), (traits.gone | set(unset)) - sets.keys()
        )
    return Traits(values, (traits.untrusted | sets.keys()) - set(unset), traits.gone)


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

"""Who is who: facts in, answers out. Pure.

Identity is a function of the set of accepted facts: the order in which they arrive, and how often, changes no answer. `fold_traits` and
`fold_links` are that function; `apply_newest` is its shortcut for a fact newer than all others about a person, and tests compare the two.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from footfall.identity.model import Fact, Link, Merge, Operations, Traits, TraitValues, Undo
from footfall.ids import MAX_AT, at_of, at_prefix

MAX_KEYS = 256
MAX_METADATA_BYTES = 32 * 1024
MAX_UNTRUSTED_KEYS = 64
MAX_UNTRUSTED_BYTES = 8 * 1024
"""What unsigned calls of pages can put into a profile: anybody can make them."""
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

    Of keys that no trusted fact touches, each fact pushes out the oldest that there is no room for beside its own; those come back
    when a page says them again. What is left of them fills the room that trusted keys leave, newest first.
    """
    return _decide(history_of(facts))


class History(msgspec.Struct):
    """What all facts about a person do: the touches of trusted ones by key, since when (`at`) each key is touched by them, and the rest."""

    changes_of: dict[str, list[TraitChange]] = {}
    trusted_since: dict[str, int] = {}
    unsigned: dict[bytes, Fact] = {}
    """By fact id."""
    unsigned_keys: set[str] = set()

    def add(self, fact: Fact) -> bool:
        """Add a fact; whether it may change what unsigned facts come to."""
        if not fact.is_trusted:
            self.unsigned[fact.fact_id] = fact
            self.unsigned_keys.update(_named(fact.operations))
            return True
        at, is_earlier = at_of(fact.fact_id), False
        for change in _changes(fact):
            self.changes_of.setdefault(change.key, []).append(change)
            if at < self.trusted_since.get(change.key, MAX_AT + 1):
                self.trusted_since[change.key] = at
                is_earlier |= change.key in self.unsigned_keys
        return is_earlier


def history_of(facts: Iterable[Fact]) -> History:
    """What `facts` do, of which each may be there more than once."""
    history = History()
    for fact in facts:
        history.add(fact)
    return history


def fold_in(before: Traits, history: History, fact: Fact) -> Traits:
    """The traits with a fact of any age more. `before`: those that follow from `history`, which gets the fact.

    Each key is decided on its own, so those that the fact does not name stay as they were.
    """
    has_changed_unsigned = history.add(fact)
    if trusted_left_out(before):
        return _decide(history)
    untrusted = _fold_untrusted(history) if has_changed_unsigned else before.untrusted
    trusted, gone = _trusted(before), before.gone
    if fact.is_trusted:
        named = set(_named(fact.operations))
        part = _decide_trusted({key: history.changes_of[key] for key in named})
        trusted = {key: value for key, value in trusted.items() if key not in named}
        trusted |= {key: change.value for key, change in part.items() if change is not None}
        gone = (gone - named) | {key for key, change in part.items() if change is None}
    if size_problem(trusted):
        return _decide(history)
    return _composed(trusted, untrusted, gone)


def _decide(history: History) -> Traits:
    decided = _decide_trusted(history.changes_of)
    chosen = {key: change for key, change in decided.items() if change is not None}
    gone = {key for key, change in decided.items() if change is None}
    trusted = {key: change.value for key, change in chosen.items()}
    untrusted = _fold_untrusted(history)
    if not size_problem(trusted):
        return _composed(trusted, untrusted, gone)
    kept = _newest(chosen)
    return Traits(kept, untrusted, gone, (trusted.keys() - kept.keys()) | untrusted.keys())


def _decide_trusted(changes_of: dict[str, list[TraitChange]]) -> dict[str, TraitChange | None]:
    return {key: deciding_change(changes) for key, changes in changes_of.items()}


def _newest(chosen: dict[str, TraitChange]) -> TraitValues:
    """The newest keys of more than a profile can hold."""
    kept: TraitValues = {}
    size = 2
    for key in sorted(chosen, key=lambda key: (chosen[key].fact_id, key), reverse=True):
        size += _size_of(key, chosen[key].value)
        if len(kept) == MAX_KEYS or size > MAX_METADATA_BYTES:
            break
        kept[key] = chosen[key].value
    return kept


def _size_of(key: str, value: Any) -> int:
    """Bytes of a field in a JSON object, with a comma."""
    return len(_canonical({key: value})) - 1


def _fold_untrusted(history: History) -> TraitValues:
    """What unsigned facts come to, from the oldest to the newest."""
    untrusted: TraitValues = {}
    since = {key: at for key, at in history.trusted_since.items() if key in history.unsigned_keys}
    for at, group in itertools.groupby(sorted(history.unsigned), key=at_of):
        said = [history.unsigned[fact_id].operations for fact_id in group]
        untrusted = {key: value for key, value in untrusted.items() if since.get(key, MAX_AT + 1) > at}
        refused = {key for key in since if since[key] <= at}
        untrusted = _push(untrusted, said, refused)
    return {key: value for key, value in untrusted.items() if key not in since}


def _push(untrusted: TraitValues, said: Sequence[Operations], refused: Collection[str]) -> TraitValues:
    """What unsigned facts of one time, in their order, make of what earlier ones came to. Of those of one fact, the first key counts as newest."""
    dead = {key for one in said for key in one.unset}.union(refused)
    fresh: TraitValues = {}
    for one in reversed(said):
        fresh = {**fresh, **{key: one.set[key] for key in sorted(one.set.keys() - dead - fresh.keys())}}
    for one in said:
        absent = one.set_once.keys() - dead - fresh.keys() - untrusted.keys()
        fresh = {**fresh, **{key: one.set_once[key] for key in sorted(absent)}}
    unset = dead.difference(refused)
    rest = {key: value for key, value in untrusted.items() if key not in fresh and key not in unset}
    return _as_fits({**fresh, **rest}, MAX_UNTRUSTED_KEYS, MAX_UNTRUSTED_BYTES)


def _as_fits(fields: TraitValues, most: int, size: int) -> TraitValues:
    """Of these fields, in their order, each that there is room for beside those before it: at most so many, and so many bytes of JSON."""
    if len(fields) <= most and len(_canonical(fields)) <= size:
        return fields
    kept: TraitValues = {}
    size -= 2
    for key, value in fields.items():
        more = _size_of(key, value)
        if len(kept) < most and more <= size:
            kept[key] = value
            size -= more
    return kept


def _composed(trusted: TraitValues, untrusted: TraitValues, gone: set[str]) -> Traits:
    """The traits of decided fields, of which the trusted ones fit into a profile."""
    if not untrusted:
        return Traits(trusted, {}, gone)
    values = {**trusted, **untrusted}
    if len(values) > MAX_KEYS or len(_canonical(values)) > MAX_METADATA_BYTES:
        taken = len(_canonical(trusted)) - 2 + bool(trusted)
        shown = _as_fits(untrusted, max(MAX_KEYS - len(trusted), 0), MAX_METADATA_BYTES - taken)
        values = {**trusted, **shown}
    return Traits(values, untrusted, gone, untrusted.keys() - values.keys())


def _trusted(traits: Traits) -> TraitValues:
    if not traits.untrusted:
        return traits.values
    return {key: value for key, value in traits.values.items() if key not in traits.untrusted}


def trusted_left_out(traits: Traits) -> set[str]:
    """The keys of trusted calls that a merged person has no room for."""
    return traits.left_out - traits.untrusted.keys()


def changes_by_key(facts: Iterable[Fact]) -> dict[str, list[TraitChange]]:
    """What each of `facts` does to each key."""
    changes_of: dict[str, list[TraitChange]] = {}
    for fact in facts:
        add_changes(changes_of, fact)
    return changes_of


def add_changes(changes_of: dict[str, list[TraitChange]], fact: Fact) -> None:
    """Add what a fact does to each key to what others do."""
    for change in _changes(fact):
        changes_of.setdefault(change.key, []).append(change)


def compact(changes: Iterable[TraitChange]) -> list[TraitChange]:
    """Those of one key that can ever decide it, whatever comes beside them: the newest sets and unsets, and all set_onces."""
    kept: list[TraitChange] = []
    newest: dict[tuple[str, bool], TraitChange] = {}
    for change in changes:
        sort = (change.kind, change.is_trusted)
        if change.kind == "set_once":
            kept.append(change)
        elif sort not in newest or change.fact_id > newest[sort].fact_id:
            newest[sort] = change
    return [*kept, *newest.values()]


class TraitChange(msgspec.Struct, frozen=True):
    """What one fact does to one key. `kind`: `set`, `set_once` or `unset`."""

    key: str
    kind: str
    value: Any
    fact_id: bytes
    is_trusted: bool


def _changes(fact: Fact) -> Iterable[TraitChange]:
    operations = fact.operations
    for key, value in operations.set.items():
        yield TraitChange(key, "set", value, fact.fact_id, fact.is_trusted)
    for key, value in operations.set_once.items():
        yield TraitChange(key, "set_once", value, fact.fact_id, fact.is_trusted)
    for key in operations.unset:
        yield TraitChange(key, "unset", None, fact.fact_id, fact.is_trusted)


def deciding_change(changes: Sequence[TraitChange]) -> TraitChange | None:
    """The touch whose value a key has, of all that touched it; None when it has none."""
    trusted = [change for change in changes if change.is_trusted]
    counted = trusted or changes
    unset_at = max((at_of(change.fact_id) for change in counted if change.kind == "unset"), default=-1)
    later = [change for change in counted if at_of(change.fact_id) > unset_at]
    sets = [change for change in later if change.kind == "set"]
    if sets:
        return max(sets, key=lambda change: change.fact_id)
    return min(
        (change for change in later if change.kind == "set_once"),
        key=lambda change: change.fact_id,
        default=None,
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

    No trusted key may be left out of them. Returns `traits` itself when nothing about them changed, and the keys left alone because a
    trusted call decided them. Trusted keys may be more than fit.
    """
    if not is_trusted:
        refused = refused_keys(traits, operations)
        return _with_untrusted(traits, _push(traits.untrusted, [operations], refused)), refused
    sets = operations.set
    if operations.set_once:
        absent = {
            key: value for key, value in operations.set_once.items() if not _is_trusted_value(traits, key)
        }
        sets = {**sets, **absent}
    if not operations.unset and _says_nothing_new(traits, sets):
        return traits, []
    return _changed(traits, sets, operations.unset), []


def _with_untrusted(traits: Traits, untrusted: TraitValues) -> Traits:
    known = traits.untrusted
    if list(known) == list(untrusted) and all(
        same_value(known[key], value) for key, value in untrusted.items()
    ):
        return traits
    kept = {
        key: known[key] if key in known and same_value(known[key], value) else value
        for key, value in untrusted.items()
    }
    return _composed(_trusted(traits), kept, traits.gone)


def _is_trusted_value(traits: Traits, key: str) -> bool:
    return key in traits.values and key not in traits.untrusted


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


def size_problem(traits: TraitValues) -> str | None:
    """Why a profile cannot hold `traits`, or None when it can."""
    if len(traits) > MAX_KEYS:
        return (
            f"The profile would hold {len(traits)} fields; at most {MAX_KEYS} are kept. Nothing was stored."
        )
    if (size := len(_canonical(traits))) > MAX_METADATA_BYTES:
        return f"The profile's fields would take {size} bytes of JSON; at most {MAX_METADATA_BYTES} are kept. Nothing was stored."
    return None


def is_decided_by_trusted(traits: Traits, key: str) -> bool:
    """Whether a trusted call ever touched `key`, so that only trusted calls count for it."""
    return key in traits.gone or _is_trusted_value(traits, key) or key in trusted_left_out(traits)


def _named(operations: Operations) -> Iterable[str]:
    yield from operations.set
    yield from operations.set_once
    yield from operations.unset


def _says_nothing_new(traits: Traits, sets: TraitValues) -> bool:
    known = traits.values.get
    for key, value in sets.items():
        if type(value) is str:  # by far the most common kind, and no other kind equals it
            if known(key) != value:
                return False
        elif key not in traits.values or not same_value(known(key), value):
            return False
    return not traits.untrusted or traits.untrusted.keys().isdisjoint(sets)


def _changed(traits: Traits, sets: TraitValues, unset: Sequence[str]) -> Traits:
    values = {key: value for key, value in _trusted(traits).items() if key not in unset}
    for key, value in sets.items():
        known = traits.values.get(key, _MISSING)
        is_same = known == value if type(value) is str else known is not _MISSING and same_value(known, value)
        values[key] = known if is_same else value
    gone = (traits.gone | set(unset)) - sets.keys() if unset or traits.gone else traits.gone
    untrusted = traits.untrusted
    if untrusted:
        untrusted = {key: value for key, value in untrusted.items() if key not in sets and key not in unset}
    return _composed(values, untrusted, gone)


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

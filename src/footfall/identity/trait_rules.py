"""What facts make of a person's traits. Pure.

`fold_traits` gives the traits that follow from a set of facts, in whatever order they came. `apply_newest` is its shortcut for a fact
newer than all others about a person, `fold_in` that for an older one; tests compare the three.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from footfall.identity.model import Fact, Operations, Traits, TraitValues
from footfall.ids import MAX_AT, at_of

MAX_KEYS = 256
MAX_METADATA_BYTES = 32 * 1024
MAX_UNTRUSTED_KEYS = 64
MAX_UNTRUSTED_BYTES = 8 * 1024
"""What unsigned calls of pages can put into a profile: anybody can make them."""
NO_ROOM = (
    f"The profile would hold more than {MAX_KEYS} fields, or more than {MAX_METADATA_BYTES} bytes of JSON in them. "
    "Nothing was stored."
)

_MISSING = object()
_canonical = msgspec.json.Encoder(order="sorted").encode


def same_value(a: Any, b: Any) -> bool:
    """Whether two JSON values are equal: `1` equals `1.0` but not `true`; the order of keys is irrelevant."""
    if type(a) is str or type(b) is str:
        return bool(a == b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_value(value, b[key]) for key, value in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_value, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


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
    return traits.left_out and traits.left_out - traits.untrusted.keys()


def changes_by_key(facts: Iterable[Fact]) -> dict[str, list[TraitChange]]:
    """What each of `facts` does to each key."""
    changes_of: dict[str, list[TraitChange]] = {}
    for fact in facts:
        for change in _changes(fact):
            changes_of.setdefault(change.key, []).append(change)
    return changes_of


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


def compact_history(facts: Iterable[Fact]) -> History:
    """What `facts` do, without the changes that can never decide a key."""
    history = history_of(facts)
    history.changes_of = {key: compact(changes) for key, changes in history.changes_of.items()}
    return history


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


def has_trusted(traits: Traits) -> bool:
    """Whether a profile holds a field that a trusted call decided."""
    return not traits.values.keys() <= traits.untrusted.keys()


def changed_names(before: Traits, after: Traits) -> set[str]:
    """The keys whose values may differ, or who said them: pages alone, or a server.

    Values that are not texts count as different when they are not the same object.
    """
    old, new = before.values, after.values
    names = (old.keys() - new.keys()) | (before.untrusted.keys() ^ after.untrusted.keys())
    for key, value in new.items():
        known = old.get(key, _MISSING)
        if known is not value and not (type(known) is str and known == value):
            names.add(key)
    return names


def refused_keys(traits: Traits, operations: Operations) -> list[str]:
    """The keys that an untrusted fact names in vain, given the traits with it."""
    return [key for key in _named(operations) if is_decided_by_trusted(traits, key)]


def room_problem(before: Traits, after: Traits) -> str | None:
    """Why a fact that makes `after` of `before` is refused, or None; never for what only unsigned facts say."""
    if after is before:
        return None
    if problem := size_problem(after.values):
        return problem
    return None if trusted_left_out(after) <= trusted_left_out(before) else NO_ROOM


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
    if not sets.items() <= traits.values.items():
        return False
    for (
        key,
        value,
    ) in (
        sets.items()
    ):  # what Python calls equal may differ still: 1 and true; but no text equals another kind
        if type(value) is not str and not same_value(traits.values[key], value):
            return False
    return not traits.untrusted or traits.untrusted.keys().isdisjoint(sets)


def _changed(traits: Traits, sets: TraitValues, unset: Sequence[str]) -> Traits:
    values = dict(_trusted(traits))
    for key in unset:
        values.pop(key, None)
    for key, value in sets.items():
        known = traits.values.get(key, _MISSING)
        is_same = known == value if type(value) is str else known is not _MISSING and same_value(known, value)
        values[key] = known if is_same else value
    gone = (traits.gone | set(unset)) - sets.keys() if unset or traits.gone else traits.gone
    untrusted = traits.untrusted
    if untrusted:
        untrusted = {key: value for key, value in untrusted.items() if key not in sets and key not in unset}
    return _composed(values, untrusted, gone)

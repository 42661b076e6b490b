"""Which segments go with a person who is erased: those that name them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl

from footfall.db.protocol import Transaction
from footfall.errors import BadRequest
from footfall.identity.erasing import Counts, Eraser, Leaving
from footfall.people.find.fields import people_named
from footfall.people.find.matching import people_matching
from footfall.people.naming import NAMING, Leaver, read_leaver
from footfall.people.wire import Filter, read_filter
from footfall.segments.model import Segment
from footfall.segments.store import read_segments, remove_segments
from footfall.web.parameters import split_values

_PERSON, _TRAIT = "filter_person", "filter_trait."


def _forget_users(tx: Transaction, leaving: Leaving) -> Counts:
    website_id = leaving.erasure.website_id
    if segments := read_segments(tx, website_id):
        leaver = read_leaver(tx, leaving)
        gone = [one.segment_id for one in segments if _names(tx, website_id, one, leaver)]
        remove_segments(tx, website_id, gone)
    return {}


def _names(tx: Transaction, website_id: bytes, segment: Segment, leaver: Leaver) -> bool:
    """Whether a segment names somebody: in its name, by a condition on persons, or by a trait that is theirs alone."""
    if leaver.is_named_in(segment.name):
        return True
    pairs = parse_qsl(segment.query)
    return _names_person(tx, website_id, pairs, leaver) or any(
        _names_by_trait(tx, website_id, one, leaver) for one in _filters(pairs)
    )


def _names_person(
    tx: Transaction, website_id: bytes, pairs: Iterable[tuple[str, str]], leaver: Leaver
) -> bool:
    texts = [text.removeprefix("is_not:").removeprefix("is:") for name, text in pairs if name == _PERSON]
    values = {one for text in texts for one in split_values(text)}
    return any(
        one.removeprefix("user:") in leaver.user_ids
        or not leaver.profile_ids.isdisjoint(people_named(tx, website_id, one.lower()))
        for one in values
    )


def _filters(pairs: Iterable[tuple[str, str]]) -> Iterator[Filter]:
    for name, text in pairs:
        if name.startswith(_TRAIT):
            try:
                yield read_filter(name.removeprefix("filter_"), text)
            except BadRequest:  # it asks for nothing, and names nobody
                continue


def _names_by_trait(tx: Transaction, website_id: bytes, one: Filter, leaver: Leaver) -> bool:
    trait = one.name.lower()
    held = {text for name, text in leaver.texts if name == trait}
    values = [value.lower() for value in one.values]
    if trait in NAMING and one.operator == "contains":
        return any(value and value in text for value in values for text in held)
    found = [value for value in one.values if value.lower() in held]
    return bool(found) and (
        trait in NAMING or any(_is_alone(tx, website_id, one.name, value, leaver) for value in found)
    )


def _is_alone(tx: Transaction, website_id: bytes, trait: str, value: str, leaver: Leaver) -> bool:
    """Whether nobody else has the same value, as far as the index of people knows."""
    (matching,) = people_matching(tx.derived, website_id, [Filter(trait, "is", (value,))])
    return leaver.profile_ids.issuperset(matching.ids)


ERASER = Eraser(tables=frozenset(), forget_users=_forget_users)

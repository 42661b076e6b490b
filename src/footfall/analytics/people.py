"""People and the numbers by which the columns know them: whom conditions on traits and ids mean, and who the people of an answer are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from footfall.analytics.compose import Whom
from footfall.analytics.dimensions import MetricFilter
from footfall.columns.model import number_of, number_of_visitor
from footfall.db.protocol import Params, Transaction
from footfall.db.statements import load
from footfall.identity.model import KnownPerson
from footfall.identity.reading import persons_of
from footfall.identity.refs import find_profile
from footfall.ids import parse_uuid
from footfall.people.find.fields import people_named
from footfall.people.find.matching import people_matching
from footfall.people.wire import Filter
from footfall.websites.model import Website

sql = load(__file__, "people.sql")

WhomAsked = tuple[Website, Sequence[Filter], Sequence[MetricFilter]]
"""Of a website, conditions on traits, and on who a person is."""


def read_whom(tx: Transaction, asked: WhomAsked) -> tuple[Whom, ...]:
    """The people of each condition. Raises BadRequest if they are too many."""
    website, traits, named = asked
    matching = people_matching(tx, website.website_id, traits)
    return (
        *(Whom(sorted(set(map(number_of, one.ids))), one.is_excluded) for one in matching),
        *(_named(tx, website, one) for one in named),
    )


def _named(tx: Transaction, website: Website, condition: MetricFilter) -> Whom:
    numbers = {number for value in condition.values for number in _numbers(tx, website, value)}
    return Whom(sorted(numbers), condition.operator.is_negation)


def _numbers(tx: Transaction, website: Website, text: str) -> set[int]:
    """The people whom a user id names, else the id of a profile, visitor or fact. A visitor whom nobody knows is a person, too."""
    if profile := find_profile(tx, website, text.removeprefix("user:")):
        return {number_of(profile.person_id)}
    if found := people_named(tx, website.website_id, text.lower()):
        return set(map(number_of, found))
    visitor_id = parse_uuid(text)
    return {number_of_visitor(visitor_id)} if visitor_id else set()


# Back from numbers to people


class Numbered(NamedTuple):
    """Somebody by number; who is not known, by that of the visitor. `seen_at`: when they were last there (ms since epoch)."""

    number: int
    is_known: bool
    seen_at: int


class Face(NamedTuple):
    """Who somebody is: a known person, or a visitor whom nobody knows; neither if that cannot be told now."""

    person: KnownPerson | None = None
    visitor_id: bytes | None = None


FacesAsked = tuple[bytes, Sequence[Numbered], Mapping[int, bytes]]
"""Of a website (its id) some people, and visitors who are there now, by their numbers."""


def read_faces(tx: Transaction, asked: FacesAsked) -> list[Face]:
    """Who the people with these numbers are."""
    website_id, numbered, here = asked
    people = _known(tx, website_id, [one.number for one in numbered if one.is_known])
    visitors = dict(here) | _visitors(tx, website_id, [one for one in numbered if not one.is_known])
    return [
        Face(person=people.get(one.number)) if one.is_known else Face(visitor_id=visitors.get(one.number))
        for one in numbered
    ]


def read_sign_ups(tx: Transaction, asked: tuple[bytes, Sequence[int]]) -> dict[int, int]:
    """When known people of a website (its id) signed up (ms since epoch), by their numbers."""
    return {number: one.identified_at for number, one in _known(tx, *asked).items()}


def _known(tx: Transaction, website_id: bytes, numbers: Sequence[int]) -> dict[int, KnownPerson]:
    keys: list[Params] = [(website_id, *_bounds(one)) for one in numbers]
    rows = tx.get_many(sql.profile_between, keys)
    people = persons_of(tx, website_id, [row.profile_id for row in rows if row is not None])
    return {number_of(profile_id): person for profile_id, person in people.items()}


def _bounds(number: int) -> tuple[bytes, bytes]:
    """The least and the greatest id with a number."""
    return (number << 1).to_bytes(8, "big"), (number << 1 | 1).to_bytes(8, "big") + b"\xff" * 8


def _visitors(tx: Transaction, website_id: bytes, numbered: Sequence[Numbered]) -> dict[int, bytes]:
    """Visitors by their numbers, found by when they were seen last."""
    times = sorted({one.seen_at for one in numbered})
    (found,) = tx.groups((sql.visitors_seen_at, [(website_id, at) for at in times]))
    return {number_of_visitor(row.visitor_id): row.visitor_id for rows in found for row in rows}

"""All people whom conditions are true for, as ids; for whoever counts what they did."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from footfall.db.protocol import Transaction
from footfall.errors import BadRequest
from footfall.people.find.query import Builder, conditions_of
from footfall.people.find.terms import folded
from footfall.people.wire import Filter

MOST_PEOPLE = 250_000
"""Whom one condition may be true for, or not true for."""


class Matching(NamedTuple):
    """Whom a condition is true for: these people (ids), or all others, also those whom nobody knows."""

    ids: list[bytes]
    is_excluded: bool


def people_matching(
    tx: Transaction, website_id: bytes, filters: Iterable[Filter], most: int = MOST_PEOPLE
) -> list[Matching]:
    """For each filter whom it is true for. Raises BadRequest if that takes too many ids."""
    return [_matching(tx, website_id, one, most) for one in filters]


def _matching(tx: Transaction, website_id: bytes, one: Filter, most: int) -> Matching:
    builder = Builder(website_id)
    (condition,) = conditions_of(tx, builder, website_id, [one], "")
    source = " UNION ALL ".join(condition.others) or condition.people
    limited = f"SELECT profile_id FROM ({source}) s LIMIT {most + 1}"
    ids = [row.profile_id for row in builder.run(tx, limited, "profile_id bytes")]
    if len(ids) > most:
        raise BadRequest(f"filter_trait.{one.name}: it is about more than {most} people; ask for fewer.")
    return Matching(ids, bool(condition.others))


def people_searched(tx: Transaction, website_id: bytes, text: str, most: int = MOST_PEOPLE) -> list[bytes]:
    """The people (ids) whom a search finds. Raises BadRequest if they are too many."""
    builder = Builder(website_id)
    conditions = conditions_of(tx, builder, website_id, [], folded(text))
    if not conditions:
        return []
    found = " INTERSECT ".join(f"SELECT profile_id FROM ({one.people}) s" for one in conditions)
    limited = f"SELECT profile_id FROM ({found}) t LIMIT {most + 1}"
    ids = [row.profile_id for row in builder.run(tx, limited, "profile_id bytes")]
    if len(ids) > most:
        raise BadRequest(f"search: it finds more than {most} people; search for more.")
    return ids

"""Whom conditions on people mean: from traits and ids to the numbers by which the columns know people."""

from __future__ import annotations

from collections.abc import Sequence

from footfall.analytics.compose import Whom
from footfall.analytics.dimensions import MetricFilter
from footfall.columns.model import number_of, number_of_visitor
from footfall.db.protocol import Transaction
from footfall.identity.refs import find_profile
from footfall.ids import parse_uuid
from footfall.people.find.fields import people_named
from footfall.people.find.matching import people_matching
from footfall.people.wire import Filter
from footfall.websites.model import Website

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

"""People one by one, as the list of people shows them: who they are, where they came from, and what they paid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from footfall.analytics.conditions import Whom
from footfall.analytics.endpoints import csv_answer
from footfall.analytics.model import Asking
from footfall.analytics.people import Face, Numbered, read_faces, read_sign_ups
from footfall.analytics.ranges import Period, TimeRange
from footfall.analytics.roster import (
    Roster,
    RosterLooking,
    RosterOrder,
    RosterRow,
    compose_last_seen,
    compose_roster,
    read_roster,
)
from footfall.analytics.wire import DIRECT
from footfall.collect.enrich.countries import COUNTRIES
from footfall.columns.model import number_of, number_of_visitor
from footfall.dashboard.address import ViewAddress, has_range
from footfall.dashboard.figures import money_column
from footfall.dashboard.names import friendly_name
from footfall.dashboard.page import PageRequest
from footfall.dashboard.rendering import called, listed_traits, value_text
from footfall.dashboard.wire import person_line
from footfall.db.protocol import Transaction
from footfall.errors import BadRequest
from footfall.hostnames import to_unicode
from footfall.identity.model import TraitValues
from footfall.ids import format_uuid
from footfall.people.find.matching import people_searched
from footfall.people.model import ListedPerson
from footfall.web.envelope import Response

MOST_IN_FILE = 10_000
"""People of a file."""
MOST_SORTED = 5000
"""Known people of a range who can be sorted by when they signed up, which the columns do not know."""
MOST_HERE = 1000
"""Visitors of the last minutes who are known by heart."""
LONGEST_TAG = 120
"""Characters of a trait by which a click filters: longer ones are no value that others have."""
NOBODY_KNOWN = "Visitor"
"""What somebody is called of whom not even the id can be told now."""


class RosterAsked(NamedTuple):
    """What is asked of the columns: people of an address, of some rows; `default`: the range when none is named.

    `is_by_sign_up`: whoever signed up last in front, and who did not behind all others, instead of the order to look for.
    """

    address: ViewAddress
    looking: RosterLooking
    default: Period
    search: str
    limit: int
    offset: int = 0
    is_by_sign_up: bool = False


class Gathered(NamedTuple):
    """Some people, and who they are."""

    range: TimeRange
    roster: Roster
    faces: list[Face]


async def gather(request: PageRequest, asked: RosterAsked) -> Gathered:
    """The people whom the columns tell of. Raises BadRequest and Unavailable."""
    pairs = [pair for pair in asked.address.asked if pair[0] != "compare"]
    asking = await request.services.analytics.prepare(request.site, pairs, request.now, asked.default)
    if asked.search:
        asking = _among(asking, await _found(request, asked.search))
    if asked.is_by_sign_up:
        return await _gather_by_sign_up(request, asking, asked)
    return await gather_of(request, _part(asking, asked.limit, asked.offset), asked.looking)


async def gather_of(request: PageRequest, asking: Asking, looking: RosterLooking) -> Gathered:
    """The same of a question that was prepared."""
    return await _gathered(request, asking, await _roster(request, asking, looking))


async def _gather_by_sign_up(request: PageRequest, asking: Asking, asked: RosterAsked) -> Gathered:
    """All known people are in front, so that behind as many as can be sorted, there are only those who never signed up."""
    looking = RosterLooking(asked.looking.part, RosterOrder.KNOWN)
    if asked.offset > MOST_SORTED:
        return await gather_of(request, _part(asking, asked.limit, asked.offset), looking)
    roster = await _roster(request, _part(asking, MOST_SORTED + asked.limit, 0), looking)
    known = [row for row in roster.rows if row.is_known]
    if len(known) > MOST_SORTED:
        raise BadRequest(
            f"sort: more than {MOST_SORTED} known people came in this range. Choose a shorter one, filter, or sort by something else."
        )
    numbers = (request.site.website_id, [row.person for row in known])
    times = await request.services.database.scan(read_sign_ups, numbers, share=request.site.website_id)
    known.sort(key=lambda row: times.get(row.person, 0), reverse=True)
    rows = [*known, *roster.rows[len(known) :]][asked.offset : asked.offset + asked.limit]
    return await _gathered(request, asking, Roster(roster.totals, rows))


def _part(asking: Asking, limit: int, offset: int) -> Asking:
    question = msgspec.structs.replace(asking.question, limit=limit, offset=offset)
    return msgspec.structs.replace(asking, question=question)


async def _roster(request: PageRequest, asking: Asking, looking: RosterLooking) -> Roster:
    composed = compose_roster(asking.scene, asking.question, looking)
    return read_roster(await request.services.analytics.rows(composed))


async def _gathered(request: PageRequest, asking: Asking, roster: Roster) -> Gathered:
    return Gathered(asking.question.range, roster, await _faces(request, asking, roster.rows))


def _among(asking: Asking, numbers: Sequence[int]) -> Asking:
    """The same question of some people alone."""
    people = (*asking.scene.people, Whom(sorted(numbers)))
    return msgspec.structs.replace(asking, scene=asking.scene._replace(people=people))


async def _found(request: PageRequest, search: str) -> list[int]:
    website_id = request.site.website_id
    ids = await request.services.database.scan(_searched, (website_id, search), share=website_id)
    return list(map(number_of, ids))


def _searched(tx: Transaction, asked: tuple[bytes, str]) -> list[bytes]:
    return people_searched(tx, *asked)


async def _faces(request: PageRequest, asking: Asking, rows: Sequence[RosterRow]) -> list[Face]:
    seen = {row.person: row.last_at for row in rows}
    if asking.question.range.until <= request.now:
        seen |= await _last_seen(request, asking, [row.person for row in rows if not row.is_known])
    return await _read_faces(
        request, [Numbered(row.person, bool(row.is_known), seen[row.person]) for row in rows]
    )


async def faces_of(request: PageRequest, asking: Asking, people: Sequence[tuple[int, bool]]) -> list[Face]:
    """Who somebody is, of whom the columns know the number and whether they are known. Raises BadRequest and Unavailable."""
    seen = await _last_seen(request, asking, [number for number, is_known in people if not is_known])
    return await _read_faces(request, [Numbered(*one, seen.get(one[0], 0)) for one in people])


async def _last_seen(request: PageRequest, asking: Asking, visitors: Sequence[int]) -> dict[int, int]:
    """When visitors were there last of all (ms since epoch)."""
    if not visitors:
        return {}
    rows = await request.services.analytics.rows(compose_last_seen(asking.scene, visitors))
    return {int(number): int(at) for number, at in rows}


async def _read_faces(request: PageRequest, numbered: Sequence[Numbered]) -> list[Face]:
    website_id = request.site.website_id
    online = request.services.online.latest(website_id, request.now, MOST_HERE)
    here = {number_of_visitor(visitor_id): visitor_id for visitor_id in online}
    return await request.services.database.scan(read_faces, (website_id, numbered, here), share=website_id)


async def facts_of(request: PageRequest, people: Sequence[ListedPerson]) -> Mapping[bytes, RosterRow]:
    """What the columns know of people, of all time, by profile id. Raises Unavailable and BadRequest."""
    if not people:
        return {}
    asking = await request.services.analytics.prepare(request.site, [("period", "all")], request.now)
    numbers = {number_of(one.profile_id): one.profile_id for one in people}
    asking = _among(asking, list(numbers))
    question = msgspec.structs.replace(asking.question, limit=len(numbers))
    rows = await request.services.analytics.rows(compose_roster(asking.scene, question, RosterLooking()))
    return {numbers[row.person]: row for row in read_roster(rows).rows}


# What is shown


class FilterLink(NamedTuple):
    """A value that a click filters by."""

    text: str
    href: str


class TraitTag(NamedTuple):
    """A trait of a row. `href`: after a click on it; empty if nothing can be filtered by it."""

    name: str
    text: str
    href: str


class PersonRow(NamedTuple):
    """Somebody in the list. `path`: of their page, below the website's, empty if there is none; `key`: decides the colour of the avatar.

    `user_id`: empty for one who is not known; `signed_up`, `last_at`: ms since epoch; `source`, `country`: None if not known.
    """

    path: str
    key: str
    name: str
    user_id: str
    traits: TraitValues
    tags: list[TraitTag]
    visits: int
    source: FilterLink | None
    country: FilterLink | None
    money: str
    signed_up: int | None
    last_at: int | None


def listed_row(
    one: ListedPerson, fact: RosterRow | None, address: ViewAddress, spelled: Callable[[int], str]
) -> PersonRow:
    """A known person, and what the columns know of them, if they do: of all time, unless the address of the list names a range."""
    key, visits = one.profile_id.hex(), address if has_range(address) else address.having(period="all")
    return PersonRow(
        f"people/{key}",
        key,
        called(one.traits, one.user_id),
        one.user_id,
        one.traits,
        _tags(one.traits, address),
        one.activity.visits,
        source_of(fact, visits) if fact else None,
        _country(fact, visits) if fact else None,
        _money(fact, spelled) if fact else "",
        one.identified_at,
        one.activity.last_at,
    )


class ShownFace(NamedTuple):
    """Who somebody is, as lists show it; the fields as in `PersonRow`."""

    path: str
    key: str
    name: str
    user_id: str
    traits: TraitValues


def show_face(face: Face) -> ShownFace:
    """Somebody of whom the columns tell."""
    person, visitor_id = face
    if person:
        key = person.profile_id.hex()
        return ShownFace(
            f"people/{key}", key, called(person.traits, person.user_id), person.user_id, person.traits
        )
    if visitor_id:
        key = format_uuid(visitor_id)
        return ShownFace(f"visitors/{key}", key, friendly_name(visitor_id), "", {})
    return ShownFace("", "", NOBODY_KNOWN, "", {})


def seen_row(face: Face, row: RosterRow, address: ViewAddress, spelled: Callable[[int], str]) -> PersonRow:
    """The same with what the columns tell."""
    known = show_face(face)
    return PersonRow(
        known.path,
        known.key,
        known.name,
        known.user_id,
        known.traits,
        _tags(known.traits, address),
        row.visits,
        source_of(row, address),
        _country(row, address),
        _money(row, spelled),
        face.person.identified_at if face.person else None,
        row.last_at,
    )


def _tags(traits: TraitValues, address: ViewAddress) -> list[TraitTag]:
    return [
        TraitTag(name, value_text(value), _tag_href(name, value, address))
        for name, value in listed_traits(traits)
    ]


def _tag_href(name: str, value: Any, address: ViewAddress) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    is_plain = isinstance(value, str | int | float) and len(text) <= LONGEST_TAG
    return address.clicked(f"trait.{name}", text).here if is_plain and text.strip() else ""


def source_of(row: RosterRow, address: ViewAddress) -> FilterLink:
    """Where somebody came from."""
    if row.referrer or not row.channel:
        text = to_unicode(row.referrer) if row.referrer else "Direct"
        return FilterLink(text, address.clicked("referrer", row.referrer or DIRECT).here)
    return FilterLink(row.channel, address.clicked("channel", row.channel).here)


def _country(row: RosterRow, address: ViewAddress) -> FilterLink | None:
    if row.country is None:
        return None
    return FilterLink(COUNTRIES.get(row.country, row.country), address.clicked("country", row.country).here)


def roster_money(rows: Iterable[RosterRow], currency: str) -> Callable[[int], str]:
    """How to write what people paid below each other."""
    return money_column((row.revenue for row in rows), currency)


def _money(row: RosterRow, spelled: Callable[[int], str]) -> str:
    return spelled(row.revenue) if row.payments or row.revenue else ""


async def roster_file(request: PageRequest, asked: RosterAsked) -> Response:
    """The people as a CSV file. Raises BadRequest if they are too many."""
    found = await gather(request, asked._replace(limit=MOST_IN_FILE, offset=0))
    total = found.roster.totals[asked.looking.part]
    if total > MOST_IN_FILE:
        raise BadRequest(
            f"format: there are {total} people, and a file has at most {MOST_IN_FILE}. Filter, or choose a shorter range."
        )
    currency = request.site.currency
    rows = [person_line(*one, currency) for one in zip(found.faces, found.roster.rows, strict=True)]
    return await csv_answer(
        "people", rows, person_line(Face(), RosterRow(0, 0, 0, 0, None, None, None, 0, 0), currency)
    )

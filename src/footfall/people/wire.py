"""People on the wire: which filters the query of a list may name, and how answers show people. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from footfall.clock import to_iso
from footfall.collect.model import GOAL
from footfall.errors import BadRequest
from footfall.identity.identify.wire import (
    explanation_json,
    identity_json,
    iso_or_none,
    person_json,
    stay_json,
)
from footfall.ids import format_uuid
from footfall.payments.wire import finance_json, touch_json
from footfall.people.find.terms import folded, read_number
from footfall.people.model import (
    JourneyEntry,
    ListedPerson,
    PersonDetail,
    SessionDetail,
    VisitorOfPerson,
)
from footfall.web.parameters import read_number_parameter, split_values

DEFAULT_LIMIT, MAX_LIMIT = 100, 250
MAX_OFFSET = 1_000_000
MAX_FILTERS = 20
MAX_ANY_OF = 50
MAX_CONTAINED = 255
"""Characters of a text to be contained."""
COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_TEXT_OPERATORS = frozenset(("is", "is_not", "contains"))


class Filter(msgspec.Struct, frozen=True):
    """One condition on a trait. `values` are any-of; `kind` and `number` are for comparisons."""

    name: str
    operator: str
    values: tuple[str, ...] = ()
    kind: str = ""
    number: float = 0.0


class PeopleQuery(msgspec.Struct, frozen=True):
    """Which people, and which page of them: those identified last first, or those seen last. `search` is folded, see `terms.folded`; empty for all.

    Those who are called just what is searched for stand in front.
    """

    filters: tuple[Filter, ...]
    search: str
    limit: int
    offset: int
    by_seen: bool = False


def read_people_query(pairs: Iterable[tuple[str, str]]) -> PeopleQuery:
    """The query of a list of people; all of its filters count, also those on one field. Raises BadRequest that names the parameter."""
    given = list(pairs)
    query = dict(given)
    filters = [read_filter(name, text) for name, text in given if name.startswith("trait.")]
    if len(filters) > MAX_FILTERS:
        raise BadRequest(f"trait: at most {MAX_FILTERS} filters at once.")
    return PeopleQuery(
        tuple(filters),
        folded(query.get("search", "")),
        read_number_parameter(query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
        read_number_parameter(query, "offset", 0, 0, MAX_OFFSET),
        _read_sort(query.get("sort", "identifiedAt")) == "lastSeenAt",
    )


def _read_sort(text: str) -> str:
    if text not in ("identifiedAt", "lastSeenAt"):
        raise BadRequest("sort must be identifiedAt or lastSeenAt.")
    return text


def read_filter(parameter: str, text: str) -> Filter:
    """`trait.plan=pro`, `is_not:free`, `contains:acme`, `gte:5`, `exists`, `missing`; comma lists are any-of. Raises BadRequest.

    A backslash in front of a comma, a blank or a backslash makes it part of a value. `is:` alone is the empty text.
    """
    name = parameter.removeprefix("trait.")
    if not name:
        raise BadRequest("trait. must be followed by the name of a field, such as trait.plan=pro.")
    if text in ("exists", "missing"):
        return Filter(name, text)
    operator, separator, rest = text.partition(":")
    if separator and operator in COMPARISONS:
        number = read_number(rest.strip())
        if number is None:
            raise BadRequest(
                f"{parameter}: {operator} compares with a number or an ISO date, such as gte:5 or lt:2026-05-05."
            )
        return Filter(name, operator, (), *number)
    if separator and operator in _TEXT_OPERATORS:
        is_empty = rest == "" and operator != "contains"
        values = ("",) if is_empty else _any_of(parameter, rest)
        if operator == "contains" and max(map(len, values)) > MAX_CONTAINED:
            raise BadRequest(f"{parameter}: contains looks for at most {MAX_CONTAINED} characters.")
        return Filter(name, operator, values)
    return Filter(name, "is", _any_of(parameter, text))


def _any_of(parameter: str, text: str) -> tuple[str, ...]:
    values = split_values(text)
    if not 1 <= len(values) <= MAX_ANY_OF:
        raise BadRequest(f"{parameter}: name 1 to {MAX_ANY_OF} values, separated by commas.")
    return values


# Answers


def listed_json(one: ListedPerson) -> dict[str, Any]:
    """A person in a list. The keys stand in another order than on their own page."""
    who = identity_json(one.profile_id, one.user_ids, one.traits, one.identified_at)
    order = ("profileId", "userId", "userIds", "name", "image", "metadata", "identifiedAt")
    return {
        **{key: who[key] for key in order},
        "firstSeenAt": iso_or_none(one.activity.first_at),
        "lastSeenAt": iso_or_none(one.activity.last_at),
    }


def detail_json(one: PersonDetail) -> dict[str, Any]:
    """A person with what they did."""
    return {
        **person_json(one.person),
        **({"explain": explanation_json(one.reasons)} if one.reasons else {}),
        "firstSeenAt": iso_or_none(one.activity.first_at),
        "lastSeenAt": iso_or_none(one.activity.last_at),
        "visitorCount": one.activity.visitor_count,
        "visitors": [visitor_json(visitor) for visitor in one.visitors],
        "activity": {
            "sessionCount": one.activity.visits,
            "pageViewCount": one.page_view_count,
            "goalCount": one.goal_count,
        },
        "firstTouch": touch_json(one.first_touch),
        "lastTouch": touch_json(one.last_touch),
        **(finance_json(one.finance) if one.finance else {}),
    }


def visitor_json(one: VisitorOfPerson) -> dict[str, Any]:
    """A visitor of a person."""
    return {
        "visitorId": format_uuid(one.visitor_id),
        "spans": [stay_json(stay) for stay in one.stays],
        "device": one.device,
        "country": one.country,
        "city": one.city,
        "firstSeenAt": iso_or_none(one.first_at),
        "lastSeenAt": iso_or_none(one.last_at),
    }


def entry_json(one: JourneyEntry) -> dict[str, Any]:
    """An entry of a journey."""
    visitor = format_uuid(one.visitor_id) if one.visitor_id else None
    of_server = {"isServer": True, "description": one.description} if one.type == GOAL else {}
    return {
        "type": one.type,
        "at": to_iso(one.at),
        "visitorId": visitor,
        "sessionId": None if one.session_at is None else f"{visitor}-{one.session_at}",
        "url": one.url,
        "query": one.query,
        "referrer": one.referrer,
        "name": one.name,
        "data": {"source": one.source, "factId": one.fact_id.hex()} if one.fact_id else one.data,
        **of_server,
    }


def session_json(one: SessionDetail) -> dict[str, Any]:
    """Everything held about a session."""
    visitor = format_uuid(one.visitor_id)
    return {
        "sessionId": f"{visitor}-{one.started_at}",
        "visitorId": visitor,
        "startedAt": to_iso(one.started_at),
        "url": one.entry_url,
        "referrer": one.referrer,
        "params": _stored(one.params),
        "adClickIds": _stored(one.click_ids),
        "place": _stored(one.place),
        "device": _stored(one.device),
    }


def _stored(text: str | None) -> msgspec.Raw | None:
    """JSON as it is stored; None for none."""
    return msgspec.Raw(text.encode()) if text else None

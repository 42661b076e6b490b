"""Routes that show people."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from footfall.auth.principal import WebsitePrincipal
from footfall.auth.store import key_names
from footfall.db.protocol import Database, Row, Transaction
from footfall.errors import BadRequest
from footfall.identity.ledger.endpoints import read_as_of
from footfall.identity.ledger.show import explain, person_now, person_then
from footfall.identity.model import Person, PersonThen
from footfall.identity.reading import Member, members_of
from footfall.identity.refs import Ref, no_such_person, read_ref, resolve_profile
from footfall.ids import MAX_AT
from footfall.payments.finance import finance_of_person, nothing_paid
from footfall.payments.model import Finance
from footfall.payments.ratebook import RateBook
from footfall.payments.rates import Rates
from footfall.people.find.query import find_people
from footfall.people.journey import EVENT_KEY_BYTES, FACT_KEY_BYTES, journey
from footfall.people.model import Activity, JourneyPart, ListedPerson, PeopleList, PersonDetail
from footfall.people.person import (
    KEY_BYTES,
    list_visitors,
    look_at,
    read_activities,
    read_detail,
    visitor_of,
)
from footfall.people.wire import PeopleQuery, detail_json, entry_json, listed_json, read_people_query
from footfall.web.context import Context
from footfall.web.envelope import Response, success
from footfall.web.parameters import read_cursor, read_number_parameter, read_order
from footfall.websites.model import Website

JOURNEY_LIMIT, MAX_JOURNEY_LIMIT = 50, 250
VISITORS_LIMIT, MAX_VISITORS_LIMIT = 100, 1000


class People:
    """The handlers, on one database."""

    def __init__(self, database: Database, rates: RateBook) -> None:
        self._database = database
        self._rates = rates

    async def profiles(self, context: Context[WebsitePrincipal]) -> Response:
        """A page of people, newest first; found by search and traits."""
        query = read_people_query(context.pairs())
        return await self._database.scan(
            _answer_list, (context.principal.website, query), share=context.principal.website.website_id
        )

    async def profile(self, context: Context[WebsitePrincipal]) -> Response:
        """One person, now or as of a time, with reasons on demand; their visitors by cursor."""
        query = context.query()
        at = read_as_of(query)
        with_reasons = query.get("explain", "0")
        if with_reasons not in ("0", "1"):
            raise BadRequest("explain must be 0 or 1.")
        asked = PersonQuery(
            context.principal.website,
            read_ref(context.path_values[0]),
            MAX_AT if at is None else at,
            with_reasons == "1",
            read_cursor(query.get("cursor"), KEY_BYTES, KEY_BYTES, "person"),
            read_number_parameter(query, "limit", VISITORS_LIMIT, 1, MAX_VISITORS_LIMIT),
            await self._rates.rates_for(context.principal.website),
        )
        answer = await self._database.scan(_answer_person, asked, share=context.principal.website.website_id)
        if answer is None:
            raise no_such_person()
        return answer

    async def journey(self, context: Context[WebsitePrincipal]) -> Response:
        """What a person did, newest or oldest first, by cursor."""
        query = context.query()
        order = read_order(query, "desc")
        limit = read_number_parameter(query, "limit", JOURNEY_LIMIT, 1, MAX_JOURNEY_LIMIT)
        cursor = read_journey_cursor(query.get("cursor"))
        ref = read_ref(context.path_values[0])
        asked = JourneyQuery(context.principal.website, ref, cursor, limit, order == "desc")
        answer = await self._database.scan(_answer_journey, asked, share=context.principal.website.website_id)
        if answer is None:
            raise no_such_person()
        return answer


def read_journey_cursor(text: str | None) -> bytes:
    """A cursor as a journey gave it. Raises BadRequest."""
    return read_cursor(text, EVENT_KEY_BYTES, FACT_KEY_BYTES, "journey")


def _answer_list(tx: Transaction, asked: tuple[Website, PeopleQuery]) -> Response:
    """A page of people as an answer. It is made where it is read, apart from the event loop: it may be long, as those below."""
    website, query = asked
    found = read_people(tx, website, query)
    pagination = {
        "limit": query.limit,
        "offset": query.offset,
        "total": found.total,
        "hasMore": found.has_more,
        "totalIsExact": found.is_exact,
    }
    return success([listed_json(one) for one in found.people], pagination=pagination)


def _answer_person(tx: Transaction, asked: PersonQuery) -> Response | None:
    found = read_person(tx, asked)
    if found is None:
        return None
    return success(detail_json(found), pagination=_pagination(asked.limit, found.following))


def _answer_journey(tx: Transaction, asked: JourneyQuery) -> Response | None:
    found = read_journey(tx, asked)
    if found is None:
        return None
    shown = [entry_json(one) for one in found.entries]
    return success(shown, pagination=_pagination(asked.limit, found.following))


def _pagination(limit: int, following: bytes | None) -> dict[str, int | str | None]:
    return {"limit": limit, "nextCursor": following.hex() if following else None}


def read_people(tx: Transaction, website: Website, query: PeopleQuery) -> PeopleList:
    """The people on a page of a list, each with what they did."""
    rows, total, is_exact = find_people(tx, website.website_id, query)
    members = [_members(tx, website.website_id, row) for row in rows]
    profile_ids = [[one.profile_id for one in person] for person in members]
    activities = read_activities(tx, website.website_id, profile_ids)
    people = [_listed(*one) for one in zip(rows, members, activities, strict=True)]
    has_more = query.offset + len(rows) < total or (not is_exact and len(rows) == query.limit)
    return PeopleList(people, total, is_exact, has_more)


def _members(tx: Transaction, website_id: bytes, row: Row) -> list[Member]:
    """The users that a listed person is, first identified first."""
    if row.member_count == 1:
        return [Member(row.profile_id, row.user_id, row.identified_at)]
    return members_of(tx, website_id, row.profile_id)


def _listed(row: Row, members: list[Member], activity: Activity) -> ListedPerson:
    user_ids = [one.user_id for one in members]
    traits = msgspec.json.decode(row.metadata)
    return ListedPerson(row.profile_id, user_ids, traits, members[0].identified_at, activity)


class PersonQuery(NamedTuple):
    """Which person, as of which time (ms since epoch; MAX_AT: now), with reasons or without, and which of their visitors.

    `rates`: by which what they paid is summed up.
    """

    website: Website
    ref: Ref
    at: int = MAX_AT
    with_reasons: bool = False
    cursor: bytes = b""
    limit: int = VISITORS_LIMIT
    rates: Rates | None = None


class JourneyQuery(NamedTuple):
    """Which person, and which part of their journey."""

    website: Website
    ref: Ref
    cursor: bytes
    limit: int
    newest_first: bool


def read_person(tx: Transaction, asked: PersonQuery) -> PersonDetail | None:
    """A person; None when there was nobody then."""
    website_id, profile_id = asked.website.website_id, resolve_profile(tx, asked.website, asked.ref)
    person: Person | PersonThen | None
    if asked.at == MAX_AT and not asked.with_reasons:
        person = person_now(tx, website_id, profile_id)
    else:
        person = person_then(tx, website_id, profile_id, asked.at)
    return None if person is None else show_person(tx, person, asked)


def show_person(tx: Transaction, person: Person | PersonThen, asked: PersonQuery) -> PersonDetail:
    """The same of a person that was read."""
    website_id, end = asked.website.website_id, min(asked.at + 1, MAX_AT)
    visitors = look_at(tx, website_id, [person.spans], end)[0]
    listed, following = list_visitors(visitors, asked.cursor, asked.limit)
    reasons = None
    if asked.with_reasons and isinstance(person, PersonThen):
        reasons = explain(person, key_names(tx, website_id), [one.visitor_id for one in listed])
    detail = read_detail(tx, website_id, person, visitors, end)
    return msgspec.structs.replace(
        detail,
        finance=_finance(tx, person, detail, asked, end),
        visitors=[visitor_of(one) for one in listed],
        following=following,
        reasons=reasons,
    )


def _finance(tx: Transaction, person: Person, detail: PersonDetail, asked: PersonQuery, end: int) -> Finance:
    if not asked.website.has_payments:
        return nothing_paid(asked.website.currency)
    return finance_of_person(tx, asked.website, person, detail.activity.first_at, asked.rates, end)


def read_journey(tx: Transaction, asked: JourneyQuery) -> JourneyPart | None:
    """A part of a person's journey; None when there is nobody."""
    website_id, profile_id = asked.website.website_id, resolve_profile(tx, asked.website, asked.ref)
    person = person_now(tx, website_id, profile_id)
    if person is None:
        return None
    return journey(tx, website_id, person, asked.cursor, asked.limit, newest_first=asked.newest_first)

"""Routes that show people."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from footfall.auth.access import site
from footfall.auth.store import key_names
from footfall.clock import to_iso
from footfall.db.protocol import Database, Row, Transaction
from footfall.errors import BadRequest
from footfall.identity.history import Person, PersonThen, explain, nobody, person_now, person_then
from footfall.identity.ledger_endpoints import identity_json, read_as_of
from footfall.identity.refs import Ref, no_such_person, profile_id_of, read_ref
from footfall.identity.store import sql as identity_sql
from footfall.ids import MAX_AT
from footfall.people.export import export_parts, stream_parts
from footfall.people.journey import EVENT_KEY_BYTES, FACT_KEY_BYTES, journey
from footfall.people.query import find_people
from footfall.people.reading import (
    KEY_BYTES,
    Activity,
    list_visitors,
    look_at,
    person_json,
    read_activities,
)
from footfall.people.wire import PeopleQuery, read_people_query
from footfall.web.context import Context
from footfall.web.envelope import JSON_TYPE, Reply, success
from footfall.web.parameters import read_cursor, read_number_parameter, read_order
from footfall.websites.model import Website

JOURNEY_LIMIT, MAX_JOURNEY_LIMIT = 50, 250
VISITORS_LIMIT, MAX_VISITORS_LIMIT = 100, 1000


class People:
    """The handlers, on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def profiles(self, context: Context) -> Reply:
        """A page of people, newest first; found by search and traits."""
        query = read_people_query(context.pairs())
        rows, pagination = await self._database.scan(
            read_page, (site(context), query), share=site(context).website_id
        )
        return success([_with_seen(*row) for row in rows], pagination=pagination)

    async def profile(self, context: Context) -> Reply:
        """One person, now or as of a time, with reasons on demand; their visitors by cursor."""
        query = context.query()
        at = read_as_of(query)
        with_reasons = query.get("explain", "0")
        if with_reasons not in ("0", "1"):
            raise BadRequest("explain must be 0 or 1.")
        asked = PersonQuery(
            site(context),
            read_ref(context.path_values[0]),
            MAX_AT if at is None else at,
            with_reasons == "1",
            read_cursor(query.get("cursor"), KEY_BYTES, KEY_BYTES, "person"),
            read_number_parameter(query, "limit", VISITORS_LIMIT, 1, MAX_VISITORS_LIMIT),
        )
        found = await self._database.scan(read_person, asked, share=site(context).website_id)
        if found is None:
            raise no_such_person()
        person, following = found
        return success(person, pagination={"limit": asked.limit, "nextCursor": following and following.hex()})

    async def journey(self, context: Context) -> Reply:
        """What a person did, newest or oldest first, by cursor."""
        query = context.query()
        order = read_order(query, "desc")
        limit = read_number_parameter(query, "limit", JOURNEY_LIMIT, 1, MAX_JOURNEY_LIMIT)
        cursor = read_journey_cursor(query.get("cursor"))
        asked = (site(context), read_ref(context.path_values[0]), cursor, limit, order == "desc")
        found = await self._database.scan(read_journey, asked, share=site(context).website_id)
        if found is None:
            raise no_such_person()
        entries, following = found
        return success(entries, pagination={"limit": limit, "nextCursor": following and following.hex()})

    async def export(self, context: Context) -> Reply:
        """Everything held about a person."""
        found = await self._database.scan(
            read_export, (site(context), read_ref(context.path_values[0])), share=site(context).website_id
        )
        if found is None:
            raise no_such_person()
        parts = [b'{"status":"success","data":', *found, b"}"]
        return Reply(b"", 200, [JSON_TYPE], stream_parts(parts))


def read_journey_cursor(text: str | None) -> bytes:
    """A cursor as a journey gave it. Raises BadRequest."""
    return read_cursor(text, EVENT_KEY_BYTES, FACT_KEY_BYTES, "journey")


def read_page(
    tx: Transaction, asked: tuple[Website, PeopleQuery]
) -> tuple[list[tuple[dict[str, Any], Activity]], dict[str, Any]]:
    """The people on a page of a list, each with what they did, and where in the list that is."""
    website, query = asked
    rows, total, is_exact = find_people(tx, website.website_id, query)
    pagination = {
        "limit": query.limit,
        "offset": query.offset,
        "total": total,
        "hasMore": query.offset + len(rows) < total or (not is_exact and len(rows) == query.limit),
        "totalIsExact": is_exact,
    }
    members = [_members(tx, website.website_id, row) for row in rows]
    activities = read_activities(tx, website.website_id, [[one[0] for one in person] for person in members])
    shown = [_summary(row, person) for row, person in zip(rows, members, strict=True)]
    return list(zip(shown, activities, strict=True)), pagination


def _members(tx: Transaction, website_id: bytes, row: Row) -> list[Row]:
    """(profile id, user id, identified at) of the users that a listed person is, first identified first."""
    profile_id, member_count, user_id, identified_at, _ = row
    if member_count == 1:
        return [(profile_id, user_id, identified_at)]
    members = tx.all(identity_sql.members_of_person, (website_id, profile_id))
    return [(member.profile_id, member.user_id, member.identified_at) for member in members]


def _summary(row: Row, members: list[Row]) -> dict[str, Any]:
    metadata = msgspec.json.decode(row[4])
    return {
        "profileId": row[0].hex(),
        "userId": members[0][1],
        "userIds": [member[1] for member in members],
        "name": metadata.get("name"),
        "image": metadata.get("image"),
        "metadata": metadata,
        "identifiedAt": to_iso(members[0][2]),
    }


def _with_seen(person: dict[str, Any], activity: Activity) -> dict[str, Any]:
    seen = {"firstSeenAt": activity.first_at, "lastSeenAt": activity.last_at}
    return person | {name: None if at is None else to_iso(at) for name, at in seen.items()}


class PersonQuery(NamedTuple):
    """Which person, as of which time (ms since epoch; MAX_AT: now), with reasons or without, and which of their visitors."""

    website: Website
    ref: Ref
    at: int = MAX_AT
    with_reasons: bool = False
    cursor: bytes = b""
    limit: int = VISITORS_LIMIT


def read_person(tx: Transaction, asked: PersonQuery) -> tuple[dict[str, Any], bytes | None] | None:
    """A person, and the cursor of their next visitors, if there are more; None when there was nobody then."""
    website_id, profile_id = asked.website.website_id, profile_id_of(tx, asked.website, asked.ref)
    if asked.at == MAX_AT and not asked.with_reasons:
        person = person_now(tx, website_id, profile_id)
        return None if person is None else show_person(tx, person, asked)
    then = person_then(tx, website_id, profile_id, asked.at)
    return None if then is None else show_person(tx, then, asked)


def show_person(
    tx: Transaction, person: Person | PersonThen, asked: PersonQuery
) -> tuple[dict[str, Any], bytes | None]:
    """The same of a person that was read."""
    website_id, end = asked.website.website_id, min(asked.at + 1, MAX_AT)
    visitors = look_at(tx, website_id, [person.spans], end)[0]
    listed, following = list_visitors(visitors, asked.cursor, asked.limit)
    shown = identity_json(person)
    if asked.with_reasons and isinstance(person, PersonThen):
        names = key_names(tx, website_id)
        shown["explain"] = explain(person, names, [one.visitor_id for one in listed])
    return shown | person_json(tx, website_id, visitors, listed, end), following


def read_journey(
    tx: Transaction, asked: tuple[Website, Ref, bytes, int, bool]
) -> tuple[list[dict[str, Any]], bytes | None] | None:
    website, ref, cursor, limit, newest_first = asked
    person = person_now(tx, website.website_id, profile_id_of(tx, website, ref))
    if person is None:
        return None
    return journey(tx, website.website_id, person, cursor, limit, newest_first=newest_first)


def read_export(tx: Transaction, asked: tuple[Website, Ref]) -> list[bytes] | None:
    """The parts of a JSON document with everything held about a person; None when nothing is."""
    website, ref = asked
    key = (website.website_id, profile_id_of(tx, website, ref))
    then = person_then(tx, *key) or nobody(tx, *key)
    return None if then is None else export_parts(tx, website.website_id, then)

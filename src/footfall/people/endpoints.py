"""Routes that show people."""

from __future__ import annotations

from typing import Any

import msgspec

from footfall.auth.access import site
from footfall.auth.store import key_names
from footfall.clock import to_iso
from footfall.db.protocol import Database, Row, Transaction
from footfall.errors import BadRequest
from footfall.identity.history import explain, nobody, person_now, person_then
from footfall.identity.ledger_endpoints import export_json, identity_json, read_as_of
from footfall.identity.refs import Ref, no_such_person, profile_id_of, read_ref
from footfall.identity.store import sql as identity_sql
from footfall.ids import MAX_AT
from footfall.people.journey import journey, read_cursor
from footfall.people.query import find_people
from footfall.people.reading import person_json, sessions_json
from footfall.people.wire import PeopleQuery, read_number_parameter, read_people_query
from footfall.web.context import Context
from footfall.web.envelope import Reply, success
from footfall.websites.model import Website

JOURNEY_LIMIT = 50
MAX_JOURNEY_LIMIT = 250
_EXPORT_PAGE = 1000


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
        return success(rows, pagination=pagination)

    async def profile(self, context: Context) -> Reply:
        """One person, now or as of a time, with reasons on demand."""
        query = context.query()
        at = read_as_of(query)
        with_reasons = query.get("explain", "0")
        if with_reasons not in ("0", "1"):
            raise BadRequest("explain must be 0 or 1.")
        asked = (
            site(context),
            read_ref(context.path_values[0]),
            MAX_AT if at is None else at,
            with_reasons == "1",
        )
        # What is stored is read at once; what follows from all facts takes its time with many of them.
        is_stored = at is None and with_reasons == "0"
        if is_stored:
            found = await self._database.read(read_person, asked)
        else:
            found = await self._database.scan(read_person, asked, share=site(context).website_id)
        if found is None:
            raise no_such_person()
        return success(found)

    async def journey(self, context: Context) -> Reply:
        """What a person did, newest or oldest first, by cursor."""
        query = context.query()
        order = query.get("order", "desc")
        if order not in ("asc", "desc"):
            raise BadRequest("order must be asc or desc.")
        limit = read_number_parameter(query, "limit", JOURNEY_LIMIT, 1, MAX_JOURNEY_LIMIT)
        cursor = read_cursor(query.get("cursor"))
        asked = (site(context), read_ref(context.path_values[0]), cursor, limit, order == "desc")
        found = await self._database.read(read_journey, asked)
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
        return success(found)


def read_page(
    tx: Transaction, asked: tuple[Website, PeopleQuery]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    website, query = asked
    rows, total, is_exact = find_people(tx, website.website_id, query)
    pagination = {
        "limit": query.limit,
        "offset": query.offset,
        "total": total,
        "hasMore": query.offset + len(rows) < total or (not is_exact and len(rows) == query.limit),
        "totalIsExact": is_exact,
    }
    return [_summary(tx, website.website_id, row) for row in rows], pagination


def _summary(tx: Transaction, website_id: bytes, row: Row) -> dict[str, Any]:
    profile_id, member_count, user_id, identified_at, text = row
    users = [user_id]
    if member_count > 1:
        members = tx.all(identity_sql.members_of_person, (website_id, profile_id))
        users, identified_at = [member[1] for member in members], members[0][2]
    metadata = msgspec.json.decode(text)
    return {
        "profileId": profile_id.hex(),
        "userId": users[0],
        "userIds": users,
        "name": metadata.get("name"),
        "image": metadata.get("image"),
        "metadata": metadata,
        "identifiedAt": to_iso(identified_at),
    }


def read_person(tx: Transaction, asked: tuple[Website, Ref, int, bool]) -> dict[str, Any] | None:
    """A person as of a time (ms since epoch; MAX_AT: now), with reasons or without; None when there was nobody then."""
    website, ref, at, with_reasons = asked
    website_id, profile_id = website.website_id, profile_id_of(tx, website, ref)
    if at == MAX_AT and not with_reasons:
        person = person_now(tx, website_id, profile_id)
        return None if person is None else identity_json(person) | person_json(tx, website_id, person)
    then = person_then(tx, website_id, profile_id, at)
    if then is None:
        return None
    shown = identity_json(then)
    if with_reasons:
        shown["explain"] = explain(then, key_names(tx, website_id))
    return shown | person_json(tx, website_id, then, at)


def read_journey(
    tx: Transaction, asked: tuple[Website, Ref, bytes, int, bool]
) -> tuple[list[dict[str, Any]], bytes | None] | None:
    website, ref, cursor, limit, newest_first = asked
    person = person_now(tx, website.website_id, profile_id_of(tx, website, ref))
    if person is None:
        return None
    return journey(tx, website.website_id, person, cursor, limit, newest_first=newest_first)


def read_export(tx: Transaction, asked: tuple[Website, Ref]) -> dict[str, Any] | None:
    website, ref = asked
    key = (website.website_id, profile_id_of(tx, website, ref))
    then = person_then(tx, *key) or nobody(tx, *key)
    if then is None:
        return None
    entries: list[dict[str, Any]] = []
    following: bytes | None = b""
    while following is not None:
        more, following = journey(tx, website.website_id, then, following, _EXPORT_PAGE, newest_first=False)
        entries += more
    held = export_json(tx, website, then)
    held["profile"] |= person_json(tx, website.website_id, then)
    held["explain"] = held["profile"]["explain"]
    return {**held, "sessions": sessions_json(tx, website.website_id, then), "journey": entries}

"""One visitor: what was done on it, and whose it was when."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from footfall.collect.visitors import read_visitor
from footfall.dashboard.core import Call, apart, render
from footfall.dashboard.drawing import called
from footfall.dashboard.journey import Journey, draw_journey, read_part, shown_journey
from footfall.dashboard.people import sql
from footfall.db.protocol import Params, Transaction
from footfall.errors import NotFound
from footfall.identity import store
from footfall.ids import at_of, format_uuid, parse_uuid
from footfall.people.endpoints import read_journey_cursor
from footfall.people.journey import visitor_journey
from footfall.web.envelope import Reply
from footfall.web.json import encode
from footfall.websites.model import Website

PAGE = 50
"""Entries of a journey that are shown at once."""
MOST_LINKS = 200
"""Changes of the user that are looked at, the newest."""

_decode = msgspec.json.Decoder().decode


class Owner(NamedTuple):
    """Somebody whom a visitor was. `spans`: (from, until) in ms since epoch, newest first; None: from its beginning, or until now."""

    profile_id: str
    user_id: str
    name: str
    spans: list[tuple[int | None, int | None]]


class Owners(NamedTuple):
    """Those whom a visitor was, the latest first. `is_whole`: these are all."""

    people: list[Owner]
    is_whole: bool


async def visitor(call: Call) -> Reply:
    """`GET /w/{websiteId}/visitors/{visitorId}`."""
    visitor_id = _visitor_id(call)
    asked = (call.site, visitor_id, read_journey_cursor(call.query.get("cursor")), call.now)
    found = await call.services.database.scan(_read_page, asked, share=call.site.website_id)
    if found is None:
        raise _no_such_visitor()
    shown, owners, journey = found
    return await apart(
        lambda: render(call, "visitor.html", section="people", visitor=shown, owners=owners, journey=journey)
    )


def _read_page(
    tx: Transaction, asked: tuple[Website, bytes, bytes, int]
) -> tuple[dict[str, Any], Owners, Journey] | None:
    website, visitor_id, cursor, now = asked
    found = read_visitor(tx, (website.website_id, visitor_id, now))
    if found is None:
        return None
    journey = read_visitor_journey(tx, (website, visitor_id, cursor))
    return _decode(encode(found)), read_owners(tx, website.website_id, visitor_id), journey


async def visitor_page(call: Call) -> Reply:
    """`GET /w/{websiteId}/visitors/{visitorId}/journey`: the next entries."""
    asked = (call.site, _visitor_id(call), read_journey_cursor(call.query.get("cursor")))
    return await draw_journey(
        call, await call.services.database.scan(read_visitor_journey, asked, share=call.site.website_id)
    )


def read_visitor_journey(tx: Transaction, asked: tuple[Website, bytes, bytes]) -> Journey:
    """What was done on a visitor, behind a cursor."""
    website, visitor_id, cursor = asked
    found = visitor_journey(tx, website.website_id, visitor_id, cursor, PAGE)
    part = read_part(tx, website, found, with_devices=False)
    path = f"/w/{website.website_id.hex()}/visitors/{format_uuid(visitor_id)}"
    return shown_journey(part, website, path, is_first=not cursor)


def read_owners(tx: Transaction, website_id: bytes, visitor_id: bytes) -> Owners:
    """Whom a visitor was when, as its newest links tell."""
    links = tx.all(sql.links_newest, (website_id, visitor_id, MOST_LINKS + 1))
    is_whole = len(links) <= MOST_LINKS
    people = _people(tx, website_id, {row[1] for row in links if row[1] is not None})
    owners: dict[bytes, Owner] = {}
    until: int | None = None
    for index, (fact_id, profile_id) in enumerate(links[:MOST_LINKS]):
        owner = people.get(profile_id)
        before = people.get(links[index + 1][1]) if index + 1 < len(links) else None
        if owner is not None and before == owner:  # two users who are one person
            continue
        since = None if index + 1 == len(links) else at_of(fact_id)
        if owner is not None:
            known = owners.setdefault(owner[0], Owner(owner[0].hex(), owner[1], owner[2], []))
            known.spans.append((since, until))
        until = at_of(fact_id)
    return Owners(list(owners.values()), is_whole)


def _people(
    tx: Transaction, website_id: bytes, profile_ids: set[bytes]
) -> dict[bytes | None, tuple[bytes, str, str]]:
    """(profile id, user id, what they are called) of the person of each of these profiles."""
    keys: list[Params] = [(website_id, one) for one in sorted(profile_ids)]
    own = {key[1]: row for key, row in zip(keys, tx.lookup(store.sql.profile_get, keys), strict=True) if row}
    persons: list[Params] = [(website_id, one) for one in sorted({row.person_id for row in own.values()})]
    known = dict(zip((key[1] for key in persons), tx.lookup(store.sql.profile_get, persons), strict=True))
    found: dict[bytes | None, tuple[bytes, str, str]] = {}
    for profile_id, row in own.items():
        person = known[row.person_id] or row
        name = called({"metadata": _decode(person.metadata), "userId": person.user_id})
        found[profile_id] = (row.person_id, person.user_id, name)  # type: ignore[index]
    return found


def _visitor_id(call: Call) -> bytes:
    visitor_id = parse_uuid(call.context.path_values[1])
    if visitor_id is None:
        raise _no_such_visitor()
    return visitor_id


def _no_such_visitor() -> NotFound:
    return NotFound("There is no such visitor in this website.")

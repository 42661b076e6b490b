"""One visitor: what was done on it, and whose it was when."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from footfall.dashboard.page import PageRequest, apart, render
from footfall.dashboard.pages.journey import Journey, render_journey, show_journey
from footfall.dashboard.pages.people import sql
from footfall.dashboard.rendering import called
from footfall.db.protocol import Transaction
from footfall.errors import NotFound
from footfall.identity.model import Stay
from footfall.identity.reading import persons_of
from footfall.ids import at_of, format_uuid, parse_uuid
from footfall.people.endpoints import read_journey_cursor
from footfall.people.journey import visitor_journey
from footfall.predictions.model import Model, Prediction
from footfall.visitors.model import Visitor
from footfall.visitors.retrieve import find_visitor, predict_unpaid
from footfall.web.envelope import Response
from footfall.websites.model import Website

PAGE = 50
"""How many entries of a journey are shown at once."""
MOST_LINKS = 200
"""How many changes of the user are looked at, the newest."""


_Asked = tuple[Website, bytes, bytes]
"""Of a website: a visitor's id, and the cursor behind which the journey goes on."""


class Owner(NamedTuple):
    """Somebody this visitor was. `name`: what they are called; `stays`: when, newest first."""

    profile_id: bytes
    user_id: str
    name: str
    stays: list[Stay]


class Owners(NamedTuple):
    """Everybody this visitor was, the latest first. `is_whole`: these are all."""

    people: list[Owner]
    is_whole: bool


class VisitorPage(msgspec.Struct, frozen=True):
    """What the page shows. `prediction`: None where nothing can be predicted, or the visitor has paid."""

    visitor: Visitor
    owners: Owners
    journey: Journey
    prediction: Prediction | None


async def visitor(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/visitors/{visitorId}`."""
    asked = (request.site, _visitor_id(request), read_journey_cursor(request.query.get("cursor")))
    model = request.services.predictions.model_of(request.site)
    page = await request.services.database.scan(
        read_visitor_page, (asked, model), share=request.site.website_id
    )
    if page is None:
        raise _no_such_visitor()
    return await apart(
        lambda: render(
            request,
            "visitor.html",
            section="people",
            visitor=page.visitor,
            owners=page.owners,
            journey=page.journey,
            prediction=page.prediction,
        )
    )


def read_visitor_page(tx: Transaction, query: tuple[_Asked, Model | None]) -> VisitorPage | None:
    """Everything the page shows, in one state of the database; None before the first pageview."""
    asked, model = query
    website, visitor_id, _ = asked
    found = find_visitor(tx, website.website_id, visitor_id)
    if found is None:
        return None
    owners = read_owners(tx, website.website_id, visitor_id)
    predicted = predict_unpaid(tx, website.website_id, found, model) if model else None
    return VisitorPage(found, owners, read_visitor_journey(tx, asked), predicted)


async def visitor_page(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/visitors/{visitorId}/journey`: the next entries."""
    asked = (request.site, _visitor_id(request), read_journey_cursor(request.query.get("cursor")))
    return await render_journey(
        request,
        await request.services.database.scan(read_visitor_journey, asked, share=request.site.website_id),
    )


def read_visitor_journey(tx: Transaction, asked: _Asked) -> Journey:
    """What was done on a visitor, after a cursor."""
    website, visitor_id, cursor = asked
    part = visitor_journey(tx, website.website_id, visitor_id, cursor, PAGE)
    path = f"/w/{website.website_id.hex()}/visitors/{format_uuid(visitor_id)}"
    return show_journey(tx, website, part, path, is_first=not cursor, with_devices=False)


def read_owners(tx: Transaction, website_id: bytes, visitor_id: bytes) -> Owners:
    """Who a visitor was when, according to its newest links."""
    links = tx.all(sql.links_newest, (website_id, visitor_id, MOST_LINKS + 1))
    is_whole = len(links) <= MOST_LINKS
    people = persons_of(tx, website_id, {row.profile_id for row in links if row.profile_id is not None})
    owners: dict[bytes, Owner] = {}
    until: int | None = None
    for index, row in enumerate(links[:MOST_LINKS]):
        owner = people.get(row.profile_id)
        before = people.get(links[index + 1].profile_id) if index + 1 < len(links) else None
        if owner is not None and before == owner:  # two users who are one person
            continue
        since = None if index + 1 == len(links) else at_of(row.fact_id)
        if owner is not None:
            name = called(owner.traits, owner.user_id)
            known = owners.setdefault(owner.profile_id, Owner(owner.profile_id, owner.user_id, name, []))
            known.stays.append(Stay(since, until))
        until = at_of(row.fact_id)
    return Owners(list(owners.values()), is_whole)


def _visitor_id(request: PageRequest) -> bytes:
    visitor_id = parse_uuid(request.context.path_values[1])
    if visitor_id is None:
        raise _no_such_visitor()
    return visitor_id


def _no_such_visitor() -> NotFound:
    return NotFound("There is no such visitor in this website.")

"""One visitor: what was done on it, and whose it was when."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from footfall.collect.model import source_of
from footfall.dashboard.page import PageRequest, apart, render
from footfall.dashboard.pages.journey import PART, Journey, JourneyAsked, render_journey, show_journey
from footfall.dashboard.pages.people import sql
from footfall.dashboard.pages.person import journey_asked
from footfall.dashboard.rendering import called
from footfall.dashboard.story import StoryFacts, story, strip, strip_begins
from footfall.db.protocol import Transaction
from footfall.errors import NotFound
from footfall.identity.model import Stay
from footfall.identity.reading import persons_of
from footfall.ids import at_of, format_uuid, parse_uuid
from footfall.payments.webhooks.integrations import lacks_payments
from footfall.people.journey import visitor_journey
from footfall.people.person import visits_by_quarter
from footfall.predictions.model import Model, Prediction
from footfall.visitors.model import Visitor
from footfall.visitors.retrieve import find_visitor, predict_unpaid
from footfall.web.envelope import Response
from footfall.websites.model import Website

MOST_LINKS = 200
"""How many changes of the user are looked at, the newest."""


class VisitorAsked(NamedTuple):
    """Of a website: a visitor's id, and which part of its journey."""

    website: Website
    visitor_id: bytes
    journey: JourneyAsked


class VisitorPageQuery(NamedTuple):
    """What the page has to show. `strip`: the time of the visits that are shown by day (ms since epoch)."""

    asked: VisitorAsked
    strip: tuple[int, int]
    model: Model | None


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
    """What the page shows. `visits`: of the last days, as (when, how many).

    `prediction`: None where nothing can be predicted, or the visitor has paid; `lacks_payments`: the website.
    """

    visitor: Visitor
    owners: Owners
    journey: Journey
    visits: list[tuple[int, int]]
    prediction: Prediction | None
    lacks_payments: bool


async def visitor(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/visitors/{visitorId}`."""
    days = (strip_begins(request.now, request.site.timezone), request.now + 1)
    model = request.services.predictions.model_of(request.site)
    page = await request.services.database.scan(
        read_visitor_page,
        VisitorPageQuery(_asked(request), days, model),
        share=request.site.website_id,
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
            story=story(_story_facts(page.visitor), request.now, request.site.timezone),
            strip=strip(page.visits, request.now, request.site.timezone),
            prediction=page.prediction,
            lacks_payments=page.lacks_payments,
        )
    )


def _story_facts(visitor: Visitor) -> StoryFacts:
    params = visitor.params
    source = source_of((params.utm_source, params.ref, params.source, params.via), visitor.referrer)
    signed_up_at = visitor.person.identified_at if visitor.person else None
    return StoryFacts(source, visitor.first_seen_at, signed_up_at, visitor.session_count, 1, None)


def read_visitor_page(tx: Transaction, query: VisitorPageQuery) -> VisitorPage | None:
    """Everything the page shows, in one state of the database; None before the first pageview."""
    asked, days, model = query
    website, visitor_id, _ = asked
    found = find_visitor(tx, website.website_id, visitor_id)
    if found is None:
        return None
    owners = read_owners(tx, website.website_id, visitor_id)
    predicted = predict_unpaid(tx, website.website_id, found, model) if model else None
    signed_up_at = found.person.identified_at if found.person else None
    journey = read_visitor_journey(tx, asked, signed_up_at)
    visits = visits_by_quarter(tx, website.website_id, [(visitor_id, *days)])
    return VisitorPage(found, owners, journey, visits, predicted, lacks_payments(tx, website))


async def visitor_page(request: PageRequest) -> Response:
    """`GET /w/{websiteId}/visitors/{visitorId}/journey`: the next entries."""
    return await render_journey(
        request,
        await request.services.database.scan(
            read_visitor_journey, _asked(request), share=request.site.website_id
        ),
    )


def read_visitor_journey(tx: Transaction, asked: VisitorAsked, signed_up_at: int | None = None) -> Journey:
    """A part of what was done on a visitor."""
    website, visitor_id, part = asked
    found = visitor_journey(tx, website.website_id, visitor_id, part.cursor, PART, part.only)
    path = f"/w/{website.website_id.hex()}/visitors/{format_uuid(visitor_id)}"
    return show_journey(tx, website, found, path, part, signed_up_at=signed_up_at)


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


def _asked(request: PageRequest) -> VisitorAsked:
    return VisitorAsked(request.site, _visitor_id(request), journey_asked(request))


def _visitor_id(request: PageRequest) -> bytes:
    visitor_id = parse_uuid(request.context.path_values[1])
    if visitor_id is None:
        raise _no_such_visitor()
    return visitor_id


def _no_such_visitor() -> NotFound:
    return NotFound("There is no such visitor in this website.")

"""What the command bar finds: people, visitors, pages, websites, and where to go in the dashboard.

Every search is short: the index of people, the visitors seen last, and the pages of the last 30 days, which are asked for now and then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec

from footfall.analytics.query import Question
from footfall.dashboard.names import friendly_name, is_called, may_be_friendly
from footfall.dashboard.page import PageRequest, apart, page_headers, render
from footfall.dashboard.pages.people import known_visitor
from footfall.dashboard.rendering import ago, called, render_template
from footfall.dashboard.spans import DEFAULT
from footfall.db.protocol import Transaction
from footfall.errors import BadRequest, Unavailable
from footfall.hostnames import to_unicode
from footfall.identity.reading import find_person
from footfall.ids import format_uuid
from footfall.people.endpoints import read_people
from footfall.people.find.fields import people_named
from footfall.people.find.terms import folded
from footfall.people.wire import PeopleQuery
from footfall.visitors.listing import newest_visitors
from footfall.web.envelope import Response
from footfall.websites.model import Website

MAX_ASKED = 200
"""Characters of a search."""
MOST = 6
"""Rows of a group."""
RECENT = 1000
"""Visitors among whom a friendly name is looked for: those seen last."""
MOST_PATHS = 500
FRESH_MS, RETRY_MS = 300_000, 10_000
"""For how long the pages of a website are kept, and those that could not be found."""


class FoundRow(NamedTuple):
    """`detail`: what tells it from others; `form`: the id of the form that it sends, instead of leading to `href`."""

    title: str
    detail: str
    href: str
    form: str = ""


class FoundGroup(NamedTuple):
    """What was found of one kind."""

    title: str
    rows: list[FoundRow]


class Command(NamedTuple):
    """Somewhere to go. `words`: by which it is found, besides its title; `path`: from the address of the website, unless it begins with /."""

    title: str
    words: str
    path: str


OF_WEBSITE = (
    Command("Go to Overview", "home numbers chart visitors", "overview"),
    Command("Go to People", "users list", "people"),
    Command("Go to Live", "online now realtime", "live"),
    Command("Go to Revenue", "money sales mrr churn", "revenue"),
    Command("Go to Goals", "conversions funnels", "goals"),
    Command("Go to Payments", "sales refunds", "payments"),
    Command("Go to Health", "identity duplicates merge", "health"),
    Command("Go to Settings", "website", "settings"),
    Command("Install the script", "snippet tag tracking id", "settings#install"),
    Command("Create key", "api keys revoke", "settings#keys"),
    Command("Connect payments", "stripe paddle polar lemon squeezy dodo settings", "settings/payments"),
    Command("Time zone and currency", "settings name domain exclude", "settings#website"),
    Command("Signing secret", "settings rotate user hash", "settings#signing"),
    Command("Delete this website", "settings remove", "settings#delete"),
)
OF_SERVER = (
    Command("All websites", "go to home", "/"),
    Command("New website", "create add", "/websites/new"),
    Command("Account", "password change", "/account"),
    Command("Access tokens", "create api mcp", "/tokens"),
    Command("Guides and API reference", "docs help documentation", "/docs"),
)
LOG_OUT = Command("Log out", "leave sign", "/logout")


class _PathsOf(NamedTuple):
    """The pages of a website, those with the most visitors first. `until`: ms since epoch."""

    paths: list[str]
    until: int


class _FindQuery(NamedTuple):
    website: Website
    search: str
    now: int


class Finder:
    """Finds, and keeps for some minutes which pages websites have."""

    def __init__(self) -> None:
        self._paths: dict[bytes, _PathsOf] = {}

    async def find(self, request: PageRequest) -> Response:
        """`GET /w/{websiteId}/find` and `GET /find`: what is found for `q`, by group. `part=list`: the list alone, for the command bar."""
        search = " ".join(request.query.get("q", "").split())[:MAX_ASKED]
        groups = await self._groups(request, search)
        return await apart(lambda: _drawn(request, search, [one for one in groups if one.rows]))

    async def _groups(self, request: PageRequest, search: str) -> list[FoundGroup]:
        commands = FoundGroup("Dashboard", list(_commands(request, search)))
        websites = FoundGroup("Websites", list(_websites(request, search)))
        if request.website is None or not search:
            return [commands, websites]
        asked = _FindQuery(request.site, search, request.now)
        found = await request.services.database.scan(read_found, asked, share=request.site.website_id)
        pages = FoundGroup("Pages", list(_pages(request, search, await self._paths_of(request))))
        if search.startswith("/"):
            return [pages, *found, websites, commands]
        # What a search names is meant; what only has to do with it comes last.
        is_named = any(is_called(row.title, search.lower().split()) for row in commands.rows)
        others = [*found, pages, websites]
        return [commands, *others] if is_named else [*others, commands]

    async def _paths_of(self, request: PageRequest) -> list[str]:
        known = self._paths.get(request.site.website_id)
        if known is None or known.until <= request.now:
            directory = request.services.directory.websites
            self._paths = {key: one for key, one in self._paths.items() if key in directory}
            try:
                known = _PathsOf(await _asked_paths(request), request.now + FRESH_MS)
            except (BadRequest, Unavailable):
                known = _PathsOf(known.paths if known else [], request.now + RETRY_MS)
            self._paths[request.site.website_id] = known
        return known.paths


async def _asked_paths(request: PageRequest) -> list[str]:
    """The pages of the last 30 days. Raises Unavailable."""
    analytics = request.services.analytics
    asking = await analytics.prepare(request.site, [], request.now, DEFAULT)
    question: Question = msgspec.structs.replace(asking.question, limit=MOST_PATHS, offset=0)
    page = await analytics.card(msgspec.structs.replace(asking, question=question, compared=None), "pages")
    return list(dict.fromkeys(path for row in page.rows if (path := row.keys[1])))


def _commands(request: PageRequest, search: str) -> Iterator[FoundRow]:
    """Where to go; of a search, what its words begin."""
    of_website = OF_WEBSITE if request.website else ()
    words = search.lower().split()
    for one in (*of_website, *OF_SERVER):
        is_there = one.path != "payments" or request.site.has_payments
        if is_there and is_called(f"{one.title} {one.words}", words):
            yield FoundRow(one.title, "", _path(request, one.path))
    if is_called(f"{LOG_OUT.title} {LOG_OUT.words}", words):
        yield FoundRow(LOG_OUT.title, "", LOG_OUT.path, form="log-out")


def _path(request: PageRequest, path: str) -> str:
    return path if path.startswith("/") else f"/w/{request.site.website_id.hex()}/{path}"


def _websites(request: PageRequest, search: str) -> Iterator[FoundRow]:
    sought, found = search.lower(), 0
    for one in request.services.directory.websites.values():
        domain = to_unicode(one.domain)
        is_other = request.website is None or one.website_id != request.site.website_id
        if is_other and found < MOST and (sought in one.name.lower() or sought in domain.lower()):
            found += 1
            yield FoundRow(
                one.name, domain if domain != one.name else "", f"/w/{one.website_id.hex()}/overview"
            )


def _pages(request: PageRequest, search: str, paths: list[str]) -> Iterator[FoundRow]:
    """Pages whose path contains a text, and all of them together if it is a path itself."""
    sought = search.lower()
    found = [path for path in paths if sought in path.lower()]
    for path in found[:MOST]:
        yield _page(request, path, "", f"is:{_escaped(path)}")
    if search.startswith("/") and len(found) != 1:
        yield _page(request, f"All pages with {search}", "", f"contains:{_escaped(search)}")


def _escaped(value: str) -> str:
    """A value in a list of values, as the API reads it."""
    return value.replace("\\", "\\\\").replace(",", "\\,")


def _page(request: PageRequest, title: str, detail: str, condition: str) -> FoundRow:
    query = urlencode({"filter_page": condition}, safe=":,/")
    return FoundRow(title, detail, _path(request, f"overview?{query}"))


def read_found(tx: Transaction, asked: _FindQuery) -> list[FoundGroup]:
    """The people and visitors that a search finds."""
    return [
        FoundGroup("People", list(_people(tx, asked))),
        FoundGroup("Visitors", list(_visitors(tx, asked))),
    ]


def _people(tx: Transaction, asked: _FindQuery) -> Iterator[FoundRow]:
    website_id = asked.website.website_id
    here = f"/w/{website_id.hex()}/people"
    for person_id in people_named(tx, website_id, asked.search.lower())[:MOST]:
        if known := find_person(tx, website_id, person_id):
            yield FoundRow(called(known.traits, known.user_id), known.user_id, f"{here}/{person_id.hex()}")
    found = read_people(tx, asked.website, PeopleQuery((), folded(asked.search), MOST, 0))
    for one in found.people:
        name = called(one.traits, one.user_id)
        email = one.traits.get("email")
        detail = email if isinstance(email, str) and email != name else one.user_id
        yield FoundRow(name, detail if detail != name else "", f"{here}/{one.profile_id.hex()}")
    if found.has_more:
        query = urlencode({"search": asked.search})
        yield FoundRow(f"All people with “{asked.search}”", "", f"{here}?{query}")


def _visitors(tx: Transaction, asked: _FindQuery) -> Iterator[FoundRow]:
    website_id, words = asked.website.website_id, asked.search.lower().split()
    if visitor_id := known_visitor(tx, website_id, asked.search):
        yield _visitor(asked, visitor_id, format_uuid(visitor_id))
    if not may_be_friendly(words):
        return
    newest = newest_visitors(tx, website_id, RECENT)
    named = [one for one in newest if is_called(friendly_name(one.visitor_id), words)]
    for one in named[:MOST]:
        yield _visitor(asked, one.visitor_id, f"seen {ago(one.seen_at, asked.now)}")


def _visitor(asked: _FindQuery, visitor_id: bytes, detail: str) -> FoundRow:
    path = f"/w/{asked.website.website_id.hex()}/visitors/{format_uuid(visitor_id)}"
    return FoundRow(friendly_name(visitor_id), detail, path)


def _drawn(request: PageRequest, search: str, groups: list[FoundGroup]) -> Response:
    """The page, or the list alone. Run it on a thread."""
    count = sum(len(one.rows) for one in groups)
    if request.query.get("part") == "list":
        html = render_template("find_list.html", groups=groups, count=count, search=search, is_bar=True)
        return Response(html.encode(), 200, page_headers(request))
    return render(request, "find.html", groups=groups, count=count, search=search)

"""The table of all pages."""

from __future__ import annotations

from footfall.dashboard import live, people, sites
from footfall.dashboard.core import Call, Page, Pages, Services, needs_website
from footfall.dashboard.drawing import static_files
from footfall.dashboard.login import Login
from footfall.errors import NotFound
from footfall.web.context import Route
from footfall.web.envelope import Reply

TYPES = {"css": b"text/css; charset=utf-8", "js": b"text/javascript; charset=utf-8", "svg": b"image/svg+xml"}


def pages(services: Services) -> list[Route]:
    """Every page of the dashboard."""
    made, login = Pages(services), Login()

    def of_website(method: str, path: str, page: Page) -> Route:
        return made.route(method, "/w/{websiteId}" + path, needs_website(page))

    return [
        made.route("GET", "/login", login.form, is_open=True),
        made.route("POST", "/login", login.login, is_open=True),
        made.route("GET", "/setup/{secret}", login.setup_form, is_open=True),
        made.route("POST", "/setup/{secret}", login.setup, is_open=True),
        made.route("GET", "/static/{file}", static, is_open=True),
        made.route("POST", "/logout", login.logout),
        made.route("GET", "/account", login.account),
        made.route("POST", "/account", login.change_password),
        made.route("GET", "/", sites.home),
        made.route("GET", "/websites/new", sites.new_form),
        made.route("POST", "/websites/new", sites.new),
        made.route("GET", "/tokens", sites.tokens),
        made.route("POST", "/tokens", sites.add_token),
        made.route("POST", "/tokens/revoke", sites.remove_token),
        of_website("GET", "/people", people.people),
        of_website("GET", "/people/{ref}", people.person),
        of_website("GET", "/people/{ref}/journey", people.person_journey),
        of_website("GET", "/people/{ref}/export", people.export),
        of_website("POST", "/people/{ref}/merge", people.merge),
        of_website("POST", "/people/{ref}/undo", people.undo),
        of_website("POST", "/people/{ref}/erase", people.erase),
        of_website("GET", "/visitors/{visitorId}", people.visitor),
        of_website("GET", "/visitors/{visitorId}/journey", people.visitor_page),
        of_website("GET", "/live", live.live),
        of_website("GET", "/live/stream", live.live_stream),
        of_website("GET", "/health", people.health),
        of_website("GET", "/settings", sites.settings),
        of_website("POST", "/settings", sites.save),
        of_website("POST", "/signing", sites.rotate),
        of_website("POST", "/keys", sites.add_key),
        of_website("POST", "/keys/revoke", sites.remove_key),
        of_website("GET", "/seen", sites.seen),
    ]


def lost(services: Services) -> Route:
    """What a browser is told at an address that is no page's."""

    async def page(call: Call) -> Reply:
        raise NotFound("There is no page at this address.")

    return Pages(services).route("GET", "", page, is_open=True)


async def static(call: Call) -> Reply:
    """A static file; its address changes with its content, so that it may be kept for ever."""
    name = call.context.path_values[0]
    found = static_files().get(name)
    if found is None:
        raise NotFound("There is no such file.")
    kind = TYPES[name.rsplit(".", 1)[1]]
    headers = [
        (b"content-type", kind),
        (b"cache-control", b"public, max-age=31536000, immutable"),
        (b"x-content-type-options", b"nosniff"),
        (b"vary", b"accept-encoding"),
    ]
    if call.context.accepts_gzip():
        return Reply(found.gzipped, 200, [*headers, (b"content-encoding", b"gzip")])
    return Reply(found.plain, 200, headers)

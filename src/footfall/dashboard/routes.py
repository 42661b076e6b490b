"""The table of all pages."""

from __future__ import annotations

from footfall.dashboard.page import PageHandler, PageRequest, PageServices, redirect
from footfall.dashboard.pages import (
    again,
    docs,
    funnels,
    goals,
    health,
    home,
    install,
    merging,
    notes,
    overview,
    payment_settings,
    payments,
    people,
    person,
    retention,
    revenue,
    segments,
    shares,
    sites,
    visitor,
)
from footfall.dashboard.pages.find import Finder
from footfall.dashboard.pages.live import Live
from footfall.dashboard.pages.login import Login
from footfall.dashboard.rendering import static_files
from footfall.dashboard.session import Pages, needs_website
from footfall.errors import NotFound
from footfall.web.context import Route
from footfall.web.envelope import Response

TYPES = {"css": b"text/css; charset=utf-8", "js": b"text/javascript; charset=utf-8", "svg": b"image/svg+xml"}
PROVIDER_CARD = "/w/{websiteId}/settings/payments?provider={provider}"
"""The page that shows the forms of a payment provider, with its card unfolded."""


def pages(services: PageServices) -> list[Route[None]]:
    """Every page of the dashboard."""
    made, login, live, finder = Pages(services, again.log_in_first), Login(), Live(), Finder()
    shared = shares.SharedPages()

    def show(path: str, page: PageHandler, *, is_open: bool = False) -> Route[None]:
        return made.route("GET", path, _of_website(path, page), is_open=is_open)

    def form(path: str, page: PageHandler, home: str, *, is_open: bool = False) -> Route[None]:
        return made.route("POST", path, _of_website(path, page), is_open=is_open, home=home)

    def only_form(path: str, page: PageHandler, home: str) -> list[Route[None]]:
        """Whoever opens the address of such a form is sent to the page that shows it."""
        return [form(path, page, home), made.route("GET", path, go_home, home=home)]

    return [
        show("/login", login.form, is_open=True),
        form("/login", login.login, "/login", is_open=True),
        show("/setup/{secret}", login.setup_form, is_open=True),
        form("/setup/{secret}", login.setup, "/setup/{secret}", is_open=True),
        show("/share/{secret}", shared.overview, is_open=True),
        show("/static/{file}", static, is_open=True),
        *only_form("/logout", login.logout, "/"),
        show("/docs", docs.index, is_open=True),
        show("/docs/{guide}", docs.guide, is_open=True),
        show("/docs/{folder}/{guide}", docs.part, is_open=True),
        show("/account", login.account),
        form("/account", login.change_password, "/account"),
        show("/", home.home),
        show("/websites/new", sites.new_form),
        form("/websites/new", sites.new, "/websites/new"),
        show("/tokens", sites.tokens),
        form("/tokens", sites.add_token, "/tokens"),
        *only_form("/tokens/revoke", sites.remove_token, "/tokens"),
        show("/w/{websiteId}", overview.home),
        show("/w/{websiteId}/overview", overview.overview),
        show("/w/{websiteId}/overview/{card}", overview.listing),
        *only_form("/w/{websiteId}/segments", segments.save, "/w/{websiteId}/overview"),
        *only_form("/w/{websiteId}/segments/delete", segments.delete, "/w/{websiteId}/overview"),
        *only_form("/w/{websiteId}/notes", notes.save, "/w/{websiteId}/overview"),
        *only_form("/w/{websiteId}/notes/delete", notes.delete, "/w/{websiteId}/overview"),
        show("/w/{websiteId}/shares", shares.show),
        form("/w/{websiteId}/shares", shares.add, "/w/{websiteId}/shares"),
        *only_form("/w/{websiteId}/shares/allow", shares.allow, "/w/{websiteId}/shares"),
        *only_form("/w/{websiteId}/shares/revoke", shares.revoke, "/w/{websiteId}/shares"),
        show("/w/{websiteId}/people", people.people),
        show("/w/{websiteId}/people/{ref}", person.person),
        show("/w/{websiteId}/people/{ref}/journey", person.person_journey),
        show("/w/{websiteId}/people/{ref}/export", person.export),
        show("/w/{websiteId}/people/{ref}/merge", merging.show),
        form("/w/{websiteId}/people/{ref}/merge", merging.merge, "/w/{websiteId}/people/{ref}/merge"),
        *only_form("/w/{websiteId}/people/{ref}/undo", person.undo, "/w/{websiteId}/people/{ref}?ledger=1"),
        *only_form("/w/{websiteId}/people/{ref}/erase", person.erase, "/w/{websiteId}/people/{ref}"),
        show("/w/{websiteId}/visitors/{visitorId}", visitor.visitor),
        show("/w/{websiteId}/visitors/{visitorId}/journey", visitor.visitor_page),
        show("/w/{websiteId}/revenue", revenue.revenue),
        show("/w/{websiteId}/payments", payments.payments),
        show("/w/{websiteId}/payments/{paymentId}", payments.payment),
        show("/w/{websiteId}/live", live.page),
        show("/w/{websiteId}/live/stream", live.stream),
        show("/w/{websiteId}/goals", goals.goals),
        *only_form("/w/{websiteId}/goals/look", goals.save_look, "/w/{websiteId}/goals"),
        show("/w/{websiteId}/funnels", funnels.funnels),
        *only_form("/w/{websiteId}/funnels/make", funnels.create, "/w/{websiteId}/funnels/new"),
        show("/w/{websiteId}/funnels/new", funnels.new),
        show("/w/{websiteId}/funnels/{funnelId}", funnels.funnel),
        show("/w/{websiteId}/funnels/{funnelId}/edit", funnels.edit),
        form(
            "/w/{websiteId}/funnels/{funnelId}/edit",
            funnels.change,
            "/w/{websiteId}/funnels/{funnelId}/edit",
        ),
        *only_form("/w/{websiteId}/funnels/{funnelId}/remove", funnels.remove, "/w/{websiteId}/funnels"),
        show("/w/{websiteId}/retention", retention.retention),
        show("/find", finder.find),
        show("/w/{websiteId}/find", finder.find),
        show("/w/{websiteId}/health", health.health),
        *only_form("/w/{websiteId}/health/settle", health.settle, "/w/{websiteId}/health"),
        *only_form("/w/{websiteId}/health/reopen", health.reopen, "/w/{websiteId}/health"),
        show("/w/{websiteId}/settings", sites.settings),
        form("/w/{websiteId}/settings", sites.save, "/w/{websiteId}/settings"),
        show("/w/{websiteId}/settings/payments", payment_settings.show),
        *only_form(
            "/w/{websiteId}/settings/payments/{provider}/key", payment_settings.connect, PROVIDER_CARD
        ),
        *only_form(
            "/w/{websiteId}/settings/payments/{provider}/secret", payment_settings.save_secret, PROVIDER_CARD
        ),
        *only_form(
            "/w/{websiteId}/settings/payments/{provider}/disconnect",
            payment_settings.disconnect,
            PROVIDER_CARD,
        ),
        *only_form("/w/{websiteId}/signing", sites.rotate, "/w/{websiteId}/settings#signing"),
        *only_form("/w/{websiteId}/keys", sites.add_key, "/w/{websiteId}/settings#keys"),
        *only_form("/w/{websiteId}/keys/revoke", sites.remove_key, "/w/{websiteId}/settings#keys"),
        *only_form("/w/{websiteId}/allow", sites.allow, "/w/{websiteId}/settings#install"),
        *only_form("/w/{websiteId}/delete", sites.delete, "/w/{websiteId}/settings#delete"),
        show("/w/{websiteId}/seen", install.seen),
    ]


def not_found(services: PageServices) -> Route[None]:
    """What a browser is told at an address that has no page."""

    async def page(request: PageRequest) -> Response:
        raise NotFound("There is no page at this address.")

    return Pages(services, again.log_in_first).route("GET", "", page, is_open=True)


def _of_website(path: str, page: PageHandler) -> PageHandler:
    return needs_website(page) if path.startswith("/w/") else page


async def go_home(request: PageRequest) -> Response:
    """To the page that shows a form."""
    return redirect(request, request.home)


async def static(request: PageRequest) -> Response:
    """A static file. Its address changes with its content, so it can be cached forever."""
    name = request.context.path_values[0]
    found = static_files().get(name)
    if found is None:
        raise NotFound("There is no such file.")
    kind = TYPES[name.rsplit(".", 1)[1]]
    headers = [
        (b"content-type", kind),
        (b"cache-control", b"public, max-age=31536000, immutable"),
        (b"vary", b"accept-encoding"),
    ]
    if request.context.accepts_gzip():
        return Response(found.gzipped, 200, [*headers, (b"content-encoding", b"gzip")])
    return Response(found.plain, 200, headers)

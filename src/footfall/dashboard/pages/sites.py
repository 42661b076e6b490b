"""Websites: creating one, its settings, its keys, and the access tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from footfall.auth import store
from footfall.auth.removal import close_website
from footfall.auth.scopes import ALL, SCOPES
from footfall.dashboard.forms import Problem, problem_of
from footfall.dashboard.page import PageRequest, redirect, render
from footfall.dashboard.pages.install import read_install
from footfall.db.protocol import Transaction
from footfall.errors import ApiError, BadRequest, FieldError, Refusal, accepted
from footfall.hostnames import to_unicode
from footfall.ids import parse_object_id
from footfall.log import get_logger
from footfall.web.envelope import Response
from footfall.websites.fields import clean_changes, clean_host
from footfall.websites.model import Changes, Exclusions, Website
from footfall.websites.store import (
    add_website,
    allow_host,
    configuration_changed,
    new_website,
    rotate_signing_secret,
    update_website,
)

T = TypeVar("T")
_log = get_logger("dashboard")

EXCLUSIONS = {
    "hostnames": ("Excluded host names", "staging.example.com"),
    "paths": ("Excluded paths", "/admin/*"),
    "countries": ("Excluded countries", "DE, FR"),
    "ips": ("Excluded addresses", "192.0.2.7, 192.0.2.0/24"),
}
"""Lists of exclusions, with their titles and an example."""
SWITCHES = {
    "is_cookieless": (
        "Cookieless",
        "Store nothing in browsers. Use script.cookieless.js. People cannot be identified.",
    ),
    "is_signature_required": (
        "Signed identify only",
        "Ignore identify calls from pages that your backend did not sign.",
    ),
    "is_image_allowed": (
        "Show images of people",
        "Your browser loads them from other sites, without a referrer.",
    ),
    "is_public": (
        "Public dashboard",
        "Links that you share show the overview to anybody, without people.",
    ),
    "is_localhost_allowed": ("Count localhost", "For development."),
    "is_headless_allowed": (
        "Count headless browsers",
        "For tests. Otherwise they are treated as bots.",
    ),
    "is_suspended": ("Suspended", "Drop all events and refuse API calls."),
}
"""Settings that are on or off, with their titles and what they do."""


FIELDS = {"permissions": "scope"}
"""Token fields that have another name in the form."""
ASKED = {
    "is_suspended": "While the website is suspended, events are lost for good and calls from your backend are refused.",
    "is_cookieless": "On a cookieless website nobody can be identified. Returning visitors will be strangers.",
}
"""Switches that need confirmation before they are turned on, and why."""


async def change(request: PageRequest, work: Callable[[Transaction], T | ApiError | FieldError]) -> T:
    """Run work that changes the configuration, and make the change known at once. Raises whatever it refuses with."""

    def changed(tx: Transaction) -> T | ApiError | FieldError:
        result = work(tx)
        if not isinstance(result, Refusal):
            configuration_changed(tx)
        return result

    result = await request.services.database.change(changed)
    await request.services.directory.refresh()
    return accepted(result)


async def new_form(request: PageRequest) -> Response:
    """`GET /websites/new`."""
    return render(request, "website_new.html", form={}, problem=None)


async def new(request: PageRequest) -> Response:
    """`POST /websites/new`."""
    form = request.form
    try:
        new = new_website(
            form.get("domain", ""),
            request.now,
            name=form.get("name") or None,
            timezone=form.get("timezone") or "UTC",
            is_cookieless="is_cookieless" in form,
        )
        made = await change(request, lambda tx: add_website(tx, new))
    except FieldError as error:
        return render(request, "website_new.html", status=400, form=form, problem=problem_of(error))
    return redirect(request, f"/w/{made.website_id.hex()}/settings")


async def settings(
    request: PageRequest,
    *,
    shown_key: str = "",
    problem: Problem | None = None,
    status: int = 200,
    typed: dict[str, str] | None = None,
    asked: list[str] | None = None,
) -> Response:
    """`GET /w/{websiteId}/settings`. `typed`: a form that was not saved, for another try; `asked`: switches that need confirmation."""
    website = request.site
    keys = await request.services.database.read(store.list_keys, website.website_id)
    return render(
        request,
        "settings.html",
        section="settings",
        status=status,
        keys=[key for key in keys if key.revoked_at is None],
        install=await read_install(request),
        switches=SWITCHES,
        exclusions=EXCLUSIONS,
        warnings=ASKED,
        fields=_fields(website) if typed is None else typed,
        shown_key=shown_key,
        problem=problem,
        asked=asked or [],
        done=request.query.get("done"),
    )


def _fields(website: Website) -> dict[str, str]:
    """The settings of a website in the form's format; switches that are off are missing."""
    lists = {f"excluded_{name}": getattr(website.exclusions, name) for name in EXCLUSIONS}
    lists["allowed_hostnames"] = website.allowed_hostnames
    for name in ("allowed_hostnames", "excluded_hostnames"):
        lists[name] = tuple(map(to_unicode, lists[name]))
    return {
        "domain": to_unicode(website.domain),
        "name": website.name,
        "timezone": website.timezone,
        "currency": website.currency,
        **{name: ", ".join(items) for name, items in lists.items()},
        **{name: "on" for name in SWITCHES if getattr(website, name)},
    }


async def save(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/settings`."""
    form = request.form
    asked = [name for name in ASKED if name in form and not getattr(request.site, name)]
    if asked and "sure" not in form:
        return await settings(request, typed=form, asked=asked)
    try:
        changes = clean_changes(_typed(form, request.site), request.site)
        await change(request, lambda tx: update_website(tx, request.site.website_id, changes))
    except FieldError as error:
        return await settings(request, problem=problem_of(error), status=400, typed=form)
    return _settings_done(request, "saved")


def _typed(form: dict[str, str], website: Website) -> Changes:
    """What the settings form of a website says."""
    return Changes(
        name=form.get("name") or to_unicode(website.domain),
        domain=form.get("domain", ""),
        timezone=form.get("timezone", ""),
        currency=form.get("currency", website.currency),
        allowed_hostnames=_items(form.get("allowed_hostnames", "")),
        exclusions=Exclusions(**{name: _items(form.get(f"excluded_{name}", "")) for name in EXCLUSIONS}),
        **{name: name in form for name in SWITCHES},
    )


async def allow(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/allow`: accept events from localhost, or from one more host name."""
    typed, website_id = request.form.get("host"), request.site.website_id
    if not typed:
        await change(request, lambda tx: update_website(tx, website_id, Changes(is_localhost_allowed=True)))
        return _settings_done(request, "localhost", "install")
    try:
        host = _one_host(typed)
        await change(request, lambda tx: allow_host(tx, website_id, host))
    except FieldError as error:
        return await settings(request, problem=problem_of(error, "host"), status=400)
    return _settings_done(request, "host", "install")


def _one_host(typed: str) -> str:
    if "*" in typed:
        raise FieldError("host", "enter one host; patterns belong in the settings")
    return clean_host(typed, "host")


def _settings_done(request: PageRequest, done: str, card: str = "") -> Response:
    return redirect(
        request, f"/w/{request.site.website_id.hex()}/settings?done={done}" + (f"#{card}" if card else "")
    )


async def rotate(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/signing`: create another signing secret, or forget the previous one."""
    end = request.form.get("action") == "end"
    await change(request, lambda tx: rotate_signing_secret(tx, request.site.website_id, end=end))
    return _settings_done(request, "forgotten" if end else "rotated")


async def add_key(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/keys`: a key, shown only this once."""
    name = request.form.get("name", "")
    try:
        new = store.new_key(request.site.website_id, name, request.now)
    except FieldError as error:
        return await settings(request, problem=problem_of(error, "key"), status=400)
    await change(request, lambda tx: store.add_key(tx, new))
    _tell("key created", request, key=new.key.api_key_id)
    return await settings(request, shown_key=new.secret)


async def remove_key(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/keys/revoke`."""
    key_id = _object_id(request.form.get("id", ""))
    known = await request.services.database.read(store.list_keys, request.site.website_id)
    if key_id in {key.api_key_id for key in known} and await change(
        request, lambda tx: store.revoke_key(tx, key_id, request.now)
    ):
        _tell("key revoked", request, key=key_id)
    return _settings_done(request, "revoked")


async def delete(request: PageRequest) -> Response:
    """`POST /w/{websiteId}/delete`: once the domain has been typed."""
    website = request.site
    if request.form.get("confirm", "").lower() != website.domain:
        problem = Problem(
            "confirm", f"Type {website.domain} exactly as it stands there to delete this website."
        )
        return await settings(request, problem=problem, status=400)
    await change(request, lambda tx: close_website(tx, website.website_id, request.now))
    _tell("website deleted", request, website=website.website_id)
    return redirect(request, "/?done=deleted")


async def tokens(
    request: PageRequest, *, shown_key: str = "", problem: Problem | None = None, status: int = 200
) -> Response:
    """`GET /tokens`: access tokens, which may cover several websites."""
    found = await request.services.database.read(lambda tx, _: store.list_tokens(tx), None)
    return render(
        request,
        "tokens.html",
        status=status,
        tokens=[token for token in found if token.revoked_at is None],
        scopes={scope: text for scope, text in SCOPES.items() if scope in request.services.scopes},
        shown_key=shown_key,
        problem=problem,
        done=request.query.get("done"),
        names={one.website_id: one.name for one in request.services.directory.websites.values()},
        typed=request.fields if problem else [],
    )


async def add_token(request: PageRequest) -> Response:
    """`POST /tokens`: a token, shown only this once."""
    scopes = [value for name, value in request.fields if name == "scope"]
    allowed = [_object_id(value) for name, value in request.fields if name == "website"]
    name = request.form.get("name", "")
    if not scopes:
        return await tokens(request, problem=Problem("scope", "Tick at least one of these."), status=400)
    try:
        new = store.new_token(name, [ALL] if ALL in scopes else scopes, allowed, request.now)
    except FieldError as error:
        return await tokens(request, problem=problem_of(error, FIELDS.get(error.field, "")), status=400)
    await change(request, lambda tx: store.add_token(tx, new))
    _tell("token created", request, token=new.token.token_id)
    return await tokens(request, shown_key=new.secret)


async def remove_token(request: PageRequest) -> Response:
    """`POST /tokens/revoke`."""
    token_id = _object_id(request.form.get("id", ""))
    if await change(request, lambda tx: store.revoke_token(tx, token_id, request.now)):
        _tell("token revoked", request, token=token_id)
    return redirect(request, "/tokens?done=revoked")


def _tell(what: str, request: PageRequest, **ids: bytes) -> None:
    """Log what was done, and by which account."""
    _log.info(what, **{name: one.hex() for name, one in ids.items()}, account=request.user.account_id.hex())


def _items(text: str) -> tuple[str, ...]:
    """Whatever commas and blanks separate."""
    return tuple(text.replace(",", " ").split())


def _object_id(text: str) -> bytes:
    found = parse_object_id(text)
    if found is None:
        raise BadRequest("This form refers to something that does not exist.")
    return found

"""Who may call what: one table over all routes of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from footfall.auth.access import CALLER, WEBSITE, WEBSITE_IN_PATH
from footfall.auth.scopes import SCOPES
from footfall.auth.store import list_tokens, revoke_key, revoke_token
from footfall.auth.tokens import display_key, make_secret
from footfall.clock import system_clock
from footfall.db.protocol import Transaction
from footfall.web.context import Route
from footfall.websites.store import configuration_changed
from tests.conftest import SitePool
from tests.support.openapi import description
from tests.support.sites import Site, wait_until_refused
from tests.support.table import example_path, route_table

ON_ENGINES = ["sqlite"]
"""What is asked here is decided before a database is."""

TABLE = route_table()
GUARDED = [route for route in TABLE if route.credential is WEBSITE]
IN_PATH = [route for route in TABLE if route.credential is WEBSITE_IN_PATH]
CALLED = [route for route in TABLE if route.credential is CALLER]
OPEN = [route for route in TABLE if not route.credential.is_checked]


def title(route: object) -> str:
    return f"{route.method} {route.path}" if isinstance(route, Route) else str(route)


class Callers(msgspec.Struct):
    """Keys and tokens of many kinds."""

    mine: Site
    theirs: Site
    suspended: Site
    revoked_key: str
    revoked_token: str
    tokens: dict[tuple[str, ...], str]

    def token(self, *scopes: str, websites: str = "") -> str:
        """A token with `scopes`; `websites`: `mine`, `theirs`, or all."""
        return self.tokens[(websites, *scopes)]


@pytest.fixture(scope="module")
def callers(sites: SitePool) -> Callers:
    mine, theirs, gone, suspended = sites.take(), sites.take(), sites.take(), sites.take("suspended")
    kinds: list[tuple[str, ...]] = [("", "*"), ("theirs", "*")]
    for scope in sorted({route.scope for route in GUARDED + IN_PATH + CALLED if route.scope}):
        kinds += [("", scope), ("mine", scope), ("", *others(scope))]
    allowed: dict[str, list[str]] = {"": [], "mine": [mine.website_id], "theirs": [theirs.website_id]}
    revoked_token, *made = mine.tokens(
        [(["*"], []), *((list(scopes), allowed[websites]) for websites, *scopes in kinds)]
    )

    def revoke(tx: Transaction) -> None:
        now = system_clock()
        assert revoke_key(tx, bytes.fromhex(gone.key_id), now)
        shown = display_key(revoked_token)
        token = next(one for one in list_tokens(tx) if one.display_key == shown)
        assert revoke_token(tx, token.token_id, now)
        configuration_changed(tx)

    mine.place.transact(revoke)
    wait_until_refused(mine.http, gone.key)
    wait_until_refused(mine.http, revoked_token)
    return Callers(mine, theirs, suspended, gone.key, revoked_token, dict(zip(kinds, made, strict=True)))


def call(site: Site, route: Route[Any], authorization: str | None, query: str = "") -> httpx.Response:
    """Call a route with a body that has nothing in it. A website in its path is the one of the query, or else `site`."""
    headers = {"content-type": "application/json"}
    if authorization is not None:
        headers["authorization"] = authorization
    content = b"{}" if route.max_body else None
    path = example_path(route) + query
    if route.credential is WEBSITE_IN_PATH:
        website = query.partition("=")[2] or site.website_id
        path = example_path(route).replace("/websites/" + "00" * 12, f"/websites/{website}")
    return site.http.request(route.method, path, headers=headers, content=content)


Case = Callable[[Callers, str], tuple[str | None, str]]
"""From callers and the route's scope to (Authorization header, query)."""


def of(site: Site) -> str:
    return f"?websiteId={site.website_id}"


def others(scope: str) -> list[str]:
    """All scopes but one."""
    return [name for name in SCOPES if name != scope]


CASES: dict[str, tuple[int, Case]] = {
    "no credential": (401, lambda c, scope: (None, "")),
    "an empty credential": (401, lambda c, scope: ("Bearer", "")),
    "another scheme": (401, lambda c, scope: (f"Basic {c.mine.key}", "")),
    "a key without scheme": (401, lambda c, scope: (c.mine.key, "")),
    "a malformed key": (401, lambda c, scope: ("Bearer df_abc", "")),
    "a mistyped key": (401, lambda c, scope: (f"Bearer {c.mine.key[:-1]}~", "")),
    "a key in upper case": (401, lambda c, scope: (f"Bearer {c.mine.key.upper()}", "")),
    "an unknown key": (401, lambda c, scope: (f"Bearer {make_secret('df_', 'x' * 32)}", "")),
    "an unknown token": (401, lambda c, scope: (f"Bearer {make_secret('dft_', 'x' * 32)}", of(c.mine))),
    "a revoked key": (401, lambda c, scope: (f"Bearer {c.revoked_key}", "")),
    "a revoked token": (401, lambda c, scope: (f"Bearer {c.revoked_token}", of(c.mine))),
    "a key for another website": (403, lambda c, scope: (f"Bearer {c.mine.key}", of(c.theirs))),
    "a key for an unknown website": (
        403,
        lambda c, scope: (f"Bearer {c.mine.key}", "?websiteId=" + "0" * 24),
    ),
    "a key for what is no website id": (403, lambda c, scope: (f"Bearer {c.mine.key}", "?websiteId=x")),
    "a key of a suspended website": (403, lambda c, scope: (f"Bearer {c.suspended.key}", "")),
    "a token for a suspended website": (403, lambda c, scope: (f"Bearer {c.token('*')}", of(c.suspended))),
    "a token without the scope": (403, lambda c, scope: (f"Bearer {c.token(*others(scope))}", of(c.mine))),
    "a token for a website not on its list": (
        403,
        lambda c, scope: (f"Bearer {c.token('*', websites='theirs')}", of(c.mine)),
    ),
    "a token for an unknown website": (
        403,
        lambda c, scope: (f"Bearer {c.token('*')}", "?websiteId=" + "0" * 24),
    ),
    "a token for what is no website id": (403, lambda c, scope: (f"Bearer {c.token('*')}", "?websiteId=x")),
    "a token that names no website": (400, lambda c, scope: (f"Bearer {c.token('*')}", "")),
}


NAMELESS = "a token that names no website", "a key of a suspended website"
"""What a website in the path leaves no room for."""


@pytest.mark.parametrize("case", [case for case in CASES if case not in NAMELESS])
@pytest.mark.parametrize("route", IN_PATH, ids=title)
def test_no_route_with_a_website_in_its_path_lets_in(callers: Callers, route: Route[Any], case: str) -> None:
    expected, make = CASES[case]
    assert route.scope is not None
    assert call(callers.mine, route, *make(callers, route.scope)).status_code == expected


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case][0] == 401])
@pytest.mark.parametrize("route", CALLED, ids=title)
def test_no_route_about_all_websites_lets_in(callers: Callers, route: Route[Any], case: str) -> None:
    assert call(callers.mine, route, CASES[case][1](callers, str(route.scope))[0]).status_code == 401


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("route", GUARDED, ids=title)
def test_no_guarded_route_lets_in(callers: Callers, route: Route[Any], case: str) -> None:
    expected, make = CASES[case]
    assert route.scope is not None
    response = call(callers.mine, route, *make(callers, route.scope))
    assert response.status_code == expected, response.text
    assert "access-control-allow-origin" not in response.headers


ALLOWED: dict[str, Case] = {
    "the website's key": lambda c, scope: (f"Bearer {c.mine.key}", ""),
    "the website's key with its id": lambda c, scope: (f"Bearer {c.mine.key}", of(c.mine)),
    "a token with the scope": lambda c, scope: (f"Bearer {c.token(scope)}", of(c.mine)),
    "a token with all scopes": lambda c, scope: (f"Bearer {c.token('*')}", of(c.mine)),
    "a token with the website on its list": lambda c, scope: (
        f"Bearer {c.token(scope, websites='mine')}",
        of(c.mine),
    ),
}


@pytest.mark.parametrize("case", ALLOWED)
@pytest.mark.parametrize("route", GUARDED + IN_PATH + CALLED, ids=title)
def test_every_guarded_route_lets_in(callers: Callers, route: Route[Any], case: str) -> None:
    assert route.scope is not None
    response = call(callers.mine, route, *ALLOWED[case](callers, route.scope))
    # Nothing keeps the columns of this server.
    away = (503,) if "/analytics/" in route.path else ()
    assert response.status_code in (200, 400, 404, 409, *away), response.text
    assert "websiteId" not in response.text


@pytest.mark.parametrize("route", OPEN, ids=title)
def test_an_open_route_looks_at_no_credential(callers: Callers, route: Route[Any]) -> None:
    for authorization in (
        None,
        "Bearer df_abc",
        f"Bearer {callers.revoked_key}",
        f"Bearer {callers.suspended.key}",
    ):
        assert call(callers.mine, route, authorization).status_code in (200, 404)


@pytest.mark.parametrize("route", GUARDED + IN_PATH + CALLED, ids=title)
def test_a_page_of_another_origin_may_not_call_the_api(callers: Callers, route: Route[Any]) -> None:
    headers = {"origin": "https://evil.example", "authorization": f"Bearer {callers.mine.key}"}
    answers = [
        callers.mine.http.request(route.method, example_path(route), headers=headers),
        callers.mine.http.options(
            example_path(route), headers={**headers, "access-control-request-method": route.method}
        ),
    ]
    assert answers[1].status_code == 405
    for answer in answers:
        assert not any(name.startswith("access-control-") for name in answer.headers)


@pytest.mark.parametrize("route", TABLE, ids=title)
def test_every_route_is_described(route: Route[Any]) -> None:
    assert (route.method, route.path) in description().operations()


def test_the_refusal_tells_a_mistyped_key_from_an_unknown_one(callers: Callers) -> None:
    visitors = next(route for route in GUARDED if route.path.startswith("/api/v1/visitors"))
    mistyped = call(callers.mine, visitors, "Bearer df_abc").json()["error"]["message"]
    unknown = call(callers.mine, visitors, f"Bearer {callers.revoked_key}").json()["error"]["message"]
    assert "checksum" in mistyped
    assert "revoked" in unknown


def test_a_revoked_key_is_refused_in_the_middle_of_a_stream_of_calls(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A")

    def revoke(tx: Transaction) -> None:
        revoke_key(tx, bytes.fromhex(server.key_id), system_clock())
        configuration_changed(tx)

    server.place.transact(revoke)
    deadline = system_clock() + 5_000  # a second is promised; a busy machine gets more
    body = {"user_id": "A", "datafast_visitor_id": visitor}
    accepted = 0
    while (response := server.post(body)).status_code == 200:
        accepted += 1
        assert system_clock() < deadline
    assert response.status_code == 401
    assert len(server.facts()) == accepted + 1

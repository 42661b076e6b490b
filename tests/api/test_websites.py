"""Websites over the API: who sees which, and what their settings are."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.sites import Site, new_visitor

LIST = "/api/v1/admin/websites"


def path(site: Site) -> str:
    return f"{LIST}/{site.website_id}"


def put(site: Site, **body: Any) -> httpx.Response:
    return site.call("PUT", path(site), json=body)


def changed(site: Site, **body: Any) -> dict[str, Any]:
    answer = put(site, **body)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["data"]
    return dict(found)


def settings(site: Site) -> dict[str, Any]:
    (found,) = site.call("GET", path(site)).json()["data"]
    return dict(found)


def test_callers_see_the_websites_that_they_may_access(server: Site, other: Site) -> None:
    (mine,) = server.call("GET", LIST).json()["data"]
    assert mine == {
        "_id": server.website_id,
        "id": server.website_id,
        **{name: settings(server)[name] for name in ("domain", "name", "trackingId", "timezone", "currency")},
        "role": "member",
    }
    few, everything = server.tokens([(["websites:read"], [other.website_id]), (["websites:read"], [])])
    (theirs,) = server.call("GET", LIST, key=few).json()["data"]
    assert (theirs["_id"], theirs["role"]) == (other.website_id, "owner")
    seen = {one["_id"] for one in server.call("GET", LIST, key=everything).json()["data"]}
    assert {server.website_id, other.website_id} <= seen
    assert server.call("GET", LIST, key=server.token(["settings:read"])).status_code == 403


def test_a_setting_that_is_put_is_followed_at_once_and_the_others_stay(server: Site) -> None:
    before = settings(server)
    said: dict[str, Any] = {
        "name": "Shop",
        "timezone": "Europe/Berlin",
        "currency": "eur",
        "isPublicDashboardEnabled": True,
        "allowedHostnames": ["Straße.example", " *.shop.example "],
        "excludedPaths": ["/admin/*"],
        "excludedIps": ["192.0.2.0/24"],
        "domain": None,
        "kpi": "signup",
    }
    kept = {"currency": "EUR", "allowedHostnames": ["straße.example", "*.shop.example"]}
    expected = before | {name: said[name] for name in said.keys() & before.keys() - {"domain"}} | kept
    assert changed(server, **said) == settings(server) == expected
    assert (
        server.dropped("pageview", new_visitor(), href=f"https://{server.domain}/admin/users") == "excluded"
    )
    assert changed(server, excludedPaths=[])["excludedIps"] == ["192.0.2.0/24"]
    assert changed(server, isPublicDashboardEnabled=False)["excludedPaths"] == []


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("domain", {}),
        ("isPublicDashboardEnabled", {"kpi": "signup"}),
        ("domain", {"domain": "no domain"}),
        ("name", {"name": 7}),
        ("name", {"name": " "}),
        ("timezone", {"timezone": "Mars/Olympus"}),
        ("currency", {"currency": "XQX"}),
        ("isCookieless", {"isCookieless": "yes"}),
        ("isPublicDashboardEnabled", {"isPublicDashboardEnabled": 1}),
        ("allowedHostnames", {"allowedHostnames": "shop.example"}),
        ("allowedHostnames", {"allowedHostnames": ["shop"]}),
        ("excludedHostnames", {"excludedHostnames": [""]}),
        ("excludedPaths", {"excludedPaths": [7]}),
        ("excludedCountries", {"excludedCountries": ["Germany"]}),
        ("excludedIps", {"excludedIps": ["192.0.2.0/99"]}),
        ("excludedIps", {"excludedIps": [f"192.0.2.{last}" for last in range(101)]}),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(server: Site, field: str, body: dict[str, Any]) -> None:
    before = settings(server)
    answer = put(server, **body)
    assert answer.status_code == 400
    assert field in answer.json()["error"]["message"]
    assert settings(server) == before


def test_a_domain_belongs_to_one_website(server: Site, other: Site) -> None:
    answer = put(server, domain=settings(other)["domain"])
    assert answer.status_code == 409
    assert answer.json()["error"]["message"].startswith("domain: ")
    assert put(server, domain=settings(server)["domain"]).status_code == 200

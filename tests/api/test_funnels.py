"""Funnels: made, listed, changed and taken out of use."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.sites import Site

STEPS: list[dict[str, Any]] = [
    {"name": "Pricing", "type": "pageview", "url": "/pricing*"},
    {"type": "goal", "goalName": "Payment"},
]


def path(site: Site, funnel_id: str = "") -> str:
    rest = f"/{funnel_id}" if funnel_id else ""
    return f"/api/v1/admin/websites/{site.website_id}/funnels{rest}"


def make(site: Site, name: Any = "Checkout", steps: Any = None) -> httpx.Response:
    return site.call("POST", path(site), json={"name": name, "steps": STEPS if steps is None else steps})


def made(site: Site, name: str = "Checkout") -> dict[str, Any]:
    answer = make(site, name)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"][0]
    return found


def listed(site: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.call("GET", path(site)).json()["data"]
    return found


def test_a_funnel_is_made_listed_changed_and_deleted(server: Site, other: Site) -> None:
    funnel = made(server)
    assert funnel["_id"] == funnel["id"]
    assert (funnel["websiteId"], funnel["slug"], funnel["isActive"]) == (server.website_id, "checkout", True)
    assert funnel["steps"] == [
        {"name": "Pricing", "type": "pageview", "url": "/pricing*"},
        {"name": "payment", "type": "goal", "goalName": "payment"},
    ]
    assert listed(server) == [funnel]
    assert listed(other) == []
    changed = server.call("PUT", path(server, funnel["id"]), json={"name": "Checkout 2"}).json()["data"][0]
    assert (changed["slug"], changed["steps"]) == ("checkout-2", funnel["steps"])
    assert server.call("DELETE", path(server, funnel["id"])).json()["data"][0]["id"] == funnel["id"]
    assert listed(server) == []
    again = {"name": "x"}
    assert server.call("PUT", path(server, funnel["id"]), json=again).status_code == 404
    assert server.call("DELETE", path(server, funnel["id"])).status_code == 404
    assert made(server, "Checkout 2")["id"] != funnel["id"]


def test_a_name_is_one_funnels(server: Site, other: Site) -> None:
    first, second = made(server), made(server, "Other")
    assert make(server, "checkout").status_code == 409
    assert server.call("PUT", path(server, second["id"]), json={"name": "CHECKOUT"}).status_code == 409
    assert server.call("PUT", path(server, first["id"]), json={"name": "CHECKOUT"}).status_code == 200
    assert made(other)["name"] == "Checkout"


def test_slugs_are_told_apart(server: Site) -> None:
    slugs = [made(server, name)["slug"] for name in ("a b", "a-b", "価格")]
    assert slugs[0] == "a-b"
    assert slugs[1].startswith("a-b-")
    assert slugs[2].startswith("funnel-")


BAD: list[tuple[str, Any, Any]] = [
    ("name", None, STEPS),
    ("name", 7, STEPS),
    ("name", "x" * 101, STEPS),
    ("name", " ", STEPS),
    ("steps", "Checkout", "x"),
    ("steps", "Checkout", STEPS[:1]),
    ("steps", "Checkout", STEPS * 5),
    ("steps[1]", "Checkout", [STEPS[0], "x"]),
    ("steps[1].type", "Checkout", [STEPS[0], {"type": "payment"}]),
    ("steps[1].url", "Checkout", [STEPS[0], {"type": "pageview", "url": "javascript:alert(1)"}]),
    ("steps[1].url", "Checkout", [STEPS[0], {"type": "pageview", "url": "/" + "x" * 2048}]),
    ("steps[1].goalName", "Checkout", [STEPS[0], {"type": "goal"}]),
    ("steps[1].goalName", "Checkout", [STEPS[0], {"type": "goal", "goalName": "<b>"}]),
    ("steps[1].name", "Checkout", [STEPS[0], {**STEPS[1], "name": ""}]),
]


@pytest.mark.parametrize(("field", "name", "steps"), BAD)
def test_what_is_wrong_is_named(server: Site, field: str, name: Any, steps: Any) -> None:
    answer = make(server, name, steps)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(field)
    assert listed(server) == []

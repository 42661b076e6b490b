"""The package `datafast-mcp-server`, unchanged, asks for the numbers; and badges do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.support.servers import until
from tests.support.sites import Site, new_visitor

ON_ENGINES = ["sqlite"]

FOLDER = Path(__file__).parents[1]
PROGRAM = FOLDER / "node_modules" / "datafast-mcp-server" / "build" / "index.js"
REDIRECT = Path(__file__).with_name("redirect.mjs")
RANGE = {
    "startAt": "2026-01-01",
    "endAt": "2036-01-01",
    "timezone": "Europe/Berlin",
    "limit": 10,
    "offset": 0,
}
CALLS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "get_overview": (
        {"fields": "visitors,sessions,revenue,nothing"},
        {"visitors": 2, "sessions": 2, "revenue": 0},
    ),
    "get_realtime": ({}, {"visitors": 2}),
    "get_pages": ({"fields": "hostname,path,visitors", **RANGE}, {"path": "/", "visitors": 2}),
    "get_referrers": ({**RANGE, "browser": "Chrome"}, {"referrer": "Direct/None", "visitors": 2}),
    "get_countries": ({**RANGE, "device": "desktop"}, {"visitors": 2}),
    "get_devices": ({**RANGE, "page": "/"}, {"device": "desktop", "visitors": 2}),
    "get_browsers": (RANGE, {"browser": "Chrome", "visitors": 2}),
    "get_operating_systems": ({**RANGE, "fields": "os,visitors"}, {"visitors": 2}),
    "get_goals": ({**RANGE, "fields": "name,completions,visitors"}, {"completions": 1, "visitors": 1}),
    "get_regions": (RANGE, {"visitors": 2}),
    "get_cities": (RANGE, {"visitors": 2}),
    "get_campaigns": ({**RANGE, "fields": "campaign,source,medium,visitors"}, {"visitors": 1}),
}
"""The tools of the package: what they are asked, and what the first row of the answer says."""


def say(number: int, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def ask(site: Site) -> dict[str, Any]:
    """What each tool answers."""
    assert PROGRAM.exists(), "please run: npm ci --prefix tests/clients"
    client = {"name": "test", "version": "1"}
    begin = say(0, "initialize", protocolVersion="2025-03-26", capabilities={}, clientInfo=client)
    calls = [
        say(number, "tools/call", name=name, arguments=asked)
        for number, (name, (asked, _)) in enumerate(CALLS.items(), 1)
    ]
    lines = [begin, {"jsonrpc": "2.0", "method": "notifications/initialized"}, *calls]
    ran = subprocess.run(
        ["node", "--import", REDIRECT.as_uri(), PROGRAM, site.key],
        input=b"".join(msgspec.json.encode(line) + b"\n" for line in lines),
        capture_output=True,
        env=os.environ | {"FOOTFALL_URL": site.url},
        timeout=60,
        check=True,
    )
    said = {line["id"]: line["result"] for line in map(msgspec.json.decode, ran.stdout.splitlines())}
    return {name: said[number] for number, name in enumerate(CALLS, 1)}


@pytest.fixture
def counted(socket_site: Site) -> Site:
    """A website with two visitors who are counted."""
    visitor = new_visitor()
    socket_site.pageview(visitor)
    socket_site.custom(visitor, "signup")
    socket_site.pageview(path="/?utm_source=mail")
    until(lambda: badge(socket_site).get("data") == [{"visitors": 2}], "the visitors are not counted")
    return socket_site


def badge(site: Site) -> Any:
    """What badges ask for."""
    address = f"{site.url}/api/v1/analytics/realtime?fields=visitors"
    return httpx.get(address, headers={"Authorization": f"Bearer {site.key}"}).json()


def test_each_tool_of_the_package_answers(counted: Site) -> None:
    for name, answer in ask(counted).items():
        (content,) = answer["content"]
        assert not answer.get("isError"), (name, content["text"])
        said = msgspec.json.decode(content["text"])
        first = said["data"][0]
        assert {key: first[key] for key in CALLS[name][1]} == CALLS[name][1], (name, first)


def test_a_badge_reads_how_many_visitors_are_there(counted: Site) -> None:
    assert badge(counted)["data"][0]["visitors"] == 2

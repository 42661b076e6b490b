"""Servers inside a test's process answer as those do that are reached over a socket."""

from __future__ import annotations

import httpx
import pytest

from tests.support.sites import Site, identify_body

ON_ENGINES = ["sqlite"]
"""What leads to a server knows no database."""
OF_THE_CONNECTION = {
    "date",
    "connection",
    "x-request-id",
    "x-content-type-options",
    "strict-transport-security",
}
"""Headers that every answer over a socket gets, whatever it is."""
LARGE = b" " * 1_100_000
REQUESTS: dict[str, tuple[str, str, bytes]] = {
    "a file": ("GET", "/openapi.yaml", b""),
    "a file's head": ("HEAD", "/openapi.yaml", b""),
    "no such route": ("GET", "/api/v1/nothing?a=%20b", b""),
    "a wrong method": ("DELETE", "/healthz", b""),
    "a preflight": ("OPTIONS", "/api/events", b""),
    "an event that is none": ("POST", "/api/events", b"{"),
    "a call": ("POST", "/api/v1/identify", b""),
    "a body that nobody asked for": ("GET", "/api/v1/profiles", b"x"),
    "too large a body": ("POST", "/api/v1/identify", LARGE),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_server_inside_answers_as_one_behind_a_socket(server: Site, socket_site: Site, name: str) -> None:
    assert told(server, name) == told(socket_site, name)


def told(site: Site, name: str) -> tuple[int, set[str], bool]:
    """Status, names of headers, and whether there is a body."""
    method, path, body = REQUESTS[name]
    if name == "a call":
        body = httpx.Request("POST", site.url, json=identify_body(site.pageview())).content
    headers = {"content-type": "application/json", "authorization": f"Bearer {site.key}"}
    answer = site.http.request(method, path, content=body, headers=headers)
    return answer.status_code, set(answer.headers) - OF_THE_CONNECTION, bool(answer.content)


def test_a_header_that_comes_twice_is_one(server: Site, socket_site: Site) -> None:
    for site in (server, socket_site):
        headers = [("authorization", f"Bearer {site.key}"), ("Authorization", f"Bearer {site.key}")]
        assert site.http.get("/api/v1/profiles", headers=headers).status_code == 401

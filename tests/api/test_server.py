"""Routes of the server itself."""

from __future__ import annotations

import httpx
import pytest

from tests.support.openapi import ROOT
from tests.support.sites import Site


def test_health_says_that_the_process_is_up(http: httpx.Client) -> None:
    assert http.get("/healthz").json() == {"status": "success", "data": {"status": "alive"}}


def test_readiness_names_the_engine(server: Site) -> None:
    answer = server.http.get("/readyz").json()
    assert answer["data"] == {"status": "ready", "engine": server.place.engine}


def test_the_description_served_is_the_file(http: httpx.Client) -> None:
    assert http.get("/openapi.yaml").content == (ROOT / "openapi.yaml").read_bytes()


def test_search_engines_are_sent_away(http: httpx.Client) -> None:
    assert http.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.yaml"])
def test_head_answers_without_a_body(socket_site: Site, path: str) -> None:
    response = socket_site.http.head(path)
    assert (response.status_code, response.content) == (200, b"")


def test_head_of_a_visitor_answers_like_get(server: Site) -> None:
    visitor = server.pageview()
    assert server.call("HEAD", f"/api/v1/visitors/{visitor}").status_code == 200


@pytest.mark.parametrize(
    "path", ["/api", "/api/v1", "/api/v1/identify/", "/api/v1/nothing", "/api/v1/visitors/a/b"]
)
def test_an_unknown_route_is_not_found_in_the_envelope(http: httpx.Client, path: str) -> None:
    response = http.get(path)
    assert response.status_code == 404
    assert response.json()["status"] == "error"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v1/identify", "POST"),
        ("OPTIONS", "/api/v1/identify", "POST"),
        ("GET", "/api/events", "POST"),
        ("DELETE", "/api/v1/visitors/3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b", "GET"),
        ("POST", "/healthz", "GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    http: httpx.Client, method: str, path: str, allowed: str
) -> None:
    response = http.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allowed

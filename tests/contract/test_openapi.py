"""schemathesis reads `openapi.yaml` and tries what no human would: the server must never fail, and always answer as described."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import hypothesis
import msgspec
import pytest
import schemathesis
import yaml
from schemathesis.checks import not_a_server_error
from schemathesis.pytest.lazy import get_all_tests
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from footfall.analytics.dimensions import CARDS
from tests.conftest import Kept
from tests.support.engines import ENGINES, Engine
from tests.support.openapi import ROOT, description
from tests.support.servers import run_json, serving
from tests.support.sites import CHROME, Site, http_client, make_sites, wait_for_analytics

VISITOR = "3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b"
"""The visitor of the examples in openapi.yaml."""
OVERVIEW = "/api/v1/analytics/overview"
ALIKE = {("GET", f"/api/v1/analytics/{name}") for name in (*CARDS, "os") if name != "pages"}
"""Operations that one handler answers together with another. tests/api/test_analytics.py compares their answers with the description."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/x-ndjson")
def as_lines(context: Any, value: Any) -> bytes:
    """A text as it is; anything else as one line."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else msgspec.json.encode(value)


@pytest.fixture(scope="module")
def schema() -> Any:
    """The description, as schemathesis reads it; what all routes of analytics read alike is left to the overview."""
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
    shared = document["paths"][OVERVIEW]["get"]["parameters"]
    for path, item in document["paths"].items():
        if path.startswith("/api/v1/analytics/") and path != OVERVIEW:
            item["get"]["parameters"] = [one for one in item["get"]["parameters"] if one not in shared]
    return schemathesis.openapi.from_dict(document)


@pytest.fixture(scope="module")
def fuzzed(request: pytest.FixtureRequest, kept: Kept) -> Iterator[list[Site]]:
    """A website with one visitor on each engine, on servers that nobody else uses; at the end their ledgers are verified."""
    with ExitStack() as stack:
        names = request.config.getoption("engine") or list(ENGINES)
        yield [stack.enter_context(_fuzzed(kept.engine(name))) for name in names]


@contextmanager
def _fuzzed(engine: Engine) -> Iterator[Site]:
    place = engine.new_place()
    with (
        serving(place, {"FOOTFALL_RATE_LIMIT": "0"}, has_columns=True) as running,
        http_client(running.url) as client,
    ):
        site = make_sites(running.url, client, place)[0]
        site.pageview(VISITOR)
        site.identify(VISITOR, "user_1")
        wait_for_analytics(site)
        yield site
        assert run_json(place, "db", "verify")["ok"]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), sorted(description().operations() - ALIKE))
def test_no_call_makes_the_server_fail_or_answer_otherwise_than_described(
    method: str, path: str, schema: Any, fuzzed: list[Site]
) -> None:
    # As `schema.parametrize()` does for pytest, which would make all cases each time tests are collected: that takes longer than many run.
    made: Any = next(
        get_all_tests(
            schema=schema.include(path=path, method=method),
            test_func=send_to_each,
            settings=None,
            given_kwargs={},
        )
    )
    made.ok()[1](sites=fuzzed)


@hypothesis.settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    derandomize=True,
    database=None,
)
def send_to_each(case: schemathesis.Case[Any], sites: list[Site]) -> None:
    """To all engines, since to make a case takes longer than to send it."""
    body = case.body
    for site in sites:
        case.body = {**body} if isinstance(body, dict) else body  # `aim` changes it
        send(case, site)


def send(case: schemathesis.Case[Any], site: Site) -> None:
    """Call the server with a generated case, and check its answer."""
    aim(case, site)
    headers = {"Authorization": f"Bearer {site.key}", "User-Agent": CHROME}
    case.call_and_validate(base_url=site.url, checks=CHECKS, headers=headers)


def aim(case: schemathesis.Case[Any], site: Site) -> None:
    """Point a case at what is there, so that it gets further than a 404: the visitor, and the website."""
    body: Any = case.body
    if not isinstance(body, dict):
        return
    if case.path == "/api/events" and "websiteId" in body:
        body["websiteId"] = site.tracking_id
        if isinstance(body.get("href"), str) and body["href"].startswith("https://example.com"):
            body["href"] = body["href"].replace("example.com", site.domain)
    if case.path == "/api/v1/identify" and "datafast_visitor_id" in body:
        body["datafast_visitor_id"] = VISITOR

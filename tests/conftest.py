"""What all tests of the API share: one server for most of them, and a website of its own for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from footfall.websites.model import Exclusions
from tests.support.engines import ENGINES, Engine, Place
from tests.support.servers import RunningServer, serving
from tests.support.sites import Site, http_client, make_sites

MakeServer = Callable[..., RunningServer]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes several seconds; leave out with -m 'not slow'")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses a database on each engine, or on those that the file names as `ON_ENGINES`."""
    if "engine_name" in metafunc.fixturenames:
        names = getattr(metafunc.module, "ON_ENGINES", list(ENGINES))
        metafunc.parametrize("engine_name", names, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share a server in one process: with pytest-xdist, a group is not divided."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    parameters = (
        item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    )
    folder = item.path.parent.name
    return str(parameters.get("engine_name") or (folder if folder == "dashboard" else item.path.stem))


@pytest.fixture(scope="session")
def engine(engine_name: str) -> Iterator[Engine]:
    """Each database engine in turn."""
    made: Engine = ENGINES[engine_name]()
    yield made
    made.close()


@pytest.fixture
def place(engine: Engine) -> Place:
    """A new empty database."""
    return engine.new_place()


@pytest.fixture(scope="session")
def shared_server(engine: Engine) -> Iterator[RunningServer]:
    """The server of most tests; it refuses nobody for calling too often."""
    with serving(engine.new_place(), {"FOOTFALL_RATE_LIMIT": "0"}) as server:
        yield server


@pytest.fixture(scope="session")
def http(shared_server: RunningServer) -> Iterator[httpx.Client]:
    """A client of the shared server; every answer is compared with openapi.yaml."""
    with http_client(shared_server.url) as client:
        yield client


VARIANTS: dict[str, dict[str, Any]] = {
    "cookieless": {"is_cookieless": True},
    "headless": {"is_headless_allowed": True},
    "hosts": {"allowed_hostnames": ("shop.example.org", "*.example.net", "com.example.app")},
    "local": {"is_localhost_allowed": True, "allowed_hostnames": ("shop.example.org",)},
    "excluding": {"exclusions": Exclusions(paths=("/admin/*", "/secret"))},
    "signed": {"is_signature_required": True},
    "suspended": {"is_suspended": True},
}
"""Websites that are not as new ones are, by name."""


class SitePool:
    """New websites of one server, made many at a time, since a server takes a moment to notice new ones."""

    def __init__(self, server: RunningServer, http: httpx.Client) -> None:
        self._server = server
        self._http = http
        self._ready: dict[str, list[Site]] = {}

    def take(self, variant: str = "") -> Site:
        """A website that nobody else uses; `variant`: one of VARIANTS, or a plain one."""
        if not self._ready.get(variant):
            self._make()
        return self._ready[variant].pop()

    def _make(self) -> None:
        names = ["", *VARIANTS] * 3 + [""] * 150
        changes = [VARIANTS.get(name, {}) for name in names]
        made = make_sites(self._server.url, self._http, self._server.place, changes)
        for name, site in zip(names, made, strict=True):
            self._ready.setdefault(name, []).append(site)


@pytest.fixture(scope="session")
def sites(shared_server: RunningServer, http: httpx.Client) -> SitePool:
    """Websites of the shared server."""
    return SitePool(shared_server, http)


@pytest.fixture
def server(sites: SitePool) -> Site:
    """A website of the test's own on the shared server: `url`, `tracking_id`, `key`, `website_id`, `domain`."""
    return sites.take()


@pytest.fixture
def other(sites: SitePool) -> Site:
    """A second website on the same server."""
    return sites.take()


@pytest.fixture
def start(engine: Engine) -> Iterator[MakeServer]:
    """Starts servers with an environment of their own, on a new database unless one is given."""
    with ExitStack() as stack:

        def start_one(environment: dict[str, str] | None = None, place: Place | None = None) -> RunningServer:
            return stack.enter_context(serving(place or engine.new_place(), environment))

        yield start_one

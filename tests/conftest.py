"""What all tests of the API share: one server for most of them, and a website of its own for each."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import HealthCheck, settings

from footfall.clock import Clock, system_clock
from footfall.websites.model import Exclusions
from tests.support.clickhouse import LocalClickHouse
from tests.support.counting import Counting, counting
from tests.support.engines import ENGINES, Engine, Place, PostgresEngine
from tests.support.inside import Inside, inside, set_up
from tests.support.servers import RunningServer, serving
from tests.support.sites import Site, http_client, make_sites

T = TypeVar("T")

MakeServer = Callable[..., RunningServer]
MakeInside = Callable[..., Inside]
UNLIMITED = {"FOOTFALL_RATE_LIMIT": "0"}
OTHER_PROCESSES = {"start", "socket_server"}
"""Fixtures that start servers as processes."""
LONGEST_FIRST = ("browser", "contract", "clients", "laws", "db", "docs", "api")
"""Folders of tests, the rest after them: files of one test that takes half a minute, then those of many short ones."""
EXAMPLES = 40
"""Stories that a property is tried with, unless it says otherwise; each run has others."""
MEMORY = 4 * 1024**3
"""Bytes without which temporary files lie on the disk."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", action="append", choices=list(ENGINES), help="Test on this engine alone.")


def pytest_configure(config: pytest.Config) -> None:
    set_up()
    stay_in_memory()
    settings.register_profile(
        "any load", max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("any load")
    config.addinivalue_line("markers", "slow: takes several seconds; leave out with -m 'not slow'")
    config.addinivalue_line(
        "markers", "process: starts a server or another program; its users bear it by themselves"
    )


def stay_in_memory() -> None:
    """Let temporary files, databases first of all, lie in memory where there is room: tests wait for disks more than they compute."""
    memory = Path("/dev/shm")
    if "TMPDIR" not in os.environ and memory.is_dir() and shutil.disk_usage(memory).free > MEMORY:
        os.environ["TMPDIR"] = str(memory)
        tempfile.tempdir = None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses a database on each engine, or on those that the file names as `ON_ENGINES`."""
    if "engine_name" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("engine") or list(ENGINES)
        names = [name for name in getattr(metafunc.module, "ON_ENGINES", ENGINES) if name in chosen]
        metafunc.parametrize("engine_name", names, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file in one process, and begin with what takes long, so that no process is left alone with it."""
    items.sort(key=_rank)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(str(item.path)))
        if isinstance(item, pytest.Function) and OTHER_PROCESSES & set(item.fixturenames):
            item.add_marker(pytest.mark.process)


def _rank(item: pytest.Item) -> int:
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)


class Kept:
    """What a test process makes once, such as a server for each engine, however its tests take turns."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._made: dict[tuple[str, str], Any] = {}

    def get(self, what: str, engine_name: str, make: Callable[[], AbstractContextManager[T]]) -> T:
        """What was made by that name, made now if it was not."""
        if (what, engine_name) not in self._made:
            self._made[what, engine_name] = self._stack.enter_context(make())
        found: T = self._made[what, engine_name]
        return found

    def engine(self, name: str) -> Any:
        """The engine of that name."""
        return self.get("engine", name, lambda: closing(ENGINES[name]()))


@pytest.fixture(scope="session")
def kept() -> Iterator[Kept]:
    with ExitStack() as stack:
        yield Kept(stack)


@pytest.fixture(scope="session")
def engine(engine_name: str, kept: Kept) -> Engine:
    """Each database engine in turn."""
    made: Engine = kept.engine(engine_name)
    return made


@pytest.fixture(scope="session")
def postgres_engine(kept: Kept) -> PostgresEngine:
    """That of PostgreSQL."""
    made: PostgresEngine = kept.engine(PostgresEngine.name)
    return made


@pytest.fixture(scope="session")
def clickhouse(kept: Kept) -> LocalClickHouse:
    """A server of ClickHouse."""
    made: LocalClickHouse = kept.get("clickhouse", "", lambda: closing(LocalClickHouse()))
    return made


@pytest.fixture
def place(engine: Engine) -> Place:
    """A new empty database."""
    return engine.new_place()


@pytest.fixture(scope="session")
def shared_server(engine: Engine, kept: Kept) -> Inside:
    """The server of most tests, inside this process; it refuses nobody for calling too often."""
    return kept.get("inside", engine.name, lambda: inside(engine.new_place(), UNLIMITED))


@pytest.fixture(scope="session")
def http(shared_server: Inside, kept: Kept) -> httpx.Client:
    """A client of the shared server; every answer is compared with openapi.yaml."""
    return kept.get("client", shared_server.place.engine, lambda: http_client(shared_server.url))


@pytest.fixture(scope="session")
def socket_server(engine: Engine, kept: Kept) -> RunningServer:
    """A process that listens on a port, for tests that need one; it refuses nobody for calling too often either."""
    return kept.get("process", engine.name, lambda: serving(engine.new_place(), UNLIMITED, has_columns=True))


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

    def __init__(self, server: Inside | RunningServer, http: httpx.Client) -> None:
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
def sites(shared_server: Inside, http: httpx.Client, kept: Kept) -> SitePool:
    """Websites of the shared server."""
    return kept.get("sites", shared_server.place.engine, lambda: nullcontext(SitePool(shared_server, http)))


@pytest.fixture(scope="session")
def socket_sites(socket_server: RunningServer, kept: Kept) -> SitePool:
    """Websites of the server that listens."""

    @contextmanager
    def pool() -> Iterator[SitePool]:
        with http_client(socket_server.url) as client:
            yield SitePool(socket_server, client)

    return kept.get("socket sites", socket_server.place.engine, pool)


@pytest.fixture
def server(sites: SitePool) -> Site:
    """A website of the test's own on the shared server: `url`, `tracking_id`, `key`, `website_id`, `domain`."""
    return sites.take()


@pytest.fixture
def socket_site(socket_sites: SitePool) -> Site:
    """The same on the server that listens."""
    return socket_sites.take()


@pytest.fixture
def other(sites: SitePool) -> Site:
    """A second website on the same server."""
    return sites.take()


@pytest.fixture(scope="session")
def numbers(engine: Engine, kept: Kept) -> Counting:
    """Websites whose events are counted, on a server inside this process, whose clock stands still until a test moves it."""
    return kept.get("counting", engine.name, lambda: counting(engine.new_place()))


@pytest.fixture
def site(numbers: Counting) -> Site:
    """A website of the test's own there; the test may move the clock."""
    return numbers.site()


@pytest.fixture
def start(engine: Engine) -> Iterator[MakeServer]:
    """Starts servers, processes each, with an environment of their own, on a new database unless one is given."""
    with ExitStack() as stack:

        def start_one(environment: dict[str, str] | None = None, place: Place | None = None) -> RunningServer:
            return stack.enter_context(serving(place or engine.new_place(), environment))

        yield start_one


@pytest.fixture
def start_inside(engine: Engine) -> Iterator[MakeInside]:
    """The same for servers inside this process, which may have a clock of their own."""
    with ExitStack() as stack:

        def start_one(
            environment: dict[str, str] | None = None, place: Place | None = None, clock: Clock = system_clock
        ) -> Inside:
            return stack.enter_context(inside(place or engine.new_place(), environment, clock))

        yield start_one

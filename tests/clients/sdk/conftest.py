"""What all tests of the official SDK share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import sync_playwright

from tests.browser.conftest import engine
from tests.clients.sdk.clients import SDK, App, Browser, Client, Gateway, NodeClient, PageServer, Script
from tests.conftest import SitePool
from tests.support.browsers import launch, names_lead_to
from tests.support.sites import Site

__all__ = ["engine"]

ClientMaker = Callable[[], Client]


@pytest.fixture(scope="module")
def pages() -> Iterator[PageServer]:
    """The websites' own server."""
    assert SDK.exists(), "please run: npm ci --prefix tests/clients"
    server = PageServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def chromium(pages: PageServer) -> Iterator[Chromium]:
    """Chromium as people run it: every website but this machine leads to `pages`, and nothing says that a test drives it."""
    names = names_lead_to(pages.port, "*.example", "*.example.org")
    unseen = "--disable-blink-features=AutomationControlled"
    with sync_playwright() as playwright, closing(launch(playwright, unseen, names)) as started:
        yield started


@contextmanager
def open_browser(chromium: Chromium, pages: PageServer) -> Iterator[Browser]:
    """A page in a profile of its own."""
    version = chromium.version.partition(".")[0]
    context = chromium.new_context(
        user_agent="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
        f" Chrome/{version}.0.0.0 Safari/537.36",
        viewport={"width": 1280, "height": 720},
        locale="de-DE",
    )
    context.set_default_timeout(20_000)
    pages.script = ""
    try:
        yield Browser(context, pages)
    finally:
        context.close()


@pytest.fixture
def browser(chromium: Chromium, pages: PageServer) -> Iterator[Browser]:
    """A page in Chromium."""
    with open_browser(chromium, pages) as opened:
        yield opened


@pytest.fixture
def new_app(tmp_path: Path) -> Iterator[Callable[[], App]]:
    """Starts the app on one and the same phone."""
    with ExitStack() as stack:

        def start() -> App:
            started = App(tmp_path)
            stack.callback(started.kill)
            return started

        yield start


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Script]:
    """A program without a page."""
    started = Script(tmp_path)
    yield started
    started.kill()


NODE_CLIENTS: dict[str, Callable[[Path], NodeClient]] = {
    "app": App,
    "app by require": lambda folder: App(folder, "require"),
    "script": Script,
    "script by require": lambda folder: Script(folder, "require"),
}


@pytest.fixture(params=["browser", *NODE_CLIENTS])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Client]:
    """Each entry of the SDK, in each way it can be loaded."""
    if request.param == "browser":
        with open_browser(request.getfixturevalue("chromium"), request.getfixturevalue("pages")) as opened:
            yield opened
        return
    started = NODE_CLIENTS[request.param](tmp_path)
    yield started
    started.kill()


@pytest.fixture
def site(socket_sites: SitePool) -> Site:
    """A website as new ones are."""
    return socket_sites.take()


@pytest.fixture
def gateway(site: Site) -> Iterator[Gateway]:
    """A way to the shared server that can be cut."""
    made = Gateway(int(site.url.rsplit(":", 1)[1]))
    yield made
    made.close()

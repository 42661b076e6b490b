"""Pages of customers' websites in a real browser, Debian's Chromium."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Request, sync_playwright

from tests.conftest import Kept, SitePool
from tests.support.browsers import WHOLE, launch, names_lead_to
from tests.support.engines import Engine, SqliteEngine
from tests.support.sites import Site

AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)


@pytest.fixture(scope="session")
def engine(kept: Kept) -> Engine:
    """The browser does not see which engine answers: one is enough."""
    made: Engine = kept.engine(SqliteEngine.name)
    return made


class PageServer:
    """Serves the same pages under every host name. `pages`: HTML by path; `headers`: further ones by path.

    `/stuck` answers a POST once `unstuck` is set; `/lost` takes one, and then ends the connection. `taken`: how many that were.
    """

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.unstuck = threading.Event()
        self.taken = 0
        server = self
        pages, more_headers, unstuck = self.pages, self.headers, self.unstuck

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                if self.path in ("/stuck", "/lost"):
                    server.taken += self.path == "/lost"
                    unstuck.wait()
                if self.path != "/lost":
                    self.do_GET()

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                body = pages.get(path, "").encode()
                self.send_response(200 if body else 404)
                headers = {"Content-Type": "text/html; charset=utf-8", **more_headers.get(path, {})}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.unstuck.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def page_server() -> Iterator[PageServer]:
    server = PageServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """For one file: while it runs, nothing else can run an event loop in this thread."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright, page_server: PageServer) -> Iterator[Browser]:
    """A browser for which every name below `.example` leads to the page server."""
    with closing(launch(playwright, names_lead_to(page_server.port, "*.example"))) as started:
        yield started


@pytest.fixture(scope="module")
def whole_browser(playwright: Playwright, page_server: PageServer) -> Iterator[Browser]:
    """The same with tabs, and as people have it: it keeps the page that was left, for the way back."""
    names = names_lead_to(page_server.port, "*.example")
    left_out = ["--disable-back-forward-cache"]
    with closing(launch(playwright, names, program=WHOLE, left_out=left_out)) as started:
        yield started


class Tab:
    """A page of a browser, and what left it for `/api/events`."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.sent: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self._unanswered: set[Request] = set()
        self.page.on("request", self._remember)
        self.page.on("requestfinished", self._settle)
        self.page.on("requestfailed", self._settle)
        self.page.on("console", lambda message: self._listen(message.text))

    def _settle(self, request: Request) -> None:
        self._unanswered.discard(request)

    def _listen(self, text: str) -> None:
        if text.startswith("Footfall: "):
            self.warnings.append(text)

    def _remember(self, request: Request) -> None:
        if request.is_navigation_request() and request.frame == self.page.main_frame:
            self._unanswered.clear()  # nobody tells how those of the page before end
        if request.url.endswith("/api/events") and request.method == "POST":
            self._unanswered.add(request)
            self.sent.append({**json.loads(request.post_data or "{}"), "to": request.url})

    def open(self, url: str, referrer: str | None = None) -> None:
        """Go there, as from `referrer`, and wait until the page has loaded."""
        self.page.goto(url, referer=referrer)

    def kinds(self) -> list[str]:
        """What was sent: types, and names of goals."""
        return [
            one["extraData"]["eventName"] if one["type"] == "custom" else one["type"] for one in self.sent
        ]

    def until(self, condition: Callable[[], bool], what: str = "it never came to be") -> None:
        """Return once `condition` holds."""
        for _ in range(3000):
            if condition():
                return
            self.page.wait_for_timeout(20)  # between two looks, not in place of one
        raise AssertionError(f"{what}; sent: {self.kinds()}; console: {self.warnings}")

    def marker(self, name: str = "marker") -> None:
        """Send a goal and wait for all answers: what was to leave the page before has left, and is stored."""
        self.page.evaluate("name => new Promise(done => datafast(name, {}, done))", name)
        self.until(lambda: not self._unanswered, "an event was not answered")

    def cookies(self) -> dict[str, Any]:
        """The cookies of the browser by name."""
        return {cookie["name"]: cookie for cookie in self.page.context.cookies()}

    @property
    def visitor(self) -> str:
        """The visitor id in the cookie."""
        value: str = self.cookies()["datafast_visitor_id"]["value"]
        return value


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """A tab of a new browser profile."""
    context = browser.new_context(user_agent=AGENT)
    yield Tab(context)
    context.close()


@pytest.fixture
def whole_tab(whole_browser: Browser) -> Iterator[Tab]:
    """The same in the whole browser."""
    context = whole_browser.new_context(user_agent=AGENT)
    yield Tab(context)
    context.close()


@pytest.fixture
def site(socket_sites: SitePool) -> Site:
    """A website that takes browsers which a program drives."""
    return socket_sites.take("headless")


def snippet(site: Site, script: str = "script.js", origin: str = "", **attributes: str) -> str:
    """The script tag of a website; `attributes` without `data-`, `_` for `-`."""
    given = {"website_id": site.tracking_id, "domain": site.domain, **attributes}
    text = " ".join(f'data-{name.replace("_", "-")}="{value}"' for name, value in given.items())
    return f'<script {text} src="{origin or site.url}/js/{script}"></script>'


QUEUE = "<script>window.datafast=window.datafast||function(){(datafast.q=datafast.q||[]).push(arguments)}</script>"


def html(head: str, body: str = "") -> str:
    """A page."""
    return f"<!doctype html><html><head><meta charset=utf-8><title>Shop</title>{head}</head><body>{body}</body></html>"


@pytest.fixture
def shop(page_server: PageServer, site: Site) -> str:
    """The address of a website with a few pages."""
    body = """
      <button data-fast-goal="buy" data-fast-goal-plan-name="Pro <b>">Buy</button>
      <div id="card" data-fast-goal="card" tabindex="0">Card</div>
      <a id="out" href="https://elsewhere.example/page?x=1">Elsewhere</a>
      <a id="in" href="/second">Second</a>"""
    page_server.pages.update({"/": html(QUEUE + snippet(site), body), "/second": html(snippet(site), body)})
    return f"http://{site.domain}"


def stay(tab: Tab) -> None:
    """Let clicks on links lead nowhere, so that the page stays."""
    tab.page.evaluate("addEventListener('click', event => event.preventDefault())")


def links(address: str) -> list[str]:
    """A link of each kind that browsers know, at the upper left of the page."""
    shape = '<rect width="80" height="80"/>'
    image = '<img usemap="#map" width="80" height="80" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'
    inside = f'<a href="{address}"><b>Go there</b></a>'
    kinds = [
        f'{image}<map name="map"><area shape="rect" coords="0,0,80,80" href="{address}"></map>',
        f'<svg width="80" height="80"><a href="{address}">{shape}</a></svg>',
        f'<svg width="80" height="80"><a xlink:href="{address}">{shape}</a></svg>',
        f'<div style="width:80px"><template shadowrootmode="open">{inside}</template></div>',
    ]
    return [f"<style>body {{ margin: 0 }}</style>{kind}" for kind in kinds]

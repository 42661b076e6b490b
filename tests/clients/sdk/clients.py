"""Programs that run the official SDK, unchanged: a page in Chromium, an app, a script. And what stands between them and the server."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from playwright.sync_api import BrowserContext, Page

from tests.support.sites import Site

HERE = Path(__file__).parent
NODE = shutil.which("node") or "/usr/bin/node"
SDK = HERE.parent / "node_modules" / "datafast" / "dist" / "web" / "index.mjs"
NEVER = 3_600_000
"""Milliseconds between flushes, for clients that flush only when they are told to."""
PATIENCE = 60.0
"""Seconds after which what does not happen has failed."""

R = TypeVar("R")


def eventually(look: Callable[[], R], wanted: Callable[[R], bool]) -> R:
    """What `look` returns once it is as wanted."""
    deadline = time.monotonic() + PATIENCE
    while not wanted(seen := look()):
        assert time.monotonic() < deadline, f"still {seen!r}"
        time.sleep(0.02)  # between two looks, not in place of one
    return seen


class Client(ABC):
    """A program with the SDK in it, which stands in its variable `sdk`."""

    @abstractmethod
    def run(self, script: str) -> Any:
        """What the body of an async JavaScript function returns."""

    @abstractmethod
    def start(self, site: Site, api_url: str = "", **config: Any) -> str:
        """Initialise the SDK as its manual says, with only the address changed; the visitor's id. It flushes when told to."""

    @abstractmethod
    def url(self, site: Site, name: str) -> str:
        """The page, as it is stored, of the screen `name`."""

    def do(self, method: str, *arguments: Any) -> Any:
        """Call a method of the SDK's client."""
        return self.run(f"return await client.{method}(...{msgspec.json.encode(arguments).decode()})")

    @property
    def visitor(self) -> str:
        """The visitor's id."""
        return str(self.do("getVisitorId"))

    @property
    def queued(self) -> int:
        """The number of events that wait to be sent."""
        return int(self.run("return client.queue.size"))

    def deliver(self) -> None:
        """Flush until nothing waits any more."""
        eventually(lambda: (self.do("flush"), self.queued)[1], lambda waiting: waiting == 0)


def _config(site: Site, api_url: str, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "websiteId": site.tracking_id,
        "domain": site.domain,
        "apiUrl": api_url or f"{site.url}/api/events",
        "flushInterval": NEVER,
        "maxQueueSize": 1000,
        **config,
    }


def _init(config: dict[str, Any]) -> str:
    return f"globalThis.client = await sdk.initDataFast({msgspec.json.encode(config).decode()})"


class NodeClient(Client):
    """A process of Node that loads an entry of the SDK by `import` or `require`."""

    def __init__(self, entry: str, how: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [NODE, "--import", HERE / "phone" / "register.mjs", HERE / "phone" / "run.mjs", entry, how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PHONE_STORAGE": str(folder / "phone.json")},
            text=True,
        )

    def run(self, script: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watchdog = threading.Timer(3 * PATIENCE, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(msgspec.json.encode(script).decode() + "\n")
            self._process.stdin.flush()
            answer = msgspec.json.decode(self._process.stdout.readline())
        finally:
            watchdog.cancel()
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._process.communicate()

    def url(self, site: Site, name: str) -> str:
        return f"{site.domain}/__app/ios/{name}"


class App(NodeClient):
    """An app: the SDK's React Native entry on a phone whose native modules are stand-ins."""

    def __init__(self, folder: Path, how: str = "import") -> None:
        super().__init__("datafast/react-native", how, folder)

    def start(self, site: Site, api_url: str = "", **config: Any) -> str:
        self.run(_init(_config(site, api_url, config)))
        return self.visitor


class Script(NodeClient):
    """A program without a page: the SDK's main entry, with adapters of the program's choice."""

    def __init__(self, folder: Path, how: str = "import") -> None:
        super().__init__("datafast", how, folder)

    def start(self, site: Site, api_url: str = "", **config: Any) -> str:
        wanted = _config(site, api_url, {"platform": "ios", "osVersion": "18.3.2", **config})
        wanted["appId"] = wanted.pop("websiteId")
        text = msgspec.json.encode(wanted).decode()
        self.run(
            "globalThis.client = await sdk.createDataFastWithAdapters("
            f"{{...{text}, storage: sdk.createMemoryStorageAdapter()}})"
        )
        return self.visitor


class Browser(Client):
    """A page of the website in Chromium, which imports the SDK's main entry."""

    def __init__(self, context: BrowserContext, pages: PageServer) -> None:
        self.context = context
        self.pages = pages
        self.page: Page = context.new_page()

    def run(self, script: str) -> Any:
        return self.page.evaluate(f"async () => {{ {script} }}")

    def open(self, address: str) -> None:
        """Go to an address, and wait until its script ran."""
        self.page.goto(address)
        self.page.wait_for_function("window.isReady")

    def start(self, site: Site, api_url: str = "", **config: Any) -> str:
        self.open(f"http://{site.domain}/")
        self.run(_init(_config(site, api_url, config)))
        return self.visitor

    def visit(self, address: str, site: Site, api_url: str = "", **config: Any) -> str:
        """Open a page that initialises the SDK itself, with automatic pageviews, and sends each event at once; the visitor's id."""
        self.prepare(site, api_url, **config)
        self.open(address)
        return self.visitor

    def prepare(self, site: Site, api_url: str = "", **config: Any) -> None:
        """From now on pages initialise the SDK themselves."""
        wanted = {"autoCapturePageviews": True, "maxQueueSize": 1, **config}
        self.pages.script = _init(_config(site, api_url, wanted))

    def follow(self, address: str) -> None:
        """Follow a link on the page, and wait until the script of the other ran."""
        self.page.evaluate("address => location.assign(address)", address)
        self.page.wait_for_url(address)
        self.page.wait_for_function("window.isReady")

    def url(self, site: Site, name: str) -> str:
        return f"{site.domain}/{name}"


class PageServer:
    """Answers every address with a page that imports the SDK and then runs `script`."""

    def __init__(self) -> None:
        self.script = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_sdk = self.path == "/sdk.mjs"
                content = SDK.read_bytes() if is_sdk else _PAGE.replace("SCRIPT", pages.script).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/javascript" if is_sdk else "text/html")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


_PAGE = """<!doctype html>
<title>A page</title>
<link rel="icon" href="data:,">
<script type="module">
import * as sdk from "/sdk.mjs";
globalThis.sdk = sdk;
SCRIPT;
globalThis.isReady = true;
</script>
"""


class Gateway:
    """The way to a server, which can be cut. `target`: the server's port.

    `is_down`: nothing gets through. `is_deaf`: everything does, but the answers are lost.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.is_down = False
        self.is_deaf = False
        self.passed: list[bytes] = []
        """The bodies of events that the server answered."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.api_url = f"http://127.0.0.1:{self._server.server_address[1]}/api/events"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop for good."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = None if gateway.is_down else self._forward(body)
                if answer is None or gateway.is_deaf:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status, headers, content = answer
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_OPTIONS = do_POST  # noqa: N815

            def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes] | None:
                connection = http.client.HTTPConnection("127.0.0.1", gateway.target, timeout=PATIENCE)
                try:
                    connection.request(self.command, self.path, body, dict(self.headers))
                    response = connection.getresponse()
                    content = response.read()
                except OSError:
                    return None
                finally:
                    connection.close()
                if self.command == "POST":
                    gateway.passed.append(body)
                return response.status, response.getheaders(), content

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

"""A website whose own nginx passes script and events on, configured as docs/install.md says."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import AGENT, Tab, html, snippet
from tests.conftest import MakeServer
from tests.support.engines import Engine
from tests.support.servers import PATIENCE, RunningServer, serving
from tests.support.sites import Site, http_client, make_sites

INSTALL = (Path(__file__).parents[2] / "docs" / "install.md").read_text("utf-8")
CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr warn;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    types {{ text/html html; }}
    {upstreams}
    server {{ listen 127.0.0.1:{port}; root {folder}/pages; {locations} }}
}}
"""


@pytest.fixture
def behind(engine: Engine) -> Iterator[RunningServer]:
    """A server that trusts a proxy on this machine."""
    environment = {"FOOTFALL_RATE_LIMIT": "0", "FOOTFALL_TRUSTED_PROXIES": "127.0.0.1"}
    with serving(engine.new_place(), environment) as server:
        yield server


@pytest.fixture
def site(behind: RunningServer) -> Iterator[Site]:
    with http_client(behind.url) as client:
        changes = {"is_headless_allowed": True, "is_localhost_allowed": True}
        yield make_sites(behind.url, client, behind.place, [changes])[0]


@pytest.fixture
def proxy(behind: RunningServer, site: Site) -> Iterator[str]:
    """The address of nginx, with a page."""
    tag = snippet(site, allow_localhost="true").replace(site.url, "/stats")
    [locations] = re.findall(r"^```nginx\n(.*?)^```$", INSTALL, re.MULTILINE | re.DOTALL)
    with nginx(locations.replace("127.0.0.1:8000", f"127.0.0.1:{behind.port}"), page=html(tag)) as address:
        yield address


@contextlib.contextmanager
def nginx(locations: str, upstreams: str = "", page: str = "") -> Iterator[str]:
    """The address of an nginx with these parts of a configuration."""
    command = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    assert command, "make test installs Debian's nginx"
    with tempfile.TemporaryDirectory() as name, socket.socket() as probe:
        folder = Path(name)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        (folder / "pages").mkdir()
        (folder / "pages" / "index.html").write_text(page, "utf-8")
        (folder / "nginx.conf").write_text(
            CONFIG.format(
                folder=folder,
                port=port,
                user="user root;" if os.geteuid() == 0 else "",
                upstreams=upstreams,
                locations=locations,
            ),
            "utf-8",
        )
        process = subprocess.Popen([command, "-c", folder / "nginx.conf", "-p", folder])
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def wait_for(port: int) -> None:
    """Return once somebody listens."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "nginx does not listen"
            time.sleep(0.02)  # between two looks, not in place of one


def test_a_website_behind_its_own_prefix_works(browser: Browser, proxy: str, site: Site) -> None:
    context = browser.new_context(user_agent=AGENT)
    tab = Tab(context)
    tab.open(proxy)
    tab.marker()
    assert [event["to"] for event in tab.sent] == [f"{proxy}/stats/api/events"] * 2
    assert site.visitor(tab.visitor)["activity"]["pageViewCount"] == 1
    assert tab.page.request.get(f"{proxy}/stats/api/v1/profiles").status == 404
    context.close()


def test_the_proxy_tells_the_address_and_nobody_else_does(proxy: str, site: Site) -> None:
    body = {
        "websiteId": site.tracking_id,
        "type": "pageview",
        "href": f"https://{site.domain}/",
        "cookieless": True,
    }

    def visitor(address: str, **headers: str) -> Any:
        """Whom the server takes a browser at this address for."""
        with httpx.Client(transport=httpx.HTTPTransport(local_address=address, verify=False)) as client:
            headers = {"user-agent": AGENT, **headers}
            return client.post(f"{proxy}/stats/api/events", json=body, headers=headers).json()["visitorId"]

    here = visitor("127.0.0.2")
    assert visitor("127.0.0.2") == here != visitor("127.0.0.3")
    for name in ("x-forwarded-for", "x-datafast-real-ip"):
        assert visitor("127.0.0.2", **{name: "203.0.113.9"}) == here


def test_answers_that_do_not_wait_for_the_body_take_no_server_out(start: MakeServer) -> None:
    one = start()
    servers = [one, start(None, one.place if one.place.engine == "postgres" else None)]
    upstreams = "".join(f"server 127.0.0.1:{server.port}; " for server in servers)
    pass_on = "location / { proxy_pass http://footfall; }"
    with (
        nginx(pass_on, f"upstream footfall {{ {upstreams} }}") as address,
        httpx.Client(verify=False) as client,
    ):
        for _ in range(10):
            large = client.post(f"{address}/api/events", content=b"x" * 1_000_000)
            unknown = client.post(f"{address}/api/v1/identify", content=b"x" * 1_000_000)
            codes = [client.get(f"{address}/healthz").status_code for _ in servers]
            assert (large.status_code, unknown.status_code, codes) == (413, 401, [200, 200])
        assert large.json()["error"]["code"] == 413

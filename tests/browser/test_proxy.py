"""A website whose own nginx passes script and events on, configured as docs/install.md says."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import AGENT, Tab, html, snippet
from tests.support.engines import Engine
from tests.support.servers import RunningServer, serving
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
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    assert nginx, "make test installs Debian's nginx"
    with tempfile.TemporaryDirectory() as name, socket.socket() as probe:
        folder = Path(name)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        (folder / "pages").mkdir()
        tag = snippet(site, allow_localhost="true").replace(site.url, "/stats")
        (folder / "pages" / "index.html").write_text(html(tag), "utf-8")
        [locations] = re.findall(r"^```nginx\n(.*?)^```$", INSTALL, re.MULTILINE | re.DOTALL)
        (folder / "nginx.conf").write_text(
            CONFIG.format(
                folder=folder,
                port=port,
                user="user root;" if os.geteuid() == 0 else "",
                locations=locations.replace("127.0.0.1:8000", f"127.0.0.1:{behind.port}"),
            ),
            "utf-8",
        )
        process = subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-p", folder])
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        process.wait()


def test_a_website_behind_its_own_prefix_works(browser: Browser, proxy: str, site: Site) -> None:
    context = browser.new_context(user_agent=AGENT, extra_http_headers={"X-Forwarded-For": "203.0.113.9"})
    tab = Tab(context)
    for _ in range(100):  # until nginx listens
        try:
            tab.open(proxy)
            break
        except Exception:  # playwright's own, for a connection that is refused
            tab.page.wait_for_timeout(50)
    tab.marker()
    assert [event["to"] for event in tab.sent] == [f"{proxy}/stats/api/events"] * 2
    assert site.visitor(tab.visitor)["activity"]["pageViewCount"] == 1
    assert tab.page.request.get(f"{proxy}/stats/api/v1/profiles").status == 404
    context.close()

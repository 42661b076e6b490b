"""The fixtures of the browser tests, and a browser that a client does not take for a program's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import AGENT, PageServer, Tab, engine, page_server, site

__all__ = ["engine", "page_server", "site"]

CLIENTS = Path(__file__).parent


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The web entry of the SDK as one script, which makes `window.SDK`."""
    target = tmp_path_factory.mktemp("bundle") / "sdk.js"
    entry = CLIENTS / "node_modules" / "datafast" / "dist" / "web" / "index.mjs"
    subprocess.run(
        [
            CLIENTS / "node_modules" / ".bin" / "esbuild",
            entry,
            "--bundle",
            "--format=iife",
            "--global-name=SDK",
            f"--outfile={target}",
        ],
        check=True,
        capture_output=True,
    )
    return target.read_text("utf-8")


@pytest.fixture(scope="module")
def browser(page_server: PageServer) -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "make test installs Debian's chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-blink-features=AutomationControlled",
                f"--host-resolver-rules=MAP *.example 127.0.0.1:{page_server.port}",
            ],
        )
        yield started
        started.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """A tab of a new browser profile."""
    context = browser.new_context(user_agent=AGENT)
    yield Tab(context)
    context.close()

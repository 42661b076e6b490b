"""One server with the demo's data, which is slow to make, for all tests of the dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.dashboard import PASSWORD, make_account
from tests.support.desk import EMAIL, Demo, Desk
from tests.support.engines import Engine
from tests.support.servers import run_json, serving


@pytest.fixture(scope="session")
def demo(engine: Engine) -> Iterator[Demo]:
    """A server with the demo's data and an account."""
    place = engine.new_place()
    made = run_json(place, "demo", "--seed", "7")
    make_account(place, EMAIL)
    with serving(place, {"FOOTFALL_RATE_LIMIT": "0"}, has_columns=True) as running:
        found = Demo(running, made)
        yield found
        found.http.close()


@pytest.fixture(scope="module")
def session(demo: Demo, browser: Browser) -> Any:
    """The cookies of somebody who logged in by the form."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{demo.url}/login")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login" not in url)
    found = context.storage_state()
    context.close()
    return found


@pytest.fixture
def desk(browser: Browser, demo: Demo, session: Any) -> Iterator[Desk]:
    """A logged-in tab; the test fails when it saw console errors or requests to other hosts."""
    context = browser.new_context(
        storage_state=session,
        viewport={"width": 1440, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
    )
    made = Desk(context, demo)
    yield made
    context.close()
    assert made.faults == []

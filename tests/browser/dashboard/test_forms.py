"""What comes of every form and menu, at both sizes and in both colour schemes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from tests.support.desk import SCHEMES, SIZES, Demo, Desk, look_at


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    """The name of each size."""
    name: str = request.param
    return name


@pytest.fixture
def desk(browser: Browser, demo: Demo, session: Any, size: str) -> Iterator[Desk]:
    """A logged-in tab of that size, each in other colours."""
    width, height = SIZES[size]
    scheme = SCHEMES[list(SIZES).index(size)]
    context = browser.new_context(
        storage_state=session, viewport={"width": width, "height": height}, color_scheme=scheme
    )
    made = Desk(context, demo)
    yield made
    context.close()
    assert made.faults == []


def refused(desk: Desk, button: str) -> None:
    """Send a form that is refused; why is in view."""
    desk.expected_errors = 1
    desk.page.get_by_role("button", name=button, exact=True).click()
    expect(desk.page.get_by_role("alert")).to_be_in_viewport()


def test_menus_are_sound(demo: Demo, desk: Desk, size: str) -> None:
    page = desk.page
    page.goto(f"{demo.root}/people?trait.plan=pro")
    page.locator("summary", has_text="Save as segment").click()
    look_at(desk, f"menu-segment-{size}")
    page.locator("summary", has_text="Filter").click()
    look_at(desk, f"menu-filter-{size}")
    page.locator(".top summary").first.click()
    look_at(desk, f"menu-websites-{size}")
    page.get_by_label("Your account").click()
    look_at(desk, f"menu-account-{size}")


def test_merging_long_and_hostile_people_is_sound(demo: Demo, desk: Desk, size: str) -> None:
    page = desk.page
    long_id, other = f"{'b7c6e5d4-' * 6}@{size}.example", f"other-{size}"
    hostile = {"bio": "<b onclick=x>" + "long " * 80, "image": "javascript:alert(1)", "tags": ["a", "b"]}
    visitor = demo.person_of_ones_own(long_id, name="Maximiliane " + "Wilhelmine" * 6, **hostile)
    demo.event("pageview", visitor, f"/{'a-long-way/' * 20}")
    demo.event("external_link", visitor, extraData={"url": "javascript:alert(1)", "text": "x"})
    demo.person_of_ones_own(other, name="Other", plan="pro")
    page.goto(f"{demo.root}/people/user:{quote(long_id, safe='')}")
    assert page.locator("a[href^=javascript], img[src^=javascript]").count() == 0
    page.locator("summary", has_text="Actions").click()
    page.get_by_role("link", name="Merge with another user").click()
    page.get_by_label("The other user's id").fill("nobody")
    refused(desk, "Compare")
    look_at(desk, f"merge-refused-{size}")
    page.get_by_label("The other user's id").fill(other)
    page.get_by_role("button", name="Compare").click()
    page.locator(".merge").wait_for()
    look_at(desk, f"merge-preview-{size}")
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_role("status")).to_be_in_viewport()
    look_at(desk, f"merge-done-{size}")
    page.get_by_role("button", name="Undo the merge").click()
    expect(page.get_by_role("status")).to_contain_text("Undone")
    look_at(desk, f"merge-undone-{size}")
    page.goto(f"{demo.root}/live")
    page.locator(".online li", has_text="Maximiliane").first.wait_for()
    look_at(desk, f"live-online-{size}")


def test_erasing_is_sound(demo: Demo, desk: Desk, size: str) -> None:
    page = desk.page
    user = f"erased-{size}"
    demo.person_of_ones_own(user, name="Other", plan="pro")
    page.goto(f"{demo.root}/people/user:{user}")
    page.locator("summary", has_text="Actions").click()
    page.get_by_text("Erase this person").click()
    page.get_by_label("to confirm").fill("x")
    refused(desk, "Erase permanently")
    look_at(desk, f"erase-refused-{size}")
    page.get_by_label("to confirm").fill(user)
    page.get_by_role("button", name="Erase permanently").click()
    page.get_by_role("heading", name="This person was erased").wait_for()
    look_at(desk, f"erase-receipt-{size}")


def test_new_keys_and_tokens_are_sound(demo: Demo, desk: Desk, size: str) -> None:
    page = desk.page
    page.goto(f"{demo.root}/settings")
    page.get_by_placeholder("Name, such as backend").fill(size)
    page.get_by_role("button", name="Create key").click()
    page.locator(".good pre").first.wait_for()
    look_at(desk, f"settings-key-{size}")
    page.goto(f"{demo.url}/tokens")
    page.get_by_role("textbox", name="Name").fill(size)
    refused(desk, "Create token")
    look_at(desk, f"tokens-refused-{size}")
    expect(page.get_by_role("textbox", name="Name")).to_have_value(size)
    page.get_by_label("Everything").check()
    page.get_by_role("button", name="Create token").click()
    page.locator(".good pre").first.wait_for()
    look_at(desk, f"tokens-token-{size}")


def test_a_refused_domain_and_password_are_sound(demo: Demo, desk: Desk, size: str) -> None:
    page = desk.page
    page.goto(f"{demo.url}/websites/new")
    page.get_by_label("Domain").fill("no domain")
    refused(desk, "Create website")
    look_at(desk, f"website-refused-{size}")
    page.goto(f"{demo.url}/account")
    page.get_by_label("Current password").fill("wrong")
    page.get_by_label("New password").fill("a new password")
    refused(desk, "Change password")
    look_at(desk, f"account-refused-{size}")

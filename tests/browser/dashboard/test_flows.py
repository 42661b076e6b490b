"""Goals, funnels and retention by clicks alone, from what is there to the people behind it."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.support.desk import Demo


def number_in(text: str) -> int:
    found = re.search(r"[\d,]+", text)
    assert found, text
    return int(found[0].replace(",", ""))


def follow_to_people(page: Page, link: Any) -> None:
    """Click a number, and find as many people."""
    counted = number_in(link.inner_text())
    link.click()
    expect(page.locator(".parts [aria-current] b")).to_have_text(f"{counted:,}")


def test_numbers_lead_to_people_without_javascript(demo: Demo, browser: Browser, session: Any) -> None:
    funnels = f"/api/v1/admin/websites/{demo.website_id}/funnels"
    for one in demo.http.get(funnels).json()["data"]:
        demo.http.delete(f"{funnels}/{one['id']}")
    context = browser.new_context(storage_state=session, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{demo.root}/goals?period=last30d")
    expect(page.locator("table.ranks")).to_be_visible(timeout=60_000)  # once the columns are there
    page.get_by_role("link", name="signup").click()
    page.get_by_label("Display name").fill("Signed up")
    page.get_by_label("Green").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.get_by_role("heading", level=1)).to_have_text("Signed up")
    page.get_by_role("link", name="All goals").click()
    row = page.locator("table.ranks tbody tr", has_text="Signed up")
    follow_to_people(page, row.get_by_title("Show these people"))
    page.get_by_label("Website").get_by_role("link", name="Goals").click()
    expect(page.locator(".chips .turn")).to_have_text("Goal is signup")
    page.get_by_role("link", name="Remove the filter").click()
    page.get_by_label("Goals", exact=True).get_by_role("link", name="Funnels").click()
    page.get_by_role("button", name="Make this funnel").click()
    expect(page.locator(".flow > li")).to_have_count(3)
    here = page.url
    for link in (page.locator(".passed").nth(1), page.locator(".drop a").first):
        follow_to_people(page, link)
        expect(page.locator(".chips .turn")).to_contain_text("Funnel is pricing-to-payment")
        page.goto(here)
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Page or goal of step 2").fill("/x")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Step 2: must be a goal")
    page.get_by_label("Kind of step 2").select_option("Page")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".flow > li").nth(1)).to_contain_text("Nobody stopped here")
    page.get_by_role("button", name="Delete this funnel").click()
    expect(page.get_by_role("status")).to_have_text("The funnel was deleted.")
    page.get_by_role("link", name="Retention").click()
    people = page.locator("table.cohorts td.num a").first
    counted = people.inner_text()
    page.get_by_role("link", name="People", exact=True).last.click()
    expect(page.locator("table.cohorts td.tint-6").first).to_have_text(counted)
    follow_to_people(page, people)
    context.close()

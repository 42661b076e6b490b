"""The overview by clicks: rows become filters, tabs take each other's place, and ranges are stepped through, with and without JavaScript."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.support.desk import Demo, Desk


def visitors(demo: Demo, **query: Any) -> str:
    """How many the API tells of the last 30 days."""
    (row,) = demo.ask("/analytics/overview", period="last30d", fields="visitors", **query)
    return f"{row['visitors']:,}"


def open_overview(page: Page, demo: Demo) -> None:
    """The page, once the columns have been built; until then it loads itself again."""
    page.goto(f"{demo.root}/overview")
    expect(page.locator(".metrics")).to_be_visible(timeout=60_000)


def row(page: Page, group: str, label: str) -> Any:
    return page.locator(f"#{group}").get_by_role("link", name=label, exact=True)


def test_clicks_narrow_the_page_down(demo: Demo, desk: Desk) -> None:
    page = desk.page
    open_overview(page, demo)
    total, chips = page.locator(".metrics b").first, page.locator(".chips .turn")
    expect(total).to_have_text(visitors(demo))
    for operator, condition in (("is", "is:Organic search"), ("is not", "is_not:Organic search")):
        row(page, "sources", "Organic search").click()
        expect(chips).to_have_text(f"Channel {operator} Organic search")
        expect(total).to_have_text(visitors(demo, filter_channel=condition))
    page.locator(".chips .turn").click()
    row(page, "sources", "Direct").click()
    expect(chips).to_have_text("Channel is Organic search or Direct")
    page.locator("#places").get_by_role("link", name="Germany").click()
    expect(chips).to_have_count(2)
    expect(total).to_have_text(
        visitors(demo, filter_channel="is:Organic search,Direct", filter_country="is:DE")
    )
    for _ in range(2):
        page.get_by_role("link", name="Remove the filter").first.click()
    expect(chips).to_have_count(0)


def test_a_tab_is_kept_by_all_that_leads_on(demo: Demo, desk: Desk) -> None:
    page = desk.page
    open_overview(page, demo)
    page.evaluate("window.isTheSame = true")
    page.locator("#sources").get_by_role("link", name="Referrers", exact=True).click()
    expect(page.locator("#sources").get_by_role("columnheader", name="Referrer")).to_be_visible()
    expect(page.locator("#sources [aria-current]")).to_be_focused()
    assert page.evaluate("window.isTheSame")
    assert "sources=referrers" in page.url
    page.get_by_role("link", name="Bounce rate").click()
    page.wait_for_url("**metric=bounce_rate**")
    page.get_by_role("link", name="The range before").click()
    page.wait_for_url("**startAt=**")
    expect(page.locator("#sources").get_by_role("link", name="Referrers", exact=True)).to_have_attribute(
        "aria-current", "true"
    )
    expect(page.get_by_role("link", name="Bounce rate")).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="The next range").click()
    expect(page.locator("#pages table.ranks")).to_be_visible()
    page.locator("#pages").get_by_role("link", name=re.compile("^All")).click()
    page.get_by_role("searchbox").fill("docs")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".ranks tbody tr").first).to_contain_text("/docs")
    page.get_by_role("link", name="Overview", exact=True).last.click()
    expect(page.locator(".metrics")).to_be_visible()


def test_the_overview_works_without_javascript(demo: Demo, browser: Browser, session: Any) -> None:
    context = browser.new_context(storage_state=session, java_script_enabled=False)
    page = context.new_page()
    open_overview(page, demo)
    page.locator("#places").get_by_role("link", name="Countries", exact=True).click()
    row(page, "places", "Germany").click()
    expect(page.locator(".chips .turn")).to_have_text("Country is Germany")
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Field").select_option("device")
    page.get_by_label("Value").fill("desktop")
    page.get_by_role("button", name="Add filter").click()
    expect(page.locator(".chips .turn")).to_have_count(2)
    expect(page.locator(".metrics b").first).to_have_text(
        visitors(demo, filter_country="is:DE", filter_device="is:desktop")
    )
    page.locator("summary", has_text="Last 30 days").click()
    page.get_by_role("link", name="Last 7 days").click()
    expect(page.locator("summary", has_text="Last 7 days")).to_be_visible()
    expect(page.locator(".chips .turn")).to_have_count(2)
    context.close()

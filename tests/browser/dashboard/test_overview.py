"""The overview by clicks: rows become filters, tabs take each other's place, and ranges are stepped through, with and without JavaScript."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Page, expect

from tests.support.desk import Demo, Desk, open_overview, visitors


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


def test_a_number_opens_its_people_and_they_can_be_saved(demo: Demo, desk: Desk) -> None:
    page = desk.page
    open_overview(page, demo)
    row(page, "sources", "Organic search").click()
    page.get_by_role("link", name="Show these people").click()
    (counted,) = demo.ask(
        "/analytics/overview", period="last30d", fields="people", filter_channel="is:Organic search"
    )
    expect(page.locator(".parts [aria-current]")).to_have_text(f"{counted['people']} People")
    page.locator("summary", has_text="Save as segment").click()
    page.get_by_label("Name", exact=True).fill("Searchers")
    page.get_by_role("button", name="Save", exact=True).click()
    saved = page.get_by_role("link", name="Searchers")
    expect(saved).to_have_attribute("aria-current", "true")
    page.locator("#list").get_by_role("link", name="Germany").first.click()
    expect(page.locator(".chips .turn")).to_have_count(2)
    page.get_by_role("columnheader", name="Revenue").get_by_role("link").click()
    expect(page.locator("[aria-sort]")).to_contain_text("Revenue")
    page.get_by_label("Website").get_by_role("link", name="Overview").click()
    expect(page.locator(".chips .turn")).to_have_count(2)
    saved.click()
    expect(page.locator(".chips .turn")).to_have_count(1)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete the segment").click()
    expect(saved).to_have_count(0)


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


def test_the_chart_tells_and_leads_to_the_range_that_is_dragged_over(demo: Demo, desk: Desk) -> None:
    page = desk.page
    open_overview(page, demo)
    hits = page.locator(".chart.wide .hit")
    days = [
        href or ""
        for href in hits.locator("xpath=..").evaluate_all("all => all.map(one => one.href.baseVal)")
    ]
    hits.nth(3).hover()
    expect(page.locator(".tip")).to_contain_text("Visitors: ")
    page.mouse.down()
    hits.nth(5).hover()
    page.mouse.up()
    page.wait_for_url("**startAt=**")
    first, last = (parse_qs(days[at].removeprefix("?")) for at in (3, 5))
    assert parse_qs(urlsplit(page.url).query) == {"startAt": first["startAt"], "endAt": last["endAt"]}
    expect(page.locator(".chart.wide .hit")).to_have_count(3)
    page.locator(".chart.wide .hit").first.click()
    (day,) = first["startAt"]
    page.wait_for_url(f"**startAt={day}&endAt={day}")


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

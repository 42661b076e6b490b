"""Notes on the chart, and a link for anybody, by clicks; the link and the forms work without JavaScript too."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, expect

from tests.support.desk import Demo, Desk, open_overview, visitors


def test_a_note_is_written_read_changed_and_deleted(demo: Demo, desk: Desk) -> None:
    page = desk.page
    open_overview(page, demo)
    page.get_by_text("Add a note").click()
    page.get_by_label("What happened?").fill("We launched\non Hacker News")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("The note is saved.")
    notes = page.locator("#notes")
    ours = notes.locator("li").first
    expect(ours.locator("p")).to_contain_text("We launched")
    expect(page.locator(".chart.wide .noted")).to_have_count(3)
    page.locator(".chart.wide .hit").last.hover()
    expect(page.locator(".tip")).to_contain_text("✎ We launched on Hacker News")
    ours.get_by_role("link", name="Edit the note").click()
    expect(page.get_by_label("What happened?").last).to_be_focused()
    page.get_by_label("What happened?").last.fill("We relaunched")
    page.keyboard.press("Tab")
    notes.locator("li").get_by_role("button", name="Save").click()
    expect(ours.locator("p")).to_contain_text("We relaunched")
    page.on("dialog", lambda dialog: dialog.accept())
    ours.get_by_role("button", name="Delete the note").click()
    expect(page.get_by_role("status")).to_have_text("The note is deleted.")
    expect(page.locator(".chart.wide .noted")).to_have_count(2)


def test_a_link_is_made_opened_by_a_stranger_and_revoked(demo: Demo, desk: Desk, browser: Browser) -> None:
    page = desk.page
    open_overview(page, demo)
    page.get_by_role("link", name="Share", exact=True).click()
    page.get_by_role("button", name="Turn on").click()
    page.get_by_label("Name").fill("Investors")
    page.get_by_label("Show revenue").check()
    page.get_by_role("button", name="Create link").click()
    link = page.locator(".made code").inner_text()
    for has_script in (True, False):
        context = browser.new_context(java_script_enabled=has_script)
        look_around(context.new_page(), demo, link)
        context.close()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Revoke Investors").click()
    expect(page.get_by_role("status")).to_have_text("Revoked.")
    context = browser.new_context()
    gone = context.new_page().goto(link)
    assert gone is not None
    assert gone.status == 404
    context.close()


def look_around(page: Any, demo: Demo, link: str) -> None:
    """What a stranger does with a link."""
    page.goto(link)
    total = page.locator(".metrics b").first
    expect(total).to_have_text(visitors(demo))
    page.locator("#sources").get_by_role("link", name="Ad clicks").click()
    expect(page.locator("#sources").get_by_role("columnheader", name="Network")).to_be_visible()
    page.locator("#sources").get_by_role("link", name="Google Ads").click()
    expect(page.locator(".chips .turn")).to_have_text("Ad network is Google Ads")
    expect(total).to_have_text(visitors(demo, filter_ad_network="is:Google Ads"))
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Field").select_option("device")
    page.get_by_label("Value").fill("desktop")
    page.get_by_role("button", name="Add filter").click()
    expect(page.locator(".chips .turn")).to_have_count(2)
    page.locator("summary", has_text="Last 30 days").click()
    page.get_by_role("link", name="Last 7 days").click()
    expect(page.locator("summary", has_text="Last 7 days")).to_be_visible()
    assert page.url.startswith(link)

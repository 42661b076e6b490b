"""Revenue by clicks: sources become filters, lists take each other's place, and customers lead to their pages."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from footfall.dashboard.rendering import money_text
from tests.support.desk import Demo, Desk, card


def revenue(demo: Demo, **query: Any) -> str:
    """What the API tells of the last 30 days."""
    (row,) = demo.ask("/analytics/overview", period="last30d", fields="revenue,currency", **query)
    return money_text(round(row["revenue"] * 100) / 100, "USD")


def test_revenue_leads_from_sources_to_customers(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.goto(f"{demo.root}/overview")
    expect(page.locator(".metrics")).to_be_visible(timeout=60_000)
    page.get_by_label("Website").get_by_role("link", name="Revenue").click()
    total = page.locator(".metrics b").first
    expect(total).to_have_text(revenue(demo))
    page.locator(".chart:visible .hit").nth(20).hover()
    expect(page.locator(".tip")).to_contain_text("Revenue: $")
    last = card(page, "Last touch")
    last.get_by_role("link", name="Organic search", exact=True).click()
    expect(page.locator(".chips .turn")).to_have_text("Channel is Organic search")
    expect(total).to_have_text(revenue(demo, filter_channel="is:Organic search"))
    last.get_by_role("link", name="Referrers").click()
    expect(card(page, "First touch").locator("thead")).to_contain_text("Referrer")
    expect(page.locator(".chips .turn")).to_have_count(1)
    last.get_by_role("link", name=re.compile("Customers of google.com")).click()
    expect(page.locator(".parts [aria-current]")).to_contain_text("Customers")
    page.go_back()
    customer = card(page, "Top customers").locator("a.person").first
    name = customer.locator("b").inner_text()
    customer.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.go_back()
    page.get_by_role("navigation", name="Revenue").get_by_role("link", name="Payments").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Payments")
    expect(page.get_by_label("Website").get_by_role("link", name="Revenue")).to_have_attribute(
        "aria-current", "page"
    )

"""Installing the script on a website: what is waited for, and what mends it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.desk import Demo, Desk, look_at
from tests.support.servers import run_json
from tests.support.sites import CHROME, new_visitor, wait_for_changes


@pytest.mark.parametrize("width", [1440, 390])
def test_from_a_dropped_event_to_the_first_person(demo: Demo, desk: Desk, width: int) -> None:
    page, domain = desk.page, f"install-{width}.example"
    made = run_json(demo.place, "website", "create", domain)
    wait_for_changes(demo.place, demo.http)

    def arrive(host: str, visitor: str = "") -> str:
        page_of = {"href": f"https://{host}/", "domain": domain}
        return demo.event("pageview", visitor or new_visitor(), tracking_id=made["trackingId"], **page_of)

    assert arrive("localhost:3000") == "localhost"
    assert arrive(f"shop-{width}.example") == "wrong_host"
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{demo.url}/w/{made['websiteId']}/settings")
    card = page.locator("#install")
    expect(card).to_contain_text("1 event from another host name")
    look_at(desk, f"install-{width}")
    card.get_by_role("button", name="Allow localhost").click()
    expect(card.get_by_role("status").first).to_contain_text("copy the snippet again")
    expect(card.get_by_role("status").first).to_be_in_viewport()
    expect(card.locator("pre")).to_contain_text("data-allow-localhost")
    card.get_by_role("button", name=f"Allow shop-{width}.example").click()
    expect(card).to_contain_text("now allowed")
    expect(page.get_by_label("Other host names and app bundle ids")).to_have_value(f"shop-{width}.example")
    expect(card).to_contain_text("Waiting for the first pageview")
    visitor = new_visitor()
    assert arrive(f"shop-{width}.example", visitor) == ""
    expect(card).to_contain_text("Pageviews are coming in")

    page.get_by_placeholder("Name, such as backend").fill("backend")
    page.get_by_role("button", name="Create key").click()
    keys = page.locator("#keys")
    expect(keys.locator(".made")).to_be_focused()
    expect(keys).to_contain_text("Waiting for the first identify")
    key = keys.locator(".made pre").first.inner_text()
    said = {"user_id": "user_1", "datafast_visitor_id": visitor}
    headers = {"authorization": f"Bearer {key}", "user-agent": CHROME}
    assert demo.http.post("/api/v1/identify", json=said, headers=headers).status_code == 200
    expect(keys).to_contain_text("People are being identified")
    look_at(desk, f"installed-{width}")

"""Connecting a payment provider in a browser, from the first link to its first delivery."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from footfall.clock import system_clock
from tests.support.desk import Demo, Desk
from tests.support.engines import PUBLIC_URL
from tests.support.webhooks import SECRETS, sign
from tests.unit.payments.providers import other_events


def deliver(demo: Demo) -> None:
    """Polar delivers a sale."""
    body = json.dumps(other_events.polar("order.paid", other_events.polar_order())).encode()
    headers = sign("polar", SECRETS["polar"], body, system_clock() // 1000)
    answer = demo.http.post(f"/api/webhooks/polar/{demo.website_id}", content=body, headers=headers)
    assert answer.status_code == 200


def test_a_provider_is_connected_by_the_keyboard_heard_of_and_disconnected(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.goto(f"{demo.root}/settings")
    page.get_by_role("link", name="Payments", exact=True).last.click()
    polar, head = page.locator("#polar"), page.locator("#polar .provider > summary")
    head.focus()
    page.keyboard.press("Enter")
    polar.get_by_role("button", name="Copy").click()
    expect(polar.get_by_role("button", name="Copied")).to_be_visible()
    address = page.evaluate("navigator.clipboard.readText()")
    assert address == f"{PUBLIC_URL}/api/webhooks/polar/{demo.website_id}"

    secret = polar.get_by_label("Signing secret of Polar")
    secret.fill("sécret")
    desk.expected_errors = 1
    page.keyboard.press("Enter")
    expect(polar.get_by_role("alert")).to_be_in_viewport()
    expect(secret).to_be_focused()
    expect(secret).to_have_value("")
    secret.fill(SECRETS["polar"])
    page.keyboard.press("Enter")
    expect(polar.locator(".good")).to_be_in_viewport()
    assert page.url == f"{demo.root}/settings/payments?provider=polar#polar"
    expect(head).to_contain_text("Waiting for the first delivery…")
    deliver(demo)
    expect(head).to_contain_text("Connected")  # by itself
    expect(polar).to_contain_text("order.paid")
    assert SECRETS["polar"] not in page.content()

    page.once("dialog", lambda dialog: dialog.dismiss())
    polar.get_by_role("button", name="Disconnect Polar").click()
    expect(head).to_contain_text("Connected")
    page.once("dialog", lambda dialog: dialog.accept())
    polar.get_by_role("button", name="Disconnect Polar").click()
    expect(head).to_contain_text("Not connected")
    expect(polar.locator(".good")).to_contain_text("Disconnected.")

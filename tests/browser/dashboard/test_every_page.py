"""Every page at both sizes and in both colour schemes, by keyboard, and without JavaScript."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from footfall.clock import system_clock
from footfall.shares.store import add_share, new_share
from tests.support.desk import (
    SCHEMES,
    SIZES,
    WIDTHS,
    Demo,
    Desk,
    card,
    expect_to_fit,
    look_at,
    rows,
    wait_for,
)
from tests.support.servers import run_json, until
from tests.support.sites import new_visitor

FIRST_LOAD = 100 * 1024
"""Bytes."""


@pytest.fixture(scope="module")
def tour(demo: Demo) -> dict[str, tuple[str, int]]:
    """Name: (path, status) of one page of each kind."""
    root = f"/w/{demo.website_id}"
    busiest = max(demo.ask("/profiles", limit=250), key=lambda one: len(one["metadata"]))["profileId"]
    shared = next(one for one in demo.ask("/identity/health")["findings"] if one["kind"] == "shared_visitors")
    empty = run_json(demo.place, "website", "create", "empty.example")
    anonymous = run_json(demo.place, "website", "create", "anonymous.example")
    cookieless = run_json(demo.place, "website", "create", "cookieless.example", "--cookieless")
    long = run_json(demo.place, "website", "create", "long.example", "--name", "W" * 100)
    run_json(demo.place, "key", "create", long["websiteId"], "--name", "K" * 100)
    run_json(demo.place, "token", "create", "--name", "T" * 100, "--permissions", "analytics:read")
    lengthy = {"name": "N" * 900, "email": "m" * 200 + "@example.org", "k" * 100: "v" * 3000}
    visitor = demo.person_of_ones_own("u" * 255, **lengthy)
    for user in ("w" * 255, "x" * 255, "y" * 255):
        demo.person_of_ones_own(user, email="both@example.org")
    refuse_deliveries(demo)
    expect_known(demo, cookieless["websiteId"])
    for made, script in ((anonymous, "script.js"), (cookieless, "script.cookieless.js")):
        domain = made["domain"]
        page = {"domain": domain, "href": f"https://{domain}/", "script": script}
        assert demo.event("pageview", new_visitor(), tracking_id=made["trackingId"], **page) == ""
    payment, funnel = pay_around(demo, visitor), make_funnel(demo)
    notes = f"/api/v1/admin/websites/{demo.website_id}/notes"
    for text in ("Launch", "N" * 1000):
        note = demo.http.post(notes, json={"text": text}).json()["data"][0]["id"]
    for website_id in (demo.website_id, empty["websiteId"]):
        run_json(demo.place, "website", "update", website_id, "--public")
    until(lambda: demo.http.get("/api/v1/analytics/overview").status_code == 200, "there are no columns")
    return {
        "overview": (f"{root}/overview", 200),
        "overview-filtered": (
            f"{root}/overview?filter_country=is:US,DE&places=countries&metric=revenue&period=last7d",
            200,
        ),
        "overview-note": (f"{root}/overview?note={note}&sources=ad-networks", 200),
        "shared": (share_of(demo, demo.website_id, has_money=True), 200),
        "shared-narrow": (f"{share_of(demo, demo.website_id)}?filter_country=is:US&sources=ad-networks", 200),
        "shared-wrong": (f"{share_of(demo, demo.website_id)}?startAt=x", 400),
        "shared-empty": (share_of(demo, empty["websiteId"]), 200),
        "shares": (f"{root}/shares", 200),
        "empty-shares": (f"/w/{long['websiteId']}/shares", 200),
        "overview-wrong": (f"{root}/overview?startAt=x", 400),
        "overview-list": (f"{root}/overview/pages?sort=name", 200),
        "empty-overview": (f"/w/{empty['websiteId']}/overview", 200),
        "revenue": (f"{root}/revenue?sources=referrers&filter_channel=is_not:Paid", 200),
        "revenue-wrong": (f"{root}/revenue?period=x", 400),
        "empty-revenue": (f"/w/{empty['websiteId']}/revenue", 200),
        "payments": (f"{root}/payments", 200),
        "payments-unmatched": (f"{root}/payments?matched=false", 200),
        "payment": (f"{root}/payments/{payment}", 200),
        "payments-beyond": (f"{root}/payments?cursor={'0' * 24}", 200),
        "empty-payments": (f"/w/{empty['websiteId']}/payments", 200),
        "people": (f"{root}/people", 200),
        "people-filtered": (f"{root}/people?search=a&trait.plan=pro,team&trait.seats=gte:5", 200),
        "people-range": (f"{root}/people?period=last7d&filter_channel=is_not:Direct&sort=revenue", 200),
        "people-nobody": (f"{root}/people?search=zzzz", 200),
        "people-wrong": (f"{root}/people?trait.seats=gte:x", 400),
        "person": (f"{root}/people/{busiest}", 200),
        "person-why": (f"{root}/people/{busiest}?why=1&ledger=1", 200),
        "person-goals": (f"{root}/people/{busiest}?only=goals", 200),
        "visitor": (f"{root}/visitors/{shared['examples'][0]['visitorId']}", 200),
        "person-long": (f"{root}/people/user:{'u' * 255}?why=1&ledger=1", 200),
        "merge-long": (f"{root}/people/user:{'u' * 255}/merge?other={'w' * 255}", 200),
        "merge-whom": (f"{root}/people/user:{'w' * 255}/merge", 200),
        "visitor-long": (f"{root}/visitors/{visitor}", 200),
        "people-beyond": (f"{root}/people?offset=5000", 200),
        "goals": (f"{root}/goals", 200),
        "goals-nothing": (f"{root}/goals?filter_country=is:AQ", 200),
        "goal": (f"{root}/goals?goal=signup", 200),
        "funnels": (f"{root}/funnels", 200),
        "funnel": (f"{root}/funnels/{funnel}?by=visitors", 200),
        "funnel-form": (f"{root}/funnels/{funnel}/edit", 200),
        "retention": (f"{root}/retention", 200),
        "retention-wrong": (f"{root}/retention?startAt=x", 400),
        "empty-funnels": (f"/w/{empty['websiteId']}/funnels", 200),
        "people-of-funnel": (f"{root}/people?period=last7d&filter_funnel=is:{funnel}:1:stopped", 200),
        "live": (f"{root}/live", 200),
        "live-filtered": (f"{root}/live?filter_device=is:desktop&filter_new=is:true", 200),
        "live-wrong": (f"{root}/live?filter_visit_count=is:x", 400),
        "health": (f"{root}/health", 200),
        "find": (f"{root}/find?q=a", 200),
        "find-nothing": ("/find?q=zzzzzz", 200),
        "docs": ("/docs", 200),
        "docs-found": ("/docs?q=merge", 200),
        "docs-guide": ("/docs/install", 200),
        "docs-reference": ("/docs/api/people", 200),
        "settings": (f"{root}/settings", 200),
        "websites": ("/", 200),
        "websites-none": ("/?search=zzzz&sort=revenue", 200),
        "website-new": ("/websites/new", 200),
        "tokens": ("/tokens", 200),
        "account": ("/account", 200),
        "unknown": ("/nothing/here", 404),
        "long-settings": (f"/w/{long['websiteId']}/settings", 200),
        "not-found": (f"{root}/visitors/x", 404),
        "empty-people": (f"/w/{empty['websiteId']}/people", 200),
        "empty-live": (f"/w/{empty['websiteId']}/live", 200),
        "empty-health": (f"/w/{empty['websiteId']}/health", 200),
        "empty-settings": (f"/w/{empty['websiteId']}/settings", 200),
        "payment-settings": (f"{root}/settings/payments", 200),
        "empty-payment-settings": (f"/w/{empty['websiteId']}/settings/payments?provider=stripe", 200),
        "anonymous-people": (f"/w/{anonymous['websiteId']}/people", 200),
        "cookieless-people": (f"/w/{cookieless['websiteId']}/people", 200),
    }


def share_of(demo: Demo, website_id: str, *, has_money: bool = False) -> str:
    """The path of a new link to the overview of a website."""
    new = new_share("S" * 100, system_clock(), has_money=has_money)
    assert demo.place.transact(lambda tx: add_share(tx, bytes.fromhex(website_id), new)) is None
    return f"/share/{new.secret}"


def refuse_deliveries(demo: Demo) -> None:
    """Connect two providers, of which one delivers what is refused."""
    for provider, secret in (("stripe", "whsec_of_the_tour"), ("paddle", "pdl_ntfset_of_the_tour")):
        path = f"/api/v1/admin/websites/{demo.website_id}/integrations/{provider}"
        assert demo.http.post(path, json={"webhookSecret": secret}).status_code == 200
    for kind in ("checkout.session.async_payment_succeeded", "invoice.paid"):
        answer = demo.http.post(f"/api/webhooks/stripe/{demo.website_id}", json={"type": kind})
        assert answer.status_code == 400


def pay_around(demo: Demo, visitor: str) -> str:
    """Payments of every kind, also of nobody; the id of one that several people may have made, and that was paid back."""
    shared = {"transaction_id": "t" * 255, "email": "both@example.org", "name": "N" * 255}
    for fields in (
        {"transaction_id": "1", "datafast_visitor_id": visitor},
        {"transaction_id": "2", "datafast_visitor_id": new_visitor()},
        {"transaction_id": "3"},
        {"transaction_id": "4", "renewal": True, "customer_id": "w" * 255},
        shared,
        {"transaction_id": "5", "refunded": True, "refund_of": "t" * 255},
    ):
        body = {"amount": 1234.5, "currency": "SEK", **fields}
        assert demo.http.post("/api/v1/payments", json=body).status_code == 200
    asked = {"transaction_id": "t" * 255}
    until(lambda: demo.ask("/payments", **asked)[0]["match"]["method"] == "ambiguous", "it is not found out")
    found: str = demo.ask("/payments", **asked)[0]["paymentId"]
    return found


def make_funnel(demo: Demo) -> str:
    """The id of a funnel with a long way and long names."""
    steps = [
        {"type": "pageview", "url": "/" + "x" * 200 + "*", "name": "N" * 100},
        {"type": "pageview", "url": "/pricing"},
    ]
    body = {
        "name": "Tour " + "W" * 95,
        "steps": [*steps[::-1], *steps, {"type": "goal", "goalName": "payment"}],
    }
    answer = demo.http.post(f"/api/v1/admin/websites/{demo.website_id}/funnels", json=body)
    assert answer.status_code in (200, 409), answer.text
    found: str = demo.ask(f"/admin/websites/{demo.website_id}/funnels")[-1]["id"]
    return found


def expect_known(demo: Demo, website_id: str) -> None:
    """Return once the server knows a website that a command made."""
    token = run_json(demo.place, "token", "create", "--name", "x", "--permissions", "analytics:read")["key"]
    headers = {"authorization": f"Bearer {token}"}
    until(
        lambda: demo.http.get(f"/api/v1/profiles?websiteId={website_id}", headers=headers).status_code == 200,
        "the server does not notice a new website",
    )


def test_every_page_is_sound(
    browser: Browser, demo: Demo, session: Any, tour: dict[str, tuple[str, int]]
) -> None:
    outside = {"login": ("/login", 200), "docs-outside": ("/docs/metrics", 200)}
    for state, pages in ((None, outside), (session, tour)):
        context = browser.new_context(storage_state=state)
        desk = Desk(context, demo)
        for number, (name, (path, status)) in enumerate(pages.items()):
            desk.expected_errors = int(status >= 400)
            answer = desk.page.goto(demo.url + path)
            assert answer is not None
            assert answer.status == status, name
            assert desk.page.title().endswith("Footfall")
            schemes = SCHEMES if number % 2 else SCHEMES[::-1]
            for scheme, (size, (width, height)) in zip(schemes, SIZES.items(), strict=True):
                desk.page.set_viewport_size({"width": width, "height": height})
                desk.page.emulate_media(color_scheme=scheme)
                look_at(desk, f"{name}-{size}-{scheme}")
            for width in WIDTHS:
                desk.page.set_viewport_size({"width": width, "height": 800})
                expect_to_fit(desk.page, f"{name}-{width}")
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fields_are_seen(browser: Browser, demo: Demo, scheme: Any) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{demo.url}/login")
    border, inside, around = page.get_by_label("Password").evaluate(
        "field => [getComputedStyle(field).borderTopColor, getComputedStyle(field).backgroundColor,"
        " getComputedStyle(field.closest('.card')).backgroundColor]"
    )
    context.close()
    assert contrast(border, inside) >= 3
    assert contrast(border, around) >= 3


def contrast(one: str, other: str) -> float:
    """How much two colours differ, from 1 to 21, as WCAG counts it."""

    def light(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)


def test_the_first_load_is_small(demo: Demo, browser: Browser, session: Any) -> None:
    context = browser.new_context(storage_state=session)
    page = context.new_page()
    page.goto(f"{demo.root}/overview", wait_until="networkidle")
    sizes = page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map(e => e.transferSize)"
    )
    context.close()
    assert len(sizes) >= 4  # the page, its style, its script and its icon
    assert 10_000 < sum(sizes) <= FIRST_LOAD, sizes


def test_the_keyboard_is_enough(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.goto(f"{demo.root}/people")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("user_10")
    wait_for(page, lambda: rows(page) == demo.people(search="user_10"))
    first = page.locator("#list a.person").first
    for _ in range(12):  # the range, the filter, the file, and what the list is sorted by
        page.keyboard.press("Tab")
        if first.evaluate("one => one === document.activeElement"):
            break
    expect(first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/*")
    page.get_by_label("Your account").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Log out")).to_be_hidden()
    expect(page.get_by_label("Your account")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(5):
        expect(page.get_by_role("button", name="Log out")).to_be_visible()
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Log out")).to_be_hidden()


def test_reading_works_without_javascript(demo: Demo, browser: Browser, session: Any) -> None:
    context = browser.new_context(storage_state=session, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{demo.root}/people")
    page.get_by_role("searchbox").fill("user_12")
    page.get_by_role("button", name="Search").click()
    assert rows(page) == demo.people(search="user_12")
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Field").select_option("trait.plan")
    page.get_by_label("Value").fill("pro")
    page.get_by_role("button", name="Add filter").click()
    assert rows(page) == demo.people(search="user_12", trait__plan="pro")
    page.locator("#list a.person").first.click()
    expect(page.locator("#journey")).to_contain_text("Page")
    page.get_by_role("link", name="Why?").click()
    expect(card(page, "Traits")).to_contain_text("by the key “backend”")
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Live")
    context.close()

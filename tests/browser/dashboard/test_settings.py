"""Settings of a website, keys and tokens."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from playwright.sync_api import expect

from footfall.websites.removal import remove_website
from tests.support.dashboard import PASSWORD
from tests.support.desk import EMAIL, Demo, Desk, look_at
from tests.support.servers import run_json
from tests.support.sites import new_visitor, wait_for_changes


def configured(demo: Demo) -> dict[str, Any]:
    """The demo's website as a command shows it."""
    found: list[dict[str, Any]] = run_json(demo.place, "website", "list")
    return next(one for one in found if one["websiteId"] == demo.website_id)


def test_settings_are_kept_and_take_effect(demo: Demo, desk: Desk) -> None:
    page = desk.page
    before = configured(demo)
    page.goto(f"{demo.root}/settings")
    page.get_by_label("Suspended").check()
    page.get_by_label("Other host names and app bundle ids").fill("shop.demo.test, com.demo.app")
    page.get_by_label("Excluded paths").fill("/admin/*")
    page.get_by_label("Excluded addresses").fill("192.0.2.0/24")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Suspended, really?")).to_be_in_viewport()
    assert configured(demo) == before
    page.get_by_role("button", name="Yes, save").click()
    expect(page.get_by_label("Suspended")).to_be_checked()
    expect(page.get_by_role("status").first).to_have_text("Saved.")
    changed = configured(demo)
    assert (changed["isSuspended"], changed["allowedHostnames"]) == (True, ["shop.demo.test", "com.demo.app"])
    assert (changed["excludedPaths"], changed["excludedIps"]) == (["/admin/*"], ["192.0.2.0/24"])
    assert demo.event("pageview", new_visitor()) == "suspended"
    page.get_by_label("Suspended").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Suspended")).not_to_be_checked()
    assert demo.event("pageview", new_visitor(), "/admin/x") == "excluded"
    page.get_by_label("Time zone").fill("Mars")
    desk.expected_errors = 1
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_have_text(
        "'Mars' is no IANA time zone; use one such as Europe/Berlin."
    )
    expect(page.get_by_label("Time zone")).to_have_value("Mars")
    expect(page.get_by_label("Time zone")).to_be_focused()
    expect(page.get_by_label("Time zone")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Excluded paths")).to_have_value("/admin/*")
    page.goto(f"{demo.root}/settings")
    for name in ("Other host names and app bundle ids", "Excluded host names", "Excluded countries"):
        page.get_by_label(name).fill("a b!")
        desk.expected_errors = 1
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_label(name)).to_be_focused()
        expect(page.locator("[aria-invalid]")).to_have_count(1)
        expect(page.get_by_role("alert")).to_be_in_viewport()
        page.get_by_label(name).fill("")
    page.goto(f"{demo.root}/settings")
    for name in ("Other host names and app bundle ids", "Excluded paths", "Excluded addresses"):
        page.get_by_label(name).fill("")
    page.get_by_label("Cookieless").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Yes, save").click()
    expect(page.locator("section", has_text="Install").locator("pre").first).to_contain_text(
        "script.cookieless.js"
    )
    page.get_by_label("Cookieless").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Cookieless")).not_to_be_checked()
    assert configured(demo) == before


def test_a_key_is_shown_once_copied_and_revoked(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.goto(f"{demo.root}/settings")
    page.get_by_placeholder("Name, such as backend").fill("a second one")
    page.get_by_label("Time zone").fill("typed, and not saved")
    page.get_by_role("button", name="Create key").click()
    made = page.locator("#keys .made")
    expect(made).to_be_focused()
    expect(made.locator("pre").first).to_be_in_viewport()
    expect(page.get_by_label("Time zone")).to_have_value("typed, and not saved")
    made.get_by_role("button", name="Copy").first.click()
    expect(made.get_by_role("button").first).to_have_text("Copied")
    key = page.evaluate("navigator.clipboard.readText()")
    assert key == made.locator("pre").first.inner_text()
    expect(made.locator("pre").nth(1)).to_contain_text(f"Bearer {key}")
    headers = {"authorization": f"Bearer {key}"}
    assert demo.http.get("/api/v1/profiles", headers=headers).status_code == 200
    page.goto(f"{demo.root}/settings")
    assert key not in page.content()
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_label("Revoke a second one").click()
    assert demo.http.get("/api/v1/profiles", headers=headers).status_code == 200
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_label("Revoke a second one").click()
    expect(page.locator("#keys").get_by_role("status")).to_contain_text("Revoked")
    expect(page.locator("#keys")).not_to_contain_text("a second one")
    assert demo.http.get("/api/v1/profiles", headers=headers).status_code == 401


def test_to_load_the_answer_to_a_form_again_sends_nothing(demo: Demo, desk: Desk) -> None:
    page = desk.page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto(f"{demo.root}/settings")
    page.get_by_placeholder("Name, such as backend").fill("only one")
    page.get_by_role("button", name="Create key").click()
    page.locator(".good pre").first.wait_for()
    assert page.url == f"{demo.root}/settings"
    page.reload()
    expect(page.locator(".good")).to_have_count(0)
    expect(page.locator("#keys tr", has_text="only one")).to_have_count(1)
    page.goto(f"{demo.url}/tokens")
    page.get_by_role("textbox", name="Name").fill("only token")
    page.get_by_label("Everything").check()
    page.get_by_role("button", name="Create token").click()
    page.locator(".good code").wait_for()
    page.get_by_label("Your account").click()
    page.get_by_role("link", name="Account", exact=True).click()
    page.wait_for_url("**/account")
    page.evaluate("history.back()")  # `go_back` does not notice a page that the browser kept
    expect(page.get_by_role("heading", name="New token", exact=True)).to_be_visible()
    expect(page.locator("tr", has_text="only token")).to_have_count(1)
    page.goto(f"{demo.url}/websites/new")
    page.get_by_label("Domain").fill("no domain")
    desk.expected_errors = 1
    page.get_by_role("button", name="Create website").click()
    page.get_by_role("alert").wait_for()
    page.reload()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert [url.removeprefix(demo.url) for url in sent] == [
        f"/w/{demo.website_id}/keys",
        "/tokens",
        "/websites/new",
    ]


def test_what_was_done_is_said_once(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.goto(f"{demo.root}/settings")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_have_text("Saved.")
    assert page.url == f"{demo.root}/settings"
    page.reload()
    expect(page.get_by_text("Saved.")).to_have_count(0)


def test_copying_works_where_browsers_have_no_clipboard(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.add_init_script("delete Navigator.prototype.clipboard")  # as on a page over plain HTTP
    page.goto(f"{demo.root}/settings")
    assert page.evaluate("navigator.clipboard") is None
    snippet = page.locator("section", has_text="Install").first
    snippet.get_by_role("button", name="Copy").click()
    expect(snippet.get_by_role("button")).to_have_text("Copied")


def test_a_token_may_do_what_was_ticked(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.goto(f"{demo.url}/tokens")
    page.get_by_label("Name").fill("reader")
    page.get_by_label("analytics:read").check()
    page.get_by_label("Demo", exact=True).check()
    page.get_by_role("button", name="Create token").click()
    token = page.locator(".good code").inner_text()
    headers = {"authorization": f"Bearer {token}"}
    query = {"websiteId": demo.website_id}
    assert demo.http.get("/api/v1/profiles", params=query, headers=headers).status_code == 200
    body = {"userIds": ["a", "b"]}
    assert (
        demo.http.post("/api/v1/profiles/merge", params=query, json=body, headers=headers).status_code == 403
    )
    page.goto(f"{demo.url}/tokens")
    row = page.locator("tr", has_text="reader")
    expect(row).to_contain_text("analytics:read")
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_contain_text("Revoked")
    expect(page.locator("main")).not_to_contain_text("reader")
    assert demo.http.get("/api/v1/profiles", params=query, headers=headers).status_code == 401


def test_the_signing_secret_rotates(demo: Demo, desk: Desk) -> None:
    page = desk.page

    def secrets() -> Any:
        return run_json(demo.place, "website", "signing-secret", demo.website_id)["signingSecrets"]

    (first,) = secrets()
    page.goto(f"{demo.root}/settings")
    page.get_by_role("button", name="Rotate").click()
    page.get_by_text("Show both secrets").click()
    assert page.locator("#signing pre code").all_inner_texts() == secrets()
    assert secrets()[1] == first
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Forget the older one").click()
    expect(page.get_by_role("button", name="Rotate")).to_be_visible()
    assert len(secrets()) == 1
    assert first not in secrets()


@pytest.mark.parametrize("width", [1440, 390])
def test_a_new_key_and_the_question_before_a_website_is_suspended_are_in_view(
    demo: Demo, desk: Desk, width: int
) -> None:
    page = desk.page
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{demo.root}/settings#keys")
    page.get_by_placeholder("Name, such as backend").fill(f"key at {width}")
    page.get_by_role("button", name="Create key").click()
    expect(page.locator("#keys .made pre").first).to_be_in_viewport()
    look_at(desk, f"new-key-{width}")
    page.goto(f"{demo.root}/settings")
    page.get_by_label("Suspended").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Yes, save")).to_be_in_viewport()
    look_at(desk, f"suspend-{width}")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_label("Suspended")).not_to_be_checked()


def test_what_was_typed_comes_back_after_the_session_ended(demo: Demo, desk: Desk) -> None:
    page = desk.page
    before = configured(demo)
    page.goto(f"{demo.root}/settings")
    page.get_by_label("Excluded paths").fill("/typed/*")
    page.context.clear_cookies()
    desk.expected_errors = 1
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("The settings were not saved.")
    look_at(desk, "session-ended")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("main")).to_contain_text("/typed/*")
    assert configured(demo) == before
    look_at(desk, "typed-again")
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_label("Excluded paths")).to_have_value("/typed/*")
    assert configured(demo)["excludedPaths"] == ["/typed/*"]
    page.get_by_label("Excluded paths").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Excluded paths")).to_have_value("")


def test_a_long_menu_is_searched_and_a_website_is_deleted(demo: Demo, desk: Desk) -> None:
    page = desk.page
    made = [run_json(demo.place, "website", "create", f"menu{n}.example") for n in range(30)]
    wait_for_changes(demo.place, demo.http)
    page.set_viewport_size({"width": 390, "height": 700})
    page.goto(f"{demo.root}/people")
    page.locator("details.menu summary").first.click()
    field = page.get_by_label("Find a website")
    expect(field).to_be_focused()
    look_at(desk, "website-menu")
    box = page.locator("details.menu ul").first.bounding_box()
    assert box
    assert box["y"] + box["height"] < 700
    field.fill("menu17")
    expect(page.locator("details.menu li[data-name]:visible")).to_have_count(1)
    field.press("Enter")
    page.wait_for_url(f"**/w/{made[17]['websiteId']}/overview")

    page.goto(f"{demo.url}/w/{made[17]['trackingId']}/settings#delete")
    look_at(desk, "delete-website")
    page.get_by_label("Type menu17.example").fill("menu1.example")
    desk.expected_errors = 1
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_role("alert")).to_contain_text("exactly")
    page.get_by_label("Type menu17.example").fill("menu17.example")
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_role("status")).to_contain_text("deleted")
    look_at(desk, "websites")
    left = {one["websiteId"] for one in run_json(demo.place, "website", "list")}
    assert made[17]["websiteId"] not in left
    for one in made[:17] + made[18:]:
        demo.place.transact(partial(remove_website, website_id=bytes.fromhex(one["websiteId"]), now=1))

"""One person, and one visitor."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from tests.support.desk import EMAIL, Demo, Desk, card, new_page, scroll, wait_for


def test_a_person_is_found_in_a_click_and_explains_each_trait(demo: Demo, desk: Desk) -> None:
    page = desk.page
    demo.person_of_ones_own("why/me", name="Why Me", zeal="much", plan="free")
    demo.identify(new_page(demo), "why/me", plan="pro")
    page.goto(f"{demo.root}/people/user:{quote('why/me', safe='')}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Why Me")
    told = demo.person("why/me").json()["data"]
    assert page.locator(".figures dd").all_inner_texts() == [
        str(told["activity"][name]) for name in ("sessionCount", "pageViewCount", "goalCount")
    ]
    assert page.locator(".devices li").count() == len(told["visitors"]) == 2
    expect(card(page, "Traits")).not_to_contain_text("by the key")
    names = card(page, "Traits").locator("dt").all_inner_texts()
    page.get_by_role("link", name="Why?").click()
    plan = card(page, "Traits").locator("div", has=page.locator("dt", has_text="plan"))
    expect(plan).to_contain_text("by the key “backend”; was free before")
    assert card(page, "Traits").locator("dt").all_inner_texts() == names
    explained = demo.http.get(f"/api/v1/profiles/{told['profileId']}?explain=1").json()["data"]["explain"]
    assert plan.locator("small").get_attribute("title") == f"Fact {explained['traits']['plan']['factId']}"
    expect(card(page, "Devices").locator("li small", has_text="said by the key “backend”")).to_have_count(2)


@pytest.mark.parametrize("with_script", [True, False])
def test_a_long_journey_goes_on(demo: Demo, browser: Browser, session: Any, with_script: bool) -> None:
    user = f"traveller-{with_script}"
    visitor = demo.person_of_ones_own(user)
    for number in range(120):
        demo.event("pageview", visitor, f"/page/{number}")
    context = browser.new_context(storage_state=session, java_script_enabled=with_script)
    page = context.new_page()
    page.goto(f"{demo.root}/people/user:{user}")
    entries = page.locator(".session > li")
    if with_script:
        wait_for(page, lambda: scroll(page) and entries.count() == 122)
        paths = page.locator(".session .url").all_inner_texts()
        days = page.locator(".day h3:visible").all_inner_texts()
        assert len(days) == len(set(days))  # a day that goes on is not announced again
    else:
        paths = page.locator(".session .url").all_inner_texts()
        while page.get_by_role("link", name="Earlier").count():
            page.get_by_role("link", name="Earlier").click()
            paths += page.locator(".session .url").all_inner_texts()
    context.close()
    assert paths == [f"demo.example/page/{number}" for number in reversed(range(120))] + ["demo.example/"]


def test_a_merge_is_previewed_made_and_undone(demo: Demo, desk: Desk) -> None:
    page = desk.page
    demo.person_of_ones_own("twin-1", name="Twin", email="twin@example.org")
    demo.person_of_ones_own("twin-2", email="twin@example.org", city="Rome")
    demo.person_of_ones_own("twin-3", email="twin@example.org")
    wait_for(
        page,
        lambda: (
            page.goto(f"{demo.root}/health")
            and page.get_by_role("link", name="twin-3", exact=True).count() == 1
        ),
    )
    finding = page.locator("li", has=page.get_by_role("link", name="twin-3", exact=True))
    expect(finding.get_by_role("link", name="Preview the merge with twin-3")).to_be_visible()
    finding.get_by_role("link", name="Preview the merge with twin-2").click()
    preview = page.locator(".preview")
    expect(preview).to_be_in_viewport()
    expect(preview).to_contain_text("twin-1, twin-2 would be one person with 2 devices")
    expect(preview).to_contain_text("Rome")
    assert demo.person("twin-2").json()["data"]["userIds"] == ["twin-2"]
    page.reload()
    expect(preview).to_contain_text("twin-1, twin-2 would be one person with 2 devices")
    preview.get_by_role("button", name="Merge").click()
    expect(page.get_by_role("status")).to_contain_text("one person now")
    expect(page.get_by_role("status")).to_be_in_viewport()
    for user in ("twin-1", "twin-2"):
        assert demo.person(user).json()["data"]["userIds"] == ["twin-1", "twin-2"]
    fact = card(page, "Ledger").locator("li", has_text="merge")
    expect(fact).to_contain_text(re.compile("merge twin-[12] with twin-[12]"))
    expect(fact).to_contain_text(EMAIL)
    expect(fact).to_contain_text("the same e-mail address")
    fact.get_by_role("button", name="Undo this merge").click()
    expect(page.get_by_role("status")).to_contain_text("Undone")
    expect(page.get_by_role("status")).to_be_in_viewport()
    assert demo.person("twin-2").json()["data"]["userIds"] == ["twin-2"]
    expect(card(page, "Ledger").locator("li", has=page.locator("b", has_text="undo"))).to_contain_text(EMAIL)


def test_a_merge_with_nobody_is_refused(demo: Demo, desk: Desk) -> None:
    page = desk.page
    demo.person_of_ones_own("lonely")
    page.goto(f"{demo.root}/people/user:lonely")
    page.get_by_text("Merge with another user").click()
    page.get_by_label("The other user's id").fill("nobody there")
    desk.expected_errors = 1
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("alert")).to_have_text("Nobody was identified under this user id.")
    expect(page.get_by_role("alert")).to_be_in_viewport()
    expect(page.get_by_label("The other user's id")).to_have_value("nobody there")
    expect(page.get_by_label("The other user's id")).to_have_attribute("aria-invalid", "true")


def test_an_undo_that_leaves_nobody_says_so(demo: Demo, desk: Desk) -> None:
    page = desk.page
    demo.person_of_ones_own("never-was", name="Never")
    page.goto(f"{demo.root}/people/user:never-was?why=1")
    card(page, "Ledger").get_by_role("link", name="Show").click()
    expect(page.get_by_role("link", name="Hide why")).to_be_visible()
    card(page, "Ledger").get_by_role("button", name="Undo this identify").click()
    expect(page.get_by_role("status")).to_be_in_viewport()
    expect(page.locator("main")).to_contain_text("Nothing that was said about this person counts any more")
    assert demo.person("never-was").status_code == 404
    expect(page.get_by_text("Merge with another user")).to_have_count(0)
    page.goto(f"{demo.root}/people/user:never-was?why=1")
    expect(page.locator(".ledger > li")).to_have_count(2)
    card(page, "Ledger").get_by_role("button", name="Undo this undo").click()
    expect(page.get_by_role("status")).to_be_in_viewport()
    expect(page.get_by_text("counts any more")).to_have_count(0)
    assert demo.person("never-was").json()["data"]["name"] == "Never"
    card(page, "Ledger").get_by_role("button", name="Undo this identify").click()
    page.get_by_text("Erase this person").click()
    page.get_by_label("to confirm").fill("never-was")
    page.get_by_role("button", name="Erase for ever").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This person was erased")
    page.reload()
    page.wait_for_url(f"{demo.root}/people")


def test_the_ledger_tells_what_each_fact_said(demo: Demo, desk: Desk) -> None:
    page = desk.page
    visitor = demo.person_of_ones_own("told", name="Tol D", plan="pro")
    long = "a long story " * 20
    said = {"bio": long, "$set_once": {"first_plan": "<b>free</b>"}, "$unset": ["plan"]}
    demo.identify(visitor, "told", **said)
    page.goto(f"{demo.root}/people/user:told?ledger=1")
    facts = page.locator(".ledger > li")
    assert facts.nth(1).locator(".said .tag").all_inner_texts() == ["name = Tol D", "plan = pro"]
    expect(facts.nth(1).locator("details")).to_have_count(0)
    shown = facts.nth(0).locator(".said .tag").all_inner_texts()
    assert shown == [f"bio = {long[:39]}…", "once first_plan = <b>free</b>", "without plan"]
    expect(facts.nth(0).locator("details .tag").first).to_be_hidden()
    facts.nth(0).get_by_text("All 3").click()
    expect(facts.nth(0).locator("details .tag").first).to_have_text(f"bio = {long.strip()}")


def test_erasure_wants_the_user_id_typed(demo: Demo, desk: Desk) -> None:
    page = desk.page
    visitor = demo.person_of_ones_own("Erase Me", name="Gone Soon")
    demo.event("pageview", visitor, "/again")
    page.goto(f"{demo.root}/people/user:Erase%20Me")
    page.get_by_text("Erase this person").click()
    page.get_by_label("to confirm").fill("erase me")
    desk.expected_errors = 1
    page.get_by_role("button", name="Erase for ever").click()
    expect(page.get_by_role("alert")).to_contain_text("exactly")
    expect(page.get_by_role("alert")).to_be_in_viewport()
    assert demo.person("Erase Me").status_code == 200
    page.get_by_label("to confirm").fill("Erase Me")
    page.get_by_role("button", name="Erase for ever").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This person was erased")
    assert re.fullmatch(r"[0-9a-f]{32}", page.locator("dd code").inner_text())
    said = dict(zip(page.locator("dt").all_inner_texts(), page.locator("dd").all_inner_texts(), strict=True))
    assert said["Removed"] == "1 fact and 1 profile"
    assert said["Blanked"].startswith("2 events, 1 session and 1 visitor")
    assert demo.person("Erase Me").status_code == 404
    assert demo.http.get(f"/api/v1/visitors/{visitor}").json()["data"].get("profile") is None


def test_an_export_is_a_file_with_everything(demo: Demo, desk: Desk) -> None:
    page = desk.page
    demo.person_of_ones_own("exported", name="Ex Port", note="keep this")
    page.goto(f"{demo.root}/people/user:exported")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Export everything").click()
    assert waiting.value.suggested_filename == "person.json"
    held = json.loads(Path(waiting.value.path()).read_text("utf-8"))
    assert held["profile"]["metadata"]["note"] == "keep this"
    told = demo.http.get("/api/v1/profiles/user:exported/export").json()["data"]
    assert held["journey"] == told["journey"]


def test_a_visitor_has_a_name_that_stays(demo: Demo, desk: Desk) -> None:
    page = desk.page
    visitor = new_page(demo)
    page.goto(f"{demo.root}/visitors/{visitor}")
    name = page.get_by_role("heading", level=1).inner_text()
    assert re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", name)
    expect(page.locator("header.profile")).to_contain_text("Anonymous")
    demo.identify(visitor, "known-now", name="Known Now")
    page.reload()
    assert page.get_by_role("heading", level=1).inner_text() == name
    expect(page.locator("header.profile")).to_contain_text("Identified as Known Now")
    expect(page.locator("#journey")).to_contain_text("as Known Now")
    page.get_by_role("link", name="Known Now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Known Now")
    expect(page.locator(".devices")).to_contain_text(name)


def test_images_come_from_elsewhere_only_when_allowed(demo: Demo, desk: Desk) -> None:
    page = desk.page
    demo.person_of_ones_own("pictured", name="Pic Tured", image="https://images.example/p.png")
    page.route(
        "https://images.example/**",
        lambda route: route.fulfill(
            status=200, content_type="image/svg+xml", body='<svg xmlns="http://www.w3.org/2000/svg"/>'
        ),
    )
    page.goto(f"{demo.root}/people/user:pictured", wait_until="networkidle")
    assert not any("images.example" in url for url in desk.requests)
    page.goto(f"{demo.root}/settings")
    page.get_by_label("Show images of people").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Show images of people")).to_be_checked()
    desk.allowed_hosts.add("images.example")
    with page.expect_request("https://images.example/p.png") as asked:
        page.goto(f"{demo.root}/people/user:pictured")
    assert "referer" not in asked.value.headers
    expect(page.locator(".profile .avatar img")).to_have_count(1)
    page.unroute("https://images.example/**")
    page.route("https://images.example/**", lambda route: route.fulfill(status=404))
    desk.expected_errors = 1
    page.goto(f"{demo.root}/people/user:pictured")
    expect(page.locator(".profile .avatar img")).to_have_count(0)
    expect(page.locator(".profile .avatar")).to_have_text("PT")
    page.goto(f"{demo.root}/settings")
    page.get_by_label("Show images of people").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Show images of people")).not_to_be_checked()

"""One person, and one visitor."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

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
    entries = page.locator(".visit .session > li")
    if with_script:
        wait_for(page, lambda: scroll(page) and entries.count() == 122)
        paths = page.locator(".session .url").all_text_contents()
        days = page.locator(".day h3:visible").all_inner_texts()
        assert len(days) == len(set(days))  # a day that goes on is not announced again
    else:
        expect(page.locator("summary", has_text="began further down")).to_have_count(1)
        paths = page.locator(".session .url").all_text_contents()
        while page.get_by_role("link", name="Earlier").count():
            page.get_by_role("link", name="Earlier").click()
            expect(page.locator("summary", has_text="goes on above")).to_have_count(1)
            paths += page.locator(".session .url").all_text_contents()
    context.close()
    assert paths == [f"demo.example/page/{number}" for number in reversed(range(120))] + ["demo.example/"]


def test_a_journey_unfolds_and_is_filtered(demo: Demo, desk: Desk) -> None:
    page = desk.page
    visitor = demo.person_of_ones_own("walker", name="Wal K")
    demo.event("pageview", visitor, "/pricing")
    demo.event("custom", visitor, "/pricing", extraData={"eventName": "signup"})
    demo.person_of_ones_own("walker")
    page.goto(f"{demo.root}/people/user:walker")
    expect(page.locator(".story")).to_have_text(
        re.compile("^Came directly and signed up at once, 2 visits on 2 devices")
    )
    visit = page.locator(".visit", has_text="/pricing")
    goal = page.locator(".milestones", has_text="signup")
    expect(visit.locator(".session")).to_be_hidden()
    expect(goal).to_be_visible()
    visit.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(visit.locator(".session li", has_text="demo.example/pricing").first).to_be_visible()
    expect(goal).to_be_hidden()  # it stands in the visit
    expect(visit.locator(".session li", has_text="signup")).to_be_visible()
    page.get_by_role("list", name="Show").get_by_role("link", name="Goals", exact=True).click()
    page.wait_for_url("**?only=goals#journey")
    expect(page.locator(".session li")).to_have_count(1)
    page.get_by_role("link", name="Everything", exact=True).click()
    page.locator(".strip a").click()
    expect(page.get_by_role("link", name="Newest first")).to_be_visible()
    expect(page.locator(".visit")).to_have_count(2)


def open_finding(demo: Demo, page: Page, user_id: str) -> None:
    """Come from the health page to the merge that it proposes with a user."""
    name = f"Merge with {user_id}: see what it gives"
    wait_for(
        page,
        lambda: page.goto(f"{demo.root}/health") and page.get_by_role("link", name=name).count() == 1,
    )
    page.get_by_role("link", name=name).click()


@pytest.mark.parametrize("with_script", [True, False])
def test_a_merge_is_previewed_made_and_undone(
    demo: Demo, browser: Browser, session: Any, with_script: bool
) -> None:
    one, two, email = f"twin-1-{with_script}", f"twin-2-{with_script}", f"twin-{with_script}@example.org"
    demo.person_of_ones_own(one, name="Twin", email=email)
    demo.person_of_ones_own(two, name="Twain", email=email, city="Rome")
    context = browser.new_context(storage_state=session, java_script_enabled=with_script)
    page = context.new_page()
    open_finding(demo, page, two)
    for side, (user, name) in zip(page.locator(".side").all(), ((one, "Twin"), (two, "Twain")), strict=True):
        expect(side.locator(".person b")).to_have_text(name)
        expect(side.locator("code")).to_have_text(user)
        expect(side).to_contain_text("desktop, Chrome")
        expect(side).to_contain_text("Last seen")
    result = card(page, "Together")
    expect(result).to_contain_text("One person with 2 devices")
    traits = dict(
        zip(result.locator("dt").all_inner_texts(), result.locator("dd").all_inner_texts(), strict=True)
    )
    assert [text.split() for text in traits.values()] == [
        ["Rome", "From", two],
        [email],
        ["Twain", "Instead", "of", "Twin", "of", one],
    ]
    assert demo.person(two).json()["data"]["userIds"] == [two]
    page.reload()
    result.get_by_role("button", name="Merge").click()
    expect(page.get_by_role("status")).to_contain_text("Twain is one person now, with 2 user ids")
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("with 2 user ids")
    for user in (one, two):
        assert demo.person(user).json()["data"]["userIds"] == [one, two]
    page.get_by_role("button", name="Undo the merge").click()
    expect(page.get_by_role("status")).to_contain_text("Undone")
    assert demo.person(two).json()["data"]["userIds"] == [two]
    page.goto(f"{demo.root}/people/user:{one}?ledger=1")
    facts = card(page, "Ledger").locator("li", has_text="merge")
    expect(facts.last).to_contain_text(
        re.compile(f"merge twin-[12]-{with_script} with twin-[12]-{with_script}")
    )
    expect(facts.last).to_contain_text("the same e-mail address")
    for fact in facts.all():
        expect(fact).to_contain_text(EMAIL)
    context.close()


def test_after_a_merge_the_next_two_are_shown(demo: Demo, desk: Desk) -> None:
    page = desk.page
    for number in (1, 2, 3):
        demo.person_of_ones_own(f"triplet-{number}", email="next-1@example.org")
    demo.person_of_ones_own("uma-1", email="next-2@example.org")
    demo.person_of_ones_own("uma-2", email="next-2@example.org")
    open_finding(demo, page, "triplet-2")
    page.get_by_role("link", name="Skip to the next").click()
    expect(page.locator(".side code").last).to_have_text("triplet-3")
    card(page, "Together").get_by_role("button", name="Merge").click()
    following = card(page, "The next likely duplicate")
    expect(following).to_contain_text("uma-1 and uma-2 share next-2@example.org")
    following.get_by_role("link", name="Compare them").click()
    expect(card(page, "Together")).to_contain_text("uma-1 uma-2")
    page.goto(f"{demo.root}/people/user:triplet-2")
    page.locator("summary", has_text="Actions").click()
    page.get_by_role("link", name="Merge with another user").click()
    expect(page.get_by_label("The other user's id")).to_be_focused()
    page.get_by_role("link", name=re.compile("^triplet-[13]$")).and_(page.locator("li a")).click()
    expect(card(page, "Together")).to_contain_text("triplet-1 triplet-2 triplet-3")


def test_a_merge_with_nobody_is_refused(demo: Demo, desk: Desk) -> None:
    page = desk.page
    demo.person_of_ones_own("lonely")
    page.goto(f"{demo.root}/people/user:lonely/merge")
    page.get_by_label("The other user's id").fill("nobody there")
    desk.expected_errors = 1
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_have_text("Nobody has been identified with this user id.")
    expect(page.get_by_role("alert")).to_be_in_viewport()
    expect(page.get_by_label("The other user's id")).to_have_value("nobody there")
    expect(page.get_by_label("The other user's id")).to_have_attribute("aria-invalid", "true")
    desk.expected_errors = 1
    page.get_by_label("The other user's id").fill("lonely")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("One person")
    desk.expected_errors = 0


def test_neither_column_of_a_person_ends_long_before_the_other(demo: Demo, desk: Desk) -> None:
    page = desk.page
    demo.person_of_ones_own("short-way", name="Short", plan="pro")
    visitor = demo.person_of_ones_own("long-way", name="Long")
    for number in range(45):
        demo.event("pageview", visitor, f"/way/{number}")
    page.goto(f"{demo.root}/people/user:short-way")
    aside, main, last = (
        box
        for where in (".split > aside", ".split > .main", "#ledger")
        if (box := page.locator(where).bounding_box())
    )
    assert aside["height"] < main["height"] + 100
    assert last["y"] > aside["y"] + aside["height"]
    assert last["width"] == main["width"]  # what lies below the other column takes its room
    page.goto(f"{demo.root}/people/user:long-way?ledger=1")
    tops = [box["y"] for one in page.locator("aside, #ledger, #journey").all() if (box := one.bounding_box())]
    assert max(tops[:2]) - min(tops[:2]) < 5  # the ledger lies beside the traits
    assert tops[2] > tops[1]


def test_an_undo_that_leaves_nobody_says_so(demo: Demo, desk: Desk) -> None:
    page = desk.page
    demo.person_of_ones_own("never-was", name="Never")
    page.goto(f"{demo.root}/people/user:never-was?why=1")
    card(page, "Ledger").get_by_role("link", name="Show").click()
    expect(page.get_by_role("link", name="Hide why")).to_be_visible()
    card(page, "Ledger").get_by_role("button", name="Undo this identify").click()
    expect(page.get_by_role("status")).to_be_in_viewport()
    expect(page.locator("main")).to_contain_text("Everything said about this person was undone")
    assert demo.person("never-was").status_code == 404
    expect(page.locator("a", has_text="Merge with another user")).to_have_count(0)
    page.goto(f"{demo.root}/people/user:never-was?why=1")
    expect(page.locator(".ledger > li")).to_have_count(2)
    card(page, "Ledger").get_by_role("button", name="Undo this undo").click()
    expect(page.get_by_role("status")).to_be_in_viewport()
    expect(page.get_by_text("counts any more")).to_have_count(0)
    assert demo.person("never-was").json()["data"]["name"] == "Never"
    card(page, "Ledger").get_by_role("button", name="Undo this identify").click()
    page.locator("summary", has_text="Actions").click()
    page.get_by_text("Erase this person").click()
    page.get_by_label("to confirm").fill("never-was")
    page.get_by_role("button", name="Erase permanently").click()
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
    page.locator("summary", has_text="Actions").click()
    page.get_by_text("Erase this person").click()
    page.get_by_label("to confirm").fill("erase me")
    desk.expected_errors = 1
    page.get_by_role("button", name="Erase permanently").click()
    expect(page.get_by_role("alert")).to_contain_text("exactly")
    expect(page.get_by_role("alert")).to_be_in_viewport()
    assert demo.person("Erase Me").status_code == 200
    page.get_by_label("to confirm").fill("Erase Me")
    page.get_by_role("button", name="Erase permanently").click()
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
    page.locator("summary", has_text="Actions").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Export everything").click()
    profile_id = demo.person("exported").json()["data"]["profileId"]
    assert waiting.value.suggested_filename == f"demo.example-person-{profile_id}.json"
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
    page.locator("header.profile").get_by_role("link", name="Known Now").click()
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

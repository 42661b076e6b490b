"""The list of people, and who is here now."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.support.desk import Demo, Desk, look_at, rows, wait_for
from tests.support.servers import until
from tests.support.sites import new_visitor


def test_people_are_listed_last_seen_first_page_by_page(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.goto(f"{demo.root}/people")
    assert rows(page) == demo.people()
    page.get_by_role("link", name="Next", exact=True).click()
    page.wait_for_url("**offset=50")
    assert rows(page) == demo.people(offset=50)
    page.get_by_role("link", name="Previous", exact=True).click()
    page.wait_for_url(lambda url: "offset" not in url)
    assert rows(page) == demo.people()


def test_search_finds_as_one_types(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.goto(f"{demo.root}/people")
    page.get_by_role("searchbox").press_sequentially("user_12", delay=30)
    wanted = demo.people(search="user_12")
    assert 1 < len(wanted) <= 50
    wait_for(page, lambda: rows(page) == wanted)
    assert parse_qs(urlsplit(page.url).query) == {"search": ["user_12"]}
    assert not any(
        "user_12" in url and "part=list" not in url for url in desk.requests
    )  # the page itself stayed
    page.reload()
    assert rows(page) == wanted
    expect(page.get_by_role("searchbox")).to_have_value("user_12")
    page.get_by_role("searchbox").fill("nobody at all")
    page.get_by_role("heading", name="Nobody found").wait_for()
    expect(page.get_by_role("status")).to_have_text("Nobody found")
    page.get_by_role("link", name="Show everybody").click()
    page.wait_for_url(f"{demo.root}/people")
    assert len(rows(page)) == 50


def test_an_answer_that_comes_late_does_not_replace_a_newer_one(demo: Demo, desk: Desk) -> None:
    page = desk.page
    held: list[Route] = []
    page.route(re.compile(r"search=user_1&"), lambda route: held.append(route))
    page.goto(f"{demo.root}/people")
    page.get_by_role("searchbox").fill("user_1")
    wait_for(page, lambda: held)
    page.get_by_role("searchbox").fill("user_12")
    wanted = demo.people(search="user_12")
    wait_for(page, lambda: rows(page) == wanted)
    with page.expect_response(re.compile("search=user_1&")):
        held[0].continue_()
    page.evaluate("new Promise(requestAnimationFrame)")
    assert rows(page) == wanted
    assert parse_qs(urlsplit(page.url).query) == {"search": ["user_12"]}
    page.get_by_role("searchbox").fill("")
    wait_for(page, lambda: page.url == f"{demo.root}/people" and rows(page) == demo.people())


def test_a_search_that_takes_long_or_fails_says_so(demo: Demo, desk: Desk) -> None:
    page = desk.page
    held: list[Route] = []
    page.route(re.compile("part=list"), lambda route: held.append(route))
    page.goto(f"{demo.root}/people")
    before = rows(page)
    page.get_by_role("searchbox").fill("user_12")
    expect(page.locator("#list")).to_have_attribute("aria-busy", "true")
    desk.expected_errors = 1
    held[0].abort("connectionrefused")
    expect(page.get_by_role("status")).to_contain_text("The server is not responding")
    expect(page.get_by_role("status")).to_be_in_viewport(ratio=0.9)
    expect(page.locator("#list")).not_to_have_attribute("aria-busy", "true")
    assert rows(page) == before
    page.unroute(re.compile("part=list"))
    page.get_by_role("searchbox").fill("user_123")
    wait_for(page, lambda: rows(page) == demo.people(search="user_123"))
    expect(page.get_by_role("status")).to_have_class("hidden")


def test_what_is_typed_goes_along_to_filters(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.goto(f"{demo.root}/people?search=b&trait.plan=pro&trait.seats=gte:5")
    page.get_by_role("searchbox").fill("user_1")
    page.get_by_label("Remove the filter on plan").click()
    page.wait_for_url(lambda url: "plan" not in url)
    assert parse_qs(urlsplit(page.url).query) == {"search": ["user_1"], "filter_trait.seats": ["gte:5"]}
    page.get_by_role("searchbox").fill("user_2")
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Field").select_option("trait.plan")
    page.get_by_label("Value").fill("team")
    page.get_by_role("button", name="Add filter").click()
    page.wait_for_url("**plan**")
    assert parse_qs(urlsplit(page.url).query) == {
        "search": ["user_2"],
        "filter_trait.seats": ["gte:5"],
        "filter_trait.plan": ["is:team"],
    }


@pytest.mark.parametrize("width", [390, 1440])
def test_what_is_found_nowhere_else_is_offered_as_a_filter(demo: Demo, desk: Desk, width: int) -> None:
    page = desk.page
    page.set_viewport_size({"width": width, "height": 900})
    long = "Wherever " * 12 + "Ltd"
    demo.person_of_ones_own(
        f"offered_{width}", name="Zo\u00eb O\u2019Hara", employer=f"The Zyzzyva {width}", motto=long
    )
    page.goto(f"{demo.root}/people")
    box = page.get_by_role("searchbox")

    def found() -> bool:
        box.fill(f"hara offered_{width} zoe")
        page.wait_for_timeout(200)  # until it has been asked for
        return rows(page) == [f"offered_{width}"]

    wait_for(page, found)
    box.fill(long)
    page.get_by_role("link", name="motto contains").wait_for()
    look_at(desk, f"people-offer-{width}")
    box.fill(f"zyzzyva {width}")
    page.get_by_role("link", name=f"employer contains zyzzyva {width}").click()
    page.wait_for_url("**trait.employer**")
    assert rows(page) == [f"offered_{width}"]
    page.locator("summary", has_text="Filter").click()
    expect(page.get_by_label("Field").locator("option", has_text="employer")).to_have_count(1)
    look_at(desk, f"people-fields-{width}")


@pytest.mark.parametrize("width", [390, 800, 1280])
def test_ids_and_names_stand_on_one_line(demo: Demo, browser: Browser, session: Any, width: int) -> None:
    demo.person_of_ones_own(f"line_{width}", name="L")
    demo.person_of_ones_own(f"{width}{'i' * 250}", name=f"{width} {'long ' * 50}", email="a@example.com")
    context = browser.new_context(storage_state=session, viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(f"{demo.root}/people")
    wait_for(
        page,
        lambda: (
            page.reload() and f"line_{width}" in rows(page) and len(rows(page)[0]) == 250 + len(str(width))
        ),
    )
    wrong = page.locator(".people .person :is(b, .id)").evaluate_all(
        "all => all.filter(one => one.offsetHeight > 24 || one.getBoundingClientRect().right > innerWidth - 20).map(one => one.textContent)"
    )
    short = page.locator(".people .person .id", has_text=f"line_{width}")
    assert wrong == []
    assert short.evaluate("one => one.scrollWidth <= one.clientWidth")
    context.close()


def test_filters_are_added_one_by_one_and_removed(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.goto(f"{demo.root}/people?search=a")

    def add(field: str, condition: str, text: str) -> None:
        page.locator("summary", has_text="Filter").click()
        page.get_by_label("Field").select_option(f"trait.{field}")
        page.get_by_label("Condition").select_option(label=condition)
        page.get_by_label("Value").fill(text)
        page.get_by_role("button", name="Add filter").click()

    add("plan", "is", "pro,team")
    expect(page.locator(".chips li")).to_have_count(1)
    assert rows(page) == demo.people(search="a", trait__plan="pro,team")
    assert parse_qs(urlsplit(page.url).query) == {"search": ["a"], "filter_trait.plan": ["is:pro,team"]}
    add("seats", "at least", "5")
    expect(page.locator(".chips li")).to_have_count(2)
    both = demo.people(search="a", trait__plan="pro,team", trait__seats="gte:5")
    assert rows(page) == both
    assert both
    add("theme", "is not known", "")
    expect(page.locator(".chips li")).to_have_count(3)
    assert rows(page) == demo.people(
        search="a", trait__plan="pro,team", trait__seats="gte:5", trait__theme="missing"
    )
    page.get_by_label("Remove the filter on theme").click()
    expect(page.locator(".chips li")).to_have_count(2)
    assert rows(page) == both
    page.get_by_label("Remove the filter on plan").click()
    expect(page.locator(".chips li")).to_have_count(1)
    assert rows(page) == demo.people(search="a", trait__seats="gte:5")
    desk.expected_errors = 1
    add("seats", "more than", "many")
    expect(page.get_by_role("alert")).to_contain_text("“seats more than” compares with a number")


def test_live_shows_people_as_they_come(demo: Demo, desk: Desk) -> None:
    page = desk.page
    until(lambda: demo.http.get("/api/v1/analytics/realtime").status_code == 200, "there are no columns")
    page.goto(f"{demo.root}/live")
    visitor = new_visitor()
    demo.event("pageview", visitor, "/just/now")
    entry = page.locator(".online li", has_text="/just/now")
    entry.wait_for()
    assert entry.locator("a").get_attribute("href") == f"/w/{demo.website_id}/visitors/{visitor}"
    link = entry.locator("a")
    demo.identify(visitor, "live-1", name="Liv E")
    page.locator(".online li", has_text="Liv E signed up").wait_for()
    expect(entry).to_contain_text("Liv E opened /just/now")
    link.focus()
    demo.event("custom", visitor, "/and/th%C3%A9n", extraData={"eventName": "tour"})
    page.locator(".online li", has_text="Liv E reached the goal tour").wait_for()
    expect(link).to_be_focused()
    expect(page.locator(".online li").first).to_contain_text("Liv E")
    wait_for(
        page, lambda: page.title().startswith(f"({demo.ask('/analytics/realtime')[0]['visitors']}) Live")
    )
    expect(page.locator("#live-pages tbody tr")).not_to_have_count(0)
    page.get_by_role("button", name="Pause").click()
    demo.event("pageview", visitor, "/while/paused")
    page.get_by_role("button", name="Go on").click()
    page.locator(".online li", has_text="/while/paused").wait_for()
    page.locator("#live-pages a", has_text="/while/paused").click()
    page.wait_for_url("**/live?filter_page=is:/while/paused")
    expect(page.locator("#live-count")).to_have_attribute("data-count", "1")
    expect(page.locator(".chips")).to_contain_text("Page is /while/paused")
    demo.event("pageview", new_visitor(), "/not/kept")
    demo.event("pageview", visitor, "/last/page")
    page.locator(".online li", has_text="/last/page").wait_for()
    expect(page.locator(".online li", has_text="/not/kept")).to_have_count(0)
    page.locator(".online li", has_text="/last/page").locator("a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Liv E")

"""From the printed link to the first person, and logging in and out."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from typing import Any

import httpx
from playwright.sync_api import Browser, expect

from tests.support.dashboard import PASSWORD
from tests.support.desk import EMAIL, Demo, Desk, serious, wait_for
from tests.support.engines import Engine
from tests.support.servers import run_json, serving
from tests.support.sites import CHROME, new_visitor


def test_from_the_printed_link_to_the_first_person(browser: Browser, engine: Engine) -> None:
    with serving(engine.new_place(), has_columns=True) as running:
        assert running.process.stdout is not None
        printed = next(line for line in running.process.stdout if "create your account" in line)
        context = browser.new_context()
        page = context.new_page()
        link = re.search(r"http\S+", printed)
        assert link
        page.goto(link[0])
        assert serious(page) == []
        page.get_by_label("E-mail address").fill("founder@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Create account").click()
        page.wait_for_url("**/overview")

        page.goto(f"{running.url}/websites/new")
        page.get_by_label("Domain").fill("https://www.Shop.example/")
        page.get_by_label("Time zone").fill("Europe/Rome")
        page.get_by_role("button", name="Create website").click()
        page.wait_for_url("**/settings")
        page.get_by_text("Waiting for the first pageview").wait_for()
        (made,) = [
            one for one in run_json(running.place, "website", "list") if one["domain"] == "shop.example"
        ]
        assert made["timezone"] == "Europe/Rome"

        snippet = page.locator("section", has_text="Install").locator("code").nth(1).inner_text()
        found = re.fullmatch(
            r'<script defer data-website-id="(\w+)" data-domain="([\w.]+)" src="(\S+)"></script>', snippet
        )
        assert found
        assert (found[1], found[2]) == (made["trackingId"], "shop.example")
        assert httpx.get(found[3]).status_code == 200
        body = {
            "websiteId": found[1],
            "domain": found[2],
            "type": "pageview",
            "href": "https://shop.example/",
            "visitorId": new_visitor(),
        }
        assert httpx.post(f"{running.url}/api/events", json=body, headers={"user-agent": CHROME}).json() == {
            "status": "success"
        }
        page.get_by_text("Pageviews are coming in").wait_for()

        page.get_by_placeholder("Name, such as backend").fill("backend")
        page.get_by_role("button", name="Create key").click()
        key = page.locator(".good pre").first.inner_text()
        page.reload()
        assert key not in page.content()

        page.get_by_role("link", name="People").click()
        command = page.locator("#list pre code").inner_text().replace("df_KEY", key)
        done = subprocess.run(shlex.split(command), capture_output=True, check=True)
        assert json.loads(done.stdout)["data"]["action"] == "created"
        expect(page.locator("#list .person b")).to_have_count(0)
        wait_for(page, lambda: page.reload() and page.locator("#list .person b").all_inner_texts() == ["Ada"])
        context.close()


def test_a_wrong_password_is_said_on_the_page(browser: Browser, demo: Demo) -> None:
    context = browser.new_context()
    desk = Desk(context, demo)
    desk.expected_errors = 1
    desk.page.goto(f"{demo.root}/people?search=ada")
    desk.page.get_by_label("E-mail address").fill(EMAIL)
    desk.page.get_by_label("Password").fill("wrong")
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_role("alert")).to_contain_text("do not match")
    expect(desk.page.get_by_label("E-mail address")).to_have_value(EMAIL)
    expect(desk.page.get_by_label("Password")).to_be_focused()
    expect(desk.page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    desk.page.keyboard.type(PASSWORD)
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url(f"{demo.root}/people?search=ada")
    desk.page.get_by_label("Your account").click()
    desk.page.get_by_role("button", name="Log out").click()
    desk.page.wait_for_url("**/login")
    desk.page.goto(f"{demo.root}/people")
    assert "/login" in desk.page.url
    context.close()
    assert desk.faults == []


def test_whoever_is_logged_out_meanwhile_comes_to_the_log_in(
    demo: Demo, browser: Browser, session: Any
) -> None:
    context = browser.new_context(storage_state=session)
    searching, watching = context.new_page(), context.new_page()
    searching.goto(f"{demo.root}/people")
    watching.goto(f"{demo.root}/live")
    demo.event("pageview", new_visitor(), "/stream/is/there")
    watching.locator(".online li", has_text="/stream/is/there").wait_for()
    context.clear_cookies(name="footfall_session")
    searching.get_by_role("searchbox").fill("user_1")
    searching.wait_for_url("**/login?next=**search%3Duser_1")
    context.close()

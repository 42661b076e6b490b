"""The dashboard as people use it: clicks and keys in Chromium over the demo's data, what comes of them asked of the API."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, Route, expect

from tests.support.dashboard import PASSWORD, make_account
from tests.support.engines import Engine
from tests.support.servers import RunningServer, run_json, serving, until
from tests.support.sites import CHROME, new_visitor

EMAIL = "ada@demo.example"
SCREENSHOTS = Path(__file__).with_name("screenshots")
AXE = Path(__file__).parents[1] / "clients/node_modules/axe-core/axe.min.js"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
FIRST_LOAD = 60 * 1024
"""Bytes."""


class Demo:
    """The demo's website, through the API."""

    def __init__(self, running: RunningServer, made: dict[str, str]) -> None:
        self.url = running.url
        self.place = running.place
        self.website_id, self.tracking_id, self.key = made["websiteId"], made["trackingId"], made["key"]
        self.root = f"{self.url}/w/{self.website_id}"
        self.http = httpx.Client(
            base_url=self.url, headers={"authorization": f"Bearer {self.key}"}, timeout=30
        )

    def ask(self, path: str, **query: Any) -> Any:
        """`data` of a GET."""
        answer = self.http.get(f"/api/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def people(self, **query: Any) -> list[str]:
        """User ids of a list of people."""
        named = {name.replace("__", "."): value for name, value in query.items()}
        return [one["userId"] for one in self.ask("/profiles", limit=50, sort="lastSeenAt", **named)]

    def person(self, user_id: str) -> httpx.Response:
        return self.http.get(f"/api/v1/profiles/user:{quote(user_id, safe='')}")

    def event(self, kind: str, visitor: str, path: str = "/", tracking_id: str = "", **fields: Any) -> str:
        """Send an event as a page does; why it was dropped."""
        body = {
            "websiteId": tracking_id or self.tracking_id,
            "domain": "demo.example",
            "type": kind,
            "href": f"https://demo.example{path}",
            "visitorId": visitor,
            **fields,
        }
        answer = self.http.post("/api/events", json=body, headers={"user-agent": CHROME})
        assert answer.status_code == 200
        dropped: str = answer.json().get("dropped", "")
        return dropped

    def identify(self, visitor: str, user_id: str, **traits: Any) -> None:
        body = {"user_id": user_id, "datafast_visitor_id": visitor, **traits}
        assert self.http.post("/api/v1/identify", json=body).status_code == 200

    def person_of_ones_own(self, user_id: str, **traits: Any) -> str:
        """A new person with one page; the visitor id."""
        visitor = new_visitor()
        self.event("pageview", visitor)
        self.identify(visitor, user_id, **traits)
        return visitor


@pytest.fixture(scope="module")
def demo(engine: Engine) -> Iterator[Demo]:
    """A server with the demo's data and an account."""
    place = engine.new_place()
    made = run_json(place, "demo", "--seed", "7")
    make_account(place, EMAIL)
    with serving(place, {"FOOTFALL_RATE_LIMIT": "0"}) as running:
        found = Demo(running, made)
        yield found
        found.http.close()


@pytest.fixture(scope="module")
def session(demo: Demo, browser: Browser) -> Any:
    """The cookies of somebody who logged in by the form."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{demo.url}/login")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{demo.root}/people")
    found = context.storage_state()
    context.close()
    return found


class Desk:
    """A page of the dashboard, and what it did that it must not do."""

    def __init__(self, context: BrowserContext, demo: Demo) -> None:
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.requests: list[str] = []
        self._host = urlsplit(demo.url).netloc
        self.allowed_hosts: set[str] = set()
        self.expected_errors = 0
        self.page.on("console", lambda message: self._console(message.type, message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._request)

    def _console(self, kind: str, text: str) -> None:
        if kind not in ("error", "warning"):
            return
        if "status of 4" in text and self.expected_errors:
            self.expected_errors -= 1  # Chromium's own line about a page that is answered with such a status
        else:
            self.faults.append(text)

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.netloc not in {self._host, *self.allowed_hosts}:
            self.faults.append(f"asks {parts.netloc}")


@pytest.fixture
def desk(browser: Browser, demo: Demo, session: Any) -> Iterator[Desk]:
    """A logged-in tab; the test fails when it saw console errors or requests to other hosts."""
    context = browser.new_context(
        storage_state=session,
        viewport={"width": 1440, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
    )
    made = Desk(context, demo)
    yield made
    context.close()
    assert made.faults == []


def rows(page: Page) -> list[str]:
    """The user ids in the list, in order."""
    return page.locator("#list .person .id").all_inner_texts()


# Every page


@pytest.fixture(scope="module")
def tour(demo: Demo) -> dict[str, tuple[str, int]]:
    """Name: (path, status) of one page of each kind."""
    root = f"/w/{demo.website_id}"
    busiest = max(demo.ask("/profiles", limit=250), key=lambda one: len(one["metadata"]))["profileId"]
    shared = next(one for one in demo.ask("/identity/health")["findings"] if one["kind"] == "shared_visitors")
    empty = run_json(demo.place, "website", "create", "empty.example")
    anonymous = run_json(demo.place, "website", "create", "anonymous.example")
    cookieless = run_json(demo.place, "website", "create", "cookieless.example", "--cookieless")
    expect_known(demo, cookieless["websiteId"])
    for made, script in ((anonymous, "script.js"), (cookieless, "script.cookieless.js")):
        domain = made["domain"]
        page = {"domain": domain, "href": f"https://{domain}/", "script": script}
        assert demo.event("pageview", new_visitor(), tracking_id=made["trackingId"], **page) == ""
    return {
        "people": (f"{root}/people", 200),
        "people-filtered": (f"{root}/people?search=a&trait.plan=pro,team&trait.seats=gte:5", 200),
        "people-nobody": (f"{root}/people?search=zzzz", 200),
        "people-wrong": (f"{root}/people?trait.seats=gte:x", 200),
        "person": (f"{root}/people/{busiest}", 200),
        "person-why": (f"{root}/people/{busiest}?why=1&ledger=1", 200),
        "visitor": (f"{root}/visitors/{shared['examples'][0]['visitorId']}", 200),
        "live": (f"{root}/live", 200),
        "health": (f"{root}/health", 200),
        "settings": (f"{root}/settings", 200),
        "websites": ("/", 200),
        "website-new": ("/websites/new", 200),
        "tokens": ("/tokens", 200),
        "account": ("/account", 200),
        "not-found": (f"{root}/visitors/x", 404),
        "empty-people": (f"/w/{empty['websiteId']}/people", 200),
        "empty-live": (f"/w/{empty['websiteId']}/live", 200),
        "empty-health": (f"/w/{empty['websiteId']}/health", 200),
        "empty-settings": (f"/w/{empty['websiteId']}/settings", 200),
        "anonymous-people": (f"/w/{anonymous['websiteId']}/people", 200),
        "cookieless-people": (f"/w/{cookieless['websiteId']}/people", 200),
    }


def expect_known(demo: Demo, website_id: str) -> None:
    """Return once the server knows a website that a command made."""
    token = run_json(demo.place, "token", "create", "--name", "x", "--permissions", "analytics:read")["key"]
    headers = {"authorization": f"Bearer {token}"}
    until(
        lambda: demo.http.get(f"/api/v1/profiles?websiteId={website_id}", headers=headers).status_code == 200,
        "the server does not notice a new website",
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_sound(
    browser: Browser, demo: Demo, session: Any, tour: dict[str, tuple[str, int]], size: str, scheme: Any
) -> None:
    width, height = SIZES[size]
    SCREENSHOTS.mkdir(exist_ok=True)
    for state, pages in ((None, {"login": ("/login", 200)}), (session, tour)):
        context = browser.new_context(
            storage_state=state, viewport={"width": width, "height": height}, color_scheme=scheme
        )
        desk = Desk(context, demo)
        for name, (path, status) in pages.items():
            desk.expected_errors = int(status >= 400)
            answer = desk.page.goto(demo.url + path)
            assert answer is not None
            assert answer.status == status, name
            assert desk.page.title().endswith("Footfall")
            full = size == "phone" or not name.startswith("people")
            look_at(desk, f"{name}-{size}-{scheme}", full=full)
        context.close()


def look_at(desk: Desk, name: str, *, full: bool = True) -> None:
    """Keep a picture of what is shown, and fail when it is too wide or has other faults."""
    desk.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full)
    too_wide = desk.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert too_wide <= 0, f"{name} is {too_wide} px too wide"
    assert serious(desk.page) == [], name
    assert desk.faults == [], name


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_what_comes_of_each_form_is_sound(
    browser: Browser, demo: Demo, session: Any, size: str, scheme: Any
) -> None:
    width, height = SIZES[size]
    SCREENSHOTS.mkdir(exist_ok=True)
    context = browser.new_context(
        storage_state=session, viewport={"width": width, "height": height}, color_scheme=scheme
    )
    desk = Desk(context, demo)
    page = desk.page

    def keep(name: str) -> None:
        look_at(desk, f"{name}-{size}-{scheme}")

    def refused(button: str) -> None:
        desk.expected_errors = 1
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_role("alert")).to_be_in_viewport()

    page.goto(f"{demo.root}/people?trait.plan=pro")
    page.locator("summary", has_text="Filter").click()
    keep("menu-filter")
    page.locator(".top summary").first.click()
    keep("menu-websites")
    page.get_by_label("Your account").click()
    keep("menu-account")

    long_id = f"{'b7c6e5d4-' * 6}@{size}-{scheme}.example"
    hostile = {"bio": "<b onclick=x>" + "long " * 80, "image": "javascript:alert(1)", "tags": ["a", "b"]}
    visitor = demo.person_of_ones_own(long_id, name="Maximiliane " + "Wilhelmine" * 6, **hostile)
    demo.event("pageview", visitor, f"/{'a-long-way/' * 20}")
    demo.event("external_link", visitor, extraData={"url": "javascript:alert(1)", "text": "x"})
    other = f"other-{size}-{scheme}"
    demo.person_of_ones_own(other, name="Other", plan="pro")
    page.goto(f"{demo.root}/people/user:{quote(long_id, safe='')}")
    assert page.locator("a[href^=javascript], img[src^=javascript]").count() == 0
    page.get_by_text("Merge with another user").click()
    page.get_by_label("The other user's id").fill("nobody")
    refused("Preview")
    keep("merge-refused")
    page.get_by_label("The other user's id").fill(other)
    page.get_by_role("button", name="Preview").click()
    page.locator(".preview").wait_for()
    keep("merge-preview")
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_role("status")).to_be_in_viewport()
    keep("merge-done")
    page.get_by_role("button", name="Undo this merge").click()
    expect(page.get_by_role("status")).to_contain_text("Undone")
    keep("merge-undone")
    page.goto(f"{demo.root}/live")
    page.locator(".online li", has_text="Maximiliane").first.wait_for()
    keep("live-online")
    page.goto(f"{demo.root}/people/user:{other}")
    page.get_by_text("Erase this person").click()
    page.get_by_label("to confirm").fill("x")
    refused("Erase for ever")
    keep("erase-refused")
    page.get_by_label("to confirm").fill(other)
    page.get_by_role("button", name="Erase for ever").click()
    page.get_by_role("heading", name="This person was erased").wait_for()
    keep("erase-receipt")

    page.goto(f"{demo.root}/settings")
    page.get_by_placeholder("Name, such as backend").fill(f"{size} {scheme}")
    page.get_by_role("button", name="Make key").click()
    page.locator(".good code").wait_for()
    keep("settings-key")
    page.goto(f"{demo.url}/tokens")
    page.get_by_role("textbox", name="Name").fill(f"{size} {scheme}")
    refused("Make token")
    keep("tokens-refused")
    expect(page.get_by_role("textbox", name="Name")).to_have_value(f"{size} {scheme}")
    page.get_by_label("Everything").check()
    page.get_by_role("button", name="Make token").click()
    page.locator(".good code").wait_for()
    keep("tokens-token")
    page.goto(f"{demo.url}/websites/new")
    page.get_by_label("Domain").fill("no domain")
    refused("Create website")
    keep("website-refused")
    page.goto(f"{demo.url}/account")
    page.get_by_label("Present password").fill("wrong")
    page.get_by_label("New password").fill("a new password")
    refused("Change password")
    keep("account-refused")
    context.close()


def serious(page: Page) -> list[str]:
    """What axe-core finds serious or worse."""
    page.evaluate(AXE.read_text("utf-8"))  # as a debugger does: the page's own policy lets no other script in
    found = page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then(result => result.violations)"
    )
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def test_the_first_load_is_small(demo: Demo, browser: Browser, session: Any) -> None:
    context = browser.new_context(storage_state=session)
    page = context.new_page()
    page.goto(f"{demo.root}/people", wait_until="networkidle")
    sizes = page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map(e => e.transferSize)"
    )
    context.close()
    assert len(sizes) >= 4  # the page, its style, its script and its icon
    assert 10_000 < sum(sizes) <= FIRST_LOAD, sizes


# The first minutes


def test_from_the_printed_link_to_the_first_person(browser: Browser, engine: Engine) -> None:
    with serving(engine.new_place()) as running:
        assert running.process.stdout is not None
        printed = next(line for line in running.process.stdout if "make your account" in line)
        context = browser.new_context()
        page = context.new_page()
        link = re.search(r"http\S+", printed)
        assert link
        page.goto(link[0])
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / "setup.png")
        assert serious(page) == []
        page.get_by_label("E-mail address").fill("founder@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Make account").click()
        page.wait_for_url("**/people")

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
        page.get_by_role("button", name="Make key").click()
        key = page.locator(".good code").inner_text()
        page.reload()
        assert key not in page.content()

        page.get_by_role("link", name="People").click()
        command = page.locator("#list pre code").inner_text().replace("df_KEY", key)
        done = subprocess.run(shlex.split(command), capture_output=True, check=True)
        assert json.loads(done.stdout)["data"]["action"] == "created"
        expect(page.locator("#list .person b")).to_have_count(0)
        wait_for(page, lambda: page.reload() and page.locator("#list .person b").all_inner_texts() == ["Ada"])
        context.close()


def wait_for(page: Page, condition: Any) -> None:
    """Return once `condition()` holds."""
    for _ in range(150):
        if condition():
            return
        page.wait_for_timeout(100)  # between two looks, not in place of one
    raise AssertionError("it never came to be")


def test_a_wrong_password_is_said_on_the_page(browser: Browser, demo: Demo) -> None:
    context = browser.new_context()
    desk = Desk(context, demo)
    desk.expected_errors = 1
    desk.page.goto(f"{demo.root}/people?search=ada")
    desk.page.get_by_label("E-mail address").fill(EMAIL)
    desk.page.get_by_label("Password").fill("wrong")
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_role("alert")).to_contain_text("do not fit")
    expect(desk.page.get_by_label("E-mail address")).to_have_value(EMAIL)
    desk.page.get_by_label("Password").fill(PASSWORD)
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url(f"{demo.root}/people?search=ada")
    desk.page.get_by_label("Your account").click()
    desk.page.get_by_role("button", name="Log out").click()
    desk.page.wait_for_url("**/login")
    desk.page.goto(f"{demo.root}/people")
    assert "/login" in desk.page.url
    context.close()
    assert desk.faults == []


# People


def test_people_are_listed_last_seen_first_page_by_page(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.goto(f"{demo.root}/people")
    assert rows(page) == demo.people()
    page.get_by_role("link", name="Older").click()
    page.wait_for_url("**offset=50")
    assert rows(page) == demo.people(offset=50)
    page.get_by_role("link", name="Newer").click()
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


def test_filters_are_added_one_by_one_and_removed(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.goto(f"{demo.root}/people?search=a")

    def add(field: str, condition: str, text: str) -> None:
        page.locator("summary", has_text="Filter").click()
        page.get_by_label("Field").fill(field)
        page.get_by_label("Condition").select_option(label=condition)
        page.get_by_label("Value").fill(text)
        page.get_by_role("button", name="Add filter").click()

    add("plan", "is", "pro,team")
    expect(page.locator(".chips li")).to_have_count(1)
    assert rows(page) == demo.people(search="a", trait__plan="pro,team")
    assert parse_qs(urlsplit(page.url).query) == {"search": ["a"], "trait.plan": ["is:pro,team"]}
    add("seats", "≥", "20")
    expect(page.locator(".chips li")).to_have_count(2)
    both = demo.people(search="a", trait__plan="pro,team", trait__seats="gte:20")
    assert rows(page) == both
    assert both
    add("theme", "is missing", "")
    expect(page.locator(".chips li")).to_have_count(3)
    assert rows(page) == demo.people(
        search="a", trait__plan="pro,team", trait__seats="gte:20", trait__theme="missing"
    )
    page.get_by_label("Remove the filter on theme").click()
    expect(page.locator(".chips li")).to_have_count(2)
    assert rows(page) == both
    page.get_by_label("Remove the filter on plan").click()
    expect(page.locator(".chips li")).to_have_count(1)
    assert rows(page) == demo.people(search="a", trait__seats="gte:20")
    add("seats", ">", "many")
    expect(page.get_by_role("alert")).to_contain_text("trait.seats")


# One person


def card(page: Page, title: str) -> Locator:
    """The card with this heading."""
    return page.locator("section.card", has=page.get_by_role("heading", name=title, exact=True))


def test_a_person_is_found_in_a_click_and_explains_each_trait(demo: Demo, desk: Desk) -> None:
    page = desk.page
    demo.person_of_ones_own("why/me", name="Why Me", plan="free")
    demo.identify(new_page(demo), "why/me", plan="pro")
    page.goto(f"{demo.root}/people/user:{quote('why/me', safe='')}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Why Me")
    told = demo.person("why/me").json()["data"]
    assert page.locator(".figures dd").all_inner_texts() == [
        str(told["activity"][name]) for name in ("sessionCount", "pageViewCount", "goalCount")
    ]
    assert page.locator(".devices li").count() == len(told["visitors"]) == 2
    expect(card(page, "Traits")).not_to_contain_text("by backend")
    page.get_by_role("link", name="Why?").click()
    plan = card(page, "Traits").locator("div", has=page.locator("dt", has_text="plan"))
    expect(plan).to_contain_text("by backend; was free before")
    explained = demo.http.get(f"/api/v1/profiles/{told['profileId']}?explain=1").json()["data"]["explain"]
    assert plan.locator("small").get_attribute("title") == f"Fact {explained['traits']['plan']['factId']}"
    expect(card(page, "Devices").locator("li small", has_text="said by backend")).to_have_count(2)


def new_page(demo: Demo) -> str:
    """A visitor who saw a page."""
    visitor = new_visitor()
    demo.event("pageview", visitor)
    return visitor


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


def scroll(page: Page) -> bool:
    page.mouse.wheel(0, 5000)
    return True


def test_a_merge_is_previewed_made_and_undone(demo: Demo, desk: Desk) -> None:
    page = desk.page
    demo.person_of_ones_own("twin-1", name="Twin", email="twin@example.org")
    demo.person_of_ones_own("twin-2", email="twin@example.org", city="Rome")
    wait_for(
        page,
        lambda: page.goto(f"{demo.root}/health") and page.get_by_role("link", name="twin-1").count() == 1,
    )
    finding = page.locator("li", has=page.get_by_role("link", name="twin-1"))
    finding.get_by_role("button", name="Preview the merge").click()
    preview = page.locator(".preview")
    expect(preview).to_be_in_viewport()
    expect(preview).to_contain_text("twin-1, twin-2 would be one person with 2 devices")
    expect(preview).to_contain_text("Rome")
    assert demo.person("twin-2").json()["data"]["userIds"] == ["twin-2"]
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


def test_an_undo_that_leaves_nobody_says_so(demo: Demo, desk: Desk) -> None:
    page = desk.page
    demo.person_of_ones_own("never-was")
    page.goto(f"{demo.root}/people/user:never-was?why=1")
    card(page, "Ledger").get_by_role("link", name="Show").click()
    expect(page.get_by_role("link", name="Hide why")).to_be_visible()
    card(page, "Ledger").get_by_role("button", name="Undo this identify").click()
    page.wait_for_url("**/people?done=undone")
    expect(page.get_by_text("Undone.")).to_be_in_viewport()
    assert demo.person("never-was").status_code == 404


def test_erasure_wants_the_user_id_typed(demo: Demo, desk: Desk) -> None:
    page = desk.page
    visitor = demo.person_of_ones_own("Erase Me", name="Gone Soon")
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
    expect(page.locator("#journey")).to_contain_text("as known-now")
    page.get_by_role("link", name="Known Now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Known Now")
    expect(page.locator(".devices")).to_contain_text(name)


# Who is here


def test_live_shows_people_as_they_come(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.goto(f"{demo.root}/live")
    visitor = new_visitor()
    demo.event("pageview", visitor, "/just/now")
    entry = page.locator(".online li", has_text="/just/now")
    entry.wait_for()
    assert entry.locator("a").get_attribute("href") == f"/w/{demo.website_id}/visitors/{visitor}"
    demo.identify(visitor, "live-1", name="Liv E")
    page.locator(".online li", has_text="Liv E").wait_for()
    demo.event("pageview", visitor, "/and/then")
    expect(page.locator(".online li", has_text="Liv E")).to_contain_text("/and/then")
    link = page.locator(".online li a", has_text="Liv E")
    link.focus()
    elsewhere = new_visitor()
    demo.event("pageview", elsewhere, "/from/elsewhere")
    page.locator(".online li", has_text="/from/elsewhere").wait_for()
    expect(link).to_be_focused()
    demo.identify(elsewhere, "live-1")  # another device of the same person
    expect(page.locator(".online li", has_text="Liv E")).to_have_count(1)
    expect(page.locator(".online li", has_text="Liv E")).to_contain_text("/from/elsewhere")
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Liv E")


# Settings


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
    expect(page.get_by_role("alert")).to_contain_text("timezone")
    expect(page.get_by_label("Time zone")).to_have_value("Mars")
    expect(page.get_by_label("Excluded paths")).to_have_value("/admin/*")
    page.goto(f"{demo.root}/settings")
    for name in ("Other host names and app bundle ids", "Excluded paths", "Excluded addresses"):
        page.get_by_label(name).fill("")
    page.get_by_label("Cookieless").check()
    page.get_by_role("button", name="Save").click()
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
    page.get_by_role("button", name="Make key").click()
    page.locator(".good").get_by_role("button", name="Copy").click()
    expect(page.locator(".good").get_by_role("button")).to_have_text("Copied")
    key = page.evaluate("navigator.clipboard.readText()")
    assert key == page.locator(".good code").inner_text()
    headers = {"authorization": f"Bearer {key}"}
    assert demo.http.get("/api/v1/profiles", headers=headers).status_code == 200
    page.goto(f"{demo.root}/settings")
    assert key not in page.content()
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_label("Revoke a second one").click()
    assert demo.http.get("/api/v1/profiles", headers=headers).status_code == 200
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_label("Revoke a second one").click()
    expect(page.get_by_role("status").first).to_contain_text("Revoked")
    expect(page.locator("#keys")).not_to_contain_text("a second one")
    assert demo.http.get("/api/v1/profiles", headers=headers).status_code == 401


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
    page.get_by_role("button", name="Make token").click()
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


# Keys, and no script


def test_the_keyboard_is_enough(demo: Demo, desk: Desk) -> None:
    page = desk.page
    page.goto(f"{demo.root}/people")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("user_10")
    wait_for(page, lambda: rows(page) == demo.people(search="user_10"))
    for _ in range(2):
        page.keyboard.press("Tab")
    first = page.locator("#list a.person").first
    expect(first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/*")
    page.get_by_label("Your account").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Log out")).to_be_hidden()
    expect(page.get_by_label("Your account")).to_be_focused()


def test_reading_works_without_javascript(demo: Demo, browser: Browser, session: Any) -> None:
    context = browser.new_context(storage_state=session, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{demo.root}/people")
    page.get_by_role("searchbox").fill("user_12")
    page.get_by_role("button", name="Search").click()
    assert rows(page) == demo.people(search="user_12")
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Field").fill("plan")
    page.get_by_label("Value").fill("pro")
    page.get_by_role("button", name="Add filter").click()
    assert rows(page) == demo.people(search="user_12", trait__plan="pro")
    page.locator("#list a.person").first.click()
    expect(page.locator("#journey")).to_contain_text("Page")
    page.get_by_role("link", name="Why?").click()
    expect(card(page, "Traits")).to_contain_text("by backend")
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Live")
    context.close()


# The demo itself


def test_the_demo_is_the_same_for_the_same_seed(engine: Engine, demo: Demo) -> None:
    place = engine.new_place()
    made = run_json(place, "demo", "--seed", "7")
    with serving(place, {"FOOTFALL_RATE_LIMIT": "0"}) as running:
        again = Demo(running, made)

        def names(one: Demo) -> dict[str, Any]:
            found = [*one.ask("/profiles", limit=250), *one.ask("/profiles", limit=250, offset=250)]
            return {
                person["userId"]: person["metadata"]
                for person in found
                if person["userId"].startswith("user_")
            }

        assert len(names(again)) == 300
        assert {user: told["name"] for user, told in names(again).items()} == {
            user: told["name"] for user, told in names(demo).items()
        }
        health = {one["kind"]: one["count"] for one in again.ask("/identity/health")["findings"]}
        assert health["shared_visitors"] == 1
        assert health["likely_duplicates"] >= 1
        again.http.close()

"""The dashboard in a browser: the demo's website through the API, a tab of it, and what to ask of a page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import httpx
from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

from tests.support.servers import RunningServer
from tests.support.sites import CHROME, new_visitor

EMAIL = "ada@demo.example"
PICTURES = os.environ.get("FOOTFALL_PICTURES", "")
"""Where tests keep pictures of the pages that they look at; nowhere if empty."""
AXE = Path(__file__).parents[1] / "clients/node_modules/axe-core/axe.min.js"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
WIDTHS = (320, 720, 820)
"""Of windows, in px, at which pages only have to fit: a small phone, 1440 px at 200% zoom, and a tablet."""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
"""Of colours. Nothing else depends on them, nor do they depend on the size: so each page is seen at each size and in each scheme, not in all four."""
MORE_ROWS = "table.people tbody > tr:nth-child(n + 9)"
"""Rows like those above them. With all 50, axe-core takes seconds for each look."""
TWICE = """() => {
  const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
  return ids.filter((id, at) => ids.indexOf(id) !== at);
}"""
CHECK = """async ([moreRows, options]) => {
  const show = how => document.querySelectorAll(moreRows).forEach(row => { row.style.display = how; });
  show("none");
  const {violations} = await axe.run(document, options);
  show("");
  return violations;
}"""


class Demo:
    """The demo's website, through the API."""

    def __init__(self, running: RunningServer, made: dict[str, str]) -> None:
        self.url = running.url
        self.place = running.place
        self.website_id, self.tracking_id, self.key = made["websiteId"], made["trackingId"], made["key"]
        self.root = f"{self.url}/w/{self.website_id}"
        self.http = httpx.Client(
            base_url=self.url, verify=False, headers={"authorization": f"Bearer {self.key}"}, timeout=30
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
        if "Failed to load resource" in text and self.expected_errors:
            self.expected_errors -= 1  # Chromium's own line about an answer with an error, or none
        else:
            self.faults.append(text)

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.netloc not in {self._host, *self.allowed_hosts}:
            self.faults.append(f"asks {parts.netloc}")


def rows(page: Page) -> list[str]:
    """The user ids in the list, in order."""
    return page.locator("#list .person .id").all_inner_texts()


def card(page: Page, title: str) -> Locator:
    """The card with this heading."""
    return page.locator("section.card", has=page.get_by_role("heading", name=title, exact=True))


def visitors(demo: Demo, **query: Any) -> str:
    """How many visitors the API tells of the last 30 days."""
    (row,) = demo.ask("/analytics/overview", period="last30d", fields="visitors", **query)
    return f"{row['visitors']:,}"


def open_overview(page: Page, demo: Demo) -> None:
    """The overview, once the columns have been built; until then it loads itself again."""
    page.goto(f"{demo.root}/overview")
    expect(page.locator(".metrics")).to_be_visible(timeout=60_000)


def new_page(demo: Demo) -> str:
    """A visitor who saw a page."""
    visitor = new_visitor()
    demo.event("pageview", visitor)
    return visitor


def wait_for(page: Page, condition: Any) -> None:
    """Return once `condition()` holds."""
    for _ in range(600):
        if condition():
            return
        page.wait_for_timeout(100)  # between two looks, not in place of one
    raise AssertionError("it never came to be")


def scroll(page: Page) -> bool:
    page.mouse.wheel(0, 5000)
    return True


def look_at(desk: Desk, name: str) -> None:
    """Fail when what is shown is too wide or has other faults; keep a picture of it if asked."""
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        desk.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)
    expect_to_fit(desk.page, name)
    assert desk.page.evaluate(TWICE) == [], f"{name} has elements with the same id"
    assert serious(desk.page) == [], name
    assert desk.faults == [], name


def expect_to_fit(page: Page, name: str) -> None:
    """Fail when one has to scroll sideways."""
    too_wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert too_wide <= 0, f"{name} is {too_wide} px too wide"


def serious(page: Page) -> list[str]:
    """What axe-core finds serious or worse."""
    if page.evaluate("typeof axe === 'undefined'"):
        # As a debugger does: the page's own policy lets no other script in.
        page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(CHECK, [MORE_ROWS, {"resultTypes": ["violations"], "preload": False}])
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]

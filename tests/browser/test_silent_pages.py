"""Pages that send nothing or keep nothing, and where events go."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import AGENT, PageServer, Tab, html, snippet
from tests.conftest import SitePool
from tests.support.sites import Site, new_visitor

# Silence


@pytest.mark.parametrize("kind", ["localhost", "frame", "ignored", "no id"])
def test_a_page_that_is_not_to_be_tracked_sends_nothing(
    tab: Tab, page_server: PageServer, site: Site, shop: str, kind: str
) -> None:
    address = shop
    if kind == "localhost":
        address = f"http://localhost:{page_server.port}/"
    elif kind == "frame":
        page_server.pages["/frame"] = html("", f'<iframe src="{shop}/"></iframe>')
        address = f"{shop}/frame"
    elif kind == "no id":
        page_server.pages["/none"] = html(snippet(site, website_id=""))
        address = f"{shop}/none"
    else:
        page_server.pages["/empty"] = html("")
        tab.open(f"{shop}/empty")
        tab.page.evaluate("localStorage.setItem('datafast_ignore', 'true')")
    tab.open(address)
    tab.page.wait_for_load_state("networkidle")
    if kind != "frame":
        tab.page.evaluate("datafast('goal', {}); datafast('identify', {user_id: 'a'}); datafast('reset')")
        tab.page.wait_for_load_state("networkidle")
    assert tab.sent == []
    assert "datafast_visitor_id" not in tab.cookies()
    assert site.stored() == (0, 0, 0, 0)


def test_a_file_is_silent(tab: Tab, site: Site, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(html(snippet(site)), "utf-8")
    tab.open(f"file://{tmp_path}/page.html")
    tab.page.wait_for_load_state("networkidle")
    assert tab.sent == []


def test_a_file_can_be_allowed(tab: Tab, socket_sites: SitePool, tmp_path: Path) -> None:
    site = socket_sites.take("local")
    site.change(is_headless_allowed=True)
    (tmp_path / "page.html").write_text(html(snippet(site, allow_file_protocol="true")), "utf-8")
    tab.open(f"file://{tmp_path}/page.html")
    tab.marker()
    assert tab.kinds() == ["pageview", "marker"]
    assert len({event["visitorId"] for event in tab.sent}) == 1  # though a file has no cookies
    shown = site.visitor(tab.sent[0]["visitorId"])["activity"]
    assert shown["currentUrl"] == f"{tmp_path}/page.html"
    assert [goal["name"] for goal in shown["completedGoals"]] == ["marker"]


def test_localhost_and_frames_can_be_allowed(
    tab: Tab, page_server: PageServer, socket_sites: SitePool
) -> None:
    site = socket_sites.take("local")
    site.change(is_headless_allowed=True)
    page_server.pages["/inner"] = html(snippet(site, allow_localhost="true", debug="true"))
    page_server.pages["/outer"] = html("", '<iframe src="/inner"></iframe>')
    tab.open(f"http://localhost:{page_server.port}/outer")
    tab.until(lambda: tab.kinds() == ["pageview"])
    tab.until(lambda: site.stored()[0] == 1)


def test_a_driven_browser_is_dropped_unless_the_website_allows_it(
    tab: Tab, page_server: PageServer, socket_site: Site
) -> None:
    page_server.pages["/"] = html(snippet(socket_site))
    tab.open(f"http://{socket_site.domain}/")
    tab.until(lambda: any("headless" in warning for warning in tab.warnings))
    assert socket_site.stored() == (0, 0, 0, 0)


def test_a_wrong_page_is_told_why(tab: Tab, page_server: PageServer, site: Site) -> None:
    page_server.pages["/"] = html(snippet(site))
    tab.open("http://stranger.example/")
    tab.until(lambda: any("wrong_host" in warning for warning in tab.warnings))
    page_server.pages["/"] = html(snippet(site, website_id="dfid_" + "x" * 24))
    tab.open(f"http://{site.domain}/")
    tab.until(lambda: any("unknown_website" in warning for warning in tab.warnings))
    assert site.stored() == (0, 0, 0, 0)


def test_the_console_can_be_left_alone(tab: Tab, page_server: PageServer, site: Site) -> None:
    page_server.pages["/"] = html(snippet(site, disable_console="true"))
    tab.open(f"http://{site.domain}/")
    tab.page.evaluate("datafast('bad name!')")
    tab.marker()
    assert tab.warnings == []


# Without cookies


def test_a_cookieless_page_keeps_nothing_in_the_browser(
    tab: Tab, page_server: PageServer, socket_sites: SitePool, browser: Browser
) -> None:
    site = socket_sites.take("cookieless")
    site.change(is_headless_allowed=True)
    page_server.pages["/"] = html(snippet(site, "script.cookieless.js"))
    page_server.pages["/two"] = html(snippet(site, "script.cookieless.js"))
    tab.open(f"http://{site.domain}/")
    tab.open(f"http://{site.domain}/two")
    tab.page.evaluate("datafast('identify', {user_id: 'ada'})")
    tab.marker()
    assert tab.cookies() == {}
    assert tab.page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert not any("visitorId" in event or "sessionId" in event for event in tab.sent)
    assert any("cookieless" in warning for warning in tab.warnings)
    events, visitors, facts, _ = site.stored()
    assert (events, visitors, facts) == (3, 1, 0)


@pytest.mark.parametrize(
    ("variant", "script", "right"),
    [("cookieless", "script.js", "script.cookieless.js"), ("headless", "script.cookieless.js", "script.js")],
)
def test_the_wrong_flavour_is_told_which_is_right(
    tab: Tab, page_server: PageServer, socket_sites: SitePool, variant: str, script: str, right: str
) -> None:
    site = socket_sites.take(variant)
    site.change(is_headless_allowed=True)
    page_server.pages["/"] = html(snippet(site, script))
    tab.open(f"http://{site.domain}/")
    tab.until(lambda: any("wrong_script" in warning for warning in tab.warnings))
    assert site.stored() == (0, 0, 0, 0)
    body = tab.sent[0] | {"type": "pageview"}
    answer = site.http.post("/api/events", json=body, headers={"user-agent": AGENT}).json()
    assert right in answer["message"]


# Where events go


def test_the_page_may_name_another_address(tab: Tab, page_server: PageServer, site: Site) -> None:
    for number, (given, wanted) in enumerate(
        {
            site.url: "/api/events",
            f"{site.url}/api/events": "/api/events",
            "/proxy/api/events": "/proxy/api/events",
        }.items()
    ):
        page_server.pages["/"] = html(snippet(site, api_url=given))
        tab.open(f"http://{site.domain}/?n={number}")
        tab.until(lambda n=number: len(tab.sent) == n + 1)  # type: ignore[misc]
        assert tab.sent[-1]["to"].endswith(wanted)
    assert tab.sent[-1]["to"] == f"http://{site.domain}/proxy/api/events"


def test_another_browser_is_another_visitor(tab: Tab, shop: str, browser: Browser) -> None:
    tab.open(shop)
    tab.marker()
    second = Tab(browser.new_context(user_agent=AGENT))
    second.open(shop)
    second.marker()
    assert second.visitor != tab.visitor != new_visitor()
    second.page.context.close()

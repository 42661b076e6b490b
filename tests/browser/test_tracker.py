"""The tracking script in a real browser: what leaves the page, what does not, and what the API then tells."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from footfall.identity.signing import sign_user
from tests.browser.conftest import QUEUE, PageServer, Tab, html, snippet
from tests.support.people import journey, person
from tests.support.servers import run_json, until
from tests.support.sites import Site

YEAR, HALF_HOUR = 365 * 86_400, 1800


def life(cookie: Any) -> float:
    return float(cookie["expires"]) - time.time()


# Pages and ids


def test_a_visit_leaves_a_pageview_and_the_cookies(tab: Tab, shop: str, site: Site) -> None:
    tab.open(f"{shop}/?utm_source=news&gclid=g1")
    tab.marker()
    assert tab.kinds() == ["pageview", "marker"]
    event = tab.sent[0]
    assert (event["websiteId"], event["domain"], event["to"]) == (
        site.tracking_id,
        site.domain,
        f"{site.url}/api/events",
    )
    assert event["adClickIds"] == {"gclid": "g1"}
    assert event["maxTouchPoints"] == 0

    cookies = tab.cookies()
    assert uuid.UUID(tab.visitor).version == 4
    assert event["visitorId"] == tab.visitor
    assert event["sessionId"] == cookies["datafast_session_id"]["value"].replace("%20", "")
    assert event["sessionId"][0] == "s"
    assert cookies["datafast_visitor_id"]["domain"] == f".{site.domain}"
    assert cookies["datafast_visitor_session_count"]["value"] == "1"
    assert YEAR - 60 < life(cookies["datafast_visitor_id"]) <= YEAR
    assert YEAR - 60 < life(cookies["datafast_visitor_first_seen_at"]) <= YEAR
    assert HALF_HOUR - 60 < life(cookies["datafast_session_id"]) <= HALF_HOUR

    shown = site.visitor(tab.visitor)
    assert shown["identity"]["params"]["utm_source"] == "news"
    assert shown["identity"]["adClickIds"] == {"gclid": "g1"}
    assert shown["activity"]["pageViewCount"] == 1


def test_the_next_page_has_the_same_ids(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    tab.marker()
    tab.page.click("#in")
    tab.until(lambda: tab.kinds().count("pageview") == 2)
    tab.marker()
    assert (
        len({event["visitorId"] for event in tab.sent})
        == len({event["sessionId"] for event in tab.sent})
        == 1
    )
    pages = site.visitor(tab.visitor)["activity"]["visitedPages"]
    assert {page["url"] for page in pages} == {f"{site.domain}/", f"{site.domain}/second"}


def test_the_same_page_loaded_again_at_once_counts_once(tab: Tab, shop: str) -> None:
    tab.open(shop)
    tab.marker()
    tab.page.reload()
    tab.marker()
    assert tab.kinds() == ["pageview", "marker", "marker"]


def test_a_cookie_that_is_no_id_is_replaced(tab: Tab, shop: str, site: Site) -> None:
    tab.page.context.add_cookies([{"name": "datafast_visitor_id", "value": "<script>", "url": shop}])
    tab.open(shop)
    tab.marker()
    assert uuid.UUID(tab.sent[0]["visitorId"])
    assert site.visitor(tab.sent[0]["visitorId"])


@pytest.mark.parametrize("junk", ["%", "a%E0%A4%A", "s%3Bpath=/"])
def test_cookies_that_hold_junk_are_replaced(tab: Tab, shop: str, site: Site, junk: str) -> None:
    names = ("visitor_id", "session_id", "visitor_session_count", "visitor_first_seen_at")
    tab.page.context.add_cookies(
        [
            {"name": f"datafast_{name}", "value": junk, "domain": f".{site.domain}", "path": "/"}
            for name in names
        ]
    )
    tab.open(shop)
    tab.marker()
    cookies = tab.cookies()
    assert uuid.UUID(tab.visitor).version == 4
    assert uuid.UUID(cookies["datafast_session_id"]["value"].removeprefix("s")).version == 4
    assert cookies["datafast_visitor_session_count"]["value"] == "1"
    assert cookies["datafast_visitor_first_seen_at"]["value"].startswith("20")


def test_a_session_lives_on_only_with_what_the_server_took(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    tab.marker()
    session = tab.cookies()["datafast_session_id"]["value"]
    tab.page.evaluate(
        "value => document.cookie = `datafast_session_id=${value}; path=/; max-age=60; domain=.${location.hostname}`",
        session,
    )
    tab.page.route("**/api/events", lambda route: route.fulfill(status=202, body="{}"))
    tab.marker()
    assert life(tab.cookies()["datafast_session_id"]) <= 60
    tab.page.unroute("**/api/events")
    tab.marker()
    assert HALF_HOUR - 60 < life(tab.cookies()["datafast_session_id"]) <= HALF_HOUR
    assert {event["sessionId"] for event in tab.sent} == {session}


def test_a_new_session_is_counted(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    tab.marker()
    tab.page.context.clear_cookies(name="datafast_session_id")
    tab.marker()
    assert len({event["sessionId"] for event in tab.sent}) == 2
    assert len({event["visitorId"] for event in tab.sent}) == 1
    assert tab.cookies()["datafast_visitor_session_count"]["value"] == "2"


@pytest.mark.parametrize("now", ["1999-12-31T23:59:59Z", "2120-01-01T00:00:00Z"])
def test_a_clock_that_is_far_off_changes_nothing(tab: Tab, shop: str, site: Site, now: str) -> None:
    tab.page.clock.install(time=now)
    tab.open(shop)
    tab.marker()
    tab.page.evaluate("() => { sessionStorage.footfall_page = `${Date.now() + 9e9} ${location.href}`; }")
    tab.page.reload()  # after somebody set the clock back
    tab.marker()
    assert tab.kinds() == ["pageview", "marker"] * 2
    activity = site.visitor(tab.visitor)["activity"]
    assert activity["pageViewCount"] == 2
    assert activity["timeSinceFirstVisit"] < 600_000


def test_calls_before_the_script_came_are_sent(tab: Tab, page_server: PageServer, site: Site) -> None:
    early = "datafast('early', {a: 1}, said => window.said = said); datafast('identify', {user_id: 'ada'})"
    page_server.pages["/"] = html(QUEUE + f"<script>{early}</script>" + snippet(site))
    tab.open(f"http://{site.domain}/")
    tab.page.wait_for_function("window.said")
    tab.marker()
    assert tab.kinds() == ["pageview", "early", "identify", "marker"]
    assert tab.page.evaluate("said") == {"status": 200}
    assert person(site, "ada")["activity"]["goalCount"] == 2


def test_a_callback_always_comes(tab: Tab, page_server: PageServer, site: Site) -> None:
    """A page may leave in its callback, also where nothing is sent."""
    early = "<script>datafast('early', {}, said => window.said = said)</script>"
    page_server.pages["/"] = html(QUEUE + early + snippet(site))
    ask = "call => new Promise(done => datafast(...call, done))"
    tab.open(f"http://localhost:{page_server.port}/")
    assert tab.page.evaluate("said") == {"status": 0}
    assert tab.page.evaluate(ask, ["signup", {}]) == {"status": 0}
    tab.open(f"http://{site.domain}/")
    for call in (["bad name", {}], ["x", {"a b": 1}], ["identify", {}], ["payment", {}], ["reset", {}]):
        assert tab.page.evaluate(ask, call) == {"status": 0}, call
    assert tab.page.evaluate(ask, ["signup", {}]) == {"status": 200}


@pytest.mark.parametrize(("script", "counts_hash"), [("script.js", False), ("script.hash.js", True)])
def test_pages_of_an_application_count(
    tab: Tab, page_server: PageServer, site: Site, script: str, counts_hash: bool
) -> None:
    page_server.pages["/"] = html(snippet(site, script))
    tab.open(f"http://{site.domain}/")
    tab.page.evaluate("history.pushState(null, '', '/app')")
    tab.until(lambda: len(tab.sent) == 2)
    tab.page.evaluate("history.pushState(null, '', '/app?tab=2')")  # the same path is the same page
    tab.page.go_back()
    tab.page.go_back()
    tab.until(lambda: len(tab.sent) == 3)
    tab.page.evaluate("location.hash = 'part'")
    if counts_hash:
        tab.until(lambda: len(tab.sent) == 4)
    tab.marker()
    paths = [event["href"].partition(".example")[2] for event in tab.sent if event["type"] == "pageview"]
    assert paths == ["/", "/app", "/", *(["/#part"] if counts_hash else [])]
    seen = {page["url"] for page in site.visitor(tab.visitor)["activity"]["visitedPages"]}
    assert seen == {site.domain + path for path in paths}


def test_a_page_of_an_application_comes_from_the_page_before(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    page_server.pages["/"] = html(snippet(site))
    tab.open(f"http://{site.domain}/?a=1", "http://news.example/today")
    tab.marker()
    for path in ("/app", "/end"):
        tab.page.evaluate("path => { history.pushState(null, '', path); }", path)
        tab.until(lambda path=path: tab.sent[-1]["href"].endswith(path))  # type: ignore[misc]
    tab.marker()
    home = f"http://{site.domain}"
    news = "http://news.example/today"
    assert [event["referrer"] for event in tab.sent] == [
        news,
        news,
        f"{home}/?a=1",
        f"{home}/app",
        f"{home}/app",
    ]
    assert [row[4] for row in site.events_of(tab.visitor)] == ["news.example/today"] * 2 + [None] * 3


@pytest.mark.parametrize("script", ["datafast('click', {})", "history.pushState(null, '', '/app')"])
def test_a_click_after_a_rest_is_no_visit_from_where_the_first_came_from(
    tab: Tab, page_server: PageServer, site: Site, script: str
) -> None:
    page_server.pages["/"] = html(snippet(site))
    tab.page.clock.install()
    tab.open(f"http://{site.domain}/", "http://news.example/")
    tab.marker()
    tab.page.clock.run_for(31 * 60_000)
    tab.page.evaluate(f"() => {{ {script}; }}")
    tab.page.clock.run_for(1000)
    tab.until(lambda: len(tab.sent) == 3)
    assert [event["referrer"] for event in tab.sent] == ["http://news.example/"] * 2 + [
        f"http://{site.domain}/"
    ]


def test_pages_that_the_navigation_interface_brings_count(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    page_server.pages["/"] = html(snippet(site), '<a href="/linked">Go</a>')
    tab.open(f"http://{site.domain}/")
    tab.page.evaluate(
        "navigation.addEventListener('navigate', event => { event.intercept({async handler() {}}); })"
    )
    tab.page.click("a")
    tab.until(lambda: len(tab.sent) == 2)
    tab.page.evaluate("() => { navigation.navigate('/called'); }")
    tab.until(lambda: len(tab.sent) == 3)
    tab.page.evaluate("() => { navigation.back(); }")
    tab.until(lambda: len(tab.sent) == 4)
    tab.marker()
    paths = [event["href"].partition(".example")[2] for event in tab.sent]
    assert paths == ["/", "/linked", "/called", "/linked", "/linked"]


def test_an_address_that_is_replaced_is_no_new_page(tab: Tab, shop: str) -> None:
    tab.open(shop)
    tab.page.clock.install()
    tab.page.evaluate("navigation.addEventListener('navigate', event => { event.intercept(); })")
    for script in ("history.replaceState(null, '', '/a')", "navigation.navigate('/b', {history: 'replace'})"):
        tab.page.evaluate(f"() => {{ {script}; }}")
        tab.page.clock.run_for(1000)
    tab.marker()
    assert tab.kinds() == ["pageview", "marker"]
    assert tab.sent[1]["href"] == f"{shop}/b"


def test_a_page_that_is_passed_in_a_moment_does_not_count(tab: Tab, shop: str) -> None:
    tab.open(shop)
    tab.page.clock.install()
    tab.page.evaluate(
        """() => {
            history.replaceState(null, '', '/?replaced');
            history.pushState(null, '', '/guard');
            history.pushState(null, '', '/?back');
        }"""
    )
    tab.page.clock.run_for(1000)
    tab.page.evaluate("history.pushState(null, '', '/guard'); history.pushState(null, '', '/end')")
    tab.page.clock.run_for(1000)
    tab.marker()
    assert [event["href"].partition(".example")[2] for event in tab.sent] == ["/", "/end", "/end"]


def test_a_page_that_was_kept_for_the_way_back_counts_again(whole_tab: Tab, shop: str, site: Site) -> None:
    whole_tab.open(shop)
    whole_tab.page.evaluate("addEventListener('pageshow', event => { window.wasKept = event.persisted; })")
    whole_tab.page.click("#in")
    whole_tab.page.wait_for_url("**/second")
    whole_tab.marker()
    whole_tab.page.go_back(wait_until="commit")
    whole_tab.page.wait_for_function("window.wasKept")
    whole_tab.marker()
    assert whole_tab.kinds() == ["pageview", "pageview", "marker", "pageview", "marker"]
    pages = [page["url"] for page in site.visitor(whole_tab.visitor)["activity"]["visitedPages"]]
    assert sorted(pages) == [f"{site.domain}/", f"{site.domain}/", f"{site.domain}/second"]


def test_a_page_that_is_left_at_once_still_counts(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    tab.page.evaluate("history.pushState(null, '', '/late'); datafast('last', {}); 0")
    visitor = tab.visitor
    tab.page.close()
    pages = {f"{site.domain}/", f"{site.domain}/late"}
    until(lambda: {event[2] for event in site.events_of(visitor)} >= pages, "a page was not counted")
    assert "last" in {event[5] for event in site.events_of(visitor)}


# The whole story


def test_from_the_first_visit_to_the_second_person_on_the_same_browser(
    tab: Tab, shop: str, site: Site
) -> None:
    tab.open(f"{shop}/?utm_source=news")
    tab.page.click("button")
    tab.page.evaluate("datafast('identify', {user_id: 'ada', name: 'Ada', plan: 'free', tags: ['x']})")
    tab.marker("signed-up")
    first = tab.visitor
    assert person(site, "ada")["metadata"] == {"name": "Ada", "plan": "free", "tags": ["x"]}
    assert site.identify(first, "ada", {"plan": "pro"})["action"] == "updated"
    tab.page.evaluate("datafast('identify', {user_id: 'ada', plan: 'free'})")
    tab.page.evaluate("datafast('reset')")
    second = tab.visitor
    assert second != first
    tab.page.click("#in")
    tab.until(lambda: tab.sent[-1]["visitorId"] == second)
    tab.page.evaluate("datafast('identify', {user_id: 'bob'})")
    tab.marker("bobs")
    goals = ["pageview", "buy", "identify", "signed-up", "identify", "pageview", "identify", "bobs"]
    assert tab.kinds() == goals

    ada, bob = person(site, "ada"), person(site, "bob")
    assert ada["metadata"]["plan"] == "pro"  # what the backend said stands
    assert [one["visitorId"] for one in ada["visitors"]] == [first]
    assert [one["visitorId"] for one in bob["visitors"]] == [second]
    assert (ada["firstTouch"]["source"], ada["activity"]) == (
        "news",
        {"sessionCount": 1, "pageViewCount": 1, "goalCount": 2},
    )
    assert [entry["name"] for entry in journey(site, "bob", order="asc")["data"]] == [None, "bob", "bobs"]


def test_a_signed_identify_of_the_page_is_as_good_as_the_backends(tab: Tab, shop: str, site: Site) -> None:
    secret = run_json(site.place, "website", "signing-secret", site.website_id)["signingSecrets"][0]
    tab.open(shop)
    tab.marker()
    site.identify(tab.visitor, "ada", {"plan": "free"})
    tab.page.evaluate(
        "hash => datafast('identify', {user_id: 'ada', plan: 'pro', user_hash: hash})",
        sign_user(secret, "ada"),
    )
    tab.marker()
    assert person(site, "ada")["metadata"] == {"plan": "pro"}


def test_a_user_id_may_be_a_number_in_a_page(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    tab.page.evaluate("datafast('identify', {user_id: 42, seats: 3})")
    tab.marker()
    assert person(site, "42")["metadata"] == {"seats": 3}

"""The tracking script in a real browser: what leaves the page, what does not, and what the API then tells."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from footfall.identity.signing import sign_user
from tests.browser.conftest import AGENT, QUEUE, PageServer, Tab, html, links, snippet, stay
from tests.conftest import SitePool
from tests.support.people import journey, person
from tests.support.servers import run_json, until
from tests.support.sites import Site, new_visitor

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


# Goals and links


def test_clicks_on_marked_elements_are_goals(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    tab.page.click("button")
    tab.page.click("#card")
    tab.marker()
    assert tab.kinds() == ["pageview", "buy", "card", "marker"]
    assert tab.sent[1]["extraData"] == {"eventName": "buy", "plan_name": "Pro b"}
    assert {goal["name"] for goal in site.visitor(tab.visitor)["activity"]["completedGoals"]} == {
        "buy",
        "card",
        "marker",
    }


@pytest.mark.parametrize("key", ["Enter", " "])
@pytest.mark.parametrize(("selector", "name"), [("#card", "card"), ("button", "buy")])
def test_keys_do_what_clicks_do_and_no_more(tab: Tab, shop: str, key: str, selector: str, name: str) -> None:
    tab.open(shop)
    tab.page.focus(selector)
    tab.page.keyboard.press(key)
    tab.marker()
    assert tab.kinds() == ["pageview", name, "marker"]


def test_an_element_that_is_marked_with_a_name_of_ours_sends_nothing(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    page_server.pages["/"] = html(snippet(site), '<button data-fast-goal="Identify">Join</button>')
    tab.open(f"http://{site.domain}/")
    tab.page.click("button")
    tab.marker()
    assert tab.kinds() == ["pageview", "marker"]


def test_only_the_buttons_that_follow_a_link_tell_of_it(tab: Tab, shop: str) -> None:
    tab.open(shop)
    tab.page.click("#out", button="right")
    tab.marker()
    tab.page.click("#out", button="middle")
    tab.marker()
    assert tab.kinds() == ["pageview", "marker", "external_link", "marker"]


def test_goals_and_links_of_every_kind_are_told(tab: Tab, page_server: PageServer, site: Site) -> None:
    address = "https://elsewhere.example/page"
    for number, body in enumerate(links(address)):
        page_server.pages["/"] = html(snippet(site), body)
        tab.open(f"http://{site.domain}/?{number}")
        stay(tab)
        tab.page.mouse.click(9, 9)
        tab.marker()
        assert tab.kinds() == ["pageview", "external_link", "marker"], body
        assert tab.sent[1]["extraData"]["url"] == address
        tab.sent.clear()


def test_an_element_within_an_open_shadow_root_is_a_goal(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    inside = '<button data-fast-goal="buy" data-fast-goal-plan="pro"><b>Buy</b></button><p data-fast-goal="card" tabindex=0>Card</p>'
    page_server.pages["/"] = html(
        snippet(site), f'<div><template shadowrootmode="open">{inside}</template></div>'
    )
    tab.open(f"http://{site.domain}/")
    tab.page.click("b")
    for selector in ("button", "p"):
        tab.page.focus(selector)
        tab.page.keyboard.press("Enter")
    tab.marker()
    assert tab.kinds() == ["pageview", "buy", "buy", "card", "marker"]
    assert tab.sent[1]["extraData"] == {"eventName": "buy", "plan": "pro"}


def test_links_to_elsewhere_are_told(tab: Tab, shop: str, site: Site) -> None:
    tab.open(shop)
    stay(tab)
    tab.page.click("#out")
    tab.page.click("#in")
    tab.marker()
    assert tab.kinds() == ["pageview", "external_link", "marker"]
    assert tab.sent[1]["extraData"] == {"url": "https://elsewhere.example/page?x=1", "text": "Elsewhere"}


def test_a_goal_that_breaks_the_rules_is_not_sent(tab: Tab, shop: str) -> None:
    tab.open(shop)
    tab.page.evaluate(
        """() => {
            datafast('bad name!', {});
            datafast('many', Object.fromEntries([...Array(11).keys()].map(n => ['k' + n, n])));
            datafast('odd', {'a b': 1});
            datafast('identify', {name: 'nobody'});
            datafast('payment', {amount: 1});
            datafast('good', {Long: 'x'.repeat(300), evil: '<script>javascript:alert(1)', n: 5});
        }"""
    )
    tab.marker()
    assert tab.kinds() == ["pageview", "good", "marker"]
    assert tab.sent[1]["extraData"] == {
        "eventName": "good",
        "long": "x" * 255,
        "evil": "scriptalert(1)",
        "n": "5",
    }
    assert len(tab.warnings) == 5


def test_scrolling_to_an_element_is_a_goal_once(tab: Tab, page_server: PageServer, site: Site) -> None:
    body = """<div style="height:3000px"></div>
      <p data-fast-scroll="deep" data-fast-scroll-threshold="0.9" data-fast-scroll-delay="10" style="height:100px">Deep</p>"""
    page_server.pages["/"] = html(snippet(site), body)
    tab.open(f"http://{site.domain}/")
    tab.marker()
    assert tab.kinds() == ["pageview", "marker"]
    tab.page.evaluate("scrollTo(0, 99999)")
    tab.until(lambda: "deep" in tab.kinds())
    tab.page.evaluate("scrollTo(0, 0)")
    tab.page.evaluate("scrollTo(0, 99999)")
    tab.marker()
    extra = tab.sent[2]["extraData"]
    assert tab.kinds() == ["pageview", "marker", "deep", "marker"]
    assert (extra["threshold"], extra["delay"]) == ("0.9", "10")
    assert 90 <= int(extra["scroll_percentage"]) <= 100


def test_an_element_that_comes_later_is_watched_also_on_a_page_that_never_rests(
    tab: Tab, page_server: PageServer, site: Site
) -> None:
    page_server.pages["/"] = html(snippet(site), '<div style="height:3000px"></div>')
    tab.open(f"http://{site.domain}/")
    tab.page.evaluate(
        """() => {
            setInterval(() => { document.title = Math.random(); }, 50);
            document.body.insertAdjacentHTML('beforeend', '<p data-fast-scroll="late">Late</p>');
            scrollTo(0, 99999);
        }"""
    )
    tab.until(lambda: "late" in tab.kinds())
    assert tab.sent[-1]["extraData"]["threshold"] == "0.5"


@pytest.mark.parametrize(
    ("query", "extra"),
    [
        ("session_id=cs_test_1", {"stripe_session_id": "cs_test_1"}),
        ("checkout_id=c1", {"polar_checkout_id": "c1"}),
        ("order_id=o1", {"lemonsqueezy_order_id": "o1"}),
        ("session_id=foreign", None),
    ],
)
def test_a_payment_in_the_address_is_told_once(tab: Tab, shop: str, query: str, extra: Any) -> None:
    tab.open(f"{shop}/?{query}")
    tab.open(f"{shop}/second?{query}")
    tab.marker()
    found = [event["extraData"] for event in tab.sent if event["type"] == "payment"]
    assert found == ([extra] if extra else [])


def test_payments_in_the_address_can_be_left_alone(tab: Tab, page_server: PageServer, site: Site) -> None:
    page_server.pages["/"] = html(snippet(site, disable_payments="true"))
    tab.open(f"http://{site.domain}/?order_id=1")
    tab.page.evaluate("datafast('payment', {email: 'ada@example.com', amount: 5})")
    tab.marker()
    assert [event["extraData"] for event in tab.sent if event["type"] == "payment"] == [
        {"email": "ada@example.com", "amount": 5}
    ]


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

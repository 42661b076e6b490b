"""The official SDK in a page: what it does by itself, what it keeps in the browser, and how it hands a visitor to another domain."""

from __future__ import annotations

import uuid
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser as Chromium

from tests.clients.sdk.clients import Browser, Gateway, PageServer, eventually
from tests.clients.sdk.readers import eventually_viewed, goals, journey, person, visited
from tests.conftest import SitePool
from tests.support.sites import Site


def cookies(browser: Browser, site: Site) -> dict[str, str]:
    """The cookies of the website, by name."""
    found = browser.context.cookies(f"http://{site.domain}/")
    return {cookie["name"]: cookie["value"] for cookie in found}


def test_opening_a_page_is_a_pageview(browser: Browser, site: Site) -> None:
    visitor = browser.visit(f"http://{site.domain}/pricing?utm_source=news&ref=ph&gclid=G1", site)
    shown = eventually_viewed(site, visitor, 1)

    assert cookies(browser, site)["datafast_visitor_id"] == visitor
    assert visited(site, visitor) == [f"{site.domain}/pricing"]
    identity = shown["identity"]
    assert (identity["params"]["utm_source"], identity["params"]["ref"]) == ("news", "ph")
    assert identity["adClickIds"] == {"gclid": "G1"}
    assert identity["browser"]["name"] == "Chrome"
    assert identity["os"]["name"] == "Linux"
    assert identity["device"]["type"] == "desktop"
    assert identity["viewport"] == {"width": 1280, "height": 720}
    assert identity["language"] == "de-DE"


def test_a_single_page_application_has_many_pageviews(browser: Browser, site: Site) -> None:
    visitor = browser.visit(f"http://{site.domain}/", site)
    eventually_viewed(site, visitor, 1)
    browser.run("history.pushState({}, '', '/docs?page=2')")
    eventually_viewed(site, visitor, 2)
    browser.run("history.replaceState({}, '', '/docs/api')")
    eventually_viewed(site, visitor, 3)
    browser.run("location.hash = 'top'")  # is no other page
    browser.run("history.pushState({}, '', '/end')")
    eventually_viewed(site, visitor, 4)
    browser.page.go_back()
    eventually_viewed(site, visitor, 5)

    paths = ["/", "/docs", "/docs/api", "/end", "/docs/api"]
    assert visited(site, visitor) == [site.domain + path for path in paths]
    assert {row[4] for row in site.events_of(visitor)} == {None}  # none of its own pages is a referrer
    assert site.visitor(visitor)["activity"]["visitCount"] == 1


def test_routes_in_the_hash_are_pageviews_when_asked_for(browser: Browser, site: Site) -> None:
    visitor = browser.visit(
        f"http://{site.domain}/#/a", site, autoCapturePageviews={"trackHashChanges": True}
    )
    eventually_viewed(site, visitor, 1)
    browser.run("location.hash = '/b'")
    eventually_viewed(site, visitor, 2)


def test_a_visitor_comes_back_with_their_cookie(browser: Browser, site: Site) -> None:
    visitor = browser.visit(f"http://{site.domain}/one", site)
    eventually_viewed(site, visitor, 1)
    assert browser.visit(f"http://www.{site.domain}/two", site) == visitor
    eventually_viewed(site, visitor, 2)
    assert visited(site, visitor) == [f"{site.domain}/one", f"www.{site.domain}/two"]


def test_the_page_that_linked_here_is_the_referrer(browser: Browser, site: Site) -> None:
    browser.open("http://news.example/today")
    browser.prepare(site)
    browser.follow(f"http://{site.domain}/")
    assert eventually_viewed(site, browser.visitor, 1)["identity"]["referrer"] == "news.example/"


def test_calls_on_a_page_are_sent_at_once(browser: Browser, site: Site) -> None:
    visitor = browser.visit(f"http://{site.domain}/signup", site)
    eventually_viewed(site, visitor, 1)
    browser.do("identify", "user_1", {"name": "Ada"})
    browser.do("track", "signup", {"plan": "pro"})
    browser.deliver()
    assert goals(site, visitor) == [("signup", {"plan": "pro"})]
    assert sorted(entry[0] for entry in journey(site, "user_1")) == ["custom", "identify", "pageview"]
    assert person(site, "user_1")["metadata"] == {"name": "Ada"}


def test_a_reset_gives_the_browser_new_cookies(browser: Browser, site: Site) -> None:
    first = browser.visit(f"http://{site.domain}/", site)
    browser.do("reset")
    second = browser.visitor
    assert cookies(browser, site)["datafast_visitor_id"] == second != first
    assert browser.visit(f"http://{site.domain}/again", site) == second
    eventually_viewed(site, second, 1)
    assert visited(site, second) == [f"{site.domain}/again"]


# Offline


def test_a_browser_that_comes_online_sends_its_queue(browser: Browser, site: Site) -> None:
    visitor = browser.start(site)
    browser.do("trackPageview")
    browser.deliver()
    browser.context.set_offline(True)
    browser.do("track", "signup")
    browser.do("flush")
    assert browser.queued == 1
    browser.context.set_offline(False)  # the page is told, and nobody has to flush
    eventually(lambda: goals(site, visitor), bool)
    assert goals(site, visitor) == [("signup", {})]


def test_a_queue_outlives_its_page(browser: Browser, site: Site, gateway: Gateway) -> None:
    visitor = browser.start(site, gateway.api_url)
    gateway.is_down = True
    browser.do("trackPageview")
    browser.do("identify", "user_1", {"plan": "pro"})
    browser.do("track", "signup")
    browser.page.goto("about:blank")
    gateway.is_down = False
    assert browser.start(site, gateway.api_url) == visitor
    assert browser.queued == 3
    browser.deliver()
    assert [entry[0] for entry in journey(site, "user_1")] == ["pageview", "identify", "custom"]


def test_a_queue_that_was_sent_when_its_page_died_is_sent_again(
    browser: Browser, site: Site, gateway: Gateway
) -> None:
    visitor = browser.start(site, gateway.api_url)
    browser.do("trackPageview")
    browser.deliver()
    browser.do("identify", "user_1", {"plan": "pro"})
    browser.do("trackPayment", {"polar_checkout_id": "polar_1"})
    gateway.is_deaf = True
    browser.do("flush")
    browser.page.goto("about:blank")
    gateway.is_deaf = False
    browser.start(site, gateway.api_url)
    assert browser.queued == 2
    browser.deliver()
    assert [row[1] for row in site.events_of(visitor)] == ["pageview", "payment"]
    assert person(site, "user_1")["metadata"] == {"plan": "pro"}


# From one domain to another


def test_a_visitor_is_handed_to_another_domain(browser: Browser, socket_sites: SitePool) -> None:
    site = socket_sites.take("hosts")
    visitor = browser.visit(f"http://{site.domain}/", site)
    eventually_viewed(site, visitor, 1)
    browser.do("identify", "user_1", {"plan": "pro"})
    browser.deliver()
    address = browser.do("buildCrossDomainUrl", "http://shop.example.org/buy?utm_source=own")
    handed = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert handed == {"utm_source": "own", **browser.do("getTrackingParams")}
    assert handed["_df_vid"] == visitor

    assert browser.visit(address, site) == visitor
    eventually_viewed(site, visitor, 2)
    assert browser.run("return location.search") == "?utm_source=own"
    assert visited(site, visitor) == [f"{site.domain}/", "shop.example.org/buy"]
    assert [row[3] for row in site.events_of(visitor)] == [None, "utm_source=own"]
    assert journey(site, "user_1")[-1] == ("pageview", "shop.example.org/buy", None)
    assert site.visitor(visitor)["activity"]["visitCount"] == 1


def test_without_being_handed_over_it_is_another_visitor(browser: Browser, socket_sites: SitePool) -> None:
    site = socket_sites.take("hosts")
    first = browser.visit(f"http://{site.domain}/", site)
    second = browser.visit("http://shop.example.org/buy", site)
    assert first != second
    eventually_viewed(site, second, 1)


# Without cookies


def test_the_server_names_a_cookieless_visitor(browser: Browser, site: Site) -> None:
    browser.visit(f"http://{site.domain}/one", site, cookieless=True)
    visitor = eventually(lambda: browser.run("return window.datafast?.visitorId ?? ''"), bool)
    browser.do("track", "signup")
    browser.deliver()
    assert str(uuid.UUID(visitor)) == visitor
    assert browser.visitor == visitor
    assert cookies(browser, site) == {}
    assert visited(site, visitor) == [f"{site.domain}/one"]
    assert goals(site, visitor) == [("signup", {})]

    browser.visit(f"http://{site.domain}/two", site, cookieless=True)
    eventually_viewed(site, visitor, 2)


def test_a_cookieless_visitor_is_not_identified(browser: Browser, site: Site) -> None:
    browser.visit(f"http://{site.domain}/", site, cookieless=True)
    browser.do("identify", "user_1", {"plan": "pro"})
    browser.deliver()
    assert site.call("GET", "/api/v1/profiles/user:user_1").status_code == 404
    assert site.stored()[2:] == (0, 0)


# Where the SDK itself sends nothing


def test_a_browser_that_a_program_drives_sends_nothing(
    chromium: Chromium, pages: PageServer, site: Site
) -> None:
    context = chromium.new_context(user_agent="Mozilla/5.0 HeadlessChrome/141.0.0.0")
    driven = Browser(context, pages)
    driven.visit(f"http://{site.domain}/", site)
    driven.do("trackPageview")
    assert driven.do("isInitialized") is False
    assert site.stored() == (0, 0, 0, 0)
    context.close()


def test_our_script_and_the_sdk_know_the_same_visitor(browser: Browser, site: Site) -> None:
    browser.pages.script = f"""await new Promise((loaded) => {{
        const tag = document.createElement("script");
        tag.dataset.websiteId = "{site.tracking_id}";
        tag.dataset.domain = "{site.domain}";
        tag.src = "{site.url}/js/script.js";
        tag.onload = loaded;
        document.head.append(tag);
    }})"""
    browser.open(f"http://{site.domain}/ours")
    visitor = cookies(browser, site)["datafast_visitor_id"]
    eventually_viewed(site, visitor, 1)
    assert browser.visit(f"http://{site.domain}/theirs", site) == visitor
    eventually_viewed(site, visitor, 2)
    assert visited(site, visitor) == [f"{site.domain}/ours", f"{site.domain}/theirs"]
    assert site.visitor(visitor)["activity"]["visitCount"] == 1

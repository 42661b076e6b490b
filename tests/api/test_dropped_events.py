"""Events that are dropped, why, and how that is counted; whose hosts and addresses are believed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from footfall.collect.model import Reason
from footfall.websites.model import Exclusions
from tests.conftest import SitePool
from tests.support.engines import Engine
from tests.support.inside import inside
from tests.support.servers import serving
from tests.support.sites import CHROME, Site, http_client, make_sites, new_visitor

GOOGLE = "8.8.8.8"
BERLIN_ISP = "91.0.0.1"
"""An address of a German provider."""


# What is dropped

Drop = Callable[[Site], str]

DROPS: list[tuple[Reason, Drop]] = [
    (
        Reason.UNKNOWN_WEBSITE,
        lambda s: s.dropped("pageview", new_visitor(), websiteId="dfid_00000000000000000000"),
    ),
    (Reason.UNKNOWN_WEBSITE, lambda s: s.dropped("pageview", new_visitor(), websiteId=s.website_id)),
    (Reason.UNKNOWN_WEBSITE, lambda s: s.dropped("pageview", new_visitor(), websiteId=None)),
    (Reason.UNKNOWN_WEBSITE, lambda s: s.dropped("pageview", new_visitor(), websiteId=[s.tracking_id])),
    (
        Reason.BOT,
        lambda s: s.dropped(
            "pageview",
            new_visitor(),
            user_agent="Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        ),
    ),
    (Reason.BOT, lambda s: s.dropped("pageview", new_visitor(), user_agent="curl/8.5.0")),
    (Reason.BOT, lambda s: s.dropped("pageview", new_visitor(), user_agent="")),
    (
        Reason.HEADLESS,
        lambda s: s.dropped("pageview", new_visitor(), user_agent=CHROME.replace("Chrome", "HeadlessChrome")),
    ),
    (Reason.UNKNOWN_TYPE, lambda s: s.dropped("click", new_visitor())),
    (Reason.UNKNOWN_TYPE, lambda s: s.dropped("", new_visitor())),
    (Reason.UNKNOWN_TYPE, lambda s: s.dropped("PAGEVIEW", new_visitor())),
    (Reason.INVALID_VISITOR, lambda s: s.dropped("pageview", None)),
    (Reason.INVALID_VISITOR, lambda s: s.dropped("pageview", "x")),
    (Reason.INVALID_VISITOR, lambda s: s.dropped("pageview", str(uuid.UUID(int=0)))),
    (Reason.INVALID_PAGE, lambda s: s.dropped("pageview", new_visitor(), href=None)),
    (Reason.INVALID_PAGE, lambda s: s.dropped("pageview", new_visitor(), href="/pricing")),
    (Reason.INVALID_PAGE, lambda s: s.dropped("pageview", new_visitor(), href="file://etc/passwd")),
    (Reason.WRONG_HOST, lambda s: s.dropped("pageview", new_visitor(), href="https://evil.example/")),
    (Reason.WRONG_HOST, lambda s: s.dropped("pageview", new_visitor(), href=f"https://evil{s.domain}/")),
    (
        Reason.WRONG_HOST,
        lambda s: s.dropped("pageview", new_visitor(), href=f"https://{s.domain}.evil.example/"),
    ),
    (
        Reason.WRONG_HOST,
        lambda s: s.dropped("pageview", new_visitor(), href=f"https://{s.domain}@evil.example/"),
    ),
    (Reason.LOCALHOST, lambda s: s.dropped("pageview", new_visitor(), href="http://localhost:3000/x")),
    (Reason.LOCALHOST, lambda s: s.dropped("pageview", new_visitor(), href="http://127.0.0.1/x")),
    (Reason.LOCALHOST, lambda s: s.dropped("pageview", new_visitor(), href="http://[::1]:8000/x")),
    (Reason.LOCALHOST, lambda s: s.dropped("pageview", new_visitor(), href="file:///home/ada/page.html")),
    (Reason.INVALID_EVENT, lambda s: s.dropped("custom", new_visitor())),
    (Reason.INVALID_EVENT, lambda s: s.dropped("custom", new_visitor(), extraData={"eventName": ""})),
    (Reason.INVALID_EVENT, lambda s: s.dropped("custom", new_visitor(), extraData={"eventName": "<script>"})),
    (Reason.INVALID_EVENT, lambda s: s.dropped("payment", new_visitor(), extraData={"amount": True})),
    (Reason.INVALID_EVENT, lambda s: s.dropped("external_link", new_visitor(), extraData={"text": "x"})),
    (
        Reason.INVALID_IDENTIFY,
        lambda s: s.dropped("identify", new_visitor(), extraData={"user_id": "undefined"}),
    ),
    (Reason.INVALID_IDENTIFY, lambda s: s.dropped("identify", new_visitor(), extraData={"user_id": 5})),
    (Reason.INVALID_IDENTIFY, lambda s: s.dropped("identify", new_visitor())),
    (
        Reason.INVALID_IDENTIFY,
        lambda s: s.dropped("identify", new_visitor(), extraData={"user_id": "A", "k" * 129: 1}),
    ),
    (
        Reason.WRONG_SCRIPT,
        lambda s: s.dropped("pageview", new_visitor(), script="script.cookieless.js", cookieless=True),
    ),
]


@pytest.mark.parametrize(
    ("reason", "drop"), DROPS, ids=[f"{reason.value}-{i}" for i, (reason, _) in enumerate(DROPS)]
)
def test_what_cannot_be_kept_is_dropped_with_a_reason(server: Site, reason: Reason, drop: Drop) -> None:
    assert drop(server) == reason.value
    assert server.stored() == (0, 0, 0, 0)


def test_origin_and_referer_decide_nothing(server: Site) -> None:
    """Proxies drop them, and whoever is no browser writes what it likes into them."""
    for origin in ("https://evil.example", "null", f"https://{server.domain}"):
        headers = {"origin": origin, "referer": f"{origin}/"}
        server.kept("pageview", new_visitor(), headers=headers)
        wrong = "https://evil.example/"
        assert server.dropped("pageview", new_visitor(), headers=headers, href=wrong) == "wrong_host"


def test_with_another_websites_tracking_id_a_page_changes_nothing_there(server: Site, other: Site) -> None:
    visitor = other.pageview()
    before = other.stored()
    stolen = {"websiteId": other.tracking_id}
    assert server.dropped("pageview", visitor, **stolen) == "wrong_host"
    assert server.dropped("identify", visitor, extraData={"user_id": "A"}, **stolen) == "wrong_host"
    assert (other.stored(), server.stored()) == (before, (0, 0, 0, 0))
    assert server.call("GET", f"/api/v1/visitors/{visitor}").status_code == 404


def test_a_suspended_website_drops_everything(server: Site) -> None:
    server.change(is_suspended=True)
    assert server.dropped("pageview", new_visitor()) == "suspended"
    server.change(is_suspended=False)
    assert server.dropped("pageview", new_visitor()) == ""


@pytest.mark.parametrize("path", ["/admin", "/admin/users", "/secret"])
def test_excluded_paths_are_dropped(sites: SitePool, path: str) -> None:
    server = sites.take("excluding")
    page = f"https://{server.domain}"
    assert server.dropped("pageview", new_visitor(), href=page + path) == "excluded"
    server.kept("pageview", new_visitor(), href=f"{page}/not{path}")


def test_excluded_hosts_are_dropped(sites: SitePool) -> None:
    server = sites.take("excluding")
    server.change(exclusions=Exclusions(hostnames=(f"staging.{server.domain}",)))
    assert server.dropped("pageview", new_visitor(), href=f"https://staging.{server.domain}/") == "excluded"
    server.kept("pageview", new_visitor(), href=f"https://shop.{server.domain}/")


def test_excluded_addresses_and_countries_are_dropped(behind_proxy: Site) -> None:
    behind_proxy.change(
        exclusions=Exclusions(countries=("DE",), ips=("192.0.2.7", "198.51.100.0/24", "2001:db8::/32"))
    )

    def why(address: str) -> str:
        return behind_proxy.dropped("pageview", new_visitor(), headers={"x-forwarded-for": address})

    for address in ("192.0.2.7", "198.51.100.255", "::ffff:198.51.100.1", "2001:db8::1", BERLIN_ISP):
        assert why(address) == "excluded", address
    for address in ("192.0.2.8", "198.51.101.1", "2001:db9::1"):
        assert why(address) == "", address
    behind_proxy.change(exclusions=Exclusions())
    assert why(BERLIN_ISP) == ""


def test_every_reason_is_tried_somewhere() -> None:
    tried = {reason for reason, _ in DROPS} | {
        Reason.SUSPENDED,
        Reason.EXCLUDED,
        Reason.COOKIELESS,
        Reason.TOO_MANY,
        Reason.UNSIGNED,
    }
    assert tried == set(Reason)


def test_an_invalid_identify_is_told_what_is_wrong(server: Site) -> None:
    answer = server.event("identify", server.pageview(), extraData={"user_id": "undefined"}).json()
    assert "user_id is a placeholder" in answer["message"]


# Hosts


@pytest.mark.parametrize("host", ["{0}", "www.{0}", "WWW.{0}", "shop.{0}", "a.b.{0}", "{0}:8443", "{0}."])
def test_the_websites_own_hosts_are_taken(server: Site, host: str) -> None:
    server.kept("pageview", new_visitor(), href=f"https://{host.format(server.domain)}/")


def test_allowed_host_names_and_bundle_ids_are_taken(sites: SitePool) -> None:
    server = sites.take("hosts")
    for host in ("shop.example.org", "www.shop.example.org", "a.example.net"):
        server.kept("pageview", new_visitor(), href=f"https://{host}/")
    server.kept(
        "pageview", new_visitor(), href="https://com.example.app/__app/ios/Home", domain="com.example.app"
    )
    for host in ("example.net", "example.org", "com.example.app2"):
        assert server.dropped("pageview", new_visitor(), href=f"https://{host}/") == "wrong_host"


def test_the_first_sdk_sends_pages_without_a_host(server: Site) -> None:
    visitor = new_visitor()
    server.kept("pageview", visitor, href="datafast://web/settings?utm_source=x")
    assert server.visitor(visitor)["activity"]["currentUrl"] == "/settings"
    assert (
        server.dropped("pageview", new_visitor(), href="datafast://web/x", domain="evil.example")
        == "wrong_host"
    )


def test_localhost_is_taken_when_the_website_allows_it(sites: SitePool) -> None:
    server = sites.take("local")
    for host in ("localhost:3000", "127.0.0.1", "[::1]:8000", "app.localhost"):
        server.kept("pageview", new_visitor(), href=f"http://{host}/x")


def test_a_file_is_taken_as_localhost_is_but_only_as_a_page_of_the_website(sites: SitePool) -> None:
    server = sites.take("local")
    visitor = server.pageview(href="file:///C:/app/index.html?utm_source=disk#top")
    shown = server.visitor(visitor)
    assert shown["activity"]["currentUrl"] == "/C:/app/index.html"
    assert shown["identity"]["params"]["utm_source"] == "disk"
    assert server.dropped("pageview", new_visitor(), href="file:///x", domain="evil.example") == "wrong_host"


def test_the_hash_is_a_part_of_the_page_when_the_script_says_so(server: Site) -> None:
    visitor = new_visitor()
    href = f"https://{server.domain}/app#/settings?utm_source=x"
    server.kept("pageview", visitor, href=href, script="script.hash.js")
    server.kept("pageview", visitor, href=href, script="script.js")
    shown = server.visitor(visitor)
    assert [page["url"] for page in shown["activity"]["visitedPages"]] == [
        f"{server.domain}/app#/settings",
        f"{server.domain}/app",
    ]
    assert shown["identity"]["params"]["utm_source"] == "x"


def test_headless_browsers_are_taken_when_the_website_allows_it(sites: SitePool) -> None:
    server = sites.take("headless")
    server.pageview(user_agent=CHROME.replace("Chrome", "HeadlessChrome"))
    assert server.dropped("pageview", new_visitor(), user_agent="curl/8.5.0") == "bot"


# Addresses


@pytest.fixture(scope="module")
def behind_proxy(engine: Engine) -> Iterator[Site]:
    """A website of a server that believes proxies on this machine and in 10.0.0.0/8."""
    with ExitStack() as stack:
        environment = {"FOOTFALL_TRUSTED_PROXIES": "127.0.0.0/8, 10.0.0.0/8", "FOOTFALL_RATE_LIMIT": "0"}
        running = stack.enter_context(inside(engine.new_place(), environment))
        client = stack.enter_context(http_client(running.url))
        yield make_sites(running.url, client, running.place)[0]


@pytest.mark.parametrize(
    ("headers", "country"),
    [
        ({}, None),
        ({"x-datafast-real-ip": BERLIN_ISP}, "DE"),
        ({"x-forwarded-for": BERLIN_ISP}, "DE"),
        ({"x-forwarded-for": f"{GOOGLE}, {BERLIN_ISP}"}, "DE"),
        ({"x-forwarded-for": f"{BERLIN_ISP}, 10.1.2.3"}, "DE"),
        ({"x-forwarded-for": f"{GOOGLE}, {BERLIN_ISP}, 10.1.2.3, 10.9.9.9"}, "DE"),
        ({"x-datafast-real-ip": GOOGLE, "x-forwarded-for": BERLIN_ISP}, "DE"),
        ({"x-datafast-real-ip": "junk", "x-forwarded-for": BERLIN_ISP}, "DE"),
        ({"x-forwarded-for": f"{BERLIN_ISP}, junk"}, None),
        ({"x-forwarded-for": "2001:4860:4860::8888"}, "US"),
        ({"x-forwarded-for": f"{BERLIN_ISP}:49153"}, "DE"),
        ({"forwarded": f'for="{BERLIN_ISP}:49153";proto=https'}, "DE"),
        ({"x-real-ip": BERLIN_ISP}, "DE"),
        ({"cf-connecting-ip": BERLIN_ISP}, "DE"),
    ],
)
def test_a_trusted_proxy_tells_the_address(
    behind_proxy: Site, headers: dict[str, str], country: str | None
) -> None:
    visitor = behind_proxy.pageview(headers=headers)
    assert behind_proxy.visitor(visitor)["identity"]["countryCode"] == country


@pytest.mark.parametrize("header", ["x-datafast-real-ip", "x-forwarded-for"])
def test_without_trusted_proxies_nobody_is_believed(server: Site, header: str) -> None:
    visitor = server.pageview(headers={header: BERLIN_ISP})
    assert server.visitor(visitor)["identity"]["countryCode"] is None


def test_the_address_tells_cookieless_visitors_apart(behind_proxy: Site) -> None:
    def visitor(address: str) -> Any:
        return behind_proxy.kept("pageview", None, cookieless=True, headers={"x-forwarded-for": address})[
            "visitorId"
        ]

    assert visitor(BERLIN_ISP) == visitor(BERLIN_ISP) != visitor(GOOGLE)


@pytest.mark.process
def test_no_address_is_stored_or_logged(engine: Engine) -> None:
    environment = {"FOOTFALL_TRUSTED_PROXIES": "127.0.0.0/8", "FOOTFALL_LOG_LEVEL": "debug"}
    address = "203.0.113.77"
    with serving(engine.new_place(), environment) as running, http_client(running.url) as client:
        (site,) = make_sites(running.url, client, running.place)
        for cookieless in (True, False):
            site.kept("pageview", new_visitor(), cookieless=cookieless, headers={"x-forwarded-for": address})
        site.event("pageview", new_visitor(), user_agent="curl/8", headers={"x-forwarded-for": address})
    files = [path for path in running.place.folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert address.encode() not in path.read_bytes(), path


# Drops are counted


def test_drops_are_counted_by_day_and_reason(engine: Engine) -> None:
    with inside(engine.new_place()) as running, http_client(running.url) as client:
        (site,) = make_sites(running.url, client, running.place)
        for _ in range(3):
            site.dropped("pageview", new_visitor(), user_agent="Googlebot/2.1")
        site.dropped("pageview", "x")
        site.pageview()
    assert site.drops() == {"bot": 3, "invalid_visitor": 1}

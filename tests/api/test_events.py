"""`POST /api/events`: what pages send, what is kept of it, and what is dropped for which reason."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from footfall.collect.model import Reason
from footfall.ids import parse_uuid
from footfall.websites.model import Exclusions
from tests.conftest import SitePool
from tests.support.engines import Engine
from tests.support.inside import inside
from tests.support.servers import serving
from tests.support.sites import CHROME, FIREFOX, Site, http_client, make_sites, new_visitor, sql

GOOGLE = "8.8.8.8"
BERLIN_ISP = "91.0.0.1"
"""An address of a German provider."""


# What is kept


def test_a_pageview_makes_a_visitor_visible(server: Site) -> None:
    visitor = new_visitor()
    assert server.call("GET", f"/api/v1/visitors/{visitor}").status_code == 404
    server.kept(
        "pageview",
        visitor,
        href=f"https://www.{server.domain}/pricing?utm_source=news&ref=ph&gclid=G1#top",
        referrer="https://news.ycombinator.com/item?id=1",
        language="de-DE",
        adClickIds={"fbclid": "F1"},
    )
    shown = server.visitor(visitor)

    assert shown["identity"]["params"] == {
        "ref": "ph",
        "source": None,
        "via": None,
        "utm_source": "news",
        "utm_medium": None,
        "utm_campaign": None,
        "utm_term": None,
        "utm_content": None,
    }
    assert shown["identity"]["adClickIds"] == {"gclid": "G1", "fbclid": "F1"}
    assert shown["identity"]["browser"] == {"name": "Chrome", "version": "141.0.0.0"}
    assert shown["identity"]["os"]["name"] == "Mac OS"
    assert shown["identity"]["device"]["type"] == "desktop"
    assert shown["identity"]["viewport"] == {"width": 1280, "height": 720}
    assert shown["identity"]["language"] == "de-DE"
    assert shown["identity"]["referrer"] == "news.ycombinator.com/item"
    assert shown["activity"]["currentUrl"] == f"www.{server.domain}/pricing"
    assert [page["url"] for page in shown["activity"]["visitedPages"]] == [f"www.{server.domain}/pricing"]
    assert (shown["activity"]["visitCount"], shown["activity"]["pageViewCount"]) == (1, 1)
    assert shown["prediction"] is None
    assert "profile" not in shown


def test_the_answer_is_exactly_200_with_a_json_object(server: Site) -> None:
    response = server.event("pageview", new_visitor())
    assert (response.status_code, response.json()) == (200, {"status": "success"})


def test_place_and_page_are_the_latest_but_parameters_the_first(server: Site) -> None:
    visitor = server.pageview(path="/a?utm_source=one", referrer="https://one.example/")
    server.pageview(visitor, path="/b?utm_source=two", referrer="https://two.example/", user_agent=FIREFOX)
    shown = server.visitor(visitor)

    assert shown["identity"]["params"]["utm_source"] == "one"
    assert shown["identity"]["referrer"] == "one.example/"
    assert shown["identity"]["browser"]["name"] == "Firefox"
    assert shown["activity"]["currentUrl"] == f"{server.domain}/b"
    assert [page["url"][-2:] for page in shown["activity"]["visitedPages"]] == ["/a", "/b"]


def test_a_referrer_of_the_same_website_is_none(server: Site) -> None:
    for own in (server.domain, f"www.{server.domain}", f"blog.{server.domain}"):
        visitor = server.pageview(referrer=f"https://{own}/before")
        assert server.visitor(visitor)["identity"]["referrer"] is None


def test_goals_before_the_first_pageview_wait_for_it(server: Site) -> None:
    visitor = new_visitor()
    href = f"https://{server.domain}/Unknown"
    server.kept("custom", visitor, href=href, extraData={"eventName": "Sign Up", "Plan": "pro", "n": 5})
    assert server.call("GET", f"/api/v1/visitors/{visitor}").status_code == 404

    server.pageview(visitor, path="/welcome")
    activity = server.visitor(visitor)["activity"]
    assert [(goal["name"], goal["metadata"]) for goal in activity["completedGoals"]] == [
        ("sign_up", {"plan": "pro", "n": "5"})
    ]
    assert (activity["pageViewCount"], activity["currentUrl"]) == (1, f"{server.domain}/welcome")
    assert activity["visitedPages"][0]["url"] == f"{server.domain}/welcome"


def test_payments_and_external_links_are_stored(server: Site) -> None:
    visitor = server.pageview()
    server.kept(
        "payment", visitor, extraData={"email": "a@example.org", "amount": 9.5, "currency": "EUR", "x": 1}
    )
    server.kept("external_link", visitor, extraData={"url": "https://other.example/x?y=1"})
    kept = {row[1]: json.loads(row[6]) for row in server.events_of(visitor) if row[6]}

    assert kept == {
        "payment": {"email": "a@example.org", "amount": 9.5, "currency": "EUR"},
        "external_link": {"url": "https://other.example/x?y=1", "text": ""},
    }


def test_a_page_identifies_its_visitor(server: Site) -> None:
    visitor = server.pageview()
    answer = server.page_identify(
        visitor, "A", **{"plan": "pro", "nested": {"a": [1]}, "gone": None, "$set_once": {"x": 1}}
    )
    (fact,) = server.facts()

    assert [(warning["code"], warning["field"]) for warning in answer["warnings"]] == [
        ("operation_ignored", "$set_once"),
        ("placeholder_ignored", "name"),
        ("placeholder_ignored", "image"),
    ]
    assert server.traits(visitor) == {"plan": "pro", "nested": {"a": [1]}}
    assert fact[1:6] == ("A", uuid.UUID(visitor).bytes, "browser", 0, None)


def test_the_answer_to_a_page_tells_nothing_about_people(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "secret-user", {"email": "a@example.org"})
    answer = json.dumps(server.page_identify(visitor, "B"))
    assert "secret-user" not in answer
    assert "profileId" not in answer


def test_an_sdk_may_leave_out_all_but_the_essentials(server: Site) -> None:
    visitor = new_visitor()
    body = {
        "websiteId": server.tracking_id,
        "type": "pageview",
        "visitorId": visitor,
        "href": f"https://{server.domain}/x",
    }
    response = server.http.post("/api/events", json=body, headers={"user-agent": CHROME})
    assert response.json() == {"status": "success"}
    assert server.visitor(visitor)["identity"]["viewport"] == {"width": None, "height": None}


@pytest.mark.parametrize(
    "fields",
    [
        {"viewport": "wide"},
        {"viewport": {"width": -1, "height": 1e9}},
        {"referrer": 5},
        {"referrer": "javascript:alert(1)"},
        {"language": ["de"]},
        {"adClickIds": [1]},
        {"adClickIds": {"gclid": {"a": 1}, "other": "x"}},
        {"device": "phone"},
        {"extraData": 5},
        {"domain": 5},
        {"sessionId": None},
        {"visitorSessionNumber": "x"},
        {"cookieless": "yes"},
        {"extra": {"deep": [[[1]]]}},
        {"timezone": "\x1f" * 300},
    ],
)
def test_a_field_of_the_wrong_kind_spoils_nothing(server: Site, fields: dict[str, Any]) -> None:
    visitor = new_visitor()
    server.kept("pageview", visitor, **fields)
    assert server.visitor(visitor)["activity"]["pageViewCount"] == 1


@pytest.mark.parametrize(
    "media", ["text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "image/png", None]
)
def test_any_content_type_is_taken(server: Site, media: str | None) -> None:
    visitor = new_visitor()
    server.kept("pageview", visitor, headers={"content-type": media} if media else {})
    assert server.visitor(visitor)["visitorId"] == visitor


def test_the_same_event_twice_is_two_arrivals(server: Site) -> None:
    """Events carry no id, so a repetition cannot be told from a second pageview."""
    visitor = server.pageview()
    server.pageview(visitor)
    assert len({row[0] for row in server.events_of(visitor)}) == 2


def test_no_answer_needs_a_key(server: Site) -> None:
    assert (
        server.event("pageview", new_visitor(), headers={"authorization": "Bearer df_x"}).status_code == 200
    )


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


# CORS


def test_the_preflight_of_any_page_is_answered(server: Site) -> None:
    headers = {
        "origin": "https://any.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,traceparent,x-requested-with",
    }
    response = server.http.options("/api/events", headers=headers)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-headers"] == headers["access-control-request-headers"]


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"{}", 200), (b"[]", 400), (b"{", 400), (b"x" * 65_537, 413)],
    ids=["dropped", "list", "cut", "large"],
)
def test_every_answer_to_a_page_may_be_read_by_it(http: httpx.Client, content: bytes, status: int) -> None:
    response = http.post("/api/events", content=content, headers={"origin": "https://any.example"})
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == "*"
    assert "x-footfall-dropped" in response.headers["access-control-expose-headers"]


# Visitors without cookies


def test_the_server_names_a_cookieless_visitor(server: Site) -> None:
    one = server.kept("pageview", new_visitor(), cookieless=True)["visitorId"]
    two = server.kept("pageview", new_visitor(), cookieless=True)["visitorId"]
    elsewhere = server.kept("pageview", new_visitor(), cookieless=True, user_agent=FIREFOX)["visitorId"]

    assert one == two != elsewhere
    assert re.fullmatch(r"[0-9a-f-]{14}4[0-9a-f]{3}-[89ab].*", one)
    assert server.visitor(one)["activity"]["pageViewCount"] == 2


def test_a_cookieless_visitor_is_another_on_each_website(server: Site, other: Site) -> None:
    mine, theirs = (site.kept("pageview", None, cookieless=True)["visitorId"] for site in (server, other))
    assert mine != theirs


def test_a_cookieless_website_ignores_the_ids_of_pages(sites: SitePool) -> None:
    server = sites.take("cookieless")
    visitor = new_visitor()
    answer = server.kept("pageview", visitor)
    assert parse_uuid(answer["visitorId"]) not in (None, uuid.UUID(visitor).bytes)
    assert server.call("GET", f"/api/v1/visitors/{visitor}").status_code == 404
    assert server.visitor(answer["visitorId"])["activity"]["pageViewCount"] == 1


def test_a_website_takes_only_the_script_that_fits_its_setting(server: Site, sites: SitePool) -> None:
    cookieless = sites.take("cookieless")
    for site, right, wrong in (
        (server, "script.js", "script.cookieless.js"),
        (server, "script.hash.js", "script.cookieless.js"),
        (cookieless, "script.cookieless.js", "script.js"),
        (cookieless, "script.cookieless.js", "script.hash.js"),
    ):
        site.kept("pageview", new_visitor(), script=right)
        answer = site.event("pageview", new_visitor(), script=wrong)
        assert answer.headers["x-footfall-dropped"] == "wrong_script"
        assert f"this website needs {'script.js' if site is server else right}" in answer.json()["message"]


def test_a_cookieless_visitor_is_never_identified(server: Site) -> None:
    response = server.event("identify", new_visitor(), cookieless=True, extraData={"user_id": "A"})
    assert response.headers["x-footfall-dropped"] == "cookieless"
    assert parse_uuid(response.json()["visitorId"]) is not None
    assert server.facts() == []


def test_there_is_one_salt_and_it_is_todays(server: Site) -> None:
    server.kept("pageview", None, cookieless=True)
    (row,) = server.place.snapshot(lambda tx: tx.all(sql.salts))
    assert len(row[1]) == 32


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


def test_many_pages_of_a_visitor_are_listed_up_to_a_thousand(sites: SitePool) -> None:
    site = sites.take()
    visitor = new_visitor()
    body = {"websiteId": site.tracking_id, "domain": site.domain, "type": "pageview", "visitorId": visitor}
    for number in range(1001):
        site.http.post(
            "/api/events",
            json={**body, "href": f"https://{site.domain}/{number}"},
            headers={"user-agent": CHROME},
        )
    activity = site.visitor(visitor)["activity"]

    assert activity["pageViewCount"] == 1001
    pages = [page["url"].rpartition("/")[2] for page in activity["visitedPages"]]
    assert pages == [str(number) for number in range(1, 1001)]

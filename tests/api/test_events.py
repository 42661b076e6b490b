"""`POST /api/events`: what pages send, and what is kept of it."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import httpx
import msgspec
import pytest

from footfall.ids import parse_uuid
from tests.conftest import SitePool
from tests.support.inside import Inside
from tests.support.sites import CHROME, FIREFOX, Site, new_visitor, sql

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


def test_many_pages_of_a_visitor_are_listed_up_to_a_thousand(sites: SitePool, shared_server: Inside) -> None:
    site = sites.take()
    visitor = new_visitor()
    body = {"websiteId": site.tracking_id, "domain": site.domain, "type": "pageview", "visitorId": visitor}
    requests = [
        site.http.build_request(
            "POST",
            "/api/events",
            json={**body, "href": f"https://{site.domain}/{number}"},
            headers={"user-agent": CHROME},
        )
        for number in range(1001)
    ]
    for start in range(0, len(requests), 100):
        assert set(shared_server.answers(requests[start : start + 100])) == {200}
    activity = site.visitor(visitor)["activity"]

    assert activity["pageViewCount"] == 1001
    pages = [page["url"].rpartition("/")[2] for page in activity["visitedPages"]]
    assert pages == [str(number) for number in range(1, 1001)]


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
    (row,) = map(msgspec.structs.astuple, server.place.snapshot(lambda tx: tx.all(sql.salts)))
    assert len(row[1]) == 32

"""`GET /api/v1/visitors`: who is listed, in which order, and by what they are found."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from footfall.clock import to_iso
from footfall.ids import format_uuid
from tests.support.money import pay
from tests.support.people import ask, wait_for_index
from tests.support.servers import until
from tests.support.sites import FIREFOX, Site, new_visitor, next_millisecond, sql

PATH = "/api/v1/visitors"
ASKED = {
    "utm_source": "newsletter",
    "utm_medium": "email",
    "utm_campaign": "May 2026",
    "utm_term": "shoes",
    "utm_content": "top",
    "ref": "producthunt",
    "source": "x",
    "via": "ann",
}


def listed(site: Site, **query: Any) -> Any:
    """The list once it knows of everything that was written so far."""
    until(lambda: is_settled(site), "the list of visitors stays behind")
    return ask(site, PATH, **query)


def is_settled(site: Site) -> bool:
    return ask(site, PATH, limit=1)["pagination"]["total"] == len(site.rows(sql.visitors_seen)) and [
        (row["visitorId"], row["lastSeenAt"]) for row in ask(site, PATH, limit=250)["data"]
    ] == latest(site)


def latest(site: Site) -> list[tuple[str, str]]:
    return [(format_uuid(visitor), to_iso(at)) for visitor, at in site.rows(sql.visitors_seen)]


def ids(answer: Any) -> list[str]:
    return [row["visitorId"] for row in answer["data"]]


def test_visitors_come_last_seen_first_and_page_by_page(server: Site) -> None:
    first, second, third = (server.pageview() for _ in range(3))
    server.pageview(first, "/again")
    assert ids(listed(server)) == [first, third, second]
    page = listed(server, limit=1, offset=1)
    assert ids(page) == [third]
    assert {**page["pagination"], "nextCursor": None} == {
        "limit": 1,
        "offset": 1,
        "total": 3,
        "hasMore": True,
        "nextCursor": None,
    }
    assert ids(listed(server, limit=2, cursor=page["pagination"]["nextCursor"])) == [second]
    last = listed(server, limit=1, offset=2)["pagination"]
    assert (last["hasMore"], last["nextCursor"]) == (False, None)
    assert listed(server, offset=9)["data"] == []


def test_a_row_tells_where_a_visitor_is_and_where_they_came_from(server: Site) -> None:
    visitor = server.pageview(path="/pricing?utm_source=news", referrer="https://www.google.com/search?q=x")
    row = listed(server)["data"][0]
    assert row["visitorId"] == visitor
    assert row["currentUrl"] == f"{server.domain}/pricing"
    assert row["identity"] == {
        "country": None,
        "region": None,
        "city": None,
        "browser": "Chrome",
        "os": "Mac OS",
        "device": "desktop",
    }
    assert row["acquisition"]["referrer"] == "www.google.com/search"
    assert row["acquisition"]["channel"] == "Organic search"
    assert row["acquisition"]["params"]["utm_source"] == "news"


def test_a_visitor_without_a_pageview_is_not_listed(server: Site) -> None:
    seen = server.pageview()
    unseen = new_visitor()
    server.custom(unseen)
    assert ids(listed(server)) == [seen]
    server.pageview(unseen)
    assert ids(listed(server)) == [unseen, seen]


@pytest.fixture
def three(server: Site) -> tuple[Site, str, str, str]:
    """One from a newsletter, one with Firefox from a post who reached a goal, and one who is somebody."""
    one = server.pageview(path=f"/blog/a?{urlencode(ASKED)}")
    two = server.pageview(
        path="/pricing", user_agent=FIREFOX, referrer="https://news.ycombinator.com/item?id=1"
    )
    server.custom(two, "Signup")
    three = server.pageview(path="/docs/start")
    server.identify(three, "ann", {"plan": "pro", "name": "Ann Lee"})
    return server, one, two, three


@pytest.mark.parametrize(
    ("query", "found"),
    [
        *[({name: value}, "1") for name, value in ASKED.items()],
        ({"utmCampaign": "may2026"}, "1"),
        ({"utm_source": "nobody,newsletter"}, "1"),
        ({"browser": "firefox"}, "2"),
        ({"browser": "Firefox, Chrome"}, "321"),
        ({"os": "macos"}, "31"),
        ({"device": "mobile"}, ""),
        ({"referrer": "news.ycombinator.com"}, "2"),
        ({"referrer": "https://news.ycombinator.com/item"}, "2"),
        ({"referrer": "ycombinator.com"}, ""),
        ({"visitedPage": "/pricing"}, "2"),
        ({"visited_page": "/pricing,/docs/start"}, "32"),
        ({"page": "/docs"}, ""),
        ({"visitedPageContains": "DOCS"}, ""),
        ({"pageContains": "docs"}, "3"),
        ({"page_contains": "%"}, ""),
        ({"completedGoal": "signup"}, "2"),
        ({"completed_goal": "Signup"}, "2"),
        ({"goal": "other"}, ""),
        ({"isCustomer": "true"}, ""),
        ({"has_revenue": "false"}, "321"),
        ({"identified": "true"}, "3"),
        ({"identified": "false"}, "21"),
        ({"trait.plan": "pro"}, "3"),
        ({"trait.plan": "is_not:pro"}, ""),
        ({"search": "ann"}, "3"),
        ({"search": "bob"}, ""),
        ({"country": "Germany"}, ""),
        ({"startAt": "2020-01-01", "endAt": "2020-01-02"}, ""),
        ({"start_at": "2020-01-01", "end_at": "2100-01-01", "timezone": "Asia/Tokyo"}, "321"),
        ({"goal": "signup", "startAt": "2020-01-01", "endAt": "2020-01-02"}, ""),
        ({"goal": "signup", "startAt": "2020-01-01", "endAt": "2100-01-02"}, "2"),
        ({"country": "", "unknown": "x"}, "321"),
        ({"browser": "chrome", "utm_source": "newsletter"}, "1"),
    ],
)
def test_visitors_are_found_by(three: tuple[Site, str, str, str], query: dict[str, str], found: str) -> None:
    site, *visitors = three
    wait_for_index(site)
    answer = listed(site, **query)
    assert ids(answer) == [visitors[int(number) - 1] for number in found]
    assert answer["pagination"]["total"] == len(found)


def test_visitors_are_found_by_host_name(server: Site) -> None:
    visitor = server.pageview()
    assert ids(listed(server, hostname=server.domain)) == [visitor]
    assert ids(listed(server, hostname="other.example")) == []


def test_who_paid_is_found_by_the_goals_that_payments_reach(server: Site) -> None:
    payer, trier, refunded = (server.pageview() for _ in range(3))
    pay(server, datafast_visitor_id=payer, renewal=True, timestamp="2026-05-02T12:00:00Z")
    pay(server, datafast_visitor_id=payer, timestamp="2026-05-01T12:00:00Z")
    pay(server, 0, datafast_visitor_id=trier)
    pay(server, datafast_visitor_id=refunded, refunded=True)
    rows = listed(server, completedGoal="Payment")
    assert [(row["visitorId"], row["lastSeenAt"]) for row in rows["data"]] == [
        (payer, "2026-05-02T12:00:00.000Z")
    ]
    assert rows["pagination"]["total"] == 1
    assert ids(listed(server, goal="payment", startAt="2026-05-03", endAt="2026-05-04")) == []
    assert ids(listed(server, goal="free_trial")) == [trier]


def test_who_reached_a_goal_comes_by_when_that_was(server: Site) -> None:
    first, second = server.pageview(), server.pageview()
    server.custom(second)
    next_millisecond()
    server.custom(first)
    server.pageview(second, "/later")
    rows = listed(server, goal="signup", limit=1)
    assert ids(rows) == [first]
    behind = listed(server, goal="signup", cursor=rows["pagination"]["nextCursor"])
    assert ids(behind) == [second]
    assert behind["data"][0]["lastSeenAt"] < listed(server)["data"][0]["lastSeenAt"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "251"}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"cursor": "12"}, "cursor"),
        ({"startAt": "2026-01-01"}, "endAt"),
        ({"startAt": "yesterday", "endAt": "2026-01-01"}, "startAt"),
        ({"startAt": "2026-01-02", "endAt": "2026-01-01"}, "endAt"),
        ({"startAt": "2026-01-01T00:00:00", "endAt": "2026-01-02"}, "startAt"),
        ({"startAt": "2026-01-01", "endAt": "2026-01-02", "timezone": "Mars/Base"}, "timezone"),
        ({"goal": "x", "isCustomer": "true"}, "isCustomer"),
        ({"goal": "subscription_started"}, "goal: of lifecycle goals"),
        ({"isCustomer": "yes"}, "isCustomer"),
        ({"identified": "1"}, "identified"),
        ({"visited_page": ",".join(f"/{n}" for n in range(51))}, "visited_page"),
        ({"trait.": "x"}, "trait."),
    ],
)
def test_a_query_that_cannot_be_read_is_told_by_its_parameter(
    server: Site, query: dict[str, str], named: str
) -> None:
    response = server.call("GET", f"{PATH}?{urlencode(query)}")
    assert response.status_code == 400
    assert named in response.json()["error"]["message"]

"""What analytics tell of the last minutes, of what visitors went through, and of bots."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from footfall.collect.online import ONLINE_MS
from footfall.collect.service import DROPPED_HANDLER
from tests.support.counting import Counting
from tests.support.money import pay
from tests.support.sites import Site, new_visitor

MINUTE, DAY = 60_000, 86_400_000
GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"


# Now


def test_visitors_of_the_last_ten_minutes_are_there(numbers: Counting, site: Site) -> None:
    first = site.pageview()
    numbers.clock.move(9 * MINUTE)
    site.pageview(first)
    site.pageview()
    assert numbers.ask(site, "realtime", fields="visitors", timezone="Mars/Base")["data"] == [{"visitors": 2}]
    numbers.clock.move(ONLINE_MS - 1)
    assert numbers.ask(site, "realtime")["data"] == [{"visitors": 2}]
    numbers.clock.move(1)
    assert numbers.ask(site, "realtime")["data"] == [{"visitors": 0}]
    assert "visitors" in numbers.refused(site, "realtime", fields="visitors,people")


def test_the_map_tells_who_is_where_and_what_they_did(numbers: Counting, site: Site) -> None:
    nobody, ada = new_visitor(), new_visitor()
    site.pageview(nobody, "/pricing", referrer="https://news.example/today")
    numbers.clock.move(6 * MINUTE)
    site.pageview(ada, "/?utm_source=mail", headers={"x-forwarded-for": "8.8.8.8"})
    site.custom(ada, "signup", plan="pro")
    site.identify(ada, "u1", {"name": "Ada", "email": "ada@example.com"})
    pay(site, 30, "EUR", datafast_visitor_id=ada, email="paid@example.com", name="Ada L.")
    found = numbers.ask(site, "realtime/map")["data"]
    second, first = found["visitors"]
    assert (found["count"], second["visitorId"], first["visitorId"]) == (2, ada, nobody)
    assert first["profileData"] == {
        "displayName": None,
        "userId": None,
        "hasProfile": False,
        "isRandomName": True,
    }
    assert (first["currentUrl"], first["referrer"]) == (f"{site.domain}/pricing", "news.example/today")
    assert (first["system"]["browser"], first["system"]["device"]) == (
        {"name": "Chrome"},
        {"type": "desktop"},
    )
    assert (first["isCustomer"], first["customerName"], first["latitude"]) == (False, None, None)
    assert second["profileData"] == {
        "displayName": "Ada",
        "userId": "u1",
        "hasProfile": True,
        "isRandomName": False,
    }
    assert (second["customerName"], second["customerEmail"]) == ("Ada L.", "paid@example.com")
    assert (second["conversionLikelihood"]["score"], second["params"]["utm_source"]) == (100, "mail")
    events = {(one["type"], one["path"], one["displayName"]) for one in found["recentEvents"]}
    assert events >= {("pageview", "/pricing", None), ("custom", "/", "Ada")}
    assert {"eventName": "signup", "plan": "pro"} in [one["extraData"] for one in found["recentEvents"]]
    (paid,) = found["recentPayments"]
    assert (paid["amount"], paid["currency"], paid["displayName"], paid["isNew"]) == (30, "EUR", "Ada", True)
    numbers.clock.move(5 * MINUTE)
    found = numbers.ask(site, "realtime/map")["data"]
    assert [one["visitorId"] for one in found["visitors"]] == [ada]
    assert {one["visitorId"] for one in found["recentEvents"]} == {ada}


# What visitors went through


def make_funnel(site: Site, name: str, *steps: dict[str, Any]) -> dict[str, Any]:
    path = f"/api/v1/admin/websites/{site.website_id}/funnels"
    made: dict[str, Any] = site.call("POST", path, json={"name": name, "steps": steps}).json()["data"][0]
    return made


def test_a_funnel_tells_how_far_visitors_came(numbers: Counting, site: Site) -> None:
    buy = {"type": "goal", "goalName": "payment"}
    funnel = make_funnel(site, "Shop", {"type": "pageview", "url": "/shop/*"}, {"type": "goal", "goalName": "Cart"}, buy)  # fmt: skip
    phone, laptop, other, wrong = (new_visitor() for _ in range(4))
    for visitor in (phone, laptop, other):
        site.pageview(visitor, "/shop/a")
    site.custom(wrong, "cart")
    site.pageview(wrong, "/shop/b")
    for visitor in (phone, laptop):
        site.identify(visitor, "ada")
    numbers.clock.move(MINUTE)
    for visitor in (phone, other):
        site.custom(visitor, "cart")
    numbers.clock.move(MINUTE)
    pay(site, 12.5, "EUR", datafast_visitor_id=phone)
    answer = numbers.ask(site, f"funnels/{funnel['id']}", compare="previous", period="today")
    keys = ("visitors", "people", "drop_off", "step_conversion_rate", "conversion_rate", "revenue")
    assert [tuple(row[key] for key in keys) for row in answer["data"]] == [
        (4, 3, 0, 100, 100, 12.5),
        (2, 2, 2, 50, 50, 12.5),
        (1, 1, 1, 50, 25, 12.5),
    ]
    assert (answer["data"][0]["url"], answer["data"][2]["goalName"]) == ("/shop/*", "payment")
    assert answer["data"][0]["compared"]["visitors"] == 0
    totals = answer["totals"]
    assert (totals["conversions"], totals["conversion_rate"], totals["compared"]["visitors"]) == (1, 25, 0)
    filtered = numbers.ask(site, f"funnels/{funnel['slug']}", filter_person="ada")
    assert [row["visitors"] for row in filtered["data"]] == [2, 1, 1]


def test_a_funnel_that_was_deleted_has_no_results(numbers: Counting, site: Site) -> None:
    page = {"type": "pageview", "url": "*"}
    funnel = make_funnel(site, "Gone", page, page)
    site.call("DELETE", f"/api/v1/admin/websites/{site.website_id}/funnels/{funnel['id']}")
    for ref in (funnel["id"], funnel["slug"], "0" * 24, "nothing"):
        assert "no such funnel" in numbers.refused(site, f"funnels/{ref}", 404)


def test_properties_of_a_goal_are_told_by_name_and_by_value(numbers: Counting, site: Site) -> None:
    one, two = site.pageview(), site.pageview()
    for visitor, plan in ((one, "pro"), (one, "pro"), (two, "free")):
        site.custom(visitor, "signup", plan=plan, size="1")
    assert numbers.ask(site, "goals/properties", eventName="Signup", limit=1) == {
        "status": "success",
        "data": [{"propertyName": "plan", "completions": 3, "visitors": 2, "people": 2}],
        "pagination": {"limit": 1, "offset": 0, "total": 2, "hasMore": True},
    }
    values = numbers.ask(site, "goals/properties", eventName="signup", propertyName="plan")["data"]
    assert [(row["propertyValue"], row["completions"], row["visitors"]) for row in values] == [
        ("free", 1, 1),
        ("pro", 2, 1),
    ]
    page = numbers.ask(site, "goals/properties", eventName="signup", offset=2)["pagination"]
    assert (page["total"], page["hasMore"]) == (2, False)
    assert "eventName" in numbers.refused(site, "goals/properties")


def test_retention_tells_in_which_weeks_people_came_back(numbers: Counting, site: Site) -> None:
    phone, laptop, other = (site.pageview() for _ in range(3))
    for visitor in (phone, laptop):
        site.identify(visitor, "ada")
    numbers.clock.move(7 * DAY)
    site.pageview(laptop)
    numbers.clock.move(7 * DAY)
    site.pageview(phone)
    site.pageview(other)
    site.pageview()
    answer = numbers.ask(site, "retention", startAt="2026-05-06", endAt="2027-01-01")
    assert answer["timezone"] == "Europe/Berlin"
    assert [(row["cohort"], [week["people"] for week in row["weeks"]]) for row in answer["data"]] == [
        ("2026-05-04T00:00:00+02:00", [2, 1, 2]),
        ("2026-05-11T00:00:00+02:00", [0, 0]),
        ("2026-05-18T00:00:00+02:00", [1]),
    ]
    assert [week["share"] for week in answer["data"][0]["weeks"]] == [100, 50, 100]
    assert numbers.ask(site, "retention")["pagination"]["total"] == 12
    assert len(numbers.ask(site, "retention", limit=1, offset=11)["data"]) == 1
    assert "104 weeks" in numbers.refused(site, "retention", startAt="2020-01-01", endAt="2030-01-01")


# Bots


def crawl(site: Site, path: str, agent: str) -> None:
    body = {"websiteId": site.tracking_id, "href": f"https://{site.domain}{path}", "ai": {"userAgent": agent}}
    assert site.http.post("/api/ai-crawls", content=msgspec.json.encode(body)).status_code == 200


def count_dropped(site: Site, day: int, reason: str) -> None:
    """What a server does every few seconds with what it counted."""
    counted = {(bytes.fromhex(site.website_id), day, reason): 4}
    site.place.transact(lambda tx: DROPPED_HANDLER.run(tx, [counted]))


def test_bots_are_those_reported_and_those_dropped(numbers: Counting, site: Site) -> None:
    day = numbers.clock.now // DAY
    for path in ("/a", "/a", "/b"):
        crawl(site, path, GPTBOT)
    numbers.clock.move(DAY)
    crawl(site, "/a", "ClaudeBot/1.0")
    for reason in ("bot", "wrong_host"):
        count_dropped(site, day, reason)
    answer = numbers.ask(site, "bot-traffic", period="last7d", timezone="Asia/Tokyo")
    assert [(row["crawlerId"], row["category"], row["hits"], row["pages"]) for row in answer["data"]] == [
        ("dropped_bot", "dropped", 4, 0),
        ("gptbot", "training", 3, 2),
        ("claudebot", "training", 1, 1),
    ]
    assert (answer["totals"], answer["interval"]) == ({"crawlers": 3, "hits": 8}, "day")
    assert [part["hits"] for part in answer["timeseries"]] == [0, 0, 0, 0, 0, 7, 1]
    one = numbers.ask(site, "bot-traffic", crawlerId="GPTBot", startAt="2026-05-05", endAt="2026-05-05")
    assert (one["totals"], len(one["data"])) == ({"crawlers": 1, "hits": 3}, 1)
    assert numbers.ask(site, "bot-traffic", verification="ip_verified")["data"] == []
    assert "hour" not in numbers.refused(site, "bot-traffic", interval="hour").rpartition(" Use ")[2]
    assert "user_agent_only" in numbers.refused(site, "bot-traffic/pages", verification="maybe")


def test_pages_that_crawlers_fetch_are_listed(numbers: Counting, site: Site) -> None:
    for path, agent in (("/a", GPTBOT), ("/a", "ClaudeBot/1.0"), ("/b", GPTBOT)):
        crawl(site, path, agent)
    answer = numbers.ask(site, "bot-traffic/pages", limit=1)
    assert answer["data"] == [{"hostname": site.domain, "path": "/a", "hits": 2, "crawlers": 2}]
    assert (answer["totals"], answer["pagination"]["total"]) == ({"pages": 2, "hits": 3}, 2)
    rest = numbers.ask(site, "bot-traffic/pages", limit=1, offset=1, fields="path,hits,nothing")["data"]
    assert rest == [{"path": "/b", "hits": 1}]


WRONG: list[tuple[str, dict[str, str]]] = [
    ("startAt", {"startAt": "2026-05-05"}),
    ("endAt", {"startAt": "2026-05-05", "endAt": "2026-05-04"}),
    ("startAt", {"startAt": "2026-02-30", "endAt": "2026-05-04"}),
    ("period", {"period": "forever"}),
    ("limit", {"limit": "-1"}),
    ("offset", {"offset": "1000000000"}),
    ("format", {"format": "csv"}),
]


@pytest.mark.parametrize(("named", "query"), WRONG)
def test_what_is_asked_wrongly_is_refused_by_name(
    numbers: Counting, site: Site, named: str, query: dict[str, Any]
) -> None:
    for path in ("retention", "goals/properties", "bot-traffic", "bot-traffic/pages"):
        assert named in numbers.refused(site, path, eventName="signup", **query), path


def test_an_access_token_needs_the_scope_of_analytics(numbers: Counting, site: Site) -> None:
    able, unable = site.tokens([(["analytics:read"], [site.website_id]), (["goals:read"], [site.website_id])])
    for path in ("realtime", "realtime/map", "retention", "bot-traffic", "bot-traffic/pages"):
        address = f"/api/v1/analytics/{path}?websiteId={site.tracking_id}"
        assert site.call("GET", address, key=able).status_code == 200, path
        assert site.call("HEAD", address, key=able).status_code == 200, path
        assert site.call("GET", address, key=unable).status_code == 403, path

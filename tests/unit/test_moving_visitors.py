"""What DataFast's API tells of a visitor, in its newer and older forms, as events here."""

from __future__ import annotations

from typing import Any

import msgspec

from footfall.collect.model import CUSTOM, GOAL, PAGEVIEW
from footfall.history.model import ImportTarget
from footfall.ids import parse_uuid
from footfall.moving.visitors import events_of
from footfall.moving.wire import SentObject, SentPage, SentRow, SentVisitor, identify_records, read_answer
from tests.laws.world import WEBSITE

VISITOR = "a3ab2331-989f-4cfa-91c6-2461c9e3c6bd"
NOW = 1_780_000_000_000
IDENTITY = {
    "country": "South Korea",
    "countryCode": "KR",
    "region": "KR-44",
    "city": "Asan",
    "params": {"utm_source": "news", "ref": None, "other": "x"},
    "adClickIds": {"gclid": "g"},
    "browser": {"name": "Chrome", "version": "141"},
    "os": {"name": "Mac OS", "version": "10.15"},
    "device": {"type": "desktop", "vendor": "Apple", "model": None},
    "viewport": {"width": 1280, "height": 720},
}


def visitor(identity: dict[str, Any] | None = None, **activity: Any) -> SentVisitor:
    body = {"visitorId": VISITOR, "identity": identity, "activity": activity, "prediction": None}
    answer = msgspec.json.encode({"status": "success", "data": body})
    return read_answer(SentObject[SentVisitor], answer).data


def events(sent: SentVisitor, referrer: str | None = None) -> tuple[list[Any], list[str]]:
    found, problems = events_of(ImportTarget(WEBSITE, NOW), parse_uuid(VISITOR) or b"", sent, referrer)
    return [one.hit for one in found], problems


def test_pages_and_goals_become_events_in_order_and_only_the_first_tells_where_from() -> None:
    sent = visitor(
        IDENTITY,
        visitedPages=[
            {"url": "shop.example/b", "timestamp": "2026-05-05T12:02:00Z"},
            {"url": "https://shop.example/a?x=1", "timestamp": "2026-05-05T12:00:00.000Z"},
        ],
        completedGoals=[
            {
                "name": "Sign Up",
                "timestamp": "2026-05-05T12:01:00Z",
                "metadata": {"plan": "pro"},
                "origin": "manual",
            },
            {"name": "activated", "timestamp": "2026-05-05T12:03:00Z", "isServer": True, "description": "In"},
            {"name": "payment", "timestamp": "2026-05-05T12:04:00Z", "origin": "payment_provider"},
        ],
    )
    hits, problems = events(sent, "search.example/q")
    assert problems == []
    assert [(hit.type, hit.url, hit.name) for hit in hits] == [
        (PAGEVIEW, "shop.example/a", None),
        (CUSTOM, None, "sign_up"),
        (PAGEVIEW, "shop.example/b", None),
        (GOAL, None, "activated"),
    ]
    assert [(hit.referrer, hit.params, hit.click_ids) for hit in hits[:2]] == [
        ("search.example/q", '{"utm_source":"news"}', '{"gclid":"g"}'),
        (None, None, None),
    ]
    assert hits[1].data == '{"plan":"pro"}'
    assert '"country_code":"KR"' in hits[0].place
    assert '"viewport_width":1280' in hits[0].device


def test_older_answers_are_understood() -> None:
    sent = visitor(
        {"country": "Germany", "browser": "Firefox", "os": "Windows", "device": "mobile"},
        visitedPages=[{"url": "/a", "timestamp": "2026-05-05T12:00:00Z"}],
        completedCustomGoals=[{"name": "old", "timestamp": "2026-05-05T12:00:00Z"}],
    )
    hits, problems = events(sent)
    assert (problems, sorted(hit.type for hit in hits)) == ([], [CUSTOM, PAGEVIEW])
    assert '"country_code":"DE"' in hits[0].place
    assert '"browser":"Firefox"' in hits[0].device
    assert events(visitor())[0] == []


def test_what_cannot_be_taken_is_told_and_spoils_nothing_else() -> None:
    pages = [
        {"url": "shop.example/a", "timestamp": "soon"},
        {"url": "shop.example/a", "timestamp": "2999-01-01T00:00:00Z"},
        {"url": "shop.example/a", "timestamp": "2026-05-05T12:00:00Z"},
    ]
    hits, problems = events(visitor(visitedPages=pages, completedGoals=[{"name": "é", "timestamp": "x"}]))
    assert len(hits) == 1
    assert len(problems) == 3


def test_equal_events_of_one_moment_are_several_and_have_the_same_ids_each_time() -> None:
    page = {"url": "shop.example/a", "timestamp": "2026-05-05T12:00:00Z"}
    (first, second), _ = events(visitor(visitedPages=[page, page]))
    assert first.event_id != second.event_id
    assert [hit.event_id for hit in events(visitor(visitedPages=[page, page]))[0]] == [
        first.event_id,
        second.event_id,
    ]


def test_a_profile_is_known_since_it_was_identified_and_told_as_of_the_last_visit() -> None:
    body = {
        "visitorId": VISITOR,
        "activity": {"lastVisitAt": "2026-05-06T00:00:00Z"},
        "profile": {
            "userId": "user_1",
            "metadata": {"plan": "pro", "gone": None, "$x": 1, "visitorId": "x"},
            "identifiedAt": "2026-05-05T00:00:00Z",
        },
    }
    sent = read_answer(SentObject[SentVisitor], msgspec.json.encode({"data": body})).data
    who = {"user_id": "user_1", "datafast_visitor_id": VISITOR}
    assert identify_records(SentRow(VISITOR), sent, "2020-01-01T00:00:00Z") == [
        {**who, "$at": "2026-05-05T00:00:00Z"},
        {**who, "$at": "2026-05-06T00:00:00Z", "plan": "pro"},
    ]


def test_a_list_of_visitors_may_lack_what_is_not_documented() -> None:
    page = read_answer(
        SentPage[SentRow], b'{"status":"success","data":[{"visitorId":"a","lastSeenAt":null}]}'
    )
    assert (page.data, page.pagination) == ([SentRow("a")], None)

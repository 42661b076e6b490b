"""`POST /api/v1/identify`: what is too much or no call at all, the order of checks, cookieless websites, the rate limit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from footfall.clock import system_clock
from footfall.identity.identify.wire import MAX_BODY
from tests.conftest import MakeInside, SitePool
from tests.support.inside import SetClock
from tests.support.sites import CHROME, Site, http_client, make_sites, moment, new_visitor
from tests.support.sites import identify_body as body

ON_ENGINES = ["sqlite"]
"""What is asked here is decided before a database is."""

# Limits


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize(
    ("traits", "word"),
    [
        ({f"k{number}": 1 for number in range(257)}, "256"),
        ({"k" * 129: 1}, "128"),
        ({"": 1}, "empty key"),
        ({"a": "x" * 16_400, "b": "x" * 16_400}, "32768"),
        ({"k": nested(8)}, "8 levels"),
        ({"k": 2**64}, "64 bits"),
        ({"k": -(2**63) - 1}, "64 bits"),
        ({"k": [{"n": 10**30}]}, "64 bits"),
    ],
)
def test_more_than_a_profile_holds_is_refused(server: Site, traits: dict[str, Any], word: str) -> None:
    visitor = server.pageview()
    assert word in server.refused(json.dumps(body(visitor, **traits)).encode())
    assert server.facts() == []


@pytest.mark.parametrize(
    "traits",
    [
        {f"k{number}": 1 for number in range(256)},
        {"k" * 128: 1, "é" * 128: 2},
        {"a": "x" * 16_000, "b": "x" * 16_000},
        {"k": nested(7)},
        {"k": 2**64 - 1, "j": -(2**63)},
        {"k": 1e300, "j": -0.5},
    ],
)
def test_as_much_as_a_profile_holds_is_kept(server: Site, traits: dict[str, Any]) -> None:
    visitor = server.pageview()
    assert server.identify(visitor, "A", traits)["action"] == "created"
    assert server.traits(visitor) == traits


def test_the_limit_is_that_of_the_metadata_after_the_merge(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {f"k{number}": 1 for number in range(256)})
    assert "257" in server.refused(body(visitor, more=1))
    assert server.identify(visitor, "A", {"more": 1, "$unset": ["k0"]})["action"] == "updated"
    assert len(server.facts()) == 2


# What is no JSON object


def test_the_limit_holds_for_late_calls_too(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {f"k{number}": number for number in range(256)})
    before = server.stored()
    server.refused(body(visitor, more=1) | {"$at": moment(1)})
    assert server.stored() == before
    assert server.identify(visitor, "A", {"k1": "old"}, at=1)["action"] == "unchanged"


def test_numbers_too_large_for_integers_stay_as_they_were_sent(server: Site) -> None:
    visitor = server.pageview()
    server.post(b'{"user_id":"A","datafast_visitor_id":"%s","large":1e300,"whole":2.0}' % visitor.encode())
    text = server.call("GET", "/api/v1/profiles/user:A").text
    assert '"large":1e300' in text.replace("1e+300", "1e300")
    assert json.loads(text)["data"]["metadata"] == {"large": 1e300, "whole": 2}


def framed(visitor: str, value: bytes) -> bytes:
    return b'{"user_id":"A","datafast_visitor_id":"' + visitor.encode() + b'","k":' + value + b"}"


@pytest.mark.parametrize(
    "value",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b'"\\ud800"',
        b'"\\udfff x"',
        b'"\\u0000"',
        b'{"\\u0000":1}',
        b"1e999",
        b"'x'",
        b"01",
        b"undefined",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"a\x00b"',
        b"[1,]",
        b'{"a":1',
        b"",
    ],
)
def test_what_json_cannot_hold_is_refused(server: Site, value: bytes) -> None:
    visitor = server.pageview()
    assert "body" in server.refused(framed(visitor, value))
    assert server.facts() == []


@pytest.mark.parametrize(
    "whole",
    [b"", b"[]", b'"text"', b"5", b"null", b"true", b"[{}]", b"\xff", b"{", b"{}{}"],
)
def test_a_body_is_one_json_object(server: Site, whole: bytes) -> None:
    assert "body" in server.refused(whole)


def test_of_a_key_given_twice_the_last_counts(server: Site) -> None:
    visitor = server.pageview()
    server.post(framed(visitor, b'1,"k":2'))
    assert server.traits(visitor) == {"k": 2}


def test_an_escaped_surrogate_pair_is_one_character(server: Site) -> None:
    visitor = server.pageview()
    server.post(framed(visitor, b'"\\ud83d\\ude00"'))
    assert server.traits(visitor) == {"k": "😀"}


# Content type and size


@pytest.mark.parametrize(
    "media", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", ""]
)
def test_json_by_any_name_is_taken(server: Site, media: str) -> None:
    headers = {"authorization": f"Bearer {server.key}", **({"content-type": media} if media else {})}
    content = json.dumps(body(server.pageview()))
    request = server.http.build_request("POST", "/api/v1/identify", content=content, headers=headers)
    assert server.http.send(request).status_code == 200


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/x-www-form-urlencoded", "text/json", "multipart/form-data; boundary=x"],
)
def test_another_content_type_is_refused(server: Site, media: str) -> None:
    headers = {"authorization": f"Bearer {server.key}", "content-type": media}
    response = server.http.post("/api/v1/identify", json=body(server.pageview()), headers=headers)
    assert response.status_code == 415
    assert server.facts() == []


def padded(visitor: str, size: int) -> bytes:
    whole = framed(visitor, b"1")
    return whole + b" " * (size - len(whole))


def test_a_body_of_exactly_64_kib_is_taken_and_one_byte_more_is_not(server: Site) -> None:
    visitor = server.pageview()
    assert server.post(padded(visitor, MAX_BODY)).status_code == 200
    assert server.post(padded(visitor, MAX_BODY + 1)).status_code == 413


# The order of checks


def test_checks_come_in_a_fixed_order(server: Site, other: Site) -> None:
    """Each call is wrong in all later ways too, and is told the first."""
    token, reader = server.token(["identify:write"]), server.token(["analytics:read"])

    def status(
        method: str = "POST",
        path: str = "/api/v1/identify",
        key: str = "none",
        query: str = "",
        media: str = "text/plain",
        content: bytes = b"[",
    ) -> int:
        headers = {"authorization": f"Bearer {key}", "content-type": media}
        return server.http.request(method, path + query, headers=headers, content=content).status_code

    large = b"[" * (MAX_BODY + 1)
    elsewhere = f"?websiteId={other.website_id}"
    assert status(path="/api/v1/nothing", content=large) == 404
    assert status(method="PUT", content=large) == 405
    assert status(content=large, query=elsewhere) == 401
    assert status(key=reader, content=large) == 403
    assert status(key=server.key, query=elsewhere, content=large) == 403
    assert status(key=server.key, content=large) == 413
    assert status(key=token, content=large) == 413
    assert status(key=server.key) == 415
    assert status(key=token) == 415
    assert status(key=token, media="application/json") == 400
    assert status(key=server.key, media="application/json") == 400
    missing = json.dumps(body(new_visitor(), 5)).encode()
    assert status(key=server.key, media="application/json", content=missing) == 400


# Cookieless websites


@pytest.fixture(scope="module")
def cookieless(sites: SitePool) -> Site:
    return sites.take("cookieless")


def test_a_cookieless_website_stores_nothing_and_says_so(cookieless: Site) -> None:
    data = cookieless.identify(new_visitor(), "A", {"plan": "pro", "name": ""})
    assert (data["profileId"], data["action"], data["factId"], data["persisted"]) == (None, None, None, False)
    assert [warning["code"] for warning in data["warnings"]] == ["placeholder_ignored"]
    assert cookieless.stored() == (0, 0, 0, 0)


def test_a_cookieless_website_still_refuses_wrong_bodies(cookieless: Site) -> None:
    assert "user_id" in cookieless.refused(body(new_visitor(), "null"))
    assert "JSON" in cookieless.refused(b"{")


# The rate limit


@pytest.fixture
def clock() -> SetClock:
    """Stands at the beginning of a minute."""
    return SetClock(system_clock() // 60_000 * 60_000)


@pytest.fixture
def limited(start_inside: MakeInside, clock: SetClock) -> Iterator[Site]:
    """A website of a server that takes 20 calls a minute for each key, by that clock."""
    running = start_inside({"FOOTFALL_RATE_LIMIT": "20"}, clock=clock)
    with http_client(running.url) as client:
        yield make_sites(running.url, client, running.place)[0]


def test_calls_are_counted_down_and_then_refused(limited: Site, clock: SetClock) -> None:
    visitor = limited.pageview()
    before = int(limited.post(body(visitor)).headers["x-ratelimit-remaining"])
    answers = [limited.post(body(visitor)) for _ in range(45)]

    assert [answer.status_code for answer in answers] == [200] * before + [429] * (45 - before)
    left = [int(answer.headers["x-ratelimit-remaining"]) for answer in answers]
    assert left == [*range(before - 1, -1, -1), *[0] * (45 - before)]
    refused = answers[-1]
    assert (refused.json()["limit"], refused.headers["retry-after"]) == (20, "60")
    assert len(limited.facts()) == before + 1

    clock.move(59_999)
    assert limited.post(body(visitor)).headers["retry-after"] == "1"
    clock.move(1)
    assert limited.post(body(visitor)).headers["x-ratelimit-remaining"] == "19"


def test_a_limit_on_one_key_leaves_others_alone(limited: Site) -> None:
    visitor = limited.pageview()
    while limited.post(body(visitor)).status_code == 200:
        pass
    (neighbour,) = make_sites(limited.url, limited.http, limited.place)
    neighbour.identify(neighbour.pageview(), "A")


def test_pages_are_not_limited(limited: Site) -> None:
    visitor = new_visitor()
    for _ in range(25):
        limited.pageview(visitor)
    assert len(limited.events_of(visitor)) == 25


def test_a_limit_of_0_is_none_and_sends_no_headers(server: Site) -> None:
    response = server.post(body(server.pageview()))
    assert not any(name.startswith("x-ratelimit") for name in response.headers)


def test_a_refused_call_comes_before_the_body_is_judged(limited: Site) -> None:
    while limited.post(b"{").status_code == 400:
        pass
    assert limited.post(b"{").status_code == 429


def test_the_page_of_a_wrong_key_is_not_limited(start_inside: MakeInside) -> None:
    running = start_inside({"FOOTFALL_RATE_LIMIT": "1"})
    with http_client(running.url) as client:
        for _ in range(3):
            response = client.post("/api/v1/identify", headers={"authorization": f"Bearer {CHROME}"})
            assert response.status_code == 401

"""`POST /api/v1/identify/batch` and `?dry_run=1`."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from footfall.clock import system_clock
from tests.conftest import MakeInside
from tests.support.inside import SetClock
from tests.support.sites import Site, http_client, make_sites, new_visitor
from tests.support.sites import identify_body as call


def post(site: Site, body: Any, *, media: str = "application/json", query: str = "") -> httpx.Response:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return site.http.post(
        f"/api/v1/identify/batch{query}",
        content=content,
        headers={"authorization": f"Bearer {site.key}", "content-type": media},
    )


def items(site: Site, body: Any, **options: Any) -> list[dict[str, Any]]:
    """What became of each call."""
    response = post(site, body, **options)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["data"]
    return found


def test_calls_are_decided_in_order(server: Site) -> None:
    visitor = server.pageview()
    answers = items(
        server, [call(visitor, plan="free"), call(visitor, plan="pro"), call(visitor, plan="pro")]
    )
    assert [answer["status"] for answer in answers] == [200, 200, 200]
    assert [answer["data"]["action"] for answer in answers] == ["created", "updated", "unchanged"]
    assert server.traits(visitor) == {"plan": "pro"}


def test_one_call_a_line_is_the_same(server: Site) -> None:
    visitor = server.pageview()
    lines = b"\n".join(msgspec.json.encode(call(visitor, n=number)) for number in range(3)) + b"\n\n"
    answers = items(server, lines, media="application/x-ndjson")
    assert [answer["data"]["action"] for answer in answers] == ["created", "updated", "updated"]
    assert server.traits(visitor) == {"n": 2}


def test_a_call_that_fails_spoils_no_other(server: Site) -> None:
    visitor = server.pageview()
    large = call(visitor, text="x" * 70_000)
    bodies = [
        call(visitor, n=1),
        call(visitor, "undefined"),
        call(new_visitor()),
        large,
        ["no"],
        call(visitor, n=2),
    ]
    answers = items(server, bodies)
    assert [answer["status"] for answer in answers] == [200, 400, 404, 413, 400, 200]
    assert "user_id" in answers[1]["error"]["message"]
    assert answers[2]["error"]["code"] == 404
    assert server.traits(visitor) == {"n": 2}
    assert len(server.facts()) == 2


def test_a_line_that_is_no_json_spoils_no_other(server: Site) -> None:
    visitor = server.pageview()
    good = msgspec.json.encode(call(visitor))
    answers = items(server, b"\n".join([good, b'{"user_id":', b"\xff", good]), media="application/x-ndjson")
    assert [answer["status"] for answer in answers] == [200, 400, 400, 200]


@pytest.mark.parametrize("bad", [b"[oops", b"[]", b"[1]"])
def test_a_first_line_that_begins_like_an_array_is_a_line(server: Site, bad: bytes) -> None:
    good = msgspec.json.encode(call(server.pageview()))
    answers = items(server, bad + b"\n" + good, media="application/x-ndjson; charset=utf-8")
    assert [answer["status"] for answer in answers] == [400, 200]


BAD_ITEMS = {
    "lone surrogate": rb'{"user_id":"A","x":"\ud800"}',
    "deep": b"[" * 1100 + b"]" * 1100,
    "cut": b'{"user_id":',
    "no JSON": b"{oops}",
    "brackets in texts": rb'{"user_id":"]},{[\"","x":oops}',
    "no UTF-8": b'"\xff"',
    "nothing": b" ",
}


@pytest.mark.parametrize("bad", BAD_ITEMS.values(), ids=list(BAD_ITEMS))
def test_an_item_of_an_array_that_is_no_json_spoils_no_other(server: Site, bad: bytes) -> None:
    visitor = server.pageview()
    first, last = (msgspec.json.encode(call(visitor, n=n, note='], {"a')) for n in (1, 2))
    if bad == BAD_ITEMS["cut"]:  # its brace swallows what follows: where it ends, nobody can tell
        assert post(server, b"[%b,%b,%b]" % (first, bad, last)).status_code == 400
        return
    answers = items(server, b" [%b , %b,%b]\n" % (first, bad, last))
    assert [answer["status"] for answer in answers] == [200, 400, 200]
    assert server.traits(visitor)["n"] == 2


@pytest.mark.parametrize("media", ["application/json", "application/x-ndjson"])
def test_a_byte_order_mark_is_passed_over(server: Site, media: str) -> None:
    one = msgspec.json.encode(call(server.pageview()))
    body = b"[%b]" % one if media == "application/json" else one + b"\n" + one
    assert {answer["status"] for answer in items(server, b"\xef\xbb\xbf" + body, media=media)} == {200}


@pytest.mark.parametrize("body", [b"", b"  \n", b"[]", b"[1,", b'["\xff"]', b"[" * 20_000])
def test_a_body_without_calls_is_refused_whole(server: Site, body: bytes) -> None:
    response = post(server, body)
    assert response.status_code in (200, 400), response.text
    assert response.status_code == 400 or response.json()["data"][0]["status"] == 400
    assert server.stored() == (0, 0, 0, 0)


def test_more_than_a_thousand_calls_are_refused_whole(server: Site) -> None:
    response = post(server, b"{}\n" * 1001, media="application/x-ndjson")
    assert response.status_code == 400
    assert "1000" in response.json()["error"]["message"]


def test_more_than_a_mebibyte_is_refused_whole(server: Site) -> None:
    assert post(server, b" " * (1024 * 1024 + 1)).status_code == 413


def test_each_call_counts_against_the_rate_limit(start_inside: MakeInside) -> None:
    running = start_inside({"FOOTFALL_RATE_LIMIT": "60"}, clock=SetClock(system_clock()))
    with http_client(running.url) as client:
        (site,) = make_sites(running.url, client, running.place)
        visitor = site.pageview()
        before = int(site.post(call(visitor)).headers["x-ratelimit-remaining"])
        response = post(site, [call(visitor)] * 10)
        left = int(response.headers["x-ratelimit-remaining"])
        assert left == before - 10
        for _ in range(2):  # a batch that is refused is not counted
            refused = post(site, [call(visitor)] * 61)
            assert refused.status_code == 429
            assert int(refused.headers["retry-after"]) >= 1
            assert int(refused.headers["x-ratelimit-remaining"]) == left
        assert site.post(call(visitor)).status_code == 200
        assert len(site.facts()) == 12


def test_a_cookieless_website_stores_nothing_of_a_batch(sites: Any) -> None:
    site = sites.take("cookieless")
    answers = items(site, [call(new_visitor()), call(new_visitor(), "null")])
    assert [answer["status"] for answer in answers] == [200, 400]
    assert answers[0]["data"]["persisted"] is False
    assert site.stored() == (0, 0, 0, 0)


def test_a_batch_of_many_equals_the_calls_one_by_one(server: Site, other: Site) -> None:
    for site in (server, other):
        visitors = [site.pageview() for _ in range(3)]
        bodies = [call(visitors[n % 3], f"user{n % 4}", **{f"k{n % 5}": n}) for n in range(200)]
        if site is server:
            batched = [answer["data"]["action"] for answer in items(site, bodies)]
        else:
            single = [site.post(body).json()["data"]["action"] for body in bodies]
    assert batched == single
    metadata = [{user: row[2] for user, row in site.profiles().items()} for site in (server, other)]
    assert metadata[0] == metadata[1]


# Dry run


def test_a_dry_run_says_what_would_happen_and_stores_nothing(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"plan": "free"})
    before = server.stored()
    data = server.post(call(visitor, "B", plan="pro"), query="?dry_run=1").json()["data"]
    assert (data["action"], data["persisted"], data["previousUserId"]) == ("created", False, "A")
    assert (
        server.post(call(visitor, "A", plan="pro"), query="?dry_run=1").json()["data"]["action"] == "updated"
    )
    assert (server.stored(), server.traits(visitor)) == (before, {"plan": "free"})


def test_a_dry_batch_answers_as_the_real_one_will(server: Site) -> None:
    visitor = server.pageview()
    bodies = [call(visitor), call(visitor, "B", n=1), call(new_visitor()), ["no"], call(visitor, "B", n=1)]
    dry = items(server, bodies, query="?dry_run=1")
    assert server.facts() == []
    real = items(server, bodies)
    assert [answer["status"] for answer in dry] == [answer["status"] for answer in real]
    for before, after in zip(dry, real, strict=True):
        if "data" in after:
            assert (before["data"].pop("persisted"), after["data"].pop("persisted")) == (False, True)
            for answer in (before, after):  # what tells the time of the call
                del answer["data"]["factId"], answer["data"]["message"]
        assert before == after


def test_a_dry_batch_on_a_cookieless_website_is_answered_like_any(sites: Any) -> None:
    site = sites.take("cookieless")
    answers = items(site, [call(new_visitor()), call(new_visitor(), "null")], query="?dry_run=1")
    assert [answer["status"] for answer in answers] == [200, 400]
    assert answers[0]["data"]["persisted"] is False


def test_a_dry_run_refuses_what_would_be_refused(server: Site) -> None:
    assert server.post(call(new_visitor()), query="?dry_run=1").status_code == 404
    assert "dry_run" in server.refused(call(new_visitor()), query="?dry_run=yes")
    assert server.post(call(server.pageview()), query="?dry_run=0").json()["data"]["persisted"] is True

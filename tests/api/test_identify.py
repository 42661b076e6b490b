"""`POST /api/v1/identify`: what is taken, what is refused and why, and in which order that is checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from footfall.clock import system_clock, to_iso
from footfall.identity.wire import MAX_BODY
from tests.conftest import MakeServer, SitePool
from tests.support.engines import Engine
from tests.support.servers import serving
from tests.support.sites import CHROME, Site, http_client, make_sites, moment, new_visitor

JSON_TYPE = {"content-type": "application/json"}


def body(visitor: str, user_id: Any = "A", **traits: Any) -> dict[str, Any]:
    return {"user_id": user_id, "datafast_visitor_id": visitor, **traits}


# The answer


def test_the_answer_says_what_happened(server: Site) -> None:
    visitor = server.pageview()
    data = server.identify(visitor, "A", {"plan": "pro"})

    assert data["message"] == "User profile created successfully"
    assert (data["action"], data["persisted"], data["linkedVisitors"]) == ("created", True, 1)
    assert (data["previousUserId"], data["warnings"]) == (None, [])
    assert data["profileId"] == server.profile(visitor)["profileId"]
    assert data["factId"] == server.facts()[0][0].hex()


def test_the_fact_names_the_key_that_brought_it(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"plan": "pro", "n": 1.0})
    (fact,) = server.facts()

    assert fact[1:6] == (
        "A",
        bytes.fromhex(visitor.replace("-", "")),
        "server",
        1,
        bytes.fromhex(server.key_id),
    )
    assert json.loads(fact[6]) == {"set": {"plan": "pro", "n": 1}}


def test_a_new_visitor_of_a_known_user_is_an_update(server: Site) -> None:
    one, two = server.pageview(), server.pageview()
    server.identify(one, "A", {"k": 1})
    assert server.identify(two, "A", {"k": 1})["action"] == "updated"


def test_equal_json_values_are_no_change(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"n": 1, "o": {"a": [1.0, True], "b": None}})
    assert (
        server.identify(visitor, "A", {"n": 1.0, "o": {"b": None, "a": [1, True]}})["action"] == "unchanged"
    )


def test_a_boolean_is_not_the_number_one(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"n": 1})
    assert server.identify(visitor, "A", {"n": True})["action"] == "updated"


def test_a_nested_object_is_replaced_whole(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"o": {"a": 1, "b": 2}})
    server.identify(visitor, "A", {"o": {"b": 3}})
    assert server.traits(visitor) == {"o": {"b": 3}}


def test_a_token_without_analytics_read_learns_nothing_about_others(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A")
    writer, reader = server.token(["identify:write"]), server.token(["identify:write", "analytics:read"])
    query = f"?websiteId={server.website_id}"

    blind = server.post(body(visitor, "B"), key=writer, query=query).json()["data"]
    assert (blind["linkedVisitors"], blind["previousUserId"], blind["action"]) == (None, None, "created")
    seeing = server.post(body(visitor, "C"), key=reader, query=query).json()["data"]
    assert (seeing["linkedVisitors"], seeing["previousUserId"]) == (1, "B")


def test_a_call_that_comes_again_names_the_same_user_before(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", at=1)
    told = [server.identify(visitor, "B", at=2) for _ in range(3)]
    assert [one["previousUserId"] for one in told] == ["A"] * 3
    assert [one["action"] for one in told] == ["created", "unchanged", "unchanged"]
    server.identify(visitor, "B", at=3)
    assert server.identify(visitor, "B", at=3)["previousUserId"] is None


def test_a_call_that_was_undone_and_comes_again_says_that_it_does_not_count(server: Site) -> None:
    visitor = server.pageview()
    fact_id = server.identify(visitor, "A", {"plan": "pro"}, at=1)["factId"]
    assert server.call("POST", f"/api/v1/ledger/{fact_id}/undo").status_code == 200
    again = server.identify(visitor, "A", {"plan": "pro"}, at=1)
    assert (again["factId"], again["action"], again["linkedVisitors"]) == (fact_id, "unchanged", 0)
    assert [(one["code"], one["field"]) for one in again["warnings"]] == [("fact_undone", "$at")]


def test_a_key_may_name_its_own_website(server: Site) -> None:
    visitor = server.pageview()
    assert server.post(body(visitor), query=f"?websiteId={server.website_id.upper()}").status_code == 200


def test_backends_may_have_the_user_agents_of_programs(server: Site) -> None:
    visitor = server.pageview()
    for agent in ("node", "python-requests/2.32", "Go-http-client/1.1", "Googlebot/2.1", ""):
        headers = {"authorization": f"Bearer {server.key}", "user-agent": agent, **JSON_TYPE}
        response = server.http.post("/api/v1/identify", json=body(visitor), headers=headers)
        assert response.status_code == 200, agent


def test_the_scheme_of_a_credential_is_read_without_regard_to_case(server: Site) -> None:
    visitor = server.pageview()
    headers = {"authorization": f"bearer {server.key}"}
    assert server.http.post("/api/v1/identify", json=body(visitor), headers=headers).status_code == 200


# The visitor


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "abc",
        5,
        True,
        [],
        {},
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "3f2b8a4e5c1d4e6f9a7b0c1d2e3f4a5b",
        "{3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b}",
        "3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5g",
        "3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b\n",
        "3f2b8a4e-5c1d-9e6f-9a7b-0c1d2e3f4a5b",
    ],
)
@pytest.mark.parametrize("field", ["datafast_visitor_id", "visitorId"])
def test_what_is_no_uuid_is_refused(server: Site, field: str, bad: Any) -> None:
    assert field in server.refused({"user_id": "A", field: bad})


def test_a_visitor_id_is_required(server: Site) -> None:
    assert "datafast_visitor_id is required" in server.refused({"user_id": "A"})
    assert "datafast_visitor_id is required" in server.refused({"user_id": "A", "datafast_visitor_id": None})


@pytest.mark.parametrize("version", "12345678")
def test_every_version_of_uuid_is_taken(server: Site, version: str) -> None:
    visitor = f"3f2b8a4e-5c1d-{version}e6f-9a7b-{version * 12}"
    server.pageview(visitor)
    assert server.identify(visitor, "A")["persisted"]


def test_upper_and_lower_case_are_one_visitor(server: Site) -> None:
    visitor = new_visitor()
    server.pageview(visitor.upper())
    server.identify(visitor.upper(), "A")
    assert server.visitor(visitor)["visitorId"] == visitor
    assert server.visitor(visitor.upper())["visitorId"] == visitor


def test_the_alias_of_the_visitor_id_is_taken(server: Site) -> None:
    visitor = server.pageview()
    assert server.post({"user_id": "A", "visitorId": visitor}).status_code == 200
    both = {"user_id": "A", "visitorId": visitor, "datafast_visitor_id": visitor.upper()}
    assert server.post(both).status_code == 200
    assert server.traits(visitor) == {}


def test_two_different_visitor_ids_are_refused(server: Site) -> None:
    one, two = server.pageview(), server.pageview()
    message = server.refused({"user_id": "A", "datafast_visitor_id": one, "visitorId": two})
    assert "datafast_visitor_id and visitorId differ" in message


def test_a_visitor_without_pageview_is_not_found(server: Site) -> None:
    visitor = new_visitor()
    assert "no pageview" in server.refused(body(visitor), status=404)
    server.custom(visitor)
    server.refused(body(visitor), status=404)
    server.pageview(visitor)
    server.identify(visitor, "A")


def test_another_websites_visitor_is_not_told_apart_from_an_unknown_one(server: Site, other: Site) -> None:
    theirs = other.pageview()
    unknown = server.refused(body(new_visitor()), status=404)
    assert server.refused(body(theirs), status=404) == unknown
    assert server.stored() == (0, 0, 0, 0)


def test_a_visitor_known_only_as_a_bot_is_not_found(server: Site) -> None:
    visitor = new_visitor()
    assert server.dropped("pageview", visitor, user_agent="Googlebot/2.1") == "bot"
    server.refused(body(visitor), status=404)


# The user id


@pytest.mark.parametrize("user_id", [5, 1.5, True, [], {}, ["A"], {"a": 1}])
def test_a_user_id_is_a_string(server: Site, user_id: Any) -> None:
    assert "user_id must be a JSON string" in server.refused(body(server.pageview(), user_id))


@pytest.mark.parametrize("user_id", ["", "x" * 256, "€" * 256, "a\tb", "a\nb", "\x7f", "a\x85b", "\x1b[0m"])
def test_a_user_id_has_1_to_255_characters_and_no_controls(server: Site, user_id: str) -> None:
    assert server.refused(body(server.pageview(), user_id)).startswith("user_id must")


@pytest.mark.parametrize("user_id", [" ", "\u2003 \u00a0", "\u3000"])
def test_a_user_id_is_not_only_white_space(server: Site, user_id: str) -> None:
    assert server.refused(body(server.pageview(), user_id)).startswith("user_id ")


def test_a_user_id_is_required(server: Site) -> None:
    visitor = server.pageview()
    assert "user_id is required" in server.refused({"datafast_visitor_id": visitor})
    assert "user_id is required" in server.refused(body(visitor, None))


@pytest.mark.parametrize(
    "user_id",
    [
        "undefined",
        "UNDEFINED",
        "null",
        "NaN",
        "none",
        "None",
        "true",
        "False",
        "0",
        "-1",
        "anonymous",
        "guest",
        "user",
        "id",
        "email",
        "user_id",
        "distinct_id",
        "[object Object]",
        '"undefined"',
        "'null'",
        "000",
        "--",
        "- -",
        " null ",
        "0-0",
    ],
)
def test_a_placeholder_is_no_user_id_and_the_answer_says_why(server: Site, user_id: str) -> None:
    assert "would join all users" in server.refused(body(server.pageview(), user_id))


@pytest.mark.parametrize(
    "user_id", ["x" * 255, "😀" * 255, " A ", "1", "00A", "users", "ünïcode", "a b", "e\u0301"]
)
def test_a_user_id_is_kept_exactly_as_sent(server: Site, user_id: str) -> None:
    visitor = server.pageview()
    server.identify(visitor, user_id)
    assert server.profile(visitor)["userId"] == user_id


def test_user_ids_are_never_normalised(server: Site) -> None:
    visitor = server.pageview()
    composed, decomposed = server.identify(visitor, "\u00e9"), server.identify(visitor, "e\u0301")
    assert composed["profileId"] != decomposed["profileId"]


# Operations


@pytest.mark.parametrize("key", ["$set", "$SET_ONCE", "$", "$add", "$at "])
def test_an_unknown_operation_is_refused(server: Site, key: str) -> None:
    assert server.refused(body(server.pageview(), **{key: {}})).startswith(f"{key}: unknown operation")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"$set_once": 5}, "$set_once"),
        ({"$set_once": ["k"]}, "$set_once"),
        ({"$set_once": {"k": None}}, "$set_once.k"),
        ({"$set_once": {"$k": 1}}, "$set_once.$k"),
        ({"$set_once": {"user_id": 1}}, "$set_once.user_id"),
        ({"$unset": "k"}, "$unset"),
        ({"$unset": [1]}, "$unset"),
        ({"$unset": {"k": 1}}, "$unset"),
        ({"k": 1, "$unset": ["k"]}, "k"),
        ({"k": 1, "$set_once": {"k": 2}}, "k"),
        ({"$set_once": {"k": 2}, "$unset": ["k"]}, "k"),
        ({"k": None, "$set_once": {"k": 2}}, "k"),
        ({"k": None, "$unset": ["k"]}, "k"),
        ({"$at": 5}, "$at"),
        ({"$at": None}, "$at"),
        ({"$at": "yesterday"}, "$at"),
        ({"$at": "2026-05-05T12:00:00"}, "$at"),
        ({"$at": "1969-12-31T23:59:59Z"}, "$at"),
        ({"$at": "9999-12-31T23:59:59-12:00"}, "$at"),
    ],
)
def test_a_wrong_operation_is_refused_with_its_name(server: Site, said: dict[str, Any], field: str) -> None:
    visitor = server.pageview()
    assert server.refused(body(visitor, **said)).startswith(field)
    assert server.facts() == []


def test_a_call_may_lie_60_seconds_ahead_and_no_more(server: Site) -> None:
    visitor = server.pageview()
    near, far = to_iso(system_clock() + 30_000), to_iso(system_clock() + 120_000)
    assert server.post(body(visitor, **{"$at": near})).status_code == 200
    assert "60 s ahead" in server.refused(body(visitor, **{"$at": far}))


def test_a_live_call_wins_over_one_that_lies_ahead(server: Site) -> None:
    visitor = server.pageview()
    server.post(body(visitor, k=1, **{"$at": to_iso(system_clock() + 50_000)}))
    server.identify(visitor, "A", {"k": 2})
    assert server.traits(visitor) == {"k": 2}


def test_the_zone_of_a_time_counts(server: Site) -> None:
    visitor = server.pageview()
    server.post(body(visitor, k=1, **{"$at": "2024-05-05T12:00:00+02:00"}))
    server.post(body(visitor, k=2, **{"$at": "2024-05-05T11:00:00Z"}))
    assert server.traits(visitor) == {"k": 2}
    assert server.profile(visitor)["identifiedAt"] == "2024-05-05T10:00:00.000Z"


def test_set_once_keeps_the_first_value(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"$set_once": {"source": "ad"}})
    assert server.identify(visitor, "A", {"$set_once": {"source": "mail"}})["action"] == "unchanged"
    assert server.traits(visitor) == {"source": "ad"}


# Names and images


@pytest.mark.parametrize(
    "field", ["name", "first_name", "last_name", "firstName", "lastName", "full_name", "fullName", "username"]
)
@pytest.mark.parametrize(
    "value",
    [
        "",
        "  ",
        "undefined undefined",
        "Null",
        "NaN",
        "None None",
        "[object Object]",
        "null [object Object] None",
    ],
)
def test_a_placeholder_name_is_left_out_with_a_warning(server: Site, field: str, value: str) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {field: "Ada"})
    data = server.identify(visitor, "A", {field: value})

    assert [(warning["code"], warning["field"]) for warning in data["warnings"]] == [
        ("placeholder_ignored", field)
    ]
    assert data["action"] == "unchanged"
    assert server.traits(visitor) == {field: "Ada"}


@pytest.mark.parametrize("value", ["Null Island", "undefinedx", "Nan Goldin", "None of your business"])
def test_a_name_that_holds_a_placeholder_is_kept(server: Site, value: str) -> None:
    visitor = server.pageview()
    assert server.identify(visitor, "A", {"name": value})["warnings"] == []
    assert server.traits(visitor) == {"name": value}


def test_a_placeholder_in_another_field_is_a_value(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"nickname": "undefined", "title": ""})
    assert server.traits(visitor) == {"nickname": "undefined", "title": ""}


def test_null_unsets_a_name_and_an_image(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"name": "Ada", "image": "https://a.example/a.png"})
    assert server.identify(visitor, "A", {"name": None, "image": None})["warnings"] == []
    assert server.traits(visitor) == {}


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("", "placeholder_ignored"),
        ("  ", "placeholder_ignored"),
        ("a.png", "image_ignored"),
        ("javascript:alert(1)", "image_ignored"),
        ("data:image/png;base64,AA", "image_ignored"),
        ("https://a.example/" + "x" * 250, "image_ignored"),
        (5, "image_ignored"),
        ({"url": "https://a.example"}, "image_ignored"),
    ],
)
def test_what_is_no_image_is_left_out_with_a_warning(server: Site, image: Any, code: str) -> None:
    visitor = server.pageview()
    data = server.identify(visitor, "A", {"image": image})
    assert [(warning["code"], warning["field"]) for warning in data["warnings"]] == [(code, "image")]
    assert server.traits(visitor) == {}


def test_an_image_of_250_characters_is_kept(server: Site) -> None:
    visitor = server.pageview()
    image = "HTTPS://a.example/".ljust(250, "x")
    server.identify(visitor, "A", {"image": image})
    assert server.traits(visitor) == {"image": image}


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
    [b"", b"[]", b'"text"', b"5", b"null", b"true", b"[{}]", b"\xff", b"{", b"{}{}", b"\xef\xbb\xbf{}"],
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


@pytest.fixture(scope="module")
def limited(engine: Engine) -> Iterator[Site]:
    """A website of a server that takes 20 calls a minute for each key."""
    with ExitStack() as stack:
        running = stack.enter_context(serving(engine.new_place(), {"FOOTFALL_RATE_LIMIT": "20"}))
        client = stack.enter_context(http_client(running.url))
        yield make_sites(running.url, client, running.place)[0]


def test_calls_are_counted_down_and_then_refused(limited: Site) -> None:
    visitor = limited.pageview()
    answers = [limited.post(body(visitor)) for _ in range(45)]
    refused = [answer for answer in answers if answer.status_code == 429]

    assert {answer.status_code for answer in answers} == {200, 429}
    for answer in refused:
        assert answer.json()["limit"] == 20
        assert 1 <= int(answer.headers["retry-after"]) <= 60
    windows: dict[str, list[httpx.Response]] = {}
    for answer in answers:
        windows.setdefault(answer.headers["x-ratelimit-reset"], []).append(answer)
    for window in windows.values():
        left = [int(answer.headers["x-ratelimit-remaining"]) for answer in window]
        assert left == sorted(left, reverse=True)
    assert len(limited.facts()) == len(answers) - len(refused)


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


def test_the_page_of_a_wrong_key_is_not_limited(start: MakeServer) -> None:
    running = start({"FOOTFALL_RATE_LIMIT": "1"})
    with http_client(running.url) as client:
        for _ in range(3):
            response = client.post("/api/v1/identify", headers={"authorization": f"Bearer {CHROME}"})
            assert response.status_code == 401

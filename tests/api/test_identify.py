"""`POST /api/v1/identify`: what is taken, what is refused and why. Limits and the order of checks: test_identify_limits.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from footfall.clock import system_clock, to_iso
from tests.support.sites import JSON_TYPE, Site, new_visitor
from tests.support.sites import identify_body as body

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

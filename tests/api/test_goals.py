"""`/api/v1/goals`: goals of servers beside those of pages, in batches, once for each idempotency key; and their deletion."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from footfall.clock import to_iso
from footfall.collect import goals as stored_goals
from footfall.collect.model import RESERVED
from tests.support.people import erase, journey, merge, person
from tests.support.sites import NOW_SET, Site, moment, new_visitor, sql

TRACKED = "/api/v1/admin/websites/{}/goals"


def post(site: Site, visitor: str | None, name: Any = "signup", **fields: Any) -> httpx.Response:
    body = {"name": name, **({"datafast_visitor_id": visitor} if visitor else {}), **fields}
    return site.call("POST", "/api/v1/goals", json=body)


def reached(site: Site, visitor: str | None, name: str = "signup", **fields: Any) -> str:
    """The event id of a goal that is kept."""
    answer = post(site, visitor, name, **fields)
    assert answer.status_code == 200, answer.text
    (data,) = answer.json()["data"]
    assert data["message"] == "Custom event created successfully"
    return str(data["eventId"])


def completed(site: Site, visitor: str) -> list[dict[str, Any]]:
    answer = site.call("GET", f"/api/v1/visitors/{visitor}").json()["data"]["activity"]
    assert answer["completedGoals"] == answer["completedCustomGoals"]
    found: list[dict[str, Any]] = answer["completedGoals"]
    return found


def tracked(site: Site) -> dict[str, tuple[int, int, float]]:
    answer = site.call("GET", TRACKED.format(site.website_id))
    assert answer.status_code == 200, answer.text
    return {one["name"]: (one["total"], one["uv"], one["conversionRate"]) for one in answer.json()["data"]}


def delete(site: Site, **query: str) -> httpx.Response:
    return site.call("DELETE", "/api/v1/goals", params=query)


def count_problems(site: Site) -> list[Any]:
    """Where what is counted is not what the events say."""
    found: dict[tuple[str, bytes], list[bytes]] = {}
    for name, visitor_id, event_id in site.rows(sql.named_events):
        found.setdefault((name, visitor_id), []).append(event_id)
    said = {key: (len(ids), min(ids), max(ids)) for key, ids in found.items()}
    counted = {(name, visitor): tuple(rest) for name, visitor, *rest in site.rows(sql.goal_counts)}
    return [] if said == counted else [said, counted]


def test_a_goal_of_a_server_stands_beside_those_of_pages(server: Site) -> None:
    visitor = server.pageview()
    server.custom(visitor, "signup", plan="free")
    event_id = reached(
        server, visitor, "Paid Invoice", metadata={"plan": "pro", "n": 3}, description="by <b>wire</b>"
    )
    first, second = completed(server, visitor)
    assert (first["name"], first["isServer"], first["metadata"]) == ("signup", False, {"plan": "free"})
    assert second == {
        "name": "paid_invoice",
        "timestamp": to_iso(int(event_id[:12], 16)),
        "metadata": {"plan": "pro", "n": "3"},
        "description": "by wire",
        "isServer": True,
        "origin": "manual",
    }
    assert tracked(server) == {"paid_invoice": (1, 1, 1), "signup": (1, 1, 1)}
    assert count_problems(server) == []


def test_a_goal_of_a_server_is_part_of_the_person_and_of_no_visit(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A")
    reached(server, visitor, at=moment(1), description="late")
    shown = person(server, "A")
    assert shown["activity"]["goalCount"] == 1
    assert [one for one in journey(server, "A")["data"] if one["type"] == "goal"] == [
        {
            **next(one for one in journey(server, "A")["data"] if one["type"] == "goal"),
            "at": moment(1),
            "name": "signup",
            "data": None,
            "isServer": True,
            "description": "late",
        }
    ]
    activity = server.call("GET", f"/api/v1/visitors/{visitor}").json()["data"]["activity"]
    assert (activity["visitCount"], activity["pageViewCount"]) == (1, 1)
    assert activity["firstVisitAt"] != moment(1)


def test_the_same_idempotency_key_twice_is_one_goal_and_the_same_answer(server: Site) -> None:
    visitor = server.pageview()
    first = reached(server, visitor, idempotency_key="order-1")
    assert reached(server, visitor, idempotency_key="order-1") == first
    assert reached(server, visitor, idempotency_key="order-2") != first
    assert tracked(server)["signup"][0] == 2
    bodies = [{"name": "x", "datafast_visitor_id": visitor, "idempotency_key": "k"}] * 3
    answers = server.call("POST", "/api/v1/goals/batch", json=bodies).json()["data"]
    assert len({one["data"]["eventId"] for one in answers}) == 1
    assert tracked(server)["x"][0] == 1


def test_a_key_is_of_one_website(server: Site, other: Site) -> None:
    mine, theirs = server.pageview(), other.pageview()
    assert reached(server, mine, idempotency_key="k") != reached(other, theirs, idempotency_key="k")
    assert tracked(other)["signup"][0] == 1


def test_a_user_id_means_the_visitor_that_the_person_used_last(server: Site) -> None:
    old, new, shared = server.pageview(), server.pageview(), server.pageview()
    server.identify(old, "A")
    server.identify(new, "A2")
    server.identify(shared, "A")
    server.identify(shared, "B")
    merge(server, "A", "A2")
    server.pageview(new)
    server.pageview(shared)
    reached(server, None, user_id="A")
    assert [len(completed(server, one)) for one in (old, new, shared)] == [0, 1, 0]
    assert post(server, None, user_id="nobody here").status_code == 404


def test_before_the_first_pageview_there_is_no_goal(server: Site) -> None:
    visitor = new_visitor()
    server.custom(visitor, "early")
    answer = post(server, visitor)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, 404)
    assert tracked(server) == {}
    server.pageview(visitor)
    assert tracked(server) == {"early": (1, 1, 1)}


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_reserved_name_is_nobodys_to_send(server: Site, name: str) -> None:
    visitor = server.pageview()
    answer = post(server, visitor, name.upper())
    assert answer.status_code == 400
    assert "reserved" in answer.json()["error"]["message"]
    assert server.dropped("custom", visitor, extraData={"eventName": name}) == "invalid_event"
    assert completed(server, visitor) == []


BAD: list[tuple[str, dict[str, Any]]] = [
    ("name", {"name": None}),
    ("name", {"name": 7}),
    ("name", {"name": "<b>signup</b>"}),
    ("name", {"name": "x" * 65}),
    ("metadata", {"metadata": []}),
    ("metadata", {"metadata": {f"k{n}": n for n in range(11)}}),
    ("metadata.A", {"metadata": {"A": 1}}),
    ("metadata.k", {"metadata": {"k": {}}}),
    ("metadata.k", {"metadata": {"k": "x" * 256}}),
    ("description", {"description": 1}),
    ("description", {"description": "x" * 1001}),
    ("at", {"at": "yesterday"}),
    ("at", {"at": "2500-01-01T00:00:00Z"}),
    ("idempotency_key", {"idempotency_key": ""}),
    ("idempotency_key", {"idempotency_key": "x" * 256}),
    ("datafast_visitor_id and user_id", {"user_id": "A"}),
    ("datafast_visitor_id", {"datafast_visitor_id": "me"}),
]


@pytest.mark.parametrize(("field", "fields"), BAD)
def test_what_is_wrong_is_named(server: Site, field: str, fields: dict[str, Any]) -> None:
    visitor = server.pageview()
    body = {"name": "signup", "datafast_visitor_id": visitor, **fields}
    answer = server.call("POST", "/api/v1/goals", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"].startswith(field)


def test_a_batch_answers_each_goal_in_order(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A")
    bodies = [
        {"name": "a", "visitorId": visitor},
        {"name": "payment", "visitorId": visitor},
        {"name": "a", "user_id": "A"},
        {"name": "a", "visitorId": new_visitor()},
        ["no"],
    ]
    content = b"\n".join(map(msgspec.json.encode, bodies))
    media = {"content-type": "application/x-ndjson", "authorization": f"Bearer {server.key}"}
    answer = server.http.post("/api/v1/goals/batch", content=content, headers=media)
    assert [one["status"] for one in answer.json()["data"]] == [200, 400, 200, 404, 400]
    assert tracked(server) == {"a": (2, 1, 1)}
    empty = server.call("POST", "/api/v1/goals/batch", json=[])
    assert (empty.status_code, "array of goals" in empty.text) == (400, True)


def test_goals_are_deleted_by_visitor_name_and_time_in_either_spelling(server: Site) -> None:
    one, two = server.pageview(), server.pageview()
    for number in range(4):
        reached(server, one, "a", at=moment(number))
        reached(server, one, "b", at=moment(number))
        reached(server, two, "a", at=moment(number))
    deleted = delete(server, datafast_visitor_id=one, name="a", startAt=moment(1), endAt=moment(2))
    assert deleted.json()["data"] == [
        {
            "message": "Goal events deleted successfully within time range",
            "deleted": 2,
            "datafast_visitor_id": one,
            "goal_name": "a",
            "timeRange": {"start": moment(1), "end": moment(2)},
        }
    ]
    assert count_problems(server) == []
    assert tracked(server) == {"a": (6, 2, 1), "b": (4, 1, 0.5)}
    assert delete(server, start=moment(3), end=moment(3)).json()["data"][0]["deleted"] == 3
    assert delete(server, visitorId=one, goalName="B").json()["data"][0]["deleted"] == 3
    assert delete(server, name="b").status_code == 404
    assert count_problems(server) == []
    assert delete(server, goalName="a").json()["data"][0]["deleted"] == 4
    assert tracked(server) == {}
    assert completed(server, one) == []


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"name": "a", "goalName": "b"},
        {"visitorId": "x"},
        {"name": "<b>"},
        {"startAt": "2026"},
        {"startAt": moment(2), "endAt": moment(1)},
    ],
)
def test_a_deletion_that_is_not_clear_is_refused(server: Site, query: dict[str, str]) -> None:
    assert delete(server, **query).status_code == 400


def test_many_goals_are_deleted_in_slices(server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_goals, "SLICE", 3)
    visitors = [server.pageview() for _ in range(4)]
    bodies = [
        {"name": name, "visitorId": visitor, "at": to_iso(NOW_SET + number)}
        for visitor in visitors
        for name in ("a", "b", "c")
        for number in range(4 if name == "a" else 2)
    ]
    for query, left in (
        ({"name": "b"}, 24),
        ({"visitorId": visitors[0]}, 18),
        ({"start": to_iso(NOW_SET + 1)}, 6),
    ):
        if query == {"name": "b"}:
            server.call("POST", "/api/v1/goals/batch", json=bodies)
        assert delete(server, **query).status_code == 200
        assert sum(total for total, _, _ in tracked(server).values()) == left
        assert count_problems(server) == []


def test_an_erased_person_leaves_goals_that_tell_nothing(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A")
    reached(server, visitor, "paid", metadata={"to": "quetzalcoatl"}, description="xochimilco")
    erase(server, "A")
    (left,) = completed(server, visitor)
    assert (left["name"], left["metadata"], left["description"]) == ("paid", {}, None)
    assert count_problems(server) == []


def test_how_a_goal_looks_is_kept_changed_and_removed(server: Site) -> None:
    path = TRACKED.format(server.tracking_id) + "/customizations"
    change = {"goalName": "Signup", "displayName": "Signed up", "color": "#22C55E"}
    (look,) = server.call("PATCH", path, json=change).json()["data"]
    assert {**look, "updatedAt": None} == {
        "goalName": "signup",
        "displayName": "Signed up",
        "color": "#22c55e",
        "description": None,
        "updatedAt": None,
    }
    server.call("PATCH", path, json={"goalName": "signup", "name": "Joined", "color": None})
    answer = server.call("GET", path).json()
    assert [(one["displayName"], one["color"]) for one in answer["data"]] == [("Joined", None)]
    assert {"color", "label", "family"} == set(answer["colors"][0])
    assert server.call("PATCH", path, json={"goalName": "x", "description": "x" * 301}).status_code == 400
    assert server.call("PATCH", path, json={"goalName": "x", "color": "red"}).status_code == 400
    assert server.call("PATCH", path, json={"goalName": "x"}).status_code == 400
    assert server.call("PATCH", path, json={"goalName": "x", "description": "x" * 5000}).status_code == 413
    assert server.call("DELETE", path, params={"goalName": "signup"}).status_code == 200
    assert server.call("DELETE", path, params={"goalName": "signup"}).status_code == 404


def test_a_deletion_refuses_what_it_would_not_heed(server: Site) -> None:
    server.custom(server.pageview(), "signup")
    for name in ("user_id", "person", "profileId", "idempotency_key"):
        response = delete(server, **{name: "x", "startAt": "2026-01-01T00:00:00Z"})
        assert response.status_code == 400, response.text
        assert f"{name} does not narrow a deletion" in response.text
    assert tracked(server)["signup"][0] == 1


def test_a_website_in_the_path_is_the_callers_own(server: Site, other: Site) -> None:
    for ref in (other.website_id, other.tracking_id, "nowhere"):
        assert server.call("GET", TRACKED.format(ref)).status_code == 403
    token = server.token(["settings:read"])
    assert server.call("GET", TRACKED.format(other.website_id), key=token).status_code == 200
    assert (
        server.call("GET", TRACKED.format(other.website_id), key=server.token(["goals:read"])).status_code
        == 403
    )

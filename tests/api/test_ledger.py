"""Merge, undo, and the ledger itself."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.conftest import SitePool
from tests.support.people import ask, journey, merge, person, undo
from tests.support.servers import run_json
from tests.support.sites import Site, moment


def two_people(site: Site) -> tuple[str, str]:
    """A with a plan, and B with seats; their visitors."""
    first, second = site.pageview(), site.pageview()
    site.identify(first, "A", {"plan": "free", "name": "Ada"})
    site.identify(second, "B", {"plan": "pro", "seats": 4})
    return first, second


def whole(site: Site, *users: str) -> list[Any]:
    """All that the API says of people, but for what tells the time of the question."""
    return [(person(site, user, explain=1), journey(site, user)["data"]) for user in users]


# Merge (scenarios 11 and 12)


@pytest.mark.parametrize("order", list(itertools.permutations(["BC", "CD", "AC"])), ids="-".join)
def test_people_merged_in_any_order_are_one(server: Site, order: tuple[str, ...]) -> None:
    ids = {user: server.identify(server.pageview(), user, {user: 1})["profileId"] for user in "ABCD"}
    for pair in order:
        merged = merge(server, *pair)
    assert merged["profileId"] == min(ids.values())
    assert (merged["userId"], merged["userIds"]) == ("A", ["A", "B", "C", "D"])
    assert len(merged["visitors"]) == 4
    for user, profile_id in ids.items():
        assert person(server, user)["profileId"] == merged["profileId"]
        by_id = ask(server, f"/api/v1/profiles/{profile_id}")["data"]
        assert by_id["metadata"] == {"A": 1, "B": 1, "C": 1, "D": 1}
    assert run_json(server.place, "db", "verify")["ok"]


def test_merged_people_are_as_if_they_had_always_been_one(server: Site) -> None:
    first, second = two_people(server)
    merged = merge(server, "A", "B", reason="the same e-mail address")
    assert merged["metadata"] == {"plan": "pro", "name": "Ada", "seats": 4}
    for visitor in (first, second):
        profile = server.profile(visitor)
        assert (profile["profileId"], profile["userId"]) == (merged["profileId"], "A")
    answer = server.identify(second, "A")
    assert (answer["action"], answer["previousUserId"], answer["linkedVisitors"]) == ("unchanged", None, 2)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_token_without_analytics_read_merges_and_learns_nothing(server: Site, dry_run: bool) -> None:
    two_people(server)
    token = server.token(["identify:write"])
    answer = server.http.post(
        f"/api/v1/profiles/merge?websiteId={server.website_id}",
        json={"userIds": ["A", "B"], "dryRun": dry_run},
        headers={"authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 200
    told = answer.json()["data"]
    assert [told[name] for name in ("userId", "userIds", "visitors", "metadata", "leftOut")] == [None] * 5
    assert (person(server, "A")["userIds"] == ["A", "B"]) is not dry_run


def test_merge_then_undo_is_as_before(server: Site) -> None:
    two_people(server)
    before = whole(server, "A", "B")
    merged = merge(server, "A", "B")
    gone = undo(server, merged["factId"])
    assert (gone["undone"], gone["kind"], gone["stillMergedBy"]) == (merged["factId"], "merge", [])
    assert whole(server, "A", "B") == before
    undo(server, gone["factId"])
    assert person(server, "B")["userIds"] == ["A", "B"]
    assert run_json(server.place, "db", "verify")["ok"]


def test_what_came_in_between_stays_after_an_undo(server: Site) -> None:
    first, second = two_people(server)
    merged = merge(server, "A", "B")
    server.identify(first, "B", {"seats": 9})
    undo(server, merged["factId"])
    assert person(server, "A")["metadata"] == {"plan": "free", "name": "Ada"}
    assert person(server, "B")["metadata"] == {"plan": "pro", "seats": 9}
    assert {one["visitorId"] for one in person(server, "B")["visitors"]} == {first, second}


def test_an_undo_says_which_merges_still_join_the_two(server: Site) -> None:
    two_people(server)
    first, second = merge(server, "A", "B"), merge(server, "B", "A")
    assert undo(server, first["factId"])["stillMergedBy"] == [second["factId"]]
    assert person(server, "A")["userIds"] == ["A", "B"]
    assert undo(server, second["factId"])["stillMergedBy"] == []
    assert person(server, "A")["userIds"] == ["A"]


def test_a_dry_merge_says_what_would_be_and_stores_nothing(server: Site) -> None:
    two_people(server)
    before = (whole(server, "A", "B"), server.stored())
    shown = merge(server, "A", "B", dryRun=True)
    assert (shown["factId"], shown["dryRun"], shown["userIds"]) == (None, True, ["A", "B"])
    assert shown["metadata"] == {"plan": "pro", "name": "Ada", "seats": 4}
    assert (whole(server, "A", "B"), server.stored()) == before


def test_a_merge_beyond_the_limits_keeps_the_newest_keys(server: Site) -> None:
    server.identify(server.pageview(), "A", {f"a{n}": n for n in range(200)})
    server.identify(server.pageview(), "B", {f"b{n}": n for n in range(100)})
    merged = merge(server, "A", "B")
    assert len(merged["metadata"]) == 256
    assert len(merged["leftOut"]) == 44
    assert all(key.startswith("a") for key in merged["leftOut"])


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({}, 400, "userIds"),
        ({"userIds": ["A"]}, 400, "userIds"),
        ({"userIds": ["A", 1]}, 400, "user_id"),
        ({"userIds": ["A", "undefined"]}, 400, "user_id"),
        ({"userIds": ["A", "A"]}, 400, "userIds"),
        ({"userIds": ["A", "B"], "reason": "x" * 501}, 400, "reason"),
        ({"userIds": ["A", "B"], "dryRun": 1}, 400, "dryRun"),
        ({"userIds": ["A", "nobody"]}, 404, "nobody"),
    ],
)
def test_a_merge_that_cannot_be_is_refused(server: Site, body: Any, status: int, word: str) -> None:
    two_people(server)
    response = server.call("POST", "/api/v1/profiles/merge", json=body)
    assert response.status_code == status
    assert word in response.json()["error"]["message"]
    assert len(server.facts()) == 2


def test_users_of_another_website_are_not_merged(server: Site, other: Site) -> None:
    two_people(server)
    other.identify(other.pageview(), "C")
    response = server.call("POST", "/api/v1/profiles/merge", json={"userIds": ["A", "C"]})
    assert response.status_code == 404


# Undo of an identify call


def test_a_merged_person_without_room_takes_no_new_field(server: Site) -> None:
    visitors = server.pageview(), server.pageview()
    server.identify(visitors[0], "A", {f"a{n}": n for n in range(200)})
    server.identify(visitors[1], "B", {f"b{n}": n for n in range(100)})
    left_out = merge(server, "A", "B")["leftOut"]
    assert len(left_out) == 300 - 256
    before = server.stored()
    server.refused({"user_id": "A", "datafast_visitor_id": visitors[0], "more": 1})
    assert server.stored() == before
    assert server.identify(visitors[0], "A", {"b1": 2})["action"] == "updated"


def test_an_undone_identify_never_was(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"plan": "free"})
    wrong = server.identify(visitor, "B", {"plan": "oops"})
    server.pageview(visitor)
    undo(server, wrong["factId"])
    assert server.profile(visitor)["userId"] == "A"
    assert server.call("GET", "/api/v1/profiles/user:B").status_code == 404
    assert server.owners(visitor) == ["A", "A"]
    assert run_json(server.place, "db", "verify")["ok"]


def test_the_same_call_again_after_its_undo_counts(server: Site) -> None:
    visitor = server.pageview()
    undo(server, server.identify(visitor, "A", {"plan": "free"})["factId"])
    assert server.profile(visitor) is None
    assert server.identify(visitor, "A", {"plan": "free"})["action"] == "created"
    assert server.traits(visitor) == {"plan": "free"}


def test_an_undo_twice_is_one_undo(server: Site) -> None:
    visitor = server.pageview()
    fact_id = server.identify(visitor, "A")["factId"]
    undo(server, fact_id)
    undo(server, fact_id)
    assert server.profile(visitor) is None


@pytest.mark.parametrize(("fact_id", "status"), [("00" * 16, 404), ("zz", 400), ("00" * 15, 400)])
def test_a_fact_that_is_not_there_cannot_be_undone(server: Site, fact_id: str, status: int) -> None:
    assert server.call("POST", f"/api/v1/ledger/{fact_id}/undo", json={}).status_code == status


def test_a_fact_of_another_website_cannot_be_undone(server: Site, other: Site) -> None:
    visitor = other.pageview()
    fact_id = other.identify(visitor, "A")["factId"]
    assert server.call("POST", f"/api/v1/ledger/{fact_id}/undo", json={}).status_code == 404
    assert other.profile(visitor)["userId"] == "A"


# The ledger as it is shown


def test_the_ledger_shows_every_fact_and_whether_it_counts(server: Site) -> None:
    visitor = server.pageview()
    said = server.identify(visitor, "A", {"plan": "pro", "$unset": ["old"]})
    server.identify(server.pageview(), "B")
    merged = merge(server, "A", "B", reason="one person")
    undone = undo(server, merged["factId"])
    facts = {fact["factId"]: fact for fact in ask(server, "/api/v1/profiles/user:A/ledger")["data"]}

    assert facts[said["factId"]]["operations"] == {"set": {"plan": "pro"}, "unset": ["old"]}
    assert (facts[said["factId"]]["key"], facts[said["factId"]]["active"]) == ("test", True)
    assert (facts[merged["factId"]]["active"], facts[merged["factId"]]["reason"]) == (False, "one person")
    assert facts[undone["factId"]]["undone"] == merged["factId"]
    assert list(facts) == sorted(facts)


def test_users_first_identified_at_the_same_moment_come_in_one_order_everywhere(server: Site) -> None:
    visitor = server.pageview()
    for user in ("A", "B", "C", "D"):
        server.identify(visitor, user, at=1)
    for user in ("B", "C", "D"):
        merged = merge(server, "A", user)
    assert person(server, "A")["userIds"] == merged["userIds"]
    assert server.profile(visitor)["userId"] == merged["userId"]


def test_a_merged_user_of_whom_nothing_counts_any_more_still_leads_to_the_person(server: Site) -> None:
    first, _ = two_people(server)
    doomed = server.identify(first, "C", {"city": "Rome"})
    merge(server, "C", "B")
    undo(server, doomed["factId"])
    shown = person(server, "B")
    assert (shown["userIds"], shown["metadata"].get("city")) == (["B"], None)
    assert person(server, "C") == ask(server, f"/api/v1/profiles/{doomed['profileId']}")["data"] == shown
    ledger = ask(server, "/api/v1/profiles/user:B/ledger")["data"]
    assert [fact["active"] for fact in ledger if fact["factId"] == doomed["factId"]] == [False]

    again = server.identify(first, "C")
    assert again["action"] == "created"
    assert again["profileId"] == min(doomed["profileId"], shown["profileId"])
    assert person(server, "B")["userIds"] == ["B", "C"]


def test_a_user_who_comes_back_to_a_person_was_no_other_before(server: Site) -> None:
    _, second = two_people(server)
    doomed = server.identify(second, "C")
    merge(server, "C", "B")
    undo(server, doomed["factId"])
    assert server.identify(second, "C")["previousUserId"] is None


def test_a_user_of_whom_nothing_counts_is_still_in_ledger_and_export(server: Site) -> None:
    said = server.identify(server.pageview(), "A", {"plan": "pro"})
    undo(server, said["factId"])
    assert server.call("GET", "/api/v1/profiles/user:A").status_code == 404
    facts = ask(server, "/api/v1/profiles/user:A/ledger")["data"]
    assert [(fact["kind"], fact["active"]) for fact in facts] == [("identify", False), ("undo", True)]
    held = ask(server, "/api/v1/profiles/user:A/export")["data"]
    assert (held["ledger"], held["profile"]["metadata"], held["journey"]) == (facts, {}, [])


def test_as_of_knows_a_merge_only_from_then_on(server: Site) -> None:
    two_people(server)
    before = person(server, "B")["identifiedAt"]
    merge(server, "A", "B")
    assert person(server, "B", as_of=before)["userIds"] == ["B"]
    assert person(server, "B", as_of="2100-01-01T00:00:00Z")["userIds"] == ["A", "B"]
    assert moment(0) < before


def test_a_cookieless_website_has_nobody_to_merge(sites: SitePool) -> None:
    site = sites.take("cookieless")
    assert site.call("POST", "/api/v1/profiles/merge", json={"userIds": ["A", "B"]}).status_code == 404

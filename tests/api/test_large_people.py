"""People with many visitors and facts: every answer says the same of them, and holds a part at a time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.dashboard import Visit, enter, make_account
from tests.support.people import ask, people, person, user_ref
from tests.support.sites import Site, new_visitor

MANY = 23


@pytest.fixture
def traveller(server: Site) -> Site:
    """One user with many visitors."""
    for visitor in (new_visitor() for _ in range(MANY)):
        server.pageview(visitor)
        server.identify(visitor, "traveller", {"plan": visitor})
    return server


def pages(site: Site, path: str, **query: Any) -> list[Any]:
    """The answers of all pages, to the last."""
    found = [ask(site, path, **query)]
    while cursor := found[-1]["pagination"]["nextCursor"]:
        found.append(ask(site, path, cursor=cursor, **query))
    return found


def test_list_page_and_person_agree_however_many_visitors(traveller: Site) -> None:
    (row,) = people(traveller)["data"]
    one = person(traveller, "traveller")
    assert (row["firstSeenAt"], row["lastSeenAt"]) == (one["firstSeenAt"], one["lastSeenAt"])
    last = max(
        traveller.visitor(visitor["visitorId"])["activity"]["lastVisitAt"] for visitor in one["visitors"]
    )
    assert row["lastSeenAt"] == last
    assert one["activity"]["sessionCount"] == one["visitorCount"] == MANY
    browser = Visit(traveller.url)
    enter(browser, traveller.place, make_account(traveller.place))
    listed = browser.get(f"/w/{traveller.website_id}/people").text
    assert f'data-label="Visits" class="num visits">{MANY}<' in listed
    shown = browser.get(f"/w/{traveller.website_id}/people/user:traveller?why=1&ledger=1").text
    assert f"<dt>Visits</dt><dd>{MANY}</dd>" in shown
    assert f"<summary>{MANY - 6} more</summary>" in shown
    browser.close()


def test_visitors_and_their_reasons_come_page_by_page_those_used_last_in_front(traveller: Site) -> None:
    path = f"/api/v1/profiles/{user_ref('traveller')}"
    whole = ask(traveller, path, explain=1)["data"]
    ids = [visitor["visitorId"] for visitor in whole["visitors"]]
    seen = [visitor["lastSeenAt"] for visitor in whole["visitors"]]
    assert seen == sorted(seen, reverse=True)
    assert len(ids) == MANY
    parts = [page["data"] for page in pages(traveller, path, explain=1, limit=10)]
    assert [len(part["visitors"]) for part in parts] == [10, 10, 3]
    assert [visitor for part in parts for visitor in part["visitors"]] == whole["visitors"]
    for part in parts:
        shown = [visitor["visitorId"] for visitor in part["visitors"]]
        assert [link["visitorId"] for link in part["explain"]["links"]] == shown
        assert {**part, "visitors": [], "explain": []} == {**whole, "visitors": [], "explain": []}


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_ledger_comes_page_by_page(traveller: Site, order: str) -> None:
    path = f"/api/v1/profiles/{user_ref('traveller')}/ledger"
    whole = ask(traveller, path)["data"]
    parts = [page["data"] for page in pages(traveller, path, limit=10, order=order)]
    assert [len(part) for part in parts] == [10, 10, 3]
    found = [fact for part in parts for fact in part]
    assert found == (whole if order == "asc" else whole[::-1])


def test_the_export_is_whole(traveller: Site) -> None:
    held = ask(traveller, f"/api/v1/profiles/{user_ref('traveller')}/export")["data"]
    assert len(held["profile"]["visitors"]) == len(held["explain"]["links"]) == len(held["ledger"]) == MANY
    assert len(held["sessions"]) == MANY
    assert len(held["journey"]) == 2 * MANY
    assert held["profile"]["explain"] == held["explain"]
    assert [entry["at"] for entry in held["journey"]] == sorted(entry["at"] for entry in held["journey"])


def test_a_journey_over_many_visitors_misses_nothing(traveller: Site) -> None:
    path = f"/api/v1/profiles/{user_ref('traveller')}/journey"
    held = ask(traveller, f"/api/v1/profiles/{user_ref('traveller')}/export")["data"]["journey"]
    for order in ("asc", "desc"):
        found = [entry for page in pages(traveller, path, limit=7, order=order) for entry in page["data"]]
        assert found == (held if order == "asc" else held[::-1])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("?limit=0", "limit must be a whole number from 1 to 1000."),
        ("?cursor=00", "cursor must be a nextCursor of this person."),
        ("/ledger?limit=1001", "limit must be a whole number from 1 to 1000."),
        ("/ledger?order=up", "order must be asc or desc."),
        ("/ledger?cursor=zz", "cursor must be a nextCursor of this ledger."),
        ("/journey?cursor=00", "cursor must be a nextCursor of this journey."),
    ],
)
def test_what_cannot_be_asked_for_is_named(server: Site, path: str, said: str) -> None:
    answer = server.call("GET", f"/api/v1/profiles/{user_ref('nobody')}{path}")
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, said)


def test_goals_are_told_under_both_names(server: Site) -> None:
    visitor = server.pageview()
    server.custom(visitor, "signup", plan="pro")
    activity = server.visitor(visitor)["activity"]
    assert [goal["name"] for goal in activity["completedCustomGoals"]] == ["signup"]
    assert activity["completedCustomGoals"] == activity["completedGoals"]

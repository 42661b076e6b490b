"""The scenarios that say what identity means, through the real API."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

import pytest

from footfall.clock import DAY_MS, system_clock
from footfall.identity.identify.model import MAX_UNSIGNED_A_DAY
from footfall.identity.signing import sign_user
from footfall.identity.store import sql
from footfall.identity.trait_rules import MAX_UNTRUSTED_KEYS
from footfall.websites.store import read_websites
from tests.conftest import SitePool
from tests.support.servers import run_json
from tests.support.sites import CHROME, Site, new_visitor

Step = tuple[dict[str, Any], int]
"""What one identify call says, and the number of the moment at which it is true."""


def test_events_before_and_after_the_first_identify_are_one_persons(server: Site) -> None:
    visitor = server.pageview()
    server.pageview(visitor)
    server.identify(visitor, "A")
    server.pageview(visitor)

    assert server.owners(visitor) == ["A", "A", "A"]
    assert list(server.profiles()) == ["A"]
    assert server.visitor(visitor)["activity"]["pageViewCount"] == 3


def test_a_second_device_joins_the_same_person(server: Site) -> None:
    first, second = server.pageview(), new_visitor()
    server.pageview(first)
    before = server.identify(first, "A")
    server.pageview(first)
    server.pageview(second)
    after = server.identify(second, "A")

    assert after["profileId"] == before["profileId"]
    assert (after["action"], after["linkedVisitors"]) == ("updated", 2)
    assert server.owners(first, second) == ["A"] * 4
    assert list(server.profiles()) == ["A"]


def test_users_of_a_shared_computer_each_hold_their_own_spans(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"plan": "pro"})
    server.pageview(visitor)
    second = server.identify(visitor, "B", {"team": "x"})
    server.pageview(visitor)

    assert second["previousUserId"] == "A"
    assert server.owners(visitor) == ["A", "A", "B"]
    assert server.profile(visitor)["userId"] == "B"
    assert server.traits(visitor) == {"team": "x"}


def test_the_first_user_of_a_shared_computer_comes_back(server: Site) -> None:
    visitor = server.pageview()
    first = server.identify(visitor, "A", {"plan": "pro"})
    server.pageview(visitor)
    server.identify(visitor, "B")
    server.pageview(visitor)
    back = server.identify(visitor, "A")
    server.pageview(visitor)

    assert server.owners(visitor) == ["A", "A", "B", "A"]
    assert back["profileId"] == first["profileId"]
    assert (back["previousUserId"], back["linkedVisitors"]) == ("B", 1)
    assert sorted(server.profiles()) == ["A", "B"]
    assert server.traits(visitor) == {"plan": "pro"}


def test_the_same_call_three_times_is_created_once_and_then_unchanged(server: Site) -> None:
    visitor = server.pageview()
    calls = [server.identify(visitor, "A", {"plan": "pro"}) for _ in range(3)]

    assert [call["action"] for call in calls] == ["created", "unchanged", "unchanged"]
    assert len({call["factId"] for call in calls}) == 3


def test_keys_that_a_later_call_leaves_out_are_kept(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"plan": "free", "name": "x"})
    assert server.identify(visitor, "A", {"plan": "pro"})["action"] == "updated"

    assert server.traits(visitor) == {"plan": "pro", "name": "x"}


def once(key: str, value: Any) -> dict[str, Any]:
    return {"$set_once": {key: value}}


def unset(key: str) -> dict[str, Any]:
    return {"$unset": [key]}


HISTORIES: dict[str, tuple[list[Step], dict[str, Any]]] = {
    "the set that is later in time wins": ([({"k": 1}, 10), ({"k": 2}, 5)], {"k": 1}),
    "a set between two equal ones loses": ([({"k": 1}, 10), ({"k": 1}, 20), ({"k": 2}, 15)], {"k": 1}),
    "the earliest set_once wins": ([(once("k", 1), 5), (once("k", 2), 3)], {"k": 2}),
    "a set wins over a set_once": ([({"k": 1}, 3), (once("k", 2), 9)], {"k": 1}),
    "a set_once after an unset counts": ([(once("k", 1), 3), (unset("k"), 5), (once("k", 2), 7)], {"k": 2}),
    "an unset is later than the set": ([(unset("k"), 5), ({"k": 1}, 3)], {}),
    "a set is later than the unset": ([(unset("k"), 5), ({"k": 1}, 7)], {"k": 1}),
    "null unsets": ([({"k": None}, 5), ({"k": 1}, 3), ({"j": 1}, 4)], {"j": 1}),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_traits_follow_from_event_time_in_every_order_of_arrival(server: Site, name: str) -> None:
    steps, expected = HISTORIES[name]
    for number, order in enumerate(itertools.permutations(steps)):
        visitor, user = server.pageview(), f"user {number}"
        for said, at in order:
            server.identify(visitor, user, said, at=at)
        assert server.traits(visitor) == expected, order


def test_the_same_fact_again_changes_nothing(server: Site) -> None:
    visitor = server.pageview()
    first = server.identify(visitor, "A", {"k": 1}, at=10)
    server.identify(visitor, "A", {"k": 2}, at=15)
    again = server.identify(visitor, "A", {"k": 1}, at=10)

    assert (again["factId"], again["action"]) == (first["factId"], "unchanged")
    assert len(server.facts()) == 2
    assert server.traits(visitor) == {"k": 2}


def test_a_page_may_identify_before_its_first_pageview(server: Site) -> None:
    visitor = new_visitor()
    server.page_identify(visitor, "A")
    assert server.call("GET", f"/api/v1/visitors/{visitor}").status_code == 404
    server.refused({"user_id": "A", "datafast_visitor_id": visitor}, status=404)

    for _ in range(3):
        server.pageview(visitor)
    assert server.owners(visitor) == ["A", "A", "A"]
    assert server.profile(visitor)["userId"] == "A"


def test_a_late_identify_covers_pageviews_that_came_before_it(server: Site) -> None:
    visitor = server.pageview()
    server.pageview(visitor)
    server.pageview(visitor)
    server.identify(visitor, "A", at=1)

    assert server.owners(visitor) == ["A", "A", "A"]
    assert list(server.profiles()) == ["A"]


def test_a_late_identify_takes_its_place_between_others(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", at=1)
    server.identify(visitor, "C", at=3)
    late = server.identify(visitor, "B", at=2)
    server.pageview(visitor)

    assert late["previousUserId"] == "A"
    assert server.profile(visitor)["userId"] == "C"
    assert server.owners(visitor) == ["C", "C"]
    assert len(server.links(visitor)) == 3


def test_same_address_and_user_agent_never_link_two_visitors(server: Site) -> None:
    one, two = server.pageview(), server.pageview()
    server.identify(one, "A")
    server.identify(two, "B")

    assert server.profile(one)["userId"] == "A"
    assert server.profile(two)["userId"] == "B"
    assert [row[3] for row in server.profiles().values()] == [1, 1]


def test_user_ids_that_differ_in_case_are_two_people(server: Site) -> None:
    visitor = server.pageview()
    upper, lower = server.identify(visitor, "User1"), server.identify(visitor, "user1")

    assert upper["profileId"] != lower["profileId"]
    assert lower["previousUserId"] == "User1"


def test_an_unsigned_page_never_overwrites_what_the_backend_said(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"plan": "pro"})
    answer = server.page_identify(visitor, "A", plan="free", colour="red")

    assert [
        (warning["code"], warning["field"])
        for warning in answer["warnings"]
        if warning["code"] == "trusted_value_kept"
    ] == [("trusted_value_kept", "plan")]
    assert server.traits(visitor) == {"plan": "pro", "colour": "red"}


def test_a_backend_overwrites_what_an_unsigned_page_said(server: Site) -> None:
    visitor = server.pageview()
    server.page_identify(visitor, "A", plan="free")
    server.identify(visitor, "A", {"plan": "pro"}, at=1)

    assert server.traits(visitor) == {"plan": "pro"}


def signing_secret(site: Site) -> str:
    websites = site.place.snapshot(read_websites)
    return websites[bytes.fromhex(site.website_id)].signing_secrets[0]


def test_a_signed_page_is_as_good_as_the_backend(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"plan": "pro"})
    signature = sign_user(signing_secret(server), "A")
    answer = server.page_identify(visitor, "A", plan="free", user_hash=signature)

    assert [warning["code"] for warning in answer["warnings"]] == ["placeholder_ignored"] * 2
    assert server.traits(visitor) == {"plan": "free"}


def test_a_signature_of_another_user_makes_nothing_trusted(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"plan": "pro"})
    server.page_identify(visitor, "A", plan="free", user_hash=sign_user(signing_secret(server), "B"))

    assert server.traits(visitor) == {"plan": "pro"}


def test_a_website_that_requires_signatures_ignores_unsigned_pages(sites: SitePool) -> None:
    server = sites.take("signed")
    visitor = server.pageview()
    extra = {"user_id": "A", "name": "", "image": ""}

    assert server.dropped("identify", visitor, extraData=extra) == "unsigned_identify"
    assert server.facts() == []
    server.kept("identify", visitor, extraData=extra | {"user_hash": sign_user(signing_secret(server), "A")})
    assert server.profile(visitor)["userId"] == "A"


def test_a_backends_call_never_touches_place_device_and_last_seen(server: Site) -> None:
    visitor = server.pageview(user_agent=CHROME)
    before = server.visitor(visitor)
    server.identify(visitor, "A")
    after = server.visitor(visitor)

    assert after["identity"] == before["identity"]
    assert after["activity"]["lastVisitAt"] == before["activity"]["lastVisitAt"]


def test_nothing_crosses_from_one_website_to_another(server: Site, other: Site) -> None:
    visitor = server.pageview()
    other.pageview(visitor)
    mine, theirs = server.identify(visitor, "A", {"k": 1}), other.identify(visitor, "A", {"k": 2})

    assert mine["profileId"] != theirs["profileId"]
    assert (server.traits(visitor), other.traits(visitor)) == ({"k": 1}, {"k": 2})


def test_what_pages_fill_a_profile_with_gives_way_to_the_backend(server: Site) -> None:
    visitor = server.pageview()
    answer = server.page_identify(visitor, "A", **{f"p{number}": number for number in range(254)})
    assert {warning["code"] for warning in answer["warnings"]} == {"placeholder_ignored", "left_out"}
    assert len(server.traits(visitor)) == MAX_UNTRUSTED_KEYS
    data = server.identify(visitor, "A", {f"k{number}": number for number in range(256)})
    assert server.traits(visitor) == {f"k{number}": number for number in range(256)}
    assert {warning["code"] for warning in data["warnings"]} == {"left_out"}
    assert run_json(server.place, "db", "verify")["ok"]


def test_more_than_500_unsigned_calls_of_a_visitor_on_a_day_are_dropped(server: Site) -> None:
    visitor, tomorrow = server.pageview(), system_clock() // DAY_MS + 1
    key = (bytes.fromhex(server.website_id), UUID(visitor).bytes)
    server.place.transact(
        lambda tx: tx.execute(sql.unsigned_put, (*key, tomorrow, MAX_UNSIGNED_A_DAY - 1)),
    )
    server.page_identify(visitor, "A", n=1)
    assert server.dropped("identify", visitor, extraData={"user_id": "A", "n": 2}) == "too_many"
    assert server.identify(visitor, "A")["action"] == "unchanged"
    server.page_identify(server.pageview(), "A", n=3)


def test_a_stranger_learns_nothing_of_a_user_whose_id_they_know(server: Site) -> None:
    known = {f"t{number}": number for number in range(220)} | {"plan": "pro"}
    server.identify(server.pageview(), "known", known)
    for fields in ({"plan": "pro", "t1": 1}, {f"p{number}": number for number in range(70)}):
        strangers = [server.pageview() for _ in range(2)]
        for _ in range(2):  # being the user's, by a call of their own, does not help
            told = [
                server.page_identify(visitor, user, **fields)["warnings"]
                for visitor, user in zip(strangers, ("known", "new"), strict=True)
            ]
            assert told[0] == told[1]

"""Finding people, and one person whole: `GET /api/v1/profiles` and what hangs below it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from footfall.clock import system_clock, to_iso
from tests.support.people import ask, journey, merge, people, person, undo, user_ref, users
from tests.support.servers import until
from tests.support.sites import Site, moment, new_visitor, next_millisecond


@pytest.fixture
def team(server: Site) -> Site:
    """Four people with traits of all kinds; d is the newest."""
    known: dict[str, dict[str, Any]] = {
        "a": {"plan": "pro", "company": "Acme Inc", "seats": 5, "phone": "1", "joined": "2026-01-05"},
        "b": {"plan": "free", "company": "ACME labs", "seats": 12.5, "joined": "2026-03-01T10:00:00Z"},
        "c": {"plan": "team", "company": "100%_sure", "is_admin": True, "name": "Zoë Müller"},
        "d": {"email": "dora.d@example.com", "seats": "7", "tags": ["x", "y"], "city": "Cé-École"},
    }
    for number, (user, traits) in enumerate(known.items()):
        server.identify(server.pageview(), user, traits, at=number)
    return server


# Lists


def test_people_come_newest_first_and_page_by_page(team: Site) -> None:
    assert users(people(team)) == ["d", "c", "b", "a"]
    page = people(team, limit=2, offset=1)
    assert users(page) == ["c", "b"]
    assert page["pagination"] == {"limit": 2, "offset": 1, "total": 4, "hasMore": True, "totalIsExact": True}
    assert people(team, limit=2, offset=2)["pagination"]["hasMore"] is False
    assert people(team, offset=9)["data"] == []


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"trait__plan": "pro"}, "a"),
        ({"trait__plan": "pro,team"}, "ca"),
        ({"trait__plan": "is:free"}, "b"),
        ({"trait__plan": "is_not:free"}, "dca"),
        ({"trait__plan": "is_not:free,pro"}, "dc"),
        ({"trait__company": "contains:acme"}, "ba"),
        ({"trait__company": "contains:%_"}, "c"),
        ({"trait__city": "contains:école"}, "d"),
        ({"trait__city": "contains:ÉCOLE"}, "d"),
        ({"trait__company": "contains:labs,sure"}, "cb"),
        ({"trait__seats": "gte:5"}, "dba"),
        ({"trait__seats": "gt:5"}, "db"),
        ({"trait__seats": ["gte:5", "lt:12"]}, "da"),
        ({"trait__seats": "lt:7.5"}, "da"),
        ({"trait__seats": "lte:5"}, "a"),
        ({"trait__seats": "5"}, "a"),
        ({"trait__seats": "gt:2026-01-01"}, ""),
        ({"trait__joined": "gte:2026-03-01"}, "b"),
        ({"trait__joined": "lt:2026-03-01"}, "a"),
        ({"trait__phone": "exists"}, "a"),
        ({"trait__phone": "missing"}, "dcb"),
        ({"trait__is_admin": "true"}, "c"),
        ({"trait__tags": 'contains:"x"'}, "d"),
        ({"trait__plan": "is_not:free", "trait__seats": "exists"}, "da"),
        ({"trait__plan": "pro", "search": "b"}, ""),
        ({"search": "DORA"}, "d"),
        ({"search": "dora.d@exam"}, "d"),
        ({"search": "example"}, "d"),
        ({"search": "example.com"}, "d"),
        ({"search": "ë müll"}, ""),
        ({"search": "zoë mü"}, "c"),
        ({"search": "müll"}, "c"),
        ({"search": "ZOE MULLER"}, "c"),
        ({"search": "Müller, Zoë"}, "c"),
        ({"search": "@example.com"}, "d"),
        ({"search": "@xample.com"}, ""),
        ({"search": "nobody"}, ""),
        ({"trait__never": "x"}, ""),
        ({"trait__tags": "y"}, "d"),
        ({"trait__tags": "z,X,x"}, "d"),
        ({"trait__tags": "is_not:x"}, "cba"),
        ({"trait__PLAN": "pro"}, "a"),
        ({"trait__Phone": "missing"}, "dcb"),
        ({"trait__city": "Ce\u0301-E\u0301cole"}, "d"),
        ({"trait__city": "contains:e\u0301co"}, "d"),
        ({"trait__company": "contains:labs,1,2,3,4,5,SURE"}, "cb"),
    ],
)
def test_filters_find_whom_they_describe(team: Site, filters: dict[str, Any], found: str) -> None:
    answer = people(team, **filters)
    assert users(answer) == list(found)
    assert answer["pagination"]["total"] == len(found)


LONG = "Zürich, " + "x" * 300


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"trait__bio": LONG.replace(",", "\\,")}, "a"),
        ({"trait__bio": LONG.replace(",", "\\,") + "Needle,short"}, "cb"),
        ({"trait__bio": "is_not:" + LONG.replace(",", "\\,") + "Needle"}, "ca"),
        ({"trait__bio": "contains:NEEDLE"}, "b"),
        ({"trait__bio": "contains:NÉEDLE"}, ""),
        ({"trait__bio": "contains:zÜrich"}, "ba"),
        ({"trait__bio": "contains:a,b,f"}, ""),
        ({"trait__bio": "contains:short,needle"}, "cb"),
        ({"trait__bio": LONG[:255].replace(",", "\\,")}, ""),
        ({"trait__list": "contains:number 99"}, "b"),
        ({"trait__list": "contains:number 100"}, ""),
        ({"trait__bio": "contains:needle", "trait__list": "exists"}, "b"),
    ],
)
def test_long_values_are_told_apart_and_looked_through_to_their_end(
    server: Site, filters: dict[str, Any], found: str
) -> None:
    server.identify(server.pageview(), "a", {"bio": LONG}, at=0)
    server.identify(
        server.pageview(), "b", {"bio": LONG + "Needle", "list": [f"number {n}" for n in range(100)]}, at=1
    )
    server.identify(server.pageview(), "c", {"bio": "short"}, at=2)
    assert users(people(server, **filters)) == list(found)


@pytest.mark.parametrize(
    ("value", "needle"),
    [
        ("Αθήνα", "αθήνα"),
        ("Αθήνας", "ΑΘΉΝΑΣ"),
        ("Ángel Muñoz", "ángel muñoz"),
        ("Łódź", "ŁÓDŹ"),
        ("straße", "STRAẞE"),
        ("ИВАН (петров)* [1]? ^$|.{} !%_", "иван (ПЕТРОВ)* [1]? ^$|.{} !%_"),
        ("a\\b…ç", "A\\B…Ç"),
        ("日本 Tōkyō", "本 TŌ"),
    ],
)
def test_texts_are_contained_in_any_case_of_any_alphabet(server: Site, value: str, needle: str) -> None:
    server.identify(server.pageview(), "a", {"city": value})
    server.identify(server.pageview(), "b", {"city": "x" + value[1:].replace(" ", "")})
    server.identify(server.pageview(), "c", {"city": "x" * 300 + value})
    for asked in (value, needle, needle.lower(), needle.swapcase()):
        assert users(people(server, trait__city=f"contains:{asked}")) == ["c", "a"], asked


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"trait__company": "Acme\\, Inc"}, "a"),
        ({"trait__company": "Acme, Inc"}, "b"),
        ({"trait__company": "is:Acme\\, Inc,C:\\temp"}, "ca"),
        ({"trait__company": "a\\\\,Acme"}, "db"),
        ({"trait__company": "is:"}, "e"),
        ({"trait__company": "is_not:", "trait__seats": "exists"}, "fcba"),
        ({"trait__company": "\\ blank\\ "}, "f"),
        ({"trait__company": "contains:\\ blank"}, "f"),
        ({"trait__company": "contains:e\\,"}, "a"),
        ({"trait__seats": "5.0"}, "a"),
        ({"trait__seats": "10.50,005"}, "ba"),
        ({"trait__seats": "is_not:5.00"}, "fedcb"),
        ({"trait__seats": "9007199254740993.0"}, ""),
        ({"trait__seats": "9007199254740993"}, "c"),
        ({"trait__seats": "gte:999"}, "c"),
        ({"trait__seats": "1_000"}, "f"),
        ({"trait__joined": "lt:2026-05-05T12:00:01"}, "a"),
        ({"trait__joined": "gte:2026-05-05T12:00:00Z"}, "ba"),
    ],
)
def test_values_are_asked_for_as_they_are(server: Site, filters: dict[str, Any], found: str) -> None:
    known: dict[str, dict[str, Any]] = {
        "a": {"company": "Acme, Inc", "seats": 5, "joined": "2026-05-05T12:00:00"},
        "b": {"company": "Acme", "seats": 10.5, "joined": "2026-05-05T12:00:00-01:00"},
        "c": {"company": "C:\\temp", "seats": 9007199254740993, "joined": "2026-05-05T25:00"},
        "d": {"company": "a\\"},
        "e": {"company": ""},
        "f": {"company": " blank ", "seats": "1_000"},
    }
    for number, (user, traits) in enumerate(known.items()):
        server.identify(server.pageview(), user, traits, at=number)
    assert users(people(server, **filters)) == list(found)


def test_people_with_many_words_and_users_are_found_by_name_address_and_each_user(server: Site) -> None:
    names = [str(uuid.UUID(int=number << 64 | 7)) for number in range(20)]
    server.identify(server.pageview(), names[0], {"name": "Gertrude Findable", "email": "g@findme.example"})
    for name in names[1:]:
        server.identify(server.pageview(), name)
        merge(server, names[0], name)
    server.identify(server.pageview(), "-".join(f"a{number}" for number in range(62)), {"name": "Other One"})
    for asked in ("gertrude", "findable", "g@findme", *names, names[9][:20]):
        assert len(users(people(server, search=asked))) == 1, asked
    assert len(users(people(server, search="other one"))) == len(users(people(server, search="a0-a1"))) == 1


def test_who_was_seen_before_a_link_in_the_near_future_is_the_user_of_then(server: Site) -> None:
    shared = server.pageview()
    server.identify(shared, "A")
    server.identify(server.pageview(), "B")
    soon = to_iso(system_clock() + 50_000)
    server.identify(shared, "C", {"$at": soon})
    assert seen(server) == ["C", "B", "A"]
    server.pageview(shared)
    assert eventually(lambda: seen(server)[1], "A")
    assert seen(server) == ["C", "A", "B"]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("trait.seats=gte:many", "trait.seats"),
        ("trait.=x", "trait."),
        ("trait.plan=", "trait.plan"),
        ("trait.plan=contains:", "trait.plan"),
        ("trait.plan=contains:" + "x" * 256, "255"),
        ("trait.seats=gte:1_000", "trait.seats"),
        ("limit=0", "limit"),
        ("limit=251", "limit"),
        ("offset=-1", "offset"),
        ("sort=name", "sort"),
        ("&".join(f"trait.k{n}=1" for n in range(21)), "trait"),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused(server: Site, query: str, word: str) -> None:
    response = server.call("GET", f"/api/v1/profiles?{query}")
    assert response.status_code == 400
    assert word in response.json()["error"]["message"]


def test_those_who_are_called_just_what_is_searched_for_stand_in_front(server: Site) -> None:
    for number, user in enumerate(["7", "70", "71", "72"]):
        server.identify(server.pageview(), user, {"plan": "pro"}, at=number)
    assert users(people(server, search="7")) == ["7", "72", "71", "70"]
    assert users(people(server, search="7", limit=2, offset=1)) == ["72", "71"]
    assert users(people(server, search="7", trait__plan="free")) == []


def test_whoever_was_identified_a_moment_ago_is_in_the_list_of_all(server: Site) -> None:
    for number in range(5):
        server.identify(server.pageview(), f"user {number}")
        assert users(ask(server, "/api/v1/profiles"))[0] == f"user {number}"


def test_the_index_follows_what_changes(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"plan": "free", "name": "Ada"})
    assert users(people(server, trait__plan="free")) == ["A"]
    server.identify(visitor, "A", {"plan": "pro", "name": None})
    assert users(people(server, trait__plan="free")) == []
    assert users(people(server, trait__plan="pro")) == ["A"]
    assert users(people(server, search="ada")) == []


def test_people_can_be_listed_by_when_they_were_seen(server: Site) -> None:
    first = server.pageview()
    next_millisecond()
    second = server.pageview()
    server.identify(second, "B", {"plan": "pro"})
    server.identify(first, "A", {"plan": "pro"})
    assert seen(server) == ["B", "A"]  # the pages were seen in the other order than they were identified
    server.pageview(first)
    assert eventually(lambda: seen(server), ["A", "B"])
    assert seen(server, trait__plan="pro") == ["A", "B"]
    assert seen(server, trait__plan="is_not:free", limit=1, offset=1) == ["B"]


def test_only_what_a_person_did_counts_for_when_they_were_seen(server: Site) -> None:
    shared = server.pageview()
    next_millisecond()
    own = server.pageview()
    server.identify(shared, "A")
    server.identify(own, "B")
    fact = server.identify(shared, "C")["factId"]
    next_millisecond()
    server.pageview(shared)
    assert eventually(lambda: seen(server)[0], "C")
    assert seen(server)[1:] == ["B", "A"]
    undo(server, fact)
    assert seen(server) == ["A", "B"]  # the latest page is A's again


def seen(site: Site, **query: Any) -> list[str]:
    return users(people(site, sort="lastSeenAt", **query))


def eventually(look: Callable[[], Any], wanted: Any) -> bool:
    """Whether a look gives what is wanted; waits for it."""
    until(lambda: bool(look() == wanted), f"not {wanted!r}")
    return True


def test_people_of_other_websites_are_not_found(server: Site, other: Site) -> None:
    server.identify(server.pageview(), "A", {"plan": "pro"})
    assert people(other)["data"] == people(other, trait__plan="pro")["data"] == []
    assert other.call("GET", "/api/v1/profiles/user:A").status_code == 404


def test_merged_people_are_found_once_by_either_name(server: Site) -> None:
    server.identify(server.pageview(), "A", {"plan": "pro"})
    server.identify(server.pageview(), "B", {"city": "Rome"})
    merge(server, "A", "B")
    assert users(people(server)) == ["A"]
    assert users(people(server, trait__city="Rome", trait__plan="pro")) == ["A"]
    assert users(people(server, search="b")) == users(people(server, search="a")) == ["A"]


# One person


def test_a_person_whole(server: Site) -> None:
    visitor = new_visitor()
    server.pageview(visitor, "/?utm_source=news", referrer="https://search.example/x")
    server.custom(visitor)
    data = server.identify(visitor, "A", {"plan": "pro", "name": "Ada", "image": "https://a.example/a.png"})
    server.pageview(visitor, "/in")
    shown = person(server, "A")

    assert shown["profileId"] == data["profileId"]
    assert (shown["userId"], shown["userIds"]) == ("A", ["A"])
    assert (shown["name"], shown["image"], shown["metadata"]["plan"]) == (
        "Ada",
        "https://a.example/a.png",
        "pro",
    )
    assert shown["activity"] == {"sessionCount": 1, "pageViewCount": 2, "goalCount": 1}
    assert [one["visitorId"] for one in shown["visitors"]] == [visitor]
    assert shown["visitors"][0]["spans"] == [{"from": None, "until": None}]
    assert shown["visitors"][0]["device"]["type"] == "desktop"
    assert shown["firstTouch"]["source"] == shown["lastTouch"]["source"] == "news"
    assert shown["firstSeenAt"] < shown["identifiedAt"] < shown["lastSeenAt"]
    assert ask(server, f"/api/v1/profiles/{data['profileId']}")["data"] == shown


def test_a_session_that_began_as_another_persons_tells_nothing_of_where_one_came_from(server: Site) -> None:
    visitor = server.pageview(path="/landing?utm_source=news")
    server.identify(visitor, "X")
    server.identify(visitor, "Y")
    server.pageview(visitor, "/in")
    first, second = person(server, "X"), person(server, "Y")
    assert (first["firstTouch"]["source"], second["firstTouch"], second["lastTouch"]) == ("news", None, None)
    assert [one["activity"]["pageViewCount"] for one in (first, second)] == [1, 1]
    assert ask(server, "/api/v1/profiles/user:Y/export")["data"]["sessions"] == []


def test_a_visitor_is_shown_once_its_first_pageview_has_come(server: Site) -> None:
    visitor = new_visitor()
    server.page_identify(visitor, "A", plan="pro")
    server.custom(visitor, "signup")
    shown = person(server, "A")
    assert (shown["metadata"], shown["visitors"], shown["activity"]["goalCount"]) == ({"plan": "pro"}, [], 0)
    server.pageview(visitor)
    shown = person(server, "A")
    assert [one["visitorId"] for one in shown["visitors"]] == [visitor]
    assert shown["activity"] == {"sessionCount": 1, "pageViewCount": 1, "goalCount": 1}


@pytest.mark.parametrize("user_id", ["a/b", "user:x", "100%", "é ü", "x?y#z", "a+b", "a..b", "%2F"])
def test_any_user_id_can_be_asked_for(server: Site, user_id: str) -> None:
    visitor = server.pageview()
    server.identify(visitor, user_id)
    assert person(server, user_id)["userId"] == user_id
    assert [entry["name"] for entry in journey(server, user_id)["data"] if entry["type"] == "identify"] == [
        user_id
    ]


@pytest.mark.parametrize("ref", ["0" * 24, "user:nobody", "6650a1b2c3d4e5f601234567"])
@pytest.mark.parametrize("below", ["", "/journey", "/ledger", "/export"])
def test_nobody_is_not_found(server: Site, ref: str, below: str) -> None:
    assert server.call("GET", f"/api/v1/profiles/{ref}{below}").status_code == 404


@pytest.mark.parametrize("ref", ["A", "user:", "0" * 23])
def test_a_ref_that_is_none_is_not_found_or_refused(server: Site, ref: str) -> None:
    assert server.call("GET", f"/api/v1/profiles/{ref}").status_code in (400, 404)


def test_each_user_of_a_shared_computer_has_their_own_spans(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A")
    server.pageview(visitor, "/a")
    server.identify(visitor, "B")
    server.pageview(visitor, "/b")
    first, second = person(server, "A"), person(server, "B")
    assert (first["activity"]["pageViewCount"], second["activity"]["pageViewCount"]) == (2, 1)
    (span,) = first["visitors"][0]["spans"]
    assert (span["from"], span["until"]) == (None, second["visitors"][0]["spans"][0]["from"])
    assert [entry["url"] for entry in journey(server, "B")["data"] if entry["type"] == "pageview"] == [
        f"{server.domain}/b"
    ]


# Journeys


def test_a_journey_runs_over_all_devices_page_by_page(server: Site) -> None:
    phone, laptop = server.pageview(path="/1"), server.pageview(path="/2")
    server.custom(phone, "signup")
    server.identify(phone, "A")
    server.identify(laptop, "A")
    server.pageview(laptop, "/3")
    whole = journey(server, "A", order="asc")
    assert [entry["type"] for entry in whole["data"]] == [
        "pageview",
        "pageview",
        "custom",
        "identify",
        "identify",
        "pageview",
    ]
    assert whole["data"][2]["name"] == "signup"
    assert whole["pagination"] == {"limit": 50, "nextCursor": None}
    for order, wanted in (("asc", whole["data"]), ("desc", whole["data"][::-1])):
        for limit in (1, 2, 4):
            assert walk(server, order, limit) == wanted


def walk(site: Site, order: str, limit: int) -> list[Any]:
    """All entries of A's journey, page by page."""
    entries: list[Any] = []
    query: dict[str, Any] = {"order": order, "limit": limit}
    while True:
        page = journey(site, "A", **query)
        assert len(page["data"]) <= limit
        entries += page["data"]
        if page["pagination"]["nextCursor"] is None:
            return entries
        query["cursor"] = page["pagination"]["nextCursor"]


@pytest.mark.parametrize("query", ["order=up", "limit=0", "limit=x", "cursor=zz", "cursor=00"])
def test_a_journey_that_cannot_be_walked_is_refused(server: Site, query: str) -> None:
    server.identify(server.pageview(), "A")
    assert server.call("GET", f"/api/v1/profiles/user:A/journey?{query}").status_code == 400


# Why


def test_every_value_and_link_says_where_it_comes_from(server: Site) -> None:
    visitor = server.pageview()
    first = server.identify(visitor, "A", {"plan": "free", "city": "Rome"})
    server.page_identify(visitor, "A", colour="red")
    last = server.identify(visitor, "A", {"plan": "pro"})
    reasons = person(server, "A", explain=1)["explain"]

    plan = reasons["traits"]["plan"]
    assert (plan["value"], plan["replaced"], plan["factId"]) == ("pro", "free", last["factId"])
    assert (plan["source"], plan["key"], plan["trusted"]) == ("server", "test", True)
    assert (reasons["traits"]["city"]["factId"], reasons["traits"]["city"]["replaced"]) == (
        first["factId"],
        None,
    )
    assert (reasons["traits"]["colour"]["source"], reasons["traits"]["colour"]["key"]) == ("browser", None)
    (link,) = reasons["links"]
    assert (link["visitorId"], link["factId"], link["replaced"]) == (visitor, first["factId"], None)
    assert server.key not in str(reasons)


def test_as_of_answers_with_the_state_of_then(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"plan": "free"}, at=1)
    server.identify(visitor, "A", {"plan": "pro"}, at=3)
    server.identify(server.pageview(), "A", {"seats": 1}, at=5)
    assert person(server, "A", as_of=moment(2))["metadata"] == {"plan": "free"}
    then = person(server, "A", as_of=moment(4), explain=1)
    assert (then["metadata"], len(then["visitors"])) == ({"plan": "pro"}, 1)
    assert then["explain"]["traits"]["plan"]["replaced"] == "free"
    assert person(server, "A")["metadata"] == {"plan": "pro", "seats": 1}
    assert server.call("GET", f"/api/v1/profiles/user:A?as_of={moment(0)}").status_code == 404
    assert server.call("GET", "/api/v1/profiles/user:A?as_of=yesterday").status_code == 400


def test_an_export_holds_everything(server: Site) -> None:
    visitor = server.pageview(path="/p?utm_source=news")
    server.identify(visitor, "A", {"plan": "free"})
    server.identify(visitor, "A", {"plan": "pro"})
    server.custom(visitor, "signup", size="xl")
    held = ask(server, f"/api/v1/profiles/{user_ref('A')}/export")["data"]
    assert held["profile"]["metadata"] == {"plan": "pro"}
    assert [fact["operations"]["set"]["plan"] for fact in held["ledger"]] == ["free", "pro"]
    assert [entry["type"] for entry in held["journey"]] == ["pageview", "identify", "identify", "custom"]
    assert held["journey"][3]["data"] == {"size": "xl"}
    (session,) = held["sessions"]
    assert (session["visitorId"], session["params"]["utm_source"]) == (visitor, "news")
    assert session["sessionId"] == held["journey"][0]["sessionId"]
    assert session["device"]["device"]["type"] == "desktop"

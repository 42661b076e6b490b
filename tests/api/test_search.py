"""Finding people by what one happens to type: spellings, ids, elements of lists, names of fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs

import pytest

from tests.support.dashboard import Visit, enter, make_account
from tests.support.people import merge, people, users
from tests.support.sites import Site, new_visitor


@pytest.mark.parametrize(
    ("name", "asked", "not_asked"),
    [
        ("Élodie Çelik", ["elodie", "CELIK", "çe", "E\u0301lo"], ["lodie", "elodik"]),
        ("E\u0301lodie", ["élodie", "Elodie"], ["e lodie"]),
        ("Jürgen Groß", ["gross", "GROSS", "groß jur", "gros"], ["grob"]),
        ("Łukasz Sørensen", ["lukasz", "sorensen", "SØREN"], ["kasz"]),
        ("Þóra Ægisdóttir", ["thora", "aegis", "ægis"], ["ora"]),
        ("Ирина Фёдорова", ["федорова", "ИРИНА", "Фё"], ["ирена"]),
        ("Sinéad O\u2019Connor", ["o'connor", "O\u2019Con", "connor sinead", "o\u02bccon"], ["oconnor"]),
        ("Miles D'Arcy", ["d\u2019arcy", "arcy"], ["rcy"]),
        ("王小明", ["王", "小明", "明", "王小明"], ["明王"]),
        ("やまだ タロウ", ["まだ", "ロウ", "やま タロ"], ["ハロウ"]),
        ("김철수", ["철수", "수", "\u1100\u1175\u11b7"], ["철김"]),
        ("\uff21\uff44\uff41 King", ["ada", "\uff41\uff44"], ["da"]),
        (
            "Grace  Brewster Hopper",
            ["hopper grace", '"Hopper, Grace"', "grace brewster hop", "& hopper"],
            ["hopper ada"],
        ),
    ],
)
def test_names_are_found_however_they_are_typed(
    server: Site, name: str, asked: list[str], not_asked: list[str]
) -> None:
    server.identify(server.pageview(), "u", {"name": name})
    server.identify(server.pageview(), "v", {"name": "Somebody Else"})
    assert [one for one in asked if users(people(server, search=one)) != ["u"]] == []
    assert [one for one in not_asked if users(people(server, search=one))] == []


def test_ids_lead_to_the_people_whom_they_name(server: Site) -> None:
    visitor, shared = server.pageview(), server.pageview()
    fact = server.identify(visitor, "A")
    for user in ("Brenda", "C"):
        server.identify(shared, user)
    server.identify(server.pageview(), visitor)  # whose user id is the visitor id of somebody else
    assert users(people(server, search=visitor.upper())) == [visitor, "A"]
    assert sorted(users(people(server, search=shared))) == ["Brenda", "C"]
    assert users(people(server, search=f" {fact['factId']} ")) == ["A"]
    assert users(people(server, search=fact["profileId"])) == ["A"]
    merge(server, "A", "Brenda")
    assert users(people(server, search=fact["factId"])) == users(people(server, search="brenda"))
    assert users(people(server, search=new_visitor())) == users(people(server, search="0" * 32)) == []


def test_lists_are_found_by_what_they_hold_now(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"tags": ["vip", "Zu\u0308rich", 5, True, "x" * 300], "plan": "vip"})
    for asked in ("vip", "Zürich", "5.0", "true", "x" * 300, "other,vip"):
        assert users(people(server, trait__tags=asked)) == ["A"], asked
        assert users(people(server, trait__tags=f"is_not:{asked}")) == []
    assert users(people(server, trait__tags="contains:vi")) == ["A"]
    assert users(people(server, trait__tags="beta")) == users(people(server, trait__name="vip")) == []
    server.identify(visitor, "A", {"tags": ["beta"]})
    assert users(people(server, trait__tags="vip")) == []
    assert users(people(server, trait__tags="beta")) == ["A"]
    server.identify(visitor, "A", {"tags": "plain"})
    assert users(people(server, trait__tags="beta")) == []
    assert users(people(server, trait__tags="plain")) == ["A"]
    server.identify(visitor, "A", {"tags": ["beta"]})
    server.identify(visitor, "A", {"tags": None})
    assert users(people(server, trait__tags="beta")) == []


def test_a_field_is_meant_in_any_case_where_it_is_the_only_one(server: Site) -> None:
    server.identify(server.pageview(), "A", {"Lieu d\u2019e\u0301tude": "x", "plan": "pro", "Level": 1}, at=0)
    server.identify(server.pageview(), "B", {"Plan": "pro", "level": 1, "LEVEL": 1}, at=1)
    assert users(people(server, **{"trait.lieu d\u2019Étude": "x"})) == ["A"]
    assert users(people(server, trait__plan="pro")) == ["A"]
    assert users(people(server, trait__Plan="exists")) == ["B"]
    assert users(people(server, trait__PLAN="pro")) == []  # which of the two?
    assert users(people(server, trait__lEVEL="missing")) == ["B", "A"]


def test_very_many_texts_may_be_contained(server: Site) -> None:
    server.identify(server.pageview(), "A", {"city": "Übergroß-Łódź"})
    server.identify(server.pageview(), "B", {"city": "x" * 300 + "ÜBERGROẞ-ŁÓDŹ"})
    server.identify(server.pageview(), "C", {"city": "elsewhere"})
    others = [f"{n} ж" * 16 for n in range(49)]
    assert users(people(server, trait__city="contains:" + ",".join([*others, "übergroẞ"]))) == ["B", "A"]
    assert users(people(server, trait__city="contains:" + ",".join(others))) == []


# The page


@pytest.fixture
def desk(server: Site) -> Iterator[Visit]:
    """A browser that is logged in."""
    visit = Visit(server.url)
    enter(visit, server.place, make_account(server.place))
    yield visit
    visit.close()


def test_the_page_leads_a_pasted_id_to_whom_it_names(server: Site, desk: Visit) -> None:
    root = f"/w/{server.website_id}"
    visitor, stranger, shared = (server.pageview() for _ in range(3))
    fact = server.identify(visitor, "A")
    for user in ("B", "C"):
        server.identify(shared, user)

    def goal(search: str, **query: str) -> str | None:
        answer = desk.get(f"{root}/people", params={"search": search, **query})
        return answer.headers["location"] if answer.status_code == 303 else None

    for known in (visitor.upper(), f" {fact['factId']} ", fact["profileId"]):
        assert goal(known) == f"{root}/people/{fact['profileId']}"
        assert goal(known, part="list") is None
    assert goal(stranger) == f"{root}/visitors/{stranger}"
    assert goal(shared) == f"{root}/visitors/{shared}"
    assert goal(new_visitor()) is goal("a") is goal("") is goal("f" * 32) is None
    listed = desk.get(f"{root}/people", params={"search": stranger, "part": "list"}).text
    assert f'href="{root}/visitors/{stranger}"' in listed


def test_where_nobody_is_found_the_page_offers_the_fields_that_hold_the_text(
    server: Site, desk: Visit
) -> None:
    server.identify(server.pageview(), "A", {"company": "The Acme, Inc", "bio": "none", "tags": ["ÄÖ-acme"]})
    assert users(people(server, search="acme, inc")) == []

    def offers(**query: str) -> list[dict[str, list[str]]]:
        html = desk.get(f"/w/{server.website_id}/people", params=query).text
        found = re.findall(r'class="button" href="([^"]+)"><b>', html)
        return [parse_qs(unescape(one).removeprefix("?")) for one in found]

    assert offers(search="ACME, inc") == [{"filter_trait.company": ["contains:ACME\\, inc"]}]
    assert offers(search="äö", **{"trait.bio": "exists"}) == [
        {"filter_trait.bio": ["exists"], "filter_trait.tags": ["contains:äö"]}
    ]
    assert offers(search="\\") == offers(search="x" * 300) == offers(search="a") == []
    ((name, text),) = offers(search="ACME, inc")[0].items()
    assert users(people(server, **{name.removeprefix("filter_"): text})) == ["A"]


def test_the_page_suggests_the_fields_that_there_are(server: Site, desk: Visit) -> None:
    server.identify(server.pageview(), "A", {"plan": "pro", "<b>": 1, **{f"f{n}": n for n in range(120)}})
    assert users(people(server, trait__plan="pro")) == ["A"]
    html = desk.get(f"/w/{server.website_id}/people").text
    suggested = re.findall(r'<option value="trait\.([^"]*)">', html)
    assert (suggested[0], len(suggested)) == ("&lt;b&gt;", 100)

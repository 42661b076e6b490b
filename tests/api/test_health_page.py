"""The queue of identity health: pairs who may be one person are merged, told apart for good, or skipped."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from footfall.db.statements import make_statement
from tests.support.dashboard import Visit
from tests.support.people import erase, merge, undo
from tests.support.sites import Site

_SETTLED = make_statement(
    "settled_pairs",
    "website_id bytes",
    "SELECT count(*) AS pairs FROM settled_pair WHERE website_id = :website_id",
    "pairs int",
)


def person(site: Site, user_id: str, **traits: Any) -> str:
    """Somebody with a visitor of their own; the person's id."""
    profile_id: str = site.identify(site.pageview(), user_id, traits)["profileId"]
    return profile_id


def shown(inside: Visit, site: Site, query: str = "") -> list[tuple[str, ...]]:
    """The pairs of the queue, by name, in order."""
    answer = inside.get(f"/w/{site.website_id}/health?{query}")
    assert answer.status_code == 200, answer.text
    labels = re.findall(r'<section class="card pair" aria-label="([^"]+)"', answer.text)
    return [tuple(html.unescape(label).split(" and ")) for label in labels]


def say(inside: Visit, site: Site, verb: str, one: str, other: str, **fields: str) -> str:
    """Send one of the forms of the page; where it leads."""
    path = f"/w/{site.website_id}/health"
    answer = inside.post(f"{path}/{verb}", form=path, one=one, other=other, **fields)
    assert answer.status_code == 303, answer.text
    location: str = answer.headers["location"]
    return location


def findings(site: Site) -> dict[str, int]:
    found = site.call("GET", "/api/v1/identity/health").json()["data"]["findings"]
    return {one["kind"]: one["count"] for one in found}


def test_a_pair_that_was_told_apart_stays_so_until_there_is_other_evidence(
    inside: Visit, server: Site
) -> None:
    site = server
    first = person(site, "one", name="One", email="Ada@example.com")
    second = person(site, "two", name="Two", email="ada@example.com", plan="pro")
    assert shown(inside, site) == [("One", "Two")]
    assert "1<span" in inside.get(f"/w/{site.website_id}/health").text
    assert findings(site)["likely_duplicates"] == 1
    assert say(inside, site, "settle", second, first).endswith("/health?done=settled")
    assert shown(inside, site) == []
    assert findings(site)["likely_duplicates"] == 0
    assert "two" not in inside.get(f"/w/{site.website_id}/people/user:one/merge").text.partition("<main")[2]
    # Merged with a third, they are still told apart from the other.
    person(site, "THREE", name="Three")
    fact = merge(site, "one", "THREE")["factId"]
    assert shown(inside, site) == []
    undo(site, fact)
    assert shown(inside, site) == []
    # Two spellings of one id are something else.
    merge(site, "one", "THREE")
    person(site, "three", name="Small", email="small@example.com")
    merge(site, "two", "three")
    names = shown(inside, site)
    assert len(names) == 1
    page = inside.get(f"/w/{site.website_id}/health").text
    assert "They have the same user id except for case." in page
    assert "the same e-mail address, settled" in page
    assert say(inside, site, "reopen", first, second).endswith("done=reopened")
    assert len(shown(inside, site)) == 1
    assert "Settled</h2>" not in inside.get(f"/w/{site.website_id}/health").text


def test_a_pair_of_which_nothing_suspicious_is_left_cannot_be_settled(inside: Visit, server: Site) -> None:
    first, second = person(server, "one"), person(server, "two")
    path = f"/w/{server.website_id}/health"
    for one, other, status in ((first, second, 409), (first, first, 409), (first, "x", 400), ("", "", 400)):
        answer = inside.post(f"{path}/settle", form=path, one=one, other=other)
        assert answer.status_code == status
    assert inside.get(f"{path}/settle").headers["location"] == path


def test_skipping_stands_in_the_address_alone(inside: Visit, server: Site) -> None:
    for number in (1, 2):
        for user in ("a", "b"):
            person(server, f"{user}{number}", name=f"{user}{number}", email=f"{number}@example.com")
    assert shown(inside, server) == [("a1", "b1"), ("a2", "b2")]
    page = inside.get(f"/w/{server.website_id}/health").text
    skip = re.findall(r'href="\?(skip=\w+)"', page)
    assert len(skip) == 2
    assert shown(inside, server, skip[0]) == [("a2", "b2"), ("a1", "b1")]
    assert shown(inside, server, f"{skip[0]}&skip=x&skip={'0' * 12}") == [("a2", "b2"), ("a1", "b1")]
    assert shown(inside, server) == [("a1", "b1"), ("a2", "b2")]
    key = skip[0].removeprefix("skip=")
    ids = re.findall(r'name="one" value="(\w+)"><input type="hidden" name="other" value="(\w+)"', page)
    assert say(inside, server, "settle", *ids[1], skip=key).endswith(f"/health?skip={key}&done=settled")


@pytest.mark.parametrize("leaver", ["one", "two"])
def test_whoever_is_erased_leaves_no_settled_pair(inside: Visit, server: Site, leaver: str) -> None:
    first = person(server, "one", email="ada@example.com")
    second = person(server, "two", email="ada@example.com")
    say(inside, server, "settle", first, second)
    assert server.rows(_SETTLED)[0][0] == 1
    erase(server, leaver)
    assert server.rows(_SETTLED)[0][0] == 0

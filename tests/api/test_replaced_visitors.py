"""`replaces` of `POST /api/events`: a link between domains took the place of a visitor, and the server says whether it may."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import SitePool
from tests.support.people import erase
from tests.support.sites import Site, new_visitor


def test_an_event_is_of_the_visitor_who_was_identified(server: Site) -> None:
    ada, other = server.pageview(), new_visitor()
    server.identify(ada, "ada")
    answer = server.kept("pageview", other, replaces=ada.upper())
    assert answer == {"status": "success", "visitorId": ada}
    server.kept("custom", other, replaces=ada, extraData={"eventName": "buy"})
    activity = server.visitor(ada)["activity"]
    assert (activity["pageViewCount"], len(activity["completedGoals"])) == (2, 1)
    assert server.events_of(other) == []
    assert server.call("GET", f"/api/v1/visitors/{other}").status_code == 404


def test_a_visitor_whom_nobody_identified_may_be_replaced(server: Site) -> None:
    before, after = server.pageview(), new_visitor()
    for replaced in (before, new_visitor(), after):
        assert server.kept("pageview", after, replaces=replaced) == {"status": "success"}
    assert server.visitor(before)["activity"]["pageViewCount"] == 1
    assert server.visitor(after)["activity"]["pageViewCount"] == 3


@pytest.mark.parametrize(
    "junk", [None, "", "x", 5, True, [], {}, "0" * 36, "00000000-0000-0000-0000-000000000000"]
)
def test_what_is_no_visitor_replaces_nobody(server: Site, junk: Any) -> None:
    assert server.kept("pageview", new_visitor(), replaces=junk) == {"status": "success"}


def test_a_visitor_of_another_website_is_as_unknown_as_any(server: Site, other: Site) -> None:
    ada = other.pageview()
    other.identify(ada, "ada")
    before = other.stored()
    visitor = new_visitor()
    assert server.kept("pageview", visitor, replaces=ada) == {"status": "success"}
    assert len(server.events_of(visitor)) == 1
    assert other.stored() == before


def test_a_visitor_whose_person_was_erased_may_be_replaced(server: Site) -> None:
    ada = server.pageview()
    server.identify(ada, "ada")
    erase(server, "ada")
    assert server.kept("pageview", new_visitor(), replaces=ada) == {"status": "success"}
    server.identify(ada, "bob")
    assert server.kept("pageview", new_visitor(), replaces=ada)["visitorId"] == ada


def test_what_the_page_identifies_at_once_is_the_visitor_who_was_identified(server: Site) -> None:
    ada, other = server.pageview(), new_visitor()
    server.identify(ada, "ada")
    answer = server.kept("identify", other, replaces=ada, extraData={"user_id": "ada", "plan": "pro"})
    assert answer == {"status": "success", "warnings": [], "visitorId": ada}
    assert server.traits(ada) == {"plan": "pro"}
    assert server.profiles()["ada"][3] == 1


def test_an_event_that_is_dropped_tells_nothing(server: Site) -> None:
    ada = server.pageview()
    server.identify(ada, "ada")
    for fields in ({"href": "https://evil.example/"}, {"user_agent": "curl/8"}):
        answer = server.event("pageview", new_visitor(), replaces=ada, **fields)
        assert "visitorId" not in answer.json()


def test_a_cookieless_visitor_replaces_nobody(server: Site, sites: SitePool) -> None:
    ada = server.pageview()
    server.identify(ada, "ada")
    for site in (server, sites.take("cookieless")):
        answer = site.kept("pageview", None, cookieless=True, replaces=ada)
        assert answer["visitorId"] != ada

"""Requests of the official SDK, recorded, and replayed against a real server: each has to be stored as it should be."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from footfall.collect.enrich.text import clean_parameters
from footfall.db.protocol import Row
from tests.conftest import SitePool
from tests.support.sites import CHROME, Site, sql

RECORDED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "recorded" / "sdk-3.0.18.json").read_text("utf-8")
)


def replay(site: Site, recorded: dict[str, Any]) -> httpx.Response:
    """Send a recorded request as it was, to `site`."""
    body = json.dumps(recorded["body"])
    body = body.replace("dfid_TESTSITE0000000000", site.tracking_id).replace("example.com", site.domain)
    headers = {"User-Agent": CHROME, **recorded["headers"]}
    headers = {name: value.replace("example.com", site.domain) for name, value in headers.items()}
    return site.http.request(
        recorded["method"], recorded["path"], params=recorded["query"], content=body, headers=headers
    )


def title(recorded: dict[str, Any]) -> str:
    return f"{RECORDED.index(recorded)} {recorded['client'].partition(' ')[2]} {recorded['body']['type']}"


@pytest.fixture(scope="module")
def site(sites: SitePool) -> Site:
    return sites.take("local")


@pytest.mark.parametrize("recorded", RECORDED, ids=title)
def test_each_recorded_request_is_answered_with_200_and_stored(site: Site, recorded: dict[str, Any]) -> None:
    before = site.stored()
    response = replay(site, recorded)
    body = recorded["body"]
    is_cookieless = body.get("cookieless", False)

    assert response.status_code == 200
    assert isinstance(response.json(), dict)
    assert response.headers["access-control-allow-origin"] == "*"
    assert ("visitorId" in response.json()) == is_cookieless
    events, facts = site.stored()[0] - before[0], site.stored()[2] - before[2]
    if body["type"] == "identify":
        assert response.headers.get("x-footfall-dropped") == ("cookieless" if is_cookieless else None)
        assert (events, facts) == (0, 0 if is_cookieless else 1)
        return
    assert "x-footfall-dropped" not in response.headers, response.text
    assert (events, facts) == (1, 0)
    visitor = response.json().get("visitorId", body["visitorId"])
    check_event(site, body, site.events_of(visitor)[-1])


def check_event(site: Site, body: dict[str, Any], row: Row) -> None:
    """`row` holds what the body says."""
    _, kind, url, query, referrer, name, data, _ = row
    host, _, rest = body["href"].replace("example.com", site.domain).partition("://")[2].partition("/")
    path, _, parameters = rest.partition("#")[0].partition("?")
    is_page = path != "Unknown"

    assert kind == body["type"]
    assert url == (f"{host}/{path}" if is_page else None)
    assert query == ((parameters or None) if is_page else None)
    stated = body.get("referrer") or ""
    assert referrer == (None if not stated or "example.com" in stated else stated.partition("://")[2])
    extra = json.loads(json.dumps(body.get("extraData") or {}).replace("example.com", site.domain))
    assert name == (extra.pop("eventName", None) if kind == "custom" else None)
    stored = json.loads(data) if data else {}
    if kind == "custom":
        assert stored == clean_parameters(extra)
    elif kind == "payment":
        assert stored == extra
    elif kind == "external_link":
        assert stored == {"text": "", **extra}
    else:
        assert stored == {}


@pytest.fixture(scope="module")
def after(sites: SitePool) -> Site:
    """A website to which all recorded requests were sent, in their order."""
    taken = sites.take("local")
    for recorded in RECORDED:
        assert replay(taken, recorded).status_code == 200
    return taken


def visitors_of(kind: str, client: str = "") -> list[str]:
    """The recorded visitors that sent an event of this type."""
    return [
        r["body"]["visitorId"] for r in RECORDED if r["body"]["type"] == kind and r["client"].endswith(client)
    ]


def test_nothing_of_a_recording_was_dropped_but_the_cookieless_identify(after: Site) -> None:
    events, _, facts, _ = after.stored()
    identifies = [r for r in RECORDED if r["body"]["type"] == "identify"]
    kept = [r for r in identifies if not r["body"].get("cookieless")]
    assert (events, facts) == (len(RECORDED) - len(identifies), len(kept))


def test_the_landing_page_gives_the_visitor_its_parameters(after: Site) -> None:
    identity = after.visitor(RECORDED[0]["body"]["visitorId"])["identity"]
    assert identity["params"]["utm_source"] == "newsletter"
    assert identity["params"]["utm_campaign"] == "launch"
    assert identity["params"]["ref"] == "ph"
    assert identity["adClickIds"] == {"gclid": "G123", "fbclid": "F456"}
    assert identity["referrer"] == "news.ycombinator.com/"
    assert identity["browser"]["name"] == "Chrome"
    assert identity["device"]["model"] != "Browser"


def test_the_goal_before_the_first_pageview_counts(after: Site) -> None:
    activity = after.visitor(RECORDED[3]["body"]["visitorId"])["activity"]
    assert [goal["name"] for goal in activity["completedGoals"]] == ["before_pageview", "signup:done"]
    assert activity["pageViewCount"] == 1


def test_an_identify_with_empty_name_and_image_changes_nothing(after: Site) -> None:
    visitor = RECORDED[8]["body"]["visitorId"]
    first = next(fact for fact in after.facts() if fact[2] == uuid.UUID(visitor).bytes)
    assert first[1] == "user_123"
    traits = {user: json.loads(row[2]) for user, row in after.profiles().items()}
    assert traits["user_123"] == {
        "name": "Jane",  # the app, later
        "image": "https://cdn.example.com/j.png".replace("example.com", after.domain),
        "email": f"jane@{after.domain}",
        "plan": "team",
        "seats": 4,
        "beta": True,
        "nested": {"a": [1, 2]},
    }
    assert traits["user_456"] == {"email": f"second@{after.domain}"}


def test_a_second_user_in_the_same_browser_does_not_fuse_with_the_first(after: Site) -> None:
    visitor = RECORDED[11]["body"]["visitorId"]
    assert after.profile(visitor)["userId"] == "user_456"
    assert after.owners(visitor) == ["user_123"]


def test_one_user_in_browser_and_app_is_one_person(after: Site) -> None:
    web, app = RECORDED[8]["body"]["visitorId"], RECORDED[40]["body"]["visitorId"]
    assert after.profile(app)["userId"] == "user_123"
    assert {link.profile_id for link in after.links(app)} <= {link.profile_id for link in after.links(web)}


def test_the_app_is_a_phone_with_its_own_model(after: Site) -> None:
    identity = after.visitor(RECORDED[37]["body"]["visitorId"])["identity"]
    assert identity["device"] == {"type": "mobile", "vendor": "Apple", "model": "iPhone 16 Pro"}
    assert identity["os"] == {"name": "iOS", "version": "18.3.2"}
    assert identity["language"] == "de"


def test_all_cookieless_events_of_a_day_are_one_visitors(after: Site) -> None:
    recorded = {uuid.UUID(r["body"]["visitorId"]).bytes for r in RECORDED}
    named = [row for row in after.rows(sql.visitors_of_website) if row[0] not in recorded]
    assert len(named) == 1
    assert named[0][1] == 1  # one of its events was a pageview


def test_the_same_request_again_is_accepted_again(after: Site) -> None:
    before = after.stored()
    assert replay(after, RECORDED[0]).status_code == 200
    assert after.stored()[0] == before[0] + 1
    assert after.stored()[1:] == before[1:]

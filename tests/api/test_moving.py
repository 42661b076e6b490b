"""`footfall import datafast`: a website through the API of another server."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from footfall.cli import moving as commands
from footfall.clock import DAY_MS, system_clock
from footfall.errors import UsageError
from footfall.moving.client import SourceClient, headers_of
from footfall.moving.model import MoveReport
from footfall.moving.mover import Mover
from footfall.moving.pace import Pace
from footfall.moving.progress import MoveProgress
from footfall.moving.source import SourceAccount
from footfall.routes import ADMIN, ANALYTICS
from footfall.storage import command_session
from footfall.websites.store import read_websites
from tests.conftest import MakeInside
from tests.support.counting import Counting
from tests.support.inside import transport
from tests.support.servers import run_command, run_json, until
from tests.support.sites import JSON_TYPE, Site, http_client, make_sites
from tests.support.table import route_table

MINUTE = 60_000
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.0 Mobile/15E148 Safari/604.1"
)
OWN = {
    "each server makes ids of its own": (
        "_id",
        "factId",
        "id",
        "paymentId",
        "profileId",
        "trackingId",
        "websiteId",
    ),
    "it is when something was written down": ("createdAt", "receivedAt", "updatedAt"),
    "it runs on while the test asks": ("timeSinceCurrentVisit", "timeSinceFirstVisit"),
    "accounts do not come over": ("author",),
    "it is what the import gave": ("evidence",),
    "it is learned from the past, in the background": ("prediction",),
    "the two websites of this test differ": ("domain",),
}
"""Fields that two servers cannot tell alike, by reason."""
OWN_FIELDS = {name for names in OWN.values() for name in names}
WRITTEN = {"identify", "matched", "recorded"}
"""Entries of a payment's timeline that tell when something was written down."""
UNEQUAL = {
    "/api/v1/profiles/{ref}/journey": "the API tells no queries of addresses, no page of a goal, and not who identified a visitor",
    "/api/v1/profiles/{ref}/ledger": "facts are those of the import",
    "/api/v1/profiles/{ref}/export": "it holds the ledger and the journey",
    "/api/v1/identity/health": "its advice names the website's id; what was refused there is not told",
    f"{ADMIN}/integrations": "secrets of webhooks do not come over: connect the provider anew",
    f"{ADMIN}/bot-traffic/token": "tokens are secrets: create one here",
    f"{ANALYTICS}/realtime": "it counts who is there now",
    f"{ANALYTICS}/realtime/map": "it shows who is there now",
    f"{ANALYTICS}/bot-traffic": "crawls are told as sums alone",
    f"{ANALYTICS}/bot-traffic/pages": "crawls are told as sums alone",
}
"""Routes whose answers cannot be equal. docs/moving.md says so too."""
UNTOLD = {"/api/v1/profiles/{ref}"} | {
    f"{ANALYTICS}/{card}"
    for card in (
        "ad-networks",
        "browsers",
        "campaigns",
        "channels",
        "devices",
        "exit-clicks",
        "operating-systems",
        "os",
        "referrers",
    )
}
"""Routes that differ once a visitor clicked on a link out, or came again from elsewhere or with another browser; no others do."""


PAID: tuple[dict[str, Any], ...] = (
    {
        "amount": 49,
        "currency": "EUR",
        "transaction_id": "t1",
        "email": "ada@example.com",
        "datafast_visitor_id": None,
    },
    {"amount": 10.5, "currency": "USD", "transaction_id": "t2", "name": "Bo", "customer_id": "cus_1"},
    {"amount": 5, "currency": "EUR", "transaction_id": "t3", "refunded": True},
    {"amount": 700, "currency": "JPY", "transaction_id": "t4", "renewal": True},
    {"amount": 0, "currency": "EUR", "transaction_id": "t5", "is_free_trial": True},
)
"""Payments, which are the third visitor's unless they say otherwise."""


class Cut(Exception):
    """The import is killed."""


def api_client(site: Site) -> httpx.Client:
    return httpx.Client(base_url=site.url, transport=transport(site.url), headers=headers_of(site.key))


def move(source: Site, target: Site, name: str = "", cut_after: int = -1) -> MoveReport:
    """Import everything, or be killed after so many visitors. `name`: what the source is known by."""
    left = cut_after

    def update(_: int) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Cut

    with (
        command_session(target.place.settings) as session,
        api_client(source) as http,
    ):
        website = session.snapshot(read_websites)[bytes.fromhex(target.website_id)]
        progress = MoveProgress(session, website.website_id, name, system_clock)
        client = SourceClient(http, Pace(10**9, lambda: 0.0, lambda _: None), lambda _: None)
        mover = Mover(session, website, SourceAccount(client), progress, system_clock, source.website_id)
        return mover.run(lambda _: update)


def listed(site: Site) -> list[Any]:
    rows: list[Any] = site.call("GET", "/api/v1/visitors").json()["data"]
    return rows


def wait_until_listed(site: Site, visitors: int) -> None:
    until(lambda: len(listed(site)) == visitors, "visitors are not listed")


def post(site: Site, path: str, body: dict[str, Any], method: str = "POST") -> None:
    headers = {"authorization": f"Bearer {site.key}", **JSON_TYPE}
    response = site.http.request(method, path, headers=headers, json=body)
    assert response.status_code == 200, response.text


def live(site: Site, numbers: Counting) -> list[str]:
    """A website with visits on three days, people, goals, money, funnels and notes; its visitors."""
    clock = numbers.clock
    laptop = site.pageview(path="/?utm_source=news&gclid=x", referrer="https://search.example/a")
    clock.move(MINUTE)
    site.custom(laptop, plan="pro")
    clock.move(MINUTE)
    site.pageview(laptop, path="/pricing?a=b")
    clock.move(DAY_MS)
    phone = site.pageview(path="/blog")
    site.pageview(laptop, path="/")
    clock.move(MINUTE)
    site.identify(laptop, "ada", {"name": "Ada", "email": "ada@example.com", "seats": 3})
    site.identify(phone, "ada", {})
    post(
        site,
        "/api/v1/goals",
        {"name": "activated", "datafast_visitor_id": laptop, "metadata": {"way": "api"}},
    )
    clock.move(MINUTE)
    site.pageview(laptop, path="/welcome")
    clock.move(DAY_MS)
    other = site.pageview(path="/pricing", referrer="https://news.example/item")
    for paid in PAID:
        post(site, "/api/v1/payments", {"datafast_visitor_id": other, **paid})
        clock.move(MINUTE)
    admin = f"/api/v1/admin/websites/{site.website_id}"
    steps = [
        {"name": "Prices", "type": "pageview", "url": "/pricing"},
        {"name": "In", "type": "goal", "goalName": "activated"},
    ]
    post(site, f"{admin}/funnels", {"name": "Way in", "steps": steps})
    post(site, f"{admin}/notes", {"text": "Launch", "timestamp": "2026-05-05T12:00:00Z"})
    post(site, f"{admin}/goals/customizations", {"goalName": "activated", "color": "#22c55e"}, "PATCH")
    return [laptop, phone, other]


def untold(site: Site, numbers: Counting, visitor: str) -> None:
    """What the API does not tell: a click on a link out, and a later visit from elsewhere, with another browser."""
    numbers.clock.move(DAY_MS)
    site.pageview(
        visitor, path="/?utm_source=ads&gclid=y", referrer="https://www.google.com/", user_agent=PHONE
    )
    site.kept("external_link", visitor, extraData={"url": "https://elsewhere.example/", "text": "More"})


def bare(value: Any) -> Any:
    """An answer without what is each server's own."""
    if isinstance(value, dict):
        return {name: bare(one) for name, one in value.items() if name not in OWN_FIELDS}
    if not isinstance(value, list):
        return value
    return [bare(one) for one in value if not isinstance(one, dict) or one.get("type") not in WRITTEN]


def answers(
    site: Site, numbers: Counting, visitors: list[str], since: str = "2026-05-04"
) -> dict[str, list[Any]]:
    """What each route for reading says that can be equal."""
    numbers.columns.catch_up()
    funnels = site.call("GET", f"/api/v1/admin/websites/{site.website_id}/funnels").json()["data"]
    parts = {
        "{id}": [site.website_id],
        "{funnelId}": [funnels[0]["_id"]],
        "{visitorId}": visitors,
        "{ref}": ["user:ada"],
        "{transactionId}": [paid["transaction_id"] for paid in PAID],
    }
    return {
        route.path: [bare(read(site, path, since)) for path in filled(route.path, parts)]
        for route in route_table()
        if route.method == "GET" and route.credential.is_checked and route.path not in UNEQUAL
    }


def filled(path: str, parts: dict[str, list[str]]) -> list[str]:
    """A route's path with each value of its open part."""
    for part, values in parts.items():
        if part in path:
            return [path.replace(part, value) for value in values]
    return [path]


def read(site: Site, path: str, since: str) -> Any:
    is_about_days = path.startswith(ANALYTICS) and not path.endswith("/metadata")
    days = {"startAt": since, "endAt": "2026-05-12"} if is_about_days else {}
    name = {"eventName": "signup"} if path.endswith("/properties") else {}
    response = site.call("GET", path, params={**days, **name})
    assert response.status_code == 200, response.text
    return response.json()


def test_a_website_that_moved_over_answers_alike_on_every_route_and_moving_it_again_changes_nothing(
    numbers: Counting,
) -> None:
    source, target, late = (numbers.site() for _ in range(3))
    visitors = live(source, numbers)
    wait_until_listed(source, 3)
    report = move(source, target)
    assert (report.visitors, report.payments, report.goal_looks, report.funnels, report.notes) == (
        3,
        5,
        1,
        1,
        1,
    )
    assert (report.events, report.people, report.refused) == (8, 2, [])
    wait_until_listed(target, 3)
    there, here = (answers(site, numbers, visitors) for site in (source, target))
    for name, answer in there.items():
        assert here[name] == answer, name
    before = target.stored()
    again = move(source, target)
    assert (again.visitors, again.unchanged, again.payments_already_there) == (0, 3, 5)
    anew = move(source, target, "anew")
    assert (anew.visitors, anew.events, anew.events_already_there) == (3, 0, 8)
    assert (anew.goal_looks, anew.funnels, anew.notes, anew.payments, anew.refused) == (0, 0, 0, 0, [])
    assert target.stored() == before
    untold(source, numbers, visitors[0])
    until(lambda: listed(source)[0]["visitorId"] == visitors[0], "it is not listed")
    assert move(source, late).events == 9
    differing = set()
    for since in ("2026-05-04", "2026-05-08"):
        there, here = (answers(site, numbers, visitors, since) for site in (source, late))
        differing |= {name for name, answer in there.items() if here[name] != answer}
    assert differing == UNTOLD


def test_an_import_that_is_killed_goes_on_from_there(start_inside: MakeInside) -> None:
    server = start_inside({"FOOTFALL_RATE_LIMIT": "1000"})
    with http_client(server.url) as http:
        source, target = make_sites(server.url, http, server.place, [{}, {}])
        visitors = [source.pageview(path=f"/{number}") for number in range(5)]
        wait_until_listed(source, 5)
        with pytest.raises(Cut):
            move(source, target, cut_after=2)
        report = move(source, target)
        assert (report.visitors, report.unchanged, report.events) == (3, 2, 3)
        assert {one for one in visitors if target.visitor(one)["activity"]["pageViewCount"] == 1} == set(
            visitors
        )
        source.pageview(visitors[0], path="/later")
        until(lambda: listed(source)[0]["visitorId"] == visitors[0], "it is not listed")
        later = move(source, target)
        assert (later.visitors, later.unchanged, later.events, later.events_already_there) == (1, 4, 1, 1)


def test_what_both_servers_counted_live_counts_once(server: Site, sites: Any) -> None:
    target = sites.take()
    target.change(allowed_hostnames=(server.domain,))
    visitor = server.pageview(path="/before")
    for site in (server, target):
        site.pageview(visitor, href=f"https://{server.domain}/both")
        site.custom(visitor, "signup")
    server.pageview(visitor, path="/both")
    wait_until_listed(server, 1)
    report = move(server, target)
    assert (report.events, report.events_already_there) == (2, 2)
    pages = [page["url"] for page in target.visitor(visitor)["activity"]["visitedPages"]]
    assert pages == [f"{server.domain}/{path}" for path in ("before", "both", "both")]


def test_the_command_asks_looks_and_imports(
    server: Site, sites: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = sites.take()
    server.pageview()
    wait_until_listed(server, 1)
    server.change(timezone="Asia/Tokyo")
    monkeypatch.setattr(
        commands, "open_http", lambda _url, key: api_client(server) if key == server.key else None
    )
    monkeypatch.setattr(commands, "PER_MINUTE", 10**6)
    arguments = ("import", "datafast", "--base-url", server.url, "--website", target.website_id)
    told = run_json(target.place, *arguments, "--key", server.key, "--dry-run")
    assert (told["dryRun"], told["visitors"], told["minutes"]) == (True, 1, 1)
    assert not {"events", "people", "payments", "unchanged"} & told.keys(), "nobody has counted these"
    assert target.stored() == (0, 0, 0, 0)
    ran = run_command(target.place, *arguments, environment={"FOOTFALL_IMPORT_KEY": server.key})
    assert ran.code == 0, ran
    assert "minutes" not in ran.output
    assert "timezone: Asia/Tokyo, was UTC" in ran.output
    assert "--source-id" not in ran.errors, "the key tells the id"
    assert server.key not in ran.output + ran.errors
    assert target.stored()[:2] == (1, 1)
    typed = run_command(target.place, *arguments, "--source-id", server.website_id, typed=f"{server.key}\n")
    assert typed.code == 0, typed


def test_a_wrong_key_is_told_in_a_sentence(server: Site, sites: Any) -> None:
    wrong = replace(server, key=server.key[:-1] + "_")
    with pytest.raises(UsageError, match="does not accept the key"):
        move(wrong, sites.take())

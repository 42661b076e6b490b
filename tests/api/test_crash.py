"""What was acknowledged survives the death of the server."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from tests.support.engines import Place
from tests.support.servers import RunningServer, run_json, until
from tests.support.sites import CHROME, Site, http_client, make_sites, new_visitor, sql

pytestmark = pytest.mark.process

CLIENTS = 8
LOAD_SECONDS = 3.0
KILLS = int(os.environ.get("FOOTFALL_KILLS", "2"))
"""Times that the server is killed; `make kills` sets more."""


class Acknowledged(msgspec.Struct):
    """What one client saw acknowledged."""

    events: list[tuple[str, str]] = []
    """(visitor, path)"""
    facts: list[tuple[str, str, str, int]] = []
    """(fact id, visitor, user, value of n)"""
    under_way: tuple[str, str] = ("", "")
    """(visitor, user) of the last call, which may be on disk without its answer having come."""


def load(site: Site, client_number: int, seen: Acknowledged) -> None:
    """Send pageviews and identify calls until the server is gone."""
    with (
        httpx.Client(base_url=site.url, timeout=30.0, verify=False) as client,
        contextlib.suppress(httpx.TransportError),
    ):
        for number in range(1_000_000):
            visitor = new_visitor()
            if number % 3 and seen.events:
                visitor = seen.events[-1][0]
            _pageview(site, client, visitor, f"/{client_number}/{number}", seen)
            _identify(site, client, visitor, f"user {client_number} {number % 7}", number, seen)


def _pageview(site: Site, client: httpx.Client, visitor: str, path: str, seen: Acknowledged) -> None:
    body = {
        "websiteId": site.tracking_id,
        "type": "pageview",
        "visitorId": visitor,
        "href": f"https://{site.domain}{path}",
    }
    response = client.post("/api/events", json=body, headers={"user-agent": CHROME})
    assert response.json() == {"status": "success"}
    seen.events.append((visitor, path))


def _identify(site: Site, client: httpx.Client, visitor: str, user: str, n: int, seen: Acknowledged) -> None:
    body = {"user_id": user, "datafast_visitor_id": visitor, "n": n, "plan": "pro"}
    seen.under_way = visitor, user
    response = client.post("/api/v1/identify", json=body, headers={"authorization": f"Bearer {site.key}"})
    assert response.status_code == 200, response.text
    seen.facts.append((response.json()["data"]["factId"], visitor, user, n))


def under_load(site: Site, end: Callable[[], Any]) -> list[Acknowledged]:
    """Load the server for a while, then call `end`, which ends it; what each client saw acknowledged."""
    seen = [Acknowledged() for _ in range(CLIENTS)]
    clients = [threading.Thread(target=load, args=(site, number, one)) for number, one in enumerate(seen)]
    for client in clients:
        client.start()
    until(lambda: all(one.facts for one in seen), "a client got no answer")
    time.sleep(random.uniform(0.3, 1) * LOAD_SECONDS)  # the load itself, not a wait for something to happen
    end()
    for client in clients:
        client.join()
    return seen


def check_all_there(site: Site, seen: list[Acknowledged]) -> None:
    """Everything acknowledged is in the database."""
    facts = {row[0].hex(): row for row in site.facts()}
    for one in seen:
        for fact_id, visitor, user, n in one.facts:
            row = facts[fact_id]
            assert (row[1], row[2].hex()) == (user, visitor.replace("-", ""))
            assert msgspec.json.decode(row[6])["set"]["n"] == n
    stored: dict[str, int] = {}
    for _, visitor, _ in site.rows(sql.events_of_website):
        stored[visitor.hex()] = stored.get(visitor.hex(), 0) + 1
    sent: dict[str, int] = {}
    for one in seen:
        for visitor, _ in one.events:
            sent[visitor.replace("-", "")] = sent.get(visitor.replace("-", ""), 0) + 1
    assert {visitor for visitor, many in sent.items() if stored.get(visitor, 0) < many} == set()


def check_shown(site: Site, seen: list[Acknowledged]) -> None:
    """The last of each client's calls are shown by the API."""
    for one in seen:
        newest = {visitor: (user, n) for _, visitor, user, n in one.facts[-30:]}
        values = {user: n for _, _, user, n in one.facts}
        for visitor, (user, _) in newest.items():
            shown = site.visitor(visitor)
            if (visitor, shown["profile"]["userId"]) != one.under_way:
                assert shown["profile"]["userId"] == user
                assert shown["profile"]["metadata"]["n"] >= values[user]
            paths = [path for who, path in one.events if who == visitor]
            pages = [page["url"] for page in shown["activity"]["visitedPages"]]
            assert {f"{site.domain}{path}" for path in paths} <= set(pages)


@pytest.mark.slow
def test_a_killed_server_has_lost_nothing_that_it_acknowledged(place: Place) -> None:
    seen: list[Acknowledged] = []
    sites: list[Site] = []
    for _ in range(KILLS):
        server = RunningServer(place, {"FOOTFALL_RATE_LIMIT": "0"})
        try:
            with http_client(server.url) as client:
                sites = sites or make_sites(server.url, client, place)
                site = msgspec.structs.replace(sites[0], url=server.url, http=client)
                check_shown(site, seen[-CLIENTS:])
                seen += under_load(site, functools.partial(server.stop, signal.SIGKILL))
        finally:
            server.stop(signal.SIGKILL)
        check_all_there(site, seen[-CLIENTS:])
    check_all_there(sites[0], seen)
    events, facts = sum(len(one.events) for one in seen), sum(len(one.facts) for one in seen)
    print(f"{KILLS} kills, {events} events and {facts} identify calls acknowledged, none lost")
    assert min(events, facts) >= CLIENTS * KILLS
    report = run_json(place, "db", "verify")
    assert report["ok"], report
    assert report["facts"] >= facts

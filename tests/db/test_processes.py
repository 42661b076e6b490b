"""Many callers, and several processes on one database: the end state is what the facts say, and changes reach all."""

from __future__ import annotations

import functools
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from footfall.auth.attempts import PER_ACCOUNT
from footfall.auth.store import revoke_key
from footfall.clock import system_clock
from footfall.collect.service import RECORD_HANDLER
from footfall.privacy.erase import Erasing
from footfall.websites.store import configuration_changed
from tests.support.dashboard import Visit, make_account
from tests.support.engines import Engine
from tests.support.servers import RunningServer, run_json, serving, until
from tests.support.sites import CHROME, Site, http_client, make_sites, new_visitor

CLIENTS = 6
CALLS = 60
USERS = ["A", "B", "C", "D"]


@pytest.fixture
def servers(engine: Engine) -> Iterator[list[RunningServer]]:
    """Two servers on one PostgreSQL database, one of them of two processes; or the one that SQLite has."""
    with ExitStack() as stack:
        environment = {"FOOTFALL_RATE_LIMIT": "0"}
        place = engine.new_place()
        started = [stack.enter_context(serving(place, environment))]
        if place.engine == "postgres":
            started.append(stack.enter_context(serving(place, environment | {"FOOTFALL_WORKERS": "2"})))
        yield started


def site_on(server: RunningServer, client: httpx.Client) -> Site:
    return make_sites(server.url, client, server.place)[0]


def call_for_a_while(site: Site, url: str, visitors: list[str], seed: int, answers: list[Any]) -> None:
    """Identify, send pageviews, merge and undo, about the same few visitors and users as everybody else."""
    draw = random.Random(seed)
    headers = {"authorization": f"Bearer {site.key}", "user-agent": CHROME}
    for number in range(CALLS):
        with httpx.Client(
            base_url=url, verify=False, timeout=30.0, headers=headers
        ) as client:  # any of the server's processes
            visitor, user = draw.choice(visitors), draw.choice(USERS)
            what = draw.randrange(20)
            if what == 0:
                body: dict[str, Any] = {"userIds": draw.sample(USERS, 2)}
                response = client.post("/api/v1/profiles/merge", json=body)
            elif what < 4:
                body = {
                    "websiteId": site.tracking_id,
                    "type": "pageview",
                    "visitorId": visitor,
                    "href": f"https://{site.domain}/{seed}/{number}",
                }
                response = client.post("/api/events", json=body)
            else:
                body = {"user_id": user, "datafast_visitor_id": visitor, f"k{draw.randrange(3)}": number}
                response = client.post("/api/v1/identify", json=body)
            answers.append((what, body, response))
            if what == 0 and response.status_code == 200 and draw.random() < 0.7:
                fact_id = response.json()["data"]["factId"]
                client.post(f"/api/v1/ledger/{fact_id}/undo", json={})


@pytest.mark.slow
def test_calls_about_the_same_people_at_once_end_as_their_facts_say(servers: list[RunningServer]) -> None:
    with http_client(servers[0].url) as client:
        site = site_on(servers[0], client)
        wait_until_known(servers, site)
        visitors = [site.pageview() for _ in range(4)]
        answers: list[Any] = []
        threads = [
            threading.Thread(
                target=call_for_a_while,
                args=(site, servers[seed % len(servers)].url, visitors, seed, answers),
            )
            for seed in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        statuses = {response.status_code for _, _, response in answers}
        assert statuses <= {200, 404}, [
            response.text for _, _, response in answers if response.status_code > 404
        ]
        identified = [(body, response.json()["data"]) for what, body, response in answers if what >= 4]
        fact_ids = {row[0].hex() for row in site.facts()}
        assert {data["factId"] for _, data in identified} <= fact_ids
        assert len({data["factId"] for _, data in identified}) == len(identified)
        created = [body["user_id"] for body, data in identified if data["action"] == "created"]
        assert sorted(created) == sorted(set(created))
        assert set(site.profiles()) == {body["user_id"] for body, _ in identified}
        report = run_json(servers[0].place, "db", "verify")
        assert report["ok"], report
        assert not any("DeadlockDetected" in server.log for server in servers)


@pytest.mark.slow
def test_two_processes_that_meet_the_same_user_first_make_one_profile(servers: list[RunningServer]) -> None:
    with http_client(servers[0].url) as client:
        site = site_on(servers[0], client)
        wait_until_known(servers, site)
        for number in range(10):
            visitors = [site.pageview() for _ in range(4)]
            barrier = threading.Barrier(len(visitors))
            actions: list[str] = []

            def call(
                visitor: str, url: str, user: str, barrier: threading.Barrier, actions: list[str]
            ) -> None:
                with httpx.Client(
                    base_url=url, verify=False, headers={"authorization": f"Bearer {site.key}"}
                ) as own:
                    barrier.wait()
                    body = {"user_id": user, "datafast_visitor_id": visitor}
                    actions.append(own.post("/api/v1/identify", json=body).json()["data"]["action"])

            threads = [
                threading.Thread(
                    target=call,
                    args=(visitor, servers[index % len(servers)].url, f"user{number}", barrier, actions),
                )
                for index, visitor in enumerate(visitors)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(actions) == ["created", "updated", "updated", "updated"]
        assert all(row[3] == 4 for row in site.profiles().values())


def statuses(url: str, site: Site, processes: int) -> set[int]:
    """What a call gets on enough new connections to meet every process of a server."""
    found = set()
    for _ in range(processes * 8):
        with httpx.Client(
            base_url=url, verify=False, headers={"authorization": f"Bearer {site.key}"}
        ) as client:
            found.add(client.get(f"/api/v1/visitors/{new_visitor()}").status_code)
    return found


def wait_until_known(servers: list[RunningServer], site: Site) -> None:
    """Return once every process of every server knows the website's key."""
    for server in servers:
        until(functools.partial(is_told, server, site, 404), "the key is not known everywhere")


def is_told(server: RunningServer, site: Site, status: int) -> bool:
    """Whether every process of a server, of two at most, answers so."""
    return statuses(server.url, site, 2) == {status}


@pytest.mark.slow
@pytest.mark.parametrize("change", ["revoke", "suspend"])
def test_a_change_reaches_every_process(servers: list[RunningServer], change: str) -> None:
    with http_client(servers[0].url) as client:
        site = site_on(servers[0], client)
        wait_until_known(servers, site)

        def work(tx: Any) -> None:
            revoke_key(tx, bytes.fromhex(site.key_id), system_clock())
            configuration_changed(tx)

        if change == "revoke":
            site.place.transact(work)
            status = 401
        else:
            run_json(site.place, "website", "update", site.website_id, "--suspended")
            status = 403
        for server in servers:
            until(functools.partial(is_told, server, site, status), f"{server.url} has not noticed")


@pytest.mark.slow
def test_a_server_of_several_processes_stops_as_a_whole(servers: list[RunningServer]) -> None:
    server = servers[-1]
    assert httpx.get(server.url + "/readyz").status_code == 200
    assert server.stop() in (0, -signal.SIGTERM)
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url + "/readyz")


def test_an_erasure_keeps_events_out_of_what_it_blanks() -> None:
    hit: Any = SimpleNamespace(website_id=b"w", visitor_id=b"v")
    call: Any = SimpleNamespace(website_id=b"w")
    assert RECORD_HANDLER.shares is not None
    erase = Erasing(()).erase_handler
    assert erase.locks is not None
    assert set(RECORD_HANDLER.shares([hit])) & set(erase.locks([call]))


def processes_under(server: RunningServer) -> set[int]:
    """The workers of a server."""
    tasks = Path(f"/proc/{server.process.pid}/task")
    return {
        int(child) for task in tasks.iterdir() for child in (task / "children").read_text("ascii").split()
    }


@pytest.fixture
def workers(engine: Engine) -> Iterator[RunningServer]:
    """A server of two processes."""
    if engine.name != "postgres":
        pytest.skip("the embedded database has one server process")
    with serving(engine.new_place(), {"FOOTFALL_WORKERS": "2"}) as server:
        yield server


@pytest.mark.slow
def test_a_worker_that_was_killed_is_replaced(workers: RunningServer) -> None:
    before = processes_under(workers)
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    until(lambda: len(processes_under(workers) - {killed}) == 2)
    assert httpx.get(workers.url + "/readyz").status_code == 200


@pytest.mark.slow
def test_a_server_stops_in_time_while_it_replaces_a_worker(workers: RunningServer) -> None:
    before = processes_under(workers)
    os.kill(min(before), signal.SIGKILL)
    until(lambda: "starting another" in workers.log)
    assert workers.stop() == 0
    assert "killed" not in workers.log
    assert not any(Path(f"/proc/{worker}").exists() for worker in before)


@pytest.mark.slow
def test_workers_whose_supervisor_was_killed_leave_the_port(workers: RunningServer) -> None:
    before = processes_under(workers)
    workers.stop(signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in before))
    with pytest.raises(httpx.ConnectError):
        httpx.get(workers.url + "/healthz")


def test_log_ins_are_limited_for_all_processes_together_however_many_come_at_once(
    servers: list[RunningServer],
) -> None:
    account = make_account(servers[0].place)

    def attempt(number: int) -> int:
        with closing(Visit(servers[number % len(servers)].url)) as visit:
            return visit.log_in(account.email, "wrong password").status_code

    with ThreadPoolExecutor(10) as pool:
        codes = Counter(pool.map(attempt, range(20)))
    assert codes == {401: PER_ACCOUNT, 429: 20 - PER_ACCOUNT}

"""`footfall demo`, and what the first start after it tells."""

from __future__ import annotations

import itertools
import socket

from footfall.app import first_run
from footfall.cli.serve import welcome
from footfall.clock import system_clock
from footfall.demo import DOMAIN
from footfall.demo.live import Door, keep_walking, walk_in
from footfall.funnels.store import read_funnels
from footfall.notes.store import read_notes
from footfall.websites.store import create_website
from tests.support.engines import Place
from tests.support.servers import RunningServer, run_command, run_json
from tests.support.sites import http_client, make_sites, sql


def test_the_demo_shows_what_the_doctor_finds(place: Place) -> None:
    made = run_json(place, "demo", "--seed", "7")
    assert made["events"] > 5_000
    report = run_json(place, "doctor", made["websiteId"])
    found = {finding["kind"]: finding for finding in report["findings"]}
    assert found["shared_visitors"]["count"] == 1
    assert found["likely_duplicates"]["count"] == 6
    assert run_json(place, "db", "verify")["ok"]
    website_id = bytes.fromhex(made["websiteId"])
    assert len(place.snapshot(lambda tx: read_notes(tx, website_id))) == 3
    (funnel,) = place.snapshot(lambda tx: read_funnels(tx, website_id))
    assert [step.value for step in funnel.steps] == ["/", "/pricing", "signup", "payment"]


def test_the_first_start_after_the_demo_tells_how_to_try_it(place: Place) -> None:
    now = system_clock()
    website = place.transact(lambda tx: create_website(tx, DOMAIN, now))
    created = place.transact(lambda tx: first_run(tx, now))
    assert created is not None
    assert (created.domain, created.tracking_id) == (DOMAIN, website.tracking_id)
    told = welcome("http://127.0.0.1:8000", created)
    assert told.count("curl -s http://127.0.0.1:8000/") == 3
    assert created.key in told
    assert place.transact(lambda tx: first_run(tx, now)) is None


def test_a_start_on_a_website_of_ones_own_makes_no_key(place: Place) -> None:
    now = system_clock()
    place.transact(lambda tx: create_website(tx, DOMAIN, now))
    place.transact(lambda tx: create_website(tx, "shop.example", now))
    assert place.transact(lambda tx: first_run(tx, now)) is None


def test_live_needs_a_server_and_makes_no_second_website(place: Place) -> None:
    place.transact(lambda tx: create_website(tx, DOMAIN, system_clock()))
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        ran = run_command(place, "demo", "--live", "--port", str(taken.getsockname()[1]))
    assert ran.code == 1
    assert "no server answers" in ran.errors
    assert len(run_json(place, "website", "list")) == 1


def test_visitors_who_walk_in_are_taken_by_a_server(socket_server: RunningServer) -> None:
    changes = [{"allowed_hostnames": (DOMAIN,)}]
    with http_client(socket_server.url) as http:
        (site,) = make_sites(socket_server.url, http, socket_server.place, changes)
    walked = list(itertools.islice(walk_in(1, system_clock()), 30))
    keep_walking(Door(socket_server.port, site.tracking_id), walked, lambda seconds: None)
    kept = site.rows(sql.events_of_website)
    assert len(kept) == 30

"""PostgreSQL fails, for real: calls get 503, what was acknowledged is there, and the server comes back by itself."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from footfall.storage import migrate_database
from tests.support.engines import Place
from tests.support.postgres import LocalPostgres
from tests.support.servers import PATIENCE, RunningServer, run_json, until
from tests.support.sites import Site, http_client, make_sites

pytestmark = pytest.mark.slow

CLIENTS = 4


@pytest.fixture
def empty(postgres: LocalPostgres, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A database without a schema on the server that these tests stop."""
    return Place("postgres", tmp_path_factory.mktemp("place"), postgres.create_database())


class Seen(msgspec.Struct):
    """What clients saw: ids of acknowledged facts, and other answers."""

    facts: list[str] = []
    failures: list[httpx.Response] = []


@contextmanager
def served(place: Place, **environment: str) -> Iterator[Site]:
    """A website of a server on `place`. Its log is not looked at: it tells of the fault."""
    migrate_database(place.settings)
    server = RunningServer(place, {"FOOTFALL_RATE_LIMIT": "0", **environment})
    try:
        with http_client(server.url) as client:
            yield make_sites(server.url, client, place)[0]
    finally:
        server.stop()
    assert "Traceback" not in server.log, server.log


@contextmanager
def under_load(site: Site) -> Iterator[Seen]:
    """Identify calls all the while; what their clients saw."""
    seen, stop = Seen(), threading.Event()
    visitors = [site.pageview() for _ in range(CLIENTS)]

    def load(number: int) -> None:
        with httpx.Client(base_url=site.url, verify=False, timeout=60.0) as client:
            for n in range(1_000_000):
                if stop.is_set():
                    return
                body = {"user_id": f"user{number}", "datafast_visitor_id": visitors[number], "n": n}
                response = client.post(
                    "/api/v1/identify", json=body, headers={"authorization": f"Bearer {site.key}"}
                )
                if response.status_code == 200:
                    seen.facts.append(response.json()["data"]["factId"])
                else:
                    seen.failures.append(response)

    threads = [threading.Thread(target=load, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: len(seen.facts) > 50)
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def works_again(seen: Seen) -> None:
    """Return once calls are acknowledged again."""
    many = len(seen.facts)
    until(lambda: len(seen.facts) > many + 50)


def check(site: Site, seen: Seen, *, may_not_fail: bool = False) -> None:
    """Everything acknowledged is there, and failures were honest."""
    assert set(seen.facts) <= {row[0].hex() for row in site.facts()}
    assert may_not_fail or seen.failures
    for response in seen.failures:
        assert response.status_code == 503, response.text
        assert int(response.headers["retry-after"]) >= 1
        assert response.json()["error"]["code"] == 503
    assert run_json(site.place, "db", "verify")["ok"]


def execute(place: Place, statement: str) -> list[Any]:
    """Run a statement beside the server; its rows."""
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_under_load_loses_nothing(postgres: LocalPostgres, empty: Place, mode: str) -> None:
    with served(empty) as site, under_load(site) as seen:
        postgres.stop(mode)
        until(lambda: len(seen.failures) > 5)
        postgres.start()
        works_again(seen)
    check(site, seen)


CUT = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def test_connections_that_are_cut_come_back(empty: Place) -> None:
    with served(empty) as site, under_load(site) as seen:
        for _ in range(3):
            [(many,)] = execute(empty, CUT)
            assert many >= 1
            works_again(seen)
            assert site.call("GET", "/api/v1/profiles/user:user0").status_code == 200
    check(site, seen, may_not_fail=True)


def test_reads_fail_honestly_while_postgresql_is_away(postgres: LocalPostgres, empty: Place) -> None:
    with served(empty) as site:
        visitor = site.pageview()
        postgres.stop()
        try:
            for path in (f"/api/v1/visitors/{visitor}", "/api/v1/profiles", "/readyz"):
                response = site.call("GET", path)
                assert response.status_code == 503, response.text
            assert site.http.get("/healthz").status_code == 200
        finally:
            postgres.start()
        until(lambda: site.http.get("/readyz").status_code == 200)
        assert site.visitor(visitor)["visitorId"] == visitor


def is_ready(client: httpx.Client) -> bool:
    """Whether the server takes writes; a connection may end with the server that only waited."""
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_that_starts_while_postgresql_is_away_waits_for_it(
    postgres: LocalPostgres, empty: Place, workers: str
) -> None:
    migrate_database(empty.settings)
    postgres.stop()
    try:
        server = RunningServer(empty, {"FOOTFALL_WORKERS": workers})
        with http_client(server.url) as client:
            for path in ("/api/v1/profiles", "/readyz"):
                response = client.get(path)
                assert response.status_code == 503, response.text
                assert int(response.headers["retry-after"]) >= 1
            assert client.get("/healthz").status_code == 200
        assert "cannot be reached" in server.log
    finally:
        postgres.start()
    with http_client(server.url) as client:
        until(lambda: is_ready(client))
    assert server.stop() in (0, -signal.SIGTERM)
    server.check_log()


def test_a_server_that_waited_for_another_schema_says_what_to_do(
    postgres: LocalPostgres, empty: Place
) -> None:
    postgres.stop()
    try:
        server = RunningServer(empty)
    finally:
        postgres.start()
    assert server.process.wait(PATIENCE) == 1
    assert "footfall db migrate" in server.log
    server.stop()
    server.check_log()


def test_a_server_that_waits_for_postgresql_stops_when_it_is_told_to(
    postgres: LocalPostgres, empty: Place
) -> None:
    postgres.stop()
    try:
        assert RunningServer(empty).stop() == 0
    finally:
        postgres.start()


def test_reads_that_wait_do_not_try_one_after_the_other_while_postgresql_is_away(
    postgres: LocalPostgres, empty: Place
) -> None:
    with served(empty) as site:
        visitor = site.pageview()
        postgres.stop()
        try:
            with ThreadPoolExecutor(40) as pool:
                calls = [pool.submit(site.call, "GET", f"/api/v1/visitors/{visitor}") for _ in range(80)]
                codes = Counter(call.result().status_code for call in calls)
        finally:
            postgres.start()
        assert codes == {503: 80}
        until(lambda: site.call("GET", f"/api/v1/visitors/{visitor}").status_code == 200)


def test_a_server_that_takes_no_writes_is_a_fault_like_others(empty: Place) -> None:
    database = empty.database_url.rpartition("/")[2]
    with served(empty) as site, under_load(site) as seen:
        execute(empty, f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        execute(empty, CUT)
        until(lambda: len(seen.failures) > 20)
        with psycopg.connect(empty.database_url, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(f"ALTER DATABASE {database} RESET default_transaction_read_only".encode())
        works_again(seen)
    check(site, seen)


FAIL = """
CREATE SEQUENCE fault;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {when} RAISE EXCEPTION 'fault' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$;
CREATE TRIGGER fail BEFORE INSERT ON fact FOR EACH STATEMENT EXECUTE FUNCTION fail();
"""
MEND = "DROP TRIGGER fail ON fact; DROP FUNCTION fail(); DROP SEQUENCE fault"


def test_a_full_disk_stores_nothing_and_loses_nothing(empty: Place) -> None:
    with served(empty) as site, under_load(site) as seen:
        execute(empty, FAIL.format(code="53100", when="IF TRUE THEN"))
        until(lambda: len(seen.failures) > 5)
        execute(empty, MEND)
        works_again(seen)
    check(site, seen)


@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_transactions_in_each_others_way_are_tried_again(empty: Place, code: str) -> None:
    """Two in a row fail, of eight on all connections: never so many in a row on one that it gives up."""
    with served(empty) as site, under_load(site) as seen:
        execute(empty, FAIL.format(code=code, when="IF nextval('fault') % 8 < 2 THEN"))
        works_again(seen)
        execute(empty, MEND)
    check(site, seen, may_not_fail=True)
    assert seen.failures == []


def test_a_statement_that_takes_too_long_is_a_fault_like_others(empty: Place) -> None:
    with served(empty) as site, under_load(site) as seen:
        execute(empty, FAIL.format(code="57014", when="IF TRUE THEN"))
        until(lambda: len(seen.failures) > 5)
        execute(empty, MEND)
        works_again(seen)
    check(site, seen)


@contextmanager
def crowded(place: Place, room: int) -> Iterator[None]:
    """A server whose table of locks has room for `room` more."""
    with psycopg.connect(place.database_url, autocommit=True) as holder:
        with pytest.raises(psycopg.errors.OutOfMemory):
            holder.execute("SELECT pg_advisory_lock(n) FROM generate_series(1, 1000000) AS n")
        holder.execute("SELECT pg_advisory_unlock(n) FROM generate_series(1, %s) AS n", [room])
        yield


def test_a_batch_that_finds_no_room_for_its_locks_is_written_in_parts(empty: Place) -> None:
    with served(empty) as site:
        visitors = [site.pageview() for _ in range(60)]
        calls = [
            {"user_id": f"user{number}", "datafast_visitor_id": visitor, "n": 1}
            for number, visitor in enumerate(visitors)
        ]
        with crowded(empty, room=50):
            answer = site.call("POST", "/api/v1/identify/batch", json=calls)
        assert answer.status_code == 200, answer.text
        assert {one["status"] for one in answer.json()["data"]} == {200}
        assert len(site.profiles()) == len(calls)


CANCEL = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def test_a_scan_that_postgresql_ends_is_answered_as_one_that_takes_too_long(empty: Place) -> None:
    with served(empty) as site, psycopg.connect(empty.database_url) as holder:
        holder.execute("LOCK TABLE profile IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(site.call, "GET", "/api/v1/profiles")

            def is_answered() -> bool:
                execute(empty, CANCEL)
                return answer.done()

            until(is_answered)
        holder.rollback()
        response = answer.result()
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) >= 1
        assert "takes too long" in response.json()["error"]["message"]
        assert site.call("GET", "/api/v1/profiles").status_code == 200

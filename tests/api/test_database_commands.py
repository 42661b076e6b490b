"""Commands about the database: migrating, verifying, backups."""

from __future__ import annotations

import contextlib
import json
import threading
from pathlib import Path
from typing import Any

import apsw
import pytest

from footfall.db import migrate
from footfall.db.sqlite.connection import FILE_NAME, connect
from footfall.db.sqlite.schema import schema_version
from tests.conftest import MakeServer
from tests.support.engines import Place
from tests.support.servers import (
    RunningServer,
    run_command,
    run_json,
    until,
    usage_error,
)
from tests.support.sites import (
    CHROME,
    Site,
    http_client,
    make_sites,
    new_visitor,
    sql,
)

pytestmark = pytest.mark.process


def test_a_database_is_migrated_once(place: Place) -> None:
    if place.engine != "sqlite":
        pytest.skip("tests make PostgreSQL's databases migrated")
    assert run_json(place, "db", "migrate")["applied"] == sorted(migrate.migrations())
    assert run_json(place, "db", "migrate")["applied"] == []


def filled(server: RunningServer) -> Site:
    """A website with two people who shared a visitor."""
    with http_client(server.url) as client:
        (site,) = make_sites(server.url, client, server.place)
        visitor, second = site.pageview(), site.pageview()
        site.identify(visitor, "A", {"plan": "pro", "seats": 4})
        site.page_identify(visitor, "A", colour="red")
        site.identify(visitor, "B", {"$unset": ["old"], "$set_once": {"source": "ad"}})
        site.identify(second, "A", {"seats": 5})
        site.identify(second, "A", {"seats": 3}, at=1)
    return site


def test_a_right_database_is_verified(start: MakeServer) -> None:
    server = start()
    filled(server)
    report = run_json(server.place, "db", "verify")
    assert report["ok"]
    assert (report["facts"], report["profiles"], report["visitors"], report["differences"]) == (5, 2, 2, 0)
    read = run_command(server.place, "db", "verify")
    assert (read.code, read.errors) == (0, "")
    assert not [line for line in read.output.splitlines() if len(line.split()) < 2], read.output


FALSIFIED = {
    "metadata": (
        "UPDATE profile SET metadata = json_set(metadata, '$.plan', 'free') WHERE user_id = 'A'",
        "metadata",
    ),
    "a missing field": ("UPDATE profile SET metadata = '{}' WHERE user_id = 'B'", "metadata"),
    "trust": ("UPDATE profile SET untrusted = NULL WHERE user_id = 'A'", "trusted"),
    "what is gone": ("UPDATE profile SET gone = NULL WHERE user_id = 'B'", "trusted"),
    "the visitors' number": (
        "UPDATE profile SET visitor_count = visitor_count + 1 WHERE user_id = 'A'",
        "visitor_count",
    ),
    "the first time": (
        "UPDATE profile SET identified_at = identified_at + 1 WHERE user_id = 'A'",
        "identified_at",
    ),
    "the user": ("UPDATE profile SET user_id = 'C' WHERE user_id = 'A'", "user_id"),
    "the person": ("UPDATE profile SET member_count = 2 WHERE user_id = 'A'", "member_count"),
    "a missing profile": ("DELETE FROM profile WHERE user_id = 'B'", "has facts but no row"),
    "a profile too many": (
        "INSERT INTO profile SELECT website_id, zeroblob(12), zeroblob(12), 1, 'Z', 0, 0, '{}', NULL, NULL, NULL FROM profile LIMIT 1",
        "has a row but no facts",
    ),
    "a missing link": ("DELETE FROM link WHERE fact_id = (SELECT max(fact_id) FROM link)", "links"),
    "a link to another": (
        "UPDATE link SET profile_id = zeroblob(12) WHERE fact_id = (SELECT min(fact_id) FROM link)",
        "links",
    ),
    "a changed fact": (
        """UPDATE fact SET operations = '{"set":{"plan":"x"}}' WHERE operations LIKE '%pro%'""",
        "metadata",
    ),
    "a missing fact": ("DELETE FROM fact WHERE source = 'browser'", "metadata"),
    "unsigned fields as they were kept before they had limits": (
        """UPDATE profile SET untrusted = '["plan"]' WHERE user_id = 'A' AND untrusted IS NOT '["plan"]'""",
        "trusted",
    ),
    "an undo of nothing": ("INSERT INTO inactive SELECT website_id, fact_id FROM fact LIMIT 1", "inactive"),
}


@pytest.fixture(scope="module")
def falsifiable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of an embedded database with people in it."""
    folder = tmp_path_factory.mktemp("falsified")
    server = RunningServer(Place("sqlite", folder))
    filled(server)
    server.stop()
    return folder / "data" / FILE_NAME


@pytest.mark.parametrize("name", FALSIFIED)
def test_a_falsified_row_is_found(falsifiable: Path, tmp_path: Path, name: str) -> None:
    statement, word = FALSIFIED[name]
    place = Place("sqlite", tmp_path)
    place.data.mkdir()
    copy = place.data / FILE_NAME
    copy.write_bytes(falsifiable.read_bytes())
    with contextlib.closing(apsw.Connection(str(copy))) as connection:
        connection.execute(statement)
        assert connection.changes() > 0

    ran = run_command(place, "db", "verify", "--json")
    report = json.loads(ran.output)
    assert (ran.code, report["ok"]) == (1, False)
    assert report["differences"] >= 1
    assert any(word in shown for shown in report["shown"]), report
    assert "footfall db rebuild identity" in report["advice"]


def test_a_backup_is_consistent_while_the_server_writes(start: MakeServer, tmp_path: Path) -> None:
    server = start({"FOOTFALL_RATE_LIMIT": "0"})
    if server.place.engine != "sqlite":
        pytest.skip("PostgreSQL has its own backups")
    place = Place("sqlite", tmp_path)
    place.data.mkdir()
    target = place.data / FILE_NAME
    with http_client(server.url) as client:
        (site,) = make_sites(server.url, client, server.place)
        before = [site.pageview() for _ in range(20)]
        for number, visitor in enumerate(before):
            site.identify(visitor, f"user {number}", {"n": number})
        site.kept("pageview", None, cookieless=True)
        stop, calls = threading.Event(), [0]
        writer = threading.Thread(target=_identify_until, args=(site, before[0], stop, calls))
        writer.start()
        try:
            made, during = {}, 0
            while not during:  # a backup is so quick that no call may have come meanwhile
                target.unlink(missing_ok=True)
                until(lambda: calls[0] >= 5)
                before_it = calls[0]
                made = run_json(server.place, "db", "backup", str(target))
                during = calls[0] - before_it
        finally:
            stop.set()
            writer.join()

    assert made == {"file": str(target), "bytes": target.stat().st_size}
    report = run_json(place, "db", "verify")
    assert report["ok"]
    assert report["facts"] >= 25
    copied = Site(
        site.url, site.http, place, site.website_id, site.tracking_id, site.domain, site.key, site.key_id
    )
    assert {row[0].hex() for row in copied.rows(sql.visitors_of_website)} >= {
        visitor.replace("-", "") for visitor in before
    }
    with contextlib.closing(connect(target, 1024)) as connection:
        assert connection.execute("SELECT count(*) FROM daily_salt").fetchone() == (0,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _identify_until(site: Site, visitor: str, stop: threading.Event, calls: list[int]) -> None:
    with http_client(site.url) as client:
        headers = {"authorization": f"Bearer {site.key}"}
        while not stop.is_set():
            body = {"user_id": "user 0", "datafast_visitor_id": visitor, "n": calls[0]}
            assert client.post("/api/v1/identify", json=body, headers=headers).status_code == 200
            calls[0] += 1


def test_a_backup_overwrites_nothing(place: Place) -> None:
    if place.engine != "sqlite":
        pytest.skip("PostgreSQL has its own backups")
    run_json(place, "db", "migrate")
    target = place.folder / "backup.db"
    target.write_text("precious")
    assert "already exists" in usage_error(place, "db", "backup", str(target))
    assert target.read_text() == "precious"
    unmounted = place.folder / "disk"
    assert "no such folder" in usage_error(place, "db", "backup", str(unmounted / "backup.db"))
    assert not unmounted.exists()


def test_a_server_starts_on_a_backup(start: MakeServer, engine: Any) -> None:
    if engine.name != "sqlite":
        pytest.skip("PostgreSQL has its own backups")
    first = start()
    site = filled(first)
    place = engine.new_place()
    place.data.mkdir()
    run_json(first.place, "db", "backup", str(place.data / FILE_NAME))
    second = start(place=place)
    with http_client(second.url) as client:
        body = {
            "websiteId": site.tracking_id,
            "type": "pageview",
            "visitorId": new_visitor(),
            "href": f"https://{site.domain}/",
        }
        assert client.post("/api/events", json=body, headers={"user-agent": CHROME}).json() == {
            "status": "success"
        }


def test_a_newer_database_is_left_alone(place: Place) -> None:
    if place.engine != "sqlite":
        pytest.skip("tests/db does this for PostgreSQL")
    run_json(place, "db", "migrate")
    path = place.data / FILE_NAME
    with contextlib.closing(connect(path, 1024)) as connection:
        connection.execute("INSERT INTO schema_migration VALUES (999)")
    for command in (("serve", "--port", "0"), ("db", "migrate"), ("website", "list")):
        assert "start a newer Footfall" in usage_error(place, *command)
    with contextlib.closing(connect(path, 1024)) as connection:
        assert schema_version(connection) == 999

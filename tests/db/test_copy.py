"""`footfall db copy`: everything arrives, also after it was cut off, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from footfall.db import copying
from footfall.db.copying import checksum, copy_all, count_rows, tables
from footfall.db.postgres import connection as postgres_connection
from footfall.db.postgres.session import PostgresSession
from footfall.db.sqlite.connection import FILE_NAME
from footfall.db.statements import make_statement
from footfall.errors import DatabaseBusy, DatabaseError
from footfall.storage import command_session, exclusive, migrate_database
from tests.support.engines import Place
from tests.support.inside import inside
from tests.support.people import erase, merge, undo, wait_for_index
from tests.support.servers import run_command, run_json, until
from tests.support.sites import Site, http_client, make_sites


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An embedded database with something in every table."""
    place = Place("sqlite", tmp_path_factory.mktemp("source"))
    with inside(place, {"FOOTFALL_RATE_LIMIT": "0"}) as server, http_client(server.url) as client:
        fill(make_sites(server.url, client, place)[0])
    return place


def fill(site: Site) -> None:
    visitors = [site.pageview(path=f"/{n}?utm_source=x") for n in range(30)]
    for number, visitor in enumerate(visitors):
        site.custom(visitor, "signup", n=str(number))
        site.identify(visitor, f"user{number % 10}", {"n": number, "text": "zoë\n'\"\\"})
    undo(site, merge(site, "user1", "user2")["factId"])
    merge(site, "user3", "user4")
    erase(site, "user5")
    site.event("pageview", visitors[0], user_agent="curl/8")
    site.refused({"user_id": "null", "datafast_visitor_id": visitors[0]})
    site.token(["analytics:read"])
    site.call("GET", "/api/v1/identity/health")
    wait_for_index(site)


def copy(old: str, new: str) -> Any:
    return run_json(Place("sqlite", Path()), "db", "copy", "--from", old, "--to", new)


def content(place: Place) -> dict[str, tuple[int, str]]:
    """The number of rows and the checksum of each table."""
    with command_session(place.settings) as session:
        counts = count_rows(session)
        return {table: (many, checksum(session, table)) for table, many in counts.items()}


def test_a_copy_there_and_back_is_the_same(source: Place, empty: Place, tmp_path: Path) -> None:
    back = Place("sqlite", tmp_path)
    assert copy(str(source.data), empty.database_url)["differences"] == []
    assert copy(empty.database_url, str(back.data))["differences"] == []
    there = content(source)
    assert content(empty) == there
    assert content(back) == there
    assert sum(1 for many, _ in there.values() if many) >= 12
    assert run_json(empty, "db", "verify")["ok"]
    assert run_json(back, "db", "verify")["ok"]


def test_a_server_goes_on_with_a_copy(source: Place, empty: Place) -> None:
    copy(str(source.data), empty.database_url)
    with inside(empty) as server, http_client(server.url) as client:
        assert client.get("/readyz").status_code == 200
    assert run_json(empty, "website", "list") == run_json(source, "website", "list")


def test_a_copy_goes_on_where_it_was_cut_off(
    source: Place, empty: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_json(empty, "db", "migrate")
    monkeypatch.setattr(copying, "CHUNK", 7)
    copied = 0

    def cut_off(rows: int) -> None:
        nonlocal copied
        copied += rows
        if copied > 100:
            raise KeyboardInterrupt

    with command_session(source.settings) as old, command_session(empty.settings) as new:
        with pytest.raises(KeyboardInterrupt):
            copy_all(old, new, cut_off)
        written = count_rows(new)
        assert 100 < sum(written.values()) < sum(count_rows(old).values())
    assert copy(str(source.data), empty.database_url)["ok"]
    assert content(empty) == content(source)


def test_a_database_with_websites_of_its_own_is_no_target(source: Place, empty: Place) -> None:
    run_json(empty, "db", "migrate")
    run_json(empty, "website", "create", "other.example")
    ran = run_command(source, "db", "copy", "--from", str(source.data), "--to", empty.database_url)
    assert ran.code == 1
    assert "copy into an empty database" in ran.errors
    assert len(run_json(empty, "website", "list")) == 1


SPOILED = {"profile": "metadata = '{}'", "visitor": "pageview_count = 9", "trait": "value = 'other'"}


def test_a_row_that_differs_is_noticed(source: Place, empty: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    copy(str(source.data), empty.database_url)
    of = {table.name: table for table in tables()}
    for name, change in SPOILED.items():
        spoil = of[name].statement("spoil", (), f"UPDATE {name} SET {change}")
        empty.transact(lambda tx, spoil=spoil: tx.execute(spoil))  # type: ignore[misc]
    monkeypatch.setattr(copying, "CHUNK", 7)  # else so few rows are copied anew
    ran = run_command(source, "db", "copy", "--from", str(source.data), "--to", empty.database_url, "--json")
    assert ran.code == 1
    for name in SPOILED:
        assert f"{name}: the checksums differ" in ran.output


@pytest.mark.parametrize(
    ("old", "word"),
    [("no/such/folder", "no database"), ("mysql://u:s3cret@h/x", "use a data folder")],
)
def test_a_source_that_is_none_is_named_and_not_made(
    source: Place, empty: Place, tmp_path: Path, old: str, word: str
) -> None:
    folder = old if "://" in old else str(tmp_path / old)
    ran = run_command(source, "db", "copy", "--from", folder, "--to", empty.database_url)
    assert ran.code == 1
    assert word in ran.errors
    assert "s3cret" not in ran.errors
    assert list(tmp_path.iterdir()) == []


def test_a_running_server_is_not_copied_from(source: Place, empty: Place) -> None:
    with inside(source):
        ran = run_command(source, "db", "copy", "--from", str(source.data), "--to", empty.database_url)
    assert ran.code == 1
    assert "Another Footfall server is running" in ran.errors


def test_a_running_server_on_postgresql_is_not_copied_from_either(empty: Place, tmp_path: Path) -> None:
    migrate_database(empty.settings)
    with inside(empty):
        ran = run_command(empty, "db", "copy", "--from", empty.database_url, "--to", str(tmp_path / "new"))
        rebuilt = run_command(empty, "db", "rebuild", "identity")
    assert ran.code == rebuilt.code == 1
    assert "server is running on this PostgreSQL database" in ran.errors
    assert "server is running on this PostgreSQL database" in rebuilt.errors
    assert run_json(empty, "db", "rebuild", "identity")["profiles"] == 0


def test_no_server_writes_to_a_database_that_a_command_holds(empty: Place) -> None:
    migrate_database(empty.settings)
    one = make_statement("one", "", "SELECT 1 AS one", "one int")
    with exclusive(empty.settings), pytest.raises(DatabaseBusy), exclusive(empty.settings):
        pass  # nobody gets here
    server = PostgresSession(empty.database_url, is_server=True)
    with postgres_connection.connect(empty.database_url) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    with exclusive(empty.settings):
        with pytest.raises((DatabaseError, psycopg.OperationalError)):
            server.begin().one(one)  # on the connection that was cut
        server.close()
        with pytest.raises(DatabaseBusy):
            server.begin()
    assert server.begin().one(one) == one.row(1)
    server.rollback()
    server.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_people_are_found_in_a_copy_of_a_backup_that_no_server_ran_on(
    source: Place, empty: Place, tmp_path: Path, kind: str
) -> None:
    restored = Place("sqlite", tmp_path / "restored")
    restored.data.mkdir(parents=True)
    run_json(source, "db", "backup", str(restored.data / FILE_NAME))
    target = empty if kind == "postgres" else Place("sqlite", tmp_path / "target")
    assert copy(str(restored.data), target.database_url or str(target.data))["differences"] == []
    websites = [one["websiteId"] for one in run_json(target, "website", "list")]
    key = run_json(target, "token", "create", "--name", "copy", "--permissions", "analytics:read")["key"]
    with inside(target) as server, http_client(server.url) as client:

        def found(website: str) -> int:
            path = f"/api/v1/profiles?websiteId={website}&trait.n=exists"
            asked = client.get(path, headers={"authorization": f"Bearer {key}"})
            return int(asked.json()["pagination"]["total"])

        until(lambda: sum(map(found, websites)) == 8)  # of ten users, two are one and one was erased

"""Erasures carried to a restored backup."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.engines import Engine, Place
from tests.support.inside import inside
from tests.support.people import erase, merge, people, person, user_ref, users
from tests.support.servers import run_command, run_json
from tests.support.sites import Site, http_client, make_sites


@contextmanager
def served(place: Place, site: Site | None = None) -> Iterator[Site]:
    """The website on a server of `place`; a new one when none is given."""
    with inside(place, {"FOOTFALL_RATE_LIMIT": "0"}) as server, http_client(server.url) as client:
        if site is None:
            (site,) = make_sites(server.url, client, place)
        yield msgspec.structs.replace(site, url=server.url, http=client, place=place)


def copy_of(place: Place, engine: Engine) -> Place:
    """A backup of an embedded or a server's database, restored elsewhere."""
    target = engine.new_place()
    urls = [one.database_url or str(one.data) for one in (place, target)]
    assert run_json(place, "db", "copy", "--from", urls[0], "--to", urls[1])["ok"]
    return target


def status_of(site: Site, user_id: str) -> int:
    return site.call("GET", f"/api/v1/profiles/{user_ref(user_id)}").status_code


def replayed(place: Place, file: Path) -> Any:
    return run_json(place, "db", "erasures", "replay", str(file))


def test_whoever_was_erased_is_erased_in_a_restored_backup(engine: Engine, tmp_path: Path) -> None:
    place, file = engine.new_place(), tmp_path / "erasures.ndjson"
    with served(place) as site:
        shared, own = site.pageview(path="/ada@example.com?x=secret"), site.pageview()
        site.identify(shared, "Ada", {"email": "ada@example.com"})
        site.identify(shared, "Bob", {"n": 1})
        site.identify(own, "Ada")
        site.identify(site.pageview(), "Friend", {"f": 1})
        merge(site, "Ada", "Friend")
        site.identify(site.pageview(), "Back", {"old": 1})
        site.identify(site.pageview(), "Stays")
    backup = copy_of(place, engine)

    with served(place, site) as site:
        assert erase(site, "Back")["users"] == 1
        assert erase(site, "Ada")["users"] == 2  # with Friend, who is the same person
    assert run_json(place, "db", "erasures", "export", str(file))["erasures"] == 3
    assert b"Ada" not in file.read_bytes()

    with served(backup, site) as restored:  # it was in use before anybody thought of the erasures
        late = restored.pageview()
        since = restored.identify(late, "Back", {"new": 1})
        assert person(restored, "Back")["metadata"] == {"old": 1, "new": 1}
    assert replayed(backup, file) == {"usersErased": 3, "ofUnknownWebsites": 0}
    assert run_json(backup, "db", "verify")["ok"]

    with served(backup, site) as restored, served(place, site) as original:
        assert [status_of(restored, user) for user in ("Ada", "Friend")] == [404, 404]
        assert users(people(restored)) == ["Back", "Stays", "Bob"]
        assert users(people(restored, search="ada")) == []
        assert person(restored, "Bob")["metadata"] == {"n": 1}
        assert restored.profile(shared)["userId"] == "Bob"
        assert person(restored, "Bob")["activity"]["pageViewCount"] == 0  # what was Ada's is nobody's
        assert not any(
            "ada" in str(row).lower() or "secret" in str(row) for row in restored.events_of(shared)
        )
        back = person(restored, "Back")
        assert (back["metadata"], [one["visitorId"] for one in back["visitors"]]) == ({"new": 1}, [late])
        assert back["profileId"] != since["profileId"]
        again = original.identify(original.pageview(), "Back")
        assert back["profileId"] == again["profileId"]  # as if the erasure had been known all the time
    assert replayed(backup, file) == {"usersErased": 0, "ofUnknownWebsites": 0}


def test_a_person_who_is_merged_with_somebody_else_in_the_backup_is_erased_alone(
    engine: Engine, tmp_path: Path
) -> None:
    place, file = engine.new_place(), tmp_path / "erasures.ndjson"
    with served(place) as site:
        for user in ("Ada", "Bob"):
            site.identify(site.pageview(), user, {user: 1})
        merged = merge(site, "Ada", "Bob")
    backup = copy_of(place, engine)
    with served(place, site) as site:
        assert site.call("POST", f"/api/v1/ledger/{merged['factId']}/undo").status_code == 200
        erase(site, "Ada")
    run_json(place, "db", "erasures", "export", str(file))
    assert replayed(backup, file)["usersErased"] == 1
    assert run_json(backup, "db", "verify")["ok"]
    with served(backup, site) as restored:
        assert status_of(restored, "Ada") == 404
        assert (person(restored, "Bob")["metadata"], person(restored, "Bob")["userIds"]) == (
            {"Bob": 1},
            ["Bob"],
        )
        fact = {"user_id": "Ada", "datafast_visitor_id": restored.pageview(), "$at": "2020-01-01T00:00:00Z"}
        assert restored.post(fact).json()["data"]["persisted"] is False


def test_no_byte_of_whoever_is_erased_again_is_left(engine: Engine, tmp_path: Path) -> None:
    place, file = engine.new_place(), tmp_path / "erasures.ndjson"
    if engine.name != "sqlite":
        pytest.skip("a PostgreSQL server's files are its own")
    with served(place) as site:
        site.identify(site.pageview(path="/?q=popocatepetl"), "chichenitza", {"note": "popocatepetl"})
        people(site, search="chichenitza")
    run_json(place, "db", "backup", str(tmp_path / "backup.db"))
    with served(place, site) as site:
        erase(site, "chichenitza")
    run_json(place, "db", "erasures", "export", str(file))
    for path in place.data.glob("footfall.*"):
        path.unlink()
    (tmp_path / "backup.db").rename(place.data / "footfall.db")
    assert replayed(place, file)["usersErased"] == 1
    held = b"".join(path.read_bytes() for path in place.data.rglob("*") if path.is_file())
    assert b"chichenitza" not in held
    assert b"popocatepetl" not in held
    with served(place, site) as site:
        assert users(people(site)) == []


@pytest.mark.parametrize(
    "line", [b"oops", b"{}", b'{"websiteId":"x"}', b'{"websiteId":"' + b"0" * 24 + b'","userHash":"zz"}']
)
def test_a_file_that_holds_no_erasures_is_refused(place: Place, tmp_path: Path, line: bytes) -> None:
    run_json(place, "db", "migrate")
    file = tmp_path / "erasures.ndjson"
    file.write_bytes(line + b"\n")
    ran = run_command(place, "db", "erasures", "replay", str(file))
    assert ran.code != 0
    assert "line 1" in ran.errors


def test_erasures_of_other_websites_are_only_counted(place: Place, tmp_path: Path) -> None:
    run_json(place, "db", "migrate")
    file = tmp_path / "erasures.ndjson"
    tombstone = {
        "websiteId": "0" * 24,
        "userHash": "0" * 32,
        "erasureId": "0" * 32,
        "generation": 1,
        "erasedAt": 1,
    }
    file.write_bytes(msgspec.json.encode(tombstone) + b"\n")
    assert replayed(place, file) == {"usersErased": 0, "ofUnknownWebsites": 1}


def test_an_export_replaces_no_file(place: Place, tmp_path: Path) -> None:
    run_json(place, "db", "migrate")
    file = tmp_path / "erasures.ndjson"
    file.write_bytes(b"mine")
    ran = run_command(place, "db", "erasures", "export", str(file))
    assert ran.code != 0
    assert "already exists" in ran.errors
    assert file.read_bytes() == b"mine"


def test_an_export_that_cannot_be_written_says_why(place: Place, tmp_path: Path) -> None:
    run_json(place, "db", "migrate")
    ran = run_command(place, "db", "erasures", "export", str(tmp_path / "missing" / "e.ndjson"))
    assert ran.code == 1
    assert "No such file or directory" in ran.errors


@pytest.mark.parametrize("command", [["verify"], ["backup", "b.db"], ["erasures", "export", "e.ndjson"]])
def test_a_folder_without_a_database_is_said_to_have_none(tmp_path: Path, command: list[str]) -> None:
    place = Place("sqlite", tmp_path)
    ran = run_command(place, "db", *command)
    assert ran.code != 0
    assert "no database" in ran.errors
    assert not list(tmp_path.rglob("*.db"))

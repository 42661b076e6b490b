"""`footfall import people`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from footfall.clock import DAY_MS, system_clock
from tests.support.people import person
from tests.support.servers import run_command, run_json, until, usage_error
from tests.support.sites import Site

PEOPLE = (
    {
        "distinct_ids": ["user_1"],
        "properties": {"plan": "pro", "seats": 3, "$os": "x"},
        "created_at": "2025-01-02T03:04:05Z",
    },
    {"distinct_ids": ["0190a4d2-7c3e-7abc-8def-0123456789ab"], "properties": {"plan": "free"}},
    {"distinct_ids": ["undefined"], "properties": {}},
    {"distinct_ids": ["user_2"], "properties": {"email": "b@example.com"}},
)


def written(path: Path) -> Path:
    """A file that was written a day ago."""
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in PEOPLE))
    day_ago = (system_clock() - DAY_MS) / 1000
    os.utime(path, (day_ago, day_ago))
    return path


def profiles(site: Site) -> set[str]:
    return {one["userId"] for one in site.call("GET", "/api/v1/profiles").json()["data"]}


def test_people_come_once_with_a_report_and_a_dry_run_before(server: Site, tmp_path: Path) -> None:
    path = str(written(tmp_path / "persons.ndjson"))
    arguments = ("import", "people", path, "--from", "posthog", "--website", server.website_id, "--json")
    dry = run_command(server.place, *arguments, "--dry-run")
    report: dict[str, Any] = msgspec.json.decode(dry.output)
    assert (dry.code, report["dryRun"], report["rows"], report["people"]) == (1, True, 4, 2)
    assert report["traits"] == ["email", "plan", "seats"]
    assert sum(report["leftOut"].values()) == 1
    assert report["refused"] == 1
    assert report["refusals"][0].startswith("row 3: user_id ")
    assert server.facts() == []
    ran = run_command(server.place, *arguments)
    assert {**msgspec.json.decode(ran.output), "dryRun": True} == report
    stored = server.stored()
    again = msgspec.json.decode(run_command(server.place, *arguments).output)
    assert (again["imported"], again["alreadyThere"]) == (0, 2)
    assert server.stored() == stored
    known = person(server, "user_1")
    assert (known["metadata"], known["identifiedAt"]) == (
        {"plan": "pro", "seats": 3},
        "2025-01-02T03:04:05.000Z",
    )
    until(lambda: profiles(server) == {"user_1", "user_2"}, "they are not listed")


def test_whoever_signs_in_later_is_the_person_that_was_imported(server: Site, tmp_path: Path) -> None:
    visitor = server.pageview()
    server.identify(visitor, "user_1", {"plan": "team"})
    path = str(written(tmp_path / "persons.ndjson"))
    run_command(server.place, "import", "people", path, "--from", "posthog", "--website", server.website_id)
    assert server.traits(visitor) == {"plan": "team", "seats": 3}
    assert server.profile(visitor)["identifiedAt"] == "2025-01-02T03:04:05.000Z"


def test_a_table_is_mapped(server: Site, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("ID;E-Mail;Joined\n7;a@example.com;2024-02-03\n8;;2024-02-03\n", "utf-8")
    arguments = ("import", "people", str(path), "--from", "csv", "--website", server.website_id)
    mapped = ("--user-id", "ID", "--map", "E-Mail=email", "--map", "Joined=$at")
    assert run_json(server.place, *arguments, *mapped)["imported"] == 2
    assert person(server, "7")["metadata"] == {"email": "a@example.com"}
    assert "--map: 'Plan' is no COLUMN=TRAIT" in usage_error(server.place, *arguments, "--map", "Plan")


def test_a_cookieless_website_knows_no_people(sites: Any, tmp_path: Path) -> None:
    site = sites.take("cookieless")
    path = str(written(tmp_path / "persons.ndjson"))
    arguments = ("import", "people", path, "--from", "posthog", "--website", site.website_id)
    assert "is cookieless: it knows no users" in usage_error(site.place, *arguments)

"""`footfall import identify` and `footfall doctor`."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from footfall.clock import DAY_MS, system_clock
from footfall.identity.audit.health import LATELY_DAYS, REFUSED_HANDLER
from footfall.identity.identify import importing
from footfall.identity.identify.importing import Progress, import_id, import_slice, read_progress, records
from footfall.websites.store import read_websites
from tests.support.people import merge, people, person
from tests.support.servers import Ran, run_command, run_json
from tests.support.sites import Site, moment, new_visitor


def lines(path: Path, bodies: list[Any]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(body) + b"\n" for body in bodies))
    return path


def run_import(site: Site, path: Path) -> tuple[Ran, Any]:
    """Run the command; how it ended, and its JSON."""
    ran = run_command(site.place, "import", "identify", str(path), "--website", site.website_id, "--json")
    return ran, msgspec.json.decode(ran.output)


def test_ndjson_is_taken_like_calls_of_the_api(server: Site, tmp_path: Path) -> None:
    visitor = server.pageview()
    bodies = [
        {"user_id": "A", "datafast_visitor_id": visitor, "seats": n, "$at": moment(n)} for n in range(250)
    ]
    ran, answer = run_import(server, lines(tmp_path / "calls.ndjson", bodies))
    assert (ran.code, answer["accepted"], answer["refused"]) == (0, 250, 0)
    assert person(server, "A")["metadata"] == {"seats": 249}
    assert {(fact[3], fact[4], fact[5]) for fact in server.facts()} == {("import", 1, None)}
    assert [one["userId"] for one in people(server, trait__seats="249")["data"]] == ["A"]


def test_csv_has_a_column_for_each_field(server: Site, tmp_path: Path) -> None:
    visitor = server.pageview()
    path = tmp_path / "calls.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "datafast_visitor_id", "name", "zip", "$at"])
        writer.writerow(["A", visitor, 'Zoë "Z", Müller\nof Rome', "01234", moment(1)])
        writer.writerow(["A", visitor, "", "", moment(2)])
    ran, answer = run_import(server, path)
    assert (ran.code, answer["accepted"]) == (0, 2)
    assert person(server, "A")["metadata"] == {"name": 'Zoë "Z", Müller\nof Rome', "zip": "01234"}


def test_rows_that_are_refused_are_listed_and_spoil_no_others(server: Site, tmp_path: Path) -> None:
    visitor = server.pageview()
    path = lines(
        tmp_path / "calls.jsonl",
        [
            {"user_id": "A", "datafast_visitor_id": visitor},
            {"user_id": "null", "datafast_visitor_id": visitor},
            {"user_id": "A", "datafast_visitor_id": new_visitor()},
            {"user_id": "B", "datafast_visitor_id": visitor},
        ],
    )
    ran, answer = run_import(server, path)
    assert (ran.code, answer["position"], answer["accepted"], answer["refused"]) == (1, 4, 2, 2)
    assert [(refusal["row"], refusal["status"]) for refusal in answer["refusals"]] == [(2, 400), (3, 404)]
    assert set(server.profiles()) == {"A", "B"}


def test_csv_rows_with_other_cells_than_the_header_are_refused(server: Site, tmp_path: Path) -> None:
    visitor = server.pageview()
    path = tmp_path / "calls.csv"
    path.write_text(f"user_id,visitorId,plan\nA,{visitor},pro,more\nA,{visitor}\nA,{visitor},pro\n", "utf-8")
    _, answer = run_import(server, path)
    assert [refusal["row"] for refusal in answer["refusals"]] == [1, 2]
    assert person(server, "A")["metadata"] == {"plan": "pro"}


def test_an_import_goes_on_after_the_last_row_on_disk(server: Site, tmp_path: Path) -> None:
    visitor = server.pageview()
    path = lines(
        tmp_path / "calls.ndjson",
        [{"user_id": "A", "datafast_visitor_id": visitor, "n": n} for n in range(150)],
    )
    website = server.place.snapshot(read_websites)[bytes.fromhex(server.website_id)]
    first = list(records(path))[: importing.SLICE]
    server.place.transact(  # what a run that is cut off has left behind
        lambda tx: import_slice(tx, website, import_id(path), first, Progress(), lambda: 1_800_000_000_000)
    )
    _, answer = run_import(server, path)
    assert (answer["position"], answer["accepted"]) == (150, 150)
    assert len(server.facts()) == 150
    assert run_import(server, path)[1] == answer
    assert len(server.facts()) == 150


def test_a_slice_and_its_position_are_stored_together_or_not_at_all(server: Site, tmp_path: Path) -> None:
    path = lines(tmp_path / "x.ndjson", [{"user_id": "A", "datafast_visitor_id": server.pageview()}])
    website = server.place.snapshot(read_websites)[bytes.fromhex(server.website_id)]

    def fail(tx: Any) -> None:
        import_slice(tx, website, import_id(path), list(records(path)), Progress(), lambda: 1)
        raise RuntimeError("cut off")

    with pytest.raises(RuntimeError, match="cut off"):
        server.place.transact(fail)
    assert server.facts() == []
    assert (
        server.place.snapshot(lambda tx: read_progress(tx, website.website_id, import_id(path))).position == 0
    )


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("calls.txt", b"{}", ".csv"),
        ("calls.csv", b"user_id;\xff\n", "UTF-8"),
        ("calls.csv", b"A,3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b,pro\n", "header"),
        ("calls.csv", b"", "header"),
        ("calls.csv", b"user_id,visitorId,plan,plan\n", "the header names the column plan twice"),
        ("calls.csv", b"user_id,User ID\n", "the header names the column user_id twice"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    server: Site, tmp_path: Path, name: str, content: bytes, word: str
) -> None:
    (tmp_path / name).write_bytes(content)
    ran = run_command(
        server.place, "import", "identify", str(tmp_path / name), "--website", server.website_id
    )
    assert ran.code == 1
    assert word in ran.errors
    assert "Traceback" not in ran.errors


def test_an_import_names_its_website(server: Site, tmp_path: Path) -> None:
    path = lines(tmp_path / "x.ndjson", [{}])
    for arguments in ((), ("--website", "0" * 24), ("--website", "zz")):
        ran = run_command(server.place, "import", "identify", str(path), *arguments)
        assert ran.code == 1
        assert "website" in ran.errors


# Doctor


def finding(report: Any, kind: str) -> Any:
    return next(one for one in report["findings"] if one["kind"] == kind)


def test_the_doctor_counts_what_looks_wrong(server: Site) -> None:
    shared = server.pageview()
    server.identify(shared, "A", {"email": "Ada@example.com"})
    server.identify(shared, "B", {"email": "ada@example.com"})
    for _ in range(20):
        server.identify(server.pageview(), "office")
    server.refused({"user_id": "undefined", "datafast_visitor_id": shared})
    assert server.dropped("identify", shared, extraData={"user_id": "null"}) == "invalid_identify"
    report = server.call("GET", "/api/v1/identity/health").json()["data"]

    assert report["ok"] is False
    assert finding(report, "shared_visitors")["count"] == 1
    (example,) = finding(report, "shared_visitors")["examples"]
    assert (example["visitorId"], example["people"]) == (shared, 2)
    assert [(who["userId"], who["email"]) for who in example["who"]] == [
        ("A", "Ada@example.com"),
        ("B", "ada@example.com"),
    ]
    assert finding(report, "many_visitors")["examples"][0]["visitors"] == 20
    assert finding(report, "junk_ids")["count"] == 2
    duplicate = finding(report, "likely_duplicates")
    assert (duplicate["count"], duplicate["examples"][0]["userIds"]) == (1, ["A", "B"])
    assert duplicate["examples"][0]["email"] == "ada@example.com"
    would = merge(server, *duplicate["examples"][0]["merge"]["userIds"], dryRun=True)
    preview = duplicate["examples"][0]["preview"]
    assert preview == {**{name: would[name] for name in preview}, "visitors": len(would["visitors"])}
    assert (preview["userIds"], preview["metadata"]) == (["A", "B"], {"email": "ada@example.com"})

    assert run_json(server.place, "doctor", server.website_id) == report
    shown = run_command(server.place, "doctor", server.website_id).output
    assert "1 shared visitors" in shown
    assert shared in shown


def test_the_doctor_finds_ids_that_differ_in_case_only(server: Site) -> None:
    for user_id in ("Jane@x.com", "jane@x.com", "JANE@x.com", "Élodie", "éLODIE", "john@x.com"):
        server.identify(server.pageview(), user_id, {"name": f"the one called {user_id}"})
    report = server.call("GET", "/api/v1/identity/health").json()["data"]
    found = finding(report, "same_but_case")
    assert found["count"] == 2
    assert [example["userIds"] for example in found["examples"]] == [
        ["Jane@x.com", "jane@x.com", "JANE@x.com"],
        ["Élodie", "éLODIE"],
    ]
    assert "the one called éLODIE" in run_command(server.place, "doctor", server.website_id).output
    merge(server, "Élodie", "éLODIE")
    report = server.call("GET", "/api/v1/identity/health").json()["data"]
    assert finding(report, "same_but_case")["count"] == 1


def test_the_doctor_finds_nothing_on_a_healthy_website(server: Site) -> None:
    server.identify(server.pageview(), "A", {"email": "ada@example.com"})
    assert run_json(server.place, "doctor", server.website_id)["ok"] is True
    assert "nothing looks wrong" in run_command(server.place, "doctor", server.website_id).output


def test_the_doctor_tells_of_ids_refused_lately_only(server: Site) -> None:
    today = system_clock() // DAY_MS
    website_id = bytes.fromhex(server.website_id)
    counts = {
        (website_id, today - LATELY_DAYS + 1, "server"): 2,
        (website_id, today - LATELY_DAYS, "server"): 3,
    }
    server.place.transact(lambda tx: REFUSED_HANDLER.run(tx, [counts]))
    report = server.call("GET", "/api/v1/identity/health").json()["data"]
    junk = finding(report, "junk_ids")
    assert junk["count"] == 2
    assert date.fromisoformat(junk["examples"][0]["day"]) == date(1970, 1, 1) + timedelta(
        today - LATELY_DAYS + 1
    )


def test_what_was_merged_is_no_duplicate_any_more(server: Site) -> None:
    shared = server.pageview()
    server.identify(shared, "A", {"email": "ada@example.com"})
    server.identify(shared, "B", {"email": "ada@example.com"})
    merge(server, "A", "B")
    assert run_json(server.place, "doctor", server.website_id)["ok"] is True

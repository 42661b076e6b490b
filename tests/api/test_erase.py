"""Erasure: `DELETE /api/v1/profiles/{ref}` (scenario 13), down to the bytes on disk."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from footfall.clock import system_clock
from footfall.db.protocol import Transaction
from footfall.db.sqlite.connection import FILE_NAME, connect
from footfall.outbox import store as outbox
from tests.conftest import MakeServer
from tests.support.people import ask, erase, journey, merge, people, person, undo
from tests.support.servers import run_json, until
from tests.support.sites import Site, http_client, make_sites, moment, new_visitor

SECRETS = [b"quetzalcoatl", b"xochimilco", b"popocatepetl", b"teotihuacan", b"chichenitza"]
"""Words that stand in nothing but the data of the person to erase."""


def shared_computer(site: Site) -> str:
    """A then B on one visitor, with a pageview of each."""
    visitor = site.pageview(path="/a?email=quetzalcoatl@example.com")
    site.identify(visitor, "A", {"name": "xochimilco", "email": "quetzalcoatl@example.com"})
    site.identify(visitor, "B", {"plan": "pro"})
    site.pageview(visitor, "/b?x=1")
    return visitor


def test_an_erased_persons_spans_are_nobodys(server: Site) -> None:
    visitor = shared_computer(server)
    receipt = erase(server, "A")
    assert (receipt["users"], receipt["visitors"]) == (1, 1)
    assert receipt["rows"]["facts"] == 1
    assert server.call("GET", "/api/v1/profiles/user:A").status_code == 404
    assert server.owners(visitor) == [None, "B"]
    assert person(server, "B")["activity"]["pageViewCount"] == 1
    assert [event[2:4] for event in server.events_of(visitor)] == [
        (f"{server.domain}/a", None),
        (f"{server.domain}/b", "x=1"),
    ]
    assert run_json(server.place, "db", "verify")["ok"]


def test_an_erased_user_starts_again_empty(server: Site) -> None:
    shared_computer(server)
    old = person(server, "A")["profileId"]
    erase(server, "A")
    visitor = server.pageview()
    data = server.identify(visitor, "A", {"seats": 1})
    assert data["action"] == "created"
    assert data["profileId"] != old
    shown = person(server, "A")
    assert (shown["metadata"], [one["visitorId"] for one in shown["visitors"]]) == ({"seats": 1}, [visitor])
    assert server.call("GET", f"/api/v1/profiles/{old}").status_code == 404
    assert "xochimilco" not in str(ask(server, "/api/v1/profiles/user:A/export"))


def test_a_late_fact_of_an_erased_user_is_dropped(server: Site) -> None:
    visitor = shared_computer(server)
    erase(server, "A")
    before = server.stored()
    data = server.identify(visitor, "A", {"name": "xochimilco"}, at=5)
    assert (data["persisted"], data["profileId"]) == (False, None)
    assert server.stored() == before


def test_erasing_one_of_merged_users_erases_the_person(server: Site) -> None:
    shared_computer(server)
    merged = merge(server, "A", "B")
    assert erase(server, "B")["users"] == 2
    for ref in ("user:A", "user:B", merged["profileId"]):
        assert server.call("GET", f"/api/v1/profiles/{ref}").status_code == 404
    assert server.facts() == []


def test_no_erasure_of_a_user_can_be_undone(server: Site, other: Site) -> None:
    erasures = []
    for _ in range(2):
        server.identify(server.pageview(), "A")
        erasures.append(erase(server, "A")["erasureId"])
    for erasure_id in erasures:
        assert server.call("POST", f"/api/v1/ledger/{erasure_id}/undo", json={}).status_code == 409
        assert other.call("POST", f"/api/v1/ledger/{erasure_id}/undo", json={}).status_code == 404


def test_erasing_nobody_is_not_found(server: Site) -> None:
    assert server.call("DELETE", "/api/v1/profiles/user:A").status_code == 404
    shared_computer(server)
    receipt = erase(server, "A")
    again = server.call("DELETE", "/api/v1/profiles/user:A")
    assert again.status_code == 404
    assert (
        receipt["erasureId"] in again.json()["error"]["message"]
    )  # for a caller who gave up before the receipt came


def test_the_receipt_says_when_the_columns_are_rewritten(server: Site) -> None:
    shared_computer(server)
    receipt = erase(server, "A")
    assert receipt["columnsRewrittenAt"] is None
    assert receipt["columnsRewrittenBy"] in receipt["note"]
    assert receipt["columnsRewrittenBy"] in asked_again(server)

    def rewrite(tx: Transaction) -> None:
        outbox.pair_with(tx, b"made", None)
        outbox.pair_with(tx, b"rewritten", b"made", clean_at=system_clock() + 10_000)

    try:
        server.place.transact(rewrite)
        until(
            lambda: "was rewritten without them by" in asked_again(server), "the receipt does not become true"
        )
    finally:
        server.place.transact(outbox.unpair)


def asked_again(server: Site) -> str:
    return str(server.call("DELETE", "/api/v1/profiles/user:A").json()["error"]["message"])


def test_the_index_forgets_the_erased(server: Site) -> None:
    shared_computer(server)
    assert [one["userId"] for one in people(server, search="xochi")["data"]] == ["A"]
    erase(server, "A")
    assert people(server, search="xochi")["data"] == people(server, trait__email="exists")["data"] == []


def test_an_undone_merge_with_the_erased_is_forgotten(server: Site) -> None:
    shared_computer(server)
    undo(server, merge(server, "A", "B", reason="quetzalcoatl")["factId"])
    erase(server, "A")
    assert "quetzalcoatl" not in str(ask(server, "/api/v1/profiles/user:B/export"))
    assert person(server, "B")["metadata"] == {"plan": "pro"}


def test_a_late_fact_between_the_boundaries_of_an_erased_user_takes_only_its_own_span(server: Site) -> None:
    visitor = server.pageview()
    for number in (1, 3):
        server.identify(visitor, "A", at=number)
    erase(server, "A")
    server.identify(visitor, "B", at=2)
    assert person(server, "B")["visitors"][0]["spans"] == [{"from": moment(2), "until": moment(3)}]
    assert server.owners(visitor) == [None]
    assert run_json(server.place, "db", "verify")["ok"]


def test_the_last_page_of_an_erased_user_is_blanked_though_the_visitor_is_anothers_by_now(
    server: Site,
) -> None:
    visitor = server.pageview(path="/of/quetzalcoatl@example.com")
    server.identify(visitor, "A")
    server.identify(visitor, "B")
    server.custom(visitor)
    erase(server, "A")
    assert server.visitor(visitor)["activity"]["currentUrl"] == f"{server.domain}/of/[erased]"

    server.pageview(visitor, "/of/xochimilco@example.com")
    server.identify(visitor, "C")
    erase(server, "C")
    assert server.visitor(visitor)["activity"]["currentUrl"] == f"{server.domain}/of/xochimilco@example.com"


def test_a_user_of_whom_nothing_counts_can_be_erased(server: Site) -> None:
    said = server.identify(server.pageview(), "A", {"name": "xochimilco"})
    undo(server, said["factId"])
    receipt = erase(server, "A")
    assert (receipt["users"], receipt["rows"]["facts"]) == (1, 2)
    assert server.facts() == []
    assert server.call("GET", "/api/v1/profiles/user:A/ledger").status_code == 404


def test_an_erased_user_who_is_undone_and_comes_again_is_merged_as_before(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A")
    erase(server, "A")
    said = server.identify(visitor, "A", {"seats": 1})
    server.identify(server.pageview(), "B")
    merge(server, "A", "B")
    undo(server, said["factId"])
    server.identify(visitor, "A", {"seats": 2})
    assert person(server, "B")["userIds"] == ["B", "A"]
    assert run_json(server.place, "db", "verify")["ok"]


def fill(site: Site) -> str:
    """The person to erase, in every place where a person leaves traces; and neighbours, so that pages are shared."""
    visitor = new_visitor()
    for number in range(30):
        site.identify(site.pageview(), f"neighbour{number}", {"n": "x" * 200})
    site.pageview(
        visitor,
        "/?utm_source=popocatepetl&email=quetzalcoatl@example.com",
        referrer="https://r.example/?q=popocatepetl",
    )
    site.custom(visitor, "signup", campaign="popocatepetl")
    site.kept("payment", visitor, extraData={"email": "quetzalcoatl@example.com"})
    site.page_identify(visitor, "chichenitza", nickname="xochimilco")
    site.identify(visitor, "chichenitza", {"name": "xochimilco", "email": "quetzalcoatl@example.com"})
    site.identify(visitor, "chichenitza", {"name": None, "note": "teotihuacan " * 400})
    site.identify(visitor, "chichenitza", {"note": "short"})
    people(site, search="chichenitza")
    assert journey(site, "chichenitza")["data"]
    return visitor


def found_in(folder: Path) -> dict[str, list[bytes]]:
    """Which of the secret words lie in which files, in lower case or as they were sent."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            if words := [word for word in SECRETS if word in content]:
                found[path.name] = words
    return found


def words_in(paths: Iterable[Path]) -> set[bytes]:
    return {word for path in paths for words in found_in(path).values() for word in words}


@pytest.mark.slow
def test_no_byte_of_an_erased_person_is_left_in_files_logs_and_later_backups(
    start: MakeServer, tmp_path: Path
) -> None:
    server = start({"FOOTFALL_RATE_LIMIT": "0", "FOOTFALL_LOG_LEVEL": "debug"})
    if server.place.engine != "sqlite":
        pytest.skip("a PostgreSQL server's files are its own")
    with http_client(server.url) as client:
        (site,) = make_sites(server.url, client, server.place)
        fill(site)
        assert words_in([server.place.folder]) == set(SECRETS)  # the search finds what is there

        receipt = erase(site, "chichenitza")

        assert receipt["bytesGone"] is True
        assert found_in(server.place.folder) == {}
        run_json(server.place, "db", "backup", str(tmp_path / "later.db"))
        site.identify(site.pageview(), "somebody")
        assert found_in(server.place.folder) == found_in(tmp_path) == {}
        assert run_json(server.place, "db", "verify")["ok"]
    assert not any(word in server.log.encode().lower() for word in SECRETS)


@pytest.mark.slow
def test_a_long_read_delays_the_scrubbing_and_nothing_else(start: MakeServer) -> None:
    server = start({"FOOTFALL_RATE_LIMIT": "0"})
    if server.place.engine != "sqlite":
        pytest.skip("a PostgreSQL server's files are its own")
    with http_client(server.url) as client, closing(connect(server.place.data / FILE_NAME, 1024)) as reader:
        (site,) = make_sites(server.url, client, server.place)
        fill(site)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) > 30 FROM fact").fetchone() == (
            1,
        )  # as `footfall db verify` reads

        receipt = erase(site, "chichenitza")

        assert receipt["bytesGone"] is False
        assert "after that ends" in receipt["note"]
        assert found_in(server.place.folder) != {}
        site.identify(site.pageview(), "somebody")  # live calls go on meanwhile
        reader.execute("COMMIT")
        until(lambda: found_in(server.place.folder) == {})
        assert run_json(server.place, "db", "verify")["ok"]

"""A website that is deleted leaves nothing, and others lose nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from footfall.db.copying import Table, tables
from footfall.db.protocol import Transaction
from footfall.errors import NotFound
from footfall.storage import open_database
from footfall.websites import removal
from footfall.websites.removal import LATE_MS, WebsiteRemover, removals, remove_website
from tests.conftest import MakeInside
from tests.support.engines import Place
from tests.support.inside import Inside
from tests.support.people import ask, erase, merge, undo, wait_for_index
from tests.support.servers import run_command, run_json, until
from tests.support.sites import Site, http_client, make_sites, next_millisecond

SLICE = 20
"""Rows that are removed at once here."""
PAGES = 2 * SLICE + 10


@pytest.fixture
def filled(start_inside: MakeInside, monkeypatch: pytest.MonkeyPatch) -> tuple[Inside, list[str]]:
    """A running server with two websites of which every table tells."""
    monkeypatch.setattr(removal, "SLICE", SLICE)
    running = start_inside({"FOOTFALL_RATE_LIMIT": "0"})
    with http_client(running.url) as client:
        made = make_sites(running.url, client, running.place, [{}, {}])
        for site in made:
            fill(site)
        wait_for_index(made[-1])
        for site in made:
            until(lambda site=site: ask(site, "/api/v1/visitors", limit=1)["pagination"]["total"] == 4)  # type: ignore[misc]
            until(lambda site=site: "visitor_due" not in rows(running.place, site.website_id))  # type: ignore[misc]
    return running, [site.website_id for site in made]


def fill(site: Site) -> None:
    visitors = [site.pageview() for _ in range(4)]
    for number, visitor in enumerate(visitors):
        site.identify(visitor, f"user{number}", {"n": number})
    for _ in range(PAGES):
        next_millisecond()
        site.custom(visitors[0], "more")
    undo(site, merge(site, "user1", "user2")["factId"])
    erase(site, "user3")
    site.event("pageview", visitors[0], user_agent="curl/8")


def rows(place: Place, website_id: str) -> dict[str, int]:
    """How many rows of a website each table has, where it has any."""

    def count(tx: Transaction) -> dict[str, int]:
        found = {table.name: _count(tx, table, website_id) for table in tables() if _is_steady(table)}
        return {name: many for name, many in found.items() if many}

    return place.snapshot(count)


def _is_steady(table: Table) -> bool:
    """Whether the table tells of a website, and is not written now and then without being asked."""
    return table.key[0][0] == "website_id" and table.name not in ("dropped_hit", "online")


def _count(tx: Transaction, table: Table, website_id: str) -> int:
    text = f"SELECT count(*) AS many FROM {table.name} WHERE website_id = :website_id"
    statement = table.statement("count", (("website_id", "bytes"),), text, "many int")
    row = tx.one(statement, (bytes.fromhex(website_id),))
    return int(row.many) if row else 0


def left(place: Place) -> list[Any]:
    return place.snapshot(removals)


def test_a_command_deletes_a_website_and_all_that_belongs_to_it(
    filled: tuple[Inside, list[str]],
) -> None:
    running, (doomed, other) = filled
    running.stop()
    place = running.place
    before, stays = rows(place, doomed), rows(place, other)
    assert set(before) == set(stays)
    assert before["event"] > 2 * SLICE
    domain = next(one["domain"] for one in run_json(place, "website", "list") if one["websiteId"] == doomed)
    assert "nothing was deleted" in run_command(place, "website", "delete", doomed, typed="x\n").errors
    assert rows(place, doomed) == before
    done = run_json(place, "website", "delete", doomed, "--confirm", domain.upper())
    assert done["message"] == "It is deleted."
    assert rows(place, doomed) == {}
    assert rows(place, other) == stays
    assert left(place) == []
    assert run_json(place, "db", "verify")["ok"]


def test_a_running_server_removes_the_rows_in_slices(filled: tuple[Inside, list[str]]) -> None:
    running, (doomed, other) = filled
    place = running.place
    stays = rows(place, other)
    domain = next(one["domain"] for one in run_json(place, "website", "list") if one["websiteId"] == doomed)
    done = run_json(place, "website", "delete", doomed, "--confirm", domain)
    assert "in the background" in done["message"]
    until(lambda: rows(place, doomed) == {}, "rows are left")
    assert rows(place, other) == stays
    assert [one.website_id.hex() for one in left(place)] == [
        doomed
    ]  # it looks again, for what was still on its way


def test_a_removal_ends_once_nothing_more_can_come(place: Place) -> None:
    made = (
        run_json(place, "website", "create", "example.org")["websiteId"] if place.engine == "sqlite" else ""
    )
    if not made:
        pytest.skip("one engine is enough")
    place.transact(lambda tx: remove_website(tx, bytes.fromhex(made), 1000))
    assert isinstance(place.transact(lambda tx: remove_website(tx, bytes.fromhex(made), 1000)), NotFound)
    now = [1000 + LATE_MS - 1]

    async def advance() -> None:
        database = open_database(place.settings)
        await database.open()
        try:
            remover = WebsiteRemover(database, lambda: now[0])
            assert await remover.advance() == removal.IDLE_SECONDS
            assert len(await database.read(removals, None)) == 1
            now[0] += 1
            assert await remover.advance() == 0
            assert await database.read(removals, None) == []
        finally:
            await database.close()

    asyncio.run(advance())

"""The list of visitors says what their rows say, once background work is done, whatever came between."""

from __future__ import annotations

from typing import Any

import pytest

from footfall.collect import online
from footfall.collect.online import Online
from footfall.db.protocol import Params, Transaction
from footfall.visitors.listing import (
    LOOK_SECONDS,
    PARTS,
    STEP,
    Due,
    Lister,
    list_due,
    list_visitors,
    look_at_all,
)
from footfall.visitors.listing import sql as list_sql
from tests.support.engines import Place
from tests.support.inside import inside
from tests.support.people import ask
from tests.support.servers import until
from tests.support.sites import Site, http_client, make_sites, sql

PATH = "/api/v1/visitors"
SITE = b"w" * 12


def total(site: Site) -> int:
    return int(ask(site, PATH, limit=1)["pagination"]["total"])


def shown(site: Site) -> list[Any]:
    answer = ask(site, PATH, limit=250)
    assert answer["pagination"]["total"] == len(answer["data"])
    return list(answer["data"])


async def never(lister: Lister) -> float:
    """A step of a server that is killed before it."""
    return LOOK_SECONDS


def test_who_was_seen_by_a_server_that_was_killed_is_listed_at_the_next_start(place: Place) -> None:
    environment = {"FOOTFALL_RATE_LIMIT": "0"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lister, "advance", never)
        with inside(place, environment) as server, http_client(server.url) as client:
            site = make_sites(server.url, client, place)[0]
            visitors = {site.pageview() for _ in range(3)}
            assert shown(site) == []
    with inside(place, environment) as server, http_client(server.url) as client:
        site.url, site.http = server.url, client
        until(lambda: total(site) == 3, "not all are listed")
        assert {row["visitorId"] for row in shown(site)} == visitors


def test_whom_a_process_could_not_remember_is_looked_for(
    server: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(online, "MOST_FRESH", 0)
    visitor = server.pageview()
    until(lambda: total(server) == 1, "the visitor is not listed")
    assert shown(server)[0]["visitorId"] == visitor


def test_too_many_to_be_remembered_are_told_of() -> None:
    seen = Online()
    for number in range(online.MOST_FRESH + 1):
        seen.see(SITE, number.to_bytes(16, "big"), 1)
    assert seen.take_unlisted() == ([], True)
    seen.see(SITE, b"a", 2)
    assert seen.take_unlisted() == ([(SITE, b"a")], False)
    assert seen.take_unlisted() == ([], False)


def stored(tx: Transaction, number: int, pageviews: int = 1) -> Params:
    """The key of a visitor that is stored."""
    key: Params = (SITE, number.to_bytes(16, "big"))
    tx.execute(sql.visitor_add, (*key, number, number, pageviews, '{"country_code":"DE"}'))
    return key


def listed(tx: Transaction) -> list[Params]:
    rows = tx.all(sql.visitors_listed, (SITE,))
    found = tx.one(list_sql.total_get, (SITE,))
    assert found is not None
    assert found.total == len(rows)
    return [(row.visitor_id, row.seen_at) for row in rows]


def test_a_step_lists_moves_and_removes(place: Place) -> None:
    def work(tx: Transaction) -> None:
        keys = [stored(tx, number, pageviews=number % 2) for number in range(1, 2 * PARTS)]
        list_visitors(tx, [keys, keys])
        assert listed(tx) == [(key[1], n) for n, key in enumerate(keys, 1) if n % 2]
        tx.execute(sql.visitor_seen, (*keys[0], 1000))
        tx.execute(sql.visitor_gone, keys[2])
        list_visitors(tx, [keys[:3]])
        assert listed(tx)[-1] == (keys[0][1], 1000)
        assert len(listed(tx)) == PARTS - 1

    place.transact(work)


def test_all_visitors_are_looked_at_step_by_step(place: Place) -> None:
    def work(tx: Transaction) -> None:
        for number in range(2 * STEP + 1):
            stored(tx, number)
        look_at_all(tx, [SITE])
        steps = 0
        while (due := tx.one(list_sql.due_next)) is not None:
            list_due(tx, [Due(due.website_id, due.position)])
            assert (
                list_due(tx, [Due(due.website_id, due.position)])[0].visitors == 0
            )  # another process was quicker
            steps += 1
        assert steps == 3
        assert len(listed(tx)) == 2 * STEP + 1

    place.transact(work)


def test_an_erasure_takes_what_was_blanked_out_of_the_list(server: Site) -> None:
    visitor = server.pageview(path="/?utm_source=ann-secret", referrer="https://x.example/a@b.example")
    server.identify(visitor, "ann")
    until(lambda: total(server) == 1, "the visitor is not listed")
    assert len(ask(server, PATH, utm_source="ann-secret")["data"]) == 1
    assert server.call("DELETE", "/api/v1/profiles/user:ann").status_code == 200
    until(lambda: ask(server, PATH, utm_source="ann-secret")["data"] == [], "the list still knows")
    assert ask(server, PATH, referrer="x.example/a@b.example")["data"] == []
    assert total(server) == 1

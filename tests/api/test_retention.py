"""Retention: what is older than a number of days goes, and what visitors add up to stays."""

from __future__ import annotations

from footfall.clock import DAY_MS, system_clock
from tests.conftest import MakeInside
from tests.support.columns import expected_rows
from tests.support.inside import SetClock
from tests.support.servers import until
from tests.support.sites import http_client, make_sites


def test_events_older_than_the_retention_go_and_totals_stay(start_inside: MakeInside) -> None:
    clock = SetClock(system_clock() - 12 * DAY_MS)
    server = start_inside({"FOOTFALL_RETENTION_DAYS": "10", "FOOTFALL_RATE_LIMIT": "0"}, clock=clock)
    with http_client(server.url) as client:
        (site,) = make_sites(server.url, client, server.place)
        visitor = site.pageview(path="/old")
        site.custom(visitor, "signup")
        site.identify(visitor, "A", {"plan": "pro"})
        gone = site.pageview()
        clock.move(12 * DAY_MS)
        site.pageview(visitor, "/new")
        until(lambda: len(site.events_of(visitor)) == 1 and not site.events_of(gone), "old events do not go")
        assert site.events_of(visitor)[0][2] == f"{site.domain}/new"
        assert [row[0] for row in site.sessions_of(visitor)] == [clock()]
        activity = site.visitor(visitor)["activity"]
        assert activity["pageViewCount"] == 2
        assert activity["visitCount"] == 2
        assert site.traits(visitor) == {"plan": "pro"}
        (row,) = server.place.snapshot(expected_rows)
        assert row[5] == clock() - 12 * DAY_MS, "the visitor is new in the columns"

"""Analytics answered from ClickHouse are, byte for byte, what they are from a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import httpx
import msgspec
import pytest

from footfall.analytics.dimensions import CARDS
from footfall.column_parts import column_folder, column_keeper
from footfall.columns import process as processing
from footfall.columns.shared import KEEPER_ID, SharedKeeper
from footfall.outbox.store import sql as outbox
from footfall.settings import read_settings
from footfall.storage import command_session
from tests.support.clickhouse import IS_THERE, LocalClickHouse
from tests.support.counting import Columns, Counting
from tests.support.dashboard import Visit, enter, make_account
from tests.support.inside import inside
from tests.support.servers import until
from tests.support.sites import http_client
from tests.support.told import Told, tell

ON_ENGINES = ["postgres"]
pytestmark = pytest.mark.skipif(not IS_THERE, reason="the engine of ClickHouse is not installed")
GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
SAID = {"plan": "pro", "size": "1.50", "odd": "\u00fc\\", "empty": ""}
FUNNEL = [{"type": "pageview", "url": "/*"}, {"type": "goal", "goalName": "Signup"}]
MANY = ",".join(f"/{number}" for number in range(249))


class Both(NamedTuple):
    """A website to which a story happened, and two servers: one asks ClickHouse."""

    told: Told
    server: httpx.Client
    funnel: str

    def answers(self, path: str) -> list[bytes]:
        """What both answer."""
        site, url = self.told.site, f"/api/v1/analytics/{path.replace('FUNNEL', self.funnel)}"
        responses = [
            client.get(url, headers={"authorization": f"Bearer {site.key}"})
            for client in (site.http, self.server)
        ]
        assert [one.status_code for one in responses] == [200, 200], (
            path,
            responses[0].text,
            responses[1].text,
        )
        return [one.content for one in responses]


@pytest.fixture(scope="module")
def both(
    numbers: Counting, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    told = tell(numbers)
    site, place = told.site, told.site.place
    site.custom(site.pageview(path="/\u00fc/100%25_'\\"), "signup", **{"a'b": "\u00fc'\\"})
    goal = {"name": "signup", "datafast_visitor_id": site.pageview(), "metadata": SAID}
    assert site.call("POST", "/api/v1/goals", json=goal).status_code == 200
    crawl = {"websiteId": site.tracking_id, "href": f"https://{site.domain}/", "ai": {"userAgent": GPTBOT}}
    assert site.http.post("/api/ai-crawls", content=msgspec.json.encode(crawl)).status_code == 200
    funnels = f"/api/v1/admin/websites/{site.website_id}/funnels"
    funnel = site.call("POST", funnels, json={"name": "All", "steps": FUNNEL}).json()["data"][0]["id"]
    environment = {
        **place.environment,
        "FOOTFALL_DATA": str(tmp_path_factory.mktemp("data")),
        "FOOTFALL_COLUMNS_URL": clickhouse.new_database(),
        "FOOTFALL_RATE_LIMIT": "0",
    }
    settings = read_settings(environment)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(processing, "FAILED_SECONDS", 0.05)
        keeper = column_keeper(settings, stack.enter_context(command_session(settings)))
        assert isinstance(keeper, SharedKeeper)
        folder = column_folder(settings)
        folder.mkdir(parents=True)
        columns = Columns(place, keeper, folder)
        stack.callback(lambda: place.transact(lambda tx: tx.execute(outbox.keeper_drop, (KEEPER_ID,))))
        stack.callback(columns.stop)
        until(columns.is_there, "the columns are not made")
        server = stack.enter_context(inside(place, environment, numbers.clock))
        client = stack.enter_context(http_client(server.url))
        numbers.columns.catch_up()
        columns.catch_up()
        yield Both(told, client, funnel)


QUESTIONS = [
    f"overview?filter_page=is:{MANY}&filter_entry_page=is_not:{MANY}&filter_trait.plan=is_not:none",
    "overview?filter_person=is_not:nobody&filter_visit_count=1,2,3&filter_goal=signup&filter_new=true&revenue=at_payment",
    "timeseries?interval=hour&period=last24h&filter_browser=contains:fire",
    "timeseries?interval=month&startAt=2025-01-01&endAt=2026-05-30",
    "retention",
    "realtime",
    "bot-traffic",
    "bot-traffic/pages",
    "metadata",
    "funnels/FUNNEL?filter_referrer=is_not:Direct,google.com",
    "overview?filter_funnel=is:FUNNEL:1:stopped&filter_trait.plan=exists&revenue=at_payment",
    "goals/properties?eventName=signup",
    "goals/properties?eventName=signup&propertyName=odd",
    "pages?limit=2&offset=1&compare=previous&period=last7d",
    "campaigns?attribution=first&format=csv",
    *(CARDS.keys() - {"pages", "campaigns"}),
]
"""One of each kind at least. Not `realtime/map`: whom that lists, each process remembers by itself."""


def test_all_answers_are_the_same(both: Both) -> None:
    answers = {path: both.answers(path) for path in QUESTIONS}
    assert {path: found for path, found in answers.items() if found[0] != found[1]} == {}


PAGES = [
    *(
        f"people?period=all&sort={order}&offset=1"
        for order in ("seen", "visits", "revenue", "source", "country")
    ),
    "people?period=last7d&filter_browser=is:Chrome&who=new&format=csv",
    "people?sort=revenue",
    "people?period=all&search=nobody",
    "overview/countries?period=all&search=un",
    "overview/pages?period=all&search=blog&sort=revenue",
    "overview/referrers?period=all&sort=name",
    "overview?period=all&filter_browser=is:Chrome&moments=back&goals=funnels",
    "revenue?period=all&sources=campaigns&filter_browser=is:Chrome",
    "revenue?startAt=2026-05-06&endAt=2026-05-12&revenue=at_payment",
    "/?sort=visitors",
    "people?period=all&filter_funnel=is_not:all:2:passed",
    "goals?period=all",
    "goals?period=last7d&goal=signup",
    "funnels?period=all",
    "retention",
]


def test_pages_show_the_same(both: Both) -> None:
    site, place, now = both.told.site, both.told.site.place, both.told.now
    account = make_account(place, at=now)
    browsers = [Visit(str(url)) for url in (site.url, both.server.base_url)]
    secret = enter(browsers[0], place, account, now)
    browsers[1].http.cookies.set("footfall_session", secret)
    both.told.numbers.clock.now = now
    for path in PAGES:
        address = path if path.startswith("/") else f"/w/{site.website_id}/{path}"
        answers = [one.get(address) for one in browsers]
        assert [one.status_code for one in answers] == [200, 200], path
        drawn = {re.sub("[0-9a-f]{128}", "(form token)", one.text) for one in answers}
        assert len(drawn) == 1, path
        assert not re.search("not there yet|all known people, without", answers[0].text), path
    for one in browsers:
        one.close()

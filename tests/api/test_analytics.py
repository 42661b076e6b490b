"""Analytics over HTTP: what their answers look like, and what they refuse."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

import pytest

from footfall.analytics.dimensions import CARDS, Counted
from footfall.collect.enrich.page import CLICK_IDS
from footfall.columns.client import ColumnsClient
from footfall.columns.model import number_of
from footfall.columns.wire import ColumnsHealth
from footfall.errors import Unavailable
from footfall.visitors.channels import AD_NETWORKS
from tests.support.counting import TODAY, Counting
from tests.support.sites import Site, new_visitor
from tests.support.told import Told

DAY = 86_400_000


def lines(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("text", ["", "filter_trait.plan=is_not:pro&startAt=2026-05-06&endAt=2026-05-12"])
def test_all_is_what_a_count_over_the_story_gives(told: Told, text: str) -> None:
    told.check(text)


def test_several_cards_at_once_are_what_each_is_by_itself(told: Told) -> None:
    names = [name for name, card in CARDS.items() if card.counted is Counted.VISITORS]
    together, alone = told.cards("filter_page=contains:b&limit=3", names)
    assert together == alone


def test_clicks_on_ads_are_listed_by_network_without_their_ids(numbers: Counting, site: Site) -> None:
    for query in (
        "gclid=SECRET",
        "fbclid=SECRET&wbraid=SECRET",
        "fbclid=SECRET",
        "twclid=SECRET",
        "utm_source=x",
    ):
        site.pageview(path=f"/?{query}")
    rows = numbers.ask(site, "ad-networks", fields="ad_network,visitors")["data"]
    assert rows == [
        {"ad_network": "Google Ads", "visitors": 2},
        {"ad_network": "Meta Ads", "visitors": 1},
        {"ad_network": "X Ads", "visitors": 1},
    ]
    for text, visitors in (("is:google ads,X Ads", 3), ("is_not:Meta Ads", 4), ("contains:ads", 4)):
        (row,) = numbers.ask(site, "overview", filter_ad_network=text)["data"]
        assert row["visitors"] == visitors, text
    asked = "SELECT * FROM event_row WHERE website = $website"
    found = asyncio.run(
        numbers.columns.client.ask(asked, {"website": number_of(bytes.fromhex(site.website_id))})
    )
    assert len(found) == 5
    assert "SECRET" not in repr(found)


def test_each_click_id_has_its_network() -> None:
    assert AD_NETWORKS.keys() == CLICK_IDS


# Fields and pages


def test_an_overview_of_nothing_is_zero(numbers: Counting, site: Site) -> None:
    (row,) = numbers.ask(site, "overview")["data"]
    assert {value for name, value in row.items() if name != "currency"} == {0}
    assert row["currency"] == "€"
    assert numbers.ask(site, "pages")["data"] == []


def test_fields_that_there_are_not_are_left_out(numbers: Counting, site: Site) -> None:
    site.pageview()
    assert numbers.ask(site, "overview", fields="visitors,nothing")["data"] == [{"visitors": 1}]
    assert numbers.ask(site, "campaigns", fields="source,medium")["data"] == []
    assert numbers.ask(site, "os", fields="os,operating_system")["data"] == [{"operating_system": "Mac OS"}]
    answer = numbers.ask(site, "timeseries", fields="name,visitors", interval="day", period="all")
    assert (answer["fields"], answer["currency"], answer["totals"]) == (
        ["name", "visitors"],
        None,
        {"visitors": 1},
    )


def test_older_names_and_spellings_are_taken(numbers: Counting, site: Site) -> None:
    site.custom(site.pageview(), "signup")
    assert numbers.ask(site, "goals", fields="name")["data"] == [{"goal": "signup"}]
    assert numbers.ask(site, "overview", country="is_not:DE", whatever="x", fields="visitors")["data"] == [
        {"visitors": 1}
    ]
    assert numbers.ask(site, "overview", entry_page="/none", fields="visitors")["data"] == [{"visitors": 0}]


def test_pages_of_rows_neither_repeat_nor_skip(numbers: Counting, site: Site) -> None:
    for number in range(7):
        site.pageview(path=f"/{number}")
    pages = [numbers.ask(site, "pages", limit=3, offset=offset, fields="path") for offset in (0, 3, 6, 9)]
    assert [row["path"] for page in pages for row in page["data"]] == [f"/{number}" for number in range(7)]
    assert [page["pagination"]["hasMore"] for page in pages] == [True, True, False, False]
    assert pages[3]["pagination"] == {"limit": 3, "offset": 9, "total": 7, "hasMore": False}


def test_what_is_not_known_is_named_and_found_by_that_name(numbers: Counting, site: Site) -> None:
    site.pageview()
    for card, field, filter_ in [
        ("countries", "country", "country"),
        ("cities", "city", "city"),
        ("referrers", "referrer", "referrer"),
    ]:
        (row,) = numbers.ask(site, card)["data"]
        asked = {f"filter_{filter_}": row[field]}
        assert numbers.ask(site, "overview", fields="visitors", **asked)["data"] == [{"visitors": 1}]


def test_a_single_day_is_told_by_hours(numbers: Counting, site: Site) -> None:
    site.pageview()
    answer = numbers.ask(site, "timeseries", interval="week", startAt="2026-03-29", endAt="2026-03-29")
    assert (answer["interval"], len(answer["data"])) == ("hour", 23)
    assert [row["timestamp"] for row in answer["data"]][1:3] == [
        "2026-03-29T01:00:00+01:00",
        "2026-03-29T03:00:00+02:00",
    ]
    assert answer["data"][2]["name"] == "29 Mar 03:00"


@pytest.mark.parametrize(
    ("interval", "parts"), [("hour", 25), ("day", 30), ("week", 5), ("month", 12), (None, 30)]
)
def test_a_series_without_a_range_is_of_lately(
    numbers: Counting, site: Site, interval: str | None, parts: int
) -> None:
    answer = numbers.ask(site, "timeseries", **({"interval": interval} if interval else {}))
    assert answer["pagination"]["total"] == len(answer["data"]) == parts


def test_metadata_tell_how_the_website_is_set_up(numbers: Counting, site: Site) -> None:
    (row,) = numbers.ask(site, "metadata", timezone="nowhere")["data"]
    assert (row["domain"], row["timezone"], row["currency"]) == (site.domain, "Europe/Berlin", "EUR")


# Money, people, and other times


def pay(site: Site, visitor: str, amount: float, **said: Any) -> None:
    body = {
        "amount": amount,
        "currency": "EUR",
        "transaction_id": f"t{amount}",
        "datafast_visitor_id": visitor,
        **said,
    }
    assert site.call("POST", "/api/v1/payments", json=body).status_code == 200


def test_revenue_can_be_told_as_it_was_known_when_it_was_paid(numbers: Counting, site: Site) -> None:
    visitor = site.pageview()
    pay(site, visitor, 10)
    numbers.clock.move(60_000)
    site.identify(visitor, "ann", {"plan": "pro"})
    pay(site, visitor, 5)
    for whom in ({"filter_person": "ann"}, {"filter_trait.plan": "pro"}, {"filter_person": visitor}):
        told = [
            numbers.ask(site, "overview", fields="revenue", revenue=known, **whom)["data"]
            for known in ("now", "at_payment")
        ]
        assert told == [[{"revenue": 15}], [{"revenue": 5}]]


def test_a_payment_whose_visitor_was_found_later_came_from_nowhere_by_then(
    numbers: Counting, site: Site
) -> None:
    visitor = new_visitor()
    pay(site, visitor, 10)
    site.pageview(visitor, referrer="https://www.google.com/")
    now, then = (
        {row["referrer"]: row["revenue"] for row in numbers.ask(site, "referrers", revenue=known)["data"]}
        for known in ("now", "at_payment")
    )
    assert now == {"google.com": 10}
    assert then in ({"google.com": 0, "Direct/None": 10}, {"google.com": 10})


def test_a_refund_is_taken_off_and_told_apart(numbers: Counting, site: Site) -> None:
    visitor = site.pageview()
    pay(site, visitor, 20)
    pay(site, visitor, 5, renewal=True)
    pay(site, visitor, 3, refunded=True)
    answer = numbers.ask(site, "timeseries", fields="revenue", interval="day", period="today")
    assert answer["totals"] == {
        "revenue": 22,
        "payments": 2,
        "revenueBreakdown": {"new": 20, "renewal": 5, "refund": -3},
    }
    assert answer["currency"] == "€"


def test_no_more_is_read_than_the_fields_of_a_question_tell_of(
    numbers: Counting, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay(site, site.pageview(), 20)
    asked: list[str] = []
    ask = ColumnsClient.ask

    def noting(self: ColumnsClient, text: str, *rest: Any) -> Any:
        asked.append(text)
        return ask(self, text, *rest)

    monkeypatch.setattr(ColumnsClient, "ask", noting)

    def questions(path: str, **query: str) -> int:
        asked.clear()
        numbers.ask(site, path, period="today", **query)
        return len(asked)

    series = numbers.ask(site, "timeseries", fields="pageviews,revenue,payments", period="today")
    assert (series["totals"]["pageviews"], series["totals"]["revenue"]) == (1, 20)
    assert questions("timeseries", fields="pageviews") == 1
    assert questions("timeseries", fields="visitors", compare="year") == 4
    assert questions("overview", fields="visitors,payments") == questions("retention") == 1
    assert questions("pages", fields="path") == questions("goals/properties", eventName="signup") == 1
    assert questions("overview") == questions("pages", fields="revenue") == 2


def test_ranges_are_compared_as_a_whole_by_part_and_by_row(numbers: Counting, site: Site) -> None:
    numbers.clock.now = TODAY - DAY
    site.pageview(path="/old")
    site.pageview(path="/both")
    numbers.clock.now = TODAY
    site.pageview(path="/both")
    asked = {"period": "today", "compare": "previous", "fields": "visitors,path"}
    (row,) = numbers.ask(site, "overview", **asked)["data"]
    assert row == {"visitors": 1, "compared": {"visitors": 2}}
    assert numbers.ask(site, "pages", **asked)["data"] == [
        {"path": "/both", "visitors": 1, "compared": {"visitors": 1}}
    ]
    (country,) = numbers.ask(site, "countries", **(asked | {"fields": "visitors"}))["data"]
    assert country == {"visitors": 1, "compared": {"visitors": 2}}
    series = numbers.ask(site, "timeseries", interval="hour", **asked)
    assert (
        sum(part["compared"]["visitors"] for part in series["data"])
        == series["totals"]["compared"]["visitors"]
        == 2
    )


# Files


def test_files_hold_all_rows_and_no_formulas(numbers: Counting, site: Site) -> None:
    for number in range(3):
        site.pageview(path=f"/{number}?utm_source==1%2B1")
    told = site.call("GET", "/api/v1/analytics/campaigns", params={"format": "csv", "limit": "1"})
    numbers.columns.catch_up()
    told = site.call("GET", "/api/v1/analytics/campaigns", params={"format": "csv", "limit": "1"})
    assert told.headers["content-type"] == "text/csv; charset=utf-8"
    (header, row) = lines(told.text)
    assert (header[0], row[0]) == ("campaign.utm_source", "'=1+1")
    assert told.text.endswith("\r\n")
    rows = lines(
        site.call(
            "GET", "/api/v1/analytics/pages", params={"format": "csv", "limit": "1", "fields": "path"}
        ).text
    )
    assert rows == [["path"], ["/0"], ["/1"], ["/2"]]


def test_a_file_of_nothing_has_a_header(numbers: Counting, site: Site) -> None:
    asked = {"format": "csv", "fields": "goal,visitors", "compare": "previous"}
    assert lines(site.call("GET", "/api/v1/analytics/goals", params=asked).text) == [["goal", "visitors"]]


# Who asks, and what is refused


def test_a_token_names_the_website_by_either_id(numbers: Counting, site: Site) -> None:
    token = site.token(["analytics:read"])
    for name in (site.website_id, site.tracking_id):
        path = f"/api/v1/analytics/overview?websiteId={name}"
        assert site.call("GET", path, key=token).status_code == 200
        assert site.call("HEAD", path, key=token).status_code == 200
    other = site.token(["payments:read"])
    assert (
        site.call("GET", f"/api/v1/analytics/overview?websiteId={site.website_id}", key=other).status_code
        == 403
    )


EVIL = "'\"; DROP TABLE event_row; -- % _ * \\"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"startAt": "2026-05-05"}, "endAt"),
        ({"endAt": "2026-05-05"}, "startAt"),
        ({"startAt": "2026-05-06", "endAt": "2026-05-05"}, "endAt"),
        ({"startAt": "2026-02-30", "endAt": "2026-03-05"}, "startAt"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"offset": "1000000000"}, "offset"),
        ({"filter_country": "was:DE"}, "is, is_not, contains, does_not_contain"),
        ({"filter_page": ",".join("x" * 1_000)}, "filter_page"),
        ({"filter_page": "a\0b"}, "filter_page"),
        ({"filter_visit_count": "many"}, "filter_visit_count"),
        ({"filter_trait.plan": "gt:pro"}, "filter_trait.plan"),
        ({"compare": "never"}, "previous, year"),
        ({"format": "xml"}, "json, csv"),
        ({"attribution": "middle"}, "first, last"),
        ({"revenue": "later"}, "now, at_payment"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    numbers: Counting, site: Site, asked: dict[str, Any], said: str
) -> None:
    assert said in numbers.refused(site, "pages", **asked)


def test_fifty_years_are_too_many_hours_and_a_series_of_months(
    numbers: Counting, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {"startAt": "1980-01-01", "endAt": "2029-12-31"}
    with monkeypatch.context() as patch:
        patch.setattr(ColumnsClient, "ask", None)  # nobody is asked
        for more in ({}, {"compare": "previous", "filter_person": "ann", "startAt": "0001-01-01"}):
            assert "interval" in numbers.refused(site, "timeseries", interval="hour", **(asked | more))
    assert (
        numbers.ask(site, "timeseries", interval="month", limit=1000, **asked)["pagination"]["total"] == 600
    )


@pytest.mark.parametrize(
    "name",
    ["country", "referrer", "entry_page", "page", "hostname", "goal", "utm_term", "person", "trait.plan"],
)
def test_a_value_is_never_more_than_a_value(numbers: Counting, site: Site, name: str) -> None:
    site.pageview()
    for operator in ("is", "is_not", "contains") if name != "person" else ("is", "is_not"):
        (row,) = numbers.ask(site, "overview", fields="visitors", **{f"filter_{name}": f"{operator}:{EVIL}"})[
            "data"
        ]
        assert row == {"visitors": int(operator == "is_not")}


# While there are no columns


@pytest.mark.parametrize(("made", "said"), [(120, "120 visitors"), (None, "away for a moment")])
def test_without_columns_only_analytics_are_unavailable(
    numbers: Counting, site: Site, made: int | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(*asked: Any) -> None:
        raise Unavailable("Analytics are away for a moment. Try again in a second.")

    async def health(client: ColumnsClient) -> ColumnsHealth:
        return ColumnsHealth(False, 0, 0, 0, made)

    monkeypatch.setattr(ColumnsClient, "ask", ask)
    monkeypatch.setattr(ColumnsClient, "health", health)
    for path in ("overview", "timeseries", *CARDS):
        assert said in numbers.refused(site, path, status=503)
    response = site.call("GET", "/api/v1/analytics/overview")
    assert response.headers["retry-after"].isdigit()
    site.pageview()

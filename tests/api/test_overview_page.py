"""The overview of a website tells the numbers of the API, and leads on by addresses that the API understands."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qsl

import pytest

from footfall.columns.client import ColumnsClient
from footfall.columns.wire import ColumnsHealth
from footfall.dashboard.figures import METRICS
from footfall.errors import Unavailable
from tests.support.counting import Counting
from tests.support.dashboard import Visit
from tests.support.money import pay
from tests.support.overview import card, shown, texts, tiles
from tests.support.told import Told

HOUR = 3_600_000


@pytest.mark.parametrize(
    "text",
    [
        "period=all",
        "startAt=2026-05-06&endAt=2026-05-12&filter_browser=is:Chrome",
        "period=all&filter_trait.plan=is_not:pro&interval=day&attribution=first",
    ],
)
def test_the_numbers_of_the_page_are_those_of_the_api(told: Told, browser: Visit, text: str) -> None:
    tabs = "&sources=referrers&places=countries&systems=browsers"
    page = shown(browser, told.site, text + tabs)
    (overview,) = told.ask("overview", text)["data"]
    expected = {one.title: one.spelled(overview[name], "EUR") for name, one in METRICS.items()}
    assert tiles(page) == expected
    series = told.ask("timeseries", f"{text}&limit=1000")["data"]
    assert [row[1] for row in texts(page.split('class="hidden"><table')[1].split("</table>")[0])[1:]] == [
        f"{row['visitors']:,}" for row in series
    ]
    for name, route, label in (
        ("sources", "referrers", "referrer"),
        ("places", "countries", "country"),
        ("goals", "goals", "goal"),
    ):
        rows = told.ask(route, f"{text}&limit=9")["data"]
        head, *found = texts(card(page, name))
        place = head.index("Visitors")
        assert [(row[0], row[place]) for row in found] == [
            (row[label], f"{row['visitors']:,}") for row in rows
        ]


@pytest.mark.parametrize("name", ["pages", "referrers", "goals", "campaigns", "cities"])
def test_the_files_of_the_page_are_those_of_the_api(told: Told, browser: Visit, name: str) -> None:
    text = "period=all&filter_browser=is:Chrome"
    answer = told.site.call("GET", f"/api/v1/analytics/{name}?{text}&format=csv")
    assert shown(browser, told.site, f"{text}&format=csv", f"overview/{name}") == answer.text
    series = told.site.call("GET", f"/api/v1/analytics/timeseries?{text}&interval=day&format=csv")
    assert shown(browser, told.site, f"{text}&interval=day&format=csv") == series.text


def test_a_card_that_is_filtered_keeps_its_other_rows(told: Told, browser: Visit) -> None:
    text = "period=all&filter_browser=is:Firefox&systems=browsers"
    page = shown(browser, told.site, text)
    found = texts(card(page, "systems"))[1:]
    assert sorted(row[0] for row in found) == ["Chrome", "Firefox"]
    classes = re.findall(r'<tr( class="\w+")?><th scope="row">.*?<bdi>(\w+)</bdi>', card(page, "systems"))
    assert {label: state for state, label in classes} == {
        "Chrome": ' class="off"',
        "Firefox": ' class="is"',
    }
    assert card(shown(browser, told.site, f"{text}&part=systems"), "systems") == card(page, "systems")


def test_links_of_rows_are_what_the_api_can_be_asked(told: Told, browser: Visit) -> None:
    page = shown(
        browser, told.site, "period=all&sources=referrers&pages=entry-pages&systems=operating-systems"
    )
    for name in ("sources", "pages", "systems"):
        for row, href in zip(
            texts(card(page, name))[1:],
            re.findall(r'<th scope="row">.*?<a href="\?([^"]+)"', card(page, name)),
            strict=True,
        ):
            (overview,) = told.ask("overview", html.unescape(href))["data"]
            assert (overview["visitors"] == int(row[1])) if name == "systems" else overview["visitors"], row


def test_a_list_is_searched_sorted_and_leads_from_page_to_page(told: Told, browser: Visit) -> None:
    def rows(text: str, name: str = "pages") -> list[list[str]]:
        return texts(shown(browser, told.site, f"period=all&{text}", f"overview/{name}"))[1:]

    every = rows("")
    assert [row[0] for row in rows("sort=name")] == sorted((row[0] for row in every), key=str.lower)
    assert [row[0] for row in rows("search=BLOG")] == [row[0] for row in every if "blog" in row[0].lower()]
    revenue = told.ask("pages", "period=all&limit=1000")["data"]
    most = sorted(revenue, key=lambda row: (-row["revenue"], -row["visitors"], row["path"]))
    assert [row[0] for row in rows("sort=revenue")] == [row["path"] for row in most]
    for text, status in (
        ("sort=x", 400),
        ("offset=-1", 400),
        ("offset=9999", 200),
        ("search=%27%22%25;", 200),
    ):
        answer = browser.get(f"/w/{told.site.website_id}/overview/pages?period=all&{text}")
        assert answer.status_code == status, text
    assert browser.get(f"/w/{told.site.website_id}/overview/map").status_code == 404


def test_a_country_is_found_by_its_name(numbers: Counting, told: Told, browser: Visit) -> None:
    unknown = shown(browser, told.site, "period=all&search=unknown", "overview/countries")
    assert "No row contains this." in unknown
    assert "Nothing found" in shown(browser, told.site, "period=all&search=germany", "overview/countries")


def test_a_question_that_is_wrong_is_said_on_the_page(told: Told, browser: Visit) -> None:
    for text in ("startAt=2026-05-06", "period=x", "filter_visit_count=is:x", "interval=x", "compare=x"):
        answer = browser.get(f"/w/{told.site.website_id}/overview?{text}")
        assert answer.status_code == 400, text
        assert "This cannot be shown" in answer.text, text


@pytest.mark.parametrize("page", ["overview", "retention", "revenue", "goals", "funnels", "people"])
def test_no_page_fails_at_the_ends_of_time(told: Told, browser: Visit, page: str) -> None:
    for text, statuses in (
        ("startAt=1970-01-01&endAt=2067-12-31", (200, 400) if page == "retention" else (200,)),
        ("startAt=1970-01-01&endAt=2099-12-31&compare=year", (200, 400)),
        ("startAt=2020-01-01&endAt=2099-12-31", (200, 400) if page == "retention" else (200,)),
        ("startAt=1970-01-01&endAt=9998-12-30&timezone=Europe/Berlin", (400,)),
        ("startAt=1970-01-01T00:00:00Z&endAt=8000-01-01T05:00:00Z", (400,)),
    ):
        answer = browser.get(f"/w/{told.site.website_id}/{page}?{text}")
        assert answer.status_code in statuses, (text, answer.text)


def test_the_form_of_the_filter_leads_to_an_address(told: Told, browser: Visit) -> None:
    path = f"/w/{told.site.website_id}/overview"
    for text, expected in (
        ("field=country&operator=is_not&text=DE, FR", "filter_country=is_not:DE,FR"),
        ("field=trait.plan&operator=exists&text=", "filter_trait.plan=exists"),
        ("field=nothing&operator=is&text=x", ""),
    ):
        answer = browser.get(f"{path}?period=year&{text}")
        pairs = dict(parse_qsl(answer.headers["location"].partition("?")[2]))
        assert (answer.status_code, pairs) == (303, {"period": "year", **dict(parse_qsl(expected))})


def test_a_website_leads_to_its_overview(told: Told, browser: Visit) -> None:
    path = f"/w/{told.site.website_id}"
    assert browser.get(path).headers["location"] == f"{path}/overview"
    assert f'href="{path}/overview"' in browser.get("/").text


def test_a_website_without_visitors_says_what_to_do(numbers: Counting, browser: Visit) -> None:
    page = shown(browser, numbers.site())
    assert "No visitors yet" in page
    assert "settings#install" in page


def test_payers_stand_on_the_chart_and_who_is_there_beside_the_name(
    numbers: Counting, browser: Visit
) -> None:
    site = numbers.site()
    visitor = site.pageview()
    site.identify(visitor, "u1", {"name": "Ada Lovelace"})
    pay(site, 29, datafast_visitor_id=visitor)
    numbers.columns.catch_up()
    page = shown(browser, site, "period=today")
    assert ">AL</text>" in page
    assert "1 online" in page
    assert ">AL</text>" not in shown(browser, site, "period=today&filter_country=is:DE")


@pytest.mark.parametrize("made", [None, 1234])
def test_while_there_are_no_columns_the_page_says_so_and_looks_again(
    told: Told, browser: Visit, monkeypatch: pytest.MonkeyPatch, made: int | None
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("Analytics are away for a moment. Try again in a second.")

    async def health(_: object) -> ColumnsHealth:
        return ColumnsHealth(False, 0, 0, 0, made)

    monkeypatch.setattr(ColumnsClient, "ask", away)
    monkeypatch.setattr(ColumnsClient, "health", health)
    for name in ("overview", "overview/pages"):
        answer = browser.get(f"/w/{told.site.website_id}/{name}")
        page = answer.text
        assert (answer.status_code, answer.headers["refresh"]) == (200, "6" if made else "2")
        assert "The numbers are not there yet" in page
        assert ("1234 visitors are done" if made else "away for a moment") in page


def test_who_paid_came_and_came_back_stands_beside_funnels_and_crawlers(
    numbers: Counting, browser: Visit
) -> None:
    site = numbers.site()
    ada, stranger = site.pageview(), site.pageview()
    site.identify(ada, "u1", {"name": "Ada Lovelace"})
    numbers.clock.move(1000)
    pay(site, 29, currency="EUR", datafast_visitor_id=ada)
    numbers.clock.move(1000)
    pay(site, 5, currency="EUR", name="Bob", transaction_id="x")
    steps = [
        {"name": "Home", "type": "pageview", "url": "/"},
        {"name": "Paid", "type": "goal", "goalName": "payment"},
    ]
    funnel = site.call(
        "POST",
        f"/api/v1/admin/websites/{site.website_id}/funnels",
        json={"name": "To the till", "steps": steps},
    )
    assert funnel.status_code == 200, funnel.text
    numbers.clock.move(60_000)
    numbers.columns.catch_up()

    def moments(text: str) -> list[list[str]]:
        found = re.findall(r"<li>(.*?)</li>", card(shown(browser, site, text), "moments"), re.DOTALL)
        return [re.findall(r"<bdi>(.*?)</bdi>", one)[1:] for one in found]

    assert moments("period=today") == [["Bob", "€5"], ["Ada Lovelace", "€29"]]
    assert moments("period=today&filter_os=is_not:x") == [["Ada Lovelace", "Direct, €29"]]
    first, second = moments("period=today&moments=new")
    assert first == ["Ada Lovelace", "Direct, €29"]
    assert second[1] == "Direct, 1 visit"
    assert f'/visitors/{stranger}"' in card(shown(browser, site, "period=today&moments=new"), "moments")
    assert moments("period=today&moments=back") == []
    page = shown(browser, site, "period=today&goals=funnels")
    assert texts(card(page, "goals"))[1:] == [["To the till", "2", "1", "50.0%"]]
    assert "Report AI crawlers" in card(page, "bots")
    crawl = {"href": f"https://{site.domain}/docs", "ai": {"userAgent": "GPTBot/1.1"}}
    sent = site.http.post("/api/ai-crawls", json={"websiteId": site.tracking_id, **crawl})
    assert sent.json() == {"status": "success"}
    assert texts(card(shown(browser, site, "period=today"), "bots"))[1:] == [["GPTBot", "1", "1"]]
    assert texts(card(shown(browser, site, "bots=crawled&part=bots"), "bots"))[1:][0][1:] == ["1", "1"]

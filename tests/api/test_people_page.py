"""The list of people opens what the overview counts: the same people, of the same filters and range, each with where they came from and what they paid."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest

from footfall.columns.client import ColumnsClient
from footfall.errors import Unavailable
from tests.support.counting import Counting
from tests.support.dashboard import Visit
from tests.support.money import pay
from tests.support.sites import Site
from tests.support.told import Told


def shown(browser: Visit, site: Site, text: str = "", page: str = "people") -> str:
    answer = browser.get(f"/w/{site.website_id}/{page}?{text}")
    assert answer.status_code == 200, answer.text
    return answer.text


def rows(page: str) -> list[list[str]]:
    """The cells of the list."""
    (found,) = re.findall(r'<table class="cards people">.*?<tbody>(.*?)</table>', page, re.DOTALL)
    cells = (re.findall(r"<td\b[^>]*>(.*?)</td>", row, re.DOTALL) for row in found.split("<tr>")[1:])
    return [[html.unescape(re.sub(r"<[^>]+>", " ", cell)).strip() for cell in row] for row in cells]


def parts(page: str) -> dict[str, int]:
    found = re.findall(r"<b>([\d,]+)</b> ([\w ]+)</a>", page)
    return {title: int(number.replace(",", "")) for number, title in found}


@pytest.mark.parametrize(
    "text",
    [
        "period=all",
        "period=last7d&filter_browser=is:Chrome",
        "startAt=2026-05-06&endAt=2026-05-12",
        "period=all&filter_trait.plan=is_not:pro",
        "period=all&filter_goal=is:signup",
    ],
)
def test_the_people_of_a_number_are_as_many_as_the_api_tells(told: Told, browser: Visit, text: str) -> None:
    page, lines = (
        shown(browser, told.site, text),
        list(csv.DictReader(io.StringIO(shown(browser, told.site, f"{text}&format=csv")))),
    )
    (overview,) = told.ask("overview", text)["data"]
    assert parts(page)["People"] == overview["people"] == len(lines)
    assert f"of {overview['people']:,}</span>" in page
    assert parts(page)["New"] + parts(page)["Came back"] == overview["people"]
    assert len({line["userId"] or line["visitorId"] for line in lines}) == len(lines)
    for title, name in (("Known", "known"), ("Customers", "customers")):
        assert (
            f"of {parts(page)[title]:,}</span>" in shown(browser, told.site, f"{text}&who={name}")
            or not parts(page)[title]
        )


def test_the_overview_leads_to_its_people_and_these_lead_back(told: Told, browser: Visit) -> None:
    page = shown(browser, told.site, "filter_browser=is:Chrome&systems=browsers", "overview")
    (tile,) = re.findall(r'<a class="who" href="([^"]+)"', page)
    assert html.unescape(tile) == f"/w/{told.site.website_id}/people?filter_browser=is:Chrome&period=last30d"
    listed = shown(browser, told.site, "period=all&filter_browser=is:Chrome")
    assert f'href="/w/{told.site.website_id}/overview?period=all&amp;filter_browser=is:Chrome"' in listed
    assert f'href="/w/{told.site.website_id}/overview"' in shown(browser, told.site)
    row = re.search(r"<bdi>Firefox</bdi>.*?</tr>", page, re.DOTALL)
    assert row
    assert f'/w/{told.site.website_id}/people?period=last30d&amp;filter_browser=is:Firefox"' in row[0]


def test_everybody_is_shown_with_source_country_and_revenue(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    here, there = site.pageview(referrer="https://news.example/x"), site.pageview()
    site.identify(here, "ada", {"name": "Ada", "plan": "pro"})
    pay(site, 29, currency="EUR", datafast_visitor_id=here)
    numbers.clock.move(60_000)
    site.pageview(visitor=there)
    numbers.columns.catch_up()
    for text in ("", "period=today&who=known", "sort=revenue"):
        (one,) = rows(shown(browser, site, text))
        assert one[0].split() == ["A", "Ada", "ada"], text
        assert [one[2], *one[4:6]] == ["news.example", "1", "€29"], text
    first, second = rows(shown(browser, site, "period=today&sort=source"))
    assert (first[2], second[2]) == ("Direct", "news.example")
    assert rows(shown(browser, site, "period=today"))[0] == first
    assert f'/w/{site.website_id}/visitors/{there}"' in shown(browser, site, "period=today")
    assert len(rows(shown(browser, site, "period=today&search=ada"))) == 1
    assert "Nobody found" in shown(browser, site, "period=today&search=nobody")
    assert "Nobody found" in shown(browser, site, "period=today&filter_country=is:DE")


def test_people_of_a_range_are_sorted_by_when_they_signed_up(
    numbers: Counting, browser: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = numbers.site()
    visitors = [site.pageview() for _ in range(3)]
    for user_id, visitor in (("ada", visitors[1]), ("bob", visitors[0])):
        numbers.clock.move(60_000)
        site.identify(visitor, user_id, {})
    numbers.clock.move(60_000)
    site.pageview(visitor=visitors[1])
    numbers.columns.catch_up()

    def listed(text: str) -> list[str]:
        page = shown(browser, site, f"period=today&{text}")
        return [one[0].split()[1] for one in rows(page)]

    assert listed("")[0] == "ada"
    assert listed("sort=signed_up")[:2] == ["bob", "ada"]
    assert len(listed("sort=signed_up")) == 3
    assert listed("sort=signed_up&who=known") == ["bob", "ada"]
    head = re.search(
        r'<th scope="col" class="signed_up"[^>]*>', shown(browser, site, "period=today&sort=signed_up")
    )
    assert head
    assert 'aria-sort="descending"' in head[0]
    lines = csv.DictReader(io.StringIO(shown(browser, site, "period=today&sort=signed_up&format=csv")))
    assert [line["userId"] for line in lines] == ["bob", "ada", ""]
    for most, offset, those in ((2, 1, ["ada"]), (2, 2, []), (0, 1, ["bob"])):
        monkeypatch.setattr("footfall.dashboard.pages.roster.MOST_SORTED", most)
        found = listed(f"sort=signed_up&offset={offset}")
        assert found[: len(those)] == those
        assert len(found) == 3 - offset
    monkeypatch.setattr("footfall.dashboard.pages.roster.MOST_SORTED", 1)
    refused = browser.get(f"/w/{site.website_id}/people?period=today&sort=signed_up")
    assert refused.status_code == 400
    assert "more than 1 known people came in this range" in refused.text


def test_while_there_are_no_columns_those_who_are_known_are_listed(
    numbers: Counting, browser: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = numbers.site()
    site.identify(site.pageview(), "ada", {"name": "Ada"})
    numbers.columns.catch_up()

    async def away(*_: object) -> None:
        raise Unavailable("Analytics are away for a moment. Try again in a second.")

    monkeypatch.setattr(ColumnsClient, "ask", away)
    for text, said in (
        ("", "shown once analytics are there again"),
        ("filter_country=is:DE", "these are all known people, without regard to their visits"),
        ("sort=revenue", "without regard to that order"),
    ):
        page = shown(browser, site, text)
        assert said in page, text
        assert [one[0].split()[1] for one in rows(page)] == ["Ada"], text


def test_a_question_that_is_wrong_is_said_in_the_list(told: Told, browser: Visit) -> None:
    for text, said in (
        ("period=x", "period must be one of"),
        ("period=all&filter_visit_count=is:x", "filter_visit_count: name whole numbers"),
        ("period=all&filter_trait.seats=gte:x", "“seats at least” compares with a number"),
        ("offset=x", "offset must be a whole number"),
        ("period=all&offset=x", "offset must be a whole number"),
    ):
        answer = browser.get(f"/w/{told.site.website_id}/people?{text}")
        assert (answer.status_code, said in html.unescape(answer.text)) == (400, True), text
        assert said in html.unescape(shown(browser, told.site, f"{text}&part=list")), text
    assert "Nobody on this page" in shown(browser, told.site, "period=all&offset=5000")


def test_a_trait_filters_at_a_click_and_then_excludes(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    site.identify(
        site.pageview(), "ada", {"plan": "pro, or more", "seats": 5, "notes": "x" * 200, "tags": ["a"]}
    )
    numbers.columns.catch_up()
    hrefs = {
        name: html.unescape(href)
        for href, name in re.findall(
            r'<a class="tag" href="\?([^"]+)".*?<i><bdi>(\w+)</bdi>', shown(browser, site)
        )
    }
    assert hrefs.keys() == {"plan", "seats"}
    for query, many in (
        (hrefs["plan"], 1),
        (f"period=today&{hrefs['plan']}", 1),
        (hrefs["plan"].replace("is:", "is_not:"), 0),
    ):
        page = shown(browser, site, query)
        assert page.count('class="id"') == many, query
    again = re.findall(
        r'<a class="tag" href="\?([^"]+)".*?<i><bdi>plan</bdi>', shown(browser, site, hrefs["plan"])
    )
    assert html.unescape(again[0]) == hrefs["plan"].replace("is:", "is_not:")


def test_somebody_who_comes_on_another_device_came_back(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    laptop, tablet = site.pageview(), site.pageview()
    site.identify(laptop, "ada")
    numbers.clock.move(2 * 86_400_000)
    site.identify(site.pageview(), "ada")
    site.pageview()
    for path in ("/", "/pricing"):
        numbers.clock.move(60_000)
        site.pageview(tablet, path)
    numbers.columns.catch_up()
    expected = {"People": 3, "Known": 1, "New": 1, "Came back": 2, "Customers": 0}
    assert parts(shown(browser, site, "period=today")) == expected
    assert parts(shown(browser, site, "period=today&filter_page=is:/pricing")) == {
        **expected,
        "People": 1,
        "Known": 0,
        "New": 0,
        "Came back": 1,
    }
    (named,) = [row for row in rows(shown(browser, site, "period=today&who=back")) if "ada" in row[0]]
    assert named[4] == "1"
    assert len(rows(shown(browser, site, "period=today&who=new"))) == 1
    assert parts(shown(browser, site, "period=all"))["New"] == 3

"""Live tells what happens on a website, in the numbers of the API, also without JavaScript."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest

from footfall.accounts.model import Account
from footfall.columns.client import ColumnsClient
from footfall.dashboard.pages import live
from footfall.errors import Unavailable
from tests.support.counting import Counting
from tests.support.dashboard import Visit, enter
from tests.support.money import pay
from tests.support.sites import Site, new_visitor

MINUTE = 60_000


@pytest.fixture
def desk(numbers: Counting, site: Site, reader: Account) -> Iterator[Visit]:
    """A browser with a session."""
    visit = Visit(site.url)
    enter(visit, numbers.columns.place, reader, numbers.clock.now)
    yield visit
    visit.close()


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was shown a moment ago is made anew."""
    monkeypatch.setattr(live, "FRESH_SECONDS", 0)


def shown(numbers: Counting, desk: Visit, site: Site, query: str = "") -> str:
    numbers.columns.catch_up()
    answer = desk.get(f"/w/{site.website_id}/live?{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


def said(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def lines(page: str) -> list[tuple[str, str]]:
    """Where each line leads, below the website, and what it says."""
    found = re.findall(
        r'<li id="live-[^>]*><a class="person" href="/w/\w+/([^"]+)">(.*?)</li>', page, re.DOTALL
    )
    return [(path, said(text.partition("</span>")[2])) for path, text in found]


def count(page: str) -> str:
    (found,) = re.findall(r'data-count="([^"]+)"', page)
    return str(found)


def ranks(page: str, name: str) -> dict[str, int]:
    """A list of pages or sources."""
    (section,) = re.findall(rf'<section class="card" id="live-{name}">(.*?)</section>', page, re.DOTALL)
    rows = re.findall(r'<th scope="row">(.*?)</th><td class="num">(\d+)</td>', section, re.DOTALL)
    return {said(label): int(number) for label, number in rows}


@pytest.fixture
def ada(numbers: Counting, site: Site) -> tuple[str, str]:
    """Somebody who signed up and paid, and somebody else; their visitors."""
    ada, nobody = new_visitor(), new_visitor()
    site.pageview(nobody, "/pricing", referrer="https://www.news.example/today")
    numbers.clock.move(3 * MINUTE)
    site.pageview(ada, "/?utm_source=mail")
    numbers.clock.move(1000)
    site.custom(ada, "signup")
    numbers.clock.move(1000)
    site.identify(ada, "u1", {"name": "Ada"})
    numbers.clock.move(1000)
    pay(site, 29, "EUR", datafast_visitor_id=ada)
    return ada, nobody


def test_what_happens_is_told_newest_first_and_leads_to_whoever_did_it(
    numbers: Counting, desk: Visit, site: Site, ada: tuple[str, str]
) -> None:
    page = shown(numbers, desk, site)
    person = f"people/{site.profile(ada[0])['profileId']}"
    found = lines(page)
    assert [(path, text.partition(" ")[2]) for path, text in found[:4]] == [
        (person, "paid €29 10:03"),
        (person, "signed up 10:03"),
        (person, "reached the goal signup 10:03"),
        (person, "opened / 10:03"),
    ]
    assert found[4][0] == f"visitors/{ada[1]}"
    assert found[4][1].endswith("opened /pricing 10:00")
    assert all(text.startswith("Ada ") for _, text in found[:4])
    assert page.count('class="anonymous"') == 1
    assert f'<a class="button unscripted" href="/w/{site.website_id}/live">Refresh</a>' in page
    assert f'data-stream="/w/{site.website_id}/live/stream"' in page


def test_the_numbers_are_those_of_the_api(
    numbers: Counting, desk: Visit, site: Site, ada: tuple[str, str]
) -> None:
    page = shown(numbers, desk, site)
    (told,) = numbers.ask(site, "realtime")["data"]
    assert count(page) == str(told["visitors"]) == "2"
    assert "<title>(2) Live on" in page
    assert ranks(page, "pages") == {"/": 1, "/pricing": 1}
    assert ranks(page, "sources") == {"mail": 1, "news.example": 1}
    bars = re.findall(r"<title>(\d\d:\d\d): (\d+) visitors?</title>", page)
    assert len(bars) == 30
    assert [(minute, int(many)) for minute, many in bars if many != "0"] == [("10:00", 1), ("10:03", 1)]
    assert "2 visitors from unknown places" in page
    numbers.clock.move(8 * MINUTE)
    assert (
        count(shown(numbers, desk, site)) == str(numbers.ask(site, "realtime")["data"][0]["visitors"]) == "1"
    )


def test_filters_keep_whom_they_describe_and_are_carried_along(
    numbers: Counting, desk: Visit, site: Site, ada: tuple[str, str]
) -> None:
    page = shown(numbers, desk, site, "filter_page=is:/pricing&filter_new=true&period=last7d")
    assert [path for path, _ in lines(page)] == [f"visitors/{ada[1]}"]
    assert count(page) == "1"
    assert ranks(page, "sources") == {"news.example": 1}
    assert "<b><bdi>Page</bdi></b> is <bdi>/pricing</bdi>" in page
    assert "says nothing of New visitors : Live leaves this filter out." in said(page)
    kept = "period=last7d&amp;filter_page=is:/pricing&amp;filter_new=true"
    assert f'data-stream="/w/{site.website_id}/live/stream?{kept}"' in page
    assert f'href="/w/{site.website_id}/overview?{kept}"' in page
    overview = desk.get(f"/w/{site.website_id}/overview?filter_page=is:/pricing").text
    assert f'href="/w/{site.website_id}/live?filter_page=is:/pricing"' in overview
    paid = shown(numbers, desk, site, "filter_goal=is:signup")
    assert lines(paid)[0][1] == "Ada paid €29 10:03"
    assert not lines(shown(numbers, desk, site, "filter_country=is:DE"))


def test_a_wrong_filter_is_named(desk: Visit, site: Site) -> None:
    for path in ("live", "live/stream"):
        answer = desk.get(f"/w/{site.website_id}/{path}?filter_visit_count=is:x")
        assert answer.status_code == 400
        assert "filter_visit_count" in answer.text


def test_live_goes_on_while_there_are_no_columns(
    numbers: Counting, desk: Visit, site: Site, ada: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(*asked: object) -> None:
        raise Unavailable("There are no columns.")

    monkeypatch.setattr(ColumnsClient, "ask", ask)
    page = shown(numbers, desk, site)
    assert count(page) == "2"
    assert len(lines(page)) == 5
    assert "The numbers are not there yet." in page


def test_nobody_is_here(numbers: Counting, desk: Visit, site: Site) -> None:
    page = shown(numbers, desk, site)
    assert count(page) == "0"
    assert '<ol class="online"></ol>' in page
    assert "Nobody is here now" in page

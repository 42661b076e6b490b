"""The page of a person and that of a visitor: the story in a sentence, the days of their visits, and the journey with its visits folded."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest

from footfall.accounts.model import Account
from footfall.clock import DAY_MS
from footfall.people.journey import LOOKED_AT, ROUNDS
from tests.support.counting import Counting
from tests.support.dashboard import Visit, enter
from tests.support.money import pay
from tests.support.people import merge
from tests.support.sites import Site, new_visitor

MINUTE = 60_000


@pytest.fixture
def desk(numbers: Counting, site: Site, reader: Account) -> Iterator[Visit]:
    """A browser with a session."""
    visit = Visit(site.url)
    enter(visit, numbers.columns.place, reader, numbers.clock.now)
    yield visit
    visit.close()


def page_of(desk: Visit, site: Site, path: str) -> str:
    answer = desk.get(f"/w/{site.website_id}/{path}")
    assert answer.status_code == 200, answer.text
    return answer.text


def said(text: str) -> str:
    """What a piece of a page says."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def cards(page: str) -> list[str]:
    """The folded visits, as they are headed."""
    return [
        said(one)
        for one in re.findall(r"<details class=\"visit\"[^>]*><summary>(.*?)</summary>", page, re.DOTALL)
    ]


def milestones(page: str) -> list[str]:
    """What is seen of folded visits."""
    return [said(one) for one in re.findall(r'<ol class="session milestones">(.*?)</ol>', page, re.DOTALL)]


def journey_of(page: str) -> str:
    return page[page.index('<section id="journey">') :]


@pytest.fixture
def ada(numbers: Counting, site: Site, desk: Visit, reader: Account) -> str:
    """Somebody who came from a search, came again to sign up on a second device, and paid twice; the first visitor."""
    laptop, phone = new_visitor(), new_visitor()
    site.pageview(laptop, "/pricing", referrer="https://www.google.com/search")
    numbers.clock.move(2 * MINUTE)
    site.pageview(laptop, "/blog")
    numbers.clock.move(12 * DAY_MS)
    site.pageview(phone, "/?utm_source=mail")
    numbers.clock.move(MINUTE)
    site.custom(phone, "signup", plan="pro")
    numbers.clock.move(1)
    site.identify(phone, "ada", {"name": "Ada"})
    site.identify(laptop, "ada")
    numbers.clock.move(MINUTE)
    pay(site, 29, "EUR", datafast_visitor_id=phone)
    numbers.clock.move(30 * DAY_MS)
    pay(site, 99, "EUR", datafast_visitor_id=phone, renewal=True)
    enter(
        desk, numbers.columns.place, reader, numbers.clock.now
    )  # the session from before has ended meanwhile
    return laptop


def test_a_sentence_tells_the_story(desk: Visit, site: Site, ada: str) -> None:
    page = page_of(desk, site, "people/user:ada")
    assert "Came from google.com 12 days before signing up, 2 visits on 2 devices, paid €128." in page
    alone = page_of(desk, site, f"visitors/{ada}")
    assert "Came from google.com 12 days before signing up, 1 visit." in alone
    site.identify(site.pageview(), "bob")
    assert "Came directly and signed up at once, 1 visit, paid nothing yet." in page_of(
        desk, site, "people/user:bob"
    )
    buyer = site.pageview()
    pay(site, 29, "EUR", datafast_visitor_id=buyer)
    pay(site, 29, "EUR", datafast_visitor_id=buyer, refunded=True)
    site.identify(buyer, "cay")
    assert "1 visit, paid €29, refunded." in page_of(desk, site, "people/user:cay")
    nobody = page_of(desk, site, f"visitors/{site.pageview()}")
    assert "Came directly just now, 1 visit, not signed up." in nobody


def test_visits_are_folded_and_goals_and_payments_are_seen(desk: Visit, site: Site, ada: str) -> None:
    page = page_of(desk, site, "people/user:ada")
    assert cards(page) == [
        "mail / 10:02 · 1 page · 1 min · desktop, Chrome",
        "google.com /pricing → /blog 10:00 · 2 pages · 2 min · desktop, Chrome",
    ]
    assert milestones(page) == [
        "10:04 Paid €29 10:03 Identified as Ada by the backend 10:03 Goal signup plan pro"
    ]
    assert "10:04 Paid €99 renewal" in said(journey_of(page))  # long after its visit it stands alone
    days = re.findall(r"<h3>(.*?)</h3>", page)
    assert days == ["Tuesday, 16 June 2026", "Sunday, 17 May 2026", "Tuesday, 5 May 2026"]
    assert journey_of(page).index("Journey") < page.index('id="traits"') or '<div class="split">' in page


def test_a_journey_is_filtered_by_what_happened(desk: Visit, site: Site, ada: str) -> None:
    root = "people/user:ada"

    def shown(only: str, path: str = root) -> list[str]:
        page = journey_of(page_of(desk, site, f"{path}?only={only}"))
        assert f'?only={only}#journey" aria-current="true"' in page
        return [said(one) for one in re.findall(r"<li class=.*?</li>", page, re.DOTALL)]

    assert [one.split()[1] for one in shown("pages")] == ["Page"] * 3
    assert shown("goals") == ["10:03 Goal signup plan pro"]
    assert [one.split()[2] for one in shown("payments")] == ["€99", "€29"]
    assert len(shown("pages", f"visitors/{ada}")) == 2
    page = page_of(desk, site, f"visitors/{ada}?only=goals")
    assert "No goals yet." in page
    assert cards(page_of(desk, site, f"{root}?only=x")) == cards(page_of(desk, site, root))


def test_a_day_of_the_strip_leads_to_its_visits(desk: Visit, site: Site, ada: str) -> None:
    page = page_of(desk, site, "people/user:ada")
    assert "2 visits on 2 days of the last 90" in said(page)
    days = re.findall(r'<a href="([^"]+)" tabindex="-1"><rect [^>]*><title>([^<]+)', page)
    assert [title for _, title in days] == ["5 May 2026: 1 visit", "17 May 2026: 1 visit"]
    first = desk.get(html.unescape(days[0][0])).text
    assert cards(first) == cards(page)[1:]
    assert "Newest first" in first


def test_a_visit_that_is_cut_says_so(numbers: Counting, desk: Visit, site: Site) -> None:
    visitor = new_visitor()
    for number in range(130):
        site.pageview(visitor, f"/{number}")
        numbers.clock.move(1000)
    page = page_of(desk, site, f"visitors/{visitor}")
    (card,) = cards(page)
    assert card == "Direct /0 → /129 10:00 · 100+ pages · 1 min 39 s · desktop, Chrome · began further down"
    (more,) = re.findall(r'data-more="([^"]+)"', page)
    rest = desk.get(html.unescape(more)).text
    assert cards(rest) == ["Direct /0 → /29 10:00 · 30+ pages · 29 s · desktop, Chrome · goes on above"]
    assert "data-more" not in rest


def test_rare_goals_are_looked_for_a_part_at_a_time(numbers: Counting, desk: Visit, site: Site) -> None:
    visitor = new_visitor()
    site.custom(visitor, "rare")
    for number in range(LOOKED_AT * ROUNDS):
        site.pageview(visitor, f"/{number}")
        numbers.clock.move(1)
    page = page_of(desk, site, f"visitors/{visitor}?only=goals")
    assert "None in this part of the journey." in page
    (more,) = re.findall(r'data-more="([^"]+)"', page)
    found = desk.get(html.unescape(more)).text
    assert "<bdi>rare</bdi>" in found
    assert "data-more" not in found


def test_revenue_is_told_as_known_at_payment_where_that_differs(desk: Visit, site: Site, ada: str) -> None:
    assert "known at payment" not in page_of(desk, site, "people/user:ada")
    old = site.pageview()
    site.identify(old, "ada-old")
    pay(site, 10, "EUR", datafast_visitor_id=old)
    pay(site, 5, "EUR", datafast_visitor_id=ada)
    merge(site, "ada", "ada-old")
    later = site.pageview()
    pay(site, 50, "EUR", datafast_visitor_id=later)
    site.identify(later, "ada")
    page = said(page_of(desk, site, "people/user:ada"))
    assert "Revenue €193 €143 known at payment" in page
    assert "paid €193" in page


def test_actions_are_in_a_menu_that_opens_when_an_erasure_is_refused(
    desk: Visit, site: Site, ada: str
) -> None:
    path = f"/w/{site.website_id}/people/user:ada"
    assert '<details class="menu do" id="do"><summary>Actions' in desk.get(path).text
    refused = desk.post(f"{path}/erase", form=path, confirm="bob")
    assert refused.status_code == 400
    assert '<details class="menu do" id="do" open>' in refused.text

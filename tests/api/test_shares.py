"""Links show the overview to anybody: the numbers of the API, nobody's name, and no way to anything else."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

import pytest

from footfall.dashboard.cards import GROUPS
from footfall.dashboard.figures import METRICS
from footfall.dashboard.pages.shares import VIEWS_A_MINUTE
from tests.support.counting import Counting
from tests.support.dashboard import CLOSED, Visit, filled
from tests.support.money import pay
from tests.support.openapi import description
from tests.support.overview import card, texts, tiles
from tests.support.sites import Site
from tests.support.told import Told

NOTHING = "/no/such/page"
_ADDRESSES = itertools.count(1)


@pytest.fixture
def stranger(told: Told) -> Iterator[Visit]:
    """A browser without a session, at an address of its own."""
    visit = Visit(told.site.url, {"x-forwarded-for": f"198.51.100.{next(_ADDRESSES)}"})
    yield visit
    visit.close()


Share = Callable[..., str]


@pytest.fixture
def share(browser: Visit) -> Share:
    """Turns public links on, and makes one."""

    def make(site: Site, name: str = "Investors", **fields: str) -> str:
        path = f"/w/{site.website_id}/shares"
        allowed = browser.post(f"{path}/allow", form=path)
        assert allowed.headers["location"] == path
        answer = browser.post(path, form=path, name=name, **fields)
        (link,) = re.findall(r"<code><bdi>https?://[^/]+(/share/dfs_\w+)</bdi></code>", answer.text)
        assert link.removeprefix("/share/") not in browser.get(path).text
        return str(link)

    return make


def shown(visit: Visit, link: str, text: str = "", status: int = 200) -> str:
    answer = visit.get(f"{link}?{text}")
    assert answer.status_code == status, answer.text
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["content-type"].startswith("text/html")
    assert "set-cookie" not in answer.headers
    return answer.text


def test_the_numbers_of_a_link_are_those_of_the_api(told: Told, share: Share, stranger: Visit) -> None:
    link = share(told.site, has_money="on")
    text = "startAt=2026-05-06&endAt=2026-05-12&filter_browser=is:Chrome"
    page = shown(stranger, link, f"{text}&sources=referrers&places=countries&format=csv")
    assert '<meta name="robots" content="noindex, nofollow">' in page
    (overview,) = told.ask("overview", text)["data"]
    assert tiles(page) == {one.title: one.spelled(overview[name], "EUR") for name, one in METRICS.items()}
    series = told.ask("timeseries", f"{text}&limit=1000")["data"]
    table = texts(page.split('class="hidden"><table')[1].split("</table>")[0])[1:]
    assert [row[1] for row in table] == [f"{row['visitors']:,}" for row in series]
    for name, route, label in (("sources", "referrers", "referrer"), ("places", "countries", "country")):
        head, *found = texts(card(page, name))
        place = head.index("Visitors")
        rows = told.ask(route, f"{text}&limit=9")["data"]
        assert [(row[0], row[place]) for row in found] == [
            (row[label], f"{row['visitors']:,}") for row in rows
        ]
    part = shown(stranger, link, f"{text}&sources=referrers&places=countries&part=sources")
    assert card(part, "sources") == card(page, "sources")


def test_a_link_without_revenue_tells_nothing_of_payments(told: Told, share: Share, stranger: Visit) -> None:
    link = share(told.site)
    page = shown(stranger, link, "period=all&metric=revenue&sources=referrers&goals=funnels")
    assert tiles(page).keys() == {"Visitors", "People", "Bounce rate", "Time per visit"}
    assert "€" not in page
    assert "Revenue" not in page
    assert "Funnels" not in page
    assert shown(stranger, link, "period=all&sources=referrers&goals=funnels") == page.replace(
        "?metric=revenue&", "?"
    )


def test_filters_that_find_people_do_nothing(told: Told, share: Share, stranger: Visit) -> None:
    link = share(told.site)
    everybody = shown(stranger, link, "period=all")
    for text in (
        "filter_person=is:u1",
        "filter_trait.plan=is:pro",
        "filter_trait.email=contains:@",
        "filter_funnel=is:checkout:1:passed",  # whose last step may be a payment
    ):
        assert shown(stranger, link, f"period=all&{text}") == everybody
    for field in ("person", "trait.plan", "funnel"):
        answer = stranger.get(f"{link}?period=all&field={field}&operator=is&text=pro")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{link}?period=all")
    assert 'value="person"' not in everybody
    assert "Chrome" in shown(stranger, link, "period=all&filter_browser=is:Chrome&systems=browsers")
    assert "This cannot be shown" in shown(stranger, link, "startAt=x", 400)


def test_nobody_is_named_and_nothing_leads_inside(
    numbers: Counting, share: Share, stranger: Visit, browser: Visit
) -> None:
    site = numbers.site()
    visitor = site.pageview()
    site.identify(visitor, "user_of_mine", {"name": "Ada Lovelace", "email": "ada@home.example"})
    pay(site, 29, currency="EUR", datafast_visitor_id=visitor, email="pays@home.example")
    note = {"text": "We hired Grace"}
    site.call("POST", f"/api/v1/admin/websites/{site.website_id}/notes", json=note)
    numbers.columns.catch_up()
    path = f"/w/{site.website_id}/overview"
    assert "Ada Lovelace" in browser.get(path).text
    assert "We hired Grace" in browser.get(path).text
    link = share(site, has_money="on")
    queries = [
        "&".join(f"{group.name}={group.tabs[number % len(group.tabs)].name}" for group in GROUPS)
        for number in range(5)
    ]
    told = [shown(stranger, link, query) for query in queries]
    assert "€29" in told[0]
    assert shown(browser, link, queries[0]) == told[0]  # whoever is logged in sees the same
    for page in told:
        for secret in (
            "Ada",
            ">AL<",
            "home.example",
            "user_of_mine",
            "Grace",
            visitor,
            site.website_id,
            site.key,
        ):
            assert secret not in page, secret
        links = re.findall(r'(?:href|action|src)="([^"]*)"', page)
        assert {one for one in links if not one.startswith(("?", "/static/", link, "#main"))} == set()


def test_a_link_opens_nothing_else(told: Told, share: Share, stranger: Visit) -> None:
    secret = share(told.site, has_money="on").rpartition("/")[2]
    key = {"authorization": f"Bearer {secret}"}
    for method, path in sorted(description().closed()):
        at = re.sub(r"\{\w+\}", told.site.website_id, path)
        query = {"websiteId": told.site.website_id}
        answer = stranger.http.request(
            method, at, headers=key, params=query, json={} if method != "GET" else None
        )
        assert answer.status_code == 401, (method, at)
    stranger.http.cookies.set("footfall_session", secret)
    for method, path in CLOSED:
        answer = stranger.http.request(
            method, filled(path, told.site), params={"secret": secret}, headers=key
        )
        assert (answer.status_code, answer.content) == (303, b""), (method, path)
        assert answer.headers["location"].startswith("/login"), path
    for more in ("/people", "/pages", "/overview", "/../people", "?part=people"):
        answer = stranger.get(f"/share/{secret}{more}")
        assert answer.status_code == (200 if more.startswith("?") else 404), more


def test_a_link_shows_a_century_and_refuses_more(told: Told, share: Share, stranger: Visit) -> None:
    link = share(told.site, has_money="on")
    (row,) = told.ask("overview", "startAt=2027-01-01&endAt=2099-12-31&compare=previous")["data"]
    assert (row["visitors"], row["compared"]["visitors"]) == (0, 4)
    for text in ("startAt=1970-01-01&endAt=2067-12-31", "startAt=2020-01-01&endAt=2099-12-31"):
        assert tiles(shown(stranger, link, text))["Visitors"] == "4"
    for text in (
        "startAt=1970-01-01&endAt=4500-01-01",
        "startAt=5000-01-01&endAt=9998-01-01",
        "startAt=1970-01-01T00:00:00Z&endAt=8000-01-01T05:00:00Z",
    ):
        assert "must be before the year 2100" in shown(stranger, link, text, 400)


def test_a_refused_link_looks_like_any_address_without_a_page(
    numbers: Counting, share: Share, stranger: Visit, browser: Visit
) -> None:
    site = numbers.site()
    link = share(site)
    numbers.clock.move(1000)
    other = share(site, "Others")
    path = f"/w/{site.website_id}/shares"

    def refusal(link: str) -> tuple[int, str]:
        answer = stranger.get(link, headers={"accept": "text/html"})
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert "set-cookie" not in answer.headers
        return answer.status_code, answer.text

    expected = refusal(NOTHING)
    assert expected[0] == 404
    for wrong in ("x", link[:-1], link + "0", "dfs_", "%00"):
        assert refusal(f"/share/{wrong.rpartition('/')[2]}") == expected
    ids = re.findall(r'name="id" value="(\w+)"', browser.get(path).text)
    browser.post(f"{path}/revoke", form=path, id=ids[0])
    assert refusal(link) == expected
    assert "No visitors yet" in shown(stranger, other)
    site.change(is_suspended=True)
    assert refusal(other) == expected
    site.change(is_suspended=False, is_public=False)
    assert refusal(other) == expected
    assert "No link of this website works now" in browser.get(path).text
    site.change(is_public=True)
    assert "No visitors yet" in shown(stranger, other)


def test_a_link_needs_a_name_and_one_address_cannot_ask_without_end(
    told: Told, share: Share, stranger: Visit, browser: Visit
) -> None:
    link, path = share(told.site), f"/w/{told.site.website_id}/shares"
    answer = browser.post(path, form=path, name=" ", has_money="on")
    assert (answer.status_code, "Use 1 to 100 characters" in answer.text) == (400, True)
    for _ in range(VIEWS_A_MINUTE):
        assert stranger.get("/share/x").status_code == 404
    refused = stranger.get(link)
    assert (refused.status_code, refused.headers["retry-after"].isdigit()) == (429, True)
    assert ("set-cookie" in refused.headers, refused.headers["x-robots-tag"]) == (False, "noindex, nofollow")
    assert browser.get(link).status_code == 200

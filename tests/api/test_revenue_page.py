"""The page of revenue tells what the definitions say: of a story, of payments that were found out later, and of subscriptions."""

from __future__ import annotations

import hashlib
import html
import re

import pytest

from footfall.analytics.dimensions import Attribution
from footfall.clock import DAY_MS
from footfall.columns.client import ColumnsClient
from footfall.dashboard.cards import TABS
from footfall.dashboard.figures import amount_change, money_column, money_of
from footfall.db.protocol import Transaction
from footfall.errors import Unavailable
from footfall.payments.webhooks.store import sql as webhooks
from footfall.websites.store import note_payments
from tests.support.counting import Counting
from tests.support.dashboard import Visit
from tests.support.earned import EarnedReference
from tests.support.money import pay, payments
from tests.support.reference import is_paid
from tests.support.servers import until
from tests.support.sites import Site, new_visitor
from tests.support.told import Told


def shown(browser: Visit, site: Site, text: str = "") -> str:
    answer = browser.get(f"/w/{site.website_id}/revenue?{text}")
    assert answer.status_code == 200, answer.text
    return answer.text


def tiles(page: str) -> dict[str, str]:
    return {
        title: html.unescape(value)
        for title, value in re.findall(r'<span class="what">([^<]+)</span><b>([^<]+)</b>', page)
    }


def card(page: str, name: str) -> str:
    found = re.search(rf'<section class="card board[^"]*" aria-label="{name}">.*?</section>', page, re.DOTALL)
    assert found, name
    return found[0]


def cells(part: str) -> list[list[str]]:
    rows = re.findall(r"<tr\b[^>]*>(.*?)</tr>", part, re.DOTALL)
    found = [re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[html.unescape(re.sub(r"<[^>]+>", "", one)).strip() for one in row] for row in found]


@pytest.mark.parametrize(
    "text",
    [
        "period=all",
        "startAt=2026-05-06&endAt=2026-05-12&filter_browser=is:Chrome&sources=referrers",
        "period=all&filter_trait.plan=is_not:pro&sources=campaigns&interval=day",
    ],
)
def test_the_page_tells_what_the_definitions_say(told: Told, browser: Visit, text: str) -> None:
    page, question = shown(browser, told.site, text), told.question(text.partition("&sources")[0])
    known = told.reference(question)
    earned = EarnedReference(told.entries, known.scene)
    whole, customers = known.overview(question), earned.customers(question)
    paid, count = whole["revenue_new"] + whole["revenue_renewal"], whole["payments"]
    assert tiles(page) == {
        "Revenue": money_of(paid + whole["refunds"], "EUR"),
        "Payments": str(count),
        "Refunds": money_of(-whole["refunds"], "EUR"),
        "New customers": str(sum(customers.values())),
        "Average payment": money_of(round(paid / count) if count else 0, "EUR"),
        "MRR": "\u2013",
    }
    parts = cells(page.partition('class="hidden"><table')[2].partition("</table>")[0])[1:]
    series = told.ask("timeseries", f"{text}&limit=1000")["data"]
    assert [row[4] for row in parts] == [money_of(round(100 * one["revenue"]), "EUR") for one in series]
    filtered = text.partition("&sources")[0]
    file = told.site.call(
        "GET", f"/api/v1/analytics/timeseries?{filtered}&fields=revenue,payments&interval=day&format=csv"
    )
    assert shown(browser, told.site, f"{filtered}&compare=none&interval=day&format=csv") == file.text
    assert f"All {len(customers)}<" in card(page, "Top customers") or not customers
    hours = re.findall(r'<td class="heat-\d" title="[^"]+"><span class="hidden">(\d+)', page)
    assert sum(map(int, hours)) == sum(is_paid(one) for one in known.chosen(question))
    tab = TABS[dict(part.split("=", 1) for part in text.split("&")).get("sources", "channels")][1]
    for title, attribution in (("Last touch", Attribution.LAST), ("First touch", Attribution.FIRST)):
        scene = known.scene._replace(attribution=attribution)
        expected = EarnedReference(told.entries, scene).sources(question, tab.card)
        spelled = money_column((one for _, *sums in expected.values() for one in sums), "EUR")
        rows = sorted(
            [
                tab.label(keys),
                f"{times:,}",
                spelled(then),
                spelled(now),
                amount_change(now - then, spelled),
            ]
            for keys, (times, now, then) in expected.items()
        )
        assert sorted(cells(card(page, title))[1:]) == rows, title


def test_numbers_lead_to_their_people_and_rows_to_filters(told: Told, browser: Visit) -> None:
    page = shown(browser, told.site, "period=all")
    people = html.unescape(re.findall(r'<a class="who" href="([^"]+)"', page)[0])
    assert people.endswith("/people?period=all&who=customers&sort=revenue")
    assert browser.get(people).status_code == 200
    row, who = re.findall(r'<a href="(\?[^"]+)" title=.*?<a href="([^"]+)"', card(page, "Last touch"))[0]
    assert "filter_channel=is:" in html.unescape(row)
    assert "who=customers" in html.unescape(who)
    assert 'aria-label="Customers of' not in card(page, "First touch")
    for href in re.findall(r'class="person" href="([^"]+)"', card(page, "Top customers")):
        assert browser.get(href).status_code == 200
    (every,) = re.findall(r'class="all"><a href="([^"]+)"', card(page, "First touch"))
    assert "attribution=first" in every
    assert browser.get(html.unescape(every)).status_code == 200
    path = f"/w/{told.site.website_id}/revenue"
    added = browser.get(f"{path}?period=year&field=country&operator=is&text=DE").headers["location"]
    assert added == f"{path}?period=year&filter_country=is:DE"


def test_what_was_found_out_later_is_the_difference(numbers: Counting, browser: Visit) -> None:
    site, visitor = numbers.site(), new_visitor()
    pay(site, 29, currency="EUR", datafast_visitor_id=visitor)
    numbers.clock.move(60_000)
    site.pageview(visitor, referrer="https://news.example/")
    until(lambda: payments(site)[0]["match"]["isMatched"], "the payment is not matched")
    numbers.columns.catch_up()
    page = shown(browser, site, "period=today&sources=referrers")
    rows = cells(card(page, "First touch"))[1:]
    assert rows == [
        ["news.example", "1", "€0", "€29", "+€29"],
        ["Direct/None", "0", "€29", "€0", "\u2212€29"],
    ]


def test_what_recurs_follows_from_the_moves_of_subscriptions(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    website_id, now = bytes.fromhex(site.website_id), numbers.clock.now

    def name(text: str) -> bytes:
        return hashlib.sha256(text.encode()).digest()[:16]

    def move(who: str, days: int, what: str, state: str, minor: int | None) -> None:
        currency = None if minor is None else "EUR"
        values = (website_id, name(who), now - days * DAY_MS, name(f"{who}{days}{what}"), what, state)
        site.place.transact(lambda tx: tx.execute(webhooks.move_add, (*values, minor, currency)))

    move("stays", 90, "started", "active", 1000)
    move("stays", 20, "renewed", "past_due", 700)
    move("grows", 90, "started", "active", 2000)
    move("grows", 5, "upgraded", "active", 5000)
    move("shrinks", 90, "started", "active", 3000)
    move("shrinks", 5, "downgraded", "cancelling", 2500)
    move("ends", 90, "started", "active", 4000)
    move("ends", 5, "ended", "ended", None)
    move("tries", 5, "trial_started", "trialing", 9000)
    move("comes", 5, "updated", "active", None)

    def write(tx: Transaction) -> None:
        tx.execute(
            webhooks.sale_put, (website_id, name("sale"), name("comes"), now - 5 * DAY_MS, 600, "EUR", 0)
        )
        note_payments(tx, website_id)

    site.place.transact(write)
    pay(site, 1, currency="EUR", email="nobody@example.org")
    numbers.columns.catch_up()
    page = shown(browser, site, "period=last7d")
    assert tiles(page)["MRR"] == "€91"
    part = card(page, "Recurring revenue")
    assert re.findall(r"<dd>([^<]+)</dd>", part) == ["€91", "4", "45.0%", "25.0%"]
    assert cells(part)[1:] == [
        ["At the beginning", "€100"],
        ["New", "+€6"],
        ["Upgraded", "+€30"],
        ["Downgraded", "\u2212€5"],
        ["Ended", "\u2212€40"],
        ["At the end", "€91"],
    ]
    assert "\u22129%" in page  # since the week before, of which 100 were left
    assert "No subscription of a connected provider ran in this range" in shown(
        browser, site, "startAt=2025-01-01&endAt=2025-01-02"
    )


def test_without_payments_the_page_says_how_to_connect_them(numbers: Counting, browser: Visit) -> None:
    site = numbers.site()
    page = shown(browser, site)
    assert "No payments yet" in page
    assert f'href="/w/{site.website_id}/settings/payments"' in page
    assert ">Revenue</a>\n    <a" not in page.partition("<main")[0]


def test_a_wrong_question_and_missing_columns_are_said_on_the_page(
    told: Told, browser: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("startAt=2026-05-06", "period=x", "interval=x", "filter_visit_count=is:x"):
        answer = browser.get(f"/w/{told.site.website_id}/revenue?{text}")
        assert (answer.status_code, "This cannot be shown" in answer.text) == (400, True), text

    async def away(*_: object) -> None:
        raise Unavailable("Analytics are away for a moment.")

    monkeypatch.setattr(ColumnsClient, "ask", away)
    answer = browser.get(f"/w/{told.site.website_id}/revenue")
    assert (answer.status_code, answer.headers["refresh"]) == (200, "2")
    assert "The numbers are not there yet" in answer.text

"""The example of customers and subscriptions: the definitions in plain Python, and the code, come to what the page on metrics says."""

from __future__ import annotations

import re

import duckdb
import pytest

from footfall.analytics.compose import BoundRates, Scene
from footfall.analytics.money.compose import compose_customers, compose_delays
from footfall.analytics.money.model import CustomerReport
from footfall.analytics.money.rules import delay_report, recurring_report
from footfall.analytics.query import Question, read_question
from footfall.clock import from_iso
from tests.docs.test_metrics_page import PAGE
from tests.support.earned import EarnedReference, revenue
from tests.support.reference import is_paid
from tests.support.stories import PAGEVIEW, PAID, REFUND, WEBSITE, Deed, Entry, Story, fill

EXAMPLE = PAGE.partition("## Customers and subscriptions")[2].partition("## An example")[0]
VISITORS = {"Ada": 1, "Bob": 2, "Cy": 3, "nobody": None}
SCENE = Scene(WEBSITE, rates=BoundRates(own="EUR"))


def at(text: str) -> int:
    return from_iso(f"{text.replace(' ', 'T')}:00Z")


def deeds_of(who: str, visits: str, paid: str) -> list[Deed]:
    visitor = VISITORS[who]
    came = [Deed(visitor, at(time), PAGEVIEW, "/", "a.com") for time in visits.split(", ") if time]
    money = re.findall(r"([\d-]+ [\d:]+) `(-?)([\d.]+)`", paid)
    return came + [
        Deed(
            visitor,
            at(time),
            REFUND if sign else PAID,
            amount=round(100 * float(sign + amount)),
            currency="EUR",
        )
        for time, sign, amount in money
    ]


@pytest.fixture
def entries() -> list[Entry]:
    rows = re.findall(r"^\| (Ada|Bob|Cy|nobody) \| (.*?) ?\| (.+) \|$", EXAMPLE, re.M)
    assert len(rows) == 4
    return Story([deed for row in rows for deed in deeds_of(*row)]).entries()


@pytest.fixture
def may() -> Question:
    return read_question(
        [("startAt", "2026-05-01"), ("endAt", "2026-05-31")], "UTC", at("2026-06-30 00:00"), 0
    )


def written(title: str) -> dict[str, str]:
    table = EXAMPLE.partition(f"| {title} |")[2].partition("\n\n")[0]
    return dict(re.findall(r"^\| ([A-Za-z ]+) \| ([\d.%]+) \| .+ \|$", table, re.M))


def test_customers_of_the_example_are_those_that_follow_from_its_payments(
    entries: list[Entry], may: Question
) -> None:
    reference = EarnedReference(entries, SCENE)
    paid = [one for one in reference.now.chosen(may) if one.deed.type >= PAID]
    whole = [one for one in paid if is_paid(one)]
    with duckdb.connect() as duck:
        fill(duck, entries)
        (found, *_), delays = (
            duck.execute(one.text, one.values).fetchall()
            for one in (compose_customers(SCENE, may, 8), compose_delays(SCENE, may))
        )
    report = CustomerReport(found[0], found[1], [])
    taken = delay_report(*([(n, many) for kind, n, many in delays if kind == what] for what in (0, 1)))
    assert (report.total, report.fresh) == (
        len(reference.customers(may)),
        sum(reference.customers(may).values()),
    )
    assert {
        "revenue": f"{revenue(reference.now, paid) / 100:.2f}",
        "payments": str(len(whole)),
        "average payment": f"{revenue(reference.now, whole) / len(whole) / 100:.2f}",
        "customers": str(report.total),
        "new customers": str(report.fresh),
        "median days": f"{taken.days:g}",
        "median visits": f"{taken.visits:g}",
    } == written("Number in May")


def test_what_recurs_in_the_example_follows_from_its_subscriptions() -> None:
    rows = re.findall(r"^\| (\w+) \| (monthly|yearly) \| (.*?) ?\| (.*?) ?\|$", EXAMPLE, re.M)
    assert len(rows) == 5
    began, ended = (
        {
            row[0].encode(): round(100 * float(row[place])) // (12 if row[1] == "yearly" else 1)
            for row in rows
            if re.fullmatch(r"[\d.]+", row[place])
        }
        for place in (2, 3)
    )
    found = recurring_report(began, ended, began)
    assert found.before == found.began
    assert found.mrr == found.began + found.new + found.upgraded - found.downgraded - found.lost
    assert {
        "MRR at the beginning": f"{found.began / 100:.2f}",
        "new": f"{found.new / 100:.2f}",
        "upgraded": f"{found.upgraded / 100:.2f}",
        "ended": f"{found.lost / 100:.2f}",
        "MRR": f"{found.mrr / 100:.2f}",
        "revenue churn": f"{100 * (found.churn or 0):.1f}%",
        "subscriptions ended": f"{100 * (found.customer_churn or 0):.1f}%",
    } == written("Number of May")

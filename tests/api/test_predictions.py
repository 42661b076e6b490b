"""How likely visitors are to pay, as answers and pages tell it, and the history that tells it."""

from __future__ import annotations

import uuid
from contextlib import closing
from typing import Any

import pytest

from footfall.clock import system_clock, to_iso
from footfall.predictions import book, history
from footfall.predictions.fit import Past
from footfall.predictions.history import PayersQuery, read_history, read_payers
from footfall.predictions.model import PAGE
from footfall.websites.store import read_websites
from tests.support.dashboard import Visit, enter, make_account
from tests.support.money import pay, settle
from tests.support.people import erase
from tests.support.servers import until
from tests.support.sites import Site, identify_body

NEWS, SEARCH = "https://news.example/", "https://search.example/"


def asked(site: Site) -> PayersQuery:
    website = site.place.snapshot(read_websites)[bytes.fromhex(site.website_id)]
    return PayersQuery(website, system_clock(), None)


def pasts(site: Site) -> list[Past]:
    """The history of a website."""
    return site.place.snapshot(lambda tx: read_history(tx, asked(site)))


def pages_of(past: Past) -> set[str]:
    return {value.partition("/")[2] for kind, value in past.signs if kind == PAGE}


def shop(site: Site) -> tuple[str, str, list[str]]:
    """A website on which visitors from searches pay and those from the news do not: one of each who paid nothing, and those who paid."""
    likely = [site.pageview(path="/pricing", referrer=SEARCH) for _ in range(12)]
    unlikely = [site.pageview(path="/blog", referrer=NEWS) for _ in range(12)]
    for visitor in likely[:6]:
        pay(site, 30, datafast_visitor_id=visitor)
    return likely[-1], unlikely[-1], likely[:6]


def prediction(site: Site, visitor: str) -> Any:
    return site.visitor(visitor)["prediction"]


def await_prediction(site: Site, visitor: str) -> None:
    """Return once a history was read that tells of more than the first customers."""
    until(lambda: (prediction(site, visitor) or {"score": 0})["score"] > 60, "no prediction")


@pytest.fixture
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Histories are read again and again."""
    monkeypatch.setattr(book, "LEAST_AGE", 0.05)
    monkeypatch.setattr(book, "REST", 0)


@pytest.mark.usefixtures("_often")
def test_visitors_like_those_who_paid_are_likelier_to_pay(server: Site) -> None:
    likely, unlikely, customers = shop(server)
    await_prediction(server, likely)
    high, low = prediction(server, likely), prediction(server, unlikely)
    assert 0 < low["conversionRate"] < high["conversionRate"] < 1
    assert low["score"] < 50 < high["score"]
    assert high["expectedValue"] == pytest.approx(30 * high["conversionRate"], abs=0.01)
    assert 0 < high["confidence"] < 1
    assert [prediction(server, customer) for customer in customers] == [None] * 6


@pytest.mark.usefixtures("_often")
def test_pages_tell_how_likely_somebody_is_to_pay_who_has_not(server: Site) -> None:
    likely, _, customers = shop(server)
    server.identify(likely, "u-likely")
    server.identify(customers[0], "u-customer")
    await_prediction(server, likely)
    root = f"/w/{server.website_id}"
    with closing(Visit(server.url)) as visit:
        enter(visit, server.place, make_account(server.place))
        shown = [
            visit.get(f"{root}/{path}").text
            for path in (
                f"visitors/{likely}",
                "people/user:u-likely",
                f"visitors/{customers[0]}",
                "people/user:u-customer",
            )
        ]
    assert ["Likely to pay: " in text for text in shown] == [True, True, False, False]


def test_without_revenue_nothing_is_predicted(server: Site) -> None:
    visitor = server.pageview()
    assert prediction(server, visitor) is None
    pay(server, 0, datafast_visitor_id=server.pageview())
    assert [one.paid for one in pasts(server)] == [None, None]
    assert prediction(server, visitor) is None


# The history


def test_what_customers_saw_after_they_paid_is_no_sign(server: Site) -> None:
    visitor = server.pageview(path="/pricing")
    pay(server, 20, datafast_visitor_id=visitor)
    server.pageview(visitor, path="/welcome")
    (one,) = pasts(server)
    assert (one.paid, pages_of(one)) == (2000, {"pricing"})


def test_a_refund_is_taken_off_what_a_customer_is_worth(server: Site) -> None:
    visitor = server.pageview()
    pay(server, 20, datafast_visitor_id=visitor)
    pay(server, 5, datafast_visitor_id=visitor, refunded=True)
    assert [one.paid for one in pasts(server)] == [1500]


def test_a_payment_without_a_visitor_counts_for_the_one_who_was_identified(server: Site) -> None:
    server.pageview()
    visitor = server.pageview(path="/pricing")
    server.post(identify_body(visitor, "u-1", email="ada@example.com"))
    pay(server, 20, email="ada@example.com")
    settle(server)
    assert sorted((one.paid or 0, pages_of(one)) for one in pasts(server)) == [(0, {""}), (2000, {"pricing"})]


def test_whoever_came_as_a_customer_is_no_part_of_the_history(server: Site) -> None:
    visitor = server.pageview()
    pay(server, 20, datafast_visitor_id=visitor, timestamp=to_iso(system_clock() - 60_000))
    assert pasts(server) == []


def test_who_was_seen_without_a_page_is_no_part_of_the_history(server: Site) -> None:
    server.custom(str(uuid.uuid4()))
    assert pasts(server) == []


def test_a_history_is_the_same_in_slices_of_any_size(server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    shop(server)
    whole = pasts(server)
    assert len(whole) == 24
    for size in (1, 5, 24):
        monkeypatch.setattr(history, "SLICE", size)
        assert pasts(server) == whole
    monkeypatch.setattr(history, "MOST_VISITORS", 8)
    monkeypatch.setattr(history, "SLICE", 4)
    assert pasts(server) == whole[:8]


def test_where_there_are_very_many_payments_the_history_is_shorter(
    server: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop(server)
    monkeypatch.setattr(history, "MOST_PAYMENTS", 4)
    found = server.place.snapshot(lambda tx: read_payers(tx, asked(server)))
    assert len(found.paid) == 4
    assert found.since > min(one.at for one in found.paid.values())
    assert pasts(server) == []


def test_nothing_of_an_erased_person_is_in_the_history_but_what_was_paid(server: Site) -> None:
    visitor = server.pageview(path="/pricing", referrer=SEARCH)
    server.identify(visitor, "u-1")
    pay(server, 20, datafast_visitor_id=visitor)
    erase(server, "u-1")
    assert [(one.paid, pages_of(one)) for one in pasts(server)] == [(2000, {"pricing"})]

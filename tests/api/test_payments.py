"""`/api/v1/payments`: what was paid, once and to the cent, and whose it is."""

from __future__ import annotations

import uuid
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest

from footfall.clock import system_clock, to_iso
from tests.support.dashboard import Visit, enter, make_account
from tests.support.money import exactly, pay, payments, post_payment, settle
from tests.support.people import erase, journey, merge, person, undo
from tests.support.servers import until
from tests.support.sites import Site, new_visitor


def money(of: Any) -> dict[str, Any]:
    """What sums say by currency."""
    return {one["currency"]: one["amount"] for one in of["byCurrency"]}


def owner(site: Site, transaction_id: str) -> Any:
    """The user id of whose a payment is now."""
    return payments(site, transaction_id=transaction_id)[0]["userId"]


# Once


def test_a_payment_is_answered_without_a_status_and_counted_once(server: Site) -> None:
    visitor = server.pageview()
    told = {"message": "Payment recorded and attributed successfully", "transaction_id": "pi_1"}
    for _ in range(2):
        assert pay(server, 19.99, transaction_id="pi_1", datafast_visitor_id=visitor) == told
    (one,) = payments(server)
    assert (one["amount"], one["currency"], one["kind"]) == (Decimal("19.99"), "USD", "payment")
    assert (one["visitorId"], one["match"]["method"]) == (visitor, "visitor")


def test_another_payment_under_the_same_id_changes_nothing_and_warns(server: Site) -> None:
    pay(server, 10, transaction_id="pi_2")
    again = pay(server, 11, transaction_id="pi_2")
    assert again["transaction_id"] == "pi_2"
    assert "ignored" in again["warning"]
    assert [one["amount"] for one in payments(server)] == [10]


def test_the_same_id_on_two_websites_is_two_payments(server: Site, other: Site) -> None:
    for site in (server, other):
        pay(site, 10, transaction_id="pi_3")
    assert [len(payments(site)) for site in (server, other)] == [1, 1]


@pytest.mark.parametrize(
    ("written", "currency", "shown"),
    [
        ("19.99", "usd", "19.99"),
        ("19.990", "USD", "19.99"),
        ("1999e-2", "USD", "19.99"),
        ("1200", "JPY", "1200"),
        ("1.234", "KWD", "1.234"),
        ("0.1", "EUR", "0.1"),
        ("9999999999999.99", "USD", "9999999999999.99"),
    ],
)
def test_an_amount_is_exact_however_it_is_written(
    server: Site, written: str, currency: str, shown: str
) -> None:
    body = f'{{"amount": {written}, "currency": "{currency}", "transaction_id": "pi_exact"}}'
    assert post_payment(server, body.encode()).status_code == 200
    assert f'"amount":{shown},'.encode() in server.call("GET", "/api/v1/payments").content


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('"amount": "19.99", "currency": "USD"', "amount"),
        ('"amount": -1, "currency": "USD"', "amount"),
        ('"amount": 1e400, "currency": "USD"', "amount"),
        ('"amount": 1e99999999999999999999, "currency": "USD"', "amount"),
        ('"amount": NaN, "currency": "USD"', "JSON"),
        ('"amount": 19.999, "currency": "USD"', "amount"),
        ('"amount": 1.5, "currency": "JPY"', "amount"),
        ('"amount": true, "currency": "USD"', "amount"),
        ('"currency": "USD"', "amount"),
        ('"amount": 1', "currency"),
        ('"amount": 1, "currency": "XXQ"', "currency"),
        ('"amount": 1, "currency": "USD", "transaction_id": null', "transaction_id"),
        ('"amount": 1, "currency": "USD", "transaction_id": []', "transaction_id"),
        ('"amount": 1, "currency": "USD", "refunded": "yes"', "refunded"),
        ('"amount": 1, "currency": "USD", "email": 5', "email"),
        ('"amount": 1, "currency": "USD", "datafast_visitor_id": 5', "datafast_visitor_id"),
        ('"amount": 1, "currency": "USD", "datafast_visitor_id": "a", "visitorId": "b"', "visitorId"),
        ('"amount": -0.01, "currency": "USD"', "amount"),
        ('"amount": Infinity, "currency": "USD"', "JSON"),
        ('"amount": 1e16, "currency": "JPY"', "amount"),
        ('"amount": 1e-400, "currency": "USD"', "amount"),
        (f'"amount": {"9" * 5000}, "currency": "USD"', "JSON"),
        ('"amount": [1], "currency": "USD"', "amount"),
        ('"amount": {}, "currency": "USD"', "amount"),
        ('"amount": null, "currency": "USD"', "amount"),
        ('"amount": 1, "currency": "US"', "currency"),
        ('"amount": 1, "currency": "usd "', "currency"),
        ('"amount": 1, "currency": "ﬁa"', "currency"),
        ('"amount": 1, "currency": 840', "currency"),
        ('"amount": 1, "currency": null', "currency"),
        ('"amount": 1, "currency": "USD", "transaction_id": "  "', "transaction_id"),
        ('"amount": 1, "currency": "USD", "transaction_id": 1.5', "transaction_id"),
        (f'"amount": 1, "currency": "USD", "transaction_id": {"9" * 5000}', "JSON"),
        (f'"amount": 1, "currency": "USD", "transaction_id": "{"x" * 256}"', "transaction_id"),
        ('"amount": 1, "currency": "USD", "transaction_id": "a\\u0000b"', "U+0000"),
        (f'"amount": 1, "currency": "USD", "email": "{"x" * 321}"', "email"),
        ('"amount": 1, "currency": "USD", "customer_email": ["a@example.com"]', "customer_email"),
        ('"amount": 1, "currency": "USD", "name": {}', "name"),
        ('"amount": 1, "currency": "USD", "customer_id": true', "customer_id"),
        (f'"amount": 1, "currency": "USD", "visitorId": "{"x" * 256}"', "visitorId"),
        ('"amount": 1, "currency": "USD", "renewal": 1', "renewal"),
        ('"amount": 1, "currency": "USD", "is_free_trial": "no"', "is_free_trial"),
        ('"amount": 1, "currency": "USD", "refund_of": "pi_1"', "refund_of"),
        ('"amount": 1, "currency": "USD", "refunded": true, "refund_of": []', "refund_of"),
        ('"amount": 1, "currency": "USD", "timestamp": 1777982400000', "timestamp"),
        ('"amount": 1, "currency": "USD", "timestamp": "2026-02-30T12:00:00Z"', "timestamp"),
        ('"amount": 1, "currency": "USD", "timestamp": "2026-05-05T12:00:00"', "timestamp"),
        ('"amount": 1, "currency": "USD", "timestamp": "1969-05-05T12:00:00Z"', "timestamp"),
        ('"amount": 1, "currency": "USD", "timestamp": "2999-05-05T12:00:00Z"', "timestamp"),
    ],
)
def test_what_is_no_payment_is_refused_by_the_name_of_its_field(server: Site, body: str, told: str) -> None:
    response = post_payment(server, f'{{"transaction_id": "pi_bad", {body}}}'.encode())
    assert response.status_code == 400
    assert told in response.json()["error"]["message"]
    assert payments(server) == []


@pytest.mark.parametrize(
    "visitor", ["cus_17", "1", "3F2B8A4E", "00000000-0000-0000-0000-000000000000", "ä ' \"<b>"]
)
def test_a_payment_is_recorded_whatever_stands_as_its_visitor(server: Site, visitor: str) -> None:
    pay(server, transaction_id="any", datafast_visitor_id=visitor)
    (one,) = payments(server, visitor_id=visitor)
    assert (one["transactionId"], one["visitorId"], one["match"]["given"]) == ("any", None, visitor)


def test_what_a_bridge_must_not_send_again_is_refused_for_good(server: Site) -> None:
    """Bridges try again after 408, 429 and 5xx."""
    body = b'{"amount": 1, "currency": "USD", "transaction_id": "final"}'

    def status(content: bytes = body, key: str = server.key, kind: str = "application/json") -> int:
        headers = {"authorization": f"Bearer {key}", "content-type": kind}
        return server.http.post("/api/v1/payments", content=content, headers=headers).status_code

    assert status(b"{") == 400
    assert status(b"[]") == 400
    assert status(b"") == 400
    assert status(key="df_wrong") == 401
    assert status(b" " * 65 * 1024) == 413
    assert status(kind="text/plain") == 415
    assert payments(server) == []
    # After an answer that was lost, the same again is the same payment.
    assert [status(), status()] == [200, 200]
    assert len(payments(server)) == 1


def test_a_clock_may_be_a_minute_ahead(server: Site) -> None:
    pay(server, timestamp=to_iso(system_clock() + 50_000))
    assert (
        post_payment(server, amount=1, currency="USD", timestamp=to_iso(system_clock() + 70_000)).status_code
        == 400
    )


def test_a_health_probe_is_answered(server: Site) -> None:
    for path in ("/api/v1/payments", "/api/v1/payments?limit=1"):
        response = server.call("HEAD", path)
        assert (response.status_code, response.content) == (200, b"")
    assert server.http.head("/api/v1/payments").status_code == 401


# Whose


def test_a_payment_follows_its_visitor_as_events_do(server: Site) -> None:
    visitor = server.pageview()
    pay(server, 10, transaction_id="before", datafast_visitor_id=visitor)
    assert owner(server, "before") is None
    server.identify(visitor, "ann")
    assert owner(server, "before") == "ann"
    server.identify(visitor, "bob")
    pay(server, 20, transaction_id="after", visitorId=visitor.upper())
    assert (owner(server, "before"), owner(server, "after")) == ("ann", "bob")
    after = payments(server, transaction_id="after")[0]
    assert after["atPayment"]["profileId"] == person(server, "bob")["profileId"]


def test_a_visitor_id_that_is_none_is_kept_as_it_is(server: Site) -> None:
    pay(server, 10, transaction_id="odd", datafast_visitor_id="cus_17")
    (one,) = payments(server, visitor_id="cus_17")
    assert (one["visitorId"], one["userId"]) == (None, None)
    assert (one["match"]["given"], one["match"]["method"]) == ("cus_17", "no_evidence")


def test_a_payment_is_the_persons_whose_email_it_names_in_any_case(server: Site) -> None:
    server.identify(server.pageview(), "ann", {"email": "Ann@Example.com"})
    pay(server, 10, transaction_id="mail", email="aNN@example.COM", datafast_visitor_id="nonsense")
    assert owner(server, "mail") == "ann"
    (one,) = payments(server)
    assert one["match"]["method"] == "email"
    assert one["atPayment"]["profileId"] == one["profileId"]
    assert one["atPayment"]["firstTouch"] is not None


@pytest.mark.parametrize(
    "traits", [{"customer_id": "cus_1"}, {"customer_id": "cus_1", "email": "b@example.com"}]
)
def test_a_payment_is_the_persons_whose_customer_id_it_names(server: Site, traits: dict[str, Any]) -> None:
    server.identify(server.pageview(), "ann", traits)
    server.identify(server.pageview(), "bob", {"email": "c@example.com"})
    pay(server, 10, transaction_id="customer", customer_id="cus_1", email="c@example.com")
    assert owner(server, "customer") == "ann"


@pytest.mark.parametrize("is_reported_first", [True, False])
def test_a_payment_is_the_visitors_whose_page_reported_the_checkout(
    server: Site, is_reported_first: bool
) -> None:
    visitor, checkout = server.pageview(path="/?utm_source=letter"), f"cs_test_{uuid.uuid4().hex}"
    server.identify(visitor, "ann")
    report = {"extraData": {"stripe_session_id": checkout}}
    if is_reported_first:
        server.kept("payment", visitor, **report)
    pay(server, 10, transaction_id=checkout)
    if not is_reported_first:
        assert owner(server, checkout) is None
        server.kept("payment", visitor, **report)
    until(lambda: owner(server, checkout) == "ann")
    (one,) = payments(server)
    assert (one["match"]["method"], one["visitorId"]) == ("checkout", visitor)
    assert (one["atPayment"]["visitorId"] is not None) == is_reported_first


def test_what_can_be_guessed_or_only_an_email_that_a_page_reports_is_no_proof(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "mallory")
    server.kept("payment", visitor, extraData={"lemonsqueezy_order_id": "10000000000000000000001"})
    server.kept("payment", visitor, extraData={"email": "ann@example.com", "amount": "10", "currency": "USD"})
    pay(server, 10, transaction_id="10000000000000000000001")
    pay(server, 10, email="ann@example.com")
    assert [one["userId"] for one in payments(server)] == [None, None]


def test_a_user_id_may_be_the_email_or_the_customer_id(server: Site) -> None:
    server.identify(server.pageview(), "ann@example.com")
    server.identify(server.pageview(), "cus_2")
    pay(server, 10, transaction_id="by mail", email="ANN@example.com")
    pay(server, 10, transaction_id="by id", customer_id="cus_2")
    assert (owner(server, "by mail"), owner(server, "by id")) == ("ann@example.com", "cus_2")


def test_a_payment_is_found_later_when_an_identify_brings_its_email(server: Site) -> None:
    unseen = new_visitor()
    pay(server, 10, transaction_id="late", email="ann@example.com")
    pay(server, 10, transaction_id="unseen", email="ann@example.com", datafast_visitor_id=unseen)
    assert payments(server, transaction_id="late")[0]["match"]["method"] == "nobody_known"
    visitor = server.pageview()
    server.identify(visitor, "ann")
    assert owner(server, "late") is None
    server.identify(visitor, "ann", {"email": "Ann@example.com"})
    assert (owner(server, "late"), owner(server, "unseen")) == ("ann", "ann")
    assert payments(server, transaction_id="late")[0]["atPayment"]["profileId"] is None


def test_what_several_people_have_is_no_evidence_until_they_are_one(server: Site) -> None:
    for user in ("ann", "bob"):
        server.identify(server.pageview(), user, {"email": "shared@example.com"})
    pay(server, 10, transaction_id="shared", email="shared@example.com")
    assert payments(server)[0]["match"]["method"] == "ambiguous"
    fact = merge(server, "ann", "bob")["factId"]
    assert owner(server, "shared") == "ann"
    undo(server, fact)
    assert owner(server, "shared") is None
    assert payments(server)[0]["match"]["method"] == "ambiguous"


def test_what_only_a_page_said_does_not_outweigh_what_a_backend_said(server: Site) -> None:
    server.identify(server.pageview(), "ann", {"email": "ann@example.com"})
    server.page_identify(server.pageview(), "mallory", email="ann@example.com")
    pay(server, 10, transaction_id="trusted", email="ann@example.com")
    assert owner(server, "trusted") == "ann"


def test_money_moves_with_merges_and_undos(server: Site) -> None:
    for user, amount in (("ann", 10), ("bob", 20)):
        visitor = server.pageview()
        server.identify(visitor, user, {"email": f"{user}@example.com"})
        pay(server, amount, datafast_visitor_id=visitor)
        pay(server, amount, email=f"{user}@example.com")
    settle(server)
    assert money(person(server, "ann")["revenue"]) == {"USD": 20}
    fact = merge(server, "ann", "bob")["factId"]
    assert money(person(server, "ann")["revenue"]) == {"USD": 60}
    undo(server, fact)
    assert [money(person(server, user)["revenue"]) for user in ("ann", "bob")] == [{"USD": 20}, {"USD": 40}]


def test_who_is_undone_has_no_money_and_gets_it_back(server: Site) -> None:
    visitor = server.pageview()
    fact = server.identify(visitor, "ann", {"email": "ann@example.com"})["factId"]
    pay(server, 10, transaction_id="undone", email="ann@example.com")
    assert owner(server, "undone") == "ann"
    back = undo(server, fact)["factId"]
    assert owner(server, "undone") is None
    undo(server, back)
    assert owner(server, "undone") == "ann"


def test_an_erased_persons_payments_stay_as_sums_and_tell_nothing(server: Site) -> None:
    visitor = server.pageview(path="/?utm_source=letter&ref=ann@example.com")
    server.identify(visitor, "ann", {"email": "ann@example.com"})
    secret = {"email": "ann@example.com", "name": "Ann Secret", "customer_id": "cus_secret"}
    pay(server, 10, transaction_id="tx_secret_1", datafast_visitor_id=visitor, **secret)
    pay(server, 20, transaction_id="tx_secret_2", **secret)
    assert owner(server, "tx_secret_2") == "ann"
    receipt = erase(server, "ann")
    assert receipt["rows"]["payments"] == 2
    found = payments(server)
    assert [(one["amount"], one["userId"], one["transactionId"]) for one in found] == [
        (20, None, None),
        (10, None, None),
    ]
    assert not any(word in str(found) for word in ("ecret", "ann", "letter"))
    # A second delivery is still the same payment.
    pay(server, 10, transaction_id="tx_secret_1", datafast_visitor_id=visitor, **secret)
    assert len(payments(server)) == 2
    server.identify(server.pageview(), "ann", {"email": "ann@example.com"})
    assert [one["userId"] for one in payments(server)] == [None, None]


def test_an_erasure_blanks_what_is_nobodys_but_tells_of_the_person(server: Site) -> None:
    for user in ("ann", "bob"):
        server.identify(server.pageview(), user, {"email": "shared@example.com"})
    pay(server, 10, email="shared@example.com", name="Ann Secret")
    settle(server)
    erase(server, "ann")
    assert payments(server)[0]["name"] is None


# Sums


def test_a_payment_makes_a_customer(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "ann")
    before = server.visitor(visitor)
    assert (before["isCustomer"], before["hasRevenue"], before["payments"]) == (False, False, [])
    pay(server, 0, transaction_id="trial", datafast_visitor_id=visitor)
    assert server.visitor(visitor)["isCustomer"] is False
    pay(server, 30, transaction_id="first", datafast_visitor_id=visitor)
    pay(server, 30, transaction_id="second", datafast_visitor_id=visitor, renewal=True)
    pay(server, 12.5, transaction_id="back", datafast_visitor_id=visitor, refunded=True)
    for found in (server.visitor(visitor), person(server, "ann")):
        assert (found["isCustomer"], found["hasRevenue"]) == (True, True)
        assert found["revenue"]["byCurrency"] == [
            {"currency": "USD", "amount": 47.5, "payments": 3, "refunds": 1}
        ]
        assert (found["revenue"]["total"], found["revenue"]["currency"]) == (47.5, "USD")
        assert (found["daysToFirstPayment"], found["visitsToFirstPayment"], found["paymentCount"]) == (
            0,
            1,
            4,
        )
        assert [one["kind"] for one in found["payments"]] == ["free_trial", "payment", "renewal", "refund"]
        assert found["payments"][-1]["amount"] == 12.5
    assert money(person(server, "ann")["revenueAtPayment"]) == {"USD": 47.5}
    done = server.visitor(visitor)["activity"]["completedGoals"]
    assert [one["name"] for one in done] == ["free_trial", "payment", "payment", "subscription_renewed"]
    assert {one["origin"] for one in done} == {"payment_provider"}
    entries = [(one["type"], one["data"]) for one in journey(server, "ann")["data"]]
    assert [kind for kind, _ in entries[:4]] == ["payment_refunded", *["payment_received"] * 3]
    assert entries[1][1]["amount"] == 30


def test_currencies_are_shown_apart_and_what_has_a_rate_is_converted(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "ann")
    at = {"timestamp": "2024-05-03T12:00:00Z"}
    pay(server, 10, "USD", datafast_visitor_id=visitor, **at)
    pay(server, 100, "EUR", datafast_visitor_id=visitor, **at)
    pay(server, 5, "KWD", datafast_visitor_id=visitor, **at)
    pay(server, 1000, "JPY", datafast_visitor_id=visitor, refunded=True, **at)
    revenue = exactly(server.call("GET", "/api/v1/profiles/user:ann"))["data"]["revenue"]
    assert money(revenue) == {"EUR": 100, "JPY": -1000, "KWD": 5, "USD": 10}
    assert revenue["unconverted"] == [{"currency": "KWD", "amount": 5}]
    assert revenue["total"] == Decimal("110.91")  # 10 + 107.44 - 6.53


def test_a_person_of_many_payments_is_summed_up(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "ann")
    for _ in range(205):
        pay(server, 0.1, datafast_visitor_id=visitor)
    for found in (server.visitor(visitor), person(server, "ann")):
        assert (found["revenue"]["total"], found["paymentCount"], len(found["payments"])) == (20.5, 205, 100)


# Lists and deletion


def test_payments_are_listed_page_by_page_and_by_filters(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "ann")
    for number in range(5):
        pay(
            server,
            number + 1,
            "EUR" if number % 2 else "USD",
            transaction_id=f"p{number}",
            visitorId=visitor,
            timestamp=f"2026-05-0{number + 1}T12:00:00Z",
        )
    pay(server, 9, transaction_id="other")
    settle(server)

    def ids(**query: Any) -> list[str]:
        return [one["transactionId"] for one in payments(server, **query)]

    assert ids(datafast_visitor_id=visitor) == ids(visitor_id=visitor) == ids(person="user:ann")
    assert ids(person="user:ann") == ["p4", "p3", "p2", "p1", "p0"]
    assert ids(person="user:nobody") == []
    assert ids(currency="eur") == ["p3", "p1"]
    assert (
        ids(startAt="2026-05-02", endAt="2026-05-03")
        == ids(start="2026-05-02", end="2026-05-03")
        == ["p2", "p1"]
    )
    found: list[str] = []
    cursor = None
    while cursor is not None or not found:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        answer = exactly(server.call("GET", "/api/v1/payments", params=query))
        found += [one["transactionId"] for one in answer["data"]]
        cursor = answer["pagination"]["nextCursor"]
    assert found == ["other", "p4", "p3", "p2", "p1", "p0"]


@pytest.mark.parametrize("name", ["transaction_id", "tx_id"])
def test_one_payment_is_deleted_by_its_id(server: Site, name: str) -> None:
    pay(server, 1, transaction_id="gone", email="a@example.com")
    pay(server, 2, transaction_id="stays")
    response = server.call("DELETE", "/api/v1/payments", params={name: "gone"})
    assert response.json()["data"][0]["transaction_id"] == "gone"
    assert [one["transactionId"] for one in payments(server)] == ["stays"]
    assert server.call("DELETE", "/api/v1/payments", params={name: "gone"}).status_code == 404
    pay(server, 3, transaction_id="gone")
    assert [one["amount"] for one in payments(server)] == [3, 2]


@pytest.mark.parametrize("names", [("startAt", "endAt"), ("start", "end")])
def test_payments_of_a_visitor_and_a_time_are_deleted(server: Site, names: tuple[str, str]) -> None:
    visitor = server.pageview()
    for day in (1, 2, 3):
        pay(server, day, datafast_visitor_id=visitor, timestamp=f"2026-05-0{day}T12:00:00Z")
    pay(server, 9, timestamp="2026-05-02T12:00:00Z")
    edges = dict(zip(names, ("2026-05-02T00:00:00Z", "2026-05-04T00:00:00Z"), strict=True))
    response = server.call("DELETE", "/api/v1/payments", params={"datafast_visitor_id": visitor, **edges})
    (told,) = response.json()["data"]
    assert told["datafast_visitor_id"] == visitor
    assert told["timeRange"]["start"] == "2026-05-02T00:00:00.000Z"
    assert [one["amount"] for one in payments(server)] == [9, 1]


def test_a_deletion_has_to_name_something(server: Site) -> None:
    assert server.call("DELETE", "/api/v1/payments").status_code == 400
    assert (
        server.call(
            "DELETE", "/api/v1/payments", params={"datafast_visitor_id": str(uuid.uuid4())}
        ).status_code
        == 404
    )


def test_an_export_holds_the_payments(server: Site) -> None:
    server.identify(server.pageview(), "ann", {"email": "ann@example.com"})
    pay(server, 10, transaction_id="out", email="ann@example.com")
    settle(server)
    held = exactly(server.call("GET", "/api/v1/profiles/user:ann/export"))["data"]["payments"]
    assert [(one["transactionId"], one["amount"]) for one in held] == [("out", 10)]


def test_the_page_of_a_person_shows_revenue_and_payments(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "ann", {"email": "ann@example.com"})
    pay(server, 1234.5, datafast_visitor_id=visitor)
    pay(server, 1.234, "KWD", email="ann@example.com")
    pay(server, 20, datafast_visitor_id=visitor, refunded=True)
    settle(server)
    with closing(Visit(server.url)) as visit:
        enter(visit, server.place, make_account(server.place))
        page = visit.get(f"/w/{server.website_id}/people/user:ann").text
    assert "$1,214.50 + 1.234 KWD" in page
    assert all(f"<b><bdi>{one}</bdi></b>" in page for one in ("$1,234.50", "1.234 KWD", "$20"))


def test_the_settings_page_keeps_the_currency_of_a_website(server: Site) -> None:
    with closing(Visit(server.url)) as visit:
        enter(visit, server.place, make_account(server.place))
        path = f"/w/{server.website_id}/settings"
        form = {"domain": server.domain, "name": "Shop", "timezone": "UTC"}
        assert "no ISO 4217 code" in visit.post(path, form=path, **form, currency="XXQ").text
        assert visit.post(path, form=path, **form, currency="eur").status_code == 303
    visitor = server.pageview()
    assert server.visitor(visitor)["revenue"]["currency"] == "EUR"

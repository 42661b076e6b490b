"""Why a payment is whose it is, or nobody's: evidence, the queue of those that wait for it, and the timeline of one."""

from __future__ import annotations

import uuid
from contextlib import closing
from typing import Any

import pytest

from tests.support.dashboard import Visit, enter, make_account
from tests.support.money import exactly, pay, payments, settle
from tests.support.people import ask, erase, merge, person, undo
from tests.support.servers import until
from tests.support.sites import Site, new_visitor


def match(site: Site, transaction_id: str) -> Any:
    """How it was found out whose a payment is."""
    return payments(site, transaction_id=transaction_id)[0]["match"]


def story(site: Site, transaction_id: str) -> Any:
    """`GET /payments/{transaction_id}`: `data`."""
    settle(site)
    return exactly(site.call("GET", f"/api/v1/payments/{transaction_id}"))["data"]


def happened(site: Site, transaction_id: str) -> list[str]:
    """What the timeline tells of a payment, in order."""
    return [one["type"] for one in story(site, transaction_id)["timeline"]]


def waiting(site: Site, **query: Any) -> list[str]:
    """The transaction ids in the queue."""
    return [one["transactionId"] for one in payments(site, matched="false", **query)]


# How


def test_a_match_by_what_a_payment_names_tells_the_identify_call_that_proves_it(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "ann")
    mail = server.identify(visitor, "ann", {"email": "ann@example.com"})["factId"]
    customer = server.identify(visitor, "ann", {"customer_id": "cus_1"})["factId"]
    pay(server, transaction_id="mail", email="Ann@example.com")
    pay(server, transaction_id="customer", email="ann@example.com", customer_id="cus_1")
    assert [
        (found["method"], found["evidence"], found["isMatched"], found["missing"], found["mend"])
        for found in (match(server, "mail"), match(server, "customer"))
    ] == [("email", {"factId": mail}, True, [], None), ("customer_id", {"factId": customer}, True, [], None)]


def test_a_match_by_a_visitor_tells_the_visitor(server: Site) -> None:
    visitor, checkout = server.pageview(), f"cs_test_{uuid.uuid4().hex}"
    server.kept("payment", visitor, extraData={"stripe_session_id": checkout})
    pay(server, transaction_id="given", datafast_visitor_id=visitor)
    pay(server, transaction_id=checkout)
    for transaction_id, method in (("given", "visitor"), (checkout, "checkout")):
        found = match(server, transaction_id)
        assert (found["method"], found["evidence"]) == (method, {"visitorId": visitor})


@pytest.mark.parametrize(
    ("fields", "method", "missing"),
    [
        ({}, "no_evidence", ["visitor", "checkout", "customer_id", "email"]),
        ({"visitorId": "cus_7"}, "no_evidence", ["visitor", "checkout", "customer_id", "email"]),
        ({"visitorId": new_visitor()}, "unseen_visitor", ["checkout", "customer_id", "email"]),
        ({"email": "nobody@example.com"}, "nobody_known", ["visitor", "checkout", "customer_id"]),
        ({"customer_id": "cus_8"}, "nobody_known", ["visitor", "checkout", "email"]),
    ],
)
def test_a_payment_of_nobody_tells_what_was_missing_and_what_mends_it(
    server: Site, fields: dict[str, Any], method: str, missing: list[str]
) -> None:
    pay(server, transaction_id="nobodys", **fields)
    found = match(server, "nobodys")
    assert (found["method"], found["isMatched"], found["missing"]) == (method, False, missing)
    assert found["reason"]
    assert found["mend"]


@pytest.mark.parametrize("word", ["undefined", " NULL ", "{{customer.email}}", "0"])
def test_a_placeholder_is_no_evidence_whoever_has_it_too(server: Site, word: str) -> None:
    server.identify(server.pageview(), "ann", {"email": word, "customer_id": word})
    pay(server, transaction_id="nobodys", email=word, customer_id=word)
    found = match(server, "nobodys")
    assert (found["method"], found["missing"]) == (
        "no_evidence",
        ["visitor", "checkout", "customer_id", "email"],
    )


# The queue


def test_the_queue_holds_what_waits_for_evidence_and_nothing_else(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "ann", {"email": "ann@example.com"})
    pay(server, transaction_id="given", visitorId=visitor)
    pay(server, transaction_id="mail", email="ann@example.com")
    pay(server, transaction_id="bare")
    pay(server, transaction_id="later", email="bob@example.com", currency="EUR")
    pay(server, transaction_id="unseen", visitorId=new_visitor())
    assert waiting(server) == ["unseen", "later", "bare"]
    assert waiting(server, currency="EUR") == ["later"]
    assert [one["transactionId"] for one in payments(server, matched="true")] == ["mail", "given"]
    assert [one["transactionId"] for one in payments(server, matched="true", currency="USD", limit=1)] == [
        "mail"
    ]
    server.identify(server.pageview(), "bob", {"email": "bob@example.com"})
    assert waiting(server) == ["unseen", "bare"]
    erase(server, "ann")
    assert waiting(server) == ["unseen", "bare"]
    assert server.call("GET", "/api/v1/payments?matched=maybe").status_code == 400


def test_the_queue_goes_on_by_cursor(server: Site) -> None:
    for number in range(5):
        pay(server, transaction_id=f"p{number}")
        pay(server, visitorId=server.pageview())
    found: list[str] = []
    cursor: dict[str, str] = {}
    while cursor is not None:
        answer = ask(server, "/api/v1/payments", matched="false", limit=2, **cursor)
        found += [one["transactionId"] for one in answer["data"]]
        following = answer["pagination"]["nextCursor"]
        if following is None:
            break
        cursor = {"cursor": following}
    assert found == ["p4", "p3", "p2", "p1", "p0"]


# New evidence


def test_an_identify_after_the_payment_by_external_id_alone_finds_it(server: Site) -> None:
    pay(server, transaction_id="external", customer_id="user_17")
    assert waiting(server) == ["external"]
    fact = server.identify(server.pageview(), "user_17")["factId"]
    assert waiting(server) == []
    found = payments(server)[0]
    assert (found["userId"], found["match"]["method"]) == ("user_17", "customer_id")
    assert found["match"]["evidence"] == {"factId": fact}


def test_an_undo_of_an_identify_unmatches_what_only_that_had_brought(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "ann", {"email": "ann@example.com"})
    second = server.identify(visitor, "ann", {"email": "ann@home.example"})["factId"]
    pay(server, transaction_id="work", email="ann@example.com")
    pay(server, transaction_id="home", email="ann@home.example")
    assert [one["userId"] for one in payments(server)] == ["ann", None]
    back = undo(server, second)["factId"]
    assert [one["userId"] for one in payments(server)] == [None, "ann"]
    undo(server, back)
    assert [one["userId"] for one in payments(server)] == ["ann", "ann"]


def test_a_payment_stays_with_whoever_changes_the_address_until_somebody_else_has_it(server: Site) -> None:
    visitor = server.pageview()
    server.identify(visitor, "ann", {"email": "old@example.com"})
    pay(server, transaction_id="old", email="old@example.com")
    assert match(server, "old")["isMatched"]
    server.identify(visitor, "ann", {"email": "new@example.com"})
    assert payments(server)[0]["userId"] == "ann"
    fact = server.identify(server.pageview(), "bob", {"email": "old@example.com"})["factId"]
    assert payments(server)[0]["userId"] == "bob"
    undo(server, fact)
    assert payments(server)[0]["userId"] == "ann"


def test_an_erasure_gives_what_two_people_had_to_the_other(server: Site) -> None:
    for user in ("ann", "bob"):
        server.identify(server.pageview(), user, {"email": f"{user}@example.com", "customer_id": "cus_both"})
    pay(server, transaction_id="first", customer_id="cus_both", visitorId=server.pageview())
    pay(server, transaction_id="both", email="bob@example.com", customer_id="cus_both")
    assert match(server, "both")["method"] == "ambiguous"
    # What tells of the erased person is blanked, also where it was nobody's; what comes later is the other's.
    erase(server, "ann")
    pay(server, transaction_id="after", customer_id="cus_both")
    assert payments(server, transaction_id="after")[0]["userId"] == "bob"


def test_a_page_seen_after_the_payment_makes_it_its_visitors(server: Site) -> None:
    visitor = new_visitor()
    server.identify(server.pageview(), "bob", {"email": "bob@example.com"})
    pay(server, transaction_id="early", datafast_visitor_id=visitor.upper(), email="bob@example.com")
    assert payments(server)[0]["userId"] == "bob"
    server.pageview(visitor)
    until(lambda: match(server, "early")["method"] == "visitor", "the visitor is not noticed")
    assert payments(server)[0]["userId"] is None
    server.identify(visitor, "ann")
    assert payments(server)[0]["userId"] == "ann"


def test_a_trusted_call_outweighs_a_page_that_came_first(server: Site) -> None:
    server.page_identify(server.pageview(), "mallory", email="ann@example.com")
    pay(server, transaction_id="claimed", email="ann@example.com")
    assert payments(server)[0]["userId"] == "mallory"
    server.identify(server.pageview(), "ann", {"email": "ann@example.com"})
    assert payments(server)[0]["userId"] == "ann"


# One payment


def test_the_time_line_of_a_payment_tells_how_it_came_to_be_somebodys(server: Site) -> None:
    visitor, checkout = server.pageview(path="/pricing"), f"cs_test_{uuid.uuid4().hex}"
    server.pageview(visitor, path="/checkout")
    pay(server, 30, transaction_id=checkout)
    server.kept("payment", visitor, extraData={"stripe_session_id": checkout})
    until(lambda: match(server, checkout)["isMatched"], "the checkout is not noticed")
    fact = server.identify(visitor, "ann")["factId"]
    server.identify(server.pageview(), "bob")
    joined = merge(server, "ann", "bob")["factId"]
    parted = undo(server, joined)["factId"]
    pay(server, 10, transaction_id="re_1", refunded=True, refund_of=checkout)
    found = story(server, checkout)
    line = found["timeline"]
    types = [one["type"] for one in line]
    assert types[:2] == ["pageview", "pageview"]
    assert sorted(types[2:4]) == ["payment", "recorded"]
    assert types[4:] == ["checkout_reported", "matched", "identify", "merge", "undo", "refund"]
    assert [one["url"].partition("/")[2] for one in line[:2]] == ["pricing", "checkout"]
    assert [one.get("factId") for one in line[6:9]] == [fact, joined, parted]
    assert (sorted(line[7]["userIds"]), line[7]["isActive"], line[8]["undone"]) == (
        ["ann", "bob"],
        False,
        joined,
    )
    assert found["refunds"][0]["transactionId"] == "re_1"
    assert story(server, "re_1")["refundOf"] == checkout


def test_the_time_line_of_a_payment_by_email_shows_the_persons_pages_and_each_match(server: Site) -> None:
    visitor = server.pageview(path="/read")
    server.identify(visitor, "ann")
    pay(server, transaction_id="mail", email="ann@example.com")
    assert happened(server, "mail") == ["payment", "recorded"]
    fact = server.identify(visitor, "ann", {"email": "ann@example.com"})["factId"]
    assert happened(server, "mail")[0] == "pageview"
    settle(server)
    undo(server, fact)
    line = story(server, "mail")["timeline"]
    assert [one["type"] for one in line] == [
        "payment",
        "recorded",
        "identify",
        "matched",
        "undo",
        "unmatched",
    ]
    assert (line[3]["method"], line[3]["factId"], line[2]["isActive"]) == ("email", fact, False)


def test_a_refund_finds_its_payment_whichever_comes_first(server: Site) -> None:
    pay(server, 5, transaction_id="re_early", refunded=True, refund_of="pi_late")
    assert story(server, "re_early")["refundOf"] is None
    pay(server, 5, transaction_id="pi_late")
    assert story(server, "re_early")["refundOf"] == "pi_late"
    assert [one["transactionId"] for one in story(server, "pi_late")["refunds"]] == ["re_early"]
    bad = {"amount": 5, "currency": "USD", "transaction_id": "x", "refund_of": "pi_late"}
    response = server.call("POST", "/api/v1/payments", json=bad)
    assert response.status_code == 400
    assert "refund_of" in response.json()["error"]["message"]


def test_a_payment_of_several_peoples_address_names_them(server: Site) -> None:
    for user in ("ann", "bob"):
        server.identify(server.pageview(), user, {"email": "shared@example.com"})
    pay(server, transaction_id="shared", email="shared@example.com")
    found = story(server, "shared")
    assert {(one["userId"], one["profileId"]) for one in found["claimants"]} == {
        (user, person(server, user)["profileId"]) for user in ("ann", "bob")
    }


def test_any_transaction_id_is_found_by_its_path(server: Site) -> None:
    pay(server, transaction_id="order/17?x=ä b")
    assert story(server, "order%2F17%3Fx%3D%C3%A4%20b")["transactionId"] == "order/17?x=ä b"
    assert server.call("GET", "/api/v1/payments/none").status_code == 404


def test_the_time_line_of_an_erased_person_tells_nothing_of_them(server: Site) -> None:
    visitor = server.pageview(path="/secret")
    fact = server.identify(visitor, "ann", {"email": "ann@example.com"})["factId"]
    pay(server, transaction_id="gone", email="ann@example.com")
    assert match(server, "gone")["evidence"] == {"factId": fact}
    erase(server, "ann")
    (found,) = payments(server)
    assert (found["match"]["evidence"], found["match"]["method"]) == (None, "erased")
    assert server.call("GET", "/api/v1/payments/gone").json()["data"]["timeline"][-1]["type"] == "recorded"


# Pages


def test_the_pages_of_payments_tell_whose_they_are_and_why_not(server: Site) -> None:
    for user in ("ann", "bob"):
        server.identify(server.pageview(), user, {"email": "shared@example.com", "name": user.title()})
    visitor = server.pageview(path="/pricing")
    pay(server, 1234.5, transaction_id="<i>tx</i>", visitorId=visitor)
    pay(server, 20, transaction_id="shared", email="shared@example.com")
    pay(server, 30, transaction_id="anns", customer_id="ann")
    pay(server, 5, transaction_id="back", refunded=True, refund_of="anns", customer_id="ann")
    settle(server)
    root = f"/w/{server.website_id}/payments"
    with closing(Visit(server.url)) as visit:
        enter(visit, server.place, make_account(server.place))
        page = visit.get(root).text
        assert all(
            f"<b><bdi>{one}</bdi></b>" in page for one in ("$1,234.50", "$20.00", "$30.00", "\u2212$5.00")
        )
        assert ">Payments</a>" in page
        assert page.count("<tr>") == 5
        unmatched = visit.get(f"{root}?matched=false").text
        assert unmatched.count("<tr>") == 2
        assert "Several people have this e-mail address" in unmatched
        assert "Merge them" in unmatched
        shown = {
            one["transactionId"]: visit.get(f"{root}/{one['paymentId']}").text for one in payments(server)
        }
        assert "Preview the merge" in shown["shared"]
        assert "/pricing" in shown["<i>tx</i>"]
        assert "&lt;i&gt;tx&lt;/i&gt;" in shown["<i>tx</i>"]
        assert "Refunded" in shown["anns"]
        assert "Refund of" in shown["back"]
        assert visit.get(f"{root}/none").status_code == 404
        assert visit.get(f"{root}/{'0' * 24}").status_code == 404


def test_a_long_list_of_payments_has_further_pages(server: Site) -> None:
    for _ in range(51):
        pay(server)
    settle(server)
    root = f"/w/{server.website_id}/payments"
    with closing(Visit(server.url)) as visit:
        enter(visit, server.place, make_account(server.place))
        page = visit.get(f"{root}?matched=false").text
        assert page.count("<tr>") == 51
        cursor = page.partition("cursor=")[2].partition('"')[0]
        assert visit.get(f"{root}?matched=false&cursor={cursor}").text.count("<tr>") == 2
        assert "No payments on this page" in visit.get(f"{root}?cursor={'0' * 24}").text

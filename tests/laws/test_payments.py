"""Money is neither made nor lost: what people paid and what is nobody's is, at any time, all that was paid."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from footfall.db.protocol import Transaction
from footfall.db.statements import make_statement
from footfall.identity.ledger.show import person_now
from footfall.ids import MAX_AT, format_uuid
from footfall.payments.endpoints import list_payments
from footfall.payments.model import Kind, NewPayment
from footfall.payments.money import Money
from footfall.payments.owners import owners_of, payments_of
from footfall.payments.service import PaymentCall, record
from footfall.payments.wire import PaymentQuery, Range
from footfall.people.index.indexer import Take, index_step
from footfall.privacy.erase import unfinished
from tests.laws.test_erasing import ID, Story
from tests.laws.test_laws import world_of
from tests.laws.test_reading import Step, some_steps
from tests.laws.world import START, USERS, VISITORS, WEBSITE

_PERSONS = make_statement(
    "persons", "", "SELECT DISTINCT person_id FROM profile ORDER BY person_id", "person_id bytes"
)
EVERYTHING = PaymentQuery(Range(0, MAX_AT), None, None, None, None, b"", 10_000)


class Paid(msgspec.Struct, frozen=True):
    """A payment of the small world: on a visitor or none, with some evidence or none. E-mail addresses are user ids there."""

    visitor: int | None
    email: str | None
    customer_id: str | None
    at: int
    minor: int
    kind: Kind


some_payments = st.lists(
    st.builds(
        Paid,
        visitor=st.sampled_from([None, 0, 1, 2, 3]),
        email=st.sampled_from([None, "ANN", "bob", "nobody"]),
        customer_id=st.sampled_from([None, *USERS]),
        at=st.integers(0, 9),
        minor=st.integers(1, 999),
        kind=st.sampled_from([Kind.PAYMENT, Kind.REFUND, Kind.RENEWAL]),
    ),
    max_size=4,
)


def pay(tx: Transaction, number: int, paid: Paid) -> None:
    """Record a payment; visitor 3 was never seen."""
    visitors = [*map(format_uuid, VISITORS), "11111111-1111-4111-8111-111111111111"]
    visitor = None if paid.visitor is None else visitors[paid.visitor]
    new = NewPayment(
        str(number),
        paid.kind,
        Money(paid.minor, "USD"),
        START + paid.at,
        paid.email,
        None,
        paid.customer_id,
        visitor,
    )
    record(tx, [PaymentCall(ID, new, START + 10_000, True)])


def check(tx: Transaction) -> None:
    """Both ways to ask whose money is give the same, and all of it."""
    payments = list_payments(tx, WEBSITE, EVERYTHING)
    owned = owners_of(tx, ID, payments)
    by_payment: Counter[bytes | None] = Counter()
    for one in owned:
        by_payment[one.person_id] += one.payment.money.minor
    by_person: Counter[bytes | None] = Counter()
    seen: list[bytes] = []
    for row in tx.all(_PERSONS):
        person = person_now(tx, ID, row.person_id)
        assert person is not None
        theirs = payments_of(tx, ID, person)
        seen += [one.payment_id for one in theirs]
        by_person[row.person_id] = sum(one.money.minor for one in theirs)
    assert len(seen) == len(set(seen))
    nobodys = by_payment.pop(None, 0)
    assert {key: sum_ for key, sum_ in by_person.items() if sum_} == {
        key: sum_ for key, sum_ in by_payment.items() if sum_
    }
    assert sum(by_person.values()) + nobodys == sum(one.money.minor for one in payments)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps=some_steps,
    paid=st.lists(some_payments, min_size=18, max_size=18),
    looks=st.lists(st.booleans(), min_size=18, max_size=18),
)
def test_people_and_nobody_have_all_that_was_paid_whatever_happens(
    session: Any, steps: list[Step], paid: list[list[Paid]], looks: list[bool]
) -> None:
    with world_of(session) as tx:
        story, total, number = Story(tx), 0, 0
        for step, payments, is_time in zip(steps, paid, looks, strict=False):
            story.do(step)
            for one in payments:
                number += 1
                total += -one.minor if one.kind is Kind.REFUND else one.minor
                pay(tx, number, one)
            if is_time:
                index_step(tx, [Take(1000)])
                story.slice()
            check(tx)
        while unfinished(tx):
            story.slice()
        index_step(tx, [Take(1000)])
        check(tx)
        found = list_payments(tx, WEBSITE, EVERYTHING)
        assert sum(one.money.minor for one in found) == total
        assert len(found) == number


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(paid=st.lists(some_payments, min_size=2, max_size=5))
def test_the_same_payments_again_change_nothing(session: Any, paid: list[list[Paid]]) -> None:
    with world_of(session) as tx:
        payments = [one for some in paid for one in some]
        for number, one in enumerate(payments):
            pay(tx, number, one)
        before = list_payments(tx, WEBSITE, EVERYTHING)
        for number, one in enumerate(payments):
            pay(tx, number, one)
        assert list_payments(tx, WEBSITE, EVERYTHING) == before

"""Whose payments are follows from the evidence, whatever comes first; and however many it says something of, no step takes long."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from footfall.collect.checkouts import note_checkouts
from footfall.collect.model import PAYMENT, Hit
from footfall.db.protocol import Transaction
from footfall.db.statements import make_statement
from footfall.identity.identify.model import Identified
from footfall.identity.identify.service import identify
from footfall.identity.ledger.merge import MergeCall, Merged, merge
from footfall.identity.ledger.undo import UndoCall, undo
from footfall.identity.model import Operations
from footfall.ids import at_prefix
from footfall.payments.model import Kind, NewPayment
from footfall.payments.money import Money
from footfall.payments.service import PaymentCall, record
from footfall.people.index.indexer import Take, index_step
from footfall.privacy.erase import unfinished
from tests.laws.test_erasing import Story
from tests.laws.test_laws import world_of
from tests.laws.world import KEY, NOW, START, USERS, VISITORS, WEBSITE, Said

ID, SECRET = WEBSITE.website_id, WEBSITE.profile_secret
CHECKOUTS = ("cs_test_" + "a" * 20, "cs_test_" + "b" * 20)
MAILS = ("ann@law.example", "BOTH@law.example")
_STATE = make_statement(
    "payment_state",
    "",
    "SELECT payment_id, method, visitor_id, profile_id, evidence FROM payment ORDER BY payment_id",
    "payment_id bytes, method text, visitor_id bytes?, profile_id bytes?, evidence bytes?",
)
_METHODS = make_statement(
    "methods",
    "",
    "SELECT method, count(*) AS count FROM payment GROUP BY method ORDER BY method",
    "method text, count int",
)


class Told(msgspec.Struct, frozen=True):
    """A page that reports a checkout."""

    visitor: int
    checkout: str
    at: int

    def do(self, tx: Transaction) -> None:
        data = msgspec.json.encode({"stripe_session_id": self.checkout}).decode()
        event_id = at_prefix(START + self.at) + b"told"
        hit = Hit(
            ID, VISITORS[self.visitor], event_id, START + self.at, PAYMENT, None, None, None, None, data,
            None, "{}", None, None,
        )  # fmt: skip
        note_checkouts(tx, [hit])


class Identification(msgspec.Struct, frozen=True):
    """An identify call; what each user says of themselves is always the same."""

    user: int
    visitor: int
    at: int
    is_trusted: bool

    def do(self, tx: Transaction) -> None:
        said = Operations({"email": MAILS[min(self.user, 1)], "customer_id": f"cus_{self.user}"})
        identify(tx, [Said(self.visitor, USERS[self.user], self.at, said, self.is_trusted).call()])


class Bought(msgspec.Struct, frozen=True):
    """A payment that names some of this."""

    checkout: str | None
    email: str | None
    customer_id: str | None
    at: int

    def do(self, tx: Transaction) -> None:
        record(tx, [self.call()])

    def call(self) -> PaymentCall:
        """As the handler gets it."""
        name = self.checkout or f"{self.at}"
        new = NewPayment(
            name, Kind.PAYMENT, Money(100, "USD"), START + self.at, self.email, None, self.customer_id, None
        )
        return PaymentCall(ID, new, NOW, True)


some_evidence = st.lists(
    st.one_of(
        st.builds(Told, visitor=st.integers(0, 2), checkout=st.sampled_from(CHECKOUTS), at=st.integers(0, 9)),
        st.builds(
            Identification,
            user=st.integers(0, 2),
            visitor=st.integers(0, 2),
            at=st.integers(0, 9),
            is_trusted=st.booleans(),
        ),
    ),
    max_size=5,
    unique=True,
)
some_bought = st.lists(
    st.builds(
        Bought,
        checkout=st.sampled_from([None, None, *CHECKOUTS]),
        email=st.sampled_from([None, "Ann@law.example", "both@law.example"]),
        customer_id=st.sampled_from([None, "cus_0", "cus_1", "bob", "nobody"]),
        at=st.integers(0, 99),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda one: (one.checkout or one.at,),
)


def settle(tx: Transaction, most: int = 1000) -> list[int]:
    """Take steps until there is nothing left to look at; how many payments each looked at."""
    looked: list[int] = []
    has_more = True
    while has_more:
        (step,) = index_step(tx, [Take(most)])
        looked.append(step.payments)
        has_more = step.has_payments or step.payments > 0
    return looked


law = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
long_law = settings(law, max_examples=50)


def outcome(session: Any, items: list[Any], steps: list[bool]) -> list[list[Any]]:
    """Whose the payments are, also after a merge; `steps`: behind which items the index takes one."""
    with world_of(session) as tx:
        for item, is_time in zip(items, steps, strict=True):
            item.do(tx)
            if is_time:
                index_step(tx, [Take(1000)])
        settle(tx)
        states = [tx.all(_STATE)]
        joined: Any = merge(tx, [MergeCall(ID, SECRET, ("bob", "Bob"), None, KEY, NOW)])[0]
        settle(tx)
        states.append(tx.all(_STATE))
        if isinstance(joined, Merged):
            undo(tx, [UndoCall(ID, SECRET, joined.fact_id, None, KEY, NOW)])
            settle(tx)
            assert tx.all(_STATE) == states[0]
        return states


def deliver_in_another_order(
    session: Any, data: st.DataObject, evidence: list[Told | Identification], bought: list[Bought]
) -> None:
    items = [*evidence, *bought]
    order: list[Any] = data.draw(st.permutations(items))
    steps = data.draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))
    assert outcome(session, order, steps) == outcome(session, items, [False] * len(items))


@law
@given(data=st.data(), evidence=some_evidence, bought=some_bought)
def test_the_order_in_which_evidence_and_payments_arrive_changes_nothing(
    session: Any, data: st.DataObject, evidence: list[Told | Identification], bought: list[Bought]
) -> None:
    deliver_in_another_order(session, data, evidence, bought)


@long_law
@given(data=st.data(), evidence=some_evidence, bought=some_bought)
def test_in_the_embedded_database_no_order_changes_anything_however_rare_it_is(
    sqlite_session: Any, data: st.DataObject, evidence: list[Told | Identification], bought: list[Bought]
) -> None:
    deliver_in_another_order(sqlite_session, data, evidence, bought)


def test_what_a_server_says_explains_more_than_what_a_page_said_before(session: Any) -> None:
    page, server = Identification(1, 1, 0, is_trusted=False), Identification(1, 1, 9, is_trusted=True)
    for bought in (Bought(None, None, "bob", 48), Bought(None, "both@law.example", None, 48)):
        at_once = outcome(session, [page, server, bought], [False] * 3)
        assert outcome(session, [page, bought, server], [False, True, False]) == at_once


def test_an_older_fact_explains_more_than_a_newer_one(session: Any) -> None:
    page, old, new = (Identification(1, 1, at, at > 0) for at in (0, 5, 9))
    bought = Bought(None, None, "bob", 48)
    at_once = outcome(session, [page, old, new, bought], [False] * 4)
    assert outcome(session, [page, new, bought, old], [False, False, True, False]) == at_once


def methods(tx: Transaction) -> dict[str, int]:
    return {row.method: row.count for row in tx.all(_METHODS)}


def move_all(session: Any, many: int, most: int) -> None:
    """Evidence for all payments of one address comes and goes; each step looks at `most` of them at most."""
    with world_of(session) as tx:
        record(tx, [Bought(None, "ann@law.example", None, number).call() for number in range(many)])
        settle(tx, most)
        assert methods(tx) == {"nobody_known": many}

        (said,) = identify(tx, [Said(0, "ann", 0, Operations({"email": "Ann@law.example"}), True).call()])
        looked = settle(tx, most)
        assert methods(tx) == {"email": many}
        assert max(looked) <= most
        assert sum(looked) == many

        # What says nothing new costs nothing, however many payments the person has.
        again = Operations({"email": "ann@law.example", "plan": "pro"})
        identify(tx, [Said(1, "ann", 1, again, True).call()])
        identify(tx, [Said(1, "ann", 2, Operations({"email": "new@law.example"}), True).call()])
        assert sum(settle(tx, most)) == 0

        assert isinstance(said, Identified)
        undo(tx, [UndoCall(ID, SECRET, said.fact_id, None, KEY, NOW)])
        settle(tx, most)
        assert methods(tx) == {"email": many}
        story: Any = Story(tx)
        story.erase(SimpleNamespace(user="ann"))
        while unfinished(tx):
            story.slice()
        settle(tx, most)
        assert methods(tx) == {"erased": many}


def test_all_payments_of_one_address_move_in_steps_of_bounded_size(session: Any) -> None:
    move_all(session, 500, 100)


def test_ten_thousand_payments_of_one_address_move_in_the_embedded_database(sqlite_session: Any) -> None:
    move_all(sqlite_session, 10_000, 500)

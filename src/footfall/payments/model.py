"""The words of payments: what was paid, whose it is, and what it comes to. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec

from footfall.collect.model import Touch
from footfall.ids import at_of
from footfall.payments.money import Money


class Kind(StrEnum):
    """What a payment was for (stored). `FIRST`: a subscription's first period, where who told of the payment says so."""

    PAYMENT = "payment"
    FIRST = "first"
    RENEWAL = "renewal"
    REFUND = "refund"
    FREE_TRIAL = "free_trial"


class Method(StrEnum):
    """How it was found out whose a payment is, or why it was not (stored)."""

    VISITOR = "visitor"
    CHECKOUT = "checkout"
    CUSTOMER_ID = "customer_id"
    EMAIL = "email"
    UNSEEN_VISITOR = "unseen_visitor"
    WAITING = "waiting"
    NO_EVIDENCE = "no_evidence"
    NOBODY_KNOWN = "nobody_known"
    AMBIGUOUS = "ambiguous"
    ERASED = "erased"


OPEN = frozenset(
    (Method.UNSEEN_VISITOR, Method.WAITING, Method.NO_EVIDENCE, Method.NOBODY_KNOWN, Method.AMBIGUOUS)
)
"""Of payments that are nobody's until more is known."""


class NewPayment(msgspec.Struct, frozen=True):
    """A well-formed payment that is not stored yet. `at`: ms since epoch, None for now; `visitor_ref`: what was sent as the visitor's id.

    `refund_of`: the transaction id of the payment that is paid back, if that was told.
    """

    transaction_id: str
    kind: Kind
    money: Money
    at: int | None
    email: str | None
    name: str | None
    customer_id: str | None
    visitor_ref: str | None
    refund_of: str | None = None


class Known(msgspec.Struct, frozen=True):
    """Whose a payment was when it was made, as far as that was known, and where they came from first and last until then."""

    visitor_id: bytes | None = None
    profile_id: bytes | None = None
    first_touch: Touch | None = None
    last_touch: Touch | None = None


class Payment(msgspec.Struct, frozen=True):
    """A payment as stored. `money.minor` is below zero for refunds. `transaction_id` None: erased.

    It belongs to the visitor `visitor_id`, and to whoever that was then; without one to the user `profile_id`, or to nobody.
    `evidence`: the fact that says it is that user's, where it is known.
    """

    payment_id: bytes
    transaction_id: str | None
    kind: Kind
    money: Money
    email: str | None
    name: str | None
    customer_id: str | None
    visitor_ref: str | None
    visitor_id: bytes | None
    profile_id: bytes | None
    method: Method
    known: Known
    evidence: bytes | None = None

    @property
    def at(self) -> int:
        """When it was made (ms since epoch)."""
        return at_of(self.payment_id)


class Owned(msgspec.Struct, frozen=True):
    """A payment and whose it is now: the id and first user id of a person; None: nobody's."""

    payment: Payment
    person_id: bytes | None
    user_id: str | None


class PaymentMove(NamedTuple):
    """When it was found out whose a payment is, or that it is nobody's (ms since epoch), how, and by which fact."""

    at: int
    method: Method
    evidence: bytes | None


class EventType(StrEnum):
    """What may happen around a payment."""

    PAGEVIEW = "pageview"
    CHECKOUT = "checkout_reported"
    PAID = "payment"
    DELIVERY = "delivery"
    RECORDED = "recorded"
    MATCHED = "matched"
    UNMATCHED = "unmatched"
    IDENTIFY = "identify"
    MERGE = "merge"
    UNDO = "undo"
    REFUND = "refund"


class PaymentEvent(msgspec.Struct, frozen=True):
    """Something that happened around a payment (`at`: ms since epoch), as far as its type has it to say.

    `fact_id`: the fact that it is, or by which the payment was matched; `undone`: the fact that an undo takes back; `is_active`: whether a
    fact counts; `user_ids`: whom it names; `payment`: a refund; `provider`, `event`: which provider delivered what.
    """

    at: int
    type: EventType
    visitor_id: bytes | None = None
    url: str | None = None
    method: Method | None = None
    fact_id: bytes | None = None
    undone: bytes | None = None
    user_ids: tuple[str, ...] = ()
    is_active: bool | None = None
    payment: Payment | None = None
    provider: str | None = None
    event: str | None = None


class Claimant(NamedTuple):
    """A person who has what several have."""

    profile_id: bytes
    user_id: str


class PaymentStory(msgspec.Struct, frozen=True):
    """A payment and all that is known around it. `received_at`: ms since epoch; `events`: oldest first.

    `refund_of`: the payment that it pays back; `refunds`: those that pay it back; `claimants`: who may have made it, if there are several.
    """

    owned: Owned
    received_at: int
    refund_of: Payment | None
    refunds: list[Payment]
    claimants: list[Claimant]
    events: list[PaymentEvent]


class CurrencySum(msgspec.Struct, frozen=True):
    """What payments in one currency come to. `paid`: before refunds are taken off."""

    net: Money
    paid: Money
    payments: int
    refunds: int


class Revenue(msgspec.Struct, frozen=True):
    """What payments come to. `total`: in the website's currency, by the rates of their days; `unconverted`: sums of what has no rate."""

    total: Money
    unconverted: tuple[Money, ...]
    by_currency: tuple[CurrencySum, ...]


class Finance(msgspec.Struct, frozen=True):
    """What a visitor or person paid. `payments`: the newest, oldest first; `revenue` is that of all of theirs.

    `at_payment`: of those that were known as theirs when they were made; None for a visitor, of whom that is the same.
    `days`, `visits`: from the first visit to the first payment that brought money; None without one.
    """

    revenue: Revenue
    payments: list[Payment]
    count: int
    at_payment: Revenue | None = None
    first_payment_at: int | None = None
    days: int | None = None
    visits: int | None = None

    @property
    def is_customer(self) -> bool:
        """Whether anything was ever paid."""
        return self.first_payment_at is not None

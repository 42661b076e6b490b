"""What all providers' deliveries say, in the same words: payments, refunds, disputes, subscriptions and who paid. Pure.

Times are in ms since epoch. Ids are the provider's, as text; those that are bare numbers there carry their kind in front (`order_12`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from footfall.errors import BadRequest
from footfall.payments.money import Money


class BadDelivery(BadRequest):
    """A body that is not in the provider's shape. The message names the field, by its path, and what is wrong with it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"`{field}` {reason}." if field else f"The body {reason}.")
        self.field = field


Kind = Literal["one_off", "first", "renewal", "update", "unknown"]
"""What a payment was for: once, a subscription's first period, a later one, a change within a period.
`unknown`: the provider does not say here; another delivery may, and the payments of a subscription before it do."""

State = Literal["trialing", "active", "cancelling", "past_due", "paused", "ended"]
"""How a subscription stands. `cancelling`: it runs, and ends with its period."""

What = Literal[
    "trial_started",
    "trial_converted",
    "started",
    "upgraded",
    "downgraded",
    "renewed",
    "cancel_scheduled",
    "reactivated",
    "ended",
    "updated",
]
"""How a subscription moved. `updated`: only how it stands now is told; `subscriptions.moves` finds what that changed."""


class Payer(msgspec.Struct, frozen=True):
    """Who paid, as far as the delivery says it."""

    customer_id: str | None = None
    """The provider's id of the customer."""
    email: str | None = None
    name: str | None = None
    visitor_id: str | None = None
    """From `datafast_visitor_id` or the reference of a checkout link, whatever stands there: it need not be a visitor of ours."""
    external_id: str | None = None
    """The merchant's own id of the customer. A checkout link may carry it, so whoever clicks can have chosen it."""
    website_ref: str | None = None
    """From `datafast_website_id`: the website of which it is, where one account serves several."""


Unit = Literal["day", "week", "month", "year"]


class Interval(msgspec.Struct, frozen=True):
    """`count` of `unit`, such as 3 months."""

    unit: Unit
    count: int


class Paid(msgspec.Struct, frozen=True):
    """A payment. Two of these that share an id are one payment."""

    ids: tuple[str, ...]
    """Every id by which it may be named later, the canonical one first."""
    at: int
    money: Money
    """What was charged, tax and discounts included."""
    payer: Payer
    kind: Kind
    checkout_ids: tuple[str, ...] = ()
    """The ids that a page may report of this payment; those of some providers can be guessed."""
    subscription_id: str | None = None
    interval: Interval | None = None
    monthly: Money | None = None
    """What recurs of it, discounts taken off and tax left out, a month; None: not told here."""
    is_free_trial: bool = False
    host: str | None = None
    """Of the page to which the checkout returned: tells websites of one account apart."""
    may_repeat_invoice: bool = False
    """It may be an invoice's payment, which is told by itself; a `Linked` says so, before or after."""


class Linked(msgspec.Struct, frozen=True):
    """These ids name one payment, which may not be known yet."""

    ids: tuple[str, ...]


class Refunded(msgspec.Struct, frozen=True):
    """Money went back. `refunds.refunded` adds these up, in any order."""

    ids: tuple[str, ...]
    """Of the payment."""
    refund_id: str | None
    """None where the sum of all refunds so far is told."""
    at: int
    money: Money | None
    """None: all that was paid."""
    is_failed: bool = False
    """It did not reach the customer, and counts no more."""

    @property
    def is_cumulative(self) -> bool:
        """Whether `money` is the sum of all refunds of the payment until `at`."""
        return self.refund_id is None


class Disputed(msgspec.Struct, frozen=True):
    """The payer's bank takes money back, or gave it back (`won`)."""

    ids: tuple[str, ...]
    """Of the payment."""
    dispute_id: str
    at: int
    money: Money | None
    """None: all that was paid."""
    state: Literal["opened", "won", "lost"]


class SubscriptionMoved(msgspec.Struct, frozen=True):
    """How a subscription moved, and how it stands since."""

    subscription_id: str
    at: int
    what: What
    state: State
    payer: Payer
    monthly: Money | None = None
    """What it brings a month, tax left out; None: not told here, as where discounts are only named."""
    interval: Interval | None = None


class Seen(msgspec.Struct, frozen=True):
    """Who a customer is."""

    payer: Payer


Occurrence = Paid | Linked | Refunded | Disputed | SubscriptionMoved | Seen


class Delivery(msgspec.Struct, frozen=True):
    """One delivery of a webhook."""

    delivery_id: str
    """The same however often it is sent. Of a provider without such an id: a hash of the body."""
    event: str
    """As the provider names it."""
    at: int | None
    """When it happened, ms since epoch; None: the provider does not say."""
    is_live: bool | None
    """False in test mode; None: the provider does not say, and gives each mode its own endpoint and secret."""
    account: str | None
    """The merchant's account or store with the provider."""
    occurrences: tuple[Occurrence, ...]
    ignored: str | None = None
    """Why nothing follows from it; None where something does."""


Told = tuple[Occurrence, ...] | str
"""What follows from a delivery, or why nothing does."""


def deliver(
    told: Told, *, delivery_id: str, event: str, at: int | None, is_live: bool | None, account: str | None
) -> Delivery:
    """The delivery from which `told` follows."""
    if isinstance(told, str):
        return Delivery(delivery_id, event, at, is_live, account, (), ignored=told)
    return Delivery(delivery_id, event, at, is_live, account, told)


def first_of(subscription_id: str) -> str:
    """An id of a subscription's first payment, which providers tell twice, each time by other ids."""
    return f"{subscription_id}/first"


class SignatureProblem(StrEnum):
    """Why a delivery is not believed."""

    UNUSABLE = "the secret is empty or not of the form that this provider uses"
    NO_SIGNATURE = "the signature header is missing"
    MALFORMED = "the signature header is malformed"
    UNKNOWN_VERSION = "the signature header has no signature of a known version"
    MISMATCH = "no signature matches: the secret is another one, or the body was changed on its way"
    TOO_OLD = "it was signed more than 5 minutes ago"
    TOO_NEW = "it was signed more than 5 minutes ahead of this machine's clock"

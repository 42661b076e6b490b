"""The words of webhooks: which providers a website is connected to, what they delivered, and what a sale comes to. Pure."""

from __future__ import annotations

import msgspec

from footfall.payments.model import Kind
from footfall.payments.money import Money
from footfall.payments.providers.model import Delivery, Disputed, Linked, Paid, Payer, Refunded

Said = Paid | Linked | Refunded | Disputed
"""What a delivery may say of one sale."""


class LastDelivery(msgspec.Struct, frozen=True):
    """The newest delivery that was believed. `at`: ms since epoch at its arrival."""

    at: int
    event: str
    is_test: bool


class RefusedDelivery(msgspec.Struct, frozen=True):
    """A delivery that was not believed. `at`: ms since epoch at its arrival; `event`: None where it could not be read."""

    at: int
    event: str | None
    reason: str


class Integration(msgspec.Struct, frozen=True):
    """How a website stands with a provider. `connected_at`: ms since epoch, None without a secret; `refused`: newest first.

    `is_readable`: whether the secret can be decrypted here.
    """

    provider: str
    connected_at: int | None = None
    is_readable: bool = False
    last: LastDelivery | None = None
    refused: tuple[RefusedDelivery, ...] = ()


class PastDelivery(msgspec.Struct, frozen=True):
    """A delivery that told of a payment. `at`: when it happened, if the provider says so; ms since epoch both."""

    provider: str
    event: str
    at: int | None
    received_at: int


class ReachedGoal(msgspec.Struct, frozen=True):
    """A goal of the lifecycle of customers, and when it was reached (ms since epoch)."""

    name: str
    at: int


class DeliveryCall(msgspec.Struct, frozen=True):
    """A believed delivery to store. `now`: ms since epoch at its arrival; `is_first`: as far as is known, the website has no payment yet.

    `is_elsewhere`: it tells of another website of the same account. `is_imported`: nobody delivered it; it was read from the provider's API.
    """

    website_id: bytes
    provider: str
    delivery: Delivery
    now: int
    is_first: bool
    is_elsewhere: bool = False
    is_imported: bool = False


class Wanted(msgspec.Struct, frozen=True):
    """A payment that a sale comes to, without who paid. `name`: its transaction id; `money` is above zero for refunds too."""

    name: str
    at: int
    kind: Kind
    money: Money


class Clues(msgspec.Struct, frozen=True):
    """Who paid, the checkouts that a page may have reported, and the visitor whom other words of the same customer name."""

    payer: Payer = Payer()
    checkouts: tuple[str, ...] = ()
    customers_visitor: str | None = None

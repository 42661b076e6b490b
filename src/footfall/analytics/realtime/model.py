"""Who is on a website now, and what they do. Pure."""

from __future__ import annotations

import msgspec

from footfall.identity.model import KnownPerson
from footfall.payments.model import Payment
from footfall.predictions.model import Best, Prediction
from footfall.visitors.model import Params, Visitor


class Customer(msgspec.Struct, frozen=True):
    """Who paid, as a payment calls them."""

    name: str | None
    email: str | None


class Likelihood(msgspec.Struct, frozen=True):
    """How likely a visitor is to pay, and what that rests on."""

    prediction: Prediction
    best: Best


class VisitorNow(msgspec.Struct, frozen=True):
    """A visitor, with where the latest session came from. `customer`: None for one who never paid.

    `name`: of the person; None if nobody knows it. `likelihood`: None of a customer, and where nobody ever paid.
    `is_ad`: whether the session came by a click on an ad.
    """

    visitor: Visitor
    referrer: str | None
    params: Params
    name: str | None
    customer: Customer | None
    likelihood: Likelihood | None
    is_ad: bool = False


class EventNow(msgspec.Struct, frozen=True):
    """Something that a visitor just did; `data` as it is stored (JSON)."""

    event_id: bytes
    type: str
    url: str | None
    name: str | None
    data: str | None
    by: VisitorNow


class PaymentNow(msgspec.Struct, frozen=True):
    """A payment that was just made, and the person whose it is, with the name."""

    payment: Payment
    name: str | None
    person: KnownPerson | None = None


class WebsiteNow(msgspec.Struct, frozen=True):
    """What goes on, each newest first."""

    visitors: list[VisitorNow]
    events: list[EventNow]
    payments: list[PaymentNow]

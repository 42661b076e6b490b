"""How payments are named, which goals they reach, and what they come to. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeGuard

from footfall.identity.junk import MAX_USER_ID, is_junk
from footfall.ids import at_prefix, parse_uuid
from footfall.payments.model import OPEN, CurrencySum, Kind, Method, NewPayment, Payment, Revenue
from footfall.payments.money import Money
from footfall.payments.rates import Rates

API = "api"
"""Who names a payment by the `transaction_id` of a call (hashed and stored)."""
EMAIL, CUSTOMER, VISITOR = "email", "customer_id", "visitor"
"""The kinds of clues (hashed and stored)."""
_GOALS = {
    Kind.PAYMENT: ("payment",),
    Kind.FIRST: ("payment", "subscription_started"),
    Kind.RENEWAL: ("payment", "subscription_renewed"),
    Kind.REFUND: (),
    Kind.FREE_TRIAL: ("free_trial",),
}
LOSSES = frozenset((Kind.REFUND,))


def digest(website_id: bytes, kind: str, value: str) -> bytes:
    """16 bytes for a name or clue within a website. (Stored.)"""
    return hashlib.sha256(b"\0".join((website_id, kind.encode(), value.encode()))).digest()[:16]


def payment_id(website_id: bytes, at: int, name_hash: bytes) -> bytes:
    """The same for the same payment: its time, and 6 bytes of a hash. (Stored.)"""
    return at_prefix(at) + hashlib.sha256(website_id + name_hash).digest()[:6]


def content_hash(paid: NewPayment) -> bytes:
    """What was sent, so that another payment under the same id can be told from the same one sent again. (Stored.)"""
    said = (
        paid.kind,
        paid.money.minor,
        paid.money.currency,
        paid.at,
        paid.email,
        paid.name,
        paid.customer_id,
        paid.visitor_ref,
        paid.refund_of,
    )
    return hashlib.sha256(repr(tuple(map(str, said))).encode()).digest()[:16]


def tells(value: str | None) -> TypeGuard[str]:
    """Whether an e-mail address or customer id may tell whose a payment is: `undefined`, `null` and the like would join the payments of many."""
    return value is not None and not is_junk(value[:MAX_USER_ID])


def alike(email: str) -> str:
    """What e-mail addresses have in common that differ in case only."""
    return email.strip().casefold()


def clues_of(
    website_id: bytes,
    email: str | None,
    customer_id: str | None,
    ref: str | None,
    checkout: bytes | None = None,
) -> list[bytes]:
    """The hashes of what may tell whose a payment is; `checkout`: the hash of its transaction id, as pages report it."""
    found = [checkout] if checkout else []
    if tells(email):
        found.append(digest(website_id, EMAIL, alike(email)))
    if tells(customer_id):
        found.append(digest(website_id, CUSTOMER, customer_id))
    if ref:
        found.append(digest(website_id, VISITOR, ref))
    return found


def goals_of(kind: Kind) -> tuple[str, ...]:
    """The lifecycle goals that such a payment reaches."""
    return _GOALS[kind]


def kinds_reaching(goal: str) -> tuple[Kind, ...]:
    """The kinds of payments that always reach a lifecycle goal, whatever is told of a subscription; none for all other goals."""
    return tuple(kind for kind, goals in _GOALS.items() if goals[:1] == (goal,))


def is_matched(payment: Payment) -> bool:
    """Whether it is known whose it is: a visitor's or a user's."""
    return payment.method not in OPEN and payment.method is not Method.ERASED


def missing_signals(payment: Payment) -> list[str]:
    """Of a payment that waits for evidence: what would have told whose it is, but did not come."""
    if payment.method not in OPEN:
        return []
    signals = (
        ("visitor", parse_uuid(payment.visitor_ref)),
        ("checkout", None),
        ("customer_id", tells(payment.customer_id)),
        ("email", tells(payment.email)),
    )
    return [name for name, told in signals if not told]


def brings_money(payment: Payment) -> bool:
    """Whether it makes a customer."""
    return payment.kind not in LOSSES and payment.money.minor > 0


def sum_up(payments: Sequence[Payment], currency: str, rates: Rates | None) -> Revenue:
    """What payments come to, in `currency` and by currency; without `rates`, others are left apart."""
    total, apart = 0, dict[str, int]()
    for one in payments:
        converted = one.money if one.money.currency == currency else _convert(one, currency, rates)
        if converted is None:
            apart[one.money.currency] = apart.get(one.money.currency, 0) + one.money.minor
        else:
            total += converted.minor
    left = tuple(Money(apart[code], code) for code in sorted(apart))
    return Revenue(Money(total, currency), left, _by_currency(payments))


def _convert(payment: Payment, currency: str, rates: Rates | None) -> Money | None:
    if rates is None:
        return None
    return rates.convert(payment.money, currency, datetime.fromtimestamp(payment.at / 1000, UTC).date())


def _by_currency(payments: Iterable[Payment]) -> tuple[CurrencySum, ...]:
    found: dict[str, list[int]] = {}
    for one in payments:
        is_loss = one.kind in LOSSES
        counted = found.setdefault(one.money.currency, [0, 0, 0, 0])
        counted[0] += one.money.minor
        counted[1] += 0 if is_loss else one.money.minor
        counted[3 if is_loss else 2] += 1
    return tuple(
        CurrencySum(Money(net, code), Money(paid, code), payments, refunds)
        for code, (net, paid, payments, refunds) in sorted(found.items())
    )

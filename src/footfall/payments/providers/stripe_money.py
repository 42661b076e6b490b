"""Stripe's amounts. Pure.

They are in minor units, but not for every currency in those of ISO 4217 (docs.stripe.com/currencies): ISK and UGX, which have none, are
given in hundredths, and MGA, which has two digits, in whole ariary. BHD, JOD, KWD, OMR and TND are in thousandths, as in ISO.
"""

from __future__ import annotations

from fractions import Fraction

from footfall.payments.money import Money
from footfall.payments.providers.reading import MAX_MINOR, Node

_TO_ISO = {"ISK": Fraction(1, 100), "UGX": Fraction(1, 100), "MGA": Fraction(100)}
"""The factor for an amount."""


def read_money(node: Node, amount: str, currency: str = "currency") -> Money:
    """The amount of a field. Raises BadDelivery."""
    money = round_money(Fraction(node.minor(amount)), node.currency(currency))
    if money.minor > MAX_MINOR:
        raise node.fail(amount, "must be at most 10^15 minor units")
    return money


def round_money(amount: Fraction, currency: str) -> Money:
    """Stripe's minor units, or fractions of them, as Money; rounded half to even."""
    return Money(round(amount * _TO_ISO.get(currency, 1)), currency)

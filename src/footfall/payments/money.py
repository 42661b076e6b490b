"""Exact money: a whole number of the currency's minor unit, and the currency. Nothing is calculated in binary fractions. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation

import msgspec

from footfall.currencies import DIGITS
from footfall.errors import BadRequest

MAX_MINOR = 10**15
"""The largest amount of one payment, in minor units."""
USUAL_DIGITS = 2
"""Decimal places of a currency that ISO 4217 does not list."""
_EXACT = Context(prec=28, traps=[Inexact, InvalidOperation])


class Money(msgspec.Struct, frozen=True):
    """`minor` is below zero only if refunds exceed payments; `currency` is a code in upper case.

    Providers may state one that ISO 4217 does not list.
    """

    minor: int
    currency: str


def read_decimal(text: str) -> Decimal:
    """A JSON number with a fraction or an exponent, exactly as written: the `float_hook` of JSON readers. NaN if the exponent is out of range."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def read_money(amount: object, currency: object) -> Money:
    """Money from JSON values: a number of major units from 0 to MAX_MINOR minor ones, and a code, ignoring case. Raises BadRequest."""
    code = read_currency(currency)
    return Money(_read_minor(amount, code), code)


def read_currency(value: object) -> str:
    """The code in upper case. Raises BadRequest."""
    if value is None:
        raise BadRequest("currency is required: send an ISO 4217 code, such as USD.")
    # Only ASCII: other letters may become ASCII ones in upper case.
    code = value.upper() if isinstance(value, str) and len(value) == 3 and value.isascii() else ""
    if code not in DIGITS:
        raise BadRequest("currency: not known. Send an ISO 4217 code, such as USD.")
    return code


def _read_minor(amount: object, code: str) -> int:
    major = _read_major(amount)
    if not major.is_finite():
        raise BadRequest("amount: not a finite number.")
    if major < 0:
        raise BadRequest('amount: below zero. Send a refund as a positive amount with "refunded": true.')
    digits = DIGITS[code]
    if major > Decimal(MAX_MINOR).scaleb(-digits):
        raise BadRequest(f"amount: more than {to_major(Money(MAX_MINOR, code))} {code}.")
    try:
        return int(major.quantize(Decimal(1).scaleb(-digits), context=_EXACT).scaleb(digits))
    except Inexact as error:
        raise BadRequest(f"amount: more decimal places than {code} has, which is {digits}.") from error


def _read_major(amount: object) -> Decimal:
    if amount is None:
        raise BadRequest("amount is required: send a number of major units, such as 19.99.")
    if isinstance(amount, bool) or not isinstance(amount, int | float | Decimal):
        raise BadRequest("amount: send a JSON number of major units, such as 19.99.")
    if isinstance(amount, int):
        # A longer one is too large in every currency, and would take long to convert to decimal digits.
        return Decimal(max(min(amount, MAX_MINOR + 1), -1))
    # The shortest text of a float is what its sender wrote.
    return Decimal(repr(amount)) if isinstance(amount, float) else amount


def to_major(money: Money) -> int | Decimal:
    """The number of major units as JSON shows it: 1200, 19.99, 1.234; exact, without trailing zeros."""
    major = Decimal(f"{money.minor}E-{DIGITS.get(money.currency, USUAL_DIGITS)}")
    whole = int(major)
    return whole if whole == major else major.normalize(_EXACT)


def sums(amounts: Iterable[Money]) -> tuple[Money, ...]:
    """The sum for each currency that occurs, by code."""
    minor: Counter[str] = Counter()
    for money in amounts:
        minor[money.currency] += money.minor
    return tuple(Money(minor[code], code) for code in sorted(minor))

"""Currencies and the digits of their minor units, by ISO 4217. Pure."""

from __future__ import annotations

from iso4217 import Currency

WITHDRAWN = {
    "ANG": 2,
    "BGN": 2,
    "BYR": 0,
    "CUC": 2,
    "EEK": 2,
    "HRK": 2,
    "LTL": 2,
    "LVL": 2,
    "MRO": 2,
    "SLL": 2,
    "STD": 2,
    "VEF": 2,
    "ZWL": 2,
}
"""Withdrawn since 2011, by ISO 4217's list three. The package holds only list one, the current ones; older payments may still come in,
and payment providers still use some of these codes."""

DIGITS: dict[str, int] = WITHDRAWN | {
    currency.code: digits for currency in Currency if (digits := currency.exponent) is not None
}
"""Decimal digits by code in upper case: 2 for USD, 0 for JPY, 3 for KWD. Gold and similar codes without a minor unit are left out."""

SYMBOLS = {
    "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "BRL": "R$", "CAD": "CA$", "AUD": "A$",
    "NZD": "NZ$", "MXN": "MX$", "CNY": "CN¥", "ILS": "₪", "VND": "₫", "PHP": "₱",
}  # fmt: skip
"""Currencies that people write with a sign, as in CLDR for English."""

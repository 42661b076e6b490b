"""The names that analytics have on the wire, and the forms of their numbers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from footfall.analytics.model import Measures, Overview
from footfall.currencies import DIGITS, SYMBOLS
from footfall.payments.money import USUAL_DIGITS, Money, to_major

Number = int | float | Decimal
Tell = Callable[[Measures, str], Any]
"""A field from what was counted, in a currency."""


def share(part: int, whole: int) -> float:
    """Percent, with two decimal places."""
    return round(100 * part / whole, 2) if whole else 0.0


def _revenue_per_visitor(one: Measures, currency: str) -> float:
    """In major units, rounded to the minor one."""
    digits = DIGITS.get(currency, USUAL_DIGITS)
    return round(one.revenue / one.visitors / 10**digits, digits) if one.visitors else 0.0


FIELDS: Mapping[str, Tell] = {
    "visitors": lambda one, currency: one.visitors,
    "people": lambda one, currency: one.people,
    "new_visitors": lambda one, currency: one.new_visitors,
    "returning_visitors": lambda one, currency: one.visitors - one.new_visitors,
    "pageviews": lambda one, currency: one.pageviews,
    "sessions": lambda one, currency: one.sessions,
    "bounce_rate": lambda one, currency: share(one.bounces, one.begun),
    "avg_session_duration": lambda one, currency: round(one.time / one.sessions) if one.sessions else 0,
    "currency": lambda one, currency: SYMBOLS.get(currency, currency),
    "revenue": lambda one, currency: to_major(Money(one.revenue, currency)),
    "payments": lambda one, currency: one.payments,
    "revenue_per_visitor": _revenue_per_visitor,
    "conversion_rate": lambda one, currency: share(one.payers, one.visitors),
}
"""What overview and series tell, in the order of the answer."""


def measures_json(one: Measures, currency: str, fields: Iterable[str]) -> dict[str, Any]:
    """What was counted, as far as these fields tell of it."""
    return {name: FIELDS[name](one, currency) for name in fields}


def shown_fields(asked: Iterable[str], known: Iterable[str]) -> list[str]:
    """The fields of an answer: those asked for that there are, or all."""
    wanted = set(asked)
    return [name for name in known if not wanted or name in wanted]


def overview_json(one: Overview, currency: str, asked: Iterable[str]) -> dict[str, Any]:
    """The whole range in one."""
    fields = shown_fields(asked, FIELDS)
    compared = {"compared": measures_json(one.compared, currency, fields)} if one.compared else {}
    return measures_json(one.measures, currency, fields) | compared

"""How often something recurs, judged by the length of its period, if nothing else says so. Pure."""

from __future__ import annotations

from footfall.payments.providers.model import Interval

_DAY_MS = 86_400_000
_LENGTHS = (
    (1, 1, Interval("day", 1)),
    (7, 7, Interval("week", 1)),
    (14, 14, Interval("week", 2)),
    (28, 31, Interval("month", 1)),
    (59, 62, Interval("month", 2)),
    (89, 92, Interval("month", 3)),
    (181, 184, Interval("month", 6)),
    (365, 366, Interval("year", 1)),
    (730, 731, Interval("year", 2)),
    (1095, 1096, Interval("year", 3)),
)
"""The least and most days of a period, and how often it recurs."""


def interval_between(start: int, end: int) -> Interval | None:
    """From the ends of a period in ms; None for a length that nobody bills by."""
    days = round((end - start) / _DAY_MS)
    return next((interval for least, most, interval in _LENGTHS if least <= days <= most), None)

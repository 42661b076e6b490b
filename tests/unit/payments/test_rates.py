from __future__ import annotations

import zipfile
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.currencies import DIGITS
from footfall.errors import UsageError
from footfall.payments.money import Money
from footfall.payments.rates import Converted, Rates, load_rates, parse_rates

from .strategies import currencies, moneys

FRIDAY, MONDAY = date(2026, 3, 6), date(2026, 3, 9)
SMALL = """\
Date,USD,JPY,KWD,TRY,BGN,
2026-03-09,1.25,160,0.35,N/A,,
2026-03-06,1.2,150.5,0.34,50,1.9558,
"""
rates = parse_rates(SMALL)
days = st.dates(date(2026, 3, 1), date(2026, 3, 12))


@pytest.mark.parametrize(
    ("money", "to", "expected"),
    [
        (Money(1200, "USD"), "EUR", Money(1000, "EUR")),
        (Money(1000, "EUR"), "USD", Money(1200, "USD")),
        (Money(1000, "EUR"), "JPY", Money(1505, "JPY")),
        (Money(1505, "JPY"), "EUR", Money(1000, "EUR")),
        (Money(1000, "EUR"), "KWD", Money(3400, "KWD")),
        (Money(340, "KWD"), "USD", Money(120, "USD")),
        (Money(-1200, "USD"), "EUR", Money(-1000, "EUR")),
        (Money(0, "USD"), "JPY", Money(0, "JPY")),
    ],
)
def test_money_is_converted_between_currencies_of_all_digits(money: Money, to: str, expected: Money) -> None:
    assert rates.convert(money, to, FRIDAY) == expected


@pytest.mark.parametrize(("minor", "expected"), [(2, 2), (6, 8), (10, 12), (-2, -2), (-6, -8), (3, 4)])
def test_halves_are_rounded_to_even(minor: int, expected: int) -> None:
    """At 1.25: 2.5, 7.5 and 12.5 are halves, 3.75 is none."""
    assert rates.convert(Money(minor, "EUR"), "USD", MONDAY) == Money(expected, "USD")


def test_a_day_without_rates_has_those_of_the_working_day_before() -> None:
    saturday, sunday = FRIDAY + timedelta(1), FRIDAY + timedelta(2)
    found = [rates.convert(Money(100, "EUR"), "USD", day) for day in (FRIDAY, saturday, sunday, MONDAY)]
    assert found == [Money(120, "USD")] * 3 + [Money(125, "USD")]


def test_days_after_the_file_have_its_last_rates() -> None:
    assert rates.last_day == MONDAY
    assert rates.convert(Money(100, "EUR"), "USD", MONDAY + timedelta(30)) == Money(125, "USD")


@pytest.mark.parametrize(
    ("source", "to", "day"),
    [
        ("CLF", "EUR", FRIDAY),
        ("EUR", "CLF", FRIDAY),
        ("TRY", "USD", MONDAY),
        ("USD", "BGN", MONDAY),
        ("USD", "EUR", FRIDAY - timedelta(1)),
        ("EUR", "USD", date.min),
    ],
)
def test_without_a_rate_there_is_no_conversion(source: str, to: str, day: date) -> None:
    assert rates.convert(Money(100, source), to, day) is None


@given(moneys(), days)
def test_a_currency_is_itself_on_any_day(money: Money, day: date) -> None:
    assert rates.convert(money, money.currency, day) == money


@given(moneys(), currencies, st.sampled_from([FRIDAY, MONDAY]))
def test_a_conversion_is_off_by_half_a_minor_unit_at_most(money: Money, to: str, day: date) -> None:
    converted = rates.convert(money, to, day)
    if converted is not None:
        euro = _major(money) / _quote(money.currency, day)
        assert abs(_major(converted) - euro * _quote(to, day)) * 10 ** DIGITS[to] <= Fraction(1, 2)


def _major(money: Money) -> Fraction:
    return Fraction(money.minor, 10 ** DIGITS[money.currency])


def _quote(code: str, day: date) -> Fraction:
    quotes = {
        "USD": ("1.2", "1.25"),
        "JPY": ("150.5", "160"),
        "KWD": ("0.34", "0.35"),
        "TRY": ("50", "50"),
        "CLF": ("1", "1"),
    }
    return Fraction(quotes.get(code, ("1", "1"))[day == MONDAY])


def test_what_has_no_rate_is_listed_apart() -> None:
    payments = [
        (Money(1200, "USD"), FRIDAY),
        (Money(5000, "TRY"), MONDAY),
        (Money(10, "CLF"), FRIDAY),
        (Money(7, "EUR"), FRIDAY),
        (Money(-125, "USD"), MONDAY),
        (Money(1, "CLF"), MONDAY),
    ]
    expected = Converted(Money(1000 + 7 - 100, "EUR"), (Money(11, "CLF"), Money(5000, "TRY")))
    assert rates.total(payments, "EUR") == expected
    assert rates.total([], "EUR") == Converted(Money(0, "EUR"), ())


paid = st.lists(st.tuples(moneys(), days), max_size=8)


@given(paid, paid, currencies)
def test_the_totals_of_parts_add_up_to_the_total_of_the_whole(
    one: list[tuple[Money, date]], other: list[tuple[Money, date]], to: str
) -> None:
    parts = [rates.total(part, to) for part in (one, other)]
    whole = rates.total([*one, *other], to)
    assert whole.total.minor == sum(part.total.minor for part in parts)
    left = rates.total([(money, MONDAY) for part in parts for money in part.unconverted], "BGN").unconverted
    assert whole.unconverted == left


@pytest.fixture(scope="module")
def shipped() -> Rates:
    return load_rates()


def test_the_shipped_rates_are_those_of_the_bank(shipped: Rates) -> None:
    assert shipped.last_day >= date(2026, 10, 30)
    assert shipped.convert(Money(10_000, "EUR"), "USD", date(2014, 3, 28)) == Money(13_759, "USD")
    assert shipped.convert(Money(10_000, "USD"), "EUR", date(2014, 3, 28)) == Money(7268, "EUR")
    assert shipped.convert(Money(10_000, "EUR"), "JPY", date(2026, 10, 30)) == Money(17_568, "JPY")


def test_holidays_of_the_bank_have_the_rates_of_the_day_before(shipped: Rates) -> None:
    easter = [shipped.convert(Money(10**9, "EUR"), "USD", date(2025, 4, day)) for day in (17, 18, 21, 22)]
    assert easter[0] == easter[1] == easter[2] != easter[3]


@pytest.mark.parametrize(
    ("code", "day", "has_rate"),
    [
        ("ISK", date(2008, 12, 9), True),
        ("ISK", date(2008, 12, 10), False),
        ("ISK", date(2018, 1, 31), False),
        ("ISK", date(2018, 2, 1), True),
        ("RUB", date(2022, 3, 1), True),
        ("RUB", date(2022, 3, 2), False),
        ("BGN", date(2026, 1, 1), True),
        ("BGN", date(2026, 1, 2), False),
        ("USD", date(1999, 1, 4), True),
        ("USD", date(1999, 1, 3), False),
    ],
)
def test_a_rate_of_former_times_is_not_taken_for_later_ones(
    shipped: Rates, code: str, day: date, has_rate: bool
) -> None:
    """The bank quoted no krona from 2008 to 2018, and no rouble since 2022."""
    assert (shipped.convert(Money(100, code), "EUR", day) is not None) == has_rate


def test_the_rates_are_loaded_once(shipped: Rates) -> None:
    assert load_rates() is shipped


@pytest.mark.parametrize("name", ["eurofxref-hist.csv", "eurofxref-hist.zip"])
def test_a_newer_file_is_read_as_the_bank_gives_it(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    if file.suffix == ".zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("eurofxref-hist.csv", SMALL)
    else:
        file.write_bytes(SMALL.replace("\n", "\r\n").encode("utf-8-sig"))
    assert load_rates(file).convert(Money(100, "EUR"), "USD", FRIDAY) == Money(120, "USD")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no line of currencies"),
        (b"Date,USD\n", "no line of currencies"),
        (b"<html>\n<body>", "no line of currencies"),
        (b"PK\x03\x04\xff\xfe", "codec can't decode"),
        (b"Date,USD\n2026-03-06,1.2\n2026-03-09\n", "line 3 is no day with the rates of 1 currencies"),
        (b"Date,USD\n2026-03-06,1.2,1\n", "line 2"),
        (b"Date,USD\n2026-03-06,0.00\n", "line 2"),
        (b"Date,USD\n2026-03-06,-1\n", "line 2"),
        (b"Date,USD\n2026-03-06,NaN\n", "line 2"),
        (b"Date,USD\n6 March 2026,1.2\n", "line 2"),
        (b"Date,USD\n2026-02-30,1.2\n", "day is out of range"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_history_of_rates_is_refused_with_the_reason(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "rates.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=f"{file} is no history .*{reason}"):
        load_rates(file)


def test_a_rate_is_exact() -> None:
    """A double has no 0.1: this sum would be off by one."""
    tenth = parse_rates("Date,USD\n2026-03-06,0.1\n")
    assert tenth.convert(Money(5, "EUR"), "USD", FRIDAY) == Money(0, "USD")
    assert tenth.convert(Money(15, "EUR"), "USD", FRIDAY) == Money(2, "USD")
    assert tenth.convert(Money(10**15 - 5, "EUR"), "USD", FRIDAY) == Money(
        round(Decimal(10**15 - 5) / 10), "USD"
    )

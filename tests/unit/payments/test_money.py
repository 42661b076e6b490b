from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from footfall.currencies import DIGITS
from footfall.errors import BadRequest
from footfall.payments.money import MAX_MINOR, Money, read_currency, read_decimal, read_money, sums, to_major

from .strategies import currencies, moneys

read_json = msgspec.json.Decoder(float_hook=read_decimal).decode
read_json_as_floats = msgspec.json.Decoder().decode
write_json = msgspec.json.Encoder(decimal_format="number").encode


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("19.99", "USD", 1999),
        ("19.990", "USD", 1999),
        ("1999e-2", "USD", 1999),
        ("0.1999E+2", "USD", 1999),
        ("1200", "USD", 120_000),
        ("1200.0", "USD", 120_000),
        ("1.2e3", "USD", 120_000),
        ("0.29", "EUR", 29),
        ("1.1", "EUR", 110),
        ("0", "EUR", 0),
        ("-0", "EUR", 0),
        ("-0.0", "EUR", 0),
        ("500", "JPY", 500),
        ("500.00", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("1.2345", "CLF", 12_345),
        ("10000000000000", "USD", MAX_MINOR),
        ("10000000000000.000", "USD", MAX_MINOR),
        ("9999999999999.99", "USD", MAX_MINOR - 1),
    ],
)
def test_an_amount_is_the_same_whichever_way_it_is_written(text: str, currency: str, minor: int) -> None:
    assert read_money(read_json(text), currency) == Money(minor, currency)
    assert read_money(read_json_as_floats(text), currency) == Money(minor, currency)


@pytest.mark.parametrize("zero", ["0e999999999", "0e-999999999", "0." + "0" * 100_000])
def test_a_zero_of_any_length_is_nothing(zero: str) -> None:
    assert read_money(read_json(zero), "USD") == Money(0, "USD")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-0.01", "below zero"),
        ("-5", "below zero"),
        ("-1" + "0" * 4000, "below zero"),
        ("-1e400", "below zero"),
        ("1e400", "more than 10000000000000 USD"),
        ("1e999999999", "more than"),
        ("1" + "0" * 4000, "more than"),
        ("10000000000000.01", "more than"),
        ("10000000000001", "more than"),
        ("19.999", "more decimal places than USD has, which is 2"),
        ("19.990000000000000000000000000000000001", "decimal places"),
        ("0.001", "decimal places"),
        ("1e-999999999", "decimal places"),
        ("1e9999999999999999999999", "not a finite number"),
        ("1e-9999999999999999999999", "amount: "),
        ('"19.99"', "a JSON number"),
        ("true", "a JSON number"),
        ("[1]", "a JSON number"),
        ("{}", "a JSON number"),
        ("null", "amount is required"),
    ],
)
def test_an_amount_that_is_no_money_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BadRequest, match=r"^amount\b") as refused:
        read_money(read_json(text), "USD")
    assert reason in refused.value.message


@pytest.mark.parametrize(
    "amount", [float("nan"), float("inf"), float("-inf"), Decimal("sNaN"), Decimal("NaN")]
)
def test_what_is_not_finite_is_refused(amount: object) -> None:
    with pytest.raises(BadRequest, match="amount: not a finite number"):
        read_money(amount, "USD")


@pytest.mark.parametrize(("amount", "currency"), [(0.5, "JPY"), (1.2345, "KWD"), (0.1 + 0.2, "USD")])
def test_more_digits_than_the_currency_has_are_refused(amount: float, currency: str) -> None:
    with pytest.raises(BadRequest, match=f"amount: more decimal places than {currency} has"):
        read_money(amount, currency)


@pytest.mark.parametrize("written", ["usd", "USD", "Usd"])
def test_a_currency_is_accepted_in_any_case(written: str) -> None:
    assert read_currency(written) == "USD"


@pytest.mark.parametrize(
    "value",
    [None, "", "US", "USDT", " USD", "XXX", "XAU", "ABC", "u\u017fd", "usd" * 1000, 840, ["USD"], True],
)
def test_an_unknown_currency_is_refused(value: object) -> None:
    with pytest.raises(BadRequest, match=r"^currency\b.* such as USD\.$"):
        read_money(1, value)


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1999, "USD"), b"19.99"),
        (Money(1990, "USD"), b"19.9"),
        (Money(120_000, "USD"), b"1200"),
        (Money(0, "USD"), b"0"),
        (Money(1, "USD"), b"0.01"),
        (Money(1, "UYW"), b"0.0001"),
        (Money(1234, "KWD"), b"1.234"),
        (Money(500, "JPY"), b"500"),
        (Money(-1999, "USD"), b"-19.99"),
        (Money(-1, "USD"), b"-0.01"),
        (Money(9_223_372_036_854_775_807, "USD"), b"92233720368547758.07"),
        (Money(10**18, "JPY"), b"1000000000000000000"),
    ],
)
def test_json_shows_the_exact_number_of_major_units(money: Money, text: bytes) -> None:
    assert write_json(to_major(money)) == text


@given(moneys(st.integers(0, MAX_MINOR)))
@example(Money(MAX_MINOR - 1, "USD"))
def test_what_is_written_reads_back_the_same_even_through_floats(money: Money) -> None:
    text = write_json(to_major(money))
    assert read_money(read_json(text), money.currency) == money
    assert read_money(read_json_as_floats(text), money.currency) == money


@given(st.decimals(allow_nan=True, allow_infinity=True) | st.floats() | st.integers(), currencies)
def test_an_amount_is_read_exactly_or_refused(amount: Any, currency: str) -> None:
    try:
        money = read_money(amount, currency)
    except BadRequest:
        return
    written = Decimal(repr(amount)) if isinstance(amount, float) else Decimal(amount)
    assert Decimal(f"{money.minor}E-{DIGITS[currency]}") == written


def test_sums_are_of_one_currency_each() -> None:
    amounts = [Money(1, "USD"), Money(500, "JPY"), Money(-3, "USD"), Money(2, "EUR")]
    assert sums(amounts) == (Money(2, "EUR"), Money(500, "JPY"), Money(-2, "USD"))
    assert sums([]) == ()


@given(st.lists(moneys()), st.lists(moneys()))
def test_the_sums_of_parts_are_the_sums_of_the_whole(one: list[Money], other: list[Money]) -> None:
    assert sums([*sums(one), *sums(other)]) == sums([*one, *other])

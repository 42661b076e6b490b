"""Medians, parts of times to purchase, and what recurs, by hand."""

from __future__ import annotations

import pytest

from footfall.analytics.money.model import RecurringReport
from footfall.analytics.money.rules import delay_report, in_one_currency, median, recurring_report
from footfall.payments.money import Money


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        ([], None),
        ([(4, 1)], 4),
        ([(1, 1), (2, 1)], 1.5),
        ([(1, 2), (9, 1)], 1),
        ([(1, 2), (9, 2)], 5),
        ([(0, 3), (2, 4)], 2),
    ],
)
def test_a_median_is_the_middle_or_the_mean_of_the_middle_two(
    counted: list[tuple[int, int]], expected: float | None
) -> None:
    assert median(counted) == expected


def test_times_to_purchase_are_divided_where_the_page_says() -> None:
    days = [(day, 1) for day in (0, 1, 2, 7, 8, 30, 31, 400)]
    assert delay_report(days, [(1, 8)]).parts == [1, 1, 2, 2, 2]
    assert delay_report([], []).days is None


def test_what_changed_adds_up_and_nothing_has_no_churn() -> None:
    began, ended = {b"a": 100, b"b": 50, b"c": 70, b"d": 10}, {b"a": 100, b"b": 20, b"d": 90, b"e": 5}
    found = recurring_report(began, ended, None)
    assert found == RecurringReport(230, 215, 4, 4, new=5, upgraded=80, downgraded=30, lost=70, ended=1)
    assert (found.churn, found.customer_churn) == (100 / 230, 0.25)
    nothing = recurring_report({}, {}, {})
    assert (nothing.churn, nothing.customer_churn, nothing.is_told, nothing.before) == (None, None, False, 0)


def test_a_price_without_a_rate_is_left_out() -> None:
    monthly = {b"a": Money(100, "EUR"), b"b": Money(100, "XYZ")}
    assert in_one_currency(monthly, lambda one: one if one.currency == "EUR" else None) == {b"a": 100}

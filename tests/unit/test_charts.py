"""Charts: axes of round numbers, lines that say what is over, and marks that fit."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from footfall.dashboard.charts import SIZES, ChartMark, ChartPoint, draw_chart, draw_line, nice_ticks
from footfall.dashboard.figures import money_column, money_list, short_money
from footfall.payments.money import Money


def drawn(points: list[ChartPoint]) -> list[str]:
    """The drawings, by size."""
    whole = str(draw_chart(points, lambda value: f"{value:g}", lambda value: f"${value:g}"))
    ElementTree.fromstring(f"<all>{whole}</all>")
    return re.findall(r"<svg.*?</svg>", whole)


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, [0, 1]),
        (3, [0, 1, 2, 3]),
        (4, [0, 1, 2, 3, 4]),
        (7, [0, 2, 4, 6, 8]),
        (183, [0, 50, 100, 150, 200]),
        (1_000_000, [0, 250_000, 500_000, 750_000, 1_000_000]),
    ],
)
def test_axes_have_round_numbers_and_hold_the_highest_value(most: float, ticks: list[float]) -> None:
    assert nice_ticks(most, is_whole=True) == ticks


def test_a_share_has_ticks_between_whole_numbers() -> None:
    assert nice_ticks(0.9) == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("points", [[], [ChartPoint("1", "one", 0)], [ChartPoint("1", "one", 5, 3, 2)]])
def test_few_points_or_nothing_at_all_are_drawn(points: list[ChartPoint]) -> None:
    assert len(drawn(points)) == len(SIZES)


def test_what_is_not_over_is_dashed_and_the_period_before_has_a_line_of_its_own() -> None:
    points = [ChartPoint(str(n), "", n, before=2, is_running=n == 3) for n in range(4)]
    for svg in drawn(points):
        assert [svg.count(f'class="{name}"') for name in ("before", "line", "line running")] == [1, 1, 1]


def test_what_is_below_zero_stays_inside_the_drawing() -> None:
    points = [ChartPoint("a", "", 50, before=-99), ChartPoint("b", "", 140, before=20)]
    for svg, size in zip(drawn(points), SIZES, strict=True):
        assert ">-100</text>" in svg
        path = svg.partition('class="before" d="M')[2].partition('"')[0]
        heights = [float(spot.split()[1]) for spot in path.split("L")]
        assert all(size.top <= one <= size.height - size.bottom for one in heights)
    assert all(">-60</text>" in svg for svg in drawn([ChartPoint("a", "", -45), ChartPoint("b", "", 0)]))


def test_money_is_drawn_only_where_there_is_any() -> None:
    points = [ChartPoint(str(n), "", n, money=100 * (n == 2)) for n in range(4)]
    for svg in drawn(points):
        assert svg.count('rx="2"') == 1
        assert "$100" in svg
    assert all('class="bars"' not in svg for svg in drawn([ChartPoint("a", "", 1)] * 3))


def test_more_marks_than_fit_are_counted_and_where_none_fits_there_is_a_dot() -> None:
    marks = tuple(ChartMark(f"M{n}", n) for n in range(7))
    wide, _, phone = drawn([ChartPoint("a", "", 4, marks=marks), ChartPoint("b", "", 8)])
    assert (">M0<" in wide, ">M1<" in wide, ">+5<" in wide, ">M2<" in wide) == (True, True, True, False)
    assert ">+7<" in phone
    crowded = drawn([ChartPoint("a", "", 4, marks=marks)] * 200)[0]
    assert crowded.count('class="mark more"') == 200


def test_texts_from_outside_stay_texts_and_points_lead_somewhere() -> None:
    (svg, *_) = drawn([ChartPoint("<b>", '"<i>', 1, path="?a=1&b=2")] * 2)
    assert "<b>" not in svg
    assert "<i>" not in svg
    assert svg.count('<a href="?a=1&amp;b=2" tabindex="-1">') == 2


def test_a_small_line_spans_its_width() -> None:
    assert 'd="M0 30L60 16L120 2"' in draw_line([0, 5, 10])
    assert "<path" in draw_line([])


def test_amounts_below_each_other_have_cents_if_one_of_them_has() -> None:
    assert list(map(money_column([2900, 9900], "USD"), [2900, 9900])) == ["$29", "$99"]
    assert list(map(money_column([2900, 3240], "USD"), [2900, 3240])) == ["$29.00", "$32.40"]
    assert list(map(money_column([5, 7], "JPY"), [5, 7])) == ["¥5", "¥7"]
    assert list(map(money_column([1234, 2000], "KWD"), [1234, 2000])) == ["1.234 KWD", "2.000 KWD"]
    mixed = [Money(2950, "USD"), Money(2900, "EUR"), Money(5, "JPY"), Money(2000, "KWD")]
    assert list(map(money_list(mixed), mixed)) == ["$29.50", "€29.00", "¥5", "2.00 KWD"]
    assert short_money(-1200, "USD") == "\u2212$1.2k"

"""The figures of the overview: tiles, what a chart is of, and how numbers are spelled. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from footfall.analytics.model import CardPage, Measures, Overview, Series, SeriesPart
from footfall.analytics.ranges import SeriesInterval, TimeRange, bucket_name
from footfall.analytics.wire import FIELDS, Tell
from footfall.currencies import DIGITS, SYMBOLS
from footfall.dashboard.address import ViewAddress
from footfall.dashboard.charts import ChartMark, ChartPoint, Spelling
from footfall.dashboard.rendering import counted, money_text
from footfall.dashboard.spans import part_address
from footfall.payments.money import USUAL_DIGITS, Money, to_major

Spelled = Callable[[Any, str], str]
"""A value of a metric, in words; the currency is the website's."""


class Metric(NamedTuple):
    """A number that the overview tells, by its name on the API. `short`: how an axis spells it; `is_better_low`: whether less is better."""

    title: str
    spelled: Spelled
    short: Spelled
    is_better_low: bool = False


def money_of(minor: int, currency: str) -> str:
    """An amount in the minor unit, as people write it."""
    return money_text(to_major(Money(minor, currency)), currency)


def money_column(amounts: Iterable[int], currency: str) -> Callable[[int], str]:
    """The same as `money_list`, of amounts in the minor unit of one currency."""
    spelled = money_list(Money(one, currency) for one in amounts)
    return lambda minor: spelled(Money(minor, currency))


def money_list(amounts: Iterable[Money]) -> Callable[[Money], str]:
    """How to write amounts below each other: all with as many digits after the point as one of them needs and the currency has."""
    most = max(
        (len(money_of(one.minor, one.currency).partition(".")[2].split(" ")[0]) for one in amounts), default=0
    )
    return lambda one: money_text(
        to_major(one), one.currency, min(most, DIGITS.get(one.currency, USUAL_DIGITS))
    )


def _money(value: Any, currency: str) -> str:
    return money_text(value if isinstance(value, Decimal) else Decimal(str(value)), currency)


def short_number(value: float) -> str:
    """A number of an axis: `950`, `1.2k`, `3M`."""
    for size, unit in ((1_000_000_000, "B"), (1_000_000, "M"), (1000, "k")):
        if value >= size:
            return f"{value / size:.1f}".removesuffix(".0") + unit
    return f"{value:.2f}".rstrip("0").rstrip(".")


def short_money(value: float, currency: str) -> str:
    """An amount of an axis: `$1.2k`, `300 SEK`."""
    if value < 0:
        return MINUS + short_money(-value, currency)
    sign = SYMBOLS.get(currency)
    return f"{sign}{short_number(value)}" if sign else f"{short_number(value)} {currency}"


def duration_text(ms: float) -> str:
    """A time: `48 s`, `2 min 5 s`, `1 h 3 min`."""
    seconds = round(ms / 1000)
    if seconds < 60:
        return f"{seconds} s"
    minutes, left = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {left} s" if left else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _short_duration(ms: Any, currency: str) -> str:
    minutes = ms / 60_000
    return f"{short_number(minutes)} min" if minutes >= 1 else f"{round(ms / 1000)} s"


def amount_change(minor: int, spelled: Callable[[int], str]) -> str:
    """A difference of amounts, in the minor unit: `+$29`, `-$3.50`, or a dash for none."""
    sign = "+" if minor > 0 else MINUS
    return f"{sign}{spelled(abs(minor))}" if minor else NONE


def _number(value: Any, currency: str) -> str:
    return f"{value:,}"


def _short(value: Any, currency: str) -> str:
    return short_number(value)


def _percent(value: Any, currency: str) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") + "%"


METRICS: Mapping[str, Metric] = {
    "visitors": Metric("Visitors", _number, _short),
    "people": Metric("People", _number, _short),
    "revenue": Metric("Revenue", _money, short_money),
    "conversion_rate": Metric("Conversion", _percent, _percent),
    "revenue_per_visitor": Metric("Revenue per visitor", _money, short_money),
    "bounce_rate": Metric("Bounce rate", _percent, _percent, is_better_low=True),
    "avg_session_duration": Metric("Time per visit", lambda value, _: duration_text(value), _short_duration),
}
COMPLETIONS = Metric("Completions", _number, _short)
OF_MONEY = frozenset(("revenue", "conversion_rate", "revenue_per_visitor"))
"""Those that tell of payments."""
MINUS, NONE = "\u2212", "\u2013"
DEFAULT_METRIC = "visitors"


class Tile(NamedTuple):
    """A metric of the whole range. `change`: since the other range, percent, None if there is nothing to compare with; `is_good`: None if equal."""

    name: str
    title: str
    value: str
    change: str | None
    before: str
    is_good: bool | None
    is_chosen: bool
    href: str


def read_metric(address: ViewAddress) -> str:
    """What the chart shows."""
    name = address.text("metric")
    return name if name in METRICS else DEFAULT_METRIC


def show_tiles(
    totals: Overview, address: ViewAddress, currency: str, *, has_money: bool = True
) -> list[Tile]:
    """All tiles, or those that tell nothing of payments."""
    shown = [name for name in METRICS if has_money or name not in OF_MONEY]
    return [_tile(name, totals, address, currency) for name in shown]


def _tile(name: str, totals: Overview, address: ViewAddress, currency: str) -> Tile:
    metric, value = METRICS[name], FIELDS[name](totals.measures, currency)
    before = None if totals.compared is None else FIELDS[name](totals.compared, currency)
    change = show_change(value, before, metric.is_better_low)
    return Tile(
        name,
        metric.title,
        metric.spelled(value, currency),
        change.text,
        "" if before is None else metric.spelled(before, currency),
        change.is_good,
        name == read_metric(address),
        address.having(metric=None if name == DEFAULT_METRIC else name).here,
    )


class ShownChange(NamedTuple):
    """How a number changed, None if there is nothing to compare with; `is_good`: None if it stayed the same."""

    text: str | None = None
    is_good: bool | None = None


def show_change(value: Any, before: Any, is_better_low: bool = False) -> ShownChange:
    """How a number changed since another range, of which there may be none."""
    if not before or before < 0:
        return ShownChange()
    change = float(value) / float(before) - 1
    is_same = round(change, 3) == 0
    return ShownChange(_change_text(change), None if is_same else (change > 0) is not is_better_low)


def _change_text(change: float) -> str:
    """`+12%`, `-3.5%`; of what has become ten times as much or more, how many times."""
    if change >= 9:
        return f"\u00d7{1 + change:,.0f}"
    percent = 100 * abs(change)
    text = f"{percent:,.0f}" if percent >= 9.95 else f"{percent:.1f}".removesuffix(".0")
    return "0%" if text == "0" else f"{'+' if change > 0 else MINUS}{text}%"


class ShownPart(NamedTuple):
    """A row of the table under the chart."""

    name: str
    value: str
    before: str
    money: str
    notes: str = ""


class ShownSeries(NamedTuple):
    """A chart's points and axes, and the same as a table."""

    points: list[ChartPoint]
    parts: list[ShownPart]
    value: Spelling
    money: Spelling


class ToldMetric(NamedTuple):
    """A metric, and how it follows from what was counted."""

    metric: Metric
    tell: Tell


def show_series(
    series: Series,
    asked: TimeRange,
    address: ViewAddress,
    currency: str,
    now: int,
    marks: Mapping[int, Sequence[ChartMark]],
    notes: Mapping[int, Sequence[str]] = MappingProxyType({}),
    told: ToldMetric | None = None,
) -> ShownSeries:
    """A series as a page shows it, without what is yet to come. `marks` and `notes`: by the number of a part; `told`: unless the address says that."""
    name = read_metric(address)
    metric, tell = told = told or ToldMetric(METRICS[name], FIELDS[name])
    ends = (*series.buckets.starts[1:], asked.until)
    points, parts = [], []
    for number, (part, end) in enumerate(zip(series.parts, ends, strict=True)):
        if part.start > now:
            break
        written = tuple(notes.get(number, ()))
        shown = _show_part(part, told, currency, part_name(part.start, series.buckets.interval, asked))
        shown = shown._replace(notes="; ".join(written))
        begins = max(part.start, asked.since)
        href = part_address(address, TimeRange(begins, end, asked.zone)).here
        is_whole = len(series.parts) == 1
        parts.append(shown)
        points.append(
            ChartPoint(
                shown.name,
                "\n".join([_sentence(shown, metric, part.measures), *written]),
                float(tell(part.measures, currency)),
                None if part.compared is None else float(tell(part.compared, currency)),
                major_of(part.measures.revenue, currency) if metric is not METRICS["revenue"] else 0,
                "" if is_whole else href,
                end > now,
                tuple(marks.get(number, ())),
                bool(written),
            )
        )
    return ShownSeries(
        points,
        parts,
        lambda value: metric.short(value, currency),
        lambda value: short_money(value, currency),
    )


def major_of(minor: int, currency: str) -> float:
    """An amount in the minor unit, in units of the currency."""
    return minor / 10.0 ** DIGITS.get(currency, USUAL_DIGITS)


def part_name(start: int, interval: SeriesInterval, asked: TimeRange) -> str:
    """What a part is called below the axis: hours of one day by themselves."""
    name = bucket_name(start, asked.zone, interval).removeprefix("0")
    is_short = interval is SeriesInterval.HOUR and asked.until - asked.since <= 25 * 3_600_000
    return name.rpartition(" ")[2] if is_short else name


def _show_part(part: SeriesPart, told: ToldMetric, currency: str, called: str) -> ShownPart:
    spelled, tell = told.metric.spelled, told.tell
    return ShownPart(
        called,
        spelled(tell(part.measures, currency), currency),
        "" if part.compared is None else spelled(tell(part.compared, currency), currency),
        money_of(part.measures.revenue, currency) if part.measures.payments else "",
    )


def _sentence(part: ShownPart, metric: Metric, measures: Measures) -> str:
    lines = [
        part.name,
        f"{metric.title}: {part.value}" + (f" (before: {part.before})" if part.before else ""),
    ]
    if part.money and metric.title != METRICS["revenue"].title:
        lines.append(f"Revenue: {part.money}, {counted(measures.payments, 'payment')}")
    return "\n".join(lines)


# Without money


def series_without_money(series: Series) -> Series:
    """A series that tells nothing of payments."""
    parts = [
        SeriesPart(one.start, without_money(one.measures), one.compared and without_money(one.compared))
        for one in series.parts
    ]
    totals = series.totals
    return Series(
        series.buckets,
        Overview(without_money(totals.measures), totals.compared and without_money(totals.compared)),
        parts,
    )


def card_without_money(page: CardPage) -> CardPage:
    """A card that tells nothing of payments."""
    return page._replace(rows=[one._replace(measures=without_money(one.measures)) for one in page.rows])


def without_money(one: Measures) -> Measures:
    """What was counted, but for payments."""
    return msgspec.structs.replace(one, payers=0, payments=0, revenue_new=0, revenue_renewal=0, refunds=0)

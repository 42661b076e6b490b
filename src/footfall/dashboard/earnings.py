"""What the page of revenue shows: its tiles, its chart, and the rows of its cards. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from footfall.analytics.model import Measures, Overview, Series, SeriesPart
from footfall.analytics.money.model import (
    CustomerReport,
    DelayReport,
    HourSum,
    RecurringReport,
    SourceSum,
)
from footfall.analytics.ranges import TimeRange
from footfall.dashboard.address import ViewAddress
from footfall.dashboard.cards import TABS, BoardLine, CardTab
from footfall.dashboard.figures import (
    ShownChange,
    amount_change,
    major_of,
    money_column,
    money_of,
    part_name,
    show_change,
)
from footfall.dashboard.rendering import counted
from footfall.dashboard.spans import part_address, people_address
from footfall.dashboard.stacks import StackPoint
from footfall.hostnames import to_unicode

SOURCES = ("channels", "referrers", "campaigns")
"""The lists of sources that there are, the first unless the address says otherwise."""
SHADES = 5
DELAYS = ("Within a day", "1 day", "2\u20137 days", "8\u201330 days", "More than 30 days")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


# Tiles


class MoneyTile(NamedTuple):
    """A number of the whole range. `before`: in the other one; `more`: where those behind it are, and what the link says."""

    title: str
    value: str
    change: ShownChange = ShownChange()
    before: str = ""
    more: tuple[str, str] | None = None


def show_money_tiles(
    totals: Overview,
    customers: tuple[CustomerReport, CustomerReport | None],
    recurring: RecurringReport,
    address: ViewAddress,
    currency: str,
) -> list[MoneyTile]:
    """All tiles."""
    now, before = totals
    fresh, fresh_before = customers[0].fresh, customers[1].fresh if customers[1] else None
    who = (customers_address(address).href, "Who?")

    def money(title: str, value: int, other: int | None, *, is_better_low: bool = False) -> MoneyTile:
        change = show_change(value, other, is_better_low)
        return MoneyTile(
            title,
            money_of(value, currency),
            change,
            "" if other is None else money_of(other, currency),
        )

    mrr = money("MRR", recurring.mrr, recurring.before)
    return [
        money("Revenue", now.revenue, before.revenue if before else None),
        MoneyTile(
            "Payments",
            f"{now.payments:,}",
            show_change(now.payments, before.payments if before else None),
            f"{before.payments:,}" if before else "",
        ),
        money("Refunds", -now.refunds, -before.refunds if before else None, is_better_low=True),
        MoneyTile(
            "New customers",
            f"{fresh:,}",
            show_change(fresh, fresh_before),
            "" if fresh_before is None else f"{fresh_before:,}",
            who if customers[0].total else None,
        ),
        money("Average payment", average(now), average(before) if before else None),
        mrr if recurring.is_told else MoneyTile("MRR", "\u2013"),
    ]


def average(one: Measures) -> int:
    """What a payment brings on average, in the minor unit."""
    return round((one.revenue_new + one.revenue_renewal) / one.payments) if one.payments else 0


def customers_address(address: ViewAddress, *chosen: str) -> ViewAddress:
    """The customers of what a page shows, who paid most first; `chosen`: a filter on one row of a list alone, and its value."""
    people = people_address(address.having(attribution=None, revenue=None))
    narrowed = people.only(*chosen) if chosen else people
    return narrowed._replace(own=("who", "sort")).having(who="customers", sort="revenue")


# The chart


class MoneyPart(NamedTuple):
    """A row of the table under the chart."""

    name: str
    new: str
    renewal: str
    refund: str
    revenue: str
    before: str


class ShownStacks(NamedTuple):
    """The chart's points, and the same as a table."""

    points: list[StackPoint]
    parts: list[MoneyPart]


def show_stacks(
    series: Series, asked: TimeRange, address: ViewAddress, currency: str, now: int
) -> ShownStacks:
    """A series as the page shows it, without what is yet to come."""
    ends, points, parts = (*series.buckets.starts[1:], asked.until), list[StackPoint](), list[MoneyPart]()
    is_whole = len(series.parts) == 1
    for part, end in zip(series.parts, ends, strict=True):
        if part.start > now:
            break
        name = part_name(part.start, series.buckets.interval, asked)
        href = part_address(address, TimeRange(max(part.start, asked.since), end, asked.zone)).here
        shown = _money_part(name, part, currency)
        parts.append(shown)
        points.append(_point(part, shown, "" if is_whole else href, end > now, currency))
    return ShownStacks(points, parts)


def _money_part(name: str, part: SeriesPart, currency: str) -> MoneyPart:
    one, before = part.measures, part.compared
    sums = (one.revenue_new, one.revenue_renewal, one.refunds, one.revenue)
    new, renewal, refund, revenue = (money_of(minor, currency) for minor in sums)
    told = "" if before is None else money_of(before.revenue, currency)
    return MoneyPart(name, new, renewal, refund, revenue, told)


def _point(part: SeriesPart, shown: MoneyPart, path: str, is_running: bool, currency: str) -> StackPoint:
    one, before = part.measures, part.compared
    return StackPoint(
        shown.name,
        _sentence(shown, one),
        (major_of(one.revenue_new, currency), major_of(one.revenue_renewal, currency)),
        -major_of(one.refunds, currency),
        None if before is None else major_of(before.revenue, currency),
        path,
        is_running,
    )


def _sentence(shown: MoneyPart, one: Measures) -> str:
    lines = [
        shown.name,
        f"Revenue: {shown.revenue}, {counted(one.payments, 'payment')}",
        *([f"New: {shown.new}"] if one.revenue_new else []),
        *([f"Renewals: {shown.renewal}"] if one.revenue_renewal else []),
        *([f"Refunds: {shown.refund}"] if one.refunds else []),
        *([f"Before: {shown.before}"] if shown.before else []),
    ]
    return "\n".join(lines)


# Cards


class SourceRow(NamedTuple):
    """A source. `share`: the length of its bar, percent; `href`: after a click on it; `who`: its customers, empty where no filter finds them."""

    label: str
    share: float
    payments: int
    at_payment: str
    revenue: str
    difference: str
    href: str
    who: str


def chosen_sources(address: ViewAddress) -> CardTab:
    """The list of sources that an address shows."""
    name = address.text("sources")
    return TABS[name if name in SOURCES else SOURCES[0]][1]


def show_sources(
    rows: Sequence[SourceSum], tab: CardTab, address: ViewAddress, currency: str, *, is_last: bool
) -> list[SourceRow]:
    """Sources as a card shows them. `is_last`: by last touch, as filters find customers."""
    most = max((row.revenue for row in rows), default=0)
    spelled = money_column((amount for row in rows for amount in (row.at_payment, row.revenue)), currency)
    return [_source_row(row, tab, address, spelled, most, is_last) for row in rows]


def _source_row(
    row: SourceSum,
    tab: CardTab,
    address: ViewAddress,
    spelled: Callable[[int], str],
    most: int,
    is_last: bool,
) -> SourceRow:
    label, pair = tab.label(row.keys), tab.filter(row.keys)
    return SourceRow(
        to_unicode(label) if tab.name == "referrers" else label,
        round(100 * max(0, row.revenue) / most, 1) if most > 0 else 0,
        row.payments,
        spelled(row.at_payment),
        spelled(row.revenue),
        amount_change(row.revenue - row.at_payment, spelled),
        address.clicked(*pair).here,
        customers_address(address, *pair).href if is_last and row.payments else "",
    )


class ShownDelays(NamedTuple):
    """How long new customers took. Medians are texts; empty without any."""

    customers: int
    days: str
    visits: str
    lines: list[BoardLine]


def show_delays(report: DelayReport) -> ShownDelays:
    """The same as a card shows it."""
    most = max(report.parts, default=0) or 1
    total = report.customers or 1
    lines = [
        BoardLine(name, round(100 * count / most, 1), (f"{count:,}", f"{100 * count / total:.0f}%"))
        for name, count in zip(DELAYS, report.parts, strict=True)
    ]
    return ShownDelays(report.customers, _median(report.days), _median(report.visits), lines)


def _median(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}".removesuffix(".0")


class HeatCell(NamedTuple):
    """An hour of a weekday. `shade`: how dark, 0 for nothing."""

    title: str
    payments: int
    shade: int


class HeatRow(NamedTuple):
    """A weekday."""

    name: str
    cells: list[HeatCell]


def show_hours(sums: Iterable[HourSum], currency: str) -> list[HeatRow]:
    """The payments of a week by hours."""
    found = {(one.weekday, one.hour): one for one in sums}
    most = max((one.payments for one in found.values()), default=0)
    return [
        HeatRow(name, [_cell(found.get((day, hour)), name, hour, most, currency) for hour in range(24)])
        for day, name in enumerate(DAYS)
    ]


def _cell(one: HourSum | None, day: str, hour: int, most: int, currency: str) -> HeatCell:
    when = f"{day}, {hour:02d}:00\u2013{hour + 1:02d}:00"
    if one is None:
        return HeatCell(f"{when}: no payments", 0, 0)
    title = f"{when}: {counted(one.payments, 'payment')}, {money_of(one.revenue, currency)}"
    return HeatCell(title, one.payments, -(-SHADES * one.payments // most))


class RecurringLine(NamedTuple):
    """What happened to what recurs, and how much that is a month."""

    name: str
    amount: str
    is_end: bool = False


class ShownRecurring(NamedTuple):
    """What subscriptions bring. Churn is a text, empty if there was nothing to lose."""

    mrr: str
    subscriptions: str
    churn: str
    customer_churn: str
    lines: list[RecurringLine]


def show_recurring(one: RecurringReport, currency: str) -> ShownRecurring | None:
    """The same as a card shows it; None if nobody told of subscriptions."""
    if not one.is_told:
        return None
    changes = (
        ("New", one.new),
        ("Upgraded", one.upgraded),
        ("Downgraded", -one.downgraded),
        ("Ended", -one.lost),
    )
    spelled = money_column((one.began, one.mrr, *(minor for _, minor in changes)), currency)
    return ShownRecurring(
        money_of(one.mrr, currency),
        f"{one.subscriptions:,}",
        _share(one.churn),
        _share(one.customer_churn),
        [
            RecurringLine("At the beginning", spelled(one.began), True),
            *(RecurringLine(name, amount_change(minor, spelled)) for name, minor in changes),
            RecurringLine("At the end", spelled(one.mrr), True),
        ],
    )


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}%"

"""Several websites at once: what came in their last 30 days, day by day, and in the 30 before.

Each counts as if it were asked alone. Websites that share the days of their time zone and a currency share a question.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from footfall.analytics.conditions import MONEY, VISIT
from footfall.analytics.dialects import Dialect
from footfall.analytics.imported import read_imported
from footfall.analytics.pieces import DAY, Pieces
from footfall.analytics.query import Question
from footfall.analytics.ranges import (
    Buckets,
    Compare,
    Period,
    SeriesInterval,
    TimeRange,
    compared_range,
    divide,
    period_range,
)
from footfall.analytics.scene import BoundRates, Composed, Scene
from footfall.analytics.service import Analytics
from footfall.columns.model import number_of
from footfall.db.protocol import Database, Transaction
from footfall.history.totals import NO_DAYS, ImportedTotals, first_imported_days
from footfall.websites.model import Website


class WebsiteSums(NamedTuple):
    """What came to a website in 30 days, and in the 30 before. `days`: visitors of each day; revenue in the minor unit of its currency."""

    days: list[int]
    visitors: int = 0
    visitors_before: int = 0
    revenue: int = 0
    revenue_before: int = 0


class WebsiteGroup(NamedTuple):
    """Websites that have their days and their currency in common."""

    websites: tuple[Website, ...]
    buckets: Buckets
    asked: TimeRange
    compared: TimeRange

    @property
    def numbers(self) -> list[int]:
        """By which the columns know them."""
        return [number_of(one.website_id) for one in self.websites]


def grouped(websites: Iterable[Website], now: int) -> list[WebsiteGroup]:
    """The groups of websites at a time (ms since epoch)."""
    ranges = {zone: _ranges(zone, now) for zone in {one.timezone for one in websites}}
    found: defaultdict[tuple[object, ...], list[Website]] = defaultdict(list)
    for one in websites:
        buckets, asked, compared = ranges[one.timezone]
        times = (asked.since, asked.until, compared.since, compared.until)
        found[*times, buckets.starts, one.currency].append(one)
    return [WebsiteGroup(tuple(some), *ranges[some[0].timezone]) for some in found.values()]


def _ranges(zone: str, now: int) -> tuple[Buckets, TimeRange, TimeRange]:
    asked = period_range(Period.LAST_30D, zone, now, now)
    return divide(asked, SeriesInterval.DAY), asked, compared_range(asked, Compare.PREVIOUS)


class _GroupPieces(Pieces):
    """The pieces of a question about a group."""

    def __init__(
        self,
        group: WebsiteGroup,
        asked: TimeRange,
        buckets: Buckets | None,
        rates: BoundRates,
        dialect: Dialect,
    ) -> None:
        super().__init__(Scene(0, rates=rates, dialect=dialect), Question(range=asked), buckets)
        self._rows = rows_of(group, dialect)
        self.values["websites"] = group.numbers

    def _chosen(self, slot: Sequence[str], columns: str) -> str:
        bucket = self.number("ts") if self._buckets else "0"
        return f"SELECT *, {bucket} AS bucket FROM event_row WHERE {self._rows}"

    def sums(self) -> Composed:
        """Rows of a website's number, a day's number, its visitors, those of them who came first of the range, and revenue."""
        count_if, dialect = self._dialect.count_if, self._dialect
        revenue = dialect.integer("coalesce(sum(minor), 0)")
        return self.composed(
            {
                "seen": f"""
                    SELECT website, bucket, {count_if(self._before("prev_at"))} AS of_day, {count_if("prev_at < $since")} AS of_range
                    FROM chosen WHERE {VISIT} GROUP BY website, bucket""",
                "paid": self.paid(("website",)),
                "earned": f"SELECT website, {revenue} AS revenue FROM paid GROUP BY website",
            },
            """
            SELECT website, bucket, of_day, of_range, 0 AS revenue FROM seen
            UNION ALL SELECT website, 0 AS bucket, 0 AS of_day, 0 AS of_range, revenue FROM earned""",
        )


def rows_of(group: WebsiteGroup, dialect: Dialect) -> str:
    """The condition on rows of a range of these websites."""
    return f"{dialect.one_of('website', '$websites', len(group.websites))} AND ts >= $since AND ts < $until"


def compose_paid_days_of(group: WebsiteGroup, asked: TimeRange, dialect: Dialect) -> Composed:
    """As `compose_paid_days`, of a group."""
    day = dialect.quotient("ts", DAY)
    held = f"{rows_of(group, dialect)} AND {MONEY} AND currency <> $own"
    text = f"SELECT DISTINCT currency, {day} AS day FROM event_row WHERE {held} ORDER BY currency, day"
    own = group.websites[0].currency
    return Composed(text, {"websites": group.numbers, "since": asked.since, "until": asked.until, "own": own})


def compose_group(group: WebsiteGroup, rates: BoundRates, dialect: Dialect) -> tuple[Composed, Composed]:
    """Of the range by day, and of the one before as a whole: the rows of `_GroupPieces.sums`."""
    return (
        _GroupPieces(group, group.asked, group.buckets, rates, dialect).sums(),
        _GroupPieces(group, group.compared, None, rates, dialect).sums(),
    )


class SeveralWebsites:
    """Answers by way of `Analytics`, and raises what that does."""

    def __init__(self, analytics: Analytics, database: Database) -> None:
        self._analytics = analytics
        self._database = database

    async def sums(self, websites: Collection[Website], now: int) -> dict[bytes, WebsiteSums]:
        """By website (id), what came to it at a time (ms since epoch)."""
        found: dict[bytes, WebsiteSums] = {}
        for group in grouped(websites, now):  # one after the other: they are all one question of many
            found |= await self._group(group)
        return found

    async def _group(self, group: WebsiteGroup) -> dict[bytes, WebsiteSums]:
        dialect = self._analytics.dialect
        payer = next((one for one in group.websites if one.has_payments), group.websites[0])
        paid = [compose_paid_days_of(group, one, dialect) for one in (group.asked, group.compared)]
        rates = await self._analytics.bound_rates(payer, paid if payer.has_payments else [])
        now, before = compose_group(group, rates, dialect)
        rows, rows_before, imported = await asyncio.gather(
            self._analytics.rows(now),
            self._analytics.rows(before),
            self._database.scan(_read_imported, group),
        )
        return _read_sums(group, rows, rows_before, imported)


Imported = Mapping[bytes, tuple[Mapping[int, ImportedTotals], ImportedTotals]]
"""By website (id), what imported days add: to the days by their number, and to the range before."""


def _read_imported(tx: Transaction, group: WebsiteGroup) -> Imported:
    ids = [one.website_id for one in group.websites]
    firsts = first_imported_days(tx, ids)
    return {
        one.website_id: (
            read_imported(tx, (one, group.asked, group.buckets)),
            read_imported(tx, (one, group.compared, None)).get(0, NO_DAYS),
        )
        for one, first in zip(group.websites, firsts, strict=True)
        if first is not None
    }


def _read_sums(
    group: WebsiteGroup,
    rows: Sequence[Sequence[Any]],
    rows_before: Sequence[Sequence[Any]],
    imported: Imported,
) -> dict[bytes, WebsiteSums]:
    names = {number_of(one.website_id): one.website_id for one in group.websites}
    found = {one: WebsiteSums([0] * len(group.buckets.starts)) for one in names.values()}
    for number, day, of_day, of_range, revenue in rows:
        one = found[names[number]]
        one.days[day] += of_day
        found[names[number]] = one._replace(visitors=one.visitors + of_range, revenue=one.revenue + revenue)
    for number, _, _, of_range, revenue in rows_before:
        one = found[names[number]]
        found[names[number]] = one._replace(
            visitors_before=one.visitors_before + of_range, revenue_before=one.revenue_before + revenue
        )
    for website_id, (days, before) in imported.items():
        found[website_id] = _with_imported(found[website_id], days, before)
    return found


def _with_imported(
    one: WebsiteSums, days: Mapping[int, ImportedTotals], before: ImportedTotals
) -> WebsiteSums:
    counts = [own + days.get(number, NO_DAYS).visitors for number, own in enumerate(one.days)]
    return one._replace(
        days=counts,
        visitors=one.visitors + sum(day.visitors for day in days.values()),
        visitors_before=one.visitors_before + before.visitors,
    )

"""Answers where revenue comes from and when, who pays, and what recurs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from footfall.analytics.model import Asking
from footfall.analytics.money.compose import (
    compose_customers,
    compose_delays,
    compose_hours,
    compose_sources,
)
from footfall.analytics.money.model import (
    CustomerReport,
    CustomerSum,
    DelayReport,
    HourSum,
    RecurringReport,
    SourceSum,
)
from footfall.analytics.money.rules import delay_report, in_one_currency, recurring_report
from footfall.analytics.query import Question
from footfall.analytics.service import Analytics
from footfall.db.protocol import Database
from footfall.payments.money import Money
from footfall.payments.ratebook import RateBook
from footfall.payments.rates import Rates
from footfall.payments.recurring import Monthly, read_monthly
from footfall.websites.model import Website


class Earnings:
    """Answers by way of `Analytics`, and raises what that does. What recurs is read from the database."""

    def __init__(self, analytics: Analytics, database: Database, rates: RateBook) -> None:
        self._analytics = analytics
        self._database = database
        self._rates = rates

    async def sources(self, asking: Asking, name: str, limit: int) -> list[SourceSum]:
        """The rows of a card that brought most; payments count where the question's attribution says."""
        rows = await self._analytics.rows(compose_sources(asking.scene, asking.question, name, limit))
        return [SourceSum(tuple(row[:-3]), *row[-3:]) for row in rows]

    async def customers(self, asking: Asking, limit: int) -> tuple[CustomerReport, CustomerReport | None]:
        """Who paid; and in the range to compare with."""
        asked = [asking.question, *([asking.compared] if asking.compared else [])]
        found, *others = await asyncio.gather(*(self._customers(asking, one, limit) for one in asked))
        return found, next(iter(others), None)

    async def _customers(self, asking: Asking, question: Question, limit: int) -> CustomerReport:
        rows = await self._analytics.rows(compose_customers(asking.scene, question, limit))
        total, fresh, *_ = rows[0]
        return CustomerReport(total, fresh, [CustomerSum(*row[2:]) for row in rows if row[2] is not None])

    async def delays(self, asking: Asking) -> DelayReport:
        """How long new customers took."""
        rows = await self._analytics.rows(compose_delays(asking.scene, asking.question))
        days, visits = ([(amount, count) for kind, amount, count in rows if kind == what] for what in (0, 1))
        return delay_report(days, visits)

    async def hours(self, asking: Asking) -> list[HourSum]:
        """When payments were made, in the time zone of the range."""
        # On a thread: the first time that decades of a time zone are asked for takes a while.
        composed = await asyncio.to_thread(compose_hours, asking.scene, asking.question)
        return [HourSum(*row) for row in await self._analytics.rows(composed)]

    async def recurring(self, asking: Asking) -> RecurringReport:
        """What subscriptions bring: of the whole website, whatever the filters. All at the rates of the range's last day."""
        website, asked = asking.website, asking.question.range
        rates = await self._rates.rates_for(website)
        times = [asked.since, asked.until, *([asking.compared.range.until] if asking.compared else [])]
        found = [await self._monthly(website, at) for at in times]
        return await asyncio.to_thread(_report, found, website, rates, asked.until - 1)

    async def _monthly(self, website: Website, until: int) -> Monthly:
        asked = (website.website_id, until)
        return await self._database.scan(read_monthly, asked, share=website.website_id)


def _report(found: list[Monthly], website: Website, rates: Rates | None, at: int) -> RecurringReport:
    day = datetime.fromtimestamp(at / 1000, UTC).date()

    def convert(one: Money) -> Money | None:
        if one.currency == website.currency:
            return one
        return rates.convert(one, website.currency, day) if rates else None

    began, ended, *before = (in_one_currency(one, convert) for one in found)
    return recurring_report(began, ended, next(iter(before), None))

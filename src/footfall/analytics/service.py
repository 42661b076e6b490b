"""Answers questions about the numbers: from a query string to what the columns have to say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from footfall.analytics.compared import compose_rows_of_card
from footfall.analytics.compose import (
    MEASURES,
    PLACED,
    TOUCHES,
    BoundRates,
    Composed,
    Scene,
    Whom,
    card_columns,
    compose_card,
    compose_cards,
    compose_overview,
    compose_paid_days,
    compose_series,
)
from footfall.analytics.dialects import DUCKDB, Dialect
from footfall.analytics.dimensions import CARDS, Counted
from footfall.analytics.funnel_parts import read_funnel_parts
from footfall.analytics.imported import add_imported, read_imported, read_imported_since, takes_imported
from footfall.analytics.listed import Looking, compose_listed
from footfall.analytics.model import (
    NOTHING,
    Asking,
    CardPage,
    CardRow,
    Measures,
    Overview,
    Series,
    SeriesPart,
)
from footfall.analytics.passing import FunnelPart
from footfall.analytics.people import read_whom
from footfall.analytics.query import Question, read_question
from footfall.analytics.ranges import (
    Buckets,
    Period,
    SeriesInterval,
    TimeRange,
    compared_range,
    divide,
    is_one_day,
)
from footfall.analytics.scene import ADDITIVE, needed_measures, tells_money
from footfall.columns.client import ColumnsClient
from footfall.columns.model import number_of
from footfall.db.protocol import Database
from footfall.errors import Unavailable
from footfall.history.totals import NO_DAYS, ImportedTotals
from footfall.payments.ratebook import RateBook
from footfall.payments.rates import Rates
from footfall.websites.model import Website

_EARLIEST = "SELECT ts FROM event_row WHERE website = $website ORDER BY ts LIMIT 1"

BUILDING_SECONDS = 5
"""After which to ask again while the columns are made for the first time."""
_EPOCH = date(1970, 1, 1)
Pairs = Sequence[tuple[str, str]]


class Analytics:
    """Answers from the columns, of websites and people in a database. Its methods raise Unavailable while there are no columns, and
    BadRequest when a question takes too long or too much memory. Who is cancelled meanwhile cancels the queries."""

    def __init__(
        self, database: Database, columns: ColumnsClient, rates: RateBook, dialect: Dialect = DUCKDB
    ) -> None:
        """`dialect`: of the engine that holds the columns."""
        self.dialect = dialect
        self._database = database
        self._columns = columns
        self._rates = rates

    # From a query string to a question

    async def prepare(
        self,
        website: Website,
        pairs: Pairs,
        now: int,
        default: Period = Period.ALL,
        has_money: bool | None = None,
    ) -> Asking:
        """What a query string asks of a website, with people found and rates bound: `read` and `bind` in one."""
        return await self.bind(website, await self.read(website, pairs, now, default), has_money)

    async def read(self, website: Website, pairs: Pairs, now: int, default: Period = Period.ALL) -> Question:
        """The question of a query string. `default`: the range when none is named. Raises BadRequest."""
        earliest = await self._earliest(website) if _needs_earliest(dict(pairs), default) else now
        return read_question(pairs, website.timezone, now, earliest, default)

    async def bind(self, website: Website, question: Question, has_money: bool | None = None) -> Asking:
        """A question of a website, with people found and rates bound. `has_money`: whether the answer tells of amounts; None: if its fields do."""
        compared = None
        if question.compare:
            range_ = compared_range(question.range, question.compare)
            compared = msgspec.structs.replace(question, range=range_, compare=None)
        is_paid = tells_money(question.fields) if has_money is None else has_money
        ranges = [one.range for one in (question, compared) if one and is_paid]
        people, funnels, rates = await asyncio.gather(
            self._whom(website, question), self._funnels(website, question), self._bound(website, ranges)
        )
        scene = Scene(
            number_of(website.website_id),
            people,
            rates,
            question.attribution,
            question.revenue_as,
            self.dialect,
            funnels,
        )
        return Asking(website, question, scene, compared)

    async def _earliest(self, website: Website) -> int:
        """When the website's data begin (ms since epoch)."""
        asked = Composed(_EARLIEST, {"website": number_of(website.website_id)})
        rows, imported = await asyncio.gather(
            self.rows(asked), self._database.read(read_imported_since, website)
        )
        own = int(rows[0][0]) if rows else website.created_at
        return own if imported is None else min(own, imported)

    async def _whom(self, website: Website, question: Question) -> tuple[Whom, ...]:
        """The people whom its conditions on people keep or exclude."""
        named = [one for one in question.conditions if one.name == "person"]
        if not named and not question.traits:
            return ()
        asked = (website, question.traits, named)
        return await self._database.scan(read_whom, asked, share=website.website_id)

    async def _funnels(self, website: Website, question: Question) -> Sequence[FunnelPart]:
        """The parts of funnels that its conditions name."""
        named = [one for one in question.conditions if one.name == "funnel"]
        if not named:
            return ()
        asked = (website.website_id, named)
        return await self._database.scan(read_funnel_parts, asked, share=website.website_id)

    async def _bound(self, website: Website, ranges: Sequence[TimeRange]) -> BoundRates:
        """The rates for all that was paid in the ranges."""
        own = BoundRates(own=website.currency)
        scene = Scene(number_of(website.website_id), rates=own, dialect=self.dialect)
        return await self.bound_rates(website, [compose_paid_days(scene, one) for one in ranges])

    async def bound_rates(self, website: Website, asked: Sequence[Composed]) -> BoundRates:
        """The rates into a website's currency for all currencies and days (days since epoch) that these queries tell."""
        own = BoundRates(own=website.currency)
        if not asked or (rates := await self._rates.rates_for(website)) is None:
            return own
        found = await asyncio.gather(*map(self.rows, asked))
        paid = {(currency, day) for rows in found for currency, day in rows}
        # On a thread: decades of days in many currencies take a second.
        return await asyncio.to_thread(_factors, rates, own, sorted(paid)) if paid else own

    # Answers

    async def rows(self, composed: Composed) -> list[list[Any]]:
        """The rows of a query."""
        try:
            return await self._columns.ask(composed.text, composed.values)  # type: ignore[arg-type]
        except Unavailable as error:
            raise await self._being_built() or error from None

    async def _being_built(self) -> Unavailable | None:
        """How far columns are that are being made for the first time; None if that is not why there are none."""
        try:
            made = (await self._columns.health()).made
        except Unavailable:
            return None
        if made is None:
            return None
        error = Unavailable(
            f"Analytics are being built: {made} visitors are done. Events are taken as usual; try again in {BUILDING_SECONDS} s."
        )
        error.retry_after = BUILDING_SECONDS
        return error

    async def overview(self, asking: Asking) -> Overview:
        """The whole range in one."""
        return Overview(*await asyncio.gather(*(self._totals(asking, one) for one in asking.questions)))

    async def _totals(self, asking: Asking, question: Question) -> Measures:
        rows, imported = await asyncio.gather(
            self.rows(compose_overview(asking.scene, question)), self._imported(asking, question)
        )
        own = measures(MEASURES, rows[0]) if rows else NOTHING
        return add_imported(own, imported.get(0, NO_DAYS))

    async def _imported(
        self, asking: Asking, question: Question, buckets: Buckets | None = None
    ) -> dict[int, ImportedTotals]:
        """What imported days add, by the number of the part; without parts, under 0."""
        if not takes_imported(question):
            return {}
        since = await self._database.read(read_imported_since, asking.website)
        if since is None or since >= question.range.until:
            return {}
        asked = (asking.website, question.range, buckets)
        return await self._database.scan(read_imported, asked, share=asking.website.website_id)

    async def series(self, asking: Asking, interval: SeriesInterval) -> Series:
        """The range in parts of an interval, of hours if it is a day. Raises BadRequest if they are too many."""
        if is_one_day(asking.question.range):
            interval = SeriesInterval.HOUR
        # On a thread: thousands of parts take a while.
        dividing = (asyncio.to_thread(divide, one.range, interval) for one in asking.questions)
        divided = await asyncio.gather(*dividing)
        counting = [self._divided(asking, *one) for one in zip(asking.questions, divided, strict=True)]
        totals, counted = zip(*await asyncio.gather(*counting), strict=True)
        parts = [
            SeriesPart(
                start, counted[0].get(number, NOTHING), *(found.get(number, NOTHING) for found in counted[1:])
            )
            for number, start in enumerate(divided[0].starts)
        ]
        return Series(divided[0], Overview(*totals), parts)

    async def _divided(
        self, asking: Asking, question: Question, buckets: Buckets
    ) -> tuple[Measures, dict[int, Measures]]:
        """The whole range, and by the number of a part what was counted in it, if anything was."""
        is_sum = needed_measures(question.fields) <= ADDITIVE
        rows, imported, whole = await asyncio.gather(
            self.rows(compose_series(asking.scene, question, buckets)),
            self._imported(asking, question, buckets),
            self._imported(asking, question) if is_sum else self._totals(asking, question),
        )
        own = {number: measures(MEASURES, counts) for number, *counts in rows}
        more = {number: add_imported(own.get(number, NOTHING), days) for number, days in imported.items()}
        total = (
            whole if isinstance(whole, Measures) else add_imported(_sum(own.values()), whole.get(0, NO_DAYS))
        )
        return total, own | more

    async def cards(self, asking: Asking, names: Sequence[str]) -> list[CardPage]:
        """The first rows of several cards of visitors, found at once. Their names are some of CARDS."""
        columns = card_columns(names)
        found: list[CardPage] = [CardPage(name, 0, []) for name in names]
        for number, total, *row in await self.rows(compose_cards(asking.scene, asking.question, names)):
            name = names[number]
            keys = dict(zip(columns, row, strict=False))
            counts = measures(PLACED, row[len(columns) :])
            one = CardRow(tuple(keys[column] for column in CARDS[name].columns), counts)
            found[number] = found[number]._replace(total=total, rows=[*found[number].rows, one])
        return found

    async def card(self, asking: Asking, name: str) -> CardPage:
        """The rows of one of CARDS that the question's limit and offset tell."""
        page = _card_page(name, await self.rows(compose_card(asking.scene, asking.question, name)))
        rows = page.rows
        if asking.compared and rows:
            others = await self.rows(
                compose_rows_of_card(asking.scene, asking.compared, name, [one.keys for one in rows])
            )
            before = {one.keys: one.measures for one in (_card_row(name, row[1:]) for row in others)}
            rows = [row._replace(compared=before.get(row.keys, NOTHING)) for row in rows]
        return page._replace(rows=rows)

    async def listed(self, asking: Asking, name: str, looking: Looking) -> CardPage:
        """The same of those rows that are looked for."""
        return _card_page(name, await self.rows(compose_listed(asking.scene, asking.question, name, looking)))


def _card_page(name: str, found: Sequence[Sequence[Any]]) -> CardPage:
    total = found[0][0] if found else 0
    return CardPage(name, total, [_card_row(name, row[1:]) for row in found if row[-1] is not None])


def _card_row(name: str, row: Sequence[Any]) -> CardRow:
    card = CARDS[name]
    width = len(card.columns)
    names = PLACED if card.counted is Counted.VISITORS else TOUCHES
    return CardRow(tuple(row[:width]), measures(names, row[width:]))


def measures(names: Sequence[str], values: Sequence[int]) -> Measures:
    """Counts by their names in the order of a query."""
    return Measures(**dict(zip(names, values, strict=True)))


def _sum(parts: Iterable[Measures]) -> Measures:
    """What parts of a range come to, in what is ADDITIVE."""
    found = list(parts)
    return Measures(**{name: sum(getattr(one, name) for one in found) for name in ADDITIVE})


def _factors(rates: Rates, own: BoundRates, paid: Iterable[tuple[str, int]]) -> BoundRates:
    """The rates for currencies and days (days since epoch), as far as there are any."""
    found = [
        (currency, day, factor)
        for currency, day in paid
        if (factor := rates.factor(currency, own.own, _EPOCH + timedelta(days=day)))
    ]
    currencies, days, factors = zip(*found, strict=True) if found else ((), (), ())
    return BoundRates(currencies, days, factors, own.own)


def _needs_earliest(query: dict[str, str], default: Period) -> bool:
    """Whether all time is asked for."""
    if query.get("startAt") or query.get("endAt"):
        return False
    return (query.get("period") or default) == Period.ALL

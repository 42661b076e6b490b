"""A website to which a story happened, with another way to count what its analytics tell."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from footfall.analytics.compose import BoundRates, Scene, Whom
from footfall.analytics.dimensions import CARDS
from footfall.analytics.model import CardPage
from footfall.analytics.query import Question, read_question
from footfall.analytics.ranges import SeriesInterval, divide
from footfall.analytics.service import Analytics
from footfall.analytics.wire import CARD_FORMS
from footfall.payments.ratebook import RateBook
from footfall.payments.rates import load_rates
from footfall.websites.model import Website
from footfall.websites.store import read_websites
from tests.support.counting import Counting
from tests.support.happening import Happening
from tests.support.reference import NOTHING, Reference
from tests.support.sites import Site
from tests.support.stories import WEBSITE, Entry

DAY = 86_400_000


class Told(NamedTuple):
    """A website to which a story happened, and who counts it another way."""

    numbers: Counting
    site: Site
    entries: list[Entry]
    people: dict[str, int]
    now: int
    """When the story ends (ms since epoch)."""

    def question(self, text: str) -> Question:
        return read_question(
            parse_qsl(text), "Europe/Berlin", self.now, min(one.deed.at for one in self.entries)
        )

    def reference(self, question: Question) -> Reference:
        whom = [
            Whom([self.people["pro" if "pro" in one.values else "free"]], one.operator == "is_not")
            for one in question.traits
        ]
        scene = Scene(WEBSITE, whom, rates_of(self.entries), question.attribution)
        return Reference(self.entries, scene)

    def check(self, text: str) -> None:
        """Overview, series and cards are what a count over the story gives, for the filters and the range of a query string."""
        self.numbers.clock.now = self.now
        question = self.question(text)
        reference = self.reference(question)
        (overview,) = self.ask("overview", text)["data"]
        assert counted(overview) == expected(reference.overview(question))
        series = self.ask(
            "timeseries",
            f"{text}&interval=day&limit=1000" + ("" if "At=" in text or "period" in text else "&period=all"),
        )
        buckets = divide(question.range, SeriesInterval.DAY)
        found = reference.series(question, buckets)
        assert [counted(row) for row in series["data"]] == [
            expected(found.get(number, NOTHING)) for number in range(len(buckets.starts))
        ]
        assert counted(series["totals"]) == counted(overview)
        for name in CARDS:
            rows, form = self.ask(name, f"{text}&limit=1000")["data"], CARD_FORMS[name]
            shown = {
                str(form.about(keys)): expected(counts, form.times)
                for keys, counts in reference.card(question, name).items()
            }
            about = form.about((None,) * len(CARDS[name].columns)).keys()
            assert {
                str({key: row[key] for key in about}): counted(row, form.times) for row in rows
            } == shown, name

    def cards(self, text: str, names: list[str]) -> tuple[list[CardPage], list[CardPage]]:
        """Some cards as the service tells them, asked for at once, and one by one."""
        database: Any = None  # no conditions on people
        analytics = Analytics(database, self.numbers.columns.client, RateBook(None))

        async def ask() -> tuple[list[CardPage], list[CardPage]]:
            asking = await analytics.bind(self.website(), self.question(text))
            return await analytics.cards(asking, names), [
                await analytics.card(asking, name) for name in names
            ]

        return asyncio.run(ask())

    def website(self) -> Website:
        """The website as it is stored."""
        return self.site.place.snapshot(read_websites)[bytes.fromhex(self.site.website_id)]

    def ask(self, path: str, text: str = "") -> Any:
        response = self.site.call("GET", f"/api/v1/analytics/{path}?{text}")
        assert response.status_code == 200, response.text
        return response.json()


def rates_of(entries: list[Entry]) -> BoundRates:
    rates = load_rates()
    paid = sorted({(one.deed.currency, one.deed.at // DAY) for one in entries if one.deed.currency})
    days = [date(1970, 1, 1) + timedelta(days=day) for _, day in paid]
    factors = [
        rates.factor(currency or "", "EUR", day) or 0.0 for (currency, _), day in zip(paid, days, strict=True)
    ]
    return BoundRates([one[0] or "" for one in paid], [one[1] for one in paid], factors)


COUNTED = ("visitors", "people", "new_visitors", "sessions", "pageviews", "payments")


def counted(row: dict[str, Any], times: str = "") -> dict[str, Any]:
    names = (*COUNTED, times)
    return {name: row[name] for name in names if name in row} | {"revenue": round(100 * row["revenue"])}


def expected(counts: dict[str, int], times: str = "") -> dict[str, Any]:
    revenue = counts["revenue_new"] + counts["revenue_renewal"] + counts["refunds"]
    shown = {times if name == "times" else name: count for name, count in counts.items()}
    return {name: shown[name] for name in (*COUNTED, times) if name in shown} | {"revenue": revenue}


def tell(numbers: Counting) -> Told:
    """A new website, and what happened to it from `TODAY` on."""
    happening = Happening(numbers, numbers.site())
    happening.happen()
    numbers.columns.catch_up()
    return Told(numbers, happening.site, happening.story().entries(), happening.people(), numbers.clock.now)

"""Analytics over HTTP: what happened to a website is what its routes tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import pytest

from footfall.analytics.compose import BoundRates, Scene, Whom
from footfall.analytics.dimensions import CARDS
from footfall.analytics.query import Question, read_question
from footfall.analytics.ranges import SeriesInterval, divide
from footfall.analytics.wire import CARD_FORMS
from footfall.payments.rates import load_rates
from tests.support.counting import TODAY, Counting
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

    def question(self, text: str) -> Question:
        return read_question(
            parse_qsl(text), "Europe/Berlin", self.numbers.clock.now, min(one.deed.at for one in self.entries)
        )

    def reference(self, question: Question) -> Reference:
        whom = [
            Whom([self.people["pro" if "pro" in one.values else "free"]], one.operator == "is_not")
            for one in question.traits
        ]
        scene = Scene(WEBSITE, whom, rates_of(self.entries), question.attribution)
        return Reference(self.entries, scene)

    def ask(self, path: str, text: str = "") -> Any:
        return self.numbers.ask(self.site, path, **dict(parse_qsl(text)))


def rates_of(entries: list[Entry]) -> BoundRates:
    rates = load_rates()
    paid = sorted({(one.deed.currency, one.deed.at // DAY) for one in entries if one.deed.currency})
    days = [date(1970, 1, 1) + timedelta(days=day) for _, day in paid]
    factors = [
        rates.factor(currency or "", "EUR", day) or 0.0 for (currency, _), day in zip(paid, days, strict=True)
    ]
    return BoundRates([one[0] or "" for one in paid], [one[1] for one in paid], factors)


@pytest.fixture(scope="module")
def told(numbers: Counting) -> Iterator[Told]:
    site = numbers.site()
    numbers.clock.now = TODAY
    happening = Happening(numbers, site)
    happening.happen()
    numbers.columns.catch_up()
    people = happening.people()
    yield Told(numbers, site, happening.story().entries(), people)
    numbers.clock.now = TODAY


QUESTIONS = [
    "",
    "startAt=2026-05-06&endAt=2026-05-09",
    "startAt=2026-05-06T10:00:00Z&endAt=2026-05-09T02:30:00Z&timezone=America/New_York",
    "period=last7d",
    "filter_page=/pricing&startAt=2026-05-06&endAt=2026-05-12",
    "page=contains:blog",
    "filter_browser=is_not:Chrome",
    "referrer=Direct/None",
    "filter_utm_source=news",
    "filter_goal=signup",
    "filter_new=false&startAt=2026-05-07&endAt=2026-05-12",
    "filter_visit_count=gte:3",
    "filter_trait.plan=pro",
    "filter_trait.plan=is_not:pro&startAt=2026-05-06&endAt=2026-05-12",
    "attribution=first",
]


COUNTED = ("visitors", "people", "new_visitors", "sessions", "pageviews", "payments")


def counted(row: dict[str, Any], times: str = "") -> dict[str, Any]:
    names = (*COUNTED, times)
    return {name: row[name] for name in names if name in row} | {"revenue": round(100 * row["revenue"])}


def expected(counts: dict[str, int], times: str = "") -> dict[str, Any]:
    revenue = counts["revenue_new"] + counts["revenue_renewal"] + counts["refunds"]
    shown = {times if name == "times" else name: count for name, count in counts.items()}
    return {name: shown[name] for name in (*COUNTED, times) if name in shown} | {"revenue": revenue}


@pytest.mark.parametrize("text", QUESTIONS)
def test_overview_series_and_cards_are_what_a_count_over_the_story_gives(told: Told, text: str) -> None:
    question = told.question(text)
    reference = told.reference(question)
    (overview,) = told.ask("overview", text)["data"]
    assert counted(overview) == expected(reference.overview(question))
    series = told.ask(
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
        rows, form = told.ask(name, f"{text}&limit=1000")["data"], CARD_FORMS[name]
        shown = {
            str(form.about(keys)): expected(counts, form.times)
            for keys, counts in reference.card(question, name).items()
        }
        about = form.about((None,) * len(CARDS[name].columns)).keys()
        assert {str({key: row[key] for key in about}): counted(row, form.times) for row in rows} == shown, (
            name
        )

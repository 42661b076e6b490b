"""What questions about the numbers are answered with. Pure."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from footfall.analytics.compose import Scene
from footfall.analytics.query import Question
from footfall.analytics.ranges import Buckets
from footfall.websites.model import Website


class Asking(msgspec.Struct, frozen=True):
    """A question of a website, with all that composing takes. `compared`: the same question about the range to compare with."""

    website: Website
    question: Question
    scene: Scene
    compared: Question | None = None

    @property
    def questions(self) -> list[Question]:
        """The question, and the one to compare with."""
        return [self.question, *([self.compared] if self.compared else [])]


class Measures(msgspec.Struct, frozen=True):
    """What was counted; what a question does not count is 0. See `compose.MEASURES`; `times` see `compose.TOUCHES`.

    Time in ms, money in the minor unit of the website's currency; refunds are below zero.
    """

    visitors: int = 0
    people: int = 0
    new_visitors: int = 0
    sessions: int = 0
    begun: int = 0
    bounces: int = 0
    pageviews: int = 0
    time: int = 0
    payers: int = 0
    payments: int = 0
    revenue_new: int = 0
    revenue_renewal: int = 0
    refunds: int = 0
    times: int = 0
    imported: int = 0
    """Those of the visitors of whom only the number is known: see `analytics.imported`."""

    @property
    def known_visitors(self) -> int:
        """Of whom it is known whether they were new, and what they paid."""
        return self.visitors - self.imported

    @property
    def revenue(self) -> int:
        """What was paid, less what was paid back."""
        return self.revenue_new + self.revenue_renewal + self.refunds


NOTHING = Measures()


class Overview(NamedTuple):
    """The whole range in one; `compared`: the range it is compared with."""

    measures: Measures
    compared: Measures | None = None


class SeriesPart(NamedTuple):
    """A part of a series, which begins at `start` (ms since epoch); `compared`: the part of the other range in the same place."""

    start: int
    measures: Measures
    compared: Measures | None = None


class Series(NamedTuple):
    """A range in parts, all of them, oldest first. Visitors of parts do not add up to the totals."""

    buckets: Buckets
    totals: Overview
    parts: list[SeriesPart]


Keys = tuple[str | None, ...]
"""What a row of a card is about, in the columns of `dimensions.Card`."""


class CardRow(NamedTuple):
    """A row of a card; `compared`: the same of the other range."""

    keys: Keys
    measures: Measures
    compared: Measures | None = None


class CardPage(NamedTuple):
    """Some rows of a card, most visitors first, and how many there are in all."""

    name: str
    total: int
    rows: list[CardRow]

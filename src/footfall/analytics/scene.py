"""What questions are asked of, and what is counted: the words that composing and answering share. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from footfall.analytics.conditions import Whom
from footfall.analytics.dialects import DUCKDB, Dialect
from footfall.analytics.dimensions import CARDS, Attribution, RevenueAs
from footfall.analytics.passing import FunnelPart


class Composed(NamedTuple):
    """A query, and what is bound in it."""

    text: str
    values: dict[str, object]


class BoundRates(NamedTuple):
    """What an amount in a currency's minor unit has to be multiplied with, by the UTC days on which it was paid (days since epoch).

    `own`: the website's currency, in which amounts stay as they are.
    """

    currencies: Sequence[str] = ()
    days: Sequence[int] = ()
    factors: Sequence[float] = ()
    own: str = ""


class Scene(NamedTuple):
    """What a question is asked of. `website`: its number; `people`, `funnels`: what its conditions on these came to; `dialect`: the engine's
    that is asked."""

    website: int
    people: Sequence[Whom] = ()
    rates: BoundRates = BoundRates()
    attribution: Attribution = Attribution.LAST
    revenue_as: RevenueAs = RevenueAs.NOW
    dialect: Dialect = DUCKDB
    funnels: Sequence[FunnelPart] = ()


MONEYS = ("payments", "revenue_new", "revenue_renewal", "refunds")
_VISITS = ("sessions", "begun", "bounces", "pageviews", "time")
PLACED = ("visitors", "people", "new_visitors", "payers", *MONEYS)
"""What cards of visitors say."""
ADDITIVE = frozenset(("pageviews", "time", *MONEYS))
"""Those of MEASURES that are for a whole range what they come to in its parts."""
MEASURES = ("visitors", "people", "new_visitors", *_VISITS, "payers", *MONEYS)
"""What overview and series say, in this order: time in ms, money in the minor unit of the website's currency.

begun: sessions that began in the range; bounces: those of them with just one pageview.
"""
TOUCHES = ("visitors", "people", "times", *MONEYS)
"""What cards of pages, links and goals say. times: views, exits, clicks, completions. Money is that of their visitors in the range."""
NEEDED: Mapping[str, Sequence[str]] = {
    **{name: (name,) for name in ("visitors", "people", "new_visitors", "pageviews", "sessions", "payments")},
    "returning_visitors": ("visitors", "new_visitors"),
    "bounce_rate": ("begun", "bounces"),
    "avg_session_duration": ("time", "sessions"),
    "revenue": MONEYS,
    "revenue_per_visitor": ("visitors", *MONEYS),
    "conversion_rate": ("visitors", "payers"),
}
"""By field, those of MEASURES that it tells of."""


def needed_measures(fields: Iterable[str]) -> set[str]:
    """Those of MEASURES that fields tell of; all of them for none."""
    return {name for field in fields for name in NEEDED.get(field, ())} or set(MEASURES)


def tells_money(fields: Sequence[str]) -> bool:
    """Whether fields tell of amounts. None are as all of them."""
    return not fields or not {"revenue", "revenue_per_visitor"}.isdisjoint(fields)


def card_columns(names: Iterable[str]) -> tuple[str, ...]:
    """The columns of several cards, each once."""
    return tuple(dict.fromkeys(column for name in names for column in CARDS[name].columns))

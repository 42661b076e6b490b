"""What a visitor is judged by, and how likely they are to pay. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from math import tanh

import msgspec

from footfall.payments.money import Money

Sign = tuple[str, str]
"""In what visitors are alike: a kind and a value, such as ("country", "DE")."""
COUNTRY, DEVICE, SOURCE, PAGE = "country", "device", "source", "page"
KINDS = (COUNTRY, DEVICE, SOURCE, PAGE)
DIRECT = "direct"
"""The source of a visitor without any."""
PAGES_FROM = 200
"""The newest events of a visitor from which the pages are taken."""
MOST_MADE = 4096
"""Predictions that are remembered."""


class Weight(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What something adds to the log odds of paying, and how much history that rests on, 0 to 1."""

    log_odds: float
    certainty: float


Best = tuple[Weight | None, ...]
"""What says most for paying, for each of the kinds; None where nothing is known."""


class Correction(msgspec.Struct, frozen=True, gc=False):
    """Where predictions had these log odds, what has to be added to them."""

    log_odds: float
    shift: float


class Model(msgspec.Struct, frozen=True):
    """What the history of a website says. `rate`: the share of visitors who paid; `value`: what one who paid is worth, on average.

    `base`: the log odds of a visitor of whom nothing is known; `corrections`: what is added to log odds, by log odds, in ascending order.
    `weights`: by kind and value, for all kinds; `made`: predictions that were made already.
    """

    visitors: int
    customers: int
    rate: float
    value: Money
    base: Weight
    weights: dict[str, dict[str, Weight]]
    corrections: tuple[Correction, ...] = ()
    made: dict[Best, Prediction] = {}


class Prediction(msgspec.Struct, frozen=True, eq=False):
    """`rate`: the probability that a visitor becomes a customer; `site_rate`: that of all; `expected`: what the visitor is worth by that.

    `confidence`: how much history it rests on, 0 to 1. `score`: 0 to 100; 50 is like all, 75 three times as likely.
    """

    rate: float
    site_rate: float
    expected: Money
    confidence: float
    score: int


def signs_of(country: str | None, device: str | None, source: str | None, pages: Iterable[str]) -> set[Sign]:
    """The signs of a visitor. `country`: its code; `device`: its kind; `source`: where the first visit came from; `pages`: addresses."""
    signs: set[Sign] = {(PAGE, page) for page in pages}
    signs.add((SOURCE, source.lower() if source else DIRECT))
    if country:
        signs.add((COUNTRY, country))
    if device:
        signs.add((DEVICE, device))
    return signs


def predict_by(model: Model, signs: Iterable[Sign]) -> Prediction:
    """How likely somebody with these signs is to become a customer."""
    found: dict[str, list[Weight]] = {kind: [] for kind in KINDS}
    for kind, value in signs:
        if (weight := model.weights[kind].get(value)) is not None:
            found[kind].append(weight)
    return predict(model, tuple(max(found[kind], key=_log_odds, default=None) for kind in KINDS))


def predict(model: Model, best: Best) -> Prediction:
    """The same by what says most for it of each kind."""
    made = model.made.get(best)
    if made is None:
        if len(model.made) >= MOST_MADE:
            model.made.clear()
        made = model.made[best] = _predict(model, [weight for weight in best if weight is not None])
    return made


def _predict(model: Model, weights: list[Weight]) -> Prediction:
    log_odds = model.base.log_odds + sum(weight.log_odds for weight in weights)
    rate = probability(log_odds + shift_at(model.corrections, log_odds))
    certainty = model.base.certainty + sum(weight.certainty for weight in weights)
    return Prediction(
        rate,
        model.rate,
        Money(round(rate * model.value.minor), model.value.currency),
        certainty / (1 + len(KINDS)),
        round(100 * rate / (rate + model.rate)),
    )


def shift_at(corrections: Sequence[Correction], log_odds: float) -> float:
    """What is to be added to log odds: between two corrections on a straight line, beyond them the nearest."""
    if not corrections:
        return 0.0
    behind = bisect_right(corrections, log_odds, key=_log_odds)
    low, high = corrections[max(behind - 1, 0)], corrections[min(behind, len(corrections) - 1)]
    if low is high:
        return low.shift
    return low.shift + (high.shift - low.shift) * (log_odds - low.log_odds) / (high.log_odds - low.log_odds)


def _log_odds(one: Correction | Weight) -> float:
    return one.log_odds


def probability(log_odds: float) -> float:
    """Between 0 and 1, whatever the log odds."""
    return (1 + tanh(log_odds / 2)) / 2

"""From the history of a website to what it says. Pure.

What each sign says is counted: how many customers came with it, against how many were to be expected of so many visitors. A logistic regression
on these then learns how much each kind of sign is worth, and where its predictions still come out too high or too low, they are corrected. See docs/prediction.md for why, and for how well it is calibrated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import log, sqrt
from operator import itemgetter, mul

import msgspec

from footfall.payments.money import Money
from footfall.predictions.model import KINDS, Correction, Model, Sign, Weight, probability

EVIDENCE = 2.0
"""Customers who are added to those who came with a sign, and to those expected: a sign of few visitors says little."""
HALF_CERTAIN = 10.0
"""From so many expected customers on, history decides more than half of what a sign says."""
NOBODY = (50, 0.5)
"""Visitors without any sign, and customers among them, who are added to the history, so that the first customer is not taken for a rule."""
LEAST_VISITORS = 5
"""Whatever fewer visitors have in common says little, and might tell who they are."""
MOST_VALUES = 1000
"""Values of a kind that are told apart, those that most visitors have."""
TRUST = 4.0
"""How firmly the worth of a kind is held at 1, which is what it says taken at its word: one over the variance that is assumed."""
MOST_STEPS, LONGEST_STEP, ENOUGH = 30, 1.0, 1e-5
"""Newton's steps: how many at most, how far a number moves in one, and below which it has arrived."""


IN_GROUP, MOST_GROUPS = 6.0, 10
"""Predictions are corrected in groups of so many expected customers at least, of which there are so many at most."""


class Past(msgspec.Struct, frozen=True):
    """A visitor of the past. `paid`: what they paid in all, in the minor unit of the website's currency; None: they did not become a customer.

    `signs`: from before they paid.
    """

    signs: frozenset[Sign]
    paid: int | None


class Tally(msgspec.Struct, frozen=True):
    """How many visitors have a sign, and how many of them paid."""

    visitors: int
    customers: int

    def log_ratio(self, rate: float, *, without: Past | None = None) -> float:
        """What the sign says for paying, where `rate` of all pay; as it would be without one of those who have it."""
        visitors = self.visitors - (without is not None)
        customers = self.customers - (without is not None and without.paid is not None)
        return log((customers + EVIDENCE) / (visitors * rate + EVIDENCE))


class Alike(msgspec.Struct, frozen=True):
    """Visitors of whom their signs say the same: 1, and then for each kind how much; how many there are, and how many of them paid."""

    said: tuple[float, ...]
    visitors: float
    customers: float


def fit(history: Sequence[Past], currency: str) -> Model | None:
    """What a history says; None without a customer."""
    paid = [past.paid for past in history if past.paid is not None]
    if not paid:
        return None
    rate = (len(paid) + NOBODY[1]) / (len(history) + NOBODY[0])
    tallies = _count(history)
    alike = _alike(history, tallies, rate)
    base, *worth = found = fit_worth(alike, log(rate / (1 - rate)))
    value = Money(max(round(sum(paid) / len(paid)), 0), currency)
    weights: dict[str, dict[str, Weight]] = {kind: {} for kind in KINDS}
    for (kind, named), tally in tallies.items():
        log_odds = max(worth[KINDS.index(kind)], 0) * tally.log_ratio(rate)
        weights[kind][named] = Weight(log_odds, _certainty(tally.visitors * rate))
    base_weight = Weight(base, _certainty(len(paid)))
    return Model(len(history), len(paid), rate, value, base_weight, weights, correct(alike, found))


def _certainty(expected: float) -> float:
    return expected / (expected + HALF_CERTAIN)


def _count(history: Sequence[Past]) -> dict[Sign, Tally]:
    """The signs that are told apart."""
    visitors = Counter(sign for past in history for sign in past.signs)
    customers = Counter(sign for past in history if past.paid is not None for sign in past.signs)
    kept: list[Sign] = []
    for kind in KINDS:
        many = [(-n, sign) for sign, n in visitors.items() if sign[0] == kind and n >= LEAST_VISITORS]
        kept += [sign for _, sign in sorted(many)[:MOST_VALUES]]
    return {sign: Tally(visitors[sign], customers[sign]) for sign in kept}


def _alike(history: Iterable[Past], tallies: dict[Sign, Tally], rate: float) -> list[Alike]:
    """The history as its signs tell it. What a visitor's signs say is taken from all others, so that nobody foretells themselves."""
    visitors: Counter[tuple[float, ...]] = Counter()
    customers: Counter[tuple[float, ...]] = Counter()
    for past in history:
        told = [
            (sign[0], tallies[sign].log_ratio(rate, without=past)) for sign in past.signs if sign in tallies
        ]
        said = (1.0, *(max((ratio for one, ratio in told if one == kind), default=0.0) for kind in KINDS))
        visitors[said] += 1
        customers[said] += past.paid is not None
    nothing = (1.0, *([0.0] * len(KINDS)))
    return [Alike(nothing, *NOBODY), *(Alike(said, n, customers[said]) for said, n in visitors.items())]


def fit_worth(history: Sequence[Alike], start: float) -> list[float]:
    """The log odds of everybody, beginning with `start`, and what each kind of sign is worth: as they make what happened likeliest."""
    found = [start, *([1.0] * len(KINDS))]
    for _ in range(MOST_STEPS):
        step = solve(*_derivatives(history, found))
        longest = max(map(abs, step))
        scale = min(1.0, LONGEST_STEP / max(longest, ENOUGH))
        found = [one + scale * by for one, by in zip(found, step, strict=True)]
        if longest < ENOUGH:
            break
    return found


def _derivatives(history: Iterable[Alike], found: Sequence[float]) -> tuple[list[list[float]], list[float]]:
    """Of the log likelihood: the lower half of the second, turned positive, and the first."""
    slope = [0.0, *(-TRUST * (worth - 1) for worth in found[1:])]
    curve = [[0.0] * place + [TRUST if place else 0.0] for place in range(len(found))]
    for one in history:
        rate = probability(sum(map(mul, found, one.said)))
        missing, bend = one.customers - one.visitors * rate, one.visitors * rate * (1 - rate)
        for place, said in enumerate(one.said):
            slope[place] += missing * said
            line = curve[place]
            for other in range(place + 1):
                line[other] += bend * said * one.said[other]
    return curve, slope


class Similar(msgspec.Struct, frozen=True):
    """Visitors of similar prediction: how many were to pay and did, and the mean of their log odds, of those who were to pay."""

    expected: float
    customers: float
    log_odds: float

    @property
    def factor(self) -> float:
        """How many times as many paid, held near 1 where few were to."""
        return (self.customers + EVIDENCE) / (self.expected + EVIDENCE)

    def with_next(self, other: Similar) -> Similar:
        """Both as one."""
        expected = self.expected + other.expected
        mean = (self.log_odds * self.expected + other.log_odds * other.expected) / expected
        return Similar(expected, self.customers + other.customers, mean)


def correct(history: Iterable[Alike], found: Sequence[float]) -> tuple[Correction, ...]:
    """Where predictions come out too high or too low. Corrected, none is higher than one that was higher before."""
    groups: list[Similar] = []
    for group in _similar(history, found):
        groups.append(group)
        while len(groups) > 1 and _is_out_of_order(*groups[-2:]):
            groups[-2:] = [groups[-2].with_next(groups[-1])]
    return tuple(Correction(one.log_odds, log(one.factor)) for one in groups)


def _is_out_of_order(low: Similar, high: Similar) -> bool:
    return low.log_odds + log(low.factor) >= high.log_odds + log(high.factor)


def _similar(history: Iterable[Alike], found: Sequence[float]) -> list[Similar]:
    """Groups of about as many expected customers each, the least likely first."""
    predicted = [(sum(map(mul, found, one.said)), one) for one in history]
    ordered = [_group_of(one, log_odds) for log_odds, one in sorted(predicted, key=itemgetter(0))]
    share = max(sum(one.expected for one in ordered) / MOST_GROUPS, IN_GROUP)
    groups: list[Similar] = []
    for one in ordered:
        if groups and groups[-1].expected < share:
            groups[-1] = groups[-1].with_next(one)
        else:
            groups.append(one)
    if len(groups) > 1 and groups[-1].expected < share / 2:
        groups[-2:] = [groups[-2].with_next(groups[-1])]
    return groups


def _group_of(one: Alike, log_odds: float) -> Similar:
    return Similar(one.visitors * probability(log_odds), one.customers, log_odds)


def solve(lower: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """The x with A x = `right`, for a symmetric, positive definite A of which the lower half is given (Cholesky)."""
    half: list[list[float]] = []
    for number, line in enumerate(lower):
        made: list[float] = []
        for other in range(number):
            made.append((line[other] - sum(map(mul, made, half[other]))) / half[other][other])
        half.append([*made, sqrt(line[number] - sum(one * one for one in made))])
    forth: list[float] = []
    for number, made in enumerate(half):
        forth.append((right[number] - sum(map(mul, made, forth))) / made[number])
    found = forth[:]
    for number in reversed(range(len(half))):
        found[number] /= half[number][number]
        for other in range(number):
            found[other] -= half[number][other] * found[number]
    return found

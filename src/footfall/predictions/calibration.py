"""Whether predictions come true: each visitor of the past, predicted by what became of the others. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log

import msgspec

from footfall.predictions.fit import Past, fit
from footfall.predictions.model import predict_by

FOLDS = 5
"""Parts of the history, each of which is held out once."""
CURRENCY = "USD"
"""Nothing of the money is looked at."""
LEAST = 1e-12
"""No probability counts as smaller."""


class Calibration(msgspec.Struct, frozen=True):
    """Visitors of similar prediction: how many, how many customers were predicted among them, and how many there were."""

    visitors: int
    predicted: float
    customers: int


class Calibrated(msgspec.Struct, frozen=True):
    """`groups`: of about as many customers predicted each, the least likely first. `explained`: by how much the predictions are better than
    the average alone, as a share of the log loss; 0 or below: not at all."""

    groups: list[Calibration]
    explained: float


Held = tuple[float, bool]
"""What was predicted of somebody held out, and whether they paid."""


def calibrate(history: Sequence[Past], groups: int) -> Calibrated | None:
    """Of a history in no order; None where there are too few customers to hold any out."""
    held: list[Held] = []
    base: list[Held] = []
    for part in range(FOLDS):
        model = fit([past for index, past in enumerate(history) if index % FOLDS != part], CURRENCY)
        if model is None:
            return None
        for past in history[part::FOLDS]:
            held.append((predict_by(model, past.signs).rate, past.paid is not None))
            base.append((model.rate, past.paid is not None))
    return Calibrated(_grouped(sorted(held), groups), 1 - log_loss(held) / log_loss(base))


def log_loss(held: Iterable[Held]) -> float:
    """How surprising what happened was, in all."""
    return -sum(log(max(rate if has_paid else 1 - rate, LEAST)) for rate, has_paid in held)


def _grouped(held: Sequence[Held], groups: int) -> list[Calibration]:
    share = sum(rate for rate, _ in held) / groups
    parts: list[list[Held]] = [[] for _ in range(groups)]
    before = 0.0
    for one in held:
        parts[min(int(before / share), groups - 1)].append(one)
        before += one[0]
    return [
        Calibration(len(part), sum(rate for rate, _ in part), sum(has_paid for _, has_paid in part))
        for part in parts
        if part
    ]

"""Counts in plain numbers, which cost next to nothing; they are rendered when somebody asks. Each is for one thread that adds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

SECONDS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0)
"""Between these, times are told apart."""
CALLS = (1.0, 4.0, 16.0, 64.0, 256.0)
"""The same for the sizes of batches."""


class Spread:
    """How values spread over `bounds`, and their sum: a histogram."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value: with those up to the first bound that is no less."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def many(self) -> int:
        """How many values were counted."""
        return sum(self.counts)


def together(spreads: Sequence[Spread]) -> Spread:
    """A new spread of all that was counted in some with equal bounds."""
    made = Spread(spreads[0].bounds)
    made.counts = [sum(counts) for counts in zip(*(one.counts for one in spreads), strict=True)]
    made.total = sum(one.total for one in spreads)
    return made

"""What follows from counts of payments and from subscriptions. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

from footfall.analytics.money.model import DELAYS, DelayReport, RecurringReport
from footfall.payments.money import Money

Counted = Sequence[tuple[int, int]]
"""Values in order, and how many have each."""


def delay_report(days: Counted, visits: Counted) -> DelayReport:
    """From how many new customers took so many days, and visits."""
    parts = [0] * (len(DELAYS) + 1)
    for value, count in days:
        parts[bisect_right(DELAYS, value)] += count
    return DelayReport(sum(parts), median(days), median(visits), parts)


def median(counted: Counted) -> float | None:
    """The middle of all values, or the mean of the middle two; None without any."""
    total = sum(count for _, count in counted)
    if not total:
        return None
    low, high = _value_at(counted, (total - 1) // 2), _value_at(counted, total // 2)
    return (low + high) / 2


def _value_at(counted: Counted, place: int) -> int:
    for value, count in counted:
        if place < count:
            return value
        place -= count
    raise IndexError(place)


def in_one_currency(
    monthly: Mapping[bytes, Money], convert: Callable[[Money], Money | None]
) -> dict[bytes, int]:
    """What subscriptions bring a month, in the minor unit of one currency; without those that cannot be converted."""
    found = {name: convert(one) for name, one in monthly.items()}
    return {name: one.minor for name, one in found.items() if one is not None}


def recurring_report(
    began: Mapping[bytes, int], ended: Mapping[bytes, int], before: Mapping[bytes, int] | None
) -> RecurringReport:
    """What changed between the subscriptions at the beginning of a range and those at its end. `before`: those to compare with."""
    changes = [(began.get(one, 0), ended.get(one, 0)) for one in began.keys() | ended.keys()]
    return RecurringReport(
        began=sum(began.values()),
        mrr=sum(ended.values()),
        subscriptions_began=len(began),
        subscriptions=len(ended),
        new=sum(new for old, new in changes if not old),
        upgraded=sum(new - old for old, new in changes if 0 < old < new),
        downgraded=sum(old - new for old, new in changes if 0 < new < old),
        lost=sum(old for old, new in changes if not new),
        ended=sum(not new for _, new in changes),
        before=None if before is None else sum(before.values()),
    )

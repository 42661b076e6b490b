"""What is known of revenue beside its sums. Pure. Money is in the minor unit of the website's currency, times in ms since epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from footfall.analytics.model import Keys

DELAYS = (1, 2, 8, 31)
"""Days at which the second and further parts of a `DelayReport` begin."""


class SourceSum(NamedTuple):
    """What came from a source: payments and revenue as known now, and revenue as it was known when it was paid."""

    keys: Keys
    payments: int
    revenue: int
    at_payment: int


class CustomerSum(NamedTuple):
    """Somebody who paid in a range: how often, and what less refunds. `first_at`: their first payment of all; `last_at`: the last in the range.

    `person`: the number; of one who is not known, the visitor's.
    """

    person: int
    is_known: int
    payments: int
    revenue: int
    first_at: int
    last_at: int


class CustomerReport(NamedTuple):
    """How many customers a range has, how many of them paid for the first time of all in it, and those who paid most."""

    total: int
    fresh: int
    most: list[CustomerSum]


class DelayReport(NamedTuple):
    """How long new customers took from their first visit to their first payment. `customers`: of whom such a visit is known.

    `parts`: how many took how long, as `DELAYS` divides them. Medians are None without customers.
    """

    customers: int
    days: float | None
    visits: float | None
    parts: Sequence[int]


class HourSum(NamedTuple):
    """The payments of a weekday (0: Monday) and hour of a time zone, and what they brought."""

    weekday: int
    hour: int
    payments: int
    revenue: int


class RecurringReport(NamedTuple):
    """What subscriptions brought a month, and how many they were, at the beginning of a range and at its end; and what came between.

    `new` + `upgraded` - `downgraded` - `lost` is the difference. `ended`: how many were lost. `before`: at the end of the range that is
    compared with, None without one.
    """

    began: int = 0
    mrr: int = 0
    subscriptions_began: int = 0
    subscriptions: int = 0
    new: int = 0
    upgraded: int = 0
    downgraded: int = 0
    lost: int = 0
    ended: int = 0
    before: int | None = None

    @property
    def is_told(self) -> bool:
        """Whether any subscription ran at either end of the range."""
        return bool(self.subscriptions or self.subscriptions_began)

    @property
    def churn(self) -> float | None:
        """The share of what recurred at the beginning that was lost or downgraded; None without any."""
        return (self.lost + self.downgraded) / self.began if self.began else None

    @property
    def customer_churn(self) -> float | None:
        """The share of the subscriptions at the beginning that had ended at the end; None without any."""
        return self.ended / self.subscriptions_began if self.subscriptions_began else None

"""What is known of funnels, properties of goals and retention. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from footfall.analytics.model import Measures
from footfall.analytics.ranges import Buckets
from footfall.funnels.model import Funnel


class FunnelReport(msgspec.Struct, frozen=True):
    """What was counted at each step; `compared`: in the range to compare with."""

    funnel: Funnel
    steps: list[Measures]
    compared: list[Measures] | None = None


class PropertyCount(NamedTuple):
    """A property of a goal, or a value of one: by whom it was reached with it (`people`: see docs/metrics.md), and how often."""

    shown: str
    visitors: int
    people: int
    completions: int


class PropertyReport(msgspec.Struct, frozen=True):
    """A part of the properties, or values of one; how many there are."""

    counts: list[PropertyCount]
    total: int


class Cohort(NamedTuple):
    """People who came first in the week that begins at `began` (ms since epoch), and how many came in each week from this one on."""

    began: int
    people: Sequence[int]


class RetentionReport(msgspec.Struct, frozen=True):
    """All cohorts of a range, oldest first."""

    weeks: Buckets
    cohorts: list[Cohort]

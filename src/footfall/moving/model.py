"""What moving over is about. Pure."""

from __future__ import annotations

import msgspec

from footfall.errors import FootfallError


class NotHad(FootfallError):
    """Something that the other side does not give. The message says why, without a capital letter and a full stop."""


class MoveReport(msgspec.Struct):
    """What became of a website that was read through an API: how many of each were imported, and how many were there already.

    `unchanged`: visitors who did not come since the last import; `settings`: what was set; `missing`: what could not be had, and why;
    `unknown`: what the API does not tell; `refused`: what could not be taken, one sentence each; `goal_looks`: names and colours of goals.
    """

    visitors: int = 0
    unchanged: int = 0
    events: int = 0
    events_already_there: int = 0
    people: int = 0
    payments: int = 0
    payments_already_there: int = 0
    goal_looks: int = 0
    funnels: int = 0
    notes: int = 0
    settings: list[str] = []
    missing: list[str] = []
    unknown: list[str] = []
    refused: list[str] = []
    minutes: int = 0
    """About how long an import takes; of a dry run alone."""


IMPORTED = frozenset(
    ("unchanged", "events", "events_already_there", "people", "payments", "payments_already_there")
)
"""What an import alone can tell: to know it, each visitor and payment has to be read."""


class PeopleReport(msgspec.Struct):
    """What became of the rows of a file of people. `left_out`: on purpose, by the reason; `traits`: the names of those that are imported.

    `already_there`: rows that an earlier run of the same file took.
    """

    rows: int = 0
    people: int = 0
    imported: int = 0
    already_there: int = 0
    traits: list[str] = []
    left_out: dict[str, int] = {}
    refused: int = 0
    refusals: list[str] = []

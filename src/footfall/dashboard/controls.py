"""What can be chosen about the range of a page. Pure."""

from __future__ import annotations

from typing import NamedTuple

from footfall.analytics.ranges import TimeRange
from footfall.dashboard.address import ViewAddress
from footfall.dashboard.spans import DEFAULT, PERIODS, Steps, range_text, steps_of


class Choice(NamedTuple):
    """One of several things to choose from."""

    title: str
    href: str
    is_chosen: bool


class RangeChoice(NamedTuple):
    """What the range is called, those around it, and those by name."""

    title: str
    steps: Steps
    periods: list[Choice]


def range_choice(address: ViewAddress, asked: TimeRange | None, now: int) -> RangeChoice:
    """The range that a page shows; None if the address names none that is right. The default one needs no words there."""
    chosen = "" if address.text("startAt") else address.text("period", DEFAULT)
    return RangeChoice(
        range_text(address, asked) if asked else "Range",
        steps_of(address, asked, now) if asked else Steps(None, None),
        [
            Choice(title, address.during(**{} if one is DEFAULT else {"period": one}).here, one == chosen)
            for one, title in PERIODS.items()
        ],
    )

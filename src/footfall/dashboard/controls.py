"""What can be chosen about the range of a page, and what is asked of the API for it. Pure."""

from __future__ import annotations

from typing import NamedTuple

from footfall.analytics.ranges import Period, TimeRange
from footfall.dashboard.address import Pair, ViewAddress
from footfall.dashboard.filters import ShownChip, show_chips
from footfall.dashboard.spans import (
    COMPARED,
    DEFAULT,
    PERIODS,
    Steps,
    chosen_interval,
    offered_intervals,
    range_text,
    steps_of,
)


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


class CompareChoice(NamedTuple):
    """What the range is compared with, and with what it may be."""

    title: str
    choices: list[Choice]


def asked_pairs(address: ViewAddress) -> list[Pair]:
    """What is asked of the API: compared with the period before unless the address says otherwise."""
    compare = _compared(address)
    kept = [pair for pair in address.asked if pair[0] != "compare"]
    return [*kept, *([] if compare == "none" else [("compare", compare)])]


def _compared(address: ViewAddress) -> str:
    return address.text("compare", "none" if address.text("period") == "all" else "previous")


def compare_choice(address: ViewAddress) -> CompareChoice:
    """What the range that a page shows is compared with."""
    chosen = _compared(address)
    return CompareChoice(
        COMPARED.get(chosen, "Compare"),
        [
            Choice(title, address.having(compare=None if one == "previous" else one).here, one == chosen)
            for one, title in COMPARED.items()
        ],
    )


def range_choice(
    address: ViewAddress, asked: TimeRange | None, now: int, default: Period = DEFAULT
) -> RangeChoice:
    """The range that a page shows; None if the address names none that is right. The default one needs no words there."""
    chosen = "" if address.text("startAt") else address.text("period", DEFAULT)
    return RangeChoice(
        range_text(address, asked) if asked else "Range",
        steps_of(address, asked, now) if asked else Steps(None, None),
        [
            Choice(title, address.during(**{} if one is default else {"period": one}).here, one == chosen)
            for one, title in PERIODS.items()
        ],
    )


class ViewControls(NamedTuple):
    """What can be chosen on a page, and what is: the range, what it is compared with, and the names of its parts and of the chart's metric."""

    when: RangeChoice
    compare: CompareChoice
    interval: str
    metric: str
    intervals: list[Choice]
    chips: list[ShownChip]


def view_controls(address: ViewAddress, asked: TimeRange | None, now: int, metric: str = "") -> ViewControls:
    """The controls of a page; `asked` as for `range_choice`, `metric`: what its chart shows, if that can be chosen."""
    wanted = address.text("interval")
    offered = offered_intervals(asked) if asked else []
    chosen = chosen_interval(asked, next((one for one in offered if one == wanted), None)) if asked else None
    return ViewControls(
        range_choice(address, asked, now),
        compare_choice(address),
        chosen.capitalize() if chosen else "",
        metric,
        [Choice(one.capitalize(), address.having(interval=one.value).here, one is chosen) for one in offered],
        show_chips(address),
    )

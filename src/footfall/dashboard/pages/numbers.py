"""What pages of numbers share: what can be chosen about their question, and what they show while there are no numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from footfall.analytics.ranges import Period, TimeRange
from footfall.dashboard.address import ViewAddress
from footfall.dashboard.controls import (
    CompareChoice,
    RangeChoice,
    compare_choice,
    range_choice,
)
from footfall.dashboard.filters import OPERATORS, ShownChip, filter_fields, show_chips
from footfall.dashboard.page import PageRequest, apart, render
from footfall.dashboard.pages.asking import looks_again, question_of
from footfall.dashboard.pages.people import MOST_SUGGESTED, some_visitor
from footfall.dashboard.pages.segments import ShownSegment, show_segments
from footfall.dashboard.spans import DEFAULT
from footfall.db.protocol import Transaction
from footfall.errors import BadRequest, Unavailable
from footfall.people.find.fields import field_names
from footfall.segments.model import Segment
from footfall.segments.store import read_segments
from footfall.web.envelope import Response


class Around(NamedTuple):
    """What the database knows of the surroundings of numbers. `fields`: of traits, for the filter."""

    has_visitors: bool
    fields: list[str]
    segments: list[Segment]


def read_around(tx: Transaction, website_id: bytes) -> Around:
    """The surroundings of the numbers of a website."""
    return Around(
        some_visitor(tx, website_id) is not None,
        field_names(tx, website_id, MOST_SUGGESTED),
        read_segments(tx, website_id),
    )


class NumbersView(NamedTuple):
    """What stands around numbers. `tabs`: paths below the website's, and titles; `here`: the path of this page; `compare`: None where nothing is."""

    address: ViewAddress
    tabs: Sequence[tuple[str, str]]
    here: str
    when: RangeChoice
    compare: CompareChoice | None
    chips: list[ShownChip]
    segments: list[ShownSegment]
    fields: dict[str, dict[str, str]]
    has_visitors: bool


def range_of(request: PageRequest, address: ViewAddress, default: Period = DEFAULT) -> TimeRange | None:
    """The range of an address, as far as no columns are needed for that; None if it is wrong."""
    question = question_of(request, address, default)
    return question.range if question else None


def tabs_below(
    address: ViewAddress, website_id: bytes, tabs: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Pages that belong together, each with the same range and filters."""
    root = f"/w/{website_id.hex()}/"
    return [(address.at(root + path).href.removeprefix(root), title) for path, title in tabs]


def look_around(
    request: PageRequest,
    address: ViewAddress,
    around: Around,
    tabs: Sequence[tuple[str, str]],
    here: str,
    default: Period = DEFAULT,
    *,
    is_compared: bool = True,
) -> NumbersView:
    """The surroundings of a page. `here`: its path below the website's."""
    asked = range_of(request, address, default)
    return NumbersView(
        address,
        tabs,
        next((path for path, _ in tabs if path.partition("?")[0] == here), ""),
        range_choice(address, asked, request.now, default),
        compare_choice(address) if is_compared else None,
        show_chips(address),
        show_segments(address, around.segments),
        filter_fields(around.fields),
        around.has_visitors,
    )


async def draw_numbers(
    request: PageRequest,
    template: str,
    view: NumbersView,
    found: object,
    *,
    status: int = 200,
    **values: Any,
) -> Response:
    """A page of numbers; what was `found` may be why there are none."""
    error = found if isinstance(found, BadRequest | Unavailable) else None
    return await apart(
        lambda: render(
            request,
            template,
            status=400 if isinstance(error, BadRequest) else status,
            headers=looks_again(error) if isinstance(error, Unavailable) else None,
            view=view,
            problem_of_numbers=error.message if error else "",
            is_away=isinstance(error, Unavailable),
            operators=OPERATORS,
            **values,
        )
    )

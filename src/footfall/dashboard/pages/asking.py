"""How pages with a range and filters ask: what their address means, and what to do while there is no answer."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from footfall.analytics.endpoints import series_file
from footfall.analytics.query import Question, read_question
from footfall.analytics.ranges import Period, SeriesInterval, read_choice
from footfall.analytics.wire import series_form
from footfall.dashboard.address import ViewAddress
from footfall.dashboard.controls import asked_pairs
from footfall.dashboard.page import PageRequest
from footfall.dashboard.spans import DEFAULT, chosen_interval
from footfall.errors import BadRequest, Unavailable
from footfall.web.envelope import Headers, Response

T = TypeVar("T")


def question_of(request: PageRequest, address: ViewAddress, default: Period = DEFAULT) -> Question | None:
    """What the address asks, as far as no columns are needed for that; None if it is wrong."""
    try:
        begins = request.site.created_at
        return read_question(asked_pairs(address), request.site.timezone, request.now, begins, default)
    except BadRequest:
        return None


async def chart_file(request: PageRequest, address: ViewAddress, *more: tuple[str, str]) -> Response:
    """The series of a page's chart as a file; `more`: what its question says besides. Raises BadRequest and Unavailable."""
    pairs = [*asked_pairs(address), *more, ("format", "csv")]
    asking = await request.services.analytics.prepare(request.site, pairs, request.now, DEFAULT)
    wanted = read_choice(dict(address.pairs), "interval", SeriesInterval)
    interval = chosen_interval(asking.question.range, wanted)
    series = await request.services.analytics.series(asking, interval)
    return await series_file(series, series_form(asking), series.parts)


async def tried(work: Awaitable[T]) -> T | BadRequest | Unavailable:
    """What comes of it, or the error with which it is refused."""
    try:
        return await work
    except (BadRequest, Unavailable) as error:
        return error


def looks_again(error: Unavailable) -> Headers:
    """The header with which a browser asks again."""
    return [(b"refresh", b"%d" % ((error.retry_after or 1) + 1))]

"""`GET /api/v1/analytics/...`: the numbers, as overview, series and cards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from footfall.analytics.csv import render_csv
from footfall.analytics.model import Asking, CardPage, Series, SeriesPart
from footfall.analytics.query import MAX_ROWS, AnswerFormat
from footfall.analytics.ranges import (
    SeriesInterval,
    check_parts,
    default_period,
    read_choice,
    usual_interval,
)
from footfall.analytics.service import Analytics
from footfall.analytics.wire import (
    SeriesForm,
    card_json,
    metadata_json,
    overview_json,
    pagination,
    part_json,
    row_like,
    series_form,
    series_json,
)
from footfall.auth.principal import WebsitePrincipal
from footfall.errors import BadRequest
from footfall.web.context import Context, Handler
from footfall.web.envelope import Response, success
from footfall.web.parameters import split_values

Call = Context[WebsitePrincipal]


class AnalyticsEndpoints:
    """The handlers."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def overview(self, context: Call) -> Response:
        """The whole range in one row."""
        asking = await self._prepare(context)
        found = await self._analytics.overview(asking)
        row = overview_json(found, asking.website.currency, asking.question.fields)
        return await csv_answer("overview", [row], row) if is_csv(asking) else success([row])

    async def timeseries(self, context: Call) -> Response:
        """The range in hours, days, weeks or months, with totals."""
        interval = read_choice(context.query(), "interval", SeriesInterval)
        website, default = context.principal.website, default_period(interval or SeriesInterval.DAY)
        question = await self._analytics.read(website, context.pairs(), context.now, default)
        interval = interval or usual_interval(question.range)
        check_parts(question.range, interval)  # before anything is asked
        asking = await self._analytics.bind(website, question)
        found, form = await self._analytics.series(asking, interval), series_form(asking)
        parts = found.parts[question.offset : question.offset + question.limit]
        # On a thread: thousands of parts take half a second.
        if is_csv(asking):
            return await series_file(found, form, parts)
        shown = await asyncio.to_thread(series_json, found, form, parts)
        return success(**shown, pagination=pagination(question, len(found.parts)))

    def card(self, name: str) -> Handler[WebsitePrincipal]:
        """The handler of a card."""

        async def card(context: Call) -> Response:
            asking = await self._prepare(context)
            found = await self._analytics.card(asking, name)
            if is_csv(asking):
                return await card_file(asking, found)
            rows = card_json(found, asking.website.currency, asking.question.fields)
            return success(rows, pagination=pagination(asking.question, found.total))

        return card

    async def metadata(self, context: Call) -> Response:
        """How the website is set up."""
        asked = split_values(context.query().get("fields", ""))
        return success([metadata_json(context.principal.website, asked)])

    async def _prepare(self, context: Call) -> Asking:
        return await self._analytics.prepare(context.principal.website, context.pairs(), context.now)


def is_csv(asking: Asking) -> bool:
    """Whether a file is asked for."""
    return asking.question.format is AnswerFormat.CSV


async def csv_answer(name: str, rows: Sequence[Mapping[str, Any]], like: Mapping[str, Any]) -> Response:
    """Rows as a file, which is made off the event loop."""
    body = await asyncio.to_thread(render_csv, rows, like)
    disposition = f'attachment; filename="{name}.csv"'.encode()
    return Response(
        body, 200, [(b"content-type", b"text/csv; charset=utf-8"), (b"content-disposition", disposition)]
    )


async def series_file(found: Series, form: SeriesForm, parts: Sequence[SeriesPart]) -> Response:
    """Parts of a series as a file; there is at least one."""
    rows = await asyncio.to_thread(lambda: [part_json(found, one, form) for one in parts])
    return await csv_answer("timeseries", rows, rows[0])


async def card_file(asking: Asking, found: CardPage) -> Response:
    """All rows of a card as a file. Raises BadRequest if they are too many."""
    if found.total > MAX_ROWS:
        raise BadRequest(
            f"format: there are {found.total} rows, and a file has at most {MAX_ROWS}. Filter, or ask for a shorter range."
        )
    currency, fields = asking.website.currency, asking.question.fields
    rows = await asyncio.to_thread(card_json, found, currency, fields)
    return await csv_answer(found.name, rows, row_like(found.name, currency, fields))

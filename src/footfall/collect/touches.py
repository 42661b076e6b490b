"""Where somebody came from first and last: the sessions that began in some times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from footfall.collect.model import Touch, touch_of
from footfall.collect.service import sql
from footfall.db.protocol import Row, Transaction
from footfall.ids import at_of, at_prefix

Time = tuple[bytes, int, int]
"""A visitor, and from when until before when (ms since epoch)."""


class Touches(NamedTuple):
    """The first and the last session; None where there is none."""

    first: Touch | None
    last: Touch | None


def read_touches(tx: Transaction, website_id: bytes, asked: Sequence[Sequence[Time]]) -> list[Touches]:
    """Those of each list of times, which are looked up together."""
    keys = [(website_id, *time) for times in asked for time in times]
    firsts, lasts = map(
        iter, tx.get_many_together((sql.session_first_between, keys), (sql.session_last_between, keys))
    )
    return [
        Touches(
            min(_touches(islice(firsts, len(times))), key=_at, default=None),
            max(_touches(islice(lasts, len(times))), key=_at, default=None),
        )
        for times in asked
    ]


class PageSeen(NamedTuple):
    """A pageview of a visitor (ms since epoch)."""

    visitor_id: bytes
    at: int
    url: str | None


def last_pages(tx: Transaction, website_id: bytes, times: Sequence[Time], most: int) -> list[PageSeen]:
    """The pages of the last session that began in any of these times, as far as they were seen in it: the newest, oldest first."""
    rows = tx.get_many(sql.session_last_between, [(website_id, *time) for time in times])
    begun = [(row.started_at, time) for row, time in zip(rows, times, strict=True) if row is not None]
    if not begun:
        return []
    since, (visitor_id, _, until) = max(begun)
    found = tx.all(sql.pageviews_down, (website_id, visitor_id, at_prefix(since), at_prefix(until), most))
    return [PageSeen(visitor_id, at_of(row.event_id), row.url) for row in reversed(found)]


def count_sessions(tx: Transaction, website_id: bytes, times: Sequence[Time]) -> int:
    """How many sessions began in these times."""
    rows = tx.get_many(sql.sessions_began, [(website_id, *time) for time in times])
    return sum(row.count for row in rows if row is not None)


def _touches(rows: Iterator[Row | None]) -> list[Touch]:
    return [
        touch_of(row.started_at, row.entry_url, row.referrer, row.params) for row in rows if row is not None
    ]


def _at(touch: Touch) -> int:
    return touch.at

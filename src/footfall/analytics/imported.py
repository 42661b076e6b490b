"""What days that another system counted add to the answers: to totals and series that nothing is filtered in, and to nothing else."""

from __future__ import annotations

from collections import defaultdict

from msgspec.structs import replace

from footfall.analytics.model import Measures
from footfall.analytics.query import Question
from footfall.analytics.ranges import Buckets, SeriesInterval, TimeRange, day_begins, whole_days
from footfall.db.protocol import Transaction
from footfall.history.model import ImportedDay
from footfall.history.totals import (
    ImportedTotals,
    add_days,
    first_imported_day,
    imported_days,
)
from footfall.websites.model import Website


def takes_imported(question: Question) -> bool:
    """Whether imported days count in the answer to a question."""
    return not question.conditions and not question.traits


def read_imported(
    tx: Transaction, asked: tuple[Website, TimeRange, Buckets | None]
) -> dict[int, ImportedTotals]:
    """What the imported days come to that lie in a range as a whole, by the number of each part that has any; without parts, under 0.

    None in hours, into which nobody can divide a day.
    """
    website, range_, buckets = asked
    if buckets and buckets.interval is SeriesInterval.HOUR:
        return {}
    parts: defaultdict[int, list[ImportedDay]] = defaultdict(list)
    for day in imported_days(tx, website.website_id, *whole_days(range_)):
        parts[buckets.number(day_begins(day.day, range_.zone)) if buckets else 0].append(day)
    return {number: add_days(days) for number, days in parts.items()}


def add_imported(own: Measures, imported: ImportedTotals) -> Measures:
    """What was counted, and what was imported, together."""
    return replace(
        own,
        visitors=own.visitors + imported.visitors,
        sessions=own.sessions + imported.sessions,
        begun=own.begun + imported.begun,
        bounces=own.bounces + imported.bounces,
        pageviews=own.pageviews + imported.pageviews,
        time=own.time + imported.time,
        imported=imported.visitors,
    )


def read_imported_since(tx: Transaction, website: Website) -> int | None:
    """When the first imported day began (ms since epoch); None without any."""
    first = first_imported_day(tx, website.website_id)
    return None if first is None else day_begins(first, website.timezone)

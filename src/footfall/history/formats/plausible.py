"""Plausible's CSV export: tables of numbers by day. It tells no visitors apart, so that its rows become numbers of days, too. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from footfall.errors import BadRequest
from footfall.history.formats.values import need, read_count, read_day
from footfall.history.model import HistoryCard, ImportedDay, ImportTarget, TableRow

MAX_KEYS = 2000
"""Bytes of the keys of a row together, each of which may take two as JSON: an index holds them."""
UNKNOWN = (
    "Plausible tells no visitors apart: only the numbers of its days are taken. They count where nothing is filtered, and not as people.",
    "Visitors of several days are the sum of those of each day, so more than there were.",
    "Only days before the website's first event are taken, so that nothing counts twice.",
)


class _Table(NamedTuple):
    """A table. `keys`: the columns of its card's keys; `sessions`: the column that counts visits."""

    card: HistoryCard
    keys: tuple[str, ...] = ()
    sessions: str = "visits"


_TABLES = {
    "imported_visitors": _Table(HistoryCard.TOTAL),
    "imported_sources": _Table(
        HistoryCard.SOURCE,
        ("source", "referrer", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"),
    ),
    "imported_pages": _Table(HistoryCard.PAGE, ("hostname", "page")),
    "imported_entry_pages": _Table(HistoryCard.ENTRY_PAGE, ("entry_page",), "entrances"),
    "imported_exit_pages": _Table(HistoryCard.EXIT_PAGE, ("exit_page",), "exits"),
    "imported_locations": _Table(HistoryCard.PLACE, ("country", "region", "city")),
    "imported_devices": _Table(HistoryCard.DEVICE, ("device",)),
    "imported_browsers": _Table(HistoryCard.BROWSER, ("browser", "browser_version")),
    "imported_operating_systems": _Table(
        HistoryCard.SYSTEM, ("operating_system", "operating_system_version")
    ),
    "imported_custom_events": _Table(HistoryCard.GOAL, ("name", "link_url", "path")),
}
_NAME = re.compile(r"(?:.*/)?(imported_[a-z_]+?)(?:_\d{8}_\d{8})?\.csv")


def table_of(name: str) -> str | None:
    """The table that a file of this name holds."""
    found = _NAME.fullmatch(name)
    return found[1] if found and found[1] in _TABLES else None


def columns_of(table: str) -> frozenset[str]:
    """The columns that a table must have."""
    keys = _TABLES[table].keys
    return frozenset(("date", "visitors", *keys[:1]))


def read_row(table: str, target: ImportTarget, row: TableRow) -> ImportedDay:
    """The numbers of a day, or of a part of it. Raises BadRequest that names the column."""
    cells, known = row.cells, _TABLES[table]
    keys = tuple(cells.get(name, "") for name in known.keys)
    if sum(2 * len(one.encode()) for one in keys) > MAX_KEYS:
        raise BadRequest(f"{', '.join(known.keys)}: longer than {MAX_KEYS // 2} bytes.")
    return ImportedDay(
        known.card,
        read_day(need(cells, "date"), "date", target.now),
        keys,
        *(
            read_count(cells.get(name), name)
            for name in ("visitors", known.sessions, "pageviews", "bounces", "visit_duration", "events")
        ),
    )

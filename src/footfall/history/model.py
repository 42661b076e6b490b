"""What imports are about. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from footfall.collect.model import PastEvent
from footfall.errors import ApiError
from footfall.websites.model import Website


class HistoryFormat(StrEnum):
    """Whose export a file is."""

    FOOTFALL = "footfall"
    UMAMI = "umami"
    GOATCOUNTER = "goatcounter"
    PLAUSIBLE = "plausible"


class HistoryCard(StrEnum):
    """What imported numbers of days are divided by (stored), and behind it which values are their keys.

    `TOTAL` has none. A city is the number that geonames.org gives it.
    """

    TOTAL = "total"
    SOURCE = "source"
    """source, referrer, utm_source, utm_medium, utm_campaign, utm_content, utm_term"""
    PAGE = "page"
    """host, path"""
    ENTRY_PAGE = "entry_page"
    EXIT_PAGE = "exit_page"
    PLACE = "place"
    """country, region, city"""
    DEVICE = "device"
    BROWSER = "browser"
    """browser, version"""
    SYSTEM = "os"
    """system, version"""
    GOAL = "goal"
    """name, link, path"""


class ImportedDay(msgspec.Struct, frozen=True):
    """The numbers of a day (days since epoch, in the website's time zone), or of a part of it. None: not told.

    `seconds`: spent on visits; `events`: how often a goal was reached.
    """

    card: HistoryCard
    day: int
    keys: tuple[str, ...] = ()
    visitors: int | None = None
    sessions: int | None = None
    pageviews: int | None = None
    bounces: int | None = None
    seconds: int | None = None
    events: int | None = None


class LeftOut(NamedTuple):
    """A row that is left out on purpose, and why."""

    reason: str


Item = PastEvent | ImportedDay | LeftOut | ApiError
"""What a row comes to; why it is refused."""


class ImportRow(NamedTuple):
    """A row of a file. `line`: where it begins, from 1."""

    line: int
    item: Item


class ImportTarget(msgspec.Struct, frozen=True):
    """For which website rows are read, and when (ms since epoch)."""

    website: Website
    now: int


class TableRow(NamedTuple):
    """A row of a table: its cells by column; a column may be missing. `repeat`: how many rows like it came shortly before."""

    cells: Mapping[str, str]
    repeat: int = 0


RowReader = Callable[[ImportTarget, TableRow], PastEvent | ImportedDay | LeftOut]
"""What a row of a table means. Raises BadRequest that names the column."""


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that was refused. `line`: where it begins, from 1."""

    file: str
    line: int
    message: str


MOST_REFUSED = 100
"""Refused rows that a report lists."""


class ImportReport(msgspec.Struct):
    """What became of the rows of an import. `left_out`: on purpose, by the reason; `unknown`: what such an export does not tell;
    `not_read`: files in which nothing of use is.
    """

    format: HistoryFormat
    rows: int = 0
    imported: int = 0
    already_there: int = 0
    left_out: dict[str, int] = {}
    refused: int = 0
    refusals: list[RefusedRow] = []
    unknown: Sequence[str] = ()
    not_read: Sequence[str] = ()

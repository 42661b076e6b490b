"""Imports of history: rows of files, slice by slice, each row once however often its file is read.

A row has an id of its own, made from what it says. So nothing has to remember how far an import came: one that was cut off is run again,
and finds what is there already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from time import perf_counter, sleep
from typing import Protocol, TypeVar

from footfall.collect.model import PastEvent
from footfall.collect.past import find_known, record_past
from footfall.db.protocol import Transaction
from footfall.errors import ApiError
from footfall.history.model import (
    MOST_REFUSED,
    HistoryFormat,
    ImportedDay,
    ImportReport,
    ImportRow,
    ImportTarget,
    LeftOut,
    RefusedRow,
)
from footfall.history.reading import UNKNOWN, KnownFile
from footfall.history.totals import find_known_days, first_own_day, put_days
from footfall.visitors.listing import look_at_all

R = TypeVar("R")

SLICE = 100
"""Rows of one transaction: live calls wait for it."""
TOO_LATE = "a day that the website counted by itself, or a later one"


class ImportSession(Protocol):
    """A connection to the database."""

    def transact(self, work: Callable[[Transaction], R]) -> R: ...
    def snapshot(self, work: Callable[[Transaction], R]) -> R: ...


class Importer:
    """Imports files into a website. `rest`: after each slice the database is left alone for so many times as long as it took.

    `is_dry`: only look what would be imported.
    """

    def __init__(self, session: ImportSession, target: ImportTarget, *, is_dry: bool, rest: float) -> None:
        self._session = session
        self._target = target
        self._is_dry = is_dry
        self._rest = rest
        self._own_day = session.snapshot(lambda tx: first_own_day(tx, target.website))

    def run(
        self, files: Sequence[KnownFile], not_read: Sequence[str], progress: Callable[[int], None]
    ) -> ImportReport:
        """Import all rows. `progress` gets the number of lines since its last call. Raises UsageError and DatabaseError."""
        report = ImportReport(files[0].format, unknown=UNKNOWN[files[0].format], not_read=not_read)
        for file in files:
            done = 0
            for rows in _slices(file.rows(self._target)):
                self._take(report, file.source.name, rows)
                progress(rows[-1].line - done)
                done = rows[-1].line
        if report.imported and not self._is_dry and report.format is not HistoryFormat.PLAUSIBLE:
            self._session.transact(lambda tx: look_at_all(tx, [self._target.website.website_id]))
        return report

    def _take(self, report: ImportReport, file: str, rows: list[ImportRow]) -> None:
        """Import a slice, and note what became of it."""
        started = perf_counter()
        report.rows += len(rows)
        events = [row.item for row in rows if isinstance(row.item, PastEvent)]
        days: list[ImportedDay] = []
        for line, item in rows:
            if isinstance(item, ApiError):
                report.refused += 1
                if len(report.refusals) < MOST_REFUSED:
                    report.refusals.append(RefusedRow(file, line, item.message))
            elif isinstance(item, LeftOut):
                _leave_out(report, item.reason)
            elif isinstance(item, ImportedDay):
                if self._own_day is not None and item.day >= self._own_day:
                    _leave_out(report, TOO_LATE)
                else:
                    days.append(item)
        fresh = [*self._store_events(events), *self._store_days(days)]
        report.imported += sum(fresh)
        report.already_there += len(fresh) - sum(fresh)
        if not self._is_dry:
            sleep(self._rest * (perf_counter() - started))

    def _store_events(self, events: list[PastEvent]) -> list[bool]:
        if not events:
            return []
        if self._is_dry:
            return [not one for one in self._session.snapshot(partial(find_known, events=events))]
        return self._session.transact(partial(record_past, events=events))

    def _store_days(self, days: list[ImportedDay]) -> list[bool]:
        if not days:
            return []
        website_id = self._target.website.website_id
        if self._is_dry:
            known = partial(find_known_days, website_id=website_id, days=days)
            return [not one for one in self._session.snapshot(known)]
        return self._session.transact(partial(put_days, website_id=website_id, days=days))


def _leave_out(report: ImportReport, reason: str) -> None:
    report.left_out[reason] = report.left_out.get(reason, 0) + 1


def _slices(rows: Iterator[ImportRow]) -> Iterator[list[ImportRow]]:
    while some := list(islice(rows, SLICE)):
        yield some


def count_lines(files: Sequence[KnownFile]) -> int:
    """How many lines there are, so that a file that is cut off or damaged is found before anything is written. Raises UsageError."""
    return sum(1 for file in files for _ in file.source.lines())

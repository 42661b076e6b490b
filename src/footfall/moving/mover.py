"""Reads a website through the public API of a DataFast account, or of another Footfall, and stores it here: each thing once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from io import BytesIO

from footfall.clock import Clock, to_iso
from footfall.collect.past import record_past
from footfall.db.protocol import Transaction
from footfall.errors import ApiError
from footfall.history.importing import SLICE, ImportSession
from footfall.history.model import MOST_REFUSED, ImportTarget
from footfall.history.paying import import_payments
from footfall.history.sources import SourceFile
from footfall.history.writing import encode
from footfall.identity.identify.importing import import_slice, read_progress
from footfall.ids import parse_uuid
from footfall.moving.client import PER_MINUTE
from footfall.moving.model import MoveReport, NotHad
from footfall.moving.progress import MoveProgress
from footfall.moving.setup import SetupMover
from footfall.moving.source import PAGE, SourceAccount
from footfall.moving.visitors import events_of, not_counted
from footfall.moving.wire import SentRow, SentVisitor, identify_records, payment_line
from footfall.visitors.listing import look_at_all
from footfall.websites.model import Website

UNKNOWN = (
    "The API tells no clicks on links, no queries of addresses, and no page on which a goal was reached.",
    "It tells where a visitor came from at first, not at each visit, and where they are and on what now, not then.",
    "It tells one user id of a person: people who were merged are several here until you merge them again.",
)
SETTINGS, LISTS = "settings", "lists"
"""Parts of a website's setup (stored)."""
_OTHER_CALLS = 10
"""About how many calls an import makes besides those for visitors."""


class Mover:
    """Imports one website. `progress`: what earlier runs did; `source_id`: the website's id there, if its key does not tell."""

    def __init__(
        self,
        session: ImportSession,
        website: Website,
        source: SourceAccount,
        progress: MoveProgress,
        clock: Clock,
        source_id: str | None = None,
    ) -> None:
        self._session = session
        self._website = website
        self._source = source
        self._source_id = source_id
        self._progress = progress
        self._clock = clock
        self._report = MoveReport(unknown=list(UNKNOWN))
        self._cut_off = 0

    def look(self) -> MoveReport:
        """What an import would find. Nothing is written. Raises UsageError if the API cannot be reached."""
        report = self._report
        self._attempt("visitors", self._count_visitors)
        report.minutes = -(-(report.visitors + report.visitors // PAGE + _OTHER_CALLS) // PER_MINUTE)
        self._attempt("payments", self._source.has_payments)
        self._move_setup(is_dry=True)
        return report

    def run(self, begin: Callable[[int], Callable[[int], None]]) -> MoveReport:
        """Import everything. `begin` gets the number of visitors, and returns what gets 1 for each that is done.

        Raises UsageError if the API cannot be reached any more.
        """
        self._move_setup(is_dry=False)
        self._attempt("visitors", lambda: self._take_visitors(begin))
        self._attempt("payments", self._take_payments)
        if self._cut_off:
            many = f"older pageviews of {self._cut_off} visitors"
            self._report.missing.append(f"{many}: the API lists the newest of a visitor alone")
        return self._report

    def _attempt(self, what: str, work: Callable[[], object]) -> None:
        try:
            work()
        except NotHad as error:
            self._report.missing.append(f"{what}: {error}")

    def _refuse(self, message: str) -> None:
        if len(self._report.refused) < MOST_REFUSED:
            self._report.refused.append(message)

    def _count_visitors(self) -> None:
        self._report.visitors = self._source.visitor_count()

    def _move_setup(self, *, is_dry: bool) -> None:
        """The website's settings and lists are taken over once: whoever changes them here later means it."""
        mover = SetupMover(
            self._session, self._website, self._source, self._report, self._clock, is_dry=is_dry
        )
        self._once(SETTINGS, mover.take_settings, is_dry=is_dry)
        if mover.find(self._source_id):
            self._once(LISTS, mover.take_lists, is_dry=is_dry)
            mover.take_rest()
        self._website = mover.website

    def _once(self, part: str, work: Callable[[], None], *, is_dry: bool) -> None:
        if not self._progress.has_part(part):
            work()
            if not is_dry:
                self._progress.note_part(part)

    def _take_visitors(self, begin: Callable[[int], Callable[[int], None]]) -> None:
        rows = self._source.visitors()
        update = begin(len(rows))
        try:
            for row in rows:
                self._take_row(row)
                update(1)
        finally:
            self._session.transact(lambda tx: look_at_all(tx, [self._website.website_id]))

    def _take_row(self, row: SentRow) -> None:
        seen = row.last_seen_at or ""
        if seen and self._progress.has(row.visitor_id, seen):
            self._report.unchanged += 1
            return
        try:
            visitor_id = parse_uuid(row.visitor_id)
            if visitor_id is None:
                raise NotHad("the id is no UUID")
            self._take_visitor(visitor_id, row, self._source.visitor(row.visitor_id))
        except (NotHad, ApiError) as error:
            self._refuse(f"visitor {row.visitor_id[:40]}: {error}")
        else:
            self._progress.note(row.visitor_id, seen)

    def _take_visitor(self, visitor_id: bytes, row: SentRow, visitor: SentVisitor) -> None:
        target = ImportTarget(self._website, self._clock())
        came_from = row.acquisition.referrer if row.acquisition else None
        events, problems = events_of(target, visitor_id, visitor, came_from)
        for problem in problems:
            self._refuse(f"visitor {row.visitor_id}: {problem}")
        fresh = self._session.snapshot(partial(not_counted, events=events))
        stored = 0
        for begin in range(0, len(fresh), SLICE):
            some = fresh[begin : begin + SLICE]
            stored += sum(self._session.transact(partial(record_past, events=some)))
        report = self._report
        report.visitors += 1
        report.events += stored
        report.events_already_there += len(events) - stored
        self._cut_off += _is_cut_off(visitor)
        if visitor.profile is not None and not self._website.is_cookieless:
            self._identify(row, visitor)

    def _identify(self, row: SentRow, visitor: SentVisitor) -> None:
        rows = identify_records(row, visitor, to_iso(self._website.created_at))
        website = self._website
        calls_id = hashlib.sha256(b"moving\0" + self._source.address.encode()).digest()[:16]

        def write(tx: Transaction) -> list[str]:
            before = read_progress(tx, website.website_id, calls_id)
            _, refusals = import_slice(tx, website, calls_id, rows, before, self._clock, is_unseen_taken=True)
            return [one.message for one in refusals]

        refusals = self._session.transact(write)
        self._report.people += not refusals
        for message in dict.fromkeys(refusals):
            self._refuse(f"visitor {row.visitor_id}: {message}")

    def _take_payments(self) -> None:
        lines = [encode(payment_line(one)) + b"\n" for one in reversed(self._source.payments())]
        file = SourceFile("payments", lambda: BytesIO(b"".join(lines)))
        target = ImportTarget(self._website, self._clock())
        found = import_payments(self._session, target, file, 0.0, lambda _: None)
        self._report.payments = found.imported
        self._report.payments_already_there = found.already_there
        for one in found.refusals:
            self._refuse(f"payment {one.line}: {one.message}")


def _is_cut_off(visitor: SentVisitor) -> bool:
    """Whether the answer lists fewer pages than the visitor saw."""
    activity = visitor.activity
    return activity is not None and (activity.page_view_count or 0) > len(activity.visited_pages or ())

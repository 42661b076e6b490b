"""What the columns are made anew from: the visitors of a website in the order of their ids, many of them with each query."""

from __future__ import annotations

from typing import NamedTuple

from footfall.columns.model import StoredEvent, VisitorHistory
from footfall.columns.reading import as_event, as_payment, as_session, read_people, sql
from footfall.db.protocol import Row, Transaction
from footfall.identity.model import Link
from footfall.ids import VISITOR_BYTES, at_of

_END = b"\xff" * (VISITOR_BYTES + 1)
"""Behind all visitors."""
_PARTS = (
    sql.events_between,
    sql.visitors_between,
    sql.sessions_between,
    sql.links_between,
    sql.payments_between,
)


class HistoryPage(NamedTuple):
    """The next visitors, and the id behind which those after them come; None: there are no more.

    `large`: the visitor behind these, of whom alone there is more than a page.
    """

    histories: list[VisitorHistory]
    following: bytes | None
    large: bytes | None = None


def read_page(tx: Transaction, website_id: bytes, behind: bytes, most: int) -> HistoryPage:
    """The visitors of a website behind one, from at most so many events, and as many of what else there is about them; without those whose first
    pageview has not come."""
    until = _END
    found: list[list[Row]] = []
    for statement in _PARTS:
        found.append(rows := tx.all(statement, (website_id, behind, until, most)))
        if len(rows) == most:  # there may be more of the last
            until = rows[-1].visitor_id
    all_shown = [row for row in found[1] if row.visitor_id < until]
    if not all_shown:
        return HistoryPage([], None) if until == _END else HistoryPage([], until, until)
    events, _, sessions, links, payments = map(_grouped, found)
    people = read_people(tx, [(website_id, b"")], [found[3]]).get(website_id, {})
    histories = [
        VisitorHistory(
            website_id,
            one.visitor_id,
            0,
            0,
            one.removed_at,
            _kept(events.get(one.visitor_id, []), one.removed_at),
            list(map(as_payment, payments.get(one.visitor_id, ()))),
            {row.started_at: as_session(row) for row in sessions.get(one.visitor_id, ())},
            [Link(row.fact_id, row.profile_id) for row in links.get(one.visitor_id, ())],
            people,
            removed_at=one.removed_at,
        )
        for one in all_shown
    ]
    return HistoryPage(histories, None if until == _END else all_shown[-1].visitor_id)


def _kept(rows: list[Row], removed_at: int) -> list[StoredEvent]:
    """But for those that came after what happened with them was removed."""
    return [as_event(row) for row in rows if not removed_at or at_of(row.event_id) > removed_at]


def _grouped(rows: list[Row]) -> dict[bytes, list[Row]]:
    found: dict[bytes, list[Row]] = {}
    for row in rows:
        found.setdefault(row.visitor_id, []).append(row)
    return found

"""What the columns are made anew from: the visitors of a website in the order of their ids, many of them with each query."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from footfall.columns.model import VisitorHistory
from footfall.columns.reading import as_event, as_payment, as_session, read_people, sql
from footfall.db.protocol import Row, Transaction
from footfall.identity.model import Link


class HistoryPage(NamedTuple):
    """The next visitors, and the id behind which those after them come; None: there are no more.

    `large`: the visitor behind these, of whom alone there is more than a page.
    """

    histories: list[VisitorHistory]
    following: bytes | None
    large: bytes | None = None


def read_page(tx: Transaction, website_id: bytes, behind: bytes, most: int) -> HistoryPage:
    """The visitors of a website behind one, from at most so many events; without those whose first pageview has not come."""
    events = tx.all(sql.events_behind, (website_id, behind, most))
    if not events:
        return HistoryPage([], None)
    by_visitor = _grouped(events)
    last = events[-1].visitor_id
    is_all = len(events) < most
    if not is_all:
        del by_visitor[last]
    if not by_visitor:
        return HistoryPage([], last, last)
    final = next(reversed(by_visitor))
    span = (website_id, behind, final, most)
    found = [tx.all(one, span) for one in (sql.sessions_between, sql.links_between, sql.payments_between)]
    if any(len(rows) == most for rows in found):
        return _first_alone(tx, website_id, by_visitor)
    sessions, links, payments = map(_grouped, found)
    shown = [row.id for row in tx.all(sql.visitors_between, (website_id, behind, final))]
    people = read_people(tx, [(website_id, b"")], [found[1]]).get(website_id, {})
    histories = [
        VisitorHistory(
            website_id,
            one,
            0,
            0,
            0,
            list(map(as_event, by_visitor[one])),
            list(map(as_payment, payments.get(one, ()))),
            {row.started_at: as_session(row) for row in sessions.get(one, ())},
            [Link(row.fact_id, row.profile_id) for row in links.get(one, ())],
            people,
        )
        for one in shown
        if one in by_visitor
    ]
    return HistoryPage(histories, None if is_all else final)


def _first_alone(tx: Transaction, website_id: bytes, visitors: Iterable[bytes]) -> HistoryPage:
    """The first visitor, slice by slice: of these there is too much of something else than events."""
    first = next(iter(visitors))
    return HistoryPage([], first, first)


def _grouped(rows: list[Row]) -> dict[bytes, list[Row]]:
    found: dict[bytes, list[Row]] = {}
    for row in rows:
        found.setdefault(row.visitor_id, []).append(row)
    return found

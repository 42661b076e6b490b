"""What is blanked of events, sessions and visitors when people are erased: that something happened stays, what tells of the person goes."""

from __future__ import annotations

import re

from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import load
from footfall.identity import rules
from footfall.identity.erasing import Blanked, Counts, Eraser, Ranges
from footfall.identity.model import Link
from footfall.ids import at_of

sql = load(__file__, "erasing.sql")

_EMAIL = re.compile(r"(?<![^\s/?&=#;,])[^\s/?&=#;,]+(?:@|%40)[^\s/?&=#;,]+")
"""Begins where a run of such characters does: tried at each of them, a long text without an address would take seconds."""
ERASED = "[erased]"
"""What stands where an e-mail address was (stored)."""


def without_emails(text: str | None) -> str | None:
    """`text` with every e-mail address, also a percent-encoded one, replaced."""
    return None if text is None else _EMAIL.sub(ERASED, text)


class _Events:
    """The events of some visitors in some ranges, at most so many of each range; see `identity.erasing.Held`."""

    def __init__(self, tx: Transaction, website_id: bytes, ranges: Ranges, most: int) -> None:
        self._tx = tx
        self._website_id = website_id
        asked = [
            (sql.events_between, (website_id, one, *span, most))
            for one, spans in ranges.items()
            for span in spans
        ]
        answers = iter(tx.all_together(*asked))
        self._events = {one: [row for _ in spans for row in next(answers)] for one, spans in ranges.items()}

    def ids(self, visitor_id: bytes) -> list[bytes]:
        """The ids of a visitor's events, rising."""
        return [row.event_id for row in self._events.get(visitor_id, ())]

    def blank(self, ranges: Ranges) -> Counts:
        """Blank the events in these ranges, and the sessions that began in them."""
        events: list[Params] = [
            (self._website_id, one, row.event_id, without_emails(row.url), without_emails(row.referrer))
            for one, spans in ranges.items()
            for row in self._events[one]
            if row.event_id < spans[-1][1]
        ]
        sessions = self._sessions(ranges)
        self._tx.execute_many(sql.event_blank, events)
        self._tx.execute_many(sql.session_blank, sessions)
        return {"events": len(events), "sessions": len(sessions)}

    def _sessions(self, ranges: Ranges) -> list[Params]:
        """The sessions that began in these ranges, as they are blanked."""
        asked = [(one, at_of(since), at_of(until)) for one, spans in ranges.items() for since, until in spans]
        found = self._tx.all_together(*[(sql.sessions_between, (self._website_id, *one)) for one in asked])
        return [
            (
                self._website_id,
                one,
                row.started_at,
                without_emails(row.entry_url),
                without_emails(row.referrer),
            )
            for (one, _, _), rows in zip(asked, found, strict=True)
            for row in rows
        ]


def _blank_visitors(tx: Transaction, blanked: Blanked) -> Counts:
    """A visitor's row tells where its first pageview came from and which page the last one was, whoever has the visitor since."""
    links, users, website_id = blanked.links, blanked.users, blanked.erasure.website_id
    visitors = [one for one in blanked.fresh if any(link.profile_id in users for link in links[one])]
    keys: list[Params] = [(website_id, one) for one in visitors]
    found = tx.get_many_together(
        (sql.visitor_texts, keys), (sql.pageview_first, keys), (sql.pageview_last, keys)
    )
    rows = [
        (website_id, one, *_texts(blanked, links[one], row, earliest, latest))
        for one, row, earliest, latest in zip(visitors, *found, strict=True)
        if row is not None
    ]
    tx.execute_many(sql.visitor_blank, rows)
    tx.execute_many(sql.checkouts_forget, keys)
    return {"visitors": len(rows)}


def _texts(blanked: Blanked, links: list[Link], row: Row, earliest: Row | None, latest: Row | None) -> Params:
    """What the row may still tell: current URL, first referrer, parameters and click ids."""
    current_url, referrer = row.current_url, row.first_referrer
    params, click_ids = row.first_params, row.first_click_ids
    if latest is not None and rules.owner_at(links, at_of(latest.event_id)) in blanked.users:
        current_url = without_emails(current_url)
    if earliest is not None and rules.owner_at(links, at_of(earliest.event_id)) in blanked.users:
        referrer, params, click_ids = without_emails(referrer), None, None
    return (current_url, referrer, params, click_ids)


ERASER = Eraser(
    tables=frozenset(("checkout", "event", "session", "visitor")),
    counts=("events", "sessions", "visitors"),
    find=_Events,
    finish_visitors=_blank_visitors,
)

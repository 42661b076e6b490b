"""Events of the past into the database, such as those of another system: each once, in whatever order they come, beside live ones.

Live events tell of now: whatever comes is the latest of its visitor. Here nothing is taken for the latest unless it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from footfall.collect import goals
from footfall.collect.checkouts import note_checkouts
from footfall.collect.model import GOAL, PAGEVIEW, SESSION_IDLE_MS, Hit, PastEvent, PastSession
from footfall.collect.service import StoredVisitor, event_row, sql, stored_visitor
from footfall.db.protocol import Params, Transaction
from footfall.ids import AT_BYTES, at_of
from footfall.outbox.model import ChangeKind
from footfall.outbox.store import tell

Key = tuple[bytes, bytes]
"""Website id and visitor id."""


def find_known(tx: Transaction, events: Sequence[PastEvent]) -> list[bool]:
    """Which of these events are stored already, or stand in the list before."""
    rows = tx.get_many(sql.event_known, [one.key for one in events])
    seen: set[Params] = set()
    known = []
    for one, row in zip(events, rows, strict=True):
        known.append(row is not None or one.key in seen)
        seen.add(one.key)
    return known


def record_past(tx: Transaction, events: Sequence[PastEvent]) -> list[bool]:
    """Store those that are not stored yet; which those were."""
    tx.lock(
        sorted({one.key[:2] for one in events}), sorted({(one.hit.website_id, b"visitors") for one in events})
    )
    known = find_known(tx, events)
    fresh = sorted((one for one, old in zip(events, known, strict=True) if not old), key=_key)
    if fresh:
        _store(tx, fresh)
    return [not old for old in known]


def _key(one: PastEvent) -> Params:
    return one.key


def _store(tx: Transaction, fresh: list[PastEvent]) -> None:
    sessions = _sessions(tx, fresh)
    begun = _begun(tx, fresh, sessions)
    hits = [one.hit for one in fresh]
    tx.execute_many(
        sql.event_add, [event_row(hit, session.at) for hit, session in zip(hits, sessions, strict=True)]
    )
    tx.execute_many(
        sql.session_put, [(*key, *msgspec.structs.astuple(session)[1:]) for key, session in begun.items()]
    )
    visitors = _visitors(tx, fresh)
    for website_id, visitor_id, _ in begun:
        visitors[website_id, visitor_id].session_count += 1
    for hit, session in zip(hits, sessions, strict=True):
        if hit.type != GOAL:
            _see(visitors[hit.website_id, hit.visitor_id], hit, session)
    tx.execute_many(sql.visitor_put, [msgspec.structs.astuple(one) for one in visitors.values()])
    if reached := [
        goals.Reached(hit.website_id, hit.name, hit.visitor_id, hit.event_id) for hit in hits if hit.name
    ]:
        goals.count_goals(tx, reached)
    note_checkouts(tx, hits)
    tell(tx, ChangeKind.VISITOR, [hit.website_id + hit.visitor_id + hit.event_id[:AT_BYTES] for hit in hits])


def _sessions(tx: Transaction, fresh: list[PastEvent]) -> list[PastSession]:
    """The session of each event: the one it was told with, that of the event before it, or its own."""
    before = tx.get_many(sql.event_before, [one.key for one in fresh])
    last: dict[Key, tuple[int, int]] = {}
    """By visitor the time of the newest event so far in the list, and when its session began."""
    found = []
    for one, row in zip(fresh, before, strict=True):
        key = (one.hit.website_id, one.hit.visitor_id)
        stored = (at_of(row.event_id), row.session_at) if row else (0, 0)
        found.append(one.session or _session_after(one.hit, max(stored, last.get(key, (0, 0)))))
        if one.hit.type != GOAL:
            last[key] = (one.hit.at, found[-1].at)
    return found


def _session_after(hit: Hit, before: tuple[int, int]) -> PastSession:
    """The session of an event behind another: (its time, when its session began)."""
    last, session_at = before
    at = session_at if last and hit.at - last <= SESSION_IDLE_MS else hit.at
    return PastSession(at, hit.url, hit.referrer, hit.params, hit.click_ids, hit.place, hit.device)


def _begun(
    tx: Transaction, fresh: list[PastEvent], sessions: list[PastSession]
) -> dict[tuple[bytes, bytes, int], PastSession]:
    """The sessions that are not stored yet, by (website id, visitor id, when they began): each as its first event tells of it."""
    found: dict[tuple[bytes, bytes, int], PastSession] = {}
    for one, session in zip(fresh, sessions, strict=True):
        if one.hit.type != GOAL or one.session is not None:
            found.setdefault((one.hit.website_id, one.hit.visitor_id, session.at), session)
    known = tx.get_many(sql.session_known, list(found))
    return {key: found[key] for key, row in zip(list(found), known, strict=True) if row is None}


def _visitors(tx: Transaction, fresh: Iterable[PastEvent]) -> dict[Key, StoredVisitor]:
    first: dict[Key, Hit] = {}
    for one in fresh:
        first.setdefault((one.hit.website_id, one.hit.visitor_id), one.hit)
    rows = tx.get_many(sql.visitor_get, list(first))
    return {
        key: stored_visitor(key, row)
        if row is not None
        else StoredVisitor(*key, hit.at, hit.at, hit.at, 0, 0, *[None] * 6)
        for (key, hit), row in zip(first.items(), rows, strict=True)
    }


def _see(visitor: StoredVisitor, hit: Hit, session: PastSession) -> None:
    """Bring a visitor up to date with a hit of any time."""
    is_first, is_last = hit.at <= visitor.first_seen_at, hit.at >= visitor.last_seen_at
    visitor.first_seen_at = min(visitor.first_seen_at, hit.at)
    if is_last:
        visitor.last_seen_at = hit.at
        visitor.session_started_at = max(visitor.session_started_at, session.at)
    if hit.type != PAGEVIEW:
        return
    if is_first or visitor.pageview_count == 0:
        visitor.first_referrer = session.referrer
        visitor.first_params = session.params
        visitor.first_click_ids = session.click_ids
    if is_last or visitor.pageview_count == 0:
        visitor.current_url = hit.url
        visitor.place = hit.place
        visitor.device = hit.device or None
    visitor.pageview_count += 1

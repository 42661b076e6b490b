"""Hits into the database: visitors, sessions and events, in one transaction for a list of hits."""

from __future__ import annotations

import msgspec

from footfall.collect import goals
from footfall.collect.checkouts import note_checkouts
from footfall.collect.model import PAGEVIEW, PAYMENT, PAYMENT_IDS, SESSION_IDLE_MS, SKEW_MS, Hit
from footfall.db.protocol import Params, Row, Transaction, WriteHandler
from footfall.db.statements import load
from footfall.identity.store import sql as identity_sql
from footfall.ids import AT_BYTES
from footfall.outbox.model import ChangeKind
from footfall.outbox.store import tell
from footfall.websites.counts import counting

sql = load(__file__, "collect.sql")

MOST_LOOKED_AT = 1000
"""Newest events of a visitor among which a payment is looked for that was told of before."""


class StoredVisitor(msgspec.Struct):
    """A visitor as stored, in the order in which `visitor_put` takes it; JSON as text."""

    website_id: bytes
    visitor_id: bytes
    first_seen_at: int
    last_seen_at: int
    session_started_at: int
    session_count: int
    pageview_count: int
    current_url: str | None
    place: str | None
    device: str | None
    first_referrer: str | None
    first_params: str | None
    first_click_ids: str | None


def record(tx: Transaction, hits: list[Hit]) -> list[None]:
    """Write handler: keep every hit. Pageviews make a visitor visible; other events before the first one wait for it."""
    keys: list[Params] = list({(hit.website_id, hit.visitor_id): None for hit in hits})
    found = tx.get_many(sql.visitor_get, keys)
    visitors = {
        key: stored_visitor(key, row) for key, row in zip(keys, found, strict=True) if row is not None
    }
    sessions: dict[Params, Params] = {}
    events: list[Params] = []
    payments: set[Params] = set()
    reached: list[goals.Reached] = []
    reports: list[Hit] = []
    for hit in hits:
        key = (hit.website_id, hit.visitor_id)
        if hit.type == PAYMENT:
            if _is_told_before(tx, hit, payments):
                continue
            reports.append(hit)
        visitor = visitors.get(key)
        is_first = visitor is None or (visitor.pageview_count == 0 and hit.type == PAGEVIEW)
        if visitor is None:
            visitor = visitors[key] = _new_visitor(hit)
        # Either way: a clock that ran ahead and came back must not let one session last until then.
        if abs(hit.at - visitor.last_seen_at) > SESSION_IDLE_MS:
            visitor.session_started_at = hit.at
            visitor.session_count += 1
            is_first = True
        if is_first:
            sessions[(*key, visitor.session_started_at)] = _session(hit, visitor)
        _see(visitor, hit)
        events.append(event_row(hit, visitor.session_started_at))
        if hit.name is not None:
            reached.append(goals.Reached(hit.website_id, hit.name, hit.visitor_id, hit.event_id))
    note_checkouts(tx, reports)
    tx.execute_many(sql.event_add, events)
    tx.execute_many(sql.session_put, list(sessions.values()))
    if reached:
        goals.count_goals(tx, reached)
    tx.execute_many(sql.visitor_put, [msgspec.structs.astuple(visitor) for visitor in visitors.values()])
    tell(tx, ChangeKind.EVENT, [hit.website_id + hit.visitor_id + hit.event_id[:AT_BYTES] for hit in hits])
    return [None] * len(hits)


def _is_told_before(tx: Transaction, hit: Hit, in_batch: set[Params]) -> bool:
    """Whether the visitor told of this payment before: clients try again, and the provider's id tells that it is the same.

    No other event carries anything by which a second delivery could be told from a second event.
    """
    if hit.data is None or not any(f'"{name}"' in hit.data for name in PAYMENT_IDS):
        return False
    key: Params = (hit.website_id, hit.visitor_id, hit.data)
    is_known = key in in_batch or tx.one(sql.payment_known, (*key, MOST_LOOKED_AT)) is not None
    in_batch.add(key)
    return is_known


def _locks(hits: list[Hit]) -> list[Params]:
    return [(hit.website_id, hit.visitor_id) for hit in hits]


def _shares(hits: list[Hit]) -> list[Params]:
    """Erasures blank rows of visitors; they wait for events, and these for them."""
    return list({(hit.website_id, b"visitors"): None for hit in hits})


def _visitor_of(hit: Hit) -> bytes:
    return hit.visitor_id


RECORD_HANDLER = WriteHandler(rank=0, run=record, locks=_locks, shares=_shares, about=_visitor_of)


def stored_visitor(key: Params, row: Row) -> StoredVisitor:
    """A visitor (website id, visitor id) from a row of `visitor_get`."""
    website_id, visitor_id = key
    return StoredVisitor(
        website_id,  # type: ignore[arg-type]
        visitor_id,  # type: ignore[arg-type]
        row.first_seen_at,
        row.last_seen_at,
        row.session_started_at,
        row.session_count,
        row.pageview_count,
        row.current_url,
        row.place,
        row.device,
        row.first_referrer,
        row.first_params,
        row.first_click_ids,
    )


def _new_visitor(hit: Hit) -> StoredVisitor:
    return StoredVisitor(hit.website_id, hit.visitor_id, hit.at, hit.at, hit.at, 1, 0, *[None] * 6)


def _see(visitor: StoredVisitor, hit: Hit) -> None:
    """Bring a visitor up to date with a hit; place, device and page are those of the latest pageview."""
    visitor.first_seen_at = min(visitor.first_seen_at, hit.at)
    visitor.last_seen_at = _later(visitor.last_seen_at, hit.at)
    if hit.type != PAGEVIEW:
        return
    if visitor.pageview_count == 0:
        visitor.first_referrer = hit.referrer
        visitor.first_params = hit.params
        visitor.first_click_ids = hit.click_ids
    visitor.pageview_count += 1
    visitor.current_url = hit.url
    visitor.place = hit.place
    visitor.device = hit.device


def _later(seen_at: int, at: int) -> int:
    """The later of two times; the second when the first lies so far ahead of it that a clock must have come back."""
    return at if seen_at - at > SKEW_MS else max(seen_at, at)


def _session(hit: Hit, visitor: StoredVisitor) -> Params:
    return (
        hit.website_id,
        hit.visitor_id,
        visitor.session_started_at,
        hit.url,
        hit.referrer,
        hit.params,
        hit.click_ids,
        hit.place,
        hit.device,
    )


def event_row(hit: Hit, session_started_at: int) -> Params:
    """The columns of `event_add`."""
    return (
        hit.website_id,
        hit.visitor_id,
        hit.event_id,
        hit.type,
        session_started_at,
        hit.url,
        hit.query,
        hit.referrer,
        hit.name,
        hit.data,
    )


def is_identified(tx: Transaction, visitor: tuple[bytes, bytes]) -> bool:
    """Whether a visitor (website id, visitor id) is somebody now, who was not erased."""
    link = tx.one(identity_sql.link_newest, visitor)
    return link is not None and link.profile_id is not None


DROPPED_HANDLER = counting(sql.dropped_add)
"""Adds to the numbers of dropped hits, by reason."""


def give_salts(tx: Transaction, calls: list[tuple[int, bytes]]) -> list[bytes]:
    """Write handler: the salt of each (UTC day, new salt to use when the day has none)."""
    salts = []
    for day, new in calls:
        tx.execute(sql.salt_add, (day, new))
        row = tx.one(sql.salt_get, (day,))
        salts.append(row.salt if row else new)
    return salts


SALT_HANDLER = WriteHandler(rank=2, run=give_salts)


def destroy_salts(tx: Transaction, days: list[int]) -> list[None]:
    """Write handler: destroy the salts of all days that are not, or are not yet, each of these."""
    tx.execute_many(sql.salts_destroy, [(day,) for day in set(days)])
    return [None] * len(days)


SALTS_DESTROY_HANDLER = WriteHandler(rank=2, run=destroy_salts)

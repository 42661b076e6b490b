"""One payment's timeline: what its payer saw, how it came in, whose it was found to be, and what moved or paid it back since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from footfall.collect.checkouts import reports_of
from footfall.collect.touches import last_pages
from footfall.db.protocol import Params, Transaction
from footfall.identity.erasing import links_of
from footfall.identity.ledger.show import ledger_of
from footfall.identity.model import IDENTIFY, UNDO, LedgerEntry
from footfall.identity.reading import persons_of, users_of
from footfall.identity.store import sql as identity_sql
from footfall.payments.claims import believed, claims_of, clues_of_payments
from footfall.payments.model import (
    OPEN,
    Claimant,
    EventType,
    Method,
    Payment,
    PaymentEvent,
    PaymentMove,
    PaymentStory,
)
from footfall.payments.owners import owner_of, owners_of, times_until
from footfall.payments.store import get_payments, sql
from footfall.payments.webhooks.store import deliveries_of

MOST = 100
"""Of each kind of event that a timeline shows, the newest."""
_TYPES = {IDENTIFY: EventType.IDENTIFY, UNDO: EventType.UNDO}


class _Context(NamedTuple):
    """A payment, whose it is now (a user), and when it was found out whose it is."""

    website_id: bytes
    payment: Payment
    profile_id: bytes | None
    moves: list[PaymentMove]


def read_story(tx: Transaction, website_id: bytes, payment: Payment) -> PaymentStory:
    """All that is known around a payment."""
    key = (website_id, payment.payment_id)
    moves = [
        PaymentMove(row.moved_at, Method(row.method), row.evidence) for row in tx.all(sql.moves, (*key, MOST))
    ]
    of = _Context(website_id, payment, owner_of(tx, website_id, payment), moves[::-1])
    (arrival,) = tx.all(sql.payment_arrival, key)
    refunds = _refunds(tx, of)
    events = [
        *_pages(tx, of),
        *_checkout(tx, of),
        PaymentEvent(payment.at, EventType.PAID, visitor_id=payment.visitor_id),
        *_deliveries(tx, of),
        PaymentEvent(arrival.received_at, EventType.RECORDED),
        *_matches(of),
        *_ledger(tx, of),
        *(PaymentEvent(one.at, EventType.REFUND, payment=one) for one in refunds),
    ]
    return PaymentStory(
        owners_of(tx, website_id, [payment])[0],
        arrival.received_at,
        _original(tx, website_id, arrival.original_hash),
        refunds,
        _claimants(tx, of),
        sorted(events, key=lambda event: event.at),
    )


def _pages(tx: Transaction, of: _Context) -> Iterator[PaymentEvent]:
    """The pages of the last visit before the payment."""
    times = times_until(tx, of.website_id, (of.payment.visitor_id, of.profile_id, of.payment.at))
    for page in last_pages(tx, of.website_id, times, MOST):
        yield PaymentEvent(page.at, EventType.PAGEVIEW, visitor_id=page.visitor_id, url=page.url)


def _checkout(tx: Transaction, of: _Context) -> Iterator[PaymentEvent]:
    for report in reports_of(tx, of.website_id, [of.payment.transaction_id]):
        if report is not None:
            yield PaymentEvent(report.at, EventType.CHECKOUT, visitor_id=report.visitor_id)


def _deliveries(tx: Transaction, of: _Context) -> Iterator[PaymentEvent]:
    for one in deliveries_of(tx, of.website_id, of.payment.payment_id)[-MOST:]:
        yield PaymentEvent(one.received_at, EventType.DELIVERY, provider=one.provider, event=one.event)


def _matches(of: _Context) -> Iterator[PaymentEvent]:
    for move in of.moves:
        kind = EventType.UNMATCHED if move.method in OPEN else EventType.MATCHED
        yield PaymentEvent(move.at, kind, method=move.method, fact_id=move.evidence)


def _refunds(tx: Transaction, of: _Context) -> list[Payment]:
    """The payments that pay it back, whichever of its names they give."""
    names = tx.all(sql.names_of, (of.website_id, of.payment.payment_id))
    found = tx.all_together(*[(sql.refunds_of, (of.website_id, row.name_hash, MOST)) for row in names])
    return get_payments(tx, of.website_id, sorted({row.payment_id for rows in found for row in rows}))


def _original(tx: Transaction, website_id: bytes, name_hash: bytes | None) -> Payment | None:
    row = None if name_hash is None else tx.one(sql.named, (website_id, name_hash))
    found = [] if row is None else get_payments(tx, website_id, [row.payment_id])
    return found[0] if found else None


def _claimants(tx: Transaction, of: _Context) -> list[Claimant]:
    """Who has what the payment names, where that does not tell whose it is."""
    if of.payment.method is not Method.AMBIGUOUS:
        return []
    clues = [clue.hash for clue in clues_of_payments(tx, of.website_id, [of.payment])[0]]
    claims = claims_of(tx, of.website_id, clues)
    several = next((found for clue in clues if len(found := believed(claims[clue])) > 1), [])
    people = persons_of(tx, of.website_id, {one.profile_id for one in several}).values()
    return sorted({Claimant(one.profile_id, one.user_id) for one in people})


def _ledger(tx: Transaction, of: _Context) -> Iterator[PaymentEvent]:
    """The facts that made it somebody's or moved it: identify calls, merges, and undos of these."""
    entries = ledger_of(tx, of.website_id, _users(tx, of), {}, b"", MOST, newest_first=True).entries
    deciding = {move.evidence for move in of.moves} | {of.payment.evidence}
    if (visitor_id := of.payment.visitor_id) is not None:
        deciding |= {link.fact_id for link in links_of(tx, of.website_id, [visitor_id])[visitor_id]}
        deciding |= {one.fact_id for one in entries if one.visitor_id == visitor_id and not one.is_active}
    shown: set[bytes | None] = set()
    for entry in reversed(entries):
        if entry.fact_id in deciding or (
            entry.undone in shown if entry.kind == UNDO else entry.kind != IDENTIFY
        ):
            shown.add(entry.fact_id)
            yield _fact(tx, of, entry)


def _users(tx: Transaction, of: _Context) -> list[bytes]:
    """Whose the payment is, was when it was made, and was found to be at any time."""
    facts: list[Params] = [(of.website_id, move.evidence) for move in of.moves if move.evidence]
    rows = tx.get_many(identity_sql.fact_get, facts)
    users = {of.profile_id, of.payment.known.profile_id, *(row.profile_id for row in rows if row is not None)}
    return sorted(one for one in users if one is not None)


def _fact(tx: Transaction, of: _Context, entry: LedgerEntry) -> PaymentEvent:
    merged: Sequence[str] = users_of(tx, of.website_id, entry.merged)
    return PaymentEvent(
        entry.received_at,
        _TYPES.get(entry.kind, EventType.MERGE),
        visitor_id=entry.visitor_id if entry.kind == IDENTIFY else None,
        fact_id=entry.fact_id,
        undone=entry.undone if entry.kind == UNDO else None,
        user_ids=tuple(merged) if merged else (entry.user_id,),
        is_active=entry.is_active,
    )

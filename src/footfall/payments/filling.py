"""What was not known of who paid is added to a payment; what is known stays."""

from __future__ import annotations

import msgspec

from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.identity import rules as identity_rules
from footfall.identity.erasing import links_of
from footfall.ids import parse_uuid
from footfall.outbox.store import tell_payments
from footfall.payments.model import Method, Payment
from footfall.payments.owners import know, seen_visitors
from footfall.payments.rules import clues_of
from footfall.payments.store import get_payments, known_columns
from footfall.payments.store import sql as payments_sql

sql = load(__file__, "filling.sql")


class Gap(msgspec.Struct, frozen=True):
    """What is said of who paid; each may be missing."""

    email: str | None
    name: str | None
    customer_id: str | None
    visitor_ref: str | None


def lock_whose(tx: Transaction, website_id: bytes) -> None:
    """Let nobody else say meanwhile whose payments are. To be asked for after all other locks, so that no two wait for each other."""
    tx.lock([(website_id, b"whose")])


def fill(tx: Transaction, website_id: bytes, one: Payment, said: Gap) -> None:
    """Add to a payment what it does not say, and ask for a look. An erased one stays as it is."""
    lock_whose(tx, website_id)
    one = next(iter(get_payments(tx, website_id, [one.payment_id])), one)
    if one.transaction_id is None:
        return
    ref = said.visitor_ref if one.method is not Method.VISITOR and not one.visitor_ref else None
    email, customer_id = None if one.email else said.email, None if one.customer_id else said.customer_id
    name = None if one.name else said.name
    if not (email or customer_id or name or ref):
        return
    given = parse_uuid(ref) if one.profile_id is None else None
    seen = find_seen(tx, website_id, ref)
    key = (website_id, one.payment_id)
    tx.execute(sql.payment_fill, (*key, email, name, customer_id, None if seen else ref, given))
    if seen is not None:
        _give(tx, website_id, one, seen)
    elif one.method is not Method.VISITOR:
        clues = clues_of(website_id, email, customer_id, ref)
        tx.execute_many(payments_sql.clue_add, [(website_id, clue, one.payment_id) for clue in clues])
        tx.execute(payments_sql.look_add, key)


def _give(tx: Transaction, website_id: bytes, one: Payment, visitor_id: bytes) -> None:
    """The payment is on a visitor who was seen."""
    tx.execute(
        payments_sql.payment_assign,
        (website_id, one.payment_id, visitor_id, None, Method.VISITOR.value, None, 0),
    )
    tell_payments(tx, website_id, {(one.visitor_id, one.at), (visitor_id, one.at)})
    if one.known.visitor_id is None and one.known.profile_id is None:
        links = links_of(tx, website_id, [visitor_id])[visitor_id]
        asked = (visitor_id, identity_rules.owner_at(links, one.at), one.at)
        known = know(tx, website_id, [asked])[0]
        tx.execute(payments_sql.payment_freeze, (website_id, one.payment_id, *known_columns(known)))


def find_seen(tx: Transaction, website_id: bytes, ref: str | None) -> bytes | None:
    """The visitor who was sent as one, if a pageview of them was seen."""
    given = parse_uuid(ref)
    return given if given is not None and seen_visitors(tx, website_id, [given]) else None

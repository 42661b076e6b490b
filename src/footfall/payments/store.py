"""Payments in the database: how they are read and written, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from footfall.collect.checkouts import checkout_hash
from footfall.collect.model import Touch
from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import load
from footfall.ids import MAX_AT, at_prefix, format_uuid, parse_uuid
from footfall.outbox.store import tell_payments
from footfall.payments.model import OPEN, Kind, Known, Method, Payment
from footfall.payments.money import Money
from footfall.payments.rules import API, clues_of, digest

sql = load(__file__, "payments.sql")

ID_BYTES = 12
END = b"\xff" * ID_BYTES
"""Behind all payment ids."""
FROM_PROVIDER = bytes(16)
"""The content of a payment that deliveries of a provider told of: it may be completed. (Stored.)"""
EVERYTHING = 2**62
"""As a limit: all there is."""

_decode_touch = msgspec.json.Decoder(Touch).decode


def payment_from(row: Row, *, with_touches: bool = True) -> Payment:
    """A payment from a row of any statement that gives whole ones; for sums, touches need not be read."""
    return Payment(
        row.payment_id,
        row.transaction_id,
        Kind(row.kind),
        Money(row.minor, row.currency),
        row.email,
        row.name,
        row.customer_id,
        row.visitor_ref,
        row.visitor_id,
        row.profile_id,
        Method(row.method),
        Known(
            row.known_visitor_id,
            row.known_profile_id,
            _decode_touch(row.first_touch) if with_touches and row.first_touch else None,
            _decode_touch(row.last_touch) if with_touches and row.last_touch else None,
        ),
        row.evidence,
    )


def payment_row(
    website_id: bytes, one: Payment, content: bytes, received_at: int, original_hash: bytes | None = None
) -> Params:
    """The columns of `payment_add`. `original_hash`: the name of the payment that it refunds."""
    return (
        website_id,
        one.payment_id,
        one.transaction_id,
        one.kind.value,
        one.money.minor,
        one.money.currency,
        one.email,
        one.name,
        one.customer_id,
        one.visitor_ref,
        one.visitor_id,
        one.profile_id,
        one.method.value,
        *known_columns(one.known),
        content,
        received_at,
        int(one.method in OPEN),
        original_hash,
    )


def known_columns(known: Known) -> Params:
    """known_visitor_id, known_profile_id, first_touch and last_touch."""
    return (
        known.visitor_id,
        known.profile_id,
        touch_text(known.first_touch),
        touch_text(known.last_touch),
    )


def touch_text(touch: Touch | None) -> str | None:
    """A touch as it is stored (JSON)."""
    return None if touch is None else msgspec.json.encode(touch).decode()


def edge(at: int) -> bytes:
    """Before every payment id of a time (ms since epoch); MAX_AT: behind all."""
    return at_prefix(at) if at < MAX_AT else END


def find_named(tx: Transaction, website_id: bytes, name_hash: bytes) -> Payment | None:
    """The payment that goes by a name."""
    row = tx.one(sql.named, (website_id, name_hash))
    found = row and tx.one(sql.payment_get, (website_id, row.payment_id))
    return payment_from(found) if found else None


def get_payments(tx: Transaction, website_id: bytes, ids: Iterable[bytes]) -> list[Payment]:
    """Those of these payments that are there."""
    rows = tx.get_many(sql.payment_get, [(website_id, one) for one in ids])
    return [payment_from(row) for row in rows if row is not None]


def remove(tx: Transaction, website_id: bytes, payments: Sequence[Payment]) -> None:
    """Remove payments, with all by which they are found."""
    forget_clues(tx, website_id, payments)
    tx.execute_many(
        sql.name_remove, [(website_id, name) for one in payments if (name := name_of(website_id, one))]
    )
    keys: list[Params] = [(website_id, one.payment_id) for one in payments]
    tx.execute_many(sql.look_remove, keys)
    tx.execute_many(sql.moves_forget, keys)
    tx.execute_many(sql.payment_remove, keys)
    tell_payments(tx, website_id, [(one.visitor_id, one.at) for one in payments])


def name_of(website_id: bytes, one: Payment) -> bytes | None:
    """The hash of the payment's transaction id; None once it is erased."""
    return digest(website_id, API, one.transaction_id) if one.transaction_id else None


def clues(website_id: bytes, one: Payment) -> list[bytes]:
    """The hashes of what may tell whose a payment is."""
    checkout = checkout_hash(website_id, one.transaction_id)
    visitor_id = parse_uuid(one.visitor_ref)
    ref = one.visitor_ref if visitor_id is None else format_uuid(visitor_id)
    return clues_of(website_id, one.email, one.customer_id, ref, checkout)


def forget_clues(tx: Transaction, website_id: bytes, payments: Iterable[Payment]) -> None:
    """Nobody is found by what these payments say any more."""
    rows = {(website_id, clue, one.payment_id) for one in payments for clue in clues(website_id, one)}
    tx.execute_many(sql.clue_remove, sorted(rows))

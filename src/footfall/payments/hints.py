"""What may tell whose a payment is, beside the payment's own columns: checkouts, the merchant's own ids, and a customer's visitor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from footfall.collect.checkouts import checkout_hash
from footfall.db.protocol import Params, Transaction
from footfall.db.statements import load
from footfall.payments.model import Method, Payment
from footfall.payments.rules import CUSTOMER, digest
from footfall.payments.store import sql as payments_sql

sql = load(__file__, "hints.sql")


class Hint(msgspec.Struct, frozen=True, order=True):
    """`method`: CHECKOUT (an id that a page may report), CUSTOMER_ID (a user id or trait), or VISITOR (a visitor of the same customer)."""

    method: Method
    value: str


def hints_of(tx: Transaction, website_id: bytes, payment_id: bytes) -> list[Hint]:
    """Those of a payment."""
    return [Hint(Method(row.method), row.value) for row in tx.all(sql.hints_of, (website_id, payment_id))]


def hints_of_payments(tx: Transaction, website_id: bytes, payments: Sequence[Payment]) -> list[list[Hint]]:
    """Those of each of these payments."""
    found = tx.all_together(*[(sql.hints_of, (website_id, one.payment_id)) for one in payments])
    return [[Hint(Method(row.method), row.value) for row in rows] for rows in found]


def add_hints(tx: Transaction, website_id: bytes, payment_id: bytes, hints: Iterable[Hint]) -> None:
    """Add hints to a payment, and ask for a look at it."""
    fresh = sorted(set(hints))
    if not fresh:
        return
    tx.execute_many(sql.hint_add, [(website_id, payment_id, one.method.value, one.value) for one in fresh])
    clues = {clue for one in fresh if (clue := _clue(website_id, one))}
    tx.execute_many(payments_sql.clue_add, [(website_id, clue, payment_id) for clue in sorted(clues)])
    tx.execute_many(payments_sql.look_add, [(website_id, payment_id)])


def forget_hints(tx: Transaction, website_id: bytes, payments: Sequence[Payment]) -> None:
    """Nobody is found by the hints to these payments any more."""
    keys: list[Params] = [(website_id, one.payment_id) for one in payments]
    found = tx.all_together(*[(sql.hints_of, key) for key in keys])
    clues = {
        (website_id, clue, one.payment_id)
        for one, rows in zip(payments, found, strict=True)
        for row in rows
        if (clue := _clue(website_id, Hint(Method(row.method), row.value)))
    }
    tx.execute_many(payments_sql.clue_remove, sorted(clues))
    tx.execute_many(sql.hints_remove, keys)


def _clue(website_id: bytes, one: Hint) -> bytes | None:
    """The hash by which new evidence leads to the payment; None for a checkout that may be guessed, and for visitors, who are no evidence to wait for."""
    if one.method is Method.CHECKOUT:
        return checkout_hash(website_id, one.value)
    return digest(website_id, CUSTOMER, one.value) if one.method is Method.CUSTOMER_ID else None

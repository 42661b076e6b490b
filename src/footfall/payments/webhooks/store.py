"""Sales, subscriptions and customers in the database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from footfall.db.protocol import Params, Transaction
from footfall.db.statements import load
from footfall.payments.model import Payment
from footfall.payments.money import Money
from footfall.payments.providers.model import Paid, Payer, SubscriptionMoved
from footfall.payments.providers.reading import either
from footfall.payments.rules import API, CUSTOMER, EMAIL, alike, digest
from footfall.payments.store import get_payments
from footfall.payments.store import sql as payments_sql
from footfall.payments.webhooks.model import PastDelivery, Said
from footfall.payments.webhooks.sales import (
    decode_said,
    encode_said,
    is_bare,
    subscription_of,
    without_ids,
)

sql = load(__file__, "webhooks.sql")

FOUND, PAID = "found", "paid"
"""The parts of a sale that are its payment: one that was there already, and one made from deliveries. (Stored.)"""
SUBSCRIPTION = "subscription"
"""The kind of hash that stands for a subscription. (Stored.)"""


class Sale(msgspec.Struct):
    """A sale while a delivery is taken in. `parts`: what it came to until now, by the ids of payments.

    `subscription`: of which it is, by hash; `paid_at`: ms since epoch; `monthly`: what recurs of it. `said`: in the order of hashes, so that
    it is the same however it came.
    """

    website_id: bytes
    sale_id: bytes
    names: set[bytes]
    said: list[Said]
    parts: dict[bytes, str]
    subscription: bytes | None = None
    paid_at: int | None = None
    monthly: Money | None = None
    is_elsewhere: bool = False


def name_hashes(website_id: bytes, ids: Iterable[str]) -> list[bytes]:
    """By these ids a sale is found, and so is a payment that was posted under one of them."""
    return [digest(website_id, API, one) for one in ids]


def subscription_hash(website_id: bytes, subscription_id: str) -> bytes:
    """Stands for a subscription."""
    return digest(website_id, SUBSCRIPTION, subscription_id)


def join_sale(tx: Transaction, website_id: bytes, said: Said, delivery_hash: bytes) -> Sale:
    """The sale that goes by any of the ids that are named here, with what is said now; several turn out to be one."""
    names = name_hashes(website_id, said.ids)
    rows = tx.get_many(sql.sale_named, [(website_id, one) for one in names])
    known = sorted({row.sale_id for row in rows if row is not None})
    sale_id = known[0] if known else names[0]
    for other in known[1:]:
        _absorb(tx, website_id, sale_id, other)
    tx.execute_many(sql.sale_name_put, sorted({(website_id, one, sale_id) for one in names}))
    what, content = encode_said(said)
    told_hash = hashlib.sha256(f"{what}\0{content}".encode()).digest()[:16]
    tx.execute(sql.said_add, (website_id, sale_id, told_hash, delivery_hash, what, content))
    sale = load_sale(tx, website_id, sale_id)
    if any(map(is_bare, sale.said)):  # Whoever paid was erased, and what comes in later names no ids either.
        bare_sales(tx, [(website_id, sale_id)])
        sale = load_sale(tx, website_id, sale_id)
    _note(sale)
    return sale


def bare_sales(tx: Transaction, sales: Sequence[Params]) -> None:
    """Put hashes in the place of ids in all that was said of these sales (website id, sale id)."""
    said = tx.all_together(*[(sql.sale_said, sale) for sale in sales])
    changed = [
        (*sale, row.told_hash, encode_said(without_ids(decode_said(row.what, row.content)))[1])
        for sale, rows in zip(sales, said, strict=True)
        for row in rows
    ]
    tx.execute_many(sql.said_change, changed)


def _note(sale: Sale) -> None:
    """What follows from what was said by now, however it came."""
    paid = [one for one in sale.said if isinstance(one, Paid)]
    sale.paid_at = max(min((one.at for one in paid), default=0), 0) if paid else None
    sale.monthly = next((one.monthly for one in paid if one.monthly is not None), None)
    subscription_id = subscription_of(sale.said)
    if subscription_id is not None:
        sale.subscription = subscription_hash(sale.website_id, subscription_id)


def _absorb(tx: Transaction, website_id: bytes, sale_id: bytes, other: bytes) -> None:
    """Make another sale a part of this one."""
    own, key = load_sale(tx, website_id, sale_id), (website_id, other)
    absorbed = load_sale(tx, website_id, other)
    rows = [
        (website_id, sale_id, row.told_hash, row.delivery_hash, row.what, row.content)
        for row in tx.all(sql.sale_said, key)
    ]
    tx.execute_many(sql.said_add, rows)
    tx.execute_many(sql.sale_name_put, [(website_id, one, sale_id) for one in sorted(absorbed.names)])
    for remove in (sql.said_remove, sql.parts_remove, sql.sale_remove):
        tx.execute(remove, key)
    own.parts |= absorbed.parts
    own.subscription = own.subscription or absorbed.subscription
    own.is_elsewhere = own.is_elsewhere or absorbed.is_elsewhere
    save_sale(tx, own)


def load_sale(tx: Transaction, website_id: bytes, sale_id: bytes) -> Sale:
    """A sale as it is stored."""
    key = (website_id, sale_id)
    head, names, said, parts = tx.all_together(
        (sql.sale_get, key), (sql.sale_names, key), (sql.sale_said, key), (sql.sale_parts, key)
    )
    sale = Sale(
        website_id,
        sale_id,
        {row.name_hash for row in names},
        [decode_said(row.what, row.content) for row in said],
        {row.payment_id: row.part for row in parts},
    )
    for row in head:
        sale.subscription, sale.paid_at = row.subscription_hash, row.paid_at
        sale.monthly = None if row.minor is None else Money(row.minor, row.currency)
        sale.is_elsewhere = bool(row.is_elsewhere)
    return sale


def save_sale(tx: Transaction, sale: Sale) -> None:
    """Store what a sale comes to."""
    key = (sale.website_id, sale.sale_id)
    monthly = (sale.monthly.minor, sale.monthly.currency) if sale.monthly else (None, None)
    tx.execute(sql.sale_put, (*key, sale.subscription, sale.paid_at, *monthly, int(sale.is_elsewhere)))
    tx.execute(sql.parts_remove, key)
    rows = [(sale.website_id, one, sale.sale_id, part) for one, part in sorted(sale.parts.items())]
    tx.execute_many(sql.part_put, rows)


def earliest_sales(tx: Transaction, website_id: bytes, subscription: bytes, most: int) -> list[bytes]:
    """The first sales of a subscription."""
    return [row.sale_id for row in tx.all(sql.sales_of_subscription, (website_id, subscription, most))]


def is_elsewhere(tx: Transaction, website_id: bytes, subscription: bytes | None) -> bool:
    """Whether a subscription is another website's."""
    return (
        subscription is not None
        and tx.one(sql.subscription_elsewhere, (website_id, subscription)) is not None
    )


def find_payments(tx: Transaction, sale: Sale) -> list[Payment]:
    """The payments that go by the names of a sale, each once."""
    keys: list[Params] = [(sale.website_id, one) for one in sorted(sale.names)]
    rows = tx.get_many(payments_sql.named, keys)
    return get_payments(tx, sale.website_id, sorted({row.payment_id for row in rows if row is not None}))


# Subscriptions


def add_move(tx: Transaction, website_id: bytes, moved: SubscriptionMoved) -> None:
    """Store how a subscription moved, unless it is another website's."""
    subscription = subscription_hash(website_id, moved.subscription_id)
    if is_elsewhere(tx, website_id, subscription):
        return
    money = (moved.monthly.minor, moved.monthly.currency) if moved.monthly else (None, None)
    said = (moved.what, moved.state, *money)
    move_hash = hashlib.sha256(repr(said).encode()).digest()[:8]
    tx.execute(sql.move_add, (website_id, subscription, max(moved.at, 0), move_hash, *said))


# Customers


def note_customer(tx: Transaction, website_id: bytes, payer: Payer, at: int) -> tuple[Payer, bool]:
    """Keep who a customer is, as the newest word has it (`at`: ms since epoch). What is known by now, and whether any of it is new."""
    payer = replace(payer, website_ref=None)
    if payer.customer_id is None:
        return payer, False
    row = tx.one(sql.customer_get, (website_id, payer.customer_id))
    if row is None:
        known, is_new = payer, True
    else:
        stored = Payer(payer.customer_id, row.email, row.name, row.visitor_ref, row.external_id)
        known = either(payer, stored) if at >= row.told_at else either(stored, payer)
        at, is_new = max(at, row.told_at), known != stored
        if not is_new:
            return known, False
    clues = (
        digest(website_id, EMAIL, alike(known.email)) if known.email else None,
        digest(website_id, CUSTOMER, known.external_id) if known.external_id else None,
    )
    told = (known.email, known.name, known.external_id, known.visitor_id, at)
    tx.execute(sql.customer_put, (website_id, payer.customer_id, *told, *clues))
    return known, is_new


def customers(tx: Transaction, website_id: bytes, ids: Sequence[str]) -> list[Payer]:
    """Who these customers are, those that are known."""
    rows = tx.get_many(sql.customer_get, [(website_id, one) for one in ids])
    return [
        Payer(one, row.email, row.name, row.visitor_ref, row.external_id)
        for one, row in zip(ids, rows, strict=True)
        if row is not None
    ]


def deliveries_of(tx: Transaction, website_id: bytes, payment_id: bytes) -> Sequence[PastDelivery]:
    """The deliveries that told of the sale of which a payment, a refund or a dispute is a part; oldest first."""
    rows = tx.all(sql.deliveries_of_payment, (website_id, payment_id))
    return [PastDelivery(row.provider, row.event, row.happened_at, row.received_at) for row in rows]

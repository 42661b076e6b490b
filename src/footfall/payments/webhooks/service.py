"""Deliveries into the database: each once, and what follows from it in the same transaction."""

from __future__ import annotations

import hashlib

from msgspec.structs import replace

from footfall.db.protocol import Params, Transaction, WriteHandler
from footfall.payments.filling import lock_whose
from footfall.payments.providers.model import (
    Delivery,
    Disputed,
    Linked,
    Paid,
    Refunded,
    Seen,
    SubscriptionMoved,
)
from footfall.payments.providers.reading import either
from footfall.payments.rules import CUSTOMER, digest
from footfall.payments.service import shares_of
from footfall.payments.store import get_payments
from footfall.payments.store import sql as payments_sql
from footfall.payments.webhooks.model import Clues, DeliveryCall, Said
from footfall.payments.webhooks.reconcile import add_clues, reconcile
from footfall.payments.webhooks.store import (
    Sale,
    add_move,
    earliest_sales,
    join_sale,
    load_sale,
    name_hashes,
    note_customer,
    save_sale,
    sql,
    subscription_hash,
)

MOST_SALES = 2**31
"""As a limit: all of a subscription."""


def receive(tx: Transaction, calls: list[DeliveryCall]) -> list[bool]:
    """Write handler: take in deliveries; whether each was new."""
    for website_id in sorted({call.website_id for call in calls}):
        lock_whose(tx, website_id)
    return [apply(tx, call) for call in calls]


def apply(tx: Transaction, call: DeliveryCall) -> bool:
    """Take in a delivery that was believed, or an object that was read from the provider; False if it came before.

    One of test mode counts for nothing.
    """
    one, website_id = call.delivery, call.website_id
    delivery_hash = hash_delivery(call.provider, one)
    is_live = one.is_live is not False
    if not call.is_imported:
        tx.execute(sql.integration_heard, (website_id, call.provider, call.now, one.event, int(is_live)))
    if tx.one(sql.delivery_get, (website_id, delivery_hash)) is not None:
        return False
    ignored = _reason(call)
    told = (call.provider, one.event, one.at, call.now, ignored)
    tx.execute(sql.delivery_add, (website_id, delivery_hash, *told))
    if ignored is None or (call.is_elsewhere and is_live):
        for occurrence in one.occurrences:
            _take(tx, call, occurrence, delivery_hash)
    return True


def hash_delivery(provider: str, delivery: Delivery) -> bytes:
    """The same for the same delivery. (Stored.)"""
    return hashlib.sha256(f"{provider}\0{delivery.delivery_id}".encode()).digest()[:16]


def _reason(call: DeliveryCall) -> str | None:
    if call.delivery.is_live is False:
        return "it is of test mode"
    return "it tells of another website" if call.is_elsewhere else call.delivery.ignored


def _take(
    tx: Transaction, call: DeliveryCall, one: Said | SubscriptionMoved | Seen, delivery_hash: bytes
) -> None:
    website_id, at = call.website_id, call.delivery.at or call.now
    if call.is_elsewhere:
        if isinstance(one, Paid | Linked):
            _leave_out(tx, call, one, delivery_hash)
        return
    clues = Clues() if isinstance(one, Linked | Refunded | Disputed) else _clues(tx, website_id, one, at)
    if isinstance(one, SubscriptionMoved):
        add_move(tx, website_id, one)
    elif not isinstance(one, Seen):
        sale = join_sale(tx, website_id, one, delivery_hash)
        save_sale(tx, sale)
        reconcile(tx, call, sale, clues)
        if isinstance(one, Paid) and sale.subscription is not None:
            _settle_others(tx, call, sale, sale.subscription)


def _clues(tx: Transaction, website_id: bytes, one: Paid | SubscriptionMoved | Seen, at: int) -> Clues:
    """Who paid, as far as it is known by now. What is new of a customer may tell whose their other payments are."""
    known, is_new = note_customer(tx, website_id, one.payer, at)
    own = replace(either(one.payer, known), visitor_id=one.payer.visitor_id)
    if is_new:
        _tell_others(tx, website_id, Clues(replace(own, visitor_id=None), (), known.visitor_id))
    checkouts = one.checkout_ids if isinstance(one, Paid) else ()
    return Clues(own, checkouts, known.visitor_id)


def _tell_others(tx: Transaction, website_id: bytes, clues: Clues) -> None:
    """To all payments of a customer that are not on a visitor yet."""
    customer_id = clues.payer.customer_id or ""
    rows = tx.all(payments_sql.clued, (website_id, digest(website_id, CUSTOMER, customer_id)))
    for one in get_payments(tx, website_id, [row.payment_id for row in rows]):
        if one.customer_id == customer_id:
            add_clues(tx, website_id, one, clues)


def _settle_others(tx: Transaction, call: DeliveryCall, sale: Sale, subscription: bytes) -> None:
    """Which payment of a subscription is its first is seen from the others, where the provider does not say."""
    for other in earliest_sales(tx, sale.website_id, subscription, 2):
        if other != sale.sale_id:
            reconcile(tx, call, load_sale(tx, sale.website_id, other), Clues())


def _leave_out(tx: Transaction, call: DeliveryCall, one: Paid | Linked, delivery_hash: bytes) -> None:
    """Another website sold it: neither it nor anything of its subscription counts here."""
    website_id = call.website_id
    sale = join_sale(tx, website_id, Linked(one.ids), delivery_hash)
    sale.is_elsewhere = True
    if isinstance(one, Paid) and one.subscription_id is not None:
        sale.subscription = subscription_hash(website_id, one.subscription_id)
    save_sale(tx, sale)
    reconcile(tx, call, sale, Clues())
    if sale.subscription is not None:
        tx.execute(sql.moves_remove, (website_id, sale.subscription))
        for other in earliest_sales(tx, website_id, sale.subscription, MOST_SALES):
            if other != sale.sale_id:
                reconcile(tx, call, load_sale(tx, website_id, other), Clues())


def receive_alone(tx: Transaction, calls: list[DeliveryCall]) -> None:
    """The same for a command, in a transaction of its own."""
    tx.lock(_locks(calls), _shares(calls))
    receive(tx, calls)


def _locks(calls: list[DeliveryCall]) -> list[Params]:
    """Deliveries of a website wait for each other, and for payments that are posted under one of their ids."""
    names: list[Params] = [
        (call.website_id, b"payment", one)
        for call in calls
        for said in call.delivery.occurrences
        if not isinstance(said, SubscriptionMoved | Seen)
        for one in name_hashes(call.website_id, said.ids)
    ]
    return list(dict.fromkeys([*((call.website_id, b"deliveries") for call in calls), *names]))


def _shares(calls: list[DeliveryCall]) -> list[Params]:
    return shares_of([call.website_id for call in calls])


RECEIVE_HANDLER = WriteHandler(
    rank=3,
    run=receive,
    is_slow=True,
    locks=_locks,
    shares=_shares,
    about=lambda call: call.website_id,
)

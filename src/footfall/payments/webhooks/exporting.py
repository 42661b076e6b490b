"""What is given out about a person beside their payments: who they are to providers, and how their subscriptions moved."""

from __future__ import annotations

from collections.abc import Iterator

from footfall.db.protocol import Params, Transaction
from footfall.identity.exporting import Exporter, Subject, list_parts
from footfall.payments.owners import payments_of
from footfall.payments.webhooks.lifecycle import moves_of, subscriptions_of
from footfall.payments.webhooks.store import customers
from footfall.payments.webhooks.wire import customer_json, move_json
from footfall.web.json import encode


def _customers(tx: Transaction, subject: Subject) -> Iterator[bytes]:
    payments = payments_of(tx, subject.website_id, subject.person, touched=0)
    ids = sorted({one.customer_id for one in payments if one.customer_id is not None})
    return list_parts(encode(customer_json(one)) for one in customers(tx, subject.website_id, ids))


def _moves(tx: Transaction, subject: Subject) -> Iterator[bytes]:
    payments = payments_of(tx, subject.website_id, subject.person, touched=0)
    found = sorted(set(subscriptions_of(tx, subject.website_id, payments).values()))
    keys: list[Params] = [(subject.website_id, one) for one in found]
    return list_parts(
        encode(move_json(subscription, one))
        for subscription, moved in zip(found, moves_of(tx, keys), strict=True)
        for one in moved
    )


CUSTOMERS = Exporter("paymentCustomers", _customers)
SUBSCRIPTIONS = Exporter("subscriptionMoves", _moves)

"""Which lifecycle goals a visitor reached: by payments, and by how subscriptions moved."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from footfall.db.protocol import Params, Row, Transaction
from footfall.payments.model import Payment
from footfall.payments.money import Money
from footfall.payments.providers.model import Payer, SubscriptionMoved
from footfall.payments.providers.subscriptions import moves
from footfall.payments.rules import goals_of
from footfall.payments.webhooks.model import ReachedGoal
from footfall.payments.webhooks.store import FOUND, PAID, sql

SOON_MS = 3_600_000
"""A payment and the renewal that tells of it may be told so far apart."""
_NAMES = {
    "trial_started": "trial_started",
    "trial_converted": "trial_converted",
    "started": "subscription_started",
    "upgraded": "subscription_upgraded",
    "downgraded": "subscription_downgraded",
    "renewed": "subscription_renewed",
    "cancel_scheduled": "subscription_cancel_scheduled",
    "reactivated": "subscription_reactivated",
    "ended": "subscription_ended",
}
_AS_PAID = {
    "started": "subscription_started",
    "trial_started": "subscription_started",
    "renewed": "subscription_renewed",
}
"""The goals that payments reach too, and do not where a move of their subscription tells of it."""


def goals_reached(tx: Transaction, website_id: bytes, payments: Sequence[Payment]) -> list[ReachedGoal]:
    """What these payments reach, and the subscriptions whose first payment is among them."""
    by_payment = subscriptions_of(tx, website_id, payments)
    subscriptions = sorted(set(by_payment.values()))
    keys: list[Params] = [(website_id, one) for one in subscriptions]
    if not keys:
        return [ReachedGoal(name, one.at) for one in payments for name in goals_of(one.kind)]
    firsts, money = tx.get_many_together((sql.first_payment_of, keys), (sql.first_money_of, keys))
    own, found = {one.payment_id for one in payments}, list[ReachedGoal]()
    told: dict[bytes, set[str]] = {}
    for subscription, moved, first, paid in zip(
        subscriptions, moves_of(tx, keys), firsts, money, strict=True
    ):
        reached = goals_of_moves(moved, paid.paid_at if paid else None)
        told[subscription] = {_AS_PAID[one.what] for one in moved if one.what in _AS_PAID}
        found += reached if first is not None and first.payment_id in own else []
    return found + [
        ReachedGoal(name, one.at)
        for one in payments
        for name in goals_of(one.kind)
        if name not in told.get(by_payment.get(one.payment_id, b""), ())
    ]


def subscriptions_of(tx: Transaction, website_id: bytes, payments: Sequence[Payment]) -> dict[bytes, bytes]:
    """The subscriptions of those payments that are of one, by payment."""
    rows = tx.get_many(sql.subscription_of_payment, [(website_id, one.payment_id) for one in payments])
    return {
        one.payment_id: row.subscription_hash
        for one, row in zip(payments, rows, strict=True)
        if row is not None and row.part in (PAID, FOUND) and row.subscription_hash is not None
    }


def moves_of(tx: Transaction, subscriptions: Sequence[Params]) -> list[list[SubscriptionMoved]]:
    """How each of these subscriptions (website id, hash) moved, oldest first. Only hashes of their ids are kept."""
    found = tx.all_together(*[(sql.moves_of, key) for key in subscriptions])
    return [[_moved(row) for row in rows] for rows in found]


def goals_of_moves(moved: Sequence[SubscriptionMoved], first_money: int | None) -> list[ReachedGoal]:
    """What a subscription reached by its moves, oldest first. `first_money`: when it brought some first (ms since epoch).

    Its price is what the subscription itself says: the invoice of a renewal may be lower for once. A renewal that is told by several, each
    by its own clock, is one.
    """
    before: SubscriptionMoved | None = None
    found: list[ReachedGoal] = []
    renewed_at = -SOON_MS
    for after in moved:
        if after.what == "renewed":
            is_told, renewed_at = after.at < renewed_at + SOON_MS, after.at
            if is_told:
                continue
        if before is not None and (after.what == "renewed" or after.monthly is None):
            after = replace(after, monthly=before.monthly)
        has_paid = first_money is not None and first_money < after.at - SOON_MS
        found += [
            ReachedGoal(_NAMES[what], after.at) for what in moves(before, after, has_paid) if what in _NAMES
        ]
        before = after
    return found


def _moved(row: Row) -> SubscriptionMoved:
    monthly = None if row.minor is None else Money(row.minor, row.currency)
    return SubscriptionMoved("", row.moved_at, row.what, row.state, Payer(), monthly)

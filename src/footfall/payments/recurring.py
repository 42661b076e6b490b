"""The subscriptions of a website as they stood at a time, as far as providers told of them."""

from __future__ import annotations

from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.payments.money import Money

sql = load(__file__, "recurring.sql")

RUNNING = frozenset(("active", "cancelling", "past_due"))
"""States of subscriptions that are paid for. One that is past due may yet be paid; a trial, a pause and an end bring nothing."""

Monthly = dict[bytes, Money]
"""What running subscriptions bring a month, by their hash."""


def read_monthly(tx: Transaction, asked: tuple[bytes, int]) -> Monthly:
    """What the subscriptions of a website (id) that ran right before a time (ms since epoch) bring; without those whose price nobody told."""
    return {
        row.subscription_hash: Money(row.minor, row.currency)
        for row in tx.stream(sql.subscriptions_at, asked)
        if row.state in RUNNING and row.minor
    }

"""Whether the database takes a write: a committed heartbeat says so."""

from __future__ import annotations

from footfall.db.protocol import Transaction, WriteHandler
from footfall.db.statements import load

sql = load(__file__, "health.sql")


def _beat(tx: Transaction, calls: list[int]) -> list[None]:
    tx.execute(sql.heartbeat, (max(calls),))
    return [None] * len(calls)


HEARTBEAT_HANDLER = WriteHandler(rank=3, run=_beat)
"""Its calls are times, in ms since epoch."""

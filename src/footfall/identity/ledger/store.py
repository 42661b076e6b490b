"""Facts that name no visitor: merges and undos."""

from __future__ import annotations

from typing import Any

from footfall.db.protocol import Params, Transaction
from footfall.identity import rules
from footfall.identity.model import SERVER
from footfall.identity.store import Profile, sql


def append_fact(
    tx: Transaction,
    website_id: bytes,
    kind: str,
    subject: Profile,
    operations: bytes,
    actor_id: bytes | None,
    now: int,
    newest: bytes,
) -> bytes:
    """Append a fact without a visitor, later than `newest`; its id."""
    at = rules.live_at(now, newest)
    fact_id = rules.fact_id(website_id, kind, subject.user_id, b"", at, operations, SERVER, actor_id)
    row: Params = (
        website_id,
        fact_id,
        kind,
        subject.profile_id,
        subject.user_id,
        None,
        now,
        SERVER,
        1,
        actor_id,
        operations.decode(),
    )
    tx.execute_many(sql.fact_add, [row])
    return fact_id


def lock_people(calls: list[Any]) -> list[Params]:
    """What merges and undos of a website may write: whoever is one person with whom."""
    return [(call.website_id, b"people") for call in calls]

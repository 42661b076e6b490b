"""Stores goals from servers, in one transaction for a list of calls."""

from __future__ import annotations

import hmac

import msgspec

from footfall.collect.goals import ServerGoal, add_goals
from footfall.db.protocol import Params, Transaction, WriteHandler
from footfall.errors import NotFound
from footfall.goals.store import sql

_UNSEEN = "Visitor data not found for this website: no pageview of this visitor has come."


class GoalCall(msgspec.Struct, frozen=True):
    """A goal to store. `key_hash`: of its idempotency key, if it has one."""

    goal: ServerGoal
    key_hash: bytes | None


def key_hash(secret: bytes, key: str) -> bytes:
    """What is stored of an idempotency key; without the website's secret, nobody can tell which key it was."""
    return hmac.digest(secret, b"goal key\0" + key.encode(), "sha256")[:16]


def record_goals(tx: Transaction, calls: list[GoalCall]) -> list[bytes | NotFound]:
    """Write handler: the event id of each goal, which is that of the first goal with the same idempotency key."""
    names = [_name(call) for call in calls]
    keyed = list({name: None for name in names if name})
    found = tx.get_many(sql.key_get, keyed)
    known: dict[Params, bytes | NotFound] = {
        name: row.event_id for name, row in zip(keyed, found, strict=True) if row is not None
    }
    fresh: dict[Params, ServerGoal] = {}
    for number, (call, name) in enumerate(zip(calls, names, strict=True)):
        if name is None or name not in known:
            fresh.setdefault(name or (number,), call.goal)
    kept = add_goals(tx, list(fresh.values()))
    outcomes = {
        name: goal.event_id if is_kept else NotFound(_UNSEEN)
        for (name, goal), is_kept in zip(fresh.items(), kept, strict=True)
    }
    tx.execute_many(
        sql.key_add,
        [(*name, one) for name in keyed if isinstance(one := outcomes.get(name), bytes)],
    )
    known |= outcomes
    return [known[name or (number,)] for number, name in enumerate(names)]


def _name(call: GoalCall) -> Params | None:
    """The idempotency key of a call, by website."""
    return None if call.key_hash is None else (call.goal.website_id, call.key_hash)


def _locks(calls: list[GoalCall]) -> list[Params]:
    visitors: list[Params] = [(call.goal.website_id, call.goal.visitor_id) for call in calls]
    return visitors + [name for call in calls if (name := _name(call))]


def _shares(calls: list[GoalCall]) -> list[Params]:
    """Erasures blank rows of visitors. They wait for goals, and goals wait for them."""
    return list({(call.goal.website_id, b"visitors"): None for call in calls})


def _visitor_of(call: GoalCall) -> bytes:
    return call.goal.visitor_id


GOAL_HANDLER = WriteHandler(rank=2, run=record_goals, locks=_locks, shares=_shares, about=_visitor_of)

"""Goals in the database: counted by visitor beside their events, whether a page or a server sent them; and their deletion, in slices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from footfall.collect.model import GOAL
from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import load
from footfall.ids import AT_BYTES, at_of
from footfall.outbox.model import ChangeKind
from footfall.outbox.store import tell

sql = load(__file__, "goals.sql")
event_sql = load(__file__, "collect.sql")

SLICE = 500
"""Events that are deleted in one transaction, and rows that are looked at for them."""


class Reached(NamedTuple):
    """A visitor reached a goal."""

    website_id: bytes
    name: str
    visitor_id: bytes
    event_id: bytes


class ServerGoal(msgspec.Struct, frozen=True):
    """A goal that a server sent. `data`: a `model.GoalData` as JSON, if there is something to say."""

    website_id: bytes
    visitor_id: bytes
    event_id: bytes
    name: str
    data: str | None


class TrackedGoal(msgspec.Struct, frozen=True):
    """How often a goal was reached, and by how many visitors."""

    name: str
    total: int
    visitors: int


class Doomed(msgspec.Struct, frozen=True):
    """Which goals to delete: of a visitor, of a name (None: of any), with event ids from `since` on, before `until`."""

    website_id: bytes
    visitor_id: bytes | None
    name: str | None
    since: bytes
    until: bytes


class GoalPosition(NamedTuple):
    """How far a deletion came: all up to this goal of this visitor is done."""

    name: str
    visitor_id: bytes


class Deleted(msgspec.Struct, frozen=True):
    """How many goals a slice deleted, and where the next begins; None when it was the last."""

    count: int
    following: GoalPosition | None


def count_goals(tx: Transaction, reached: Iterable[Reached]) -> None:
    """Add goals to what is counted, in the transaction that stores their events."""
    counted: dict[Params, tuple[int, bytes, bytes]] = {}
    for website_id, name, visitor_id, event_id in reached:
        key = (website_id, name, visitor_id)
        many, first, last = counted.get(key, (0, event_id, event_id))
        counted[key] = (many + 1, min(first, event_id), max(last, event_id))
    tx.execute_many(sql.goal_counted, [(*key, *counts) for key, counts in sorted(counted.items())])


def add_goals(tx: Transaction, goals: Sequence[ServerGoal]) -> list[bool]:
    """Store goals of servers: they belong to visits, and make none. Whether each was kept: its visitor's first pageview has come."""
    keys: list[Params] = [(one.website_id, one.visitor_id, at_of(one.event_id)) for one in goals]
    found = tx.get_many(sql.visitor_at, keys)
    known = [(one, row) for one, row in zip(goals, found, strict=True) if row and row.pageview_count]
    tx.execute_many(event_sql.event_add, [_event(one, row) for one, row in known])
    count_goals(tx, [Reached(one.website_id, one.name, one.visitor_id, one.event_id) for one, _ in known])
    _tell(tx, [(one.website_id, one.visitor_id, one.event_id) for one, _ in known])
    return [bool(row and row.pageview_count) for row in found]


def _tell(tx: Transaction, events: Iterable[tuple[bytes, bytes, bytes]]) -> None:
    """Leave word of events (website id, visitor id, event id)."""
    tell(
        tx,
        ChangeKind.EVENT,
        [website_id + visitor_id + id_[:AT_BYTES] for website_id, visitor_id, id_ in events],
    )


def _event(one: ServerGoal, visitor: Row) -> Params:
    session, nowhere = visitor.session_started_at, (None, None, None)
    return (one.website_id, one.visitor_id, one.event_id, GOAL, session, *nowhere, one.name, one.data)


def tracked_goals(tx: Transaction, website_id: bytes) -> tuple[list[TrackedGoal], int]:
    """The goals of a website, and how many visitors it had."""
    goals = [
        TrackedGoal(row.name, row.total, row.visitors) for row in tx.all(sql.goals_reached, (website_id,))
    ]
    row = tx.one(sql.visitors_shown, (website_id,))
    return goals, row.count if row else 0


def delete_goals(tx: Transaction, doomed: Doomed, place: GoalPosition | None) -> Deleted:
    """Delete the next of these goals behind `place`, at most SLICE of them."""
    page = _page(tx, doomed, place or GoalPosition("", b""))
    rows = [row for row in page if row.first_id < doomed.until and row.last_id >= doomed.since]
    chosen, is_all = _that_fit(rows)
    tx.lock(
        [(doomed.website_id, one.visitor_id) for one in chosen], shared=[(doomed.website_id, b"visitors")]
    )
    asked = [
        (sql.goal_ids, (doomed.website_id, one.visitor_id, one.name, doomed.since, doomed.until, SLICE))
        for one in chosen
    ]
    found = {
        one: [row.event_id for row in ids] for one, ids in zip(chosen, tx.all_together(*asked), strict=True)
    }
    _remove(tx, doomed.website_id, {one: ids for one, ids in found.items() if ids})
    count = sum(map(len, found.values()))
    if chosen and len(found[chosen[-1]]) == SLICE:  # there may be more of it
        return Deleted(count, chosen[-2] if len(chosen) > 1 else place or GoalPosition("", b""))
    if not is_all:
        return Deleted(count, chosen[-1])
    return Deleted(count, GoalPosition(page[-1].name, page[-1].visitor_id) if len(page) == SLICE else None)


def _page(tx: Transaction, doomed: Doomed, place: GoalPosition) -> list[Row]:
    """Some of what is counted behind `place`, whenever it was reached."""
    name, visitor_id, website_id = doomed.name, doomed.visitor_id, doomed.website_id
    if name is not None and visitor_id is not None:
        return tx.all(sql.count_of, (website_id, name, visitor_id))
    if name is not None:
        return tx.all(sql.counts_of_name, (website_id, name, place.visitor_id, SLICE))
    if visitor_id is not None:
        return tx.all(sql.counts_of_visitor, (website_id, place.name, visitor_id, SLICE))
    return tx.all(sql.counts_of_all, (website_id, *place, SLICE))


def _that_fit(rows: list[Row]) -> tuple[list[GoalPosition], bool]:
    """Of whom no more than a slice is read, from the first on; and whether these are all."""
    room = SLICE
    chosen: list[GoalPosition] = []
    for row in rows:
        if chosen and row.completions > room:
            return chosen, False
        chosen.append(GoalPosition(row.name, row.visitor_id))
        room -= row.completions
    return chosen, True


def _remove(tx: Transaction, website_id: bytes, found: dict[GoalPosition, list[bytes]]) -> None:
    """Remove these events, and count what is left."""
    events = [(website_id, one.visitor_id, id_) for one, ids in found.items() for id_ in ids]
    tx.execute_many(sql.event_remove, events)
    _tell(tx, events)
    counts, edges = tx.get_many_together(
        (sql.count_of, [(website_id, *one) for one in found]),
        (sql.goal_edges, [(website_id, one.visitor_id, one.name) for one in found]),
    )
    left: list[Params] = []
    gone: list[Params] = []
    for one, count, edge in zip(found, counts, edges, strict=True):
        if count and edge and edge.first_id is not None:
            rest = count.completions - len(found[one])
            left.append((website_id, *one, rest, edge.first_id, edge.last_id))
        else:
            gone.append((website_id, *one))
    tx.execute_many(sql.goal_recounted, left)
    tx.execute_many(sql.count_remove, gone)

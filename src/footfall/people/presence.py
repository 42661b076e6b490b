"""When people were last seen, and who is online with any process.

It follows from events, which leave no word for the trait index: each process notes every other second whom it saw, up to a thousand visitors
a second. When a process is killed, or sees far more than that, some keep their place in the list until they are seen again; what a person's
page says is read from the events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from footfall.collect.online import ONLINE_MS
from footfall.db.protocol import Database, Params, Transaction, WriteHandler
from footfall.ids import at_prefix
from footfall.people.index.indexer import lock_index, sql

SEEN_SECONDS, SEEN_STEPS, SEEN_STEP = 2.0, 100, 20
"""How often a process notes whom it saw, in how many steps at most, and how many visitors in each: a few milliseconds of work."""


class Sighting(NamedTuple):
    """A visitor was seen. `at`: ms since epoch."""

    website_id: bytes
    visitor_id: bytes
    at: int


def note_seen(tx: Transaction, calls: list[list[Sighting]]) -> list[None]:
    """Write handler: keep when people were seen last, and who is online."""
    seen = sorted(one for call in calls for one in call)
    latest: dict[Params, int] = {one[:2]: one.at for one in seen}
    tx.execute_many(sql.online_put, [(*key, at) for key, at in latest.items()])
    for website_id in {one.website_id for one in seen}:
        tx.execute(sql.online_forget, (website_id, seen[-1].at - ONLINE_MS))
    found = tx.get_many(sql.person_of_visitor, [(*one[:2], at_prefix(one.at + 1)) for one in seen])
    rows: dict[Params, int] = {}
    for one, person in zip(seen, found, strict=True):
        if person is not None:
            key = (one.website_id, person.person_id)
            rows[key] = max(one.at, rows.get(key, 0))
    tx.derived.execute_many(sql.seen_set, [(*key, at) for key, at in sorted(rows.items())])
    return [None] * len(calls)


def read_latest(
    tx: Transaction, website_id: bytes, since: int, most: int, here: Mapping[bytes, int]
) -> list[tuple[bytes, int]]:
    """Of the visitors seen since (ms since epoch) by any process those who were seen last, and when that was; `here`: by this one."""
    return read_latest_of(tx, since, most, {website_id: here})[website_id]


def read_latest_of(
    tx: Transaction, since: int, most: int, here: Mapping[bytes, Mapping[bytes, int]]
) -> dict[bytes, list[tuple[bytes, int]]]:
    """The same of several websites, by their ids."""
    (groups,) = tx.groups((sql.online_since, [(website_id, since, most) for website_id in here]))
    found = {}
    for (website_id, own), rows in zip(here.items(), groups, strict=True):
        seen = {row.visitor_id: row.seen_at for row in rows}
        for visitor_id, at in own.items():
            seen[visitor_id] = max(at, seen.get(visitor_id, 0))
        found[website_id] = sorted(seen.items(), key=lambda one: one[1], reverse=True)[:most]
    return found


SEEN_HANDLER = WriteHandler(rank=-1, run=note_seen, is_step=True, locks=lock_index)


class SeenFlusher:
    """Notes whom this process saw. `take` gives at most so many of them, those who wait longest first."""

    def __init__(self, database: Database, take: Callable[[int], list[tuple[bytes, bytes, int]]]) -> None:
        self._database = database
        self._take = take

    async def flush(self) -> None:
        """Note whom this process has seen; not all of them when they are very many. Call it every SEEN_SECONDS.

        Raises ApiError and DatabaseError.
        """
        noted = 0
        for _ in range(SEEN_STEPS):
            if seen := [Sighting(*one) for one in self._take(SEEN_STEP)]:
                await self._database.write(SEEN_HANDLER, seen)
                noted += len(seen)
        if noted:
            await self._database.derived.flush()

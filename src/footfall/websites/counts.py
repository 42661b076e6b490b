"""Numbers that are counted in memory and written from time to time."""

from __future__ import annotations

import asyncio

from footfall.clock import DAY_MS
from footfall.db.protocol import Database, Transaction, WriteHandler
from footfall.db.statements import Statement

Counted = dict[tuple[bytes, int, str], int]
"""How many, by (website id, UTC day since epoch, what)."""


class Counts:
    """Counts in memory that `handler` adds to the stored ones."""

    def __init__(self, database: Database, handler: WriteHandler) -> None:
        self._database = database
        self._handler = handler
        self._counted: Counted = {}
        self._writing = asyncio.Lock()

    def add(self, website_id: bytes, now: int, what: str) -> None:
        """Count one `what` at `now` (ms since epoch)."""
        self._add((website_id, now // DAY_MS, what), 1)

    def _add(self, key: tuple[bytes, int, str], many: int) -> None:
        self._counted[key] = self._counted.get(key, 0) + many

    async def flush(self) -> None:
        """Return once all counts are written, also those that another call writes. If they cannot be, keep them and raise ApiError or DatabaseError."""
        async with self._writing:
            if not self._counted:
                return
            counted, self._counted = self._counted, {}
            try:
                await self._database.write(self._handler, counted)
            except Exception:
                for key, many in counted.items():
                    self._add(key, many)
                raise


def counting(statement: Statement) -> WriteHandler:
    """A write handler that runs `statement` for each of (website id, UTC day, what, how many)."""

    def add(tx: Transaction, calls: list[Counted]) -> list[None]:
        for counted in calls:
            tx.execute_many(statement, [(*key, many) for key, many in sorted(counted.items())])
        return [None] * len(calls)

    return WriteHandler(rank=2, run=add)

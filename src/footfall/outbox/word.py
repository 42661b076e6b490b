"""The background job by which word of changes does not grow without bound, whoever does not take it."""

from __future__ import annotations

from footfall.clock import Clock
from footfall.db.protocol import Database
from footfall.log import get_logger
from footfall.outbox.store import forget_some, is_too_much, unpair, unpair_absent

LOOK_SECONDS = 60.0
SLICE = 500
"""Changes that are forgotten in one transaction, for which calls wait."""


class WordWatch:
    """Forgets word that nobody has to take any more, or too much of it: then columns are made anew."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._log = get_logger("columns")

    async def advance(self) -> float:
        """Forget a slice. Returns the seconds to wait before the next. Raises ApiError and DatabaseError."""
        now = self._clock()
        if absent := await self._database.change(lambda tx: unpair_absent(tx, now)):
            self._log.warning(
                "columns were not heard of for a day; word is kept for them no more", many=absent
            )
        if await self._database.scan(is_too_much, None):
            self._log.warning("too many changes wait for columns; these are made anew")
            await self._database.change(unpair)
        forgotten = await self._database.change(lambda tx: forget_some(tx, SLICE))
        return LOOK_SECONDS if forgotten < SLICE else 0.1

"""How many suspicions each website has, for the navigation: counted in the background, of websites that somebody looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter

import msgspec

from footfall.db.protocol import Database
from footfall.identity.audit.suspicions import count_suspicions
from footfall.websites.model import Website

LOOK_SECONDS = 2.0
LEAST_AGE, REST = 300.0, 200.0
"""A count is made again after so many seconds, or so many times as long as it took."""


class _Count(msgspec.Struct):
    """`due_at`: when it is to be made again (seconds of `perf_counter`), if somebody looks; `is_wanted`: somebody looked since."""

    number: int | None = None
    due_at: float = 0.0
    is_wanted: bool = True


class SuspicionCounts:
    """The counts of a server, held in memory."""

    def __init__(self, database: Database, websites: Callable[[], Mapping[bytes, Website]]) -> None:
        self._database = database
        self._websites = websites
        self._counts: dict[bytes, _Count] = {}

    def look(self, website_id: bytes) -> int | None:
        """The last count, some minutes old at most; None before the first. Costs nothing."""
        count = self._counts.setdefault(website_id, _Count())
        count.is_wanted = True
        return count.number

    def note(self, website_id: bytes, number: int) -> None:
        """Somebody who had to look at all has counted."""
        count = self._counts.setdefault(website_id, _Count())
        count.number, count.due_at = number, perf_counter() + LEAST_AGE

    async def advance(self) -> None:
        """Make one count that is wanted and due. Raises DatabaseError."""
        websites = self._websites()
        for gone in self._counts.keys() - websites.keys():
            del self._counts[gone]
        now = perf_counter()
        due = (one for one, count in self._counts.items() if count.is_wanted and count.due_at <= now)
        if (website_id := next(due, None)) is not None:
            await self._make(websites[website_id])

    async def _make(self, website: Website) -> None:
        count, started = self._counts[website.website_id], perf_counter()
        count.is_wanted = False
        count.number = await self._database.scan(count_suspicions, website, share=website.website_id)
        took = perf_counter() - started
        count.due_at = started + took + max(LEAST_AGE, REST * took)

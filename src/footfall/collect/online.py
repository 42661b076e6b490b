"""Who is online: the visitors whom this server process saw in the last five minutes. `people.index` tells the other processes of them."""

from __future__ import annotations

import itertools

ONLINE_MS = 5 * 60_000
PRUNE_AT = 1000
"""Visitors of a website from which on those who left are looked for at each new one's arrival."""
MOST_FRESH = 50_000
"""Visitors who may wait to be taken; of more than that nobody takes note."""


class Online:
    """When visitors were seen last (ms since epoch), by website."""

    def __init__(self) -> None:
        self._seen: dict[bytes, dict[bytes, int]] = {}
        self._fresh: dict[tuple[bytes, bytes], int] = {}

    def see(self, website_id: bytes, visitor_id: bytes, at: int) -> None:
        """A visitor did something."""
        visitors = self._seen.setdefault(website_id, {})
        visitors.pop(visitor_id, None)  # so that they lie in the order in which they were seen
        visitors[visitor_id] = at
        key = (website_id, visitor_id)
        if len(self._fresh) < MOST_FRESH or key in self._fresh:
            self._fresh[key] = at
        if len(visitors) > PRUNE_AT:
            self._prune(visitors, at)

    def take_fresh(self, most: int) -> list[tuple[bytes, bytes, int]]:
        """(website id, visitor id, ms since epoch) of some who were seen since they were taken last; those who wait longest come first."""
        keys = list(itertools.islice(self._fresh, most))
        return [(*key, self._fresh.pop(key)) for key in keys]

    def visitors(self, website_id: bytes, now: int) -> dict[bytes, int]:
        """The visitors of the last five minutes, and when they were seen last."""
        visitors = self._seen.get(website_id, {})
        self._prune(visitors, now)
        return dict(visitors)

    def _prune(self, visitors: dict[bytes, int], now: int) -> None:
        """Forget those who left; they lie in front."""
        while visitors:
            first = next(iter(visitors))
            if visitors[first] > now - ONLINE_MS:
                return
            del visitors[first]

"""Who is online: the visitors whom this server process saw last. `people.presence` tells the other processes of them."""

from __future__ import annotations

import itertools
from collections import OrderedDict

ONLINE_MS = 10 * 60_000
"""Who was seen that recently is online: the window of DataFast's realtime routes."""
MOST_GONE = 8
"""Of those who left, so many are forgotten when somebody is seen: more than come, and never many at once."""
MOST_FRESH = 50_000
"""Visitors who may wait to be taken; of more than that nobody takes note."""


class Online:
    """When visitors were seen last (ms since epoch), by website. Nothing here costs more the more of them are online.

    So the dictionaries are ordered ones: of a plain one, the front is found the later the more was removed from it.
    """

    _has_lost = False

    def __init__(self) -> None:
        self._seen: dict[bytes, OrderedDict[bytes, int]] = {}
        self._fresh: OrderedDict[tuple[bytes, bytes], int] = OrderedDict()
        self._unlisted: dict[tuple[bytes, bytes], None] = {}

    def see(self, website_id: bytes, visitor_id: bytes, at: int) -> None:
        """A visitor did something."""
        visitors = self._seen.get(website_id)
        if visitors is None:
            visitors = self._seen[website_id] = OrderedDict()
        visitors[visitor_id] = at
        visitors.move_to_end(visitor_id)  # so that they lie in the order in which they were seen
        key = (website_id, visitor_id)
        if len(self._fresh) < MOST_FRESH or key in self._fresh:
            self._fresh[key] = at
        self._unlisted[key] = None
        if len(self._unlisted) > MOST_FRESH:
            self._unlisted.clear()
            self._has_lost = True
        self._forget(visitors, at - ONLINE_MS)

    def take_fresh(self, most: int) -> list[tuple[bytes, bytes, int]]:
        """(website id, visitor id, ms since epoch) of some who were seen since they were taken last; those who wait longest come first."""
        taken = (self._fresh.popitem(last=False) for _ in range(min(most, len(self._fresh))))
        return [(*key, at) for key, at in taken]

    def take_unlisted(self) -> tuple[list[tuple[bytes, bytes]], bool]:
        """(website id, visitor id) of those who were seen since they were taken last; and whether there were others, too many to be kept."""
        taken, self._unlisted = list(self._unlisted), {}
        has_lost, self._has_lost = self._has_lost, False
        return taken, has_lost

    def latest(self, website_id: bytes, now: int, most: int) -> dict[bytes, int]:
        """Of the visitors who are online, those who were seen last, and when that was."""
        visitors = self._seen.get(website_id, OrderedDict())
        last = itertools.islice(reversed(visitors.items()), most)
        return dict(itertools.takewhile(lambda one: one[1] > now - ONLINE_MS, last))

    def _forget(self, visitors: OrderedDict[bytes, int], before: int) -> None:
        """Forget some of those who left; they lie in front."""
        for _ in range(MOST_GONE):
            visitor_id, at = next(iter(visitors.items()))
            if at > before:
                return
            del visitors[visitor_id]

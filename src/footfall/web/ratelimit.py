"""Calls per minute for each API key or access token: fixed windows, in this process.

The `limits` package does the same at 4.5 microseconds per call and as much again for the headers, a tenth of what an identify call may cost;
this takes 0.5 (docs/decisions/0004-own-rate-limit.md).
"""

from __future__ import annotations

from footfall.errors import TooManyRequests
from footfall.web.envelope import Headers

WINDOW_MS = 60_000


class RateLimit:
    """Counts calls per key and minute. `limit` 0: unlimited."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._window = -1
        self._used: dict[bytes, int] = {}

    def take(self, key: bytes, now: int, calls: int = 1) -> Headers:
        """Count `calls` (at least 1) at `now` (ms since epoch); the headers to send. Raises TooManyRequests and counts nothing."""
        if self._limit == 0:
            return []
        window = now // WINDOW_MS
        if window not in (
            self._window,
            self._window - 1,
        ):  # a call that took long to arrive belongs to this window
            self._window = window
            self._used = {}
        before = self._used.get(key, 0)
        used = before + calls
        reset_at = (self._window + 1) * WINDOW_MS
        if used > self._limit:
            retry_after = max(1, -(-(reset_at - now) // 1000))
            raise TooManyRequests(self._limit, self._limit - before, reset_at, retry_after)
        self._used[key] = used
        return [
            (b"x-ratelimit-limit", b"%d" % self._limit),
            (b"x-ratelimit-remaining", b"%d" % (self._limit - used)),
            (b"x-ratelimit-reset", b"%d" % reset_at),
        ]

    def take_more(self, key: bytes, now: int, calls: int) -> Headers:
        """The same for a call that was counted as one and is that many more. If it raises TooManyRequests, the one is not counted either."""
        try:
            return self.take(key, now, calls)
        except TooManyRequests as error:
            if self._used.get(key):
                self._used[key] -= 1
                error.remaining += 1
            raise

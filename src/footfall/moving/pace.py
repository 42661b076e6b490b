"""How fast calls may follow one another."""

from __future__ import annotations

from collections.abc import Callable


class Pace:
    """Lets through so many calls a minute, evenly. `clock`: seconds that only go on; `sleep`: takes seconds."""

    def __init__(self, per_minute: int, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._gap = 60 / per_minute
        self._clock = clock
        self._sleep = sleep
        self._next = clock()

    def wait(self) -> None:
        """Return once a call may be made."""
        now = self._clock()
        if now < self._next:
            self._sleep(self._next - now)
        self._next = max(now, self._next) + self._gap

    def rest(self, seconds: float) -> None:
        """Let no call through for so long."""
        self._next = max(self._next, self._clock() + seconds)

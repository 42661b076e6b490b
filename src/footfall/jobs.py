"""Work that a server does again and again while it runs, and what must not end as long as it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from footfall.errors import ApiError, DatabaseError
from footfall.log import get_logger


async def run_forever(name: str, pause: float, work: Callable[[], Awaitable[float | None]]) -> None:
    """Do `work`, each time after `pause` seconds or as many as the last time gave. What goes wrong is logged, and tried again."""
    log = get_logger(name)
    wait = pause
    while True:
        if wait:  # where there is more to do at once, not even a turn of the event loop
            await asyncio.sleep(wait)
        try:
            found = await work()
        except (ApiError, DatabaseError) as error:
            log.warning("will be tried again", reason=str(error))
            found = None
        except Exception:
            log.exception("will be tried again")
            found = None
        wait = pause if found is None else found


class Vitals:
    """What a server cannot do without. Once any of it ended, it is better started anew than left half alive."""

    def __init__(self) -> None:
        self.ended = ""
        """What ended though nobody had told it to; empty: nothing did."""
        self.on_end: Callable[[], None] = lambda: None
        """Called when that happens."""
        self._is_watching = True
        self._log = get_logger("vitals")

    def watch(self, name: str, vital: asyncio.Future[Any]) -> None:
        """From now on, and until `leave`, `vital` must not end."""
        vital.add_done_callback(lambda done: self._end(name, done))

    def leave(self) -> None:
        """From now on everything may end."""
        self._is_watching = False

    def _end(self, name: str, done: asyncio.Future[Any]) -> None:
        error = None if done.cancelled() else done.exception()
        if self._is_watching and not self.ended:
            self.ended = name
            self._log.critical("ended unexpectedly, so the server ends", what=name, exc_info=error)
            self.on_end()

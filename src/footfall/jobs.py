"""Background jobs, and tasks that must stay alive while the server runs."""

from __future__ import annotations

import asyncio
from asyncio import sleep
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from footfall.errors import ApiError, DatabaseError
from footfall.log import get_logger


class Job(NamedTuple):
    """A background job: `work` runs repeatedly, with `pause` seconds in between. `is_flush`: it writes what is held in memory, also at the end."""

    pause: float
    work: Callable[[], Awaitable[float | None]]
    is_flush: bool = False


async def run_forever(name: str, pause: float, work: Callable[[], Awaitable[float | None]]) -> None:
    """Run `work` after `pause` seconds, or after as many as the previous run returned. Errors are logged, and the job runs again."""
    log = get_logger(name)
    wait = pause
    while True:
        if wait:  # if there is more to do at once, do not even give up the event loop for a turn
            await sleep(wait)
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
    """Tasks that the server cannot do without. If one ends, a restart is better than a server that half works."""

    def __init__(self) -> None:
        self.ended = ""
        """What ended without having been told to; empty: nothing did."""
        self.on_end: Callable[[], None] = lambda: None
        """Called when that happens."""
        self._is_watching = True
        self._log = get_logger("vitals")

    def watch(self, name: str, vital: asyncio.Future[Any]) -> None:
        """From now until `leave`, `vital` must not end."""
        vital.add_done_callback(lambda done: self._end(name, done))

    def leave(self) -> None:
        """From now on, everything may end."""
        self._is_watching = False

    def _end(self, name: str, done: asyncio.Future[Any]) -> None:
        error = None if done.cancelled() else done.exception()
        if self._is_watching and not self.ended:
            self.ended = name
            self._log.critical("ended unexpectedly, so the server ends", what=name, exc_info=error)
            self.on_end()

"""Work that a server does again and again while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from footfall.errors import ApiError, DatabaseError
from footfall.log import get_logger


async def for_ever(name: str, pause: float, work: Callable[[], Awaitable[float | None]]) -> None:
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

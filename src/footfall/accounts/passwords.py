"""Hashes passwords, few at a time: each takes 64 MiB and a core for tens of milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from footfall.errors import Unavailable

T = TypeVar("T")

AT_ONCE, MOST_WAITING = 2, 30


class Passwords:
    """Runs this work on threads of its own, so that no more runs at once even after the caller has left."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "password")
        self._asked = 0

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, in turn. Raises Unavailable if too many are waiting."""
        if self._asked >= AT_ONCE + MOST_WAITING:
            raise Unavailable("Too many people log in at this moment. Try again in a few seconds.")
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._asked -= 1

"""Schedules scans: long reads on a few threads, shared fairly, and stopped when nobody waits for them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import Any, Generic, TypeVar

from footfall.errors import Unavailable

W = TypeVar("W")
R = TypeVar("R")

SCAN_SECONDS: float = 30
"""A scan that takes longer is given up, so that nobody keeps all others from scanning. Those of commands take as long as they take."""
MOST_WAITING = 100
"""Scans of one website that may wait; one more is answered with 503."""
MOST_WAITING_IN_ALL = 1000
"""The same of all websites."""

HAS_LEFT: ContextVar[Callable[[], bool]] = ContextVar("HAS_LEFT", default=lambda: False)
"""Whether nobody waits any more for what is being answered; may be asked on any thread."""


TOO_LONG = "This takes too long to read. Ask for less, such as with more filters, or try again later."


class Turn:
    """A scan at work. Whoever does it asks `is_over` from time to time whether to go on."""

    def __init__(self, is_wanted: Callable[[], bool]) -> None:
        self._is_wanted = is_wanted
        self._until = time.monotonic() + SCAN_SECONDS

    def is_over(self) -> bool:
        """Whether it took too long, or nobody waits for it."""
        return self.is_late() or not self._is_wanted()

    def is_late(self) -> bool:
        """Whether it took too long."""
        return time.monotonic() > self._until


class _QueuedScan:
    def __init__(self, work: Callable[[Any, Turn], Any], future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future
        self.has_left = HAS_LEFT.get()
        self.context = copy_context()

    def is_wanted(self) -> bool:
        return not self.future.done() and not self.has_left()


class Scans(Generic[W]):
    """Runs scans on a thread for each of `workers`. Shares take turns, and none has more than `most_of_one` of the threads."""

    def __init__(self, workers: list[W], most_of_one: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(len(workers), "scan")
        self._idle = list(workers)
        self._most_of_one = most_of_one
        self._waiting: dict[Hashable, deque[_QueuedScan]] = {}
        """By share; the one whose turn came last lies behind."""
        self._running: dict[Hashable, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, share: Hashable, work: Callable[[W, Turn], R]) -> R:
        """The result of `work`. Raises Unavailable when too many scans, of this share or in all, are waiting."""
        self._make_room(share)
        waiting = _QueuedScan(work, self._loop.create_future())
        self._waiting.setdefault(share, deque()).append(waiting)
        self._start()
        result: R = await waiting.future
        return result

    def _make_room(self, share: Hashable) -> None:
        """See to it that another scan may wait. Raises Unavailable."""
        if self._is_full(share):
            self._forget_unwanted()
        if why := self._is_full(share):
            raise Unavailable(f"Too many long reads{why} are waiting. Try again in a second.")

    def _is_full(self, share: Hashable) -> str:
        """Of what too many are waiting, to be told; empty: of nothing."""
        if len(self._waiting.get(share, ())) >= MOST_WAITING:
            return " of this website"
        return " of all websites" if sum(map(len, self._waiting.values())) >= MOST_WAITING_IN_ALL else ""

    def _forget_unwanted(self) -> None:
        """Take those out of the queues for whom nobody waits."""
        for share, queue in list(self._waiting.items()):
            wanted = deque(one for one in queue if one.is_wanted())
            for one in queue:
                if not one.is_wanted():
                    one.future.cancel()
            if wanted:
                self._waiting[share] = wanted
            else:
                del self._waiting[share]

    def _start(self) -> None:
        """Start waiting scans on idle threads."""
        while self._idle and (share := self._next()) is not None:
            queue = self._waiting.pop(share)
            waiting = queue.popleft()
            if queue:
                self._waiting[share] = queue
            if waiting.is_wanted():
                self._running[share] = self._running.get(share, 0) + 1
                task = self._loop.create_task(self._run(share, self._idle.pop(), waiting))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                waiting.future.cancel()

    def _next(self) -> Hashable | None:
        """The share whose turn it is."""
        return next(
            (share for share in self._waiting if self._running.get(share, 0) < self._most_of_one), None
        )

    async def _run(self, share: Hashable, worker: W, waiting: _QueuedScan) -> None:
        result, error = None, None
        try:
            turn = Turn(waiting.is_wanted)
            run = waiting.context.run
            result = await self._loop.run_in_executor(self._threads, run, waiting.work, worker, turn)
        except Exception as caught:
            error = caught
        self._idle.append(worker)
        self._running[share] -= 1
        if not self._running[share]:
            del self._running[share]
        if waiting.future.done():
            pass
        elif error is None:
            waiting.future.set_result(result)
        else:
            waiting.future.set_exception(error)
        self._start()

    async def close(self) -> None:
        """Refuse waiting scans, and wait for running ones."""
        waiting = [one for queue in self._waiting.values() for one in queue]
        self._waiting.clear()
        for one in waiting:
            one.future.cancel()
        await asyncio.to_thread(self._threads.shutdown)

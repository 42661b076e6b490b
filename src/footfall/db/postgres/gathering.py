"""Short reads of one handler that wait at the same time go to the server together, as writes do: a batch is one round trip."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from footfall.errors import DatabaseError, Unavailable

MOST_TOGETHER = 32
"""Calls of a batch."""
BATCHES = 2
"""Batches in flight: one turns rows into answers while the server looks up another."""

Gathered = Callable[[Any, list[Any]], list[Any]]
"""A handler of reads: its transaction, and its calls; their results."""


class _Waiting(NamedTuple):
    call: Any
    future: asyncio.Future[Any]


class Gathering:
    """`read` gives what a handler comes to for some calls; it is run on threads, and raises DatabaseError for all of them."""

    def __init__(self, read: Callable[[Gathered, list[Any]], asyncio.Future[list[Any]]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._read = read
        self._waiting: dict[Gathered, deque[_Waiting]] = {}
        """By handler; the one whose turn came last lies behind."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_starting = False
        self._is_closed = False

    async def run(self, handler: Gathered, call: Any) -> Any:
        """The result of one call. Raises DatabaseError, and what the handler raises for this call alone."""
        if self._is_closed:
            raise Unavailable("The server is stopping.")
        waiting = _Waiting(call, self._loop.create_future())
        self._waiting.setdefault(handler, deque()).append(waiting)
        if not self._is_starting and len(self._tasks) < BATCHES:
            # In the next turn of the loop, so that those who came in this one go together.
            self._is_starting = True
            self._loop.call_soon(self._start)
        return await waiting.future

    def _start(self) -> None:
        self._is_starting = False
        while self._waiting and len(self._tasks) < BATCHES:
            handler = next(iter(self._waiting))
            queue = self._waiting.pop(handler)
            taken = [queue.popleft() for _ in range(min(len(queue), MOST_TOGETHER))]
            if queue:
                self._waiting[handler] = queue
            if batch := [one for one in taken if not one.future.done()]:
                task = self._loop.create_task(self._run(handler, batch))
                self._tasks.add(task)
                task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._start()

    async def _run(self, handler: Gathered, batch: list[_Waiting]) -> None:
        try:
            results = await self._read(handler, [one.call for one in batch])
        except (DatabaseError, asyncio.CancelledError) as error:  # so it would be for each of them
            _fail(batch, error)
        except Exception as error:
            if len(batch) == 1:
                _fail(batch, error)
            else:
                for one in batch:
                    await self._run(handler, [one])
        else:
            for one, result in zip(batch, results, strict=True):
                if not one.future.done():
                    one.future.set_result(result)

    def close(self) -> None:
        """Refuse the calls that wait. Those in flight get their answers."""
        self._is_closed = True
        for queue in self._waiting.values():
            for one in queue:
                one.future.cancel()
        self._waiting.clear()


def _fail(batch: list[_Waiting], error: BaseException) -> None:
    for one in batch:
        if one.future.done():
            continue
        if isinstance(error, asyncio.CancelledError):
            one.future.cancel()
        else:
            one.future.set_exception(error)

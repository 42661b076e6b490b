"""The write path: groups waiting calls into one transaction, and answers them after its commit.

One task takes all that waits, runs each handler once over its calls (handlers by rank, calls in queue order), commits, and only then
answers. If a handler raises, the batch is rolled back and retried call by call, so that one bad call cannot spoil its neighbours.

A session in this process (SQLite) runs its handlers on the event loop and only its commit on the writer's thread: the next requests
are read while the disk syncs, and the two never contend for the interpreter. A session that talks to a server, or a slow handler,
runs on the thread as a whole. Measured in docs/decisions/0005-handlers-on-the-loop.md.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from time import perf_counter
from typing import Any, NamedTuple, Protocol, TypeVar

from footfall.db.protocol import DatabaseFigures, Transaction, WriteHandler
from footfall.errors import (
    ApiError,
    DatabaseBusy,
    DatabaseConflict,
    DatabaseCrowded,
    DatabaseError,
    InternalError,
    Unavailable,
    UsageError,
)
from footfall.log import REQUEST, get_logger
from footfall.tally import CALLS, Spread, together

R = TypeVar("R")
Turn = AbstractAsyncContextManager[Any]

BULK_SLICE = 50
"""Bulk calls that go into one batch at most, so that live calls never wait long behind an import."""
BULK_ALONE, QUIET_SECONDS = 300, 1.0
"""The same when no live call came for so long: a larger commit costs less for each call."""
PATIENCE, BULK_PATIENCE = 10.0, 60.0
"""Seconds that a call waits for its turn at most: its client soon gives up."""
ATTEMPTS = 4
"""Times that a batch is tried which got in the way of another process."""


class WriteSession(Protocol):
    """One connection that writes. Every method raises DatabaseError."""

    is_local: bool
    """Whether statements run in this process, alone, without waiting for a server."""

    def begin(self, *, wait: bool = True, is_slow: bool = False) -> Transaction:
        """Start a transaction. Without `wait`, raises DatabaseBusy at once when another process writes.

        `is_slow`: its statements may take longer than those of live calls.
        """

    def commit(self) -> None: ...
    def rollback(self) -> None: ...

    def translate(self, error: Exception) -> Exception:
        """A driver's error about the store as a DatabaseError; any other, which one call may have caused, as it is."""

    def between_batches(self) -> None:
        """Housekeeping while no transaction is open."""

    def close(self) -> None: ...


class _QueuedCall(NamedTuple):
    handler: WriteHandler
    call: Any
    future: asyncio.Future[Any]
    until: float
    """In loop time, when it is no longer worth while."""
    request: str
    """The id of its request; empty: it has none."""


class _Refused(NamedTuple):
    """A call that raised an error for its caller; nothing of it was written."""

    error: ApiError | UsageError


class _MustWait(Exception):
    """Another process writes."""


class Writer:
    """A bounded queue and the task that empties it into `session`."""

    def __init__(
        self,
        session: WriteSession,
        limit: int,
        batch_size: int,
        turn: Callable[[], Turn] = contextlib.nullcontext,
    ) -> None:
        """`limit`: calls that may wait; `batch_size`: live calls in a batch; `turn`: what a batch is written in."""
        self._session = session
        self._turn = turn
        self._limit = limit
        self._batch_size = batch_size
        self._live: deque[_QueuedCall] = deque()
        self._bulk: deque[_QueuedCall] = deque()
        self._steps: deque[_QueuedCall] = deque()
        self._housekeeping: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._wake = asyncio.Event()
        self._works_apart = 0
        self._apart = ThreadPoolExecutor(1, "apart")
        self._is_closing = False
        self.live_calls = 0
        self.most_bulk: int | None = None
        self._live_at = -QUIET_SECONDS
        self.batches, self.commits = Spread(CALLS), Spread()
        """Calls in each batch, and seconds of each commit."""
        self.refused_full = self.refused_late = 0
        """Calls for which there was no room, and those whose turn did not come in time."""
        self._log = get_logger("writer")
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "writer")
        self._task = self._loop.create_task(self._work())
        self._refusing = self._loop.create_task(self._refuse_late())

    def submit(self, handler: WriteHandler, call: Any, bulk: bool) -> asyncio.Future[Any]:
        """Queue a call. Raises Unavailable when the queue is full or closing."""
        queue = self._steps if handler.is_step else self._bulk if bulk else self._live
        if len(queue) >= self._limit or self._is_closing:
            self.refused_full += 1
            raise Unavailable("The server has more to write than it can take. Try again in a second.")
        future: asyncio.Future[Any] = self._loop.create_future()
        now = self._loop.time()
        until = now + (BULK_PATIENCE if bulk else PATIENCE)
        queue.append(_QueuedCall(handler, call, future, until, REQUEST.get()))
        if queue is self._live:
            self.live_calls += 1
            self._live_at = now
        self._wake.set()
        return future

    def between(self, work: Callable[[], R]) -> asyncio.Future[R]:
        """Run `work` on the writer's thread, outside a transaction, after the batch that is being written."""
        future: asyncio.Future[R] = self._loop.create_future()
        self._housekeeping.append((work, future))
        self._wake.set()
        return future

    def vitals(self, name: str) -> dict[str, asyncio.Future[Any]]:
        """What must not end before `close`."""
        return {name: self._task, f"refusals of {name}": self._refusing}

    def is_quiet(self) -> bool:
        """Whether no live call came for a while."""
        return self._loop.time() - self._live_at >= QUIET_SECONDS

    def waiting(self) -> int:
        """Calls in the queue that can be written now."""
        return len(self._live) + len(self._bulk) + (0 if self._works_apart else len(self._steps))

    def waiting_by_kind(self) -> dict[str, int]:
        """Calls in the queues."""
        return {"live": len(self._live), "bulk": len(self._bulk), "steps": len(self._steps)}

    async def between_steps(self, work: Callable[[], R]) -> R:
        """Run `work` on a thread of its own, while calls are written but no step is."""
        self._works_apart += 1
        try:
            await self.between(lambda: None)  # a step may be under way
            future = self._loop.run_in_executor(self._apart, work)
        except BaseException:
            self._take_steps()
            raise
        future.add_done_callback(self._take_steps)
        return await asyncio.shield(future)

    def _take_steps(self, _: object = None) -> None:
        self._works_apart -= 1
        self._wake.set()

    async def close(self) -> None:
        """Write queued calls, then disconnect."""
        self._is_closing = True
        self._wake.set()
        try:
            await self._task
        finally:
            self._refusing.cancel()
        self._thread.shutdown()
        self._apart.shutdown()
        self._session.close()

    async def _work(self) -> None:
        while not self._is_closing or self.waiting() or self._housekeeping:
            await self._wake.wait()
            self._wake.clear()
            while self.waiting() or self._housekeeping:
                if batch := self._take():
                    async with self._turn():
                        results = await self._write(batch)
                    self.batches.add(len(batch))
                    _deliver(batch, results)
                    if self._is_closing and all(isinstance(result, Unavailable) for result in results):
                        self._refuse(
                            self._loop.time() + BULK_PATIENCE
                        )  # nothing waits for a store that is away
                    await asyncio.sleep(0)  # whoever gets an answer may have more for the next batch
                while self._housekeeping:
                    await self._keep_house(*self._housekeeping.popleft())
            if self._is_closing:
                self._wake.set()

    async def _refuse_late(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._refuse(self._loop.time())

    def _refuse(self, now: float) -> None:
        """Refuse calls that have waited too long at `now` (loop time)."""
        for queue in (self._live, self._bulk):
            while queue and queue[0].until <= now:
                self.refused_late += 1
                _deliver([queue.popleft()], [_cannot_write()])

    def _take(self) -> list[_QueuedCall]:
        batch = [self._live.popleft() for _ in range(min(len(self._live), self._batch_size))]
        slice_size = BULK_ALONE if self.is_quiet() and not batch else BULK_SLICE
        if self.most_bulk is not None:
            slice_size = min(slice_size, self.most_bulk)
        batch += [self._bulk.popleft() for _ in range(min(len(self._bulk), slice_size))]
        if self._steps and not self._works_apart:
            batch.append(self._steps.popleft())
        return batch

    async def _keep_house(self, work: Callable[[], Any], future: asyncio.Future[Any]) -> None:
        try:
            result = await self._on_thread(work)
        except Exception as error:
            if not future.done():
                future.set_exception(error)
        else:
            if not future.done():
                future.set_result(result)

    async def _write(self, batch: list[_QueuedCall]) -> list[Any]:
        """The results of a batch that is on disk, or errors for what is not."""
        if self._session.is_local and not any(map(_is_slow, batch)):
            try:
                return await self._write_on_loop(batch)
            except _MustWait:
                pass
            except Exception as error:
                return await self._on_thread(self._rescue, batch, error)
        return await self._on_thread(self._written, batch)

    async def _write_on_loop(self, batch: list[_QueuedCall]) -> list[Any]:
        """The results of a batch whose handlers run on the loop. Raises _MustWait when another process writes, and what went wrong."""
        try:
            tx = self._session.begin(wait=False)
        except DatabaseBusy as error:
            raise _MustWait from error
        try:
            results = _run(tx, batch)
        except Exception as error:
            self._session.rollback()
            raise self._session.translate(error) from error
        await self._on_thread(self._commit)
        return results

    def _on_thread(self, work: Callable[..., R], *arguments: Any) -> asyncio.Future[R]:
        return self._loop.run_in_executor(self._thread, work, *arguments)

    # What follows runs on the writer's thread: a batch as a whole, again after a conflict; then, when that fails, in parts.

    def _written(self, batch: list[_QueuedCall]) -> list[Any]:
        """The same as `_write`."""
        try:
            return self._attempts(batch)
        except Exception as error:
            return self._rescue(batch, error)

    def _attempts(self, batch: list[_QueuedCall]) -> list[Any]:
        for _ in range(ATTEMPTS - 1):
            try:
                return self._attempt(batch)
            except DatabaseConflict as error:
                self._log.info("batch tried again", calls=len(batch), reason=str(error))
        return self._attempt(batch)

    def _rescue(self, batch: list[_QueuedCall], error: Exception) -> list[Any]:
        """What can be written of a batch of which nothing stands, since `error` was raised: as `_write` has it."""
        if isinstance(error, DatabaseCrowded) and len(batch) > 1:
            self._log.info("batch written in halves", calls=len(batch), reason=str(error))
            middle = len(batch) // 2
            return self._written(batch[:middle]) + self._written(batch[middle:])
        if isinstance(error, DatabaseError):
            self._log.warning("batch not written", calls=len(batch), reason=str(error))
            is_step_to_blame = not isinstance(error, DatabaseBusy) and len(batch) > 1 and _has_step(batch)
            return self._without_steps(batch) if is_step_to_blame else [_cannot_write()] * len(batch)
        if isinstance(error, ApiError | UsageError):  # one of them refuses: it alone is not written
            return self._one_by_one(batch)
        self._log.warning("batch failed, retrying call by call", calls=len(batch), exc_info=error)
        return self._one_by_one(batch, type(error))

    def _without_steps(self, batch: list[_QueuedCall]) -> list[Any]:
        """The results of the calls alone: what a step writes may be damaged, which is no matter of theirs."""
        calls = [waiting for waiting in batch if not waiting.handler.is_step]
        results = iter(self._written(calls))
        return [_cannot_write() if waiting.handler.is_step else next(results) for waiting in batch]

    def _one_by_one(self, batch: list[_QueuedCall], known: type[Exception] | None = None) -> list[Any]:
        """The results of each call alone; `known`: the kind of error whose traceback is in the log already."""
        results: list[Any] = []
        for waiting in batch:
            try:
                results.append(self._alone(waiting, known))
            except (DatabaseConflict, DatabaseCrowded):
                results.append(_cannot_write())
            except DatabaseError:  # so it would be for each of the others
                return results + [_cannot_write()] * (len(batch) - len(results))
        return results

    def _alone(self, waiting: _QueuedCall, known: type[Exception] | None) -> Any:
        """The result of one call. Raises DatabaseError."""
        try:
            return self._attempts([waiting])[0]
        except DatabaseError:
            raise
        except (ApiError, UsageError) as error:
            return _Refused(error)
        except Exception as error:
            traceback = None if type(error) is known else error
            self._log.error(
                "call failed", reason=type(error).__name__, exc_info=traceback, request=waiting.request
            )
            return InternalError("Something went wrong on our side. Nothing of this call was stored.")

    def _attempt(self, batch: list[_QueuedCall]) -> list[Any]:
        tx = self._session.begin(is_slow=any(w.handler.is_slow or w.handler.is_step for w in batch))
        try:
            if not self._session.is_local:
                _lock(tx, batch)
            results = _run(tx, batch)
        except Exception as error:
            self._session.rollback()
            raise self._session.translate(error) from error
        self._commit()
        return results

    def _commit(self) -> None:
        began = perf_counter()
        try:
            self._session.commit()
        except BaseException:
            self._session.rollback()
            raise
        self.commits.add(perf_counter() - began)
        try:
            self._session.between_batches()
        except DatabaseError as error:
            self._log.warning("housekeeping failed", reason=str(error))


def _is_slow(waiting: _QueuedCall) -> bool:
    is_long = waiting.handler.is_long
    return waiting.handler.is_slow or (is_long is not None and is_long(waiting.call))


def _has_step(batch: list[_QueuedCall]) -> bool:
    return any(waiting.handler.is_step for waiting in batch)


def _lock(tx: Transaction, batch: list[_QueuedCall]) -> None:
    """Lock what all calls of a batch may write. At once and in order, so that no two batches wait for each other."""
    calls: dict[WriteHandler, list[Any]] = {}
    for waiting in batch:
        calls.setdefault(waiting.handler, []).append(waiting.call)
    alone = [name for handler, group in calls.items() if handler.locks for name in handler.locks(group)]
    shared = [name for handler, group in calls.items() if handler.shares for name in handler.shares(group)]
    if alone or shared:
        tx.lock(alone, shared)


def _cannot_write() -> Unavailable:
    return Unavailable("The database cannot write now. Try again in a second.")


def _run(tx: Transaction, batch: list[_QueuedCall]) -> list[Any]:
    """The results of each call, in the order of `batch`."""
    first = batch[0].handler
    if all(waiting.handler is first for waiting in batch):
        return first.run(tx, [waiting.call for waiting in batch])
    results: list[Any] = [None] * len(batch)
    groups: dict[WriteHandler, list[int]] = {}
    for index, waiting in enumerate(batch):
        groups.setdefault(waiting.handler, []).append(index)
    for handler in sorted(groups, key=lambda handler: handler.rank):
        indexes = groups[handler]
        for index, result in zip(indexes, handler.run(tx, [batch[i].call for i in indexes]), strict=True):
            results[index] = result
    return results


def _deliver(batch: list[_QueuedCall], results: list[Any]) -> None:
    for waiting, result in zip(batch, results, strict=True):
        if waiting.future.done():
            continue
        if isinstance(result, _Refused):
            waiting.future.set_exception(result.error)
        elif isinstance(result, ApiError) and result.status >= 500:
            waiting.future.set_exception(result)
        else:
            waiting.future.set_result(result)


def figures_of(writers: Sequence[Writer], size: int | None = None, log: int | None = None) -> DatabaseFigures:
    """Those of the database that these write to."""
    by_kind = [writer.waiting_by_kind() for writer in writers]
    return DatabaseFigures(
        {kind: sum(one[kind] for one in by_kind) for kind in by_kind[0]},
        together([writer.batches for writer in writers]),
        together([writer.commits for writer in writers]),
        {
            "full": sum(writer.refused_full for writer in writers),
            "late": sum(writer.refused_late for writer in writers),
        },
        size,
        log,
    )

"""Work that a server does again and again, and numbers that it keeps until they are written."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from footfall.clock import DAY_MS
from footfall.db.protocol import Database, WriteHandler
from footfall.errors import DatabaseError, InternalError, Unavailable
from footfall.jobs import Vitals, run_forever
from footfall.websites.counts import Counts


def test_whatever_goes_wrong_the_work_goes_on(capfd: pytest.CaptureFixture[str]) -> None:
    errors = [DatabaseError("away"), InternalError("odd"), RuntimeError("unforeseen"), KeyError("x")]
    is_over = asyncio.Event()

    async def work() -> float | None:
        if errors:
            raise errors.pop(0)
        is_over.set()
        return None

    async def scenario() -> None:
        chore = asyncio.create_task(run_forever("test", 0.001, work))
        async with asyncio.timeout(20):
            await is_over.wait()
        assert not chore.done()
        chore.cancel()

    asyncio.run(scenario())
    logged = capfd.readouterr().err
    assert logged.count("component=test") == 4
    assert "unforeseen" in logged


def test_where_there_is_more_to_do_the_next_time_comes_at_once() -> None:
    done: list[int] = []
    is_over = asyncio.Event()

    async def work() -> float:
        await asyncio.sleep(0)
        done.append(1)
        if len(done) == 100:
            is_over.set()
        return 0 if len(done) < 100 else 3600

    async def scenario() -> None:
        chore = asyncio.create_task(run_forever("test", 0.001, work))
        async with asyncio.timeout(20):
            await is_over.wait()
        chore.cancel()

    asyncio.run(scenario())
    assert len(done) == 100


class Store:
    """A database that fails as often as it is told to."""

    def __init__(self, failures: list[Exception]) -> None:
        self.failures = failures
        self.written: list[Any] = []

    async def write(self, _handler: WriteHandler, call: Any) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.written.append(call)


@pytest.mark.parametrize("error", [Unavailable("full"), InternalError("odd"), DatabaseError("away")])
def test_counts_that_cannot_be_written_are_kept(error: Exception) -> None:
    store = Store([error])
    counts = Counts(cast(Database, store), WriteHandler(1, lambda tx, calls: calls))

    async def scenario() -> None:
        counts.add(b"w", 3 * DAY_MS, "bot")
        counts.add(b"w", 3 * DAY_MS + 5, "bot")
        with pytest.raises(type(error)):
            await counts.flush()
        counts.add(b"w", 4 * DAY_MS - 1, "bot")
        counts.add(b"w", 4 * DAY_MS, "bot")
        await counts.flush()
        await counts.flush()

    asyncio.run(scenario())
    assert store.written == [{(b"w", 3, "bot"): 3, (b"w", 4, "bot"): 1}]


@pytest.mark.parametrize("how", ["fails", "is cancelled", "returns"])
def test_what_must_not_end_is_missed_at_once_when_it_does(how: str) -> None:
    vitals, missed = Vitals(), []
    vitals.on_end = lambda: missed.append(vitals.ended)

    async def work() -> None:
        if how == "fails":
            raise RuntimeError("unforeseen")
        if how == "is cancelled":
            raise asyncio.CancelledError

    async def scenario() -> None:
        for name in ("writer", "another"):
            task = asyncio.create_task(work())
            vitals.watch(name, task)
            await asyncio.wait([task])
        await asyncio.sleep(0)

    asyncio.run(scenario())
    assert missed == ["writer"]


def test_what_ends_with_the_server_is_not_missed() -> None:
    vitals = Vitals()

    async def scenario() -> None:
        task = asyncio.create_task(asyncio.Event().wait())
        vitals.watch("writer", task)
        vitals.leave()
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(0)

    asyncio.run(scenario())
    assert vitals.ended == ""

"""The write path, on a session that can be told to fail."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from footfall.db import writer as writer_module
from footfall.db.protocol import CHANGE_HANDLER, WriteHandler
from footfall.db.writer import ATTEMPTS, BULK_ALONE, BULK_SLICE, Writer
from footfall.errors import (
    BadRequest,
    DatabaseConflict,
    DatabaseCrowded,
    DatabaseError,
    InternalError,
    Unavailable,
    UsageError,
)
from footfall.log import REQUEST


class FakeSession:
    """Keeps what handlers append to it, once it is committed."""

    def __init__(self, *, is_local: bool = True) -> None:
        self.is_local = is_local
        self.committed: list[list[Any]] = []
        self.open: list[Any] = []
        self.fail_commit: list[Exception] = []
        self.is_closed = False

    def begin(self, *, wait: bool = True, is_slow: bool = False) -> Any:
        self.open = []
        return self

    def commit(self) -> None:
        if self.fail_commit:
            raise self.fail_commit.pop(0)
        self.committed.append(self.open)

    def rollback(self) -> None:
        self.open = []

    def translate(self, error: Exception) -> Exception:
        return error

    def between_batches(self) -> None:
        return None

    def close(self) -> None:
        self.is_closed = True

    def lock(self, names: Any, shared: Any = ()) -> None:
        self.open.append(("lock", tuple(names), tuple(shared)))


def keep(tx: Any, calls: list[Any]) -> list[Any]:
    """Remembers its calls; the result of each is its double."""
    if any(call == "bad" for call in calls):
        raise ValueError("bad")
    tx.open.extend(calls)
    return [BadRequest("no") if call == "refused" else call * 2 for call in calls]


def late(tx: Any, calls: list[Any]) -> list[Any]:
    """The same, in a handler that comes after the other."""
    return keep(tx, calls)


KEEP, LATE = WriteHandler(1, keep), WriteHandler(2, late)
STEP = WriteHandler(5, late, is_step=True)


@asynccontextmanager
async def writing(
    session: FakeSession, limit: int = 1000, batch_size: int = 1000
) -> AsyncIterator[Callable[..., Any]]:
    """A writer's `submit`, closed at the end."""
    writer = Writer(session, limit, batch_size)
    yield writer.submit
    await writer.close()


def run(work: Callable[[], Any]) -> Any:
    return asyncio.run(work())


@pytest.fixture(params=[True, False], ids=["local", "remote"])
def session(request: pytest.FixtureRequest) -> FakeSession:
    return FakeSession(is_local=request.param)


def test_calls_that_wait_are_one_transaction_and_answered_in_order(session: FakeSession) -> None:
    async def work() -> list[Any]:
        async with writing(session) as submit:
            return await asyncio.gather(*[submit(KEEP, number, False) for number in range(5)])

    assert run(work) == [0, 2, 4, 6, 8]
    assert session.committed == [[0, 1, 2, 3, 4]]
    assert session.is_closed


def test_handlers_of_a_batch_run_by_rank(session: FakeSession) -> None:
    async def work() -> list[Any]:
        async with writing(session) as submit:
            calls = [(LATE, 1), (KEEP, 2), (LATE, 3)]
            return await asyncio.gather(*[submit(handler, call, False) for handler, call in calls])

    assert run(work) == [2, 4, 6]
    assert session.committed == [[2, 1, 3]]


def test_one_bad_call_spoils_no_other(session: FakeSession) -> None:
    async def work() -> list[Any]:
        async with writing(session) as submit:
            futures = [submit(KEEP, call, False) for call in (1, "bad", "refused", 2)]
            return await asyncio.gather(*futures, return_exceptions=True)

    first, bad, refused, last = run(work)
    assert (first, last) == (2, 4)
    assert isinstance(bad, InternalError)
    assert isinstance(refused, BadRequest)
    assert session.committed == [[1], ["refused"], [2]]


def test_a_change_that_refuses_is_not_written_and_says_why(session: FakeSession, capfd: Any) -> None:
    def refuse(tx: Any) -> None:
        tx.open.append("half")
        raise UsageError("name: is taken")

    def change(tx: Any) -> str:
        tx.open.append("whole")
        return "done"

    async def work() -> list[Any]:
        async with writing(session) as submit:
            futures = [submit(CHANGE_HANDLER, call, False) for call in (change, refuse, change)]
            return await asyncio.gather(*futures, return_exceptions=True)

    first, refused, last = run(work)
    assert (first, last) == ("done", "done")
    assert isinstance(refused, UsageError)
    assert session.committed == [["whole"], ["whole"]]
    assert "error" not in capfd.readouterr().err


def test_what_cannot_be_committed_is_not_acknowledged(session: FakeSession) -> None:
    session.fail_commit = [DatabaseError("disk full")]

    async def work() -> list[Any]:
        async with writing(session) as submit:
            first = await asyncio.gather(*[submit(KEEP, n, False) for n in (1, 2)], return_exceptions=True)
            return [*first, await submit(KEEP, 3, False)]

    first, second, third = run(work)
    assert isinstance(first, Unavailable)
    assert isinstance(second, Unavailable)
    assert third == 6
    assert session.committed == [[3]]


@pytest.mark.parametrize(("conflicts", "is_written"), [(ATTEMPTS - 1, True), (ATTEMPTS, False)])
def test_a_batch_that_got_in_the_way_of_another_is_tried_again(conflicts: int, is_written: bool) -> None:
    session = FakeSession(is_local=False)
    session.fail_commit = [DatabaseConflict("serialization") for _ in range(conflicts)]

    async def work() -> list[Any]:
        async with writing(session) as submit:
            return list(await asyncio.gather(submit(KEEP, 1, False), return_exceptions=True))

    assert [result == 2 for result in run(work)] == [is_written]
    assert session.committed == ([[1]] if is_written else [])


def test_a_batch_that_the_store_has_no_room_for_is_written_in_halves() -> None:
    session = FakeSession(is_local=False)

    def crowded(tx: Any, calls: list[Any]) -> list[Any]:
        if len(calls) > 2 or "large" in calls:
            raise DatabaseCrowded("locks")
        return keep(tx, calls)

    async def work() -> list[Any]:
        async with writing(session) as submit:
            calls = [1, 2, 3, "large", 5, 6, "bad", 8]
            futures = [submit(WriteHandler(1, crowded), call, False) for call in calls]
            return await asyncio.gather(*futures, return_exceptions=True)

    results = run(work)
    assert [results[n] for n in (0, 1, 2, 4, 5, 7)] == [2, 4, 6, 10, 12, 16]
    assert isinstance(results[3], Unavailable)
    assert isinstance(results[6], InternalError)
    assert session.committed == [[1, 2], [3], [5, 6], [8]]


def test_a_step_harms_no_call_in_a_batch_that_was_written_in_halves() -> None:
    session = FakeSession(is_local=False)

    def crowded(tx: Any, calls: list[Any]) -> list[Any]:
        if len(tx.open) + len(calls) > 2:
            raise DatabaseCrowded("locks")
        return keep(tx, calls)

    async def work() -> list[Any]:
        async with writing(session) as submit:
            calls = [submit(WriteHandler(1, crowded), call, False) for call in (1, 2, 3, 4)]
            step = submit(WriteHandler(0, fail, is_step=True), 5, False)
            return await asyncio.gather(*calls, step, return_exceptions=True)

    *written, failed = run(work)
    assert written == [2, 4, 6, 8]
    assert isinstance(failed, Unavailable)
    assert sorted(call for batch in session.committed for call in batch) == [1, 2, 3, 4]


def test_a_full_queue_refuses_at_once(session: FakeSession) -> None:
    async def work() -> None:
        async with writing(session, limit=2) as submit:
            futures = [submit(KEEP, 1, False), submit(KEEP, 2, False), submit(KEEP, 3, True)]
            with pytest.raises(Unavailable) as refused:
                submit(KEEP, 4, False)
            assert refused.value.retry_after
            await asyncio.gather(*futures)

    run(work)


def test_bulk_calls_come_in_slices_beside_live_ones(session: FakeSession) -> None:
    async def work() -> None:
        async with writing(session) as submit:
            bulk = [submit(KEEP, number, True) for number in range(BULK_SLICE + 50)]
            live = submit(KEEP, -1, False)
            await asyncio.gather(*bulk, live)

    run(work)
    assert session.committed[0] == [-1, *range(BULK_SLICE)]
    assert session.committed[1] == list(range(BULK_SLICE, BULK_SLICE + 50))


def test_bulk_calls_alone_come_in_larger_slices(session: FakeSession) -> None:
    async def work() -> None:
        async with writing(session) as submit:
            await asyncio.gather(*[submit(KEEP, number, True) for number in range(BULK_ALONE + 50)])

    run(work)
    assert session.committed == [list(range(BULK_ALONE)), list(range(BULK_ALONE, BULK_ALONE + 50))]


def test_one_step_of_background_work_goes_into_each_batch(session: FakeSession) -> None:
    async def work() -> None:
        async with writing(session) as submit:
            bulk = [submit(KEEP, number, True) for number in range(BULK_ALONE + 50)]
            steps = [submit(STEP, step, False) for step in (1000, 2000)]
            await asyncio.gather(*bulk, *steps)

    run(work)
    assert session.committed == [[*range(BULK_ALONE), 1000], [*range(BULK_ALONE, BULK_ALONE + 50), 2000]]


def fail(tx: Any, calls: list[Any]) -> list[Any]:
    raise DatabaseError("malformed")


def test_a_step_that_cannot_be_written_harms_no_call(session: FakeSession) -> None:
    async def work() -> None:
        async with writing(session) as submit:
            step = submit(WriteHandler(0, fail, is_step=True), 1, False)
            calls = [submit(KEEP, call, False) for call in (1, 2)]
            assert await asyncio.gather(*calls) == [2, 4]
            with pytest.raises(Unavailable):
                await step

    run(work)
    assert session.committed == [[1, 2]]


def test_the_writer_outlives_work_that_fails(session: FakeSession) -> None:
    def broken() -> None:
        raise RuntimeError("broken")

    async def work() -> None:
        writer = Writer(session, 10, 10)
        with pytest.raises(RuntimeError):
            await writer.between(broken)
        assert await writer.submit(KEEP, 1, False) == 2
        await writer.close()

    run(work)
    assert session.committed == [[1]]


def test_bulk_calls_keep_to_the_pace_they_are_given(session: FakeSession) -> None:
    async def work() -> None:
        writer = Writer(session, 1000, 1000)
        writer.most_bulk = 3
        calls = [writer.submit(KEEP, number, True) for number in range(5)]
        live = [writer.submit(KEEP, number, False) for number in (10, 11, 12, 13)]
        await asyncio.gather(*calls, *live)
        assert writer.live_calls == 4
        await writer.close()

    run(work)
    assert session.committed == [[10, 11, 12, 13, 0, 1, 2], [3, 4]]


def test_a_batch_has_a_largest_size(session: FakeSession) -> None:
    async def work() -> None:
        async with writing(session, batch_size=2) as submit:
            await asyncio.gather(*[submit(KEEP, number, False) for number in range(5)])

    run(work)
    assert session.committed == [[0, 1], [2, 3], [4]]


def test_closing_writes_what_is_queued_and_takes_no_more(session: FakeSession) -> None:
    async def work() -> list[Any]:
        writer = Writer(session, 10, 10)
        futures = [writer.submit(KEEP, number, False) for number in range(3)]
        closing = asyncio.create_task(writer.close())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            writer.submit(KEEP, 9, False)
        await closing
        return await asyncio.gather(*futures)

    assert run(work) == [0, 2, 4]


def test_a_caller_that_gave_up_changes_nothing_for_the_others(session: FakeSession) -> None:
    async def work() -> Any:
        async with writing(session) as submit:
            gone, stays = submit(KEEP, 1, False), submit(KEEP, 2, False)
            gone.cancel()
            return await stays

    assert run(work) == 4


def test_locks_of_a_batch_are_taken_at_once_before_its_first_statement() -> None:
    session = FakeSession(is_local=False)
    handler = WriteHandler(
        1, keep, locks=lambda calls: [(call,) for call in calls], shares=lambda calls: [("p",)]
    )

    async def work() -> None:
        async with writing(session) as submit:
            await asyncio.gather(submit(handler, 1, False), submit(handler, 2, False))

    run(work)
    assert session.committed == [[("lock", ((1,), (2,)), (("p",),)), 1, 2]]


def test_a_batch_waits_for_its_turn(session: FakeSession) -> None:
    async def work() -> None:
        lock = asyncio.Lock()
        writer = Writer(session, 1000, 1000, turn=lambda: lock)
        async with lock:
            first = writer.submit(KEEP, 1, False)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not session.committed
            second = writer.submit(KEEP, 2, False)
        assert [await first, await second] == [2, 4]
        await writer.close()

    run(work)
    assert session.committed == [[1], [2]]


def test_work_apart_keeps_steps_waiting_but_no_calls() -> None:
    session = FakeSession()
    begin, end = threading.Event(), threading.Event()

    def apart() -> str:
        begin.set()
        assert end.wait(30)
        return "done"

    async def work() -> Any:
        writer = Writer(session, 1000, 1000)
        first = writer.submit(STEP, 1, False)
        working = asyncio.ensure_future(writer.between_steps(apart))
        while not begin.is_set():
            await asyncio.sleep(0)
        assert first.done()
        step = writer.submit(STEP, 2, False)
        assert await writer.submit(KEEP, 3, False) == 6
        assert not step.done()
        end.set()
        assert (await working, await step) == ("done", 4)
        await writer.close()

    asyncio.run(work())
    assert session.committed == [[1], [3], [2]]


def test_a_step_waits_until_work_apart_is_over_whose_caller_left() -> None:
    session = FakeSession()
    begin, end = threading.Event(), threading.Event()

    def apart() -> None:
        begin.set()
        assert end.wait(30)

    async def work() -> None:
        writer = Writer(session, 1000, 1000)
        working = asyncio.ensure_future(writer.between_steps(apart))
        while not begin.is_set():
            await asyncio.sleep(0)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        step = writer.submit(STEP, 1, False)
        assert await writer.submit(KEEP, 2, False) == 4
        assert not step.done()
        end.set()
        assert await step == 2
        await writer.close()

    asyncio.run(work())


@pytest.mark.parametrize(("bulk", "patience"), [(False, "PATIENCE"), (True, "BULK_PATIENCE")])
def test_a_call_whose_turn_does_not_come_in_time_is_refused(
    monkeypatch: pytest.MonkeyPatch, *, bulk: bool, patience: str
) -> None:
    session, begin, end = FakeSession(is_local=False), threading.Event(), threading.Event()

    def slow(tx: Any, calls: list[Any]) -> list[Any]:
        begin.set()
        assert end.wait(30)
        return keep(tx, calls)

    async def work() -> None:
        monkeypatch.setattr(writer_module, patience, 0.05)
        writer = Writer(session, 10, 10)
        first = writer.submit(WriteHandler(1, slow), 1, False)
        await asyncio.to_thread(begin.wait)
        late = writer.submit(KEEP, 2, bulk)
        with pytest.raises(Unavailable) as refused:
            await asyncio.wait_for(late, 30)
        assert refused.value.retry_after
        end.set()
        assert await first == 2
        await writer.close()

    asyncio.run(work())
    assert session.committed == [[1]]


def test_a_server_that_leaves_does_not_wait_for_a_store_that_is_away() -> None:
    session = FakeSession(is_local=False)
    session.fail_commit = [DatabaseError("away")]

    async def work() -> list[Any]:
        writer = Writer(session, 10, 1)
        calls = [writer.submit(KEEP, number, bulk) for number, bulk in enumerate((False, False, True))]
        await writer.close()
        return await asyncio.gather(*calls, return_exceptions=True)

    assert [type(result) for result in run(work)] == [Unavailable] * 3
    assert session.committed == []


def test_a_store_that_is_away_is_not_asked_once_for_each_call() -> None:
    session, asked = FakeSession(is_local=False), []

    def bad(tx: Any, calls: list[Any]) -> list[Any]:
        asked.append(len(calls))
        if len(calls) > 1:
            raise ValueError("bad")
        raise DatabaseError("away")

    async def work() -> list[Any]:
        async with writing(session) as submit:
            calls = [submit(WriteHandler(1, bad), number, False) for number in range(5)]
            return await asyncio.gather(*calls, return_exceptions=True)

    assert [type(result) for result in run(work)] == [Unavailable] * 5
    assert asked == [5, 1]


def test_a_batch_that_failed_logs_its_traceback_once(session: FakeSession, capfd: Any) -> None:
    async def work() -> list[Any]:
        REQUEST.set("a-request")
        async with writing(session) as submit:
            calls = [submit(KEEP, call, False) for call in ("bad", 1, "bad", "bad")]
            return await asyncio.gather(*calls, return_exceptions=True)

    run(work)
    logged = capfd.readouterr().err
    assert logged.count("Traceback") == 1
    assert logged.count("a-request") >= 3
    assert logged.count("call failed") == 3

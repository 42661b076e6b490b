"""Long reads: fair shares of few threads, and an end to what nobody waits for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from footfall.db import scans
from footfall.db.scans import HAS_LEFT, Scans, Turn
from footfall.errors import Unavailable
from footfall.log import REQUEST


def scanning(work: Callable[[Scans[str]], Awaitable[None]], workers: int = 1, most_of_one: int = 1) -> None:
    async def run() -> None:
        made = Scans([f"worker {number}" for number in range(workers)], most_of_one)
        try:
            await work(made)
        finally:
            await made.close()

    asyncio.run(run())


class Held:
    """Work that goes on until it is let go, and work that says that it was done."""

    def __init__(self) -> None:
        self.is_begun = threading.Event()
        self.may_end = threading.Event()
        self.done: list[str] = []

    def hold(self, _worker: str, _turn: Turn) -> None:
        self.is_begun.set()
        self.may_end.wait()

    def note(self, what: str) -> Callable[[str, Turn], None]:
        return lambda _worker, _turn: self.done.append(what)


def started(scan: Awaitable[None]) -> asyncio.Future[None]:
    return asyncio.ensure_future(scan)


def test_websites_take_turns_however_many_scans_one_of_them_asks_for() -> None:
    held = Held()

    async def work(made: Scans[str]) -> None:
        first = started(made.run(b"a", held.hold))
        await asyncio.to_thread(held.is_begun.wait)
        rest = [started(made.run(b"a", held.note("a"))) for _ in range(5)]
        rest += [started(made.run(b"b", held.note("b"))) for _ in range(2)]
        await asyncio.sleep(0)  # all of them are queued
        held.may_end.set()
        await asyncio.gather(first, *rest)

    scanning(work)
    assert "".join(held.done) == "ababaaa"


def test_no_website_has_all_threads() -> None:
    held = Held()

    async def work(made: Scans[str]) -> None:
        slow = [started(made.run(b"a", held.hold)) for _ in range(3)]
        await asyncio.to_thread(held.is_begun.wait)
        await made.run(b"b", held.note("b"))
        assert not any(one.done() for one in slow)
        held.may_end.set()
        await asyncio.gather(*slow)

    scanning(work, workers=2)


def test_a_queue_has_an_end_but_whoever_left_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "MOST_WAITING", 3)
    held, is_gone = Held(), threading.Event()

    async def leaving(made: Scans[str]) -> None:
        HAS_LEFT.set(is_gone.is_set)
        await made.run(b"a", held.note("left"))

    async def work(made: Scans[str]) -> None:
        first = started(made.run(b"a", held.hold))
        await asyncio.to_thread(held.is_begun.wait)
        waiting = [started(leaving(made)) for _ in range(2)]
        last = started(made.run(b"a", held.note("a")))
        await asyncio.sleep(0)  # all of them are queued
        with pytest.raises(Unavailable) as refused:
            await made.run(b"a", held.note("refused"))
        assert refused.value.retry_after == 1
        is_gone.set()
        late = started(made.run(b"a", held.note("late")))
        await asyncio.sleep(0)
        held.may_end.set()
        found = await asyncio.gather(first, last, late, *waiting, return_exceptions=True)
        assert [type(one) for one in found[3:]] == [asyncio.CancelledError] * 2

    scanning(work)
    assert held.done == ["a", "late"]


def test_all_websites_together_have_an_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "MOST_WAITING_IN_ALL", 2)
    held = Held()

    async def work(made: Scans[str]) -> None:
        first = started(made.run(b"a", held.hold))
        await asyncio.to_thread(held.is_begun.wait)
        waiting = [started(made.run(share, held.note(str(share)))) for share in (b"a", b"b")]
        await asyncio.sleep(0)  # both are queued
        with pytest.raises(Unavailable, match="of all websites"):
            await made.run(b"c", held.note("refused"))
        waiting[1].cancel()
        await asyncio.sleep(0)
        waiting.append(started(made.run(b"c", held.note("c"))))
        held.may_end.set()
        await asyncio.gather(first, *waiting, return_exceptions=True)

    scanning(work)
    assert held.done == ["b'a'", "c"]


def test_nothing_is_done_for_one_who_left_or_was_cancelled_before_its_turn() -> None:
    held, is_gone = Held(), threading.Event()

    async def leaving(made: Scans[str]) -> None:
        HAS_LEFT.set(is_gone.is_set)
        await made.run(b"b", held.note("left"))

    async def work(made: Scans[str]) -> None:
        first = started(made.run(b"a", held.hold))
        await asyncio.to_thread(held.is_begun.wait)
        gone, cancelled = started(leaving(made)), started(made.run(b"c", held.note("cancelled")))
        last = started(made.run(b"d", held.note("d")))
        await asyncio.sleep(0)  # all of them are queued
        is_gone.set()
        cancelled.cancel()
        held.may_end.set()
        await asyncio.gather(first, last)
        await asyncio.gather(gone, cancelled, return_exceptions=True)

    scanning(work)
    assert held.done == ["d"]


def test_an_error_reaches_the_caller_and_the_thread_goes_on() -> None:
    held = Held()

    def fail(_worker: str, _turn: Turn) -> None:
        raise ValueError("no")

    async def work(made: Scans[str]) -> None:
        with pytest.raises(ValueError, match="no"):
            await made.run(b"a", fail)
        await made.run(b"a", held.note("a"))

    scanning(work)
    assert held.done == ["a"]


def test_a_turn_is_over_after_its_time_and_when_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Turn(lambda: True).is_over()
    assert Turn(lambda: False).is_over()
    monkeypatch.setattr(scans, "SCAN_SECONDS", -1.0)
    assert Turn(lambda: True).is_over()


def test_a_scan_knows_its_request_whoever_has_the_thread_before() -> None:
    seen: list[str] = []

    async def ask(made: Scans[str], name: str) -> None:
        REQUEST.set(name)
        await made.run(b"a", lambda _worker, _turn: seen.append(REQUEST.get()))

    async def work(made: Scans[str]) -> None:
        await asyncio.gather(*(asyncio.create_task(ask(made, name)) for name in ("first", "second")))

    scanning(work)
    assert sorted(seen) == ["first", "second"]

"""The process that keeps the columns: what it answers, and who sees to it that there is one."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from footfall.app import keep_columns
from footfall.cli.columns import advice
from footfall.column_parts import column_folder
from footfall.columns import asking
from footfall.columns import keeper as keeping
from footfall.columns import process as processing
from footfall.columns import supervisor as supervising
from footfall.columns.client import LONGEST_PATH, ColumnsClient, socket_path
from footfall.columns.keeper import ColumnKeeper
from footfall.columns.supervisor import ColumnSupervisor
from footfall.columns.wire import ColumnsHealth
from footfall.db import scans
from footfall.errors import BadRequest, DatabaseError, InternalError, Unavailable
from footfall.outbox import store as outbox
from footfall.websites.store import put_website
from tests.db.test_columns import ROWS, see
from tests.laws.world import WEBSITE
from tests.support.columns import expected_rows, in_order
from tests.support.counting import Columns
from tests.support.engines import Place
from tests.support.servers import PATIENCE, until

ON_ENGINES = ["sqlite"]
R = TypeVar("R")

FOREVER = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"


class Running(Columns):
    """A process that keeps the columns of a place, and what they hold."""

    def rows(self, text: str = ROWS, seconds: float = PATIENCE) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in asyncio.run(self.client.ask(text, seconds=seconds))]

    def is_right(self) -> bool:
        return in_order(self.rows()) == self.place.snapshot(expected_rows)


@pytest.fixture
def running(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """One that has made the columns of a website with some events."""
    monkeypatch.setattr(keeping, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(processing, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(processing, "FAILED_SECONDS", 0.01)
    place.transact(lambda tx: put_website(tx, WEBSITE))
    see(place)
    made = Running(place)
    try:
        with pytest.raises(Unavailable):  # until the first settling
            made.rows()
        until(made.is_there, "the columns are not made")
        yield made
    finally:
        made.stop()


def test_what_happens_is_answered_and_forgotten(running: Running) -> None:
    see(running.place, 1)
    until(running.is_right, "the columns are behind")
    until(lambda: not asyncio.run(running.client.health()).lag, "it lags")
    running.settle()
    assert running.place.snapshot(outbox.change_ids) == []
    health = asyncio.run(running.client.health())
    assert health.is_there
    assert min(health.bytes, health.memory) > 10_000


def test_what_takes_too_long_or_is_wrong_is_told_and_no_harm(running: Running) -> None:
    with pytest.raises(BadRequest, match="too long"):
        running.rows(FOREVER, seconds=0.05)
    with pytest.raises(BadRequest, match="memory"):
        running.rows("SELECT list(range) FROM range(100000000)")
    with pytest.raises(InternalError, match="Catalog"):
        running.rows("SELECT * FROM nothing")
    assert running.is_right()


def test_who_leaves_cancels_a_query(running: Running) -> None:
    async def leave() -> None:
        asked = [
            asyncio.create_task(running.client.ask(FOREVER, seconds=PATIENCE))
            for _ in range(processing.QUERIES)
        ]
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await asyncio.gather(*asked)

    asyncio.run(leave())
    assert running.is_right()


def test_questions_of_one_website_hold_up_no_other_and_have_an_end(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "MOST_WAITING", 1)
    ask, queries = running.client.ask, running.process._queries

    def ours() -> int:
        waiting = queries._waiting.get(1, ())
        return queries._running.get(1, 0) + 10 * sum(one.is_wanted() for one in list(waiting))

    async def counted(number: int) -> None:
        await asyncio.to_thread(until, lambda: ours() == number, "they are not asked")

    async def work() -> None:
        slow = [
            asyncio.create_task(ask(f"{FOREVER} WHERE $website = 1", {"website": 1}, PATIENCE))
            for _ in range(3)
        ]
        await counted(3)
        assert await ask("SELECT $website", {"website": 2}) == [[2]]
        with pytest.raises(Unavailable, match="Too many questions"):
            await ask("SELECT $website", {"website": 1}, 0.01)
        waiting = asyncio.create_task(ask("SELECT $website", {"website": 1}))
        await counted(13)
        with pytest.raises(Unavailable, match="of this website"):
            await ask("SELECT $website", {"website": 1})
        waiting.cancel()
        await counted(3)
        last = asyncio.create_task(ask("SELECT $website", {"website": 1}))
        for one in slow:
            one.cancel()
        assert await last == [[1]]

    run(work())


def test_whoever_says_anything_else_is_left(running: Running) -> None:
    path = str(socket_path(column_folder(running.place.settings)))
    for said in (b"\xff\xff\xff\xff", b"\x00\x00\x00\x03abc", b"\x00", b""):
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(path)
            other.sendall(said)
            other.shutdown(socket.SHUT_WR)
            assert other.recv(1) == b""
    assert running.is_right()


def test_a_file_that_turns_out_to_be_damaged_is_made_anew(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(asking, "is_damage", lambda error: True)
        with pytest.raises(Unavailable):
            running.rows("SELECT * FROM nothing")
    until(lambda: not asyncio.run(running.client.health()).is_there, "nothing is done about it")
    until(running.is_there, "the columns are not made anew")
    assert running.is_right()


def test_what_the_columns_wait_for_is_told(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(keeper: ColumnKeeper) -> None:
        raise DatabaseError("the disk is full")

    def told() -> ColumnsHealth:
        return asyncio.run(running.client.health())

    with monkeypatch.context() as patch:
        patch.setattr(ColumnKeeper, "step", step)
        until(lambda: told().waits_for == "the disk is full", "nobody tells")
        assert "the disk is full" in advice(told())
    until(lambda: not told().waits_for, "it is told on")


def test_nobody_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        asyncio.run(ColumnsClient(tmp_path / "none").ask("SELECT 1"))


def test_the_path_of_a_socket_is_never_too_long(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / ("x" * 200)):
        assert len(os.fsencode(socket_path(folder))) <= LONGEST_PATH
    assert socket_path(tmp_path / ("x" * 200)) != socket_path(tmp_path / ("y" * 200))


@pytest.fixture
def supervised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ColumnSupervisor]:
    """Makes who runs a command until its input ends; nobody answers unless `ask` does."""
    for name in ("START_SECONDS", "RESTART_SECONDS"):
        monkeypatch.setattr(supervising, name, 0.01)
    command = [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"]
    silent = ColumnsClient(tmp_path / "none").health
    return lambda ask=silent: ColumnSupervisor(command, os.environ, tmp_path, ask)


async def started(supervisor: ColumnSupervisor, but: int = 0) -> int:
    """The id of its process, another one than `but`."""
    async with asyncio.timeout(PATIENCE):
        while (process := supervisor.process) is None or process.pid == but:
            await asyncio.sleep(0.01)
    return process.pid


async def ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait([task])


def run(work: Awaitable[R]) -> R:
    async def whole() -> R:
        return await work

    return asyncio.run(whole())


def test_another_process_is_started_when_one_ends(supervised: Callable[..., ColumnSupervisor]) -> None:
    async def work() -> int | None:
        supervisor = supervised()
        task = asyncio.create_task(supervisor.run())
        first = await started(supervisor)
        os.kill(first, signal.SIGKILL)
        await started(supervisor, but=first)
        await ended(task)
        return supervisor.process.returncode if supervisor.process else None

    assert run(work()) == 0


def test_a_process_that_hangs_is_killed_and_another_is_started(
    supervised: Callable[..., ColumnSupervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "LOOK_SECONDS", 0.0)
    looks, hangs = 0, False

    async def ask() -> None:
        """Answers seldom, and at last no more."""
        nonlocal looks
        looks += 1
        if looks % supervising.MOST_SILENT or hangs:
            raise Unavailable("")

    async def work() -> int | None:
        nonlocal hangs
        supervisor = supervised(ask)
        task = asyncio.create_task(supervisor.run())
        first = await started(supervisor)
        while looks < 5 * supervising.MOST_SILENT:
            await asyncio.sleep(0.01)
        process = supervisor.process
        os.kill(first, signal.SIGSTOP)
        hangs = True
        await started(supervisor, but=first)
        await ended(task)
        return process.returncode if process else None

    assert run(work()) == -signal.SIGKILL


def test_columns_are_kept_again_once_their_folder_can_be_used(
    supervised: Callable[..., ColumnSupervisor], tmp_path: Path
) -> None:
    async def work() -> None:
        supervisor, lock = supervised(), tmp_path / "columns.lock"
        lock.mkdir()
        with pytest.raises(DatabaseError, match="nobody can keep the columns"):
            await keep_columns(supervisor)
        lock.rmdir()
        task = asyncio.create_task(keep_columns(supervisor))
        await started(supervisor)
        await ended(task)

    run(work())


def test_one_server_of_a_machine_keeps_the_columns(supervised: Callable[..., ColumnSupervisor]) -> None:
    async def work() -> None:
        first, second = supervised(), supervised()
        tasks = [asyncio.create_task(first.run()), asyncio.create_task(second.run())]
        await started(first)
        assert first.is_ours
        assert second.process is None
        await ended(tasks[0])
        await started(second)
        await ended(tasks[1])

    run(work())

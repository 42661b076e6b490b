"""Reads that wait together go together; what becomes of one of them is no matter of the others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from footfall.db.postgres.gathering import BATCHES, MOST_TOGETHER, Gathered, Gathering
from footfall.errors import DatabaseError, Unavailable


class Server:
    """Reads when it is told to; `batches`: what it was asked for."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may_answer = asyncio.Event()
        self.is_away = False

    async def _answer(self, handler: Gathered, calls: list[Any]) -> list[Any]:
        self.batches.append(calls)
        await self.may_answer.wait()
        if self.is_away:
            raise DatabaseError("away")
        return handler(None, calls)

    def read(self, handler: Gathered, calls: list[Any]) -> asyncio.Future[list[Any]]:
        return asyncio.ensure_future(self._answer(handler, calls))


def halves(tx: Any, calls: list[int]) -> list[float]:
    return [1 / call for call in calls]


def tenths(tx: Any, calls: list[int]) -> list[float]:
    return [call / 10 for call in calls]


def ask(gathering: Gathering, *calls: int, handler: Gathered = halves) -> list[asyncio.Task[Any]]:
    return [asyncio.ensure_future(gathering.run(handler, call)) for call in calls]


async def turns() -> None:
    """Let everything happen that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_calls_of_one_turn_go_together_and_each_gets_its_own_answer() -> None:
    async def work() -> None:
        server = Server()
        server.may_answer.set()
        found = await asyncio.gather(*ask(Gathering(server.read), 1, 2, 4))
        assert found == [1, 0.5, 0.25]
        assert server.batches == [[1, 2, 4]]

    asyncio.run(work())


def test_calls_that_come_while_all_batches_are_under_way_wait_for_the_next() -> None:
    async def work() -> None:
        server = Server()
        gathering = Gathering(server.read)
        asked: list[asyncio.Task[Any]] = []
        for number in range(1, BATCHES + 3):
            asked += ask(gathering, number)
            await turns()
        assert server.batches == [[number] for number in range(1, BATCHES + 1)]
        server.may_answer.set()
        await asyncio.gather(*asked)
        assert server.batches[BATCHES:] == [[BATCHES + 1, BATCHES + 2]]

    asyncio.run(work())


def test_handlers_take_turns_and_no_batch_grows_without_end() -> None:
    async def work() -> None:
        server = Server()
        gathering = Gathering(server.read)
        asked = ask(gathering, *range(1, 2 * MOST_TOGETHER + 2)) + ask(gathering, 7, handler=tenths)
        await turns()
        server.may_answer.set()
        assert (await asyncio.gather(*asked))[-1] == 0.7
        assert [len(batch) for batch in server.batches] == [MOST_TOGETHER, 1, MOST_TOGETHER, 1]
        assert server.batches[1] == [7]

    asyncio.run(work())


def test_what_a_handler_raises_for_one_call_the_others_do_not_get_to_know() -> None:
    async def work() -> None:
        server = Server()
        server.may_answer.set()
        found = await asyncio.gather(*ask(Gathering(server.read), 1, 0, 2), return_exceptions=True)
        assert found[0] == 1
        assert isinstance(found[1], ZeroDivisionError)
        assert found[2] == 0.5

    asyncio.run(work())


def test_a_server_that_is_away_is_asked_once_for_all_of_them() -> None:
    async def work() -> None:
        server = Server()
        server.may_answer.set()
        server.is_away = True
        found = await asyncio.gather(*ask(Gathering(server.read), 1, 2), return_exceptions=True)
        assert [type(one) for one in found] == [DatabaseError, DatabaseError]
        assert server.batches == [[1, 2]]

    asyncio.run(work())


def test_who_leaves_is_not_read_for_and_keeps_nobody_from_an_answer() -> None:
    async def work() -> None:
        server = Server()
        gathering = Gathering(server.read)
        under_way: list[asyncio.Task[Any]] = []
        for number in range(1, BATCHES + 1):
            under_way += ask(gathering, number)
            await turns()
        leaves, stays = ask(gathering, 5, 8)
        await turns()
        leaves.cancel()
        under_way[0].cancel()
        await turns()
        server.may_answer.set()
        assert await stays == 0.125
        assert server.batches[BATCHES:] == [[8]]

    asyncio.run(work())


def test_a_server_that_ends_turns_away_who_waits() -> None:
    async def work() -> None:
        server = Server()
        gathering = Gathering(server.read)
        for number in range(1, BATCHES + 1):
            ask(gathering, number)
            await turns()
        waiting = ask(gathering, 9)[0]
        await turns()
        gathering.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(Unavailable):
            await gathering.run(halves, 1)
        server.may_answer.set()
        await turns()

    asyncio.run(work())

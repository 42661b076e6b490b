"""Counts in memory: whoever flushes them finds all of them stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from footfall.collect.drops import HOSTS_HANDLER, Drops
from footfall.collect.model import Dropped, Reason
from footfall.collect.service import DROPPED_HANDLER
from footfall.db.protocol import WriteHandler
from footfall.websites.counts import Counts


class SlowDatabase:
    """Holds what is written by one handler until `go_on`. `written`: what is stored by now."""

    def __init__(self, held: WriteHandler) -> None:
        self._held = held
        self.go_on = asyncio.Event()
        self.written: list[Any] = []

    async def write(self, handler: WriteHandler, call: Any) -> None:
        if handler is self._held:
            await self.go_on.wait()
        self.written.append(call)


def of_reasons(database: Any) -> Any:
    counts = Counts(database, DROPPED_HANDLER)
    counts.add(b"w", 0, "bot")
    return counts


def of_hosts(database: Any) -> Any:
    drops = Drops(database)
    drops.add(b"w", 0, Dropped(Reason.WRONG_HOST, "", "other.example"))
    return drops


@pytest.mark.parametrize(("make", "held"), [(of_reasons, DROPPED_HANDLER), (of_hosts, HOSTS_HANDLER)])
def test_a_flush_waits_for_what_another_writes(make: Callable[[Any], Any], held: WriteHandler) -> None:
    async def run() -> None:
        database = SlowDatabase(held)
        counted = make(database)
        first = asyncio.ensure_future(counted.flush())
        for _ in range(5):
            await asyncio.sleep(0)
        second = asyncio.ensure_future(counted.flush())
        for _ in range(5):
            await asyncio.sleep(0)
        before = len(database.written)
        assert not second.done()
        database.go_on.set()
        await second
        assert len(database.written) == before + 1
        await first

    asyncio.run(run())

"""The salt of cookieless visitor ids goes when its day is over, whether or not anybody comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from footfall.clock import DAY_MS
from footfall.collect.endpoints import STEADY_MS, DailySalt
from footfall.db.protocol import Database, Transaction
from footfall.jobs import run_forever
from footfall.storage import open_database
from tests.support.engines import Place
from tests.support.sites import sql

DAY = 20_000
NOON = DAY * DAY_MS + DAY_MS // 2


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[Database]:
    database = open_database(place.settings)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def salts(place: Place) -> list[tuple[Any, ...]]:
    def read(tx: Transaction) -> list[tuple[Any, ...]]:
        return [(row.day, row.salt) for row in tx.all(sql.salts)]

    return place.snapshot(read)


class Clocks:
    """A clock that may be set (`now`), and one that nobody sets (`elapsed`); both in ms."""

    def __init__(self) -> None:
        self.now = NOON
        self.elapsed = 5_000_000

    def go_on(self, ms: int) -> None:
        """Let time pass."""
        self.now += ms
        self.elapsed += ms

    def salt(self, database: Database) -> DailySalt:
        return DailySalt(database, lambda: self.elapsed)


def test_processes_share_the_salt_of_a_day_and_the_next_day_destroys_it(place: Place) -> None:
    clocks = Clocks()

    async def scenario() -> tuple[bytes, bytes]:
        async with opened(place) as database:
            here, there = clocks.salt(database), clocks.salt(database)
            first = await here.at(clocks.now)
            await here.turn(clocks.now)
            assert await there.at(clocks.now + 1) == first == await here.at(clocks.now + 2)
            clocks.go_on(DAY_MS)
            second = await there.at(clocks.now)
            await here.turn(clocks.now)
            assert await here.at(clocks.now + 1) == second
            if place.engine == "sqlite":  # a PostgreSQL server's files are its own
                held = b"".join(path.read_bytes() for path in place.data.iterdir())
                assert second in held
                assert first not in held
            return first, second

    first, second = asyncio.run(scenario())
    assert first != second
    assert salts(place) == [(DAY + 1, second)]


def test_a_salt_outlives_a_clock_that_runs_ahead_and_comes_back(place: Place) -> None:
    clocks = Clocks()

    async def scenario() -> None:
        async with opened(place) as database:
            salt = clocks.salt(database)
            clocks.go_on(STEADY_MS)
            await salt.turn(clocks.now)
            todays = await salt.at(clocks.now)
            for far in (DAY_MS, 400 * DAY_MS):
                clocks.now += far
                await salt.turn(clocks.now)
                assert await salt.at(clocks.now) != todays
                clocks.go_on(STEADY_MS - 1)
                await salt.turn(clocks.now)
                clocks.now -= far
                await salt.turn(clocks.now)
                assert await salt.at(clocks.now) == todays
            clocks.go_on(DAY_MS)
            await salt.turn(clocks.now)

    asyncio.run(scenario())
    assert [row[0] for row in salts(place)] == [DAY + 1]


def test_a_clock_that_stays_where_it_jumped_to_is_believed_in_the_end(place: Place) -> None:
    clocks = Clocks()

    async def scenario() -> None:
        async with opened(place) as database:
            salt = clocks.salt(database)
            await salt.at(clocks.now)
            await salt.turn(clocks.now)
            clocks.now += DAY_MS
            for _ in range(2):
                await salt.turn(clocks.now)
                clocks.go_on(STEADY_MS)
            await salt.turn(clocks.now)

    asyncio.run(scenario())
    assert DAY not in [row[0] for row in salts(place)]


def test_a_salt_goes_at_the_end_of_its_day_without_events(place: Place) -> None:
    clocks = Clocks()

    async def scenario() -> None:
        async with opened(place) as database:
            salt = clocks.salt(database)
            await salt.at(clocks.now)
            chore = asyncio.create_task(run_forever("daily salt", 0.01, lambda: salt.turn(clocks.now)))
            clocks.go_on(DAY_MS)
            async with asyncio.timeout(20):
                while await database.read(lambda tx, _: tx.all(sql.salts), None):
                    await asyncio.sleep(0.01)  # between two looks, not in place of one
            chore.cancel()

    asyncio.run(scenario())

"""The salt of cookieless visitor ids goes when its day is over, whether or not anybody comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from footfall.app import open_database
from footfall.chores import for_ever
from footfall.clock import DAY_MS
from footfall.collect.endpoints import DailySalt
from footfall.db.protocol import Database, Transaction
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
        return tx.all(sql.salts)

    return place.snapshot(read)


def test_processes_share_the_salt_of_a_day_and_the_next_day_destroys_it(place: Place) -> None:
    async def scenario() -> tuple[bytes, bytes, bytes]:
        async with opened(place) as database:
            here, there = DailySalt(database), DailySalt(database)
            first = await here.at(NOON)
            assert await there.at(NOON + 1) == first == await here.at(NOON + 2)
            second = await there.at(NOON + DAY_MS)
            assert await here.at(NOON + DAY_MS + 1) == second
            if place.engine == "sqlite":  # a PostgreSQL server's files are its own
                held = b"".join(path.read_bytes() for path in place.data.iterdir())
                assert second in held
                assert first not in held
            return first, second, (await here.at(NOON + 2 * DAY_MS))

    made = asyncio.run(scenario())
    assert len(set(made)) == 3
    assert salts(place) == [(DAY + 2, made[2])]


def test_a_salt_goes_at_the_end_of_its_day_without_events(place: Place) -> None:
    now = [NOON]

    async def scenario() -> None:
        async with opened(place) as database:
            salt = DailySalt(database)
            chore = asyncio.create_task(for_ever("daily salt", 0.01, lambda: salt.turn(now[0])))
            for day in (DAY, DAY + 1):
                now[0] = day * DAY_MS + 5
                async with asyncio.timeout(20):
                    while [row[0] for row in await database.read(lambda tx, _: tx.all(sql.salts), None)] != [
                        day
                    ]:
                        await asyncio.sleep(0.01)  # between two looks, not in place of one
            chore.cancel()

    asyncio.run(scenario())

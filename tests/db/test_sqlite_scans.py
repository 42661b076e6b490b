"""Long reads of the embedded database end in time: with the server, at their deadline, and once nobody waits for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from footfall.db import scans
from footfall.db.protocol import Row, Transaction
from footfall.db.scans import HAS_LEFT
from footfall.db.sqlite.database import SqliteDatabase
from footfall.db.statements import Statement, make_statement
from footfall.errors import DatabaseError, Unavailable

SHORT = make_statement("short", "", "SELECT 1 AS one", "one int")
MAPPED = make_statement("mapped", "", "PRAGMA main.mmap_size", "mmap_size int")
ENDLESS = make_statement(
    "endless",
    "",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS many FROM n",
    "many int",
)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(folder, 100)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def short(tx: Transaction, _: None) -> Row | None:
    return tx.one(SHORT)


def test_a_scan_of_many_short_statements_ends_with_the_server(tmp_path: Path) -> None:
    is_begun = threading.Event()

    def endless(tx: Transaction, statement: Statement) -> None:
        while True:
            tx.all(statement)
            is_begun.set()

    async def work() -> None:
        async with opened(tmp_path) as database:
            scan = asyncio.ensure_future(database.scan(endless, SHORT))
            await asyncio.to_thread(is_begun.wait)
        with pytest.raises(DatabaseError):
            await scan

    asyncio.run(work())


@pytest.mark.parametrize("statement", [ENDLESS, SHORT])
def test_a_scan_that_takes_too_long_is_given_up_and_its_caller_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: Statement
) -> None:
    def endless(tx: Transaction, _: None) -> None:
        while True:
            tx.all(statement)

    async def work() -> None:
        async with opened(tmp_path) as database:
            with monkeypatch.context() as shorter:
                shorter.setattr(scans, "SCAN_SECONDS", 0.05)
                with pytest.raises(Unavailable, match="takes too long") as error:
                    await database.scan(endless, None)
            assert error.value.retry_after == 1
            assert await database.scan(short, None) == SHORT.row(1)

    asyncio.run(work())


def test_a_scan_ends_once_its_caller_has_left(tmp_path: Path) -> None:
    is_begun, is_gone = threading.Event(), threading.Event()

    def endless(tx: Transaction, statement: Statement) -> None:
        is_begun.set()
        tx.all(statement)

    async def leaving(database: SqliteDatabase) -> None:
        HAS_LEFT.set(is_gone.is_set)
        await database.scan(endless, ENDLESS)

    async def work() -> None:
        async with opened(tmp_path) as database:
            scan = asyncio.ensure_future(leaving(database))
            await asyncio.to_thread(is_begun.wait)
            is_gone.set()
            assert await database.scan(short, None) == SHORT.row(1)  # on the same connection, or beside it
            await asyncio.wait([scan])
            assert isinstance(scan.exception(), Unavailable)

    asyncio.run(work())


@pytest.mark.parametrize("mapped", [0, 1024**2])
def test_reading_connections_map_as_much_as_the_setting_says(tmp_path: Path, mapped: int) -> None:
    def size(tx: Transaction, _: None) -> Row:
        return tx.all(MAPPED)[0].mmap_size

    async def work() -> tuple[Row, Row]:
        database = SqliteDatabase(tmp_path, 100, mapped)
        await database.open()
        try:
            return await database.read(size, None), await database.scan(size, None)
        finally:
            await database.close()

    assert asyncio.run(work()) == (mapped, mapped)

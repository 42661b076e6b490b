"""Assembles what keeps and answers from the columns: in a file of this machine, or in ClickHouse. A part of the composition root."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from footfall.analytics.clickhouse_dialect import CLICKHOUSE
from footfall.analytics.dialects import DUCKDB, Dialect
from footfall.columns.client import ColumnsClient, socket_path
from footfall.columns.supervisor import ColumnSupervisor, turn_at
from footfall.errors import ColumnsUnusable, UsageError
from footfall.outbox.store import ALONE
from footfall.settings import Settings

if (
    TYPE_CHECKING
):  # drivers take long to load, one is optional, and servers need none of DuckDB and ClickHouse
    from footfall.columns.clickhouse import ClickHousePlace
    from footfall.columns.feeder import Reader
    from footfall.columns.keeper import ColumnKeeper
    from footfall.columns.process import ColumnProcess
    from footfall.columns.shared import SharedKeeper
    from footfall.columns.verify import Ask, VerifyTexts

COMMAND_SECONDS = 600.0
"""How long a query of a command over the columns may take."""


def column_folder(settings: Settings) -> Path:
    """Where this machine keeps the columns of the database."""
    return settings.data / "columns"


def columns_client(settings: Settings) -> ColumnsClient:
    """Asks the process that keeps the columns of this machine."""
    return ColumnsClient(socket_path(column_folder(settings)), settings.columns_timeout)


def column_keeper(settings: Settings, session: Reader) -> ColumnKeeper | SharedKeeper:
    """Whoever keeps the columns of the database that a session reads. Raises UsageError."""
    if settings.columns_url:
        return _shared_keeper(settings, session)
    from footfall.columns.file import FileLimits
    from footfall.columns.keeper import ColumnKeeper, read_keeper_id

    threads = settings.columns_threads or max(1, (os.cpu_count() or 1) - 1)
    limits = FileLimits(threads, settings.columns_memory * 1024**2)
    folder = column_folder(settings)
    keeper_id = read_keeper_id(folder) if settings.database_url else ALONE
    return ColumnKeeper(session, folder, limits, keeper_id)


def _shared_keeper(settings: Settings, session: Reader) -> SharedKeeper:
    place = check_columns(settings)
    assert place is not None  # noqa: S101 - there is a URL
    from footfall.columns.shared import SharedKeeper
    from footfall.db.postgres.session import PostgresSession

    assert isinstance(session, PostgresSession)  # noqa: S101 - the settings were checked

    return SharedKeeper(session, place, settings.columns_memory * 1024**2)


def check_columns(settings: Settings) -> ClickHousePlace | None:
    """Where the columns are in ClickHouse, if they are. Raises UsageError."""
    if not settings.columns_url:
        return None
    try:
        from footfall.columns.clickhouse import read_place
    except ModuleNotFoundError as error:
        raise UsageError(
            "FOOTFALL_COLUMNS_URL: install what speaks to ClickHouse: .venv/bin/pip install '.[clickhouse]'"
        ) from error
    return read_place(settings.columns_url)


def verify_texts(settings: Settings) -> VerifyTexts:
    """What `verify_columns` asks of the columns."""
    if not check_columns(settings):
        from footfall.columns.verify import FILE_TEXTS

        return FILE_TEXTS
    from footfall.columns.clickhouse import VERIFY_TEXTS

    return VERIFY_TEXTS


def column_dialect(settings: Settings) -> Dialect:
    """How questions to the columns are spelt."""
    return CLICKHOUSE if settings.columns_url else DUCKDB


@contextlib.contextmanager
def column_asking(settings: Settings, session: Reader) -> Iterator[Ask]:
    """Asks the columns of this machine: the process of a running server, or else the file, once it is up to date. Raises DatabaseError."""
    folder = column_folder(settings)
    with turn_at(folder) as is_free:
        if not is_free:
            client = columns_client(settings)
            yield lambda text, values: asyncio.run(client.ask(text, values, COMMAND_SECONDS))
            return
        keeper = column_keeper(settings, session)
        try:
            if not keeper.open() or keeper.file is None:
                raise ColumnsUnusable("The columns cannot be used: run `footfall db rebuild columns`.")
            while keeper.step().has_more:
                pass
            yield keeper.file.rows
        finally:
            keeper.close()


def column_process(settings: Settings, session: Reader) -> ColumnProcess:
    """The process that keeps the columns of the database that a session reads, to be run."""
    from footfall.columns.process import ColumnProcess

    return ColumnProcess(column_keeper(settings, session), socket_path(column_folder(settings)))


def column_supervisor(settings: Settings) -> ColumnSupervisor:
    """Runs that process beside a server."""
    place = {
        "FOOTFALL_DATA": str(settings.data),
        "FOOTFALL_DATABASE_URL": settings.database_url,
        "FOOTFALL_COLUMNS_URL": settings.columns_url,
    }
    command = [sys.executable, "-m", "footfall", "columns"]
    ask = columns_client(settings).health
    return ColumnSupervisor(command, os.environ | place, column_folder(settings), ask)

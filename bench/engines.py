"""The engines that can be measured: how a database is made, and how `footfall serve` is told of it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from footfall.db.postgres import connection as postgres_connection
from footfall.db.postgres.session import PostgresSession
from footfall.db.sqlite import connection as sqlite_connection
from footfall.db.sqlite.database import WRITER_CACHE_KIB
from footfall.db.sqlite.session import SqliteSession
from footfall.db.writer import WriteSession
from footfall.settings import Settings
from footfall.storage import CommandSession, migrate_database

SQLITE_LOG = 160_000_000
"""The most bytes of write-ahead log of an embedded database and its index."""


class StoreSession(WriteSession, CommandSession, Protocol):
    """A connection like the one through which a server writes, for reads too."""


def _nothing() -> None:
    """SQLite starts its log anew by itself."""


def _checkpoint(url: str) -> None:
    """Hand the log of the seeding back: from then on its files are used again, as they are on a server that runs for a day."""
    with contextlib.closing(postgres_connection.connect(url)) as connection:
        connection.execute("CHECKPOINT")


class Engine(NamedTuple):
    """A database with the schema and no data; goes to other processes. `arguments`: of `footfall serve`.

    `log`: the folder of its write-ahead log, and which files it is; `most_log`: the bytes that it may have. `settle`: what a server has done once it runs for a while.
    """

    open_session: Callable[[], StoreSession]
    arguments: list[str]
    log: tuple[Path, str]
    most_log: int
    settle: Callable[[], None] = _nothing

    def log_size(self) -> int:
        """Bytes of write-ahead log."""
        folder, pattern = self.log
        return sum(file.stat().st_size for file in folder.glob(pattern))


@contextlib.contextmanager
def sqlite_engine(folder: Path) -> Iterator[Engine]:
    """An embedded database in `folder`, whose session has the cache of a server's writer."""
    migrate_database(Settings(data=folder))
    path = folder / sqlite_connection.FILE_NAME
    session = functools.partial(SqliteSession, path, WRITER_CACHE_KIB)
    yield Engine(session, ["--data", str(folder)], (folder, "*-wal"), SQLITE_LOG)


@contextlib.contextmanager
def postgres_engine(folder: Path) -> Iterator[Engine]:
    """A new database on a PostgreSQL server of its own, with fsync on and room for a few minutes of writes between checkpoints."""
    from tests.support.postgres import LocalPostgres  # of the wheel that the tests install

    server = LocalPostgres({"shared_buffers": "512MB", "max_wal_size": "4GB", "fsync": "on"})
    try:
        server.start()
        url = server.create_database()
        migrate_database(Settings(database_url=url))
        session = functools.partial(PostgresSession, url)
        settle = functools.partial(_checkpoint, url)
        yield Engine(
            session,
            ["--database", url, "--data", str(folder)],
            (server.data / "pg_wal", "*"),
            5_000_000_000,
            settle,
        )
    finally:
        server.remove()


ENGINES: dict[str, Callable[[Path], AbstractContextManager[Engine]]] = {
    "sqlite": sqlite_engine,
    "postgres": postgres_engine,
}

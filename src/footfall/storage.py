"""The database that the settings name, as servers and commands open it. What one engine alone needs is loaded with its first use: commands are to
start in no time."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from footfall.db.protocol import Database, Transaction
from footfall.db.sqlite import connection as sqlite_connection
from footfall.db.sqlite import schema as sqlite_schema
from footfall.db.sqlite.backups import IsStopped, backup_file, never
from footfall.db.sqlite.database import SqliteDatabase
from footfall.db.sqlite.session import SqliteSession, open_session
from footfall.errors import UsageError
from footfall.settings import Settings

if TYPE_CHECKING:
    from footfall.db.postgres.session import PostgresSession

R = TypeVar("R")


def open_database(settings: Settings) -> Database:
    """The database that the settings name, for a server."""
    if settings.database_url:
        from footfall.db.postgres.database import PostgresDatabase

        return PostgresDatabase(settings.database_url, settings.queue_size)
    return SqliteDatabase(settings.data, settings.queue_size, settings.mmap * 1024**2)


class CommandSession(Protocol):
    """A connection of a command. Its methods raise DatabaseError."""

    is_derived_new: bool
    """Whether derived tables are seen empty, since the next server makes them anew."""

    def transact(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` in one transaction and commit it."""

    def snapshot(self, work: Callable[[Transaction], R]) -> R:
        """Run `work`, which only reads, on one snapshot of the database."""

    def mark(self) -> object:
        """Equal to an earlier one only if nothing was committed to the database meanwhile."""


def require_database(settings: Settings) -> None:
    """Raises UsageError when there is no embedded database where the settings say, as in a wrong folder."""
    if not settings.database_url and not sqlite_connection.is_there(settings.data):
        raise UsageError(
            f"no database in {settings.data.absolute()}: set its folder with --data or FOOTFALL_DATA"
        )


def prepare_folder(settings: Settings) -> str | None:
    """Create the data folder of a server. Returns a warning if other users of the machine can read it. Raises UsageError."""
    if settings.database_url:
        return None
    sqlite_connection.make_folder(settings.data)
    if (mode := sqlite_connection.wide_mode(settings.data)) is None:
        return None
    return (
        f"other users of this machine may look into {settings.data} (mode {mode:04o}), where secrets lie. "
        f"Mend it with: chmod -R go= {shlex.quote(str(settings.data))}"
    )


@contextlib.contextmanager
def command_session(settings: Settings) -> Iterator[CommandSession]:
    """A session on the database that the settings name, for a command. Raises DatabaseError.

    An empty embedded database gets its schema; any other must have the schema that this program needs.
    """
    session: SqliteSession | PostgresSession
    if settings.database_url:
        from footfall.db.postgres.session import PostgresSession, require_current

        session = PostgresSession(settings.database_url)
        require_current(session)
    else:
        sqlite_connection.make_folder(settings.data)
        session = open_session(settings.data / sqlite_connection.FILE_NAME)
    try:
        yield session
    finally:
        session.close()


@contextlib.contextmanager
def exclusive(settings: Settings) -> Iterator[None]:
    """Lock servers out of a database. Raises DatabaseBusy when one is running."""
    if settings.database_url:
        from footfall.db.postgres.schema import without_servers

        with without_servers(settings.database_url):
            yield
        return
    sqlite_connection.make_folder(settings.data)
    lock = sqlite_connection.ServerLock(settings.data)
    try:
        yield
    finally:
        lock.release()


def migrate_database(settings: Settings) -> list[int]:
    """Bring the schema up to date; the numbers of the migrations that were applied. Raises DatabaseError."""
    if settings.database_url:
        from footfall.db.postgres.schema import migrate_server

        return migrate_server(settings.database_url)
    sqlite_connection.make_folder(settings.data)
    return sqlite_schema.migrate_file(settings.data / sqlite_connection.FILE_NAME)


def backup_database(
    settings: Settings, target: Path, *, spare: int = 0, is_stopped: IsStopped = never
) -> None:
    """Write a consistent, checked copy of the embedded database to the new file `target`. Raises DatabaseError and UsageError.

    `spare`: bytes that the disk must have left after it.
    """
    if settings.database_url:
        raise UsageError("db backup copies the embedded database; for PostgreSQL use pg_dump.")
    require_database(settings)
    source = settings.data / sqlite_connection.FILE_NAME
    backup_file(source, target, is_checked=True, spare=spare, is_stopped=is_stopped)

"""A backup becomes the database again.

It is copied, checked, migrated, and told of the erasures since, in a folder of its own; only then it takes the place of what is there, in
one step. What was there stays beside it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import apsw
import msgspec

from footfall.backups.erasures import replay_all
from footfall.column_parts import column_folder
from footfall.columns.supervisor import turn_at
from footfall.db import migrate
from footfall.db.sqlite.backups import check_file, leave_out
from footfall.db.sqlite.connection import (
    FILE_NAME,
    connect,
    derived_path,
    log_path,
    remove_database,
    translated,
)
from footfall.db.sqlite.schema import connect_whole, migrate_file, schema_version, unpair_derived
from footfall.db.sqlite.transaction import SqliteTransaction
from footfall.errors import DatabaseBusy, DatabaseError, SchemaMismatch, UsageError
from footfall.privacy.erasing import Erasers
from footfall.privacy.replay import TombstoneLine, tombstone_lines
from footfall.settings import Settings
from footfall.storage import command_session, exclusive

FOLDER = "restoring"
"""In the data folder: where a backup becomes a database."""


class Restored(msgspec.Struct, frozen=True):
    """What a restore did. `schema`: that of the backup; `applied`: the numbers of the migrations since; `kept`: what was there before.

    `users_erased`, `of_unknown_websites`: see `ReplayedErasures`.
    """

    file: str
    schema: int
    applied: list[int]
    users_erased: int
    of_unknown_websites: int
    kept: str | None
    message: str


def restore_database(
    settings: Settings, file: Path, erasers: Erasers, now: int, *, without_erasures: bool = False
) -> Restored:
    """Put the backup `file` in the place of the embedded database. Raises DatabaseError and UsageError; nothing has changed then.

    `without_erasures`: also when it cannot be read who was erased since.
    """
    _check_names(settings, file)
    with exclusive(settings), _columns_left(settings), _working_folder(settings) as folder:
        path = folder / FILE_NAME
        _copy(file, path)
        version = _check(path, file)
        tombstones = _erased_since(settings, without_erasures=without_erasures)
        applied = migrate_file(path, is_kept=False)
        with command_session(msgspec.structs.replace(settings, data=folder)) as session:
            replayed = replay_all(session, erasers, tombstones or [])
        unpair_derived(path)
        check_file(path)
        kept = _take_place(settings, path, now, is_readable=tombstones is not None)
    return Restored(
        str(file),
        version,
        applied,
        replayed.users_erased,
        replayed.of_unknown_websites,
        None if kept is None else str(kept),
        DONE if kept and tombstones is not None else f"{DONE} {UNKNOWN_ERASURES}",
    )


DONE = "Start the server: it makes the index of people and the columns anew."
UNKNOWN_ERASURES = (
    "Who was erased since the backup is not known here. Before you start it, repeat these erasures, if you have a file of them: "
    "footfall db erasures replay FILE"
)


def _check_names(settings: Settings, file: Path) -> None:
    """Raises UsageError for what cannot be restored, whatever is in it."""
    if settings.database_url:
        raise UsageError("db restore restores the embedded database; for PostgreSQL use pg_restore.")
    present = settings.data / FILE_NAME
    if present.exists() and present.samefile(file):
        raise UsageError(f"{file} is the database itself: name a backup of it.")
    log = log_path(file)
    if log.exists() and log.stat().st_size:
        raise UsageError(
            f"{file} is no backup but a database in use, whose last writes are in {log.name}. Make a backup of it: "
            f"footfall db backup --data {file.parent} FILE"
        )


@contextlib.contextmanager
def _columns_left(settings: Settings) -> Iterator[None]:
    """Wait for nobody: raises DatabaseBusy while a process still keeps the columns."""
    with turn_at(column_folder(settings)) as is_free:
        if not is_free:
            raise DatabaseBusy(
                "A server that was just stopped still feeds the columns. Try again in a few seconds."
            )
        yield


@contextlib.contextmanager
def _working_folder(settings: Settings) -> Iterator[Path]:
    """An empty folder in the data folder, which is gone afterwards. Raises DatabaseError for what the system refuses."""
    folder = settings.data / FOLDER
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        yield folder
    except OSError as error:
        raise DatabaseError(f"{error.filename or folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(file: Path, path: Path) -> None:
    needed, free = file.stat().st_size, shutil.disk_usage(path.parent).free
    if free < needed:
        raise DatabaseError(
            f"The data folder needs {needed // 10**6 + 1} MB of free disk for the backup, and there are {free // 10**6} MB."
        )
    shutil.copyfile(file, path)


def _check(path: Path, file: Path) -> int:
    """The schema of a copy of `file`. Raises DatabaseError unless it is a whole database of Footfall that this program can use."""
    try:
        check_file(path)
        with translated(), contextlib.closing(apsw.Connection(str(path))) as connection:
            version = schema_version(connection)
            is_ours = version and connection.execute(
                "SELECT count(*) = 4 FROM sqlite_schema WHERE name IN ('website', 'visitor', 'fact', 'tombstone')"
            ).fetchone() == (1,)
    except DatabaseError as error:
        raise DatabaseError(f"{file} cannot be restored: it is no SQLite database, or damaged.") from error
    if not is_ours:
        raise DatabaseError(f"{file} cannot be restored: it is no database of Footfall.")
    try:
        migrate.pending(version)
    except SchemaMismatch as error:
        raise DatabaseError(
            f"{file} cannot be restored: it is of a newer Footfall, with schema {version}. Restore it with that one; "
            "docs/upgrading.md says which version has which schema."
        ) from error
    return version


def _erased_since(settings: Settings, *, without_erasures: bool) -> list[TombstoneLine] | None:
    """All erasures that the present database knows; None: that cannot be read, or there is no database. Raises DatabaseError."""
    path = settings.data / FILE_NAME
    if not path.exists():
        return None
    try:
        with translated(), contextlib.closing(connect_whole(path)) as connection:
            return tombstone_lines(SqliteTransaction(connection)) if schema_version(connection) else []
    except DatabaseError as error:
        if without_erasures:
            return None
        raise DatabaseError(
            f"Who was erased since the backup cannot be read from the present database: {error}. Nothing was changed. "
            "With --without-erasures, the backup is restored all the same, and those people are back."
        ) from error


def _take_place(settings: Settings, new: Path, now: int, *, is_readable: bool) -> Path | None:
    """Let `new` be the database, in one step; where the present one stays, if there is one. Raises DatabaseError and OSError."""
    path = settings.data / FILE_NAME
    kept = _keep(path, now, is_readable=is_readable) if path.exists() else None
    with new.open("rb") as written:
        os.fsync(written.fileno())
    new.replace(path)
    remove_database(derived_path(path))
    shutil.rmtree(column_folder(settings), ignore_errors=True)
    descriptor = os.open(settings.data, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    return kept


def _keep(path: Path, now: int, *, is_readable: bool) -> Path:
    """Give the present database a second name, and take its log away, which must not be applied to another file."""
    if is_readable:
        with translated(), contextlib.closing(connect(path, 2048)) as connection:
            leave_out(connection)
    at = datetime.fromtimestamp(now // 1000, UTC)
    kept = path.with_name(f"replaced-{at:%Y%m%dT%H%M%S}.{now % 1000:03}Z.db")
    kept.hardlink_to(path)
    log = log_path(path)
    if log.exists():
        log.rename(log_path(kept))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    return kept

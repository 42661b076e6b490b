"""Copies of the embedded database: consistent while a server writes, and without what a backup must not hold.

A copy is written beside its place and gets its name once it is whole. Slices reach the disk one after the other, so that no commit waits
behind gigabytes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw

from footfall.db import migrate
from footfall.db.sqlite.connection import PAGE_SIZE, connect, log_path, remove_database, translated
from footfall.errors import DatabaseError

SLICE = 8 * 1024 * 1024 // PAGE_SIZE
"""Pages that are copied before they are written to the disk."""
LOOK_EVERY = 100_000
"""Steps of SQLite between two looks whether a check is to end."""
MB = 1_000_000
IsStopped = Callable[[], bool]
"""Whether to end early; the copy is then removed, and DatabaseError raised."""


def never() -> bool:
    """Nobody ends it early."""
    return False


def backup_file(
    source: Path, target: Path, *, is_checked: bool = False, spare: int = 0, is_stopped: IsStopped = never
) -> None:
    """Write a consistent copy of `source` to the new file `target`. Raises DatabaseError.

    `is_checked`: only if the copy passes `check_file`. `spare`: bytes that the disk must have left after it.
    """
    if target.exists():
        raise DatabaseError(f"{target} already exists; choose a new file")
    partial = target.with_name(target.name + ".partial")
    with _written_aside(partial):
        target.parent.mkdir(parents=True, exist_ok=True)
        _require_room(source, target.parent, spare)
        _copy(source, partial, is_stopped)
        if is_checked:
            check_file(partial, is_stopped)
        _sync(partial)
        partial.rename(target)
        _sync(target.parent)


@contextlib.contextmanager
def _written_aside(partial: Path) -> Iterator[None]:
    """Leave nothing of `partial`, whatever happens to it. Raises DatabaseError for whatever the system refuses."""
    try:
        yield
    except OSError as error:
        raise DatabaseError(f"{error.filename or partial}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            remove_database(partial)


def _require_room(source: Path, folder: Path, spare: int) -> None:
    """Raises DatabaseError unless the disk of `folder` has room for a copy, and `spare` bytes more."""
    log = log_path(source)
    needed = source.stat().st_size + (log.stat().st_size if log.exists() else 0) + spare
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DatabaseError(
            f"a copy in {folder.absolute()} needs {needed // MB + 1} MB of free disk, and there are {free // MB} MB"
        )


def _copy(source: Path, partial: Path, is_stopped: IsStopped) -> None:
    remove_database(partial)
    with translated(), contextlib.closing(connect(source, 2048)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT 1 FROM sqlite_schema").fetchone()
        with contextlib.closing(apsw.Connection(str(partial))) as copy:
            copy.execute("PRAGMA synchronous = OFF")  # whole slices are written here
            _copy_pages(reader, copy, partial, is_stopped)
            copy.execute("PRAGMA journal_mode = DELETE")
            copy.execute("PRAGMA user_version = 0")  # it is no pair with any file of derived tables
            leave_out(copy)
        reader.execute("COMMIT")


def _copy_pages(reader: apsw.Connection, copy: apsw.Connection, partial: Path, is_stopped: IsStopped) -> None:
    with partial.open("rb") as written, copy.backup("main", reader, "main") as progress:
        while not progress.done:
            if is_stopped():
                raise DatabaseError("the copy was stopped")
            progress.step(SLICE)
            os.fdatasync(written.fileno())


def leave_out(connection: apsw.Connection) -> None:
    """Empty the tables that no backup holds. Raises apsw.Error."""
    connection.execute("PRAGMA secure_delete = ON")
    for table in migrate.left_out_of_backups():
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone():
            connection.execute(f"DELETE FROM {table}")


def check_file(path: Path, is_stopped: IsStopped = never) -> None:
    """Raises DatabaseError unless each page and index of a database that nobody writes to is whole."""
    with translated(), contextlib.closing(apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)) as found:
        found.set_progress_handler(is_stopped, LOOK_EVERY)
        row = found.execute("PRAGMA integrity_check(1)").fetchone()
    if row is None or row[0] != "ok":
        raise DatabaseError(f"{path} is damaged: {row and row[0]}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

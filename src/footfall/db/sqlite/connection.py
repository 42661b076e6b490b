"""The file of the embedded database: connections to it, and which server owns it.

docs/decisions/0002-sqlite-settings.md gives the measurements.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw

from footfall.errors import DatabaseBusy, DatabaseError, SchemaMismatch, UsageError

FILE_NAME, LOCK_NAME = "footfall.db", "server.lock"
PAGE_SIZE = 4096
MAPPED_BYTES = 64 * 1024**3
"""Bytes of the database file that reading connections of a server map into memory, unless a setting says otherwise. They live in the system's
cache, not in ours."""
ROOM = 256 * 1024
"""Free bytes that a server needs to start."""
BUSY_TIMEOUT_MS = 5000
PRIVATE_FOLDER = 0o700
CHOOSE_FOLDER = "Choose another with FOOTFALL_DATA or --data."
READERS_MS = 20
"""How long to wait, as a rule, for readers that still need a write-ahead log that is due for a restart."""

_DAMAGES = (apsw.CorruptError, apsw.NotADBError)


def derived_path(path: Path) -> Path:
    """The file with the derived tables of the database `path`; see `db.sqlite.derived`."""
    return path.with_name(f"{path.stem}.derived{path.suffix}")


def log_path(path: Path) -> Path:
    """The write-ahead log of the database `path`."""
    return path.with_name(f"{path.name}-wal")


def remove_database(path: Path) -> None:
    """Remove a database that nobody uses, if it is there, with all that SQLite keeps beside it. Raises OSError."""
    for end in ("", "-journal", "-wal", "-shm"):
        path.with_name(f"{path.name}{end}").unlink(missing_ok=True)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """apsw's errors as ours."""
    try:
        yield
    except apsw.Error as error:
        raise ours(error) from error


def ours(error: apsw.Error) -> DatabaseError:
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return DatabaseBusy("another process holds the database")
    if isinstance(error, apsw.FullError):
        return DatabaseError("the disk is full")
    if isinstance(error, apsw.CantOpenError | apsw.ReadOnlyError):
        return DatabaseError(f"{FILE_NAME} cannot be opened for writing in the data folder: {error}")
    if isinstance(error, apsw.NotADBError):
        return DatabaseError(f"{FILE_NAME} is no database, or is damaged")
    if isinstance(error, apsw.CorruptError):
        return DatabaseError(f"{FILE_NAME} is damaged, or the index beside it")
    return DatabaseError(f"{type(error).__name__}: {error}")


def cannot_open(folder: Path, error: DatabaseError | OSError) -> DatabaseError:
    """Why a server cannot begin on the data in `folder`, in a sentence."""
    if isinstance(error, SchemaMismatch | DatabaseBusy):
        return error
    if folder.exists() and shutil.disk_usage(folder).free < ROOM:
        return DatabaseError(f"The disk that holds {folder.absolute()} is full: make room, then start again.")
    reason = f"{error.strerror} ({error.filename})" if isinstance(error, OSError) else str(error)
    advice = " Restore a backup: footfall db restore FILE." if isinstance(error.__cause__, _DAMAGES) else ""
    return DatabaseError(f"The data in {folder.absolute()} cannot be opened: {reason}.{advice}")


def connect(path: Path, cache_kib: int, *, read_only: bool = False, mapped_bytes: int = 0) -> apsw.Connection:
    """A connection with Footfall's settings. `mapped_bytes`: of the file that may be mapped into memory. Raises apsw.Error."""
    flags = apsw.SQLITE_OPEN_READWRITE | (0 if read_only else apsw.SQLITE_OPEN_CREATE)
    connection = apsw.Connection(str(path), flags=flags, statementcachesize=256)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    # Without this, a build with STAT4 plans each statement anew whenever a bound value changes: 40 microseconds a call.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA mmap_size = {mapped_bytes}")
    return connection


def start_log_anew(connection: apsw.Connection, mode: int, wait_ms: int) -> bool:
    """Copy the write-ahead log and restart it. False when a reader, or the copying itself, needs it for longer.

    Raises DatabaseError.
    """
    try:
        connection.set_busy_timeout(wait_ms)
        connection.wal_checkpoint(mode=mode)
    except apsw.BusyError:
        return False
    except apsw.Error as error:
        raise ours(error) from error
    finally:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    return True


def make_folder(folder: Path) -> None:
    """Create a data folder that only its owner can read, unless it exists. Raises UsageError."""
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is no folder" if isinstance(error, FileExistsError) else error.strerror
        raise UsageError(f"The data folder {folder} cannot be used: {reason}. {CHOOSE_FOLDER}") from error


def is_there(folder: Path) -> bool:
    """Whether a data folder holds a database. Raises UsageError when it cannot be read."""
    try:
        return (folder / FILE_NAME).exists()
    except OSError as error:
        raise UsageError(
            f"The data folder {folder} cannot be read: {error.strerror}. {CHOOSE_FOLDER}"
        ) from error


def wide_mode(folder: Path) -> int | None:
    """The mode of a data folder that others can read; None when only its owner can."""
    mode = folder.stat().st_mode & 0o777
    return mode if mode & 0o077 else None


class ServerLock:
    """One server's claim on a data folder. Raises DatabaseBusy when another server has it, UsageError when it is not writable."""

    def __init__(self, folder: Path) -> None:
        try:
            self._file = (folder / LOCK_NAME).open("a+")
        except OSError as error:
            raise UsageError(
                f"Nothing can be written in the data folder {folder}: {error.strerror}. {CHOOSE_FOLDER}"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise DatabaseBusy(
                f"Another Footfall server is running on the data in {folder}. Stop it, or use another --data folder."
            ) from error

    def release(self) -> None:
        self._file.close()

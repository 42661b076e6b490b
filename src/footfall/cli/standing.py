"""How a database and its server stand: whether one runs, what it holds in memory, how large everything is, and what to do about it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec

from footfall.db.sqlite.connection import FILE_NAME, LOCK_NAME, derived_path, log_path
from footfall.memory import read_memory
from footfall.settings import Settings

MIB, GIB = 1024**2, 1024**3
LITTLE_ROOM = GIB
"""Free bytes of the disk below which there is something to do."""
LONG_LOG = 256 * MIB
"""Bytes of the write-ahead log that only a reader of minutes leaves."""
MUCH_MAPPED = GIB
"""Bytes of mapped files that may frighten somebody who looks at `top`."""
SIZES = {
    "serverMemory",
    "serverMapped",
    "databaseBytes",
    "logBytes",
    "indexBytes",
    "freeBytes",
    "bytes",
    "memory",
}
"""Fields that are numbers of bytes."""


class Standing(msgspec.Struct, frozen=True, rename="camel"):
    """What stands where the settings say. Bytes; None: not known, or a server of its own keeps it.

    `server`: the id of the process that serves the database, 0 if it is out of sight, as in another container; None: none runs.
    With PostgreSQL, one of any number. `server_mapped`: of its memory, what files are mapped into.
    """

    server: int | None
    server_memory: int | None
    server_mapped: int | None
    database_bytes: int | None
    log_bytes: int | None
    index_bytes: int | None
    free_bytes: int | None


def read_standing(settings: Settings) -> Standing:
    """How everything stands. Raises DatabaseError."""
    if settings.database_url:
        from footfall.db.postgres.schema import has_servers, size_of

        server = 0 if has_servers(settings.database_url) else None
        return Standing(server, None, None, size_of(settings.database_url), None, None, _free(settings.data))
    path = settings.data / FILE_NAME
    server = _holder(settings.data / LOCK_NAME)
    memory = read_memory(server) if server else None
    return Standing(
        server,
        memory.own if memory else None,
        memory.mapped if memory else None,
        _size(path),
        _size(log_path(path)),
        _size(derived_path(path)),
        _free(settings.data),
    )


def advice_on(standing: Standing) -> list[str]:
    """What an operator has to know, and to do, in sentences."""
    told = []
    if standing.free_bytes is not None and standing.free_bytes < LITTLE_ROOM:
        told.append(f"The disk has only {size_text(standing.free_bytes)} left: make room before it is full.")
    if (standing.log_bytes or 0) > LONG_LOG:
        told.append(
            "The write-ahead log is long, since something reads for minutes, such as db verify or a backup; it shrinks once that is over."
        )
    if (standing.server_mapped or 0) > MUCH_MAPPED:
        told.append(
            "Most of what the system shows as memory of the server is the mapped database, which it takes back when it needs room; "
            "FOOTFALL_MMAP bounds it."
        )
    return told


def readable(told: dict[str, Any]) -> dict[str, Any]:
    """The fields for a person: sizes in MiB and GiB, times in seconds, and words for the server."""
    shown = {
        name: _shown(name, value) for name, value in told.items() if value is not None or name == "lastBackup"
    }
    return {"server": "does not run", **shown} if told.get("server") is None else shown


def _shown(name: str, value: Any) -> Any:
    if name == "server":
        return f"runs as process {value}" if value else "runs"
    if name == "lastBackup":
        return value or "none yet"
    if name == "lag":
        return f"{value / 1000:.1f} s"
    return size_text(value) if name in SIZES else value


def size_text(size: int) -> str:
    """Bytes in words."""
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / MIB:.1f} MiB"


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _holder(lock: Path, locks: Path = Path("/proc/locks")) -> int | None:
    """The process that holds a server's lock; 0: one that cannot be seen from here. To try the lock could get in a server's way."""
    try:
        inode, lines = lock.stat().st_ino, locks.read_text("ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        _, kind, _, mode, process, file, *_ = line.split()
        if (kind, mode, file.rsplit(":", 1)[-1]) == ("FLOCK", "WRITE", str(inode)):
            return max(int(process), 0)
    return None

"""The server makes a backup every so many hours, and keeps the newest ones.

When the last one was made is in the names of the files, so nothing else has to be kept in step with them.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import msgspec

from footfall.clock import Clock, to_iso
from footfall.db.sqlite.connection import remove_database
from footfall.errors import DatabaseError
from footfall.log import get_logger
from footfall.settings import Settings
from footfall.storage import backup_database

LOOK_SECONDS = 60.0
RETRY_SECONDS = 900.0
"""After a backup that failed."""
SPARE = 256 * 1024**2
"""Bytes that a backup leaves free: events need the disk more."""
HOUR_MS = 3_600_000
_NAME = "footfall-%Y%m%dT%H%M%SZ.db"
_PARTIALS = "footfall-*Z.db.partial"


class BackupFile(msgspec.Struct, frozen=True):
    """A backup that a server made. `at`: ms since epoch."""

    path: Path
    at: int


class BackupState(msgspec.Struct, frozen=True):
    """How the backups of a server stand. `last`: the newest; `late_by`: ms by which the next one is overdue, 0 when it is not."""

    last: BackupFile | None
    late_by: int

    @property
    def advice(self) -> str:
        """What an operator has to know, and to do; empty: nothing."""
        if not self.late_by:
            return ""
        since = f"The last is from {to_iso(self.last.at)}" if self.last else "There is none yet"
        return (
            f"A backup is due since {self.late_by // HOUR_MS} hours. {since}. If a server runs: its log says why, in lines with "
            "component=backups."
        )


def backup_folder(settings: Settings) -> Path:
    """Where the backups of a server are."""
    return settings.backup_folder or settings.data / "backups"


def backups_in(folder: Path) -> list[BackupFile]:
    """The backups in a folder that servers made, oldest first; none if it is missing. Raises OSError."""
    if not folder.is_dir():
        return []
    found = [BackupFile(path, at) for path in folder.iterdir() if (at := _made_at(path.name)) is not None]
    return sorted(found, key=lambda one: one.at)


def _made_at(name: str) -> int | None:
    try:
        return int(datetime.strptime(name, _NAME).replace(tzinfo=UTC).timestamp()) * 1000
    except ValueError:
        return None


def read_state(settings: Settings, now: int) -> BackupState | None:
    """How the backups stand; None if the server is to make none. Raises OSError."""
    if not settings.backup_hours or settings.database_url:
        return None
    past = _past(backup_folder(settings), now)
    due = past[-1].at + settings.backup_hours * HOUR_MS if past else now
    late = now - due - HOUR_MS  # making one takes its time
    return BackupState(past[-1] if past else None, max(late, 0))


def _past(folder: Path, now: int) -> list[BackupFile]:
    """Those up to now: a clock that ran ahead leaves later ones, which are no reason to do without."""
    return [one for one in backups_in(folder) if one.at <= now]


class BackupSchedule:
    """Makes backups when they are due. Whatever keeps it from that goes to the log, and `footfall status` tells that one is late."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._folder = backup_folder(settings)
        self._log = get_logger("backups")

    async def advance(self) -> float | None:
        """Make one if it is due; seconds until the next look."""
        try:
            await self._advance()
        except (DatabaseError, OSError) as error:
            self._log.error("there is no new backup; it will be tried again", reason=str(error))
            return RETRY_SECONDS
        return None

    async def _advance(self) -> None:
        now = self._clock()
        past = _past(self._folder, now)
        if past and now - past[-1].at < self._settings.backup_hours * HOUR_MS:
            return
        started = perf_counter()
        target = self._folder / datetime.fromtimestamp(now // 1000, UTC).strftime(_NAME)
        await self._make(target)
        size, seconds = target.stat().st_size, round(perf_counter() - started, 1)
        self._log.info("a backup was made and checked", file=str(target), bytes=size, seconds=seconds)
        for old in _past(self._folder, now)[: -self._settings.backup_keep]:
            old.path.unlink(missing_ok=True)

    async def _make(self, target: Path) -> None:
        """On a thread, which ends soon once this is cancelled."""
        stopped = threading.Event()
        make = functools.partial(_make_alone, self._settings, target, stopped)
        try:
            await asyncio.to_thread(make)
        finally:
            stopped.set()


def _make_alone(settings: Settings, target: Path, stopped: threading.Event) -> None:
    """Make a backup, after whatever a killed server left of one is gone. Raises DatabaseError and OSError."""
    for partial in target.parent.glob(_PARTIALS):
        remove_database(partial)
    backup_database(settings, target, spare=SPARE, is_stopped=stopped.is_set)

"""Backups of the embedded database: made by the server when they are due, and whole."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest
from click.testing import CliRunner

from footfall.backups import schedule
from footfall.backups.schedule import HOUR_MS, BackupSchedule, backup_folder, backups_in, read_state
from footfall.cli.columns import status
from footfall.db.sqlite import backups
from footfall.db.sqlite.connection import FILE_NAME
from footfall.errors import DatabaseError, UsageError
from footfall.settings import Settings
from tests.support.engines import Place, empty_database
from tests.support.inside import SetClock, inside
from tests.support.servers import until

NOON = 1_780_315_200_000
"""2026-06-01, 12:00."""


class Scheduled(NamedTuple):
    """A schedule of a backup every six hours, of which three are kept."""

    settings: Settings
    clock: SetClock
    schedule: BackupSchedule

    def advance(self) -> float | None:
        """Look once whether one is due."""
        return asyncio.run(self.schedule.advance())

    def names(self) -> list[str]:
        """The files in the folder of backups."""
        return sorted(path.name for path in backup_folder(self.settings).iterdir())


@pytest.fixture
def scheduled(tmp_path: Path) -> Scheduled:
    empty_database(tmp_path)
    settings = Settings(data=tmp_path, backup_hours=6, backup_folder=tmp_path / "kept", backup_keep=3)
    clock = SetClock(NOON)
    return Scheduled(settings, clock, BackupSchedule(settings, clock))


def test_a_backup_is_made_when_it_is_due_and_the_newest_ones_are_kept(scheduled: Scheduled) -> None:
    for _ in range(9):  # 48 hours, though it looks every three
        assert scheduled.advance() is None
        scheduled.clock.move(3 * HOUR_MS)
    made = ["footfall-20260602T000000Z.db", "footfall-20260602T060000Z.db", "footfall-20260602T120000Z.db"]
    assert scheduled.names() == made
    state = read_state(scheduled.settings, scheduled.clock())
    assert state is not None
    assert (state.last, state.late_by, state.advice) == (
        backups_in(scheduled.settings.data / "kept")[-1],
        0,
        "",
    )


def test_files_that_no_schedule_made_are_neither_counted_nor_removed(scheduled: Scheduled) -> None:
    folder = scheduled.settings.data / "kept"
    folder.mkdir()
    others = [
        "before-schema-0002-1.db",
        "footfall-2026.db",
        "footfall.db",
        "footfall-20260101T000000Z.db.txt",
    ]
    for name in others:
        (folder / name).touch()
    for _ in range(5):
        scheduled.advance()
        scheduled.clock.move(6 * HOUR_MS)
    assert set(others) <= set(scheduled.names())
    assert len(scheduled.names()) == len(others) + 3


def test_a_clock_that_ran_ahead_keeps_no_backup_from_being_made(scheduled: Scheduled) -> None:
    scheduled.clock.move(400 * 24 * HOUR_MS)
    scheduled.advance()
    scheduled.clock.now = NOON
    for _ in range(5):
        scheduled.advance()
        scheduled.advance()
        scheduled.clock.move(6 * HOUR_MS)
    assert [name[9:17] for name in scheduled.names()] == ["20260602", "20260602", "20260602", "20270706"]


def test_a_disk_without_room_is_not_filled_and_the_state_says_that_a_backup_is_late(
    scheduled: Scheduled, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    scheduled.advance()
    scheduled.clock.move(30 * HOUR_MS)
    usage = shutil.disk_usage(scheduled.settings.data)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=schedule.SPARE))
    assert scheduled.advance() == schedule.RETRY_SECONDS
    assert len(scheduled.names()) == 1
    state = read_state(scheduled.settings, scheduled.clock())
    assert state is not None
    assert state.advice.startswith(
        "A backup is due since 23 hours. The last is from 2026-06-01T12:00:00.000Z."
    )


def test_the_status_tells_of_the_last_backup_and_that_one_is_late(
    scheduled: Scheduled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTFALL_DATA", str(scheduled.settings.data))
    monkeypatch.setenv("FOOTFALL_BACKUP_HOURS", "6")
    monkeypatch.setenv("FOOTFALL_BACKUP_FOLDER", str(scheduled.settings.backup_folder))
    scheduled.advance()
    told = CliRunner().invoke(status)
    assert isinstance(told.exception, UsageError)
    assert "last backup       2026-06-01T12:00:00.000Z" in told.output
    assert "The last is from 2026-06-01T12:00:00.000Z" in told.output


def damage(path: Path) -> None:
    """Make an index tell of a row that is not there."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute("CREATE TABLE t (a, b); CREATE INDEX i ON t (a); INSERT INTO t VALUES (1, 2)")
        connection.execute("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'i'")
        connection.execute("PRAGMA writable_schema = RESET; INSERT INTO t VALUES (3, 4)")


def test_a_copy_that_is_damaged_gets_no_name(scheduled: Scheduled) -> None:
    damage(scheduled.settings.data / FILE_NAME)
    assert scheduled.advance() == schedule.RETRY_SECONDS
    assert scheduled.names() == []
    with pytest.raises(DatabaseError, match="is damaged"):
        backups.backup_file(
            scheduled.settings.data / FILE_NAME, scheduled.settings.data / "x.db", is_checked=True
        )


def test_a_folder_that_cannot_be_written_is_told_and_tried_again(scheduled: Scheduled) -> None:
    (scheduled.settings.data / "kept").touch()
    assert scheduled.advance() == schedule.RETRY_SECONDS


def test_what_a_killed_server_left_of_a_backup_is_removed(scheduled: Scheduled) -> None:
    folder = scheduled.settings.data / "kept"
    folder.mkdir()
    for name in ("footfall-20260601T060000Z.db.partial", "footfall-20260601T060000Z.db.partial-journal"):
        (folder / name).write_bytes(b"half")
    scheduled.advance()
    assert scheduled.names() == ["footfall-20260601T120000Z.db"]


def test_a_copy_that_is_stopped_leaves_nothing(scheduled: Scheduled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "LOOK_EVERY", 10)  # the database is small
    source, target = scheduled.settings.data / FILE_NAME, scheduled.settings.data / "x.db"
    looks: Iterator[bool] = iter([False] * 2 + [True] * 1000)
    for is_stopped in (lambda: True, lambda: next(looks)):
        with pytest.raises(DatabaseError):
            backups.backup_file(source, target, is_checked=True, is_stopped=is_stopped)
    assert [path.name for path in scheduled.settings.data.iterdir() if path.name.startswith("x")] == []


def test_a_server_makes_backups_beside_its_work(tmp_path: Path) -> None:
    place = Place("sqlite", tmp_path)
    with inside(place, {"FOOTFALL_BACKUP_HOURS": "24"}, SetClock(NOON)) as server:
        target = place.data / "backups" / "footfall-20260601T120000Z.db"
        until(target.exists, "no backup")
        server.check_log()
    backups.check_file(target)

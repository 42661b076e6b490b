"""A backup takes the place of the database; whoever was erased since stays erased, and nothing is lost."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from footfall.backups import restoring
from footfall.clock import system_clock
from footfall.db import migrate
from footfall.db.sqlite import schema
from footfall.db.sqlite.connection import FILE_NAME, connect, derived_path
from footfall.moving.progress import MoveProgress
from footfall.storage import command_session
from tests.api.test_replay import served, status_of
from tests.support.engines import Place, empty_database
from tests.support.people import erase, people, users
from tests.support.servers import run_command, run_json

MADE_AT_SCHEMA = 17


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An embedded database."""
    made = Place("sqlite", tmp_path / "place")
    made.data.mkdir(parents=True)
    return made


def rows(path: Path, query: str) -> int:
    """The one number that a query over a file gives."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        return int(next(connection.execute(query))[0])


def test_a_restored_backup_holds_what_it_held_without_those_who_were_erased_since(
    place: Place, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.db"
    with served(place) as site:
        for user in ("Ada", "Bob"):
            site.identify(site.pageview(), user)
        run_json(place, "db", "backup", str(backup))
        erase(site, "Ada")
        site.identify(site.pageview(), "Late")
        refused = run_command(place, "db", "restore", str(backup))
        assert (refused.code, "is running" in refused.errors) == (1, True)
        site.kept("pageview", None, cookieless=True)
    columns = place.data / "columns"
    columns.mkdir(exist_ok=True)
    (columns / "columns.duckdb").write_bytes(b"of what is replaced")

    restored = run_json(place, "db", "restore", str(backup))
    kept = Path(restored["kept"])
    assert (restored["usersErased"], restored["applied"]) == (1, [])
    assert restored["message"] == "Start the server: it makes the index of people and the columns anew."
    assert not derived_path(place.data / FILE_NAME).exists()
    assert not columns.exists()
    assert sorted(path.name for path in place.data.iterdir()) == [FILE_NAME, kept.name, "server.lock"]
    assert rows(kept, "SELECT count(*) FROM daily_salt") == 0
    assert run_json(place, "db", "verify")["ok"]
    with served(place, site) as site:
        assert users(people(site)) == ["Bob"]
        assert status_of(site, "Ada") == 404

    back = kept.rename(tmp_path / kept.name)
    run_json(place, "db", "restore", str(back))
    with served(place, site) as site:
        assert users(people(site)) == ["Late", "Bob"]


class Killed(BaseException):
    """Ends a program at once."""


def test_an_import_from_another_server_asks_again_for_what_the_restored_database_does_not_hold(
    place: Place, tmp_path: Path
) -> None:
    website_id = bytes(12)
    run_json(place, "website", "create", "example.org")

    def note(visitor: str, part: str) -> None:
        with command_session(place.settings) as session:
            progress = MoveProgress(session, website_id, "https://source.example", system_clock)
            progress.note(visitor, "2026-05-04")
            progress.note_part(part)

    note("early", "settings")
    backup = tmp_path / "backup.db"
    run_json(place, "db", "backup", str(backup))
    note("late", "lists")
    run_json(place, "db", "restore", str(backup))
    with command_session(place.settings) as session:
        progress = MoveProgress(session, website_id, "https://source.example", system_clock)
        assert progress.has("early", "2026-05-04")
        assert progress.has_part("settings")
        assert not progress.has("early", "2026-05-05")
        assert not progress.has("late", "2026-05-04")
        assert not progress.has_part("lists")
        other = MoveProgress(session, website_id, "https://other.example", system_clock)
        assert not other.has("early", "2026-05-04")


@pytest.mark.parametrize(
    ("where", "step", "are_there"),
    [
        (Path, "hardlink_to", ["Late", "Ada"]),
        (Path, "replace", ["Late", "Ada"]),
        (restoring, "remove_database", ["Ada"]),
        (shutil, "rmtree", ["Ada"]),
    ],
)
def test_a_restore_that_is_killed_leaves_the_one_database_or_the_other(
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: object,
    step: str,
    are_there: list[str],
) -> None:
    def kill(*called: object, **options: object) -> None:
        if where is not shutil or called == (place.data / "columns",):
            raise Killed

    backup = tmp_path / "backup.db"
    with served(place) as site:
        site.identify(site.pageview(), "Ada")
        run_json(place, "db", "backup", str(backup))
        site.identify(site.pageview(), "Late")
    monkeypatch.setattr(where, step, kill)
    with pytest.raises(Killed):
        run_command(place, "db", "restore", str(backup))
    monkeypatch.undo()
    with served(place, site) as site:
        assert users(people(site)) == are_there
    run_json(place, "db", "restore", str(backup))
    with served(place, site) as site:
        assert users(people(site)) == ["Ada"]


def test_a_backup_of_an_older_schema_is_migrated(place: Place, tmp_path: Path) -> None:
    backup = tmp_path / "old.db"
    with contextlib.closing(connect(backup, 1024)) as connection:
        for number in range(1, MADE_AT_SCHEMA + 1):
            schema._apply(connection, number)
    restored = run_json(place, "db", "restore", str(backup))
    assert restored["schema"] == MADE_AT_SCHEMA
    assert restored["applied"] == [number for number in migrate.migrations() if number > MADE_AT_SCHEMA]
    assert restored["kept"] is None
    assert "erasures replay" in restored["message"]  # nothing says who was erased since
    assert run_json(place, "db", "verify")["ok"]


def _newer(path: Path) -> None:
    with contextlib.closing(apsw.Connection(str(empty_database(path.parent)))) as connection:
        connection.execute("INSERT INTO schema_migration VALUES (999)")
    (path.parent / FILE_NAME).rename(path)


def _foreign(path: Path) -> None:
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute("CREATE TABLE website (a)")


def _cut_off(path: Path) -> None:
    whole = empty_database(path.parent)
    path.write_bytes(whole.read_bytes()[:-4096])
    whole.unlink()


def _with_a_log(path: Path) -> None:
    empty_database(path.parent).rename(path)
    path.with_name(path.name + "-wal").write_bytes(b"the last writes")


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "a text": (lambda path: path.write_text("CREATE TABLE website (a)"), "is no SQLite database, or damaged"),
    "an empty file": (lambda path: path.touch(), "is no database of Footfall"),
    "cut off": (_cut_off, "is no SQLite database, or damaged"),
    "of another program": (_foreign, "is no database of Footfall"),
    "of a newer Footfall": (
        _newer,
        "given.db cannot be restored: it is of a newer Footfall, with schema 999",
    ),
    "in use": (_with_a_log, "is no backup but a database in use"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_file_that_is_no_backup_is_refused_and_nothing_changes(
    place: Place, tmp_path: Path, kind: str
) -> None:
    make, word = WRONG[kind]
    path = tmp_path / "given.db"
    make(path)
    before = empty_database(place.data).read_bytes()
    ran = run_command(place, "db", "restore", str(path))
    assert (ran.code, word in ran.errors) == (1, True), ran.errors
    assert (place.data / FILE_NAME).read_bytes() == before
    assert not (place.data / "restoring").exists()


def test_the_database_itself_is_no_backup(place: Place) -> None:
    path = empty_database(place.data)
    assert "is the database itself" in run_command(place, "db", "restore", str(path)).errors


@pytest.mark.parametrize("content", [b"\0" * 8192, b""])
def test_a_damaged_database_is_replaced_once_it_is_said_that_erasures_may_be_lost(
    place: Place, tmp_path: Path, content: bytes
) -> None:
    backup = empty_database(tmp_path)
    damaged = place.data / FILE_NAME
    damaged.write_bytes(content)
    ran = run_command(place, "db", "restore", str(backup))
    assert (ran.code, "--without-erasures" in ran.errors) == (1, True)
    assert damaged.read_bytes() == content
    restored = run_json(place, "db", "restore", str(backup), "--without-erasures")
    assert Path(restored["kept"]).read_bytes() == content
    assert "erasures replay" in restored["message"]
    assert run_json(place, "db", "verify")["ok"]

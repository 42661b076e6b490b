"""The schema: made once however many start at once, and never used when it is another one."""

from __future__ import annotations

import subprocess

import psycopg
import pytest

from footfall.db import migrate
from footfall.storage import migrate_database
from tests.support.engines import Place
from tests.support.servers import FOOTFALL, clean_environment, run_command, run_json, run_process

NEWEST = max(migrate.migrations())


def set_version(place: Place, version: int) -> None:
    with psycopg.connect(place.database_url) as connection:
        connection.execute("DELETE FROM schema_migration WHERE version > %s", (version,))
        connection.execute("INSERT INTO schema_migration VALUES (%s) ON CONFLICT DO NOTHING", (version,))


def test_processes_that_migrate_at_once_make_one_schema(empty: Place) -> None:
    processes = [
        subprocess.Popen(
            [FOOTFALL, "db", "migrate", "--json"],
            env=clean_environment(empty, {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, outputs
    assert sum('"applied":[1' in output for output, _ in outputs) == 1
    assert run_json(empty, "db", "migrate")["applied"] == []


def test_a_server_starts_on_no_schema_at_all_but_says_what_to_do(empty: Place) -> None:
    ran = run_command(empty, "serve", "--port", "0")
    assert ran.code == 1
    assert "footfall db migrate" in ran.errors
    assert "Traceback" not in ran.errors


@pytest.mark.parametrize(
    ("version", "word"), [(NEWEST + 1, "start a newer Footfall"), (0, "footfall db migrate")]
)
@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("website", "list")], ids=" ".join)
def test_another_schema_is_left_alone(
    empty: Place, version: int, word: str, command: tuple[str, ...]
) -> None:
    migrate_database(empty.settings)
    set_version(empty, version)
    ran = run_command(empty, *command)
    assert ran.code == 1
    assert word in ran.errors


def test_a_newer_schema_is_not_migrated(empty: Place) -> None:
    migrate_database(empty.settings)
    set_version(empty, NEWEST + 1)
    ran = run_command(empty, "db", "migrate")
    assert (ran.code, "start a newer Footfall" in ran.errors) == (1, True)


def test_a_command_names_a_server_that_cannot_be_reached_without_its_password(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    url = "postgresql://footfall:s3cret@127.0.0.1:9/footfall"
    place = Place("postgres", tmp_path_factory.mktemp("place"), url)
    ran = run_process(clean_environment(place, {}), "website", "list")
    assert ran.code == 1
    assert "PostgreSQL cannot be reached: Connection refused" in ran.errors
    assert "s3cret" not in ran.errors + ran.output
    assert "Traceback" not in ran.errors


def test_a_migration_says_which_table_no_backup_holds() -> None:
    assert migrate.left_out_of_backups() == ["daily_salt", "column_keeper", "column_taken"]

"""`footfall status`: what runs, how large it is, and what to do."""

from __future__ import annotations

import os

import msgspec
import pytest

from footfall.cli.standing import GIB, Standing, advice_on, read_standing, readable, size_text
from footfall.memory import read_memory
from tests.conftest import MakeInside
from tests.support.engines import Engine, Place
from tests.support.servers import run_command, usage_error

FINE = Standing(7, GIB, 0, GIB, 0, 0, 9 * GIB)


def test_the_status_tells_whether_a_server_runs_and_how_large_the_database_is(
    start_inside: MakeInside, engine: Engine
) -> None:
    place = engine.new_place()
    server = start_inside(place=place)
    standing = read_standing(place.settings)
    assert standing.server == (0 if place.database_url else os.getpid())
    assert (standing.server_memory is None) == bool(place.database_url)
    assert standing.database_bytes is not None
    assert standing.database_bytes > 100_000
    server.stop()
    assert read_standing(place.settings).server is None


def test_the_status_without_columns_tells_the_rest_and_fails_with_what_to_do(
    start_inside: MakeInside, engine: Engine
) -> None:
    place = engine.new_place()
    start_inside(place=place)
    ran = run_command(place, "status")
    assert ran.code == 1
    assert "Nobody keeps the columns" in ran.errors
    assert "server            runs" in ran.output
    told = msgspec.json.decode(run_command(place, "status", "--json").output)
    assert told["isThere"] is False
    assert told["databaseBytes"] > 100_000


def test_the_status_of_a_wrong_folder_names_the_folder(place: Place) -> None:
    if place.database_url:
        pytest.skip("PostgreSQL has no folder")
    assert usage_error(place, "status").startswith(f"Error: no database in {place.data}")


def test_a_person_reads_sizes_and_words() -> None:
    told = readable({"server": None, "databaseBytes": 3 * GIB // 2, "logBytes": None, "lag": 1500})
    assert told == {"server": "does not run", "databaseBytes": "1.5 GiB", "lag": "1.5 s"}
    assert readable({"server": 0}) == {"server": "runs"}
    assert readable({"server": 0, "lastBackup": None})["lastBackup"] == "none yet"
    assert size_text(1024**2) == "1.0 MiB"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"free_bytes": 5 * 1024**2}, "make room"),
        ({"log_bytes": GIB}, "write-ahead log"),
        ({"server_mapped": 4 * GIB}, "FOOTFALL_MMAP"),
    ],
)
def test_what_is_out_of_the_ordinary_is_told(change: dict[str, int], word: str) -> None:
    assert advice_on(FINE) == []
    (sentence,) = advice_on(msgspec.structs.replace(FINE, **change))
    assert word in sentence


def test_memory_of_its_own_and_mapped_files_are_told_apart() -> None:
    memory = read_memory()
    assert memory is not None
    assert min(memory) > 1024**2
    assert read_memory(0) is None

"""Damage anywhere in the file of the columns is noticed, or does no harm: no query is answered wrongly."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from footfall.columns.file import COLUMNS, ColumnFile, ColumnStep, FileLimits, make_file
from footfall.columns.model import Derived
from footfall.errors import ColumnsUnusable

DAMAGES = int(os.environ.get("FOOTFALL_DAMAGES", "15"))
LIMITS = FileLimits(memory=64 * 1024**2)
ROWS = 20_000
QUESTION = f"SELECT {', '.join(f'sum(hash({name})::HUGEINT)' for name in COLUMNS)}, count(*) FROM event_row"

Answer = list[tuple[object, ...]]


def _row(number: int) -> tuple[object, ...]:
    draw = random.Random(number)
    times = (1, number, number, number, number, 0, 1, 1, 0)
    return (
        *times,
        *(f"{draw.random()}" for _ in COLUMNS[len(times) : 15]),
        number,
        *[None] * (len(COLUMNS) - 16),
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Answer]:
    """The bytes of a file, and what it answers."""
    path = tmp_path_factory.mktemp("damage") / "columns"
    make_file(path, b"t" * 16, [], LIMITS).close()
    file = ColumnFile(path, LIMITS)
    file.apply(ColumnStep([Derived(1, 1, 0, list(map(_row, range(1, ROWS))))]))
    file.begin_settling()
    answer = file.rows(QUESTION)
    file.close()
    return path.read_bytes(), answer


def harms(data: bytes) -> Iterator[bytes]:
    """The same, damaged at random places: overwritten, cut off, or with parts of it exchanged."""
    draw = random.Random(4)
    for number in range(DAMAGES):
        harmed, at = bytearray(data), draw.randrange(len(data))
        if number % 5 == 0:
            del harmed[at:]
        elif number % 5 == 1:
            harmed[at] ^= 1 << draw.randrange(8)
        elif number % 5 == 2:
            harmed[at : at + 4096] = bytes(len(harmed[at : at + 4096]))
        else:
            size = draw.choice([16, 512, 4096])
            harmed[at : at + size] = draw.randbytes(len(harmed[at : at + size]))
        yield bytes(harmed)


def ask(path: Path) -> Answer | None:
    """What the file answers; None when it says that it is damaged."""
    try:
        file = ColumnFile(path, LIMITS)
    except ColumnsUnusable:
        return None
    try:
        return file.rows(QUESTION)
    except ColumnsUnusable:
        return None
    finally:
        file.close()


def test_no_damage_is_answered_from(whole: tuple[bytes, Answer], tmp_path: Path) -> None:
    data, answer = whole
    path, outcomes = tmp_path / "columns", []
    for harmed in harms(data):
        path.write_bytes(harmed)
        outcomes.append(ask(path))
        path.with_name("columns.wal").unlink(missing_ok=True)
    assert [one for one in outcomes if one not in (None, answer)] == []
    assert None in outcomes


@pytest.mark.parametrize("foreign", [b"", b"SQLite format 3\0" * 1000, b"\0" * 20_000])
def test_a_file_of_something_else_is_noticed(tmp_path: Path, foreign: bytes) -> None:
    path = tmp_path / "columns"
    path.write_bytes(foreign)
    assert ask(path) is None


def test_the_file_of_another_program_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "columns"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE event_row AS SELECT 1 AS website")
    assert ask(path) is None

"""The log never raises and never waits, and equal warnings do not fill the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
import structlog

from footfall import log
from footfall.log import Flood, Output


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe that nobody reads by itself: (what reads, what writes)."""
    reader, writer = os.pipe()
    yield reader, writer
    for end in (reader, writer):
        try:
            os.close(end)
        except OSError:
            continue


def opened(descriptor: int) -> Output:
    output = Output()
    output.open(os.fdopen(descriptor, "w", closefd=False))
    return output


def test_a_line_stands_in_the_log_at_once(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        output = opened(file.fileno())
        output.write("München \udcff\n")
    assert (tmp_path / "log").read_bytes() == "München \\udcff\n".encode()


def test_a_log_on_a_full_disk_raises_nothing() -> None:
    with Path("/dev/full").open("w") as full:
        opened(full.fileno()).write("a line\n")


def test_a_log_whose_reader_is_gone_raises_nothing(pipe: tuple[int, int]) -> None:
    output = opened(pipe[1])
    os.close(pipe[0])
    output.write("a line\n")


@pytest.mark.parametrize("stream", [None, "closed"])
def test_a_log_without_a_stderr_goes_nowhere(stream: Any, tmp_path: Path) -> None:
    if stream == "closed":
        stream = (tmp_path / "log").open("w")
        stream.close()
    output = Output()
    output.open(stream)
    output.write("a line\n")


def test_a_log_that_nobody_reads_keeps_nobody_waiting_and_says_what_is_missing(pipe: tuple[int, int]) -> None:
    output = opened(pipe[1])
    line = "x" * 10_000 + "\n"
    for _ in range(100):  # a pipe holds 64 KiB
        output.write(line)
    held = os.read(pipe[0], 1 << 20)
    output.write("")
    assert held.startswith(line.encode())
    assert b"could not be written: " in os.read(pipe[0], 1 << 20)
    output.write("")
    output.write("more\n")
    assert os.read(pipe[0], 1 << 20) == b"more\n"


class Clock:
    """A monotonic clock that goes on when it is told to."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(log, "time", made)
    return made


def warning(**more: Any) -> dict[str, Any]:
    return {"level": "warning", "component": "writer", "event": "batch not written", **more}


def passes(flood: Flood, event: dict[str, Any]) -> dict[str, Any] | None:
    """What is logged of an event."""
    try:
        return dict(flood(None, event["level"], event))
    except structlog.DropEvent:
        return None


def test_a_flood_of_equal_warnings_is_one_line_a_second_with_a_count(clock: Clock) -> None:
    flood = Flood()
    assert passes(flood, warning(calls=1)) == warning(calls=1)
    assert [passes(flood, warning(calls=n)) for n in range(10)] == [None] * 10
    clock.now += 1
    assert passes(flood, warning(calls=2)) == warning(calls=2, times=11)
    clock.now += 1
    assert passes(flood, warning(calls=3)) == warning(calls=3)


def test_the_last_warnings_of_a_flood_are_counted_too(clock: Clock) -> None:
    flood = Flood()
    for _ in range(4):
        passes(flood, warning())
    assert flood.rest() == []
    clock.now += 1
    [(level, event)] = flood.rest()
    assert level == "warning"
    assert passes(flood, {"level": level, **event}) == warning(times=3)
    clock.now += 1
    assert flood.rest() == []


@pytest.mark.parametrize(
    "other", [{"reason": "another"}, {"component": "sqlite"}, {"level": "error"}, {"event": "other"}]
)
def test_what_differs_has_a_line_of_its_own(clock: Clock, other: dict[str, Any]) -> None:
    flood = Flood()
    passes(flood, warning())
    assert passes(flood, warning() | other) == warning() | other


def test_what_is_no_warning_is_never_left_out(clock: Clock) -> None:
    flood = Flood()
    told = {"level": "info", "component": "dashboard", "event": "a person was erased"}
    assert [passes(flood, dict(told)) for _ in range(3)] == [told] * 3


def failing(what: Any) -> Exception:
    try:
        [][what]
    except (IndexError, TypeError) as error:
        return error
    raise AssertionError


def test_unexpected_errors_are_equal_when_they_come_from_one_place(clock: Clock) -> None:
    flood = Flood()
    assert passes(flood, warning(exc_info=failing(7))) is not None
    assert passes(flood, warning(exc_info=failing(8))) is None
    assert passes(flood, warning(exc_info=failing("x"))) is not None


def test_nobody_can_write_a_line_of_their_own_into_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = structlog.get_config()
    with (tmp_path / "log").open("w") as file:
        monkeypatch.setattr(log, "_output", Output())
        monkeypatch.setattr("sys.stderr", file)
        log.configure("info")
        log.get_logger("test").warning("refused", reason="a\n2026-01-01 [error] forged\x1b[2J")
        structlog.configure(**before)
    [line] = (tmp_path / "log").read_text("utf-8").splitlines()
    assert "forged" in line
    assert "\x1b[2J" not in line


def test_a_line_names_its_request_and_those_of_none_name_none() -> None:
    assert log.name_request(None, "info", {"event": "x", "request": ""}) == {"event": "x"}
    assert log.name_request(None, "info", {"event": "x", "request": "a"}) == {"event": "x", "request": "a"}
    context = copy_context()
    context.run(log.REQUEST.set, "b")
    assert context.run(log.name_request, None, "info", {"event": "x"}) == {"event": "x", "request": "b"}

"""Logging to stderr: one line per event. No secret, raw IP address or personal data is ever an argument.

Nothing here raises or waits: a line that cannot be written, because the disk is full or nobody reads it, is dropped and counted.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import sys
import threading
import time
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, TextIO

import msgspec
import structlog

EQUAL_SECONDS = 1.0
"""Identical warnings become one line in this many seconds, with their number."""
_LEVELS = frozenset(("warning", "error", "critical"))
_AT_ONCE = 4096
"""Bytes that a pipe with any room accepts without waiting (PIPE_BUF)."""

Event = MutableMapping[str, Any]
REQUEST: ContextVar[str] = ContextVar("REQUEST", default="")
"""The id of the request that is being answered; empty: none is."""


def configure(level: str) -> None:
    """Log events of `level` (`debug`, `info`, `warning`, `error`) and above, to stderr."""
    _output.open(sys.stderr)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            name_request,
            _flood,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr is not None and sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(_output),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose events carry `name`."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(component=name)
    return logger


def name_request(_logger: object, _level: str, event: Event) -> Event:
    """A processor: the event, with the id of its request if it belongs to one."""
    request = event.pop("request", "") or REQUEST.get()
    return {**event, "request": request} if request else event


def tell(text: str) -> None:
    """Print a line on stdout, unless it is closed, full or broken."""
    try:
        print(text, flush=True)
    except (OSError, ValueError):
        # Whatever is left in its buffer would fail once more when the process exits.
        with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def tell_rest() -> None:
    """Log what was left out since, and how many lines could not be written, if there is room now. Call it every EQUAL_SECONDS."""
    for level, event in _flood.rest():
        getattr(structlog.get_logger(), level)(**event)
    _output.write("")


class Output:
    """Where lines go: to a stream, once there is one."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._lost = 0
        self._lock = threading.Lock()

    def open(self, stream: TextIO | None) -> None:
        """Write to `stream` from now on, below its buffers; to nowhere if it is None or closed."""
        try:
            self._descriptor = stream.fileno() if stream is not None else None
        except (OSError, ValueError):
            self._descriptor = None

    def write(self, text: str) -> None:
        """Write a line if there is room for it now; if some could not be written before, also their number. An empty text writes only that."""
        with self._lock:
            if self._descriptor is None or not (text or self._lost):
                return
            told = f"(lines of the log that could not be written: {self._lost})\n" if self._lost else ""
            is_put = self._put(self._descriptor, (told + text).encode("utf-8", "backslashreplace"))
            self._lost = 0 if is_put else self._lost + bool(text)

    def _put(self, descriptor: int, data: bytes) -> bool:
        """Whether all of it was written; what cannot be written at once is not."""
        try:
            while data and select.select([], [descriptor], [], 0)[1]:
                data = data[os.write(descriptor, data[:_AT_ONCE]) :]
        except (OSError, ValueError):
            return False
        return not data

    def flush(self) -> None:
        """Nothing to do: everything is written at once."""


class _Told(msgspec.Struct):
    """A warning that was logged: until when identical ones are left out, how many were, and the last of them."""

    until: float
    left_out: int = 0
    level: str = ""
    last: dict[str, Any] = {}


class Flood:
    """Leaves out warnings identical to one of the last second: from the same place, with the same reason."""

    def __init__(self) -> None:
        self._told: dict[tuple[Any, ...], _Told] = {}
        self._lock = threading.Lock()

    def __call__(self, _logger: object, level: str, event: Event) -> Event:
        """A processor: the event, with the number since the last line if there were several. Raises DropEvent."""
        if event["level"] not in _LEVELS:
            return event
        now, key = time.monotonic(), _key(event)
        with self._lock:
            told = self._told.get(key)
            if told is not None and now < told.until:
                told.left_out, told.level = told.left_out + 1, level
                told.last = {name: value for name, value in event.items() if name != "level"}
                raise structlog.DropEvent
            self._told = {k: v for k, v in self._told.items() if v.left_out or now < v.until}
            self._told[key] = _Told(now + EQUAL_SECONDS)
        many = event.pop("times", 1) + (told.left_out if told is not None else 0)
        return event if many == 1 else {**event, "times": many}

    def rest(self) -> list[tuple[str, dict[str, Any]]]:
        """(level, event) of whatever was left out more than a second ago; log each once."""
        now = time.monotonic()
        with self._lock:
            due = {key: told for key, told in self._told.items() if told.left_out and now >= told.until}
            for key in due:
                del self._told[key]
        return [(told.level, {**told.last, "times": told.left_out}) for told in due.values()]


def _key(event: Event) -> tuple[Any, ...]:
    """What identical warnings have in common. The text of an unexpected error may differ each time; where it was raised does not."""
    error = event.get("exc_info")
    if not isinstance(error, BaseException):
        error = sys.exc_info()[1] if error else None
    place = error.__traceback__ if error is not None else None
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = (place.tb_frame.f_code.co_filename, place.tb_lineno) if place is not None else None
    return (
        event["level"],
        event.get("component"),
        event["event"],
        str(event.get("reason")),
        type(error),
        where,
    )


_flood = Flood()
_output = Output()

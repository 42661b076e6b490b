"""The clock, as an argument: handlers never read the time themselves."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

Clock = Callable[[], int]
"""Gives the time in ms since epoch, UTC."""
DAY_MS = 86_400_000


def system_clock() -> int:
    """Now, in ms since epoch, UTC."""
    return time.time_ns() // 1_000_000


def elapsed_clock() -> int:
    """ms since some moment in the past, including the time the machine slept; nobody sets this clock."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000


def to_iso(at: int) -> str:
    """`at` (ms since epoch) as ISO 8601 in UTC with milliseconds, such as `2026-05-05T12:00:00.000Z`."""
    minutes, within = divmod(at, 60_000)
    return (
        f"{_date(minutes // 1440)}{_MINUTES[minutes % 1440]}{_SECONDS[within // 1000]}{_ENDS[within % 1000]}"
    )


# Answers hold many times, and formatting numbers takes longer than looking them up.
_MINUTES = [f"T{minute // 60:02d}:{minute % 60:02d}:" for minute in range(1440)]
_SECONDS = [f"{second:02d}." for second in range(60)]
_ENDS = [f"{milliseconds:03d}Z" for milliseconds in range(1000)]


@functools.lru_cache(1024)
def _date(day: int) -> str:
    return f"{datetime.fromtimestamp(day * 86_400, UTC):%Y-%m-%d}"


def from_iso(text: str) -> int:
    """ISO 8601 with a zone to ms since epoch. Raises ValueError when malformed, without a zone, or outside the years that `to_iso` can write."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the time has no zone")
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    at = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    if not _FIRST_MS <= at < _END_MS:
        raise ValueError("the time is not in the years 1 to 9999 in UTC")
    return at


_FIRST_MS, _END_MS = -719_162 * DAY_MS, 2_932_897 * DAY_MS


_OWN_NAMES = {"localtime", "posixrules"}
_OWN_FOLDERS = ("posix/", "right/")
"""What machines keep beside IANA's zones: their own zone, and copies of all, also with leap seconds."""


@functools.lru_cache(1024)
def find_zone(name: str) -> tzinfo | None:
    """An IANA time zone; None if this machine does not know it (any more), or the name is one of its own. UTC is always known."""
    if name == "UTC":
        return UTC
    if name in _OWN_NAMES or name.startswith(_OWN_FOLDERS):
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # no such file, an unreadable one, or no valid name
        return None

"""A person's or visitor's story in one sentence, and the days of their visits. Pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from footfall.clock import DAY_MS, find_zone
from footfall.dashboard.rendering import ago, counted, date_text, plain
from footfall.hostnames import to_unicode
from footfall.ids import at_prefix
from footfall.people.journey import EVENT_KEY_BYTES

STRIP_DAYS = 90
SHADES = 4
"""How dark days are, by the number of visits."""
_UNITS = ((DAY_MS, "day"), (3_600_000, "hour"), (60_000, "minute"))


class StoryFacts(NamedTuple):
    """What a sentence is made from. Times in ms since epoch; `paid`: sums, None on a website without payments; `is_refunded`: all of them.

    `source`: where they came from first, None for direct.
    """

    source: str | None
    came_at: int | None
    signed_up_at: int | None
    visits: int
    devices: int
    paid: list[str] | None
    is_refunded: bool = False


def source_text(source: str | None) -> str:
    """What a source is called; empty for none."""
    return to_unicode(source.removeprefix("www.")) if source else ""


def story(facts: StoryFacts, now: int, zone: str) -> str:
    """`Came from google.com 12 days before signing up, 5 visits on 2 devices, paid $128.`"""
    parts = [_beginning(facts, now, zone), _visits(facts)]
    if facts.came_at is not None and facts.signed_up_at is None:
        parts.append("not signed up")
    if facts.paid is not None:
        parts.append(f"paid {' + '.join(facts.paid)}" if facts.paid else "paid nothing yet")
    if facts.is_refunded:
        parts.append("refunded")
    return ", ".join(part for part in parts if part) + "."


def _beginning(facts: StoryFacts, now: int, zone: str) -> str:
    if facts.came_at is None:
        return f"Signed up on {date_text(facts.signed_up_at, zone)}" if facts.signed_up_at else "Not seen yet"
    came = f"Came from {plain(source_text(facts.source))}" if facts.source else "Came directly"
    if facts.signed_up_at is None:
        return f"{came} {ago(facts.came_at, now)}"
    before = facts.signed_up_at - facts.came_at
    if before < 0:
        return f"{came} after signing up"
    for unit, word in _UNITS:
        if before >= unit:
            return f"{came} {counted(before // unit, word)} before signing up"
    return f"{came} and signed up at once"


def _visits(facts: StoryFacts) -> str:
    if not facts.visits:
        return "no visits yet"
    return counted(facts.visits, "visit") + (f" on {facts.devices} devices" if facts.devices > 1 else "")


class StripDay(NamedTuple):
    """A day and its visits. `shade`: 0 for none; `cursor`: behind which a journey goes on with this day."""

    title: str
    visits: int
    shade: int
    cursor: bytes


def strip_begins(now: int, zone: str) -> int:
    """When the first day of a strip begins (ms since epoch)."""
    return _begins(_today(now, zone) - dt.timedelta(days=STRIP_DAYS - 1), zone)


def strip(visits: Sequence[tuple[int, int]], now: int, zone: str) -> list[StripDay]:
    """The last days, the oldest in front, in a website's time zone. `visits`: when (ms since epoch) and how many."""
    counts: Counter[dt.date] = Counter()
    for at, count in visits:
        counts[_today(at, zone)] += count
    last = _today(now, zone)
    days = [last - dt.timedelta(days=back) for back in range(STRIP_DAYS - 1, -1, -1)]
    return [_strip_day(day, counts[day], zone) for day in days]


def _strip_day(day: dt.date, count: int, zone: str) -> StripDay:
    behind = at_prefix(_begins(day + dt.timedelta(days=1), zone)).ljust(EVENT_KEY_BYTES, b"\0")
    title = f"{day:%-d %b %Y}: {counted(count, 'visit') if count else 'no visits'}"
    return StripDay(title, count, min(count, SHADES), behind)


def _today(at: int, zone: str) -> dt.date:
    return dt.datetime.fromtimestamp(at / 1000, find_zone(zone) or dt.UTC).date()


def _begins(day: dt.date, zone: str) -> int:
    return int(dt.datetime.combine(day, dt.time(), find_zone(zone) or dt.UTC).timestamp() * 1000)

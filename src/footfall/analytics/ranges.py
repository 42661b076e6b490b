"""From when until when, in a website's time zone, and divided into what. Nothing else in analytics knows time zones. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from itertools import count, pairwise, takewhile
from typing import NamedTuple, TypeVar

import msgspec

from footfall.clock import DAY_MS, find_zone, from_iso
from footfall.errors import BadRequest

HOUR_MS = 3_600_000
WEEK_MS = 7 * DAY_MS
MONTH_MS = 2_629_746_000
"""How long months are on average: of four centuries, exactly."""
_MONDAY_MS = 3 * DAY_MS
"""From the Monday before 1970 until 1970."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EPOCH = datetime(1970, 1, 1)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MS = timedelta(milliseconds=1)
FIRST_YEAR, LAST_YEAR = 1970, 2099
"""Ranges lie in these years, of their zone where they are of days: nothing happened before, and nothing is known of what comes behind."""
END_OF_TIMES = (datetime(LAST_YEAR + 1, 1, 1) - _EPOCH) // _MS
"""Where the last year ends in UTC (ms since epoch)."""
_STEP, _SPAN = 3 * DAY_MS, 399 * DAY_MS
"""Offsets from UTC are looked for in whole spans, by steps within which none has changed twice, in any zone."""


class SeriesInterval(StrEnum):
    """What a range is divided into. Weeks begin on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


_LENGTHS = {
    SeriesInterval.HOUR: HOUR_MS,
    SeriesInterval.DAY: DAY_MS,
    SeriesInterval.WEEK: WEEK_MS,
    SeriesInterval.MONTH: 30 * DAY_MS,
}
MOST_BUCKETS = {
    SeriesInterval.HOUR: 5000,
    SeriesInterval.DAY: 5000,
    SeriesInterval.WEEK: 5000,
    SeriesInterval.MONTH: 1200,
}
"""Into how many parts a range may be divided."""


class Compare(StrEnum):
    """With what a range is compared: as long a time right before it, or the same days a year earlier."""

    PREVIOUS = "previous"
    YEAR = "year"


class Period(StrEnum):
    """Ranges by name. They end now, but for `yesterday`; those of days, weeks, months and years begin with one."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    LAST_24H = "last24h"
    LAST_7D = "last7d"
    LAST_30D = "last30d"
    LAST_12W = "last12w"
    """This week and the eleven before."""
    LAST_12M = "last12m"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    ALL = "all"


class TimeRange(msgspec.Struct, frozen=True):
    """From `since` until before `until` (ms since epoch), in the IANA time zone `zone`."""

    since: int
    until: int
    zone: str


class Shift(NamedTuple):
    """Times before `until` (ms since epoch; None: all that are left) lie in the unit `(ts + shift) // unit`."""

    until: int | None
    shift: int


class Buckets(msgspec.Struct, frozen=True):
    """A range in parts, numbered from 0, for SQL that knows no time zones.

    `starts`: when each begins, ms since epoch; the first may begin before the range. `shifts`, in order, and `unit` (ms) give the number of
    a time where parts are equally long; months are not, and have no shifts.
    """

    interval: SeriesInterval
    starts: tuple[int, ...]
    shifts: tuple[Shift, ...]
    unit: int

    def number(self, at: int) -> int:
        """In which part a time of the range lies (ms since epoch)."""
        return bisect_right(self.starts, at) - 1


# Reading


def read_range(
    query: Mapping[str, str], timezone: str, now: int, earliest: int, default: Period = Period.ALL
) -> TimeRange:
    """The range that a query asks for by startAt and endAt or by period; `default` if by neither. Raises BadRequest naming the parameter.

    `timezone`: the website's; `now` and `earliest`: the time, and when the website's data begin (ms since epoch).
    """
    zone = _read_zone(query, timezone)
    first, last = query.get("startAt", ""), query.get("endAt", "")
    period = read_choice(query, "period", Period)
    if not first and not last:
        return period_range(period or default, zone, now, earliest)
    if period:
        raise BadRequest("period cannot be combined with startAt and endAt.")
    if not first or not last:
        raise BadRequest("startAt and endAt come together, or neither of them does.")
    since, until = _read_moment("startAt", first, zone), _read_moment("endAt", last, zone, is_end=True)
    if not until:
        raise BadRequest("endAt must not be before 1970.")
    if until <= since:
        raise BadRequest("endAt must not be before startAt.")
    return TimeRange(since, until, zone)


def _read_zone(query: Mapping[str, str], timezone: str) -> str:
    name = query.get("timezone") or timezone
    if find_zone(name) is None:
        raise BadRequest(f"timezone: {name[:60]!r} is no IANA time zone; use one such as Europe/Berlin.")
    return name


def _read_moment(name: str, text: str, zone: str, *, is_end: bool = False) -> int:
    """A day begins at its start, and ends where the next one begins; a time is meant to the millisecond, which belongs to the range.

    What lies before 1970 begins there.
    """
    try:
        if not _DAY.fullmatch(text):
            at = from_iso(text)
            _check_end(name, is_beyond=at >= END_OF_TIMES)
            return max(0, at + is_end)
        day = date.fromisoformat(text)
        _check_end(name, is_beyond=day.year > LAST_YEAR)
        begins, ends = _day_begins(day, zone), _day_begins(day + timedelta(days=1), zone)
    except (ValueError, OverflowError):
        raise BadRequest(
            f"{name} must be a day such as 2026-05-05, or a time with a zone such as 2026-05-05T12:00:00Z."
        ) from None
    if begins == ends:
        raise BadRequest(f"{name}: there was no {text} in {zone}; its clocks left that day out.")
    return max(0, ends if is_end else begins)


def _check_end(name: str, *, is_beyond: bool) -> None:
    if is_beyond:
        raise BadRequest(f"{name} must be before the year {LAST_YEAR + 1}.")


C = TypeVar("C", bound=StrEnum)


def read_choice(query: Mapping[str, str], name: str, choices: type[C]) -> C | None:
    """One of a closed set of words, None if the parameter is missing or empty. Raises BadRequest that lists them."""
    text = query.get(name)
    if not text:
        return None
    try:
        return choices(text)
    except ValueError:
        raise BadRequest(f"{name} must be one of {', '.join(choices)}.") from None


# Ranges


def period_range(period: Period, zone: str, now: int, earliest: int) -> TimeRange:
    """The range of a name. `now`, `earliest`: ms since epoch; the range includes now."""
    if period is Period.ALL:
        return TimeRange(min(earliest, now), now + 1, zone)
    if period is Period.LAST_24H:
        return TimeRange(now + 1 - DAY_MS, now + 1, zone)
    today = _local(now, zone).date()
    if period is Period.YESTERDAY:
        yesterday = today - timedelta(days=1)
        return TimeRange(_day_begins(yesterday, zone), _day_begins(today, zone), zone)
    return TimeRange(_day_begins(_first_day(period, today), zone), now + 1, zone)


def _first_day(period: Period, today: date) -> date:
    """The first day of a period that ends today."""
    first = today.replace(day=1)
    return {
        Period.TODAY: today,
        Period.LAST_7D: today - timedelta(days=6),
        Period.LAST_30D: today - timedelta(days=29),
        Period.LAST_12W: today - timedelta(days=today.weekday(), weeks=11),
        Period.LAST_12M: _month_behind(first, -11),
        Period.WEEK: today - timedelta(days=today.weekday()),
        Period.MONTH: first,
        Period.YEAR: first.replace(month=1),
    }[period]


def default_period(interval: SeriesInterval) -> Period:
    """The range of a series that names none."""
    return {SeriesInterval.HOUR: Period.LAST_24H, SeriesInterval.MONTH: Period.LAST_12M}.get(
        interval, Period.LAST_30D
    )


def is_one_day(asked: TimeRange) -> bool:
    """Whether a range lies within one day of its zone."""
    first, last = days_of(asked)
    return first == last


def days_of(asked: TimeRange) -> tuple[date, date]:
    """The first and the last day of a range, as its zone has them."""
    return _local(asked.since, asked.zone).date(), _local(asked.until - 1, asked.zone).date()


def begins_with_day(asked: TimeRange) -> bool:
    """Whether a range begins when a day of its zone does."""
    return _day_begins(days_of(asked)[0], asked.zone) == asked.since


def usual_interval(asked: TimeRange) -> SeriesInterval:
    """How to divide a range if nobody says: a day into hours, three months into days, two years into weeks."""
    length = asked.until - asked.since
    if length <= 25 * HOUR_MS:
        return SeriesInterval.HOUR
    return (
        SeriesInterval.DAY
        if length <= 93 * DAY_MS
        else SeriesInterval.WEEK
        if length <= 732 * DAY_MS
        else SeriesInterval.MONTH
    )


def compared_range(asked: TimeRange, compare: Compare) -> TimeRange:
    """What a range is compared with. One that begins with a day is moved by whole days, so that times of day stay what they are."""
    zone, since = asked.zone, _local(asked.since, asked.zone)
    last = _local(asked.until - 1, zone)
    if compare is Compare.YEAR:
        return _range_of(_year_before(since), _year_before(last), zone)
    if _day_begins(since.date(), zone) != asked.since:
        return TimeRange(2 * asked.since - asked.until, asked.since, zone)
    days = timedelta(days=(last.date() - since.date()).days + 1)
    return _range_of(since - days, last - days, zone)


def _range_of(first: datetime, last: datetime, zone: str) -> TimeRange:
    """From one local time to another, both included."""
    since = _moment(first, zone)
    return TimeRange(since, max(since + 1, _moment(last + _MS, zone)), zone)


def _year_before(local: datetime) -> datetime:
    is_leap_day = (local.month, local.day) == (2, 29)
    return local.replace(year=local.year - 1, day=28 if is_leap_day else local.day)


# Buckets


def check_parts(asked: TimeRange, interval: SeriesInterval) -> None:
    """Raises BadRequest if a range has too many parts."""
    if (asked.until - asked.since) // _LENGTHS[interval] > MOST_BUCKETS[interval]:
        raise BadRequest(
            f"interval: from startAt to endAt is more than {MOST_BUCKETS[interval]} times as long as {interval}; "
            "choose a longer interval or a shorter range."
        )


def divide(asked: TimeRange, interval: SeriesInterval) -> Buckets:
    """A range in parts. Raises BadRequest if they are too many."""
    check_parts(asked, interval)
    if interval is SeriesInterval.MONTH:
        return _months(asked)
    segments = list(_segments(asked))
    starts = tuple(_hours(segments) if interval is SeriesInterval.HOUR else _days(asked, interval))
    unit = _LENGTHS[interval]
    phase = _MONDAY_MS if interval is SeriesInterval.WEEK else 0
    return Buckets(interval, starts, tuple(_shifts(segments, starts, unit, phase)), unit)


def _months(asked: TimeRange) -> Buckets:
    firsts = (_day_begins(day, asked.zone) for day in _months_from(_local(asked.since, asked.zone)))
    starts = tuple(takewhile(lambda at: at < asked.until, firsts))
    return Buckets(SeriesInterval.MONTH, starts, (), MONTH_MS)


def local_shifts(asked: TimeRange) -> tuple[Shift, ...]:
    """How far clocks are ahead of UTC in a range: `ts + shift` is what they show, as if that were UTC."""
    return tuple(Shift(one.until, one.offset) for one in _segments(asked))


def whole_days(asked: TimeRange) -> tuple[int, int]:
    """The days that lie in a range as a whole: the first of them, and the one behind the last (days since epoch)."""
    first, behind = _local(asked.since, asked.zone).date(), _local(asked.until, asked.zone).date()
    cut = _day_begins(first, asked.zone) < asked.since
    return _number_of(first) + cut, _number_of(behind)


def day_begins(number: int, zone: str) -> int:
    """When a day (days since epoch) begins in a zone (ms since epoch)."""
    return _day_begins(_EPOCH.date() + timedelta(days=number), zone)


def _number_of(day: date) -> int:
    return (day - _EPOCH.date()).days


class _Segment(NamedTuple):
    """A time (ms since epoch) in which the offset from UTC stays the same. `was`: the offset before."""

    since: int
    until: int
    offset: int
    was: int


def _segments(asked: TimeRange) -> Iterator[_Segment]:
    """The range by offsets."""
    zone, since = _zone(asked.zone), asked.since
    was = offset = _offset(since, zone)
    for span in range(since // _SPAN, (asked.until - 1) // _SPAN + 1):
        for change in _changes(asked.zone, span):
            if asked.since < change < asked.until:
                yield _Segment(since, change, offset, was)
                since, was, offset = change, offset, _offset(change, zone)
    yield _Segment(since, asked.until, offset, was)


@lru_cache(4096)
def _changes(zone: str, span: int) -> tuple[int, ...]:
    """When the offset changes behind `span` times _SPAN, and until once more (ms since epoch)."""
    known, times = _zone(zone), range(span * _SPAN, (span + 1) * _SPAN + 1, _STEP)
    offsets = [datetime.fromtimestamp(at // 1000, known).utcoffset() for at in times]
    steps = zip(pairwise(times), pairwise(offsets), strict=True)
    return tuple(_change(*step, known) for step, (was, now) in steps if was != now)


def _change(before: int, behind: int, zone: tzinfo) -> int:
    """When the offset changes that differs between two times: the first ms of the new one."""
    old = _offset(before, zone)
    while behind - before > 1:
        middle = (before + behind) // 2
        before, behind = (middle, behind) if _offset(middle, zone) == old else (before, middle)
    return behind


def _hours(segments: list[_Segment]) -> Iterator[int]:
    """When hours begin: where a clock shows a full one, and where it was put forward or back by less than one."""
    first = segments[0]
    yield first.since - (first.since + first.offset) % HOUR_MS
    for segment in segments:
        full = -(-(segment.since + segment.offset) // HOUR_MS) * HOUR_MS - segment.offset
        if (segment.offset - segment.was) % HOUR_MS and full != segment.since:
            yield segment.since
        yield from range(full if full > first.since else full + HOUR_MS, segment.until, HOUR_MS)


def _days(asked: TimeRange, interval: SeriesInterval) -> list[int]:
    """When the days or weeks begin; the first before the range if it is cut. A day that clocks left out is none."""
    day, step = _local(asked.since, asked.zone).date(), 1
    if interval is SeriesInterval.WEEK:
        day, step = day - timedelta(days=day.weekday()), 7
    begins = (_day_begins(day + timedelta(days=number), asked.zone) for number in count(0, step))
    return list(dict.fromkeys(takewhile(lambda at: at < asked.until, begins)))


def _months_from(local: datetime) -> Iterator[date]:
    """The first days of months, from the month of a local time on."""
    first = local.date().replace(day=1)
    return (_month_behind(first, number) for number in count())


def _month_behind(first: date, number: int) -> date:
    """The first day of a month that many months behind another."""
    years, month = divmod(first.month - 1 + number, 12)
    return first.replace(year=first.year + years, month=month + 1)


def _shifts(segments: list[_Segment], starts: tuple[int, ...], unit: int, phase: int) -> list[Shift]:
    """How to number times by where `starts` lie, which within a segment are `unit` apart."""
    found: list[Shift] = []
    for segment in segments:
        moved = segment.offset + phase
        # Clocks may go back over midnight. What has begun then does not begin again, so that this part is numbered by itself.
        whole = -(-(segment.since + moved) // unit) * unit - moved
        for since, until in ((segment.since, whole), (whole, segment.until)):
            if since < min(until, segment.until):
                shift = (bisect_right(starts, since) - 1) * unit - (since + moved) // unit * unit + moved
                if found and found[-1].shift == shift:
                    found.pop()
                found.append(Shift(min(until, segment.until), shift))
    return [*found[:-1], Shift(None, found[-1].shift)]


# Local times


def to_local_iso(at: int, zone: str) -> str:
    """A time (ms since epoch) as ISO 8601 with the offset of a zone, such as `2026-03-29T00:00:00+01:00`."""
    return datetime.fromtimestamp(at / 1000, _zone(zone)).isoformat(timespec="seconds")


def bucket_name(at: int, zone: str, interval: SeriesInterval) -> str:
    """What a part of a series that begins at a time (ms since epoch) is called: `05 May`, `05 May 14:00`, or `May 2026`."""
    local = _local(at, zone)
    month = _MONTHS[local.month - 1]
    if interval is SeriesInterval.MONTH:
        return f"{month} {local.year}"
    day = f"{local.day:02d} {month}"
    return f"{day} {local:%H:%M}" if interval is SeriesInterval.HOUR else day


def _zone(name: str) -> tzinfo:
    """A time zone that was known when it was read."""
    return find_zone(name) or UTC


def _offset(at: int, zone: tzinfo) -> int:
    """How far local time is ahead of UTC at a time, ms both."""
    offset = datetime.fromtimestamp(at / 1000, zone).utcoffset()
    return round(offset / _MS) if offset else 0


def _local(at: int, zone: str) -> datetime:
    """What clocks show at a time (ms since epoch)."""
    return _EPOCH + timedelta(milliseconds=at + _offset(at, _zone(zone)))


def _day_begins(day: date, zone: str) -> int:
    return _moment(datetime(day.year, day.month, day.day), zone)


def _moment(local: datetime, zone: str) -> int:
    """When clocks first show a time or, if they leave it out, a later one (ms since epoch)."""
    known = _zone(zone)
    at = (local - _EPOCH) // _MS
    early, late = (
        at - round((local.replace(tzinfo=known, fold=fold).utcoffset() or timedelta()) / _MS)
        for fold in (0, 1)
    )
    if late >= early:
        return early
    return _change(late - 1, early, known)

"""Ranges as people choose them: their names, the ones before and behind, and into what they are divided. Pure."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import NamedTuple

from footfall.analytics.ranges import (
    END_OF_TIMES,
    FIRST_YEAR,
    HOUR_MS,
    LAST_YEAR,
    Compare,
    Period,
    SeriesInterval,
    TimeRange,
    begins_with_day,
    days_of,
    is_one_day,
    usual_interval,
)
from footfall.clock import DAY_MS, to_iso
from footfall.dashboard.address import ViewAddress, has_range

DEFAULT = Period.LAST_30D
PERIODS = {
    Period.TODAY: "Today",
    Period.YESTERDAY: "Yesterday",
    Period.LAST_24H: "Last 24 hours",
    Period.LAST_7D: "Last 7 days",
    Period.LAST_30D: "Last 30 days",
    Period.LAST_12W: "Last 12 weeks",
    Period.MONTH: "This month",
    Period.YEAR: "This year",
    Period.LAST_12M: "Last 12 months",
    Period.ALL: "All time",
}
COMPARED = {
    Compare.PREVIOUS.value: "Period before",
    Compare.YEAR.value: "Year before",
    "none": "No comparison",
}
INTERVALS = {
    SeriesInterval.HOUR: (0, 14 * DAY_MS),
    SeriesInterval.DAY: (2 * DAY_MS, 400 * DAY_MS),
    SeriesInterval.WEEK: (14 * DAY_MS, 3000 * DAY_MS),
    SeriesInterval.MONTH: (60 * DAY_MS, None),
}
"""From and up to which length a range is divided so (ms)."""


class Steps(NamedTuple):
    """The addresses of the ranges right before and behind; None where there is none that may be asked for."""

    before: ViewAddress | None
    behind: ViewAddress | None


def offered_intervals(asked: TimeRange) -> list[SeriesInterval]:
    """Into what a range may be divided on a page, the finest first."""
    if is_one_day(asked):
        return [SeriesInterval.HOUR]
    length = asked.until - asked.since
    return [
        one
        for one, (least, most) in INTERVALS.items()
        if least <= length and (most is None or length <= most)
    ]


def chosen_interval(asked: TimeRange, wanted: SeriesInterval | None) -> SeriesInterval:
    """Into what a range is divided: as wanted, if that is offered."""
    offered = offered_intervals(asked)
    usual = usual_interval(asked)
    return wanted if wanted in offered else usual if usual in offered else offered[-1]


def people_address(address: ViewAddress) -> ViewAddress:
    """The people of what a page of a website shows. Their list is of a range only where one is named."""
    website = "/".join(address.path.split("/", 3)[:3])
    return (address if has_range(address) else address.having(period=DEFAULT.value)).at(f"{website}/people")


def steps_of(address: ViewAddress, asked: TimeRange, now: int) -> Steps:
    """The ranges around the one that an address shows: of months, if it has whole ones, else as many days, or as long a time."""
    period = _period(address)
    if period is Period.ALL:
        return Steps(None, None)
    if not begins_with_day(asked):
        return Steps(_moved(address, asked, -1), _moved(address, asked, 1) if asked.until <= now else None)
    first, last = days_of(asked)
    last = _whole(period, last)
    today = days_of(TimeRange(now, now + 1, asked.zone))[0]
    behind = _stepped(first, last, 1)
    return Steps(
        _step_of_days(address, *_stepped(first, last, -1)),
        _step_of_days(address, *behind) if behind[0] <= today else None,
    )


def _period(address: ViewAddress) -> Period | None:
    """The period that an address names; None if it has days of its own."""
    return None if address.text("startAt") else Period(address.text("period", DEFAULT))


def _whole(period: Period | None, last: date) -> date:
    """The last day that a period has once it is over."""
    if period in (Period.MONTH, Period.LAST_12M):
        return _end_of_month(last)
    if period is Period.YEAR:
        return date(last.year, 12, 31)
    return last + timedelta(days=6 - last.weekday()) if period is Period.WEEK else last


def _stepped(first: date, last: date, by: int) -> tuple[date, date]:
    """The range of days right before or behind."""
    if first.day == 1 and last == _end_of_month(last):
        months = 12 * (last.year - first.year) + last.month - first.month + 1
        return _month_behind(first, by * months), _end_of_month(
            _month_behind(last.replace(day=1), by * months)
        )
    length = (last - first + timedelta(days=1)) * by
    return first + length, last + length


def _month_behind(first: date, number: int) -> date:
    years, month = divmod(first.month - 1 + number, 12)
    return date(first.year + years, month + 1, 1)


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _step_of_days(address: ViewAddress, first: date, last: date) -> ViewAddress | None:
    return _of_days(address, first, last) if first.year >= FIRST_YEAR and last.year <= LAST_YEAR else None


def _of_days(address: ViewAddress, first: date, last: date) -> ViewAddress:
    return address.during(startAt=first.isoformat(), endAt=last.isoformat())


def _moved(address: ViewAddress, asked: TimeRange, by: int) -> ViewAddress | None:
    length = (asked.until - asked.since) * by
    since, until = asked.since + length, asked.until + length
    if since < 0 or until > END_OF_TIMES:
        return None
    return address.during(startAt=to_iso(since), endAt=to_iso(until - 1))


def part_address(address: ViewAddress, part: TimeRange) -> ViewAddress:
    """The same of a part of its range."""
    if part.until - part.since <= HOUR_MS:
        return address.during(startAt=to_iso(part.since), endAt=to_iso(part.until - 1))
    return _of_days(address, *days_of(part))


def range_text(address: ViewAddress, asked: TimeRange) -> str:
    """What a range is called: `Last 30 days`, `5 May 2026`, `May 2026`, or from day to day."""
    if (period := _period(address)) is not None:
        return PERIODS.get(period, "This week")
    first, last = days_of(asked)
    if first == last:
        return f"{first:%-d %b %Y}"
    if (first.day, first.month, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year:
        return str(first.year)
    if first.day == 1 and last == _end_of_month(first):
        return f"{first:%B %Y}"
    return f"{first:%-d %b}{'' if first.year == last.year else f' {first:%Y}'} \u2013 {last:%-d %b %Y}"

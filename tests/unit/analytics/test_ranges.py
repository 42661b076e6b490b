"""Ranges and their parts, in every time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from unittest.mock import Mock
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from footfall.analytics import ranges
from footfall.analytics.ranges import (
    MOST_BUCKETS,
    Compare,
    Period,
    SeriesInterval,
    TimeRange,
    compared_range,
    divide,
    local_shifts,
    period_range,
    read_choice,
    read_range,
    to_local_iso,
    usual_interval,
)
from footfall.clock import DAY_MS, find_zone, from_iso
from footfall.errors import BadRequest

HOUR = 3_600_000
BERLIN = "Europe/Berlin"
NOW = from_iso("2026-11-28T13:30:00Z")
EARLIEST = from_iso("2026-01-01T00:00:00Z")
STRANGE = [
    "America/Havana",  # clocks go back over midnight, and forward from it
    "America/Sao_Paulo",
    "America/St_Johns",  # did so at one minute past midnight
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Atlantic/Azores",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # left out a day
    "Pacific/Kwajalein",
    BERLIN,
    "UTC",
]
zones = st.sampled_from(STRANGE) | st.sampled_from(sorted(available_timezones()))
times = st.integers(0, from_iso("2037-12-31T00:00:00Z"))


def asked(zone: str = BERLIN, **query: str) -> TimeRange:
    return read_range(query, zone, NOW, EARLIEST)


def shown(found: TimeRange) -> tuple[str, str]:
    """From when until when, as clocks of the zone show it."""
    return to_local_iso(found.since, found.zone)[:19], to_local_iso(found.until, found.zone)[:19]


# Reading


def test_days_last_from_midnight_to_midnight_of_the_zone() -> None:
    found = asked(startAt="2026-03-29", endAt="2026-03-29")
    assert shown(found) == ("2026-03-29T00:00:00", "2026-03-30T00:00:00")
    assert found.until - found.since == 23 * HOUR
    autumn = asked(startAt="2026-10-25", endAt="2026-10-25")
    assert autumn.until - autumn.since == 25 * HOUR


def test_times_with_a_zone_are_meant_to_the_millisecond() -> None:
    found = asked(startAt="2026-05-05T12:00:00+02:00", endAt="2026-05-05T10:00:00.001Z")
    assert (found.since, found.until) == (
        from_iso("2026-05-05T10:00:00Z"),
        from_iso("2026-05-05T10:00:00.002Z"),
    )


def test_another_zone_may_be_asked_for() -> None:
    assert asked(timezone="Asia/Tokyo", startAt="2026-05-05", endAt="2026-05-05").since == from_iso(
        "2026-05-05T00:00:00+09:00"
    )


def test_without_dates_everything_until_now_is_meant() -> None:
    assert asked() == TimeRange(EARLIEST, NOW + 1, BERLIN)
    assert asked(startAt="", endAt="", period="") == asked()


@pytest.mark.parametrize(
    ("period", "since", "until"),
    [
        ("today", "2026-11-28T00:00:00", "2026-11-28T14:30:00"),
        ("yesterday", "2026-11-27T00:00:00", "2026-11-28T00:00:00"),
        ("last24h", "2026-11-27T14:30:00", "2026-11-28T14:30:00"),
        ("last7d", "2026-11-22T00:00:00", "2026-11-28T14:30:00"),
        ("last30d", "2026-10-30T00:00:00", "2026-11-28T14:30:00"),
        ("last12w", "2026-09-07T00:00:00", "2026-11-28T14:30:00"),
        ("last12m", "2025-12-01T00:00:00", "2026-11-28T14:30:00"),
        ("week", "2026-11-23T00:00:00", "2026-11-28T14:30:00"),
        ("month", "2026-11-01T00:00:00", "2026-11-28T14:30:00"),
        ("year", "2026-01-01T00:00:00", "2026-11-28T14:30:00"),
    ],
)
def test_periods_begin_where_clocks_of_the_zone_say(period: str, since: str, until: str) -> None:
    assert shown(asked(period=period)) == (since, until)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"startAt": "2026-05-05"}, "startAt and endAt come together"),
        ({"endAt": "2026-05-05"}, "startAt and endAt come together"),
        ({"startAt": "2026-05-06", "endAt": "2026-05-05"}, "endAt must not be before startAt"),
        ({"startAt": "1960-05-06", "endAt": "1960-05-07"}, "endAt must not be before 1970"),
        ({"startAt": "2026-02-30", "endAt": "2026-03-05"}, "startAt must be a day"),
        ({"startAt": "2026-02-03", "endAt": "2026-03-05T12:00:00"}, "endAt must be a day"),
        ({"startAt": "2026-02-03", "endAt": "2100-01-01"}, "endAt must be before the year 2100"),
        ({"startAt": "2026-02-03", "endAt": "9999-12-31"}, "endAt must be before the year 2100"),
        ({"startAt": "2100-01-01T00:00:00Z", "endAt": "2026-02-03"}, "startAt must be before the year 2100"),
        ({"startAt": "2026-02-03", "endAt": "9999-12-31T23:59:59-23:59"}, "endAt must be a day"),
        ({"startAt": "٢٠٢٦-٠٢-٠٣", "endAt": "2026-03-05"}, "startAt must be a day"),
        ({"startAt": "x", "endAt": "2026-03-05"}, "startAt must be a day"),
        ({"timezone": "Europe/Berlln"}, "timezone: 'Europe/Berlln'"),
        ({"timezone": "../etc/passwd"}, "timezone: '../etc/passwd'"),
        ({"period": "fortnight"}, "period must be one of today, yesterday"),
        ({"period": "today", "startAt": "2026-05-06", "endAt": "2026-05-06"}, "period cannot be combined"),
    ],
)
def test_a_range_that_is_none_is_refused_by_name(query: dict[str, str], said: str) -> None:
    with pytest.raises(BadRequest, match=said.replace("(", r"\(")):
        asked(**query)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_last_days_of_all_ranges_are_those_of_a_zone(zone: str) -> None:
    latest = asked(zone, startAt="2099-12-30", endAt="2099-12-31")
    assert shown(latest) == ("2099-12-30T00:00:00", "2100-01-01T00:00:00")
    assert [len(divide(latest, one).starts) for one in (SeriesInterval.DAY, SeriesInterval.MONTH)] == [2, 1]


def test_a_day_that_clocks_left_out_is_refused() -> None:
    with pytest.raises(BadRequest, match="startAt: there was no 2011-12-30 in Pacific/Apia"):
        asked("Pacific/Apia", startAt="2011-12-30", endAt="2012-01-05")


def test_a_choice_lists_what_there_is() -> None:
    assert read_choice({"compare": "year"}, "compare", Compare) is Compare.YEAR
    assert read_choice({"compare": ""}, "compare", Compare) is None
    with pytest.raises(BadRequest, match="compare must be one of previous, year"):
        read_choice({"compare": "week"}, "compare", Compare)


# What a range is compared with


@pytest.mark.parametrize(
    ("first", "last", "compare", "since", "until"),
    [
        ("2026-03-29", "2026-03-29", "previous", "2026-03-28T00:00:00", "2026-03-29T00:00:00"),
        ("2026-03-23", "2026-03-29", "previous", "2026-03-16T00:00:00", "2026-03-23T00:00:00"),
        ("2026-03-29", "2026-03-29", "year", "2025-03-29T00:00:00", "2025-03-30T00:00:00"),
        ("2028-02-29", "2028-02-29", "year", "2027-02-28T00:00:00", "2027-03-01T00:00:00"),
        ("2028-02-01", "2028-02-28", "year", "2027-02-01T00:00:00", "2027-03-01T00:00:00"),
    ],
)
def test_days_are_compared_with_as_many_days(
    first: str, last: str, compare: str, since: str, until: str
) -> None:
    assert shown(compared_range(asked(startAt=first, endAt=last), Compare(compare))) == (since, until)


def test_today_is_compared_with_yesterday_until_the_same_time() -> None:
    today = period_range(Period.TODAY, BERLIN, NOW, EARLIEST)
    assert shown(compared_range(today, Compare.PREVIOUS)) == ("2026-11-27T00:00:00", "2026-11-27T14:30:00")


def test_hours_are_compared_with_the_hours_right_before() -> None:
    found = asked(startAt="2026-05-05T10:00:00Z", endAt="2026-05-05T11:59:59.999Z")
    before = compared_range(found, Compare.PREVIOUS)
    assert (before.since, before.until) == (found.since - 2 * HOUR, found.since)


@given(zones, times, st.integers(1, 400 * DAY_MS), st.sampled_from(Compare))
def test_what_a_range_is_compared_with_lies_before_its_end(
    zone: str, since: int, length: int, compare: Compare
) -> None:
    found = compared_range(TimeRange(since, since + length, zone), compare)
    assert found.since < found.until
    if compare is Compare.PREVIOUS:
        assert found.until <= since + 3 * HOUR


# Parts


def hours_of(first: str, zone: str) -> list[str]:
    day = asked(zone, startAt=first, endAt=first)
    return [to_local_iso(at, zone)[11:] for at in divide(day, SeriesInterval.HOUR).starts]


def test_a_day_has_as_many_hours_as_clocks_show() -> None:
    assert len(hours_of("2026-03-29", BERLIN)) == 23
    autumn = hours_of("2026-10-25", BERLIN)
    assert autumn[2:4] == ["02:00:00+02:00", "02:00:00+01:00"]
    assert len(autumn) == 25


def test_where_clocks_go_back_by_half_an_hour_an_hour_has_thirty_minutes() -> None:
    assert hours_of("2026-04-05", "Australia/Lord_Howe")[1:4] == [
        "01:00:00+11:00",
        "01:30:00+10:30",
        "02:00:00+10:30",
    ]


def test_a_day_that_clocks_left_out_is_no_part() -> None:
    days = divide(asked("Pacific/Apia", startAt="2011-12-29", endAt="2012-01-01"), SeriesInterval.DAY)
    assert [to_local_iso(at, "Pacific/Apia")[:10] for at in days.starts] == [
        "2011-12-29",
        "2011-12-31",
        "2012-01-01",
    ]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    year = asked(startAt="2026-01-03", endAt="2026-12-31")
    weeks, months = divide(year, SeriesInterval.WEEK), divide(year, SeriesInterval.MONTH)
    assert [to_local_iso(at, BERLIN)[:10] for at in weeks.starts[:2]] == ["2025-12-29", "2026-01-05"]
    assert [to_local_iso(at, BERLIN)[5:10] for at in months.starts] == [
        f"{month:02}-01" for month in range(1, 13)
    ]


def floor(at: int, zone: str, interval: SeriesInterval) -> datetime:
    """Where the day, week or month of a time begins on the clocks of a zone."""
    local = datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).replace(tzinfo=None)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval is SeriesInterval.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval is SeriesInterval.MONTH else day


@given(zones, times, st.integers(1, 800), st.sampled_from(SeriesInterval), st.data())
@example("America/St_Johns", from_iso("2006-10-20T00:00:00Z"), 30, SeriesInterval.DAY, None)
@example("America/Sao_Paulo", from_iso("2018-10-20T00:00:00Z"), 30, SeriesInterval.HOUR, None)
def test_the_number_of_a_time_is_that_of_the_part_it_lies_in(
    zone: str, since: int, length: int, interval: SeriesInterval, data: st.DataObject | None
) -> None:
    unit = HOUR if interval is SeriesInterval.HOUR else DAY_MS
    found = TimeRange(since, since + length * unit + 1, zone)
    parts = divide(found, interval)
    ends = [*parts.starts[1:], found.until]
    assert parts.starts[0] <= since
    assert all(one < next_one for one, next_one in pairwise([*parts.starts, found.until]))
    edges = [at for one in ends for at in (one - 1, one) if since <= at < found.until]
    drawn = data.draw(st.lists(st.integers(since, found.until - 1), max_size=10)) if data else []
    for at in [*edges, *drawn]:
        number = parts.number(at)
        assert parts.starts[number] <= at < ends[number]


@given(
    zones,
    times,
    st.integers(1, 60),
    st.sampled_from([SeriesInterval.DAY, SeriesInterval.WEEK, SeriesInterval.MONTH]),
)
def test_what_lies_in_one_part_has_one_beginning(
    zone: str, since: int, days: int, interval: SeriesInterval
) -> None:
    """But for the minutes of a day that had ended already when clocks went back over midnight."""
    found = TimeRange(since, since + days * DAY_MS, zone)
    parts = divide(found, interval)
    middles = [(one + end) // 2 for one, end in pairwise([*parts.starts, found.until])]
    begins = [floor(at, zone, interval) for at in middles]
    assert begins == sorted(set(begins))


def test_too_many_parts_are_refused_and_fifty_years_of_months_are_not() -> None:
    years = asked(startAt="1976-01-01", endAt="2025-12-31")
    assert len(divide(years, SeriesInterval.MONTH).starts) == 600
    with pytest.raises(BadRequest, match=r"interval: .* more than 5000 times as long as hour"):
        divide(years, SeriesInterval.HOUR)
    assert set(MOST_BUCKETS) == set(SeriesInterval)


def test_a_century_costs_no_more_than_its_months_and_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    century = asked("America/Indiana/Knox", startAt="2000-01-01", endAt="2097-12-31")
    moments, found_zones = Mock(wraps=ranges._moment), Mock(wraps=find_zone)
    monkeypatch.setattr(ranges, "_moment", moments)
    months = divide(century, SeriesInterval.MONTH)
    assert len(months.starts) == moments.call_count - 1 == 1176
    changes = local_shifts(century)
    monkeypatch.setattr(ranges, "find_zone", found_zones)
    assert local_shifts(century) == changes
    assert found_zones.call_count < 10 < len(changes) < 210


@given(zones, st.integers(-340, 340).map(lambda span: span * 133 * DAY_MS))
@example("Asia/Gaza", from_iso("2040-08-01T00:00:00Z"))
@example("Africa/Freetown", from_iso("1939-08-15T00:00:00Z"))
def test_no_change_of_clocks_is_missed(zone: str, since: int) -> None:
    found = TimeRange(since, since + 133 * DAY_MS, zone)
    shifts = local_shifts(found)
    for at in range(found.since, found.until, DAY_MS // 2):
        shift = next(one.shift for one in shifts if one.until is None or at < one.until)
        assert datetime.fromtimestamp(at / 1000, UTC) + timedelta(
            milliseconds=shift
        ) == datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).replace(tzinfo=UTC)


def test_a_day_is_usually_seen_by_the_hour_and_years_by_the_month() -> None:
    usual = [usual_interval(TimeRange(0, days * DAY_MS, BERLIN)) for days in (1, 2, 93, 100, 800)]
    assert usual == [
        SeriesInterval.HOUR,
        SeriesInterval.DAY,
        SeriesInterval.DAY,
        SeriesInterval.WEEK,
        SeriesInterval.MONTH,
    ]

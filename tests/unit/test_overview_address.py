"""The address of a page is its state: one thing changes, everything else stays; and the ranges around a range."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.analytics.dimensions import FILTERS
from footfall.analytics.query import read_question
from footfall.analytics.ranges import Compare, SeriesInterval, TimeRange, compared_range, read_range
from footfall.clock import DAY_MS, from_iso
from footfall.dashboard.address import Chip, ViewAddress, read_address
from footfall.dashboard.spans import DEFAULT, chosen_interval, part_address, range_text, steps_of
from footfall.errors import BadRequest

NOW = from_iso("2026-05-13T12:00:00Z")
ZONE = "Europe/Berlin"


def at(text: str) -> ViewAddress:
    return read_address("/x", parse_qsl(text), ("sources", "offset"))


def range_of(address: ViewAddress) -> TimeRange:
    return read_range(dict(address.asked), ZONE, NOW, NOW - 100 * DAY_MS, DEFAULT)


def test_what_an_address_does_not_know_is_left_out() -> None:
    text = "period=last7d&whatever=1&filter_nothing=x&filter_trait.=x&country=DE&filter_os=&sources=channels"
    assert at(text).href == "/x?period=last7d&sources=channels"
    assert at("").href == "/x"


def test_another_page_gets_the_range_and_the_filters() -> None:
    moved = at("sources=campaigns&offset=50&period=year&filter_country=is:DE").at("/y")
    assert moved.href == "/y?period=year&filter_country=is:DE"


def test_clicks_on_a_row_choose_it_then_everything_else_then_all() -> None:
    address = at("period=today")
    hrefs = [(address := address.clicked("country", "DE")).href for _ in range(3)]
    assert hrefs == [
        "/x?period=today&filter_country=is:DE",
        "/x?period=today&filter_country=is_not:DE",
        "/x?period=today",
    ]


def test_those_who_have_a_value_too_are_chosen_by_both() -> None:
    address = at("filter_goal=is:signup")
    assert address.also("goal", "paid").href == "/x?filter_goal=is:signup&filter_goal=is:paid"
    assert address.also("goal", "signup") == address
    assert address.only("goal", "paid").href == "/x?filter_goal=is:paid"


def test_clicks_on_other_rows_add_values_that_further_clicks_remove() -> None:
    both = at("").clicked("country", "DE").clicked("country", "FR")
    assert both.href == "/x?filter_country=is:DE,FR"
    assert both.clicked("country", "DE").href == "/x?filter_country=is:FR"
    neither = at("filter_country=is_not:DE").clicked("country", "FR")
    assert neither.href == "/x?filter_country=is_not:DE,FR"
    assert at("filter_page=contains:blog").clicked("page", "/a").chips == [
        Chip("page", "contains", ("blog",)),
        Chip("page", "is", ("/a",)),
    ]


def test_a_filter_turns_into_its_opposite_and_back() -> None:
    for text in ("filter_page=contains:a", "filter_trait.plan=exists", "filter_os=is:iOS,Linux"):
        address = at(text)
        turned = address.turned(address.chips[0])
        assert turned is not None
        assert turned != address
        assert turned.turned(turned.chips[0]) == address
    assert at("filter_visit_count=gte:3").turned(Chip("visit_count", "gte", ("3",))) is None
    assert at("filter_new=true").turned(Chip("new", "is", ("true",))) is None
    assert at("filter_trait.plan=contains:p").turned(Chip("trait.plan", "contains", ("p",))) is None


def test_a_filter_without_an_operator_is_one_of_equality() -> None:
    assert at("filter_referrer=google.com:80/x").chips == [Chip("referrer", "is", ("google.com:80/x",))]
    assert at("filter_os=iOS").without(Chip("os", "is", ("iOS",))).href == "/x"


VALUES = st.lists(
    st.text(
        st.characters(exclude_categories=("C", "Z")) | st.sampled_from(" ,\\:&=+%"), min_size=1, max_size=12
    )
    .map(str.strip)
    .filter(bool),
    min_size=1,
    max_size=3,
    unique=True,
)


@given(name=st.sampled_from(("city", "utm_campaign", "goal", "page")), values=VALUES)
def test_any_values_are_what_the_api_reads_from_the_address(name: str, values: list[str]) -> None:
    address = ViewAddress("/x", ()).with_chip(Chip(name, "is", tuple(values)))
    pairs = parse_qsl(address.href.partition("?")[2])
    assert read_address("/x", pairs).chips == address.chips
    (condition,) = read_question(pairs, ZONE, NOW, 0).conditions
    field = FILTERS[name]
    assert condition.values == tuple(dict.fromkeys(field.meant(field.spelled(value)) for value in values))


@pytest.mark.parametrize(
    ("text", "before", "behind"),
    [
        ("period=today", ("2026-05-12", "2026-05-12"), None),
        ("period=yesterday", ("2026-05-11", "2026-05-11"), ("2026-05-13", "2026-05-13")),
        ("period=last7d", ("2026-04-30", "2026-05-06"), None),
        ("period=week", ("2026-05-04", "2026-05-10"), None),
        ("period=month", ("2026-04-01", "2026-04-30"), None),
        ("period=year", ("2025-01-01", "2025-12-31"), None),
        ("period=last12m", ("2024-06-01", "2025-05-31"), None),
        ("startAt=2026-01-01&endAt=2026-03-31", ("2025-10-01", "2025-12-31"), ("2026-04-01", "2026-06-30")),
        ("startAt=2026-02-01&endAt=2026-02-28", ("2026-01-01", "2026-01-31"), ("2026-03-01", "2026-03-31")),
        ("startAt=2026-03-05&endAt=2026-03-14", ("2026-02-23", "2026-03-04"), ("2026-03-15", "2026-03-24")),
        ("period=all", None, None),
    ],
)
def test_a_step_leads_to_the_range_before_or_behind(
    text: str, before: tuple[str, str] | None, behind: tuple[str, str] | None
) -> None:
    address = at(f"{text}&filter_country=is:DE")
    steps = steps_of(address, range_of(address), NOW)
    for step, days in ((steps.before, before), (steps.behind, behind)):
        found = None if step is None else (step.text("startAt"), step.text("endAt"))
        assert found == days
        assert step is None or (step.text("period"), step.chips) == ("", address.chips)


def test_a_range_of_hours_steps_by_its_length() -> None:
    address = at("period=last24h")
    before = steps_of(address, range_of(address), NOW).before
    assert before is not None
    assert range_of(before) == TimeRange(NOW + 1 - 2 * DAY_MS, NOW + 1 - DAY_MS, ZONE)
    again = steps_of(before, range_of(before), NOW)
    assert again.behind is not None
    assert range_of(again.behind) == range_of(address)


@pytest.mark.parametrize(
    "text",
    [
        "startAt=1970-01-01&endAt=2099-12-31",
        "startAt=1970-01-01&endAt=2026-05-13",
        "startAt=2020-01-01&endAt=2099-12-31",
        "startAt=1970-01-01T00:00:00Z&endAt=2099-12-31T23:59:59.999Z",
        "startAt=1971-01-01T00:00:00.001Z&endAt=2026-05-13T12:00:00Z",
    ],
)
def test_no_step_leads_beyond_what_may_be_asked_for(text: str) -> None:
    address = at(text)
    found = range_of(address)
    for step in steps_of(address, found, NOW):
        assert step is None or range_of(step).until - range_of(step).since > 0
    assert steps_of(address, found, NOW).before is None
    for compare in Compare:
        assert compared_range(found, compare).since < found.since


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "Last 30 days"),
        ("startAt=2026-05-05&endAt=2026-05-05", "5 May 2026"),
        ("startAt=2026-04-01&endAt=2026-04-30", "April 2026"),
        ("startAt=2025-01-01&endAt=2025-12-31", "2025"),
        ("startAt=2026-04-05&endAt=2026-05-06", "5 Apr \u2013 6 May 2026"),
        ("startAt=2025-12-30&endAt=2026-01-02", "30 Dec 2025 \u2013 2 Jan 2026"),
    ],
)
def test_ranges_are_called_as_people_call_them(text: str, shown: str) -> None:
    assert range_text(at(text), range_of(at(text))) == shown


def test_a_range_is_divided_as_wanted_where_a_chart_can_show_that() -> None:
    year = range_of(at("period=year"))
    assert chosen_interval(year, None) is SeriesInterval.WEEK
    assert chosen_interval(year, SeriesInterval.DAY) is SeriesInterval.DAY
    assert chosen_interval(year, SeriesInterval.HOUR) is SeriesInterval.WEEK
    assert chosen_interval(range_of(at("period=today")), SeriesInterval.DAY) is SeriesInterval.HOUR
    long = TimeRange(0, 50 * 366 * DAY_MS, ZONE)
    assert chosen_interval(long, None) is SeriesInterval.MONTH


def test_a_part_of_a_chart_leads_to_its_days_or_its_hour() -> None:
    day = read_range({"startAt": "2026-03-29", "endAt": "2026-03-29"}, ZONE, NOW, 0)
    assert part_address(at("interval=day"), day).href == "/x?startAt=2026-03-29&endAt=2026-03-29"
    hour = TimeRange(day.since, day.since + 3_600_000, ZONE)
    assert range_of(part_address(at("period=today"), hour)) == hour


def test_an_address_holds_no_more_filters_than_tell_that_they_are_too_many() -> None:
    typed = [("filter_os", f"is:{number}") for number in range(1000)]
    address = read_address("/x", [*typed, ("sources", "referrers")], ("sources",))
    assert address.chips == [Chip("os", "is", (str(number),)) for number in range(21)]
    assert address.text("sources") == "referrers"
    with pytest.raises(BadRequest, match="at most 20 filters"):
        read_question(address.asked, ZONE, NOW, 0)


def test_an_address_holds_no_more_values_than_tell_that_they_are_too_many() -> None:
    values = ",".join(map(str, range(200)))
    address = read_address("/x", [("filter_os", f"is:{number},{values}") for number in range(20)])
    assert len(address.chips) == 3
    with pytest.raises(BadRequest, match="filter_os: all filters together have at most 500 values"):
        read_question(address.asked, ZONE, NOW, 0)

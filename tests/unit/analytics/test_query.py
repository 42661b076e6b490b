"""Questions as query strings ask them, in every spelling."""

from __future__ import annotations

import re
from contextlib import suppress
from unittest.mock import Mock
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.analytics import dimensions
from footfall.analytics.dimensions import CARDS, FILTERS, MetricFilter, Operator
from footfall.analytics.query import MAX_VALUES, Question, read_question
from footfall.analytics.ranges import Compare
from footfall.analytics.scene import MEASURES, NEEDED
from footfall.analytics.wire import OF_OVERVIEW
from footfall.clock import from_iso
from footfall.errors import BadRequest
from footfall.people.wire import Filter
from footfall.visitors.folding import folded

_KEPT = "%$*';"
"""Characters of the values below that stand for themselves in a path."""
NOW = from_iso("2026-11-28T13:30:00Z")


def asked(text: str) -> Question:
    return read_question(parse_qsl(text, keep_blank_values=True), "Europe/Berlin", NOW, 0)


def only(text: str) -> MetricFilter:
    """The one condition of a query."""
    (found,) = asked(text).conditions
    return found


def test_a_bare_value_is_meant_as_it_is_and_a_list_as_alternatives() -> None:
    assert only("filter_utm_source=x") == MetricFilter("utm_source", Operator.IS, ("x",))
    assert only("filter_page=/a,b,/a") == MetricFilter("page", Operator.IS, ("/a", "/b"))
    assert only("filter_page=is_not:/a,/b") == MetricFilter("page", Operator.IS_NOT, ("/a", "/b"))


@pytest.mark.parametrize(
    "name", sorted(FILTERS.keys() - {"new", "visit_count", "person", "country", "funnel"})
)
def test_each_text_filter_has_its_four_operators(name: str) -> None:
    for operator in ("is", "is_not", "contains", "does_not_contain"):
        assert only(f"filter_{name}={operator}:x").operator == operator


@pytest.mark.parametrize(
    "name",
    [
        "country",
        "region",
        "city",
        "device",
        "browser",
        "os",
        "referrer",
        "page",
        "entry_page",
        "hostname",
        "goal",
        "utm_source",
    ],
)
def test_filters_may_do_without_the_prefix(name: str) -> None:
    assert only(f"{name}=x") == only(f"filter_{name}=x")


@pytest.mark.parametrize(
    ("text", "values", "has_none"),
    [
        ("filter_country=Germany,us", ("de", "us"), False),
        ("filter_country=unknown", (), True),
        ("filter_referrer=Direct/None", (), True),
        ("filter_referrer=https://www.Google.com/search,direct", ("google.com",), True),
        ("filter_browser=Safari", ("Safari", "mobile safari"), False),
        ("filter_hostname=localhost:3000", ("localhost:3000",), False),
        (r"filter_city=Washington\, D.C.", ("Washington, D.C.",), False),
        ("filter_utm_campaign=is:summer:2026", ("summer:2026",), False),
        ("filter_page=/a:b", ("/a:b",), False),
        ("filter_page=/über uns", ("/%C3%BCber%20uns",), False),
        ("filter_entry_page=/%25C3%25BCber#a", ("/%C3%BCber#a",), False),
    ],
)
def test_values_are_meant_as_cards_show_them(text: str, values: tuple[str, ...], has_none: bool) -> None:
    found = only(text)
    assert (found.values, found.has_none) == (values, has_none)


def test_parts_of_values_are_looked_for_as_they_are() -> None:
    assert only("filter_page=contains:blog").values == ("blog",)
    assert only("filter_page=contains:ü").values == ("%C3%BC",)
    assert only("filter_city=contains:unknown") == MetricFilter("city", Operator.CONTAINS, ("unknown",))


def test_countries_are_found_by_a_part_of_their_name() -> None:
    assert only("filter_country=contains:germ,united st") == MetricFilter(
        "country", Operator.IS, ("DE", "US")
    )
    assert only(r"filter_country=contains:\ ").values == ()
    assert only("filter_country=does_not_contain:xyz") == MetricFilter("country", Operator.IS_NOT, ())


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE event_row; --", '"', "%", "_", "*", "$website", "\\", "ü\u202e"]
)
def test_quotes_and_wildcards_are_values(value: str) -> None:
    for name in FILTERS.keys() - {"new", "visit_count", "funnel"}:
        (found,) = read_question([(f"filter_{name}", f"is:{value}")], "UTC", NOW, 0).conditions
        assert found.values in (
            (value,),
            (f"/{quote(value, safe=_KEPT)}",),
            (value.lower(),),
            ("".join(value.split()).casefold(),),
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "filter_page=starts_with:/a",
            "filter_page: there is no operator starts_with; use one of is, is_not, contains, does_not_contain",
        ),
        ("page=matches:x", "page: there is no operator matches"),
        (
            "filter_visit_count=gt:3",
            "filter_visit_count: there is no operator gt; use one of is, is_not, gte, lte",
        ),
        ("filter_person=contains:x", "filter_person: there is no operator contains; use one of is, is_not"),
        ("filter_funnel=is:checkout", "filter_funnel: name a funnel by its id or slug, one of its steps"),
        ("filter_funnel=is:checkout:9:passed", "filter_funnel: name a funnel by its id or slug, one of its"),
        ("filter_funnel=is:a:1:passed,a:2:passed", "filter_funnel: name a funnel by its id or slug"),
        ("filter_funnel=checkout:1:passed", "filter_funnel: there is no operator checkout; use one of is"),
        ("filter_visit_count=many", "filter_visit_count: name whole numbers"),
        ("filter_visit_count=gte:2,3", "filter_visit_count: name whole numbers"),
        ("filter_visit_count=-1", "filter_visit_count: name whole numbers"),
        ("filter_new=yes", "filter_new must be true or false"),
        ("filter_new=true,false", "filter_new must be true or false"),
        ("filter_country=,", "filter_country: name 1 to 500 values"),
        ("filter_country=is:", "filter_country: name 1 to 500 values"),
        (f"filter_country={'DE,' * 10_000}", "filter_country: name 1 to 500 values"),
        (f"filter_page=contains:{'a,' * 21}", "filter_page: name 1 to 20 values"),
        (f"filter_page=/{'a' * 3000}", "filter_page: a value has at most 2048 characters"),
        ("filter_page=/%00", "filter_page: a value holds the character U+0000"),
        ("filter_trait.=x", "filter_trait. must be followed by the name of a field"),
        ("filter_trait.plan=gte:much", "filter_trait.plan: gte compares with a number"),
        ("&".join(f"filter_page=/{number}" for number in range(21)), "filter_: at most 20 filters"),
        ("limit=-1", "limit must be a whole number from 1 to 1000"),
        ("limit=0", "limit must be"),
        ("limit=1001", "limit must be"),
        ("offset=1e9", "offset must be a whole number from 0 to 1000000"),
        ("offset=1000000000", "offset must be"),
        ("compare=week", "compare must be one of previous, year"),
        ("startAt=2026-01-01", "startAt and endAt come together"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(BadRequest, match=re.escape(said)):
        asked(text)


def test_unknown_and_empty_parameters_are_ignored() -> None:
    assert asked("from=x&to=y&filter_nothing=a:b&new=1&person=x&channel=x&filter_page=&page=%20") == asked("")


def test_all_filters_count_also_several_by_one_field() -> None:
    found = asked("filter_page=/a&filter_page=/b&country=DE&filter_trait.plan=is_not:free")
    assert [one.values for one in found.conditions] == [("/a",), ("/b",), ("de",)]
    assert found.traits == (Filter("trait.plan".removeprefix("trait."), "is_not", ("free",)),)


def test_what_to_show_is_kept_as_asked_for() -> None:
    found = asked("fields=visitors, os,visitors&limit=1000&offset=7&compare=year")
    assert (found.fields, found.limit, found.offset, found.compare) == (
        ("visitors", "os"),
        1000,
        7,
        Compare.YEAR,
    )


def test_as_many_values_as_allowed_are_kept() -> None:
    values = ",".join(map(str, range(MAX_VALUES)))
    assert len(only(f"filter_utm_source={values}").values) == MAX_VALUES
    with pytest.raises(BadRequest, match="filter_os: all filters together have at most 500 values"):
        asked(f"filter_utm_source={values}&filter_os=x&filter_browser=x")
    with pytest.raises(BadRequest, match=r"filter_trait\.plan: all filters together"):
        asked(f"filter_utm_source={values}&filter_trait.plan=x")


def test_countries_that_a_part_stands_for_count_and_the_same_filter_counts_once() -> None:
    letters = ",".join("abcdefghijklmnopqrst")
    found = asked("&".join([f"filter_country=contains:{letters}"] * 20))
    assert len(found.conditions) == 1
    assert len(asked("filter_os=x&filter_os=is:x&os=x").conditions) == 1
    with pytest.raises(BadRequest, match="filter_country: all filters together have at most 500 values"):
        asked("&".join(f"filter_country=contains:{letters[n:]}" for n in range(0, 20, 2)))


def test_names_of_countries_are_not_folded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    folding = Mock(wraps=folded)
    monkeypatch.setattr(dimensions, "folded", folding)
    assert "DE" in dimensions.countries_named("germ")
    folding.assert_called_once_with("germ")


@given(
    st.lists(
        st.tuples(st.sampled_from([f"filter_{name}" for name in FILTERS]), st.text(max_size=30)), max_size=4
    )
)
def test_any_text_is_a_question_or_refused(pairs: list[tuple[str, str]]) -> None:
    with suppress(BadRequest):
        found = read_question(pairs, "UTC", NOW, 0)
        assert len(found.conditions) == len(set(found.conditions)) <= len(pairs)


def test_each_card_groups_by_columns_of_its_own() -> None:
    assert len({(card.counted, card.columns) for card in CARDS.values()}) == len(CARDS)


def test_each_field_of_an_answer_says_what_has_to_be_counted_for_it() -> None:
    assert NEEDED.keys() == set(OF_OVERVIEW) - {"currency"}
    assert {name for names in NEEDED.values() for name in names} == set(MEASURES)

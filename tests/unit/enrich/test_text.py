"""Texts: goal names, parameters and free text are cleaned and bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.collect.enrich.text import clean_goal_name, clean_parameters, clean_text


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        *(
            ("abc", 2, "ab"),
            (" a b ", 9, "a b"),
            ("a\x00\n\x7f\x85b\ud800", 9, "ab"),
            ("", 9, None),
            (" \n", 9, None),
            ("é😀", 1, "é"),
        ),
        *((None, 9, None), (1, 9, None), (["a"], 9, None), ("\u00a0a\u00a0", 9, "a")),
    ],
)
def test_text_is_cleaned(value: object, limit: int, expected: str | None) -> None:
    assert clean_text(value, limit) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(
            ("Sign Up", "sign_up"),
            (" a:b-c_1 ", "a:b-c_1"),
            ("a" * 64, "a" * 64),
            ("a" * 65, None),
            ("", None),
            ("  ", None),
        ),
        *(
            ("é", None),
            ("a/b", None),
            ("a\n", "a"),
            ("a\nb", None),
            (None, None),
            (1, None),
            ({}, None),
            ("x" * 10_000, None),
        ),
    ],
)
def test_a_goal_name_is_normalised_or_refused(value: object, expected: str | None) -> None:
    assert clean_goal_name(value) == expected


def test_parameters_become_texts() -> None:
    sent: dict[str, object] = {"Plan": "Pro", "n": 3, "f": 1.5, "g": 2.0, "yes": True, "no": False, "e": ""}
    expected = {"plan": "Pro", "n": "3", "f": "1.5", "g": "2", "yes": "true", "no": "false", "e": ""}
    assert clean_parameters(sent) == expected


def test_markup_and_control_characters_leave_values_and_long_ones_are_cut() -> None:
    assert clean_parameters({"a": "<b>'x' & \"y\"\x00", "c": "<" + "x" * 300}) == {
        "a": "bx  y",
        "c": "x" * 255,
    }


def test_malformed_names_and_values_are_left_out() -> None:
    sent: dict[str, object] = {
        "": "a",
        "a b": "a",
        "é": "a",
        "x" * 65: "a",
        "null": None,
        "list": [1],
        "object": {},
        "huge": 10**5000,
    }
    assert clean_parameters({**sent, "ok": "1"}) == {"ok": "1"}


def test_the_first_ten_parameters_count() -> None:
    assert list(clean_parameters({"bad name": 0, **{f"p{n}": n for n in range(20)}})) == [
        f"p{n}" for n in range(10)
    ]


def test_the_first_of_names_that_differ_in_case_counts() -> None:
    assert clean_parameters({"Plan": "a", "plan": "b"}) == {"plan": "a"}


VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=1)
)


@given(st.dictionaries(st.text() | st.from_regex(r"[A-Za-z_-]{1,9}", fullmatch=True), VALUES, max_size=20))
def test_any_parameters_come_out_bounded_and_storable(data: dict[str, object]) -> None:
    found = clean_parameters(data)
    assert len(found) <= 10
    for name, value in found.items():
        assert 1 <= len(name) <= 64
        assert len(value) <= 255
        assert not set(value) & set("<>'\"&\x00")
        value.encode("utf-8")
    assert clean_parameters(found) == found


@given(st.text(), st.integers(1, 50))
def test_clean_text_is_bounded_and_storable(value: str, limit: int) -> None:
    text = clean_text(value, limit)
    assert text is None or (0 < len(text) <= limit and text.encode("utf-8"))

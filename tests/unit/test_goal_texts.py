"""What goals say is text, whatever markup it pretends to be."""

from __future__ import annotations

import pytest

from footfall.goals.wire import without_markup


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a <b>bold</b> word", "a bold word"),
        ("1 < 2 and 2 > 1", "1 < 2 and 2 > 1"),
        ("<<b>script>alert(1)<</b>/script>", "scriptalert(1)/script"),
        ("<<a><b><c>i>", "i"),
    ],
)
def test_no_tags_are_left_however_they_are_nested(text: str, left: str) -> None:
    assert without_markup(text) == left

"""Amounts, places, traits and times are written as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from footfall.dashboard.rendering import (
    breakable,
    environment,
    money_text,
    place_text,
    sorted_traits,
)


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (29, "USD", "$29"),
        (29.5, "eur", "€29.50"),
        (1234.5, "SEK", "1,234.50 SEK"),
        (-5, "GBP", "\u2212£5"),
        (29, None, "29"),
        ("much", "USD", "much USD"),
        (None, "USD", "null USD"),
        (True, "", "yes"),
    ],
)
def test_amounts_are_written_as_people_write_them(amount: Any, currency: Any, shown: str) -> None:
    assert money_text(amount, currency) == shown


def test_long_words_break_behind_signs_that_people_know() -> None:
    shown = breakable("ada.of@example.com: //3. <b>\u2069 @")
    assert shown == "<bdi>ada.<wbr>of@<wbr>example.<wbr>com: //<wbr>3. &lt;b&gt; @</bdi>"


def test_places_are_written_as_people_write_them() -> None:
    assert place_text("Berlin", "Germany", "DE-BE") == "Berlin, Germany"
    assert place_text(None, "Germany", "DE-BE") == "Germany (DE-BE)"
    assert place_text(None, None, "DE-BE") == "DE-BE"
    assert place_text("Berlin", None) == "Berlin"
    assert place_text(None, None) == ""


def test_traits_have_one_order_whatever_order_they_are_stored_in() -> None:
    names = ["b", "A", "a", "B"]
    assert [key for key, _ in sorted_traits(dict.fromkeys(names))] == ["A", "a", "B", "b"]
    assert sorted_traits(dict.fromkeys(names)) == sorted_traits(dict.fromkeys(reversed(names)))


def test_a_time_zone_that_this_machine_does_not_know_is_utc() -> None:
    html = environment().from_string("{{ clock(0, zone) }}").render(zone="Mars/Olympus")
    assert html == "1 Jan 1970, 00:00 UTC"

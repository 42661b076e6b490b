"""What an erasure makes of texts that may hold e-mail addresses."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.collect.erasing import ERASED, without_emails


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("https://a.example/u/ada@example.com?x=1", f"https://a.example/u/{ERASED}?x=1"),
        ("/reset/ada%40example.com/now", f"/reset/{ERASED}/now"),
        ("mail=ada@example.com&to=bob@example.com", f"mail={ERASED}&to={ERASED}"),
        ("@handle and a@", "@handle and a@"),
        ("a@@b", ERASED),
        ("nobody here", "nobody here"),
    ],
)
def test_addresses_go_and_the_rest_stays(text: str, left: str) -> None:
    assert without_emails(text) == left


def test_no_text_is_no_text() -> None:
    assert without_emails(None) is None


@given(st.text(alphabet="a@%40/&= .", max_size=30))
def test_every_run_of_characters_is_judged_as_a_whole(text: str) -> None:
    parts = re.split(r"([\s/?&=#;,])", text)
    wanted = [ERASED if re.search("(?<=.)(@|%40)(?=.)", part) else part for part in parts]
    assert without_emails(text) == "".join(wanted)


def test_a_long_text_without_an_address_is_read_once() -> None:
    text = "a" * 2_000_000  # tried at each of its characters, this would take hours
    assert without_emails(text) == text

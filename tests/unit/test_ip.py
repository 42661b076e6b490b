"""IP addresses as text."""

from __future__ import annotations

import pytest

from footfall.ip import parse_ip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:C000:0201", "192.0.2.1"),
        ("2001:db8:0::1", "2001:db8::1"),
        ("::", "::"),
    ],
)
def test_an_ipv4_address_is_one_in_either_notation(text: str, shown: str) -> None:
    assert str(parse_ip(text)) == shown


@pytest.mark.parametrize("text", ["", "localhost", "192.0.2.1:80", "[::1]", "10.0.0.0/8"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse_ip(text) is None

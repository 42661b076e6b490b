"""Referrers: other websites count, the website's own pages do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.collect.enrich.referrer import Referrer, parse_referrer

OWN = ("example.com", "*.shop.example", "com.example.app")


@pytest.mark.parametrize(
    ("referrer", "host", "url"),
    [
        ("https://news.ycombinator.com/", "news.ycombinator.com", "news.ycombinator.com/"),
        ("https://www.Google.com/search?q=secret#x", "google.com", "www.google.com/search"),
        ("http://user:secret@a.example:8080/p", "a.example", "a.example:8080/p"),
        ("android-app://com.google.android.gm/", "com.google.android.gm", "com.google.android.gm/"),
        ("https://evilexample.com/", "evilexample.com", "evilexample.com/"),
        ("https://example.com.evil.org", "example.com.evil.org", "example.com.evil.org/"),
    ],
)
def test_another_website_is_a_referrer(referrer: str, host: str, url: str) -> None:
    assert parse_referrer(referrer, OWN) == Referrer(host, url)


@pytest.mark.parametrize(
    "referrer",
    [
        *(
            None,
            "",
            " ",
            "about:blank",
            "/path",
            "https://",
            "direct",
            1,
            [],
            {},
            "javascript:alert(1)",
            "datafast://web/x",
        ),
        *(
            "https://example.com/a",
            "https://www.example.com",
            "http://EXAMPLE.com:8080/",
            "https://app.example.com/",
        ),
        *("https://shop.example/", "https://a.shop.example/", "android-app://com.example.app/"),
    ],
)
def test_nothing_malformed_or_own_is_a_referrer(referrer: object) -> None:
    assert parse_referrer(referrer, OWN) is None


def test_an_empty_own_host_owns_nothing() -> None:
    assert parse_referrer("https://other.example/", ("", "*.")) is not None


@given(st.text() | st.text().map("https://a.example/{}".format))
def test_no_text_raises_and_no_query_remains(referrer: str) -> None:
    found = parse_referrer(referrer, OWN)
    assert found is None or ("?" not in found.url and found.url.isascii())

"""Analytics over HTTP: what happened to the websites of a server is what its routes tell."""

from __future__ import annotations

from tests.support.counting import Counting


def test_an_overview_tells_what_happened(numbers: Counting) -> None:
    site = numbers.site()
    site.pageview()
    (row,) = numbers.ask(site, "overview")["data"]
    assert (row["visitors"], row["pageviews"], row["bounce_rate"]) == (1, 1, 100.0)

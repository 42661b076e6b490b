"""Which pages and goals reach a step of a funnel."""

from __future__ import annotations

import duckdb
import pytest

from footfall.analytics.dialects import DUCKDB
from footfall.analytics.steps import reaching
from footfall.collect.enrich.page import parse_page
from footfall.collect.model import LIFECYCLE
from footfall.funnels.model import FunnelStep


def is_reached(address: str, href: str) -> bool:
    """Whether a page reaches a step, by the condition that the columns are asked with."""
    reached = reaching(FunnelStep("Step", "pageview", address), "$step", DUCKDB)
    page = parse_page(href, hash_routing=True)
    assert page is not None
    row = {"host": page.url.removesuffix(page.path), "path": page.path, "step": reached.value}
    with duckdb.connect() as connection:
        text = f"SELECT {reached.condition} FROM (SELECT 1 AS type, $host AS host, $path AS path)"
        found = connection.execute(text, row).fetchone()
    return bool(found and found[0])


@pytest.mark.parametrize(
    ("address", "href"),
    [
        ("/pricing", "https://example.com/pricing?plan=pro"),
        ("/pricing?plan=pro", "https://example.com/pricing"),
        ("/blog/*", "https://example.com/blog/a/b"),
        ("*/buy", "https://example.com/shop/buy"),
        ("*", "https://example.com/"),
        ("/käse und brot", "https://example.com/käse und brot"),
        ("/a(b).c+", "https://example.com/a(b).c+"),
        ("/#/pricing", "https://example.com/#/pricing"),
        ("https://Example.com", "https://example.com/"),
        ("https://www.example.com/a", "https://example.com/a"),
        ("https://example.com/a", "https://www.example.com/a"),
        ("http://*.example.com/a", "https://shop.example.com/a"),
        ("https://*", "https://shop.example.com/a"),
    ],
)
def test_a_page_reaches_a_step_by_its_address(address: str, href: str) -> None:
    assert is_reached(address, href)


@pytest.mark.parametrize(
    ("address", "href"),
    [
        ("/pricing", "https://example.com/pricing/"),
        ("/pricing", "https://example.com/Pricing"),
        ("/a.c", "https://example.com/abc"),
        ("https://example.com/a", "https://shop.example.com/a"),
        ("https://example.com", "https://example.com/a"),
    ],
)
def test_another_page_does_not(address: str, href: str) -> None:
    assert not is_reached(address, href)


def test_lifecycle_goals_are_reached_by_payments_or_by_nothing_that_columns_know() -> None:
    found = {
        goal: reaching(FunnelStep("Step", "goal", goal), "$step", DUCKDB).condition for goal in LIFECYCLE
    }
    assert found == dict.fromkeys(LIFECYCLE, "FALSE") | {
        "payment": "type IN (10, 11, 12)",
        "free_trial": "type IN (14)",
        "subscription_started": "type IN (11)",
        "subscription_renewed": "type IN (12)",
    }

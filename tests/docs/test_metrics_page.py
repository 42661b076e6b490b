"""The example of the page on metrics: the definitions in plain Python, and DuckDB, come to what it says."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from footfall.analytics.compose import (
    MEASURES,
    PLACED,
    TOUCHES,
    BoundRates,
    Scene,
    compose_card,
    compose_overview,
)
from footfall.analytics.dimensions import CARDS, Counted
from footfall.analytics.query import Question, read_question
from footfall.clock import DAY_MS, from_iso
from tests.support.reference import Reference
from tests.support.stories import CUSTOM, PAGEVIEW, PAID, WEBSITE, Deed, Entry, Story, fill

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
EXAMPLE = PAGE.partition("## An example")[2]
VISITORS = {"laptop": 1, "phone": 2, "tablet": 3}
ADA = 9
MIDDAY = from_iso("2026-05-05T12:00:00Z")
SCENE = Scene(WEBSITE, rates=BoundRates(["EUR"], [MIDDAY // DAY_MS], [1.0]))
DAY = [("startAt", "2026-05-05"), ("endAt", "2026-05-05")]


def deed_of(time: str, visitor: str, event: str, what: str, origin: str) -> Deed:
    at = from_iso(f"{time.replace(' ', 'T')}:00+02:00")
    country, _, referrer = origin.partition(", ")
    said = {"country": country, **({"referrer": referrer} if referrer else {})} if origin else {}
    number = VISITORS[visitor]
    if event == "pageview":
        return Deed(number, at, PAGEVIEW, what, "example.com", origin=said)
    if event == "goal":
        return Deed(number, at, CUSTOM, name=what)
    return Deed(number, at, PAID, amount=round(float(what) * 100), currency="EUR")


@pytest.fixture
def question() -> Question:
    return read_question(DAY, "Europe/Berlin", MIDDAY, 0)


@pytest.fixture
def entries() -> list[Entry]:
    rows = re.findall(r"^\| \d+ \| ([\d: -]+) \| (\w+) \| (\w+) `(.+)` \| (.*?) ?\|$", EXAMPLE, re.M)
    assert len(rows) == 10
    known = {VISITORS[name]: [(0, ADA)] for name in ("laptop", "phone")}
    return Story([deed_of(*row) for row in rows], known).entries()


def as_written(counts: dict[str, int]) -> dict[str, str]:
    """The numbers as the page writes them."""
    revenue = counts["revenue_new"] + counts["revenue_renewal"] + counts["refunds"]
    return {
        "visitors": str(counts["visitors"]),
        "people": str(counts["people"]),
        "new visitors": str(counts["new_visitors"]),
        "sessions": str(counts["sessions"]),
        "pageviews": str(counts["pageviews"]),
        "bounce rate": f"{100 * counts['bounces'] / counts['begun']:.1f}%",
        "average session duration": f"{counts['time'] / counts['sessions'] / 60_000} min",
        "payments": str(counts["payments"]),
        "revenue": f"{revenue / 100:.2f}",
        "conversion rate": f"{100 * counts['payers'] / counts['visitors']:.1f}%",
        "revenue per visitor": f"{revenue / 100 / counts['visitors']:.2f}",
    }


def test_the_example_has_the_numbers_that_follow_from_its_events(
    entries: list[Entry], question: Question
) -> None:
    written = dict(re.findall(r"^\| ([a-z ]+) \| ([\d.%]+(?: min)?) \| .+ \|$", EXAMPLE, re.M))
    assert as_written(Reference(entries, SCENE).overview(question)) == written
    with duckdb.connect() as duck:
        fill(duck, entries)
        composed = compose_overview(SCENE, question)
        (row,) = duck.execute(composed.text, composed.values).fetchall()
    assert as_written(dict(zip(MEASURES, row, strict=True))) == written


def test_the_example_has_the_cards_that_follow_from_its_events(
    entries: list[Entry], question: Question
) -> None:
    rows = re.findall(r"^\| ([a-z-]+) \| (\S+) \| (\d+) \| ([\d.]+) \| .+ \|$", EXAMPLE, re.M)
    written = {(card, key, visitors, revenue) for card, key, visitors, revenue in rows}
    names = sorted({row[0] for row in rows})
    reference = Reference(entries, SCENE)
    counted = {(name, keys): one for name in names for keys, one in reference.card(question, name).items()}
    assert {card_row(name, keys, one) for (name, keys), one in counted.items()} == written
    with duckdb.connect() as duck:
        fill(duck, entries)
        assert {row for name in names for row in asked(duck, question, name)} == written


def test_the_example_has_the_filters_that_follow_from_its_events(entries: list[Entry]) -> None:
    written = re.findall(r"^\| `(filter_\w+)=(\w+)` \| (\d+) \| .+ \|$", EXAMPLE, re.M)
    assert len(written) == 3
    with duckdb.connect() as duck:
        fill(duck, entries)
        for name, value, visitors in written:
            filtered = read_question([*DAY, (name, value)], "Europe/Berlin", MIDDAY, 0)
            composed = compose_overview(SCENE, filtered)
            (row,) = duck.execute(composed.text, composed.values).fetchall()
            reference = Reference(entries, SCENE).overview(filtered)
            assert row[0] == reference["visitors"] == int(visitors), (name, value)


def asked(duck: duckdb.DuckDBPyConnection, question: Question, name: str) -> set[tuple[str, str, str, str]]:
    composed, card = compose_card(SCENE, question, name), CARDS[name]
    width = 1 + len(card.columns)
    measures = PLACED if card.counted is Counted.VISITORS else TOUCHES
    return {
        card_row(name, row[1:width], dict(zip(measures, row[width:], strict=True)))
        for row in duck.execute(composed.text, composed.values).fetchall()
    }


def card_row(name: str, keys: tuple[str | None, ...], counts: dict[str, int]) -> tuple[str, str, str, str]:
    return name, keys[-1] or "none", str(counts["visitors"]), f"{counts['revenue_new'] / 100:.2f}"

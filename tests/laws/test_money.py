"""What DuckDB answers about sources, customers and hours of payments equals the definitions, whatever happened and whatever is asked."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.analytics.compose import Scene
from footfall.analytics.dimensions import CARDS
from footfall.analytics.money.compose import (
    compose_customers,
    compose_delays,
    compose_hours,
    compose_sources,
)
from footfall.analytics.money.model import CustomerSum
from footfall.analytics.query import Question
from tests.laws import test_metrics as metrics
from tests.support.earned import EarnedReference
from tests.support.stories import Entry, fill

SOURCES = ["channels", "referrers", "campaigns"]
some = settings(max_examples=20)


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory."""
    with duckdb.connect(config={"threads": 1}) as opened:
        yield opened


@some
@given(metrics.entries, metrics.questions, metrics.scenes, st.sampled_from(SOURCES))
def test_what_sources_brought_equals_the_definitions(
    duck: duckdb.DuckDBPyConnection, entries: list[Entry], question: Question, scene: Scene, name: str
) -> None:
    fill(duck, entries)
    width = len(CARDS[name].columns)
    rows = metrics.ask(duck, compose_sources(scene, question, name, 1000))
    expected = EarnedReference(entries, scene).sources(question, name)
    assert {tuple(row[:width]): tuple(row[width:]) for row in rows} == expected
    assert [row[width + 1] for row in rows] == sorted((row[width + 1] for row in rows), reverse=True)
    assert rows[:1] == metrics.ask(duck, compose_sources(scene, question, name, 1))


@some
@given(metrics.entries, metrics.questions, metrics.scenes)
def test_customers_equal_the_definitions(
    duck: duckdb.DuckDBPyConnection, entries: list[Entry], question: Question, scene: Scene
) -> None:
    fill(duck, entries)
    rows = metrics.ask(duck, compose_customers(scene, question, 1000))
    expected = EarnedReference(entries, scene).customers(question)
    assert {CustomerSum(*row[2:]) for row in rows if row[2] is not None} == expected.keys()
    assert tuple(rows[0][:2]) == (len(expected), sum(expected.values()))
    assert tuple(metrics.ask(duck, compose_customers(scene, question, 1))[0]) == tuple(rows[0])


@some
@given(metrics.entries, metrics.questions, metrics.scenes)
def test_times_to_purchase_and_hours_equal_the_definitions(
    duck: duckdb.DuckDBPyConnection, entries: list[Entry], question: Question, scene: Scene
) -> None:
    fill(duck, entries)
    reference = EarnedReference(entries, scene)
    delays = {
        (what, amount): many for what, amount, many in metrics.ask(duck, compose_delays(scene, question))
    }
    assert delays == reference.delays(question)
    hours = {tuple(row[:2]): tuple(row[2:]) for row in metrics.ask(duck, compose_hours(scene, question))}
    assert hours == reference.hours(question)

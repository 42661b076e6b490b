"""Columns in ClickHouse obey the same laws as those in a file: they say what the database does, and their answers equal the definitions."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from footfall.analytics.clickhouse_dialect import CLICKHOUSE
from footfall.analytics.compared import compose_rows_of_card
from footfall.analytics.compose import compose_card
from footfall.analytics.dimensions import CARDS
from footfall.analytics.query import Question
from footfall.analytics.ranges import SeriesInterval
from footfall.analytics.scene import NEEDED, Composed, Scene
from footfall.columns import feeder as feeding
from footfall.columns.clickhouse import ClickHouseColumns, read_place, token_at
from footfall.columns.file import ColumnStep
from footfall.columns.layout import COLUMNS
from footfall.columns.model import Derived, DerivedPayments
from tests.laws import test_metrics as metrics
from tests.laws.test_columns import (
    CHANGED_AND_GONE,
    LAST,
    LATE,
    MATCHED_LATER,
    Step,
    Story,
    slice_small,
    some_steps,
    step,
)
from tests.support.clickhouse import IS_THERE, LocalClickHouse
from tests.support.columns import Values, in_order
from tests.support.stories import WEBSITE, Entry, row_of

pytestmark = pytest.mark.skipif(not IS_THERE, reason="the engine of ClickHouse is not installed")
ROWS = f"SELECT {', '.join(COLUMNS)} FROM event_row_local WHERE website >= 0"
"""Of a shard: there is but one."""


class SharedStory(Story):
    """A story that columns in ClickHouse are fed with."""

    def rows(self) -> list[Values]:
        return in_order(self.file.rows(ROWS))


@pytest.fixture(scope="module")
def columns(clickhouse: LocalClickHouse) -> Iterator[ClickHouseColumns]:
    """Those of all stories, on a cluster."""
    numbers = itertools.count(1)
    place = read_place(f"{clickhouse.new_database()}?cluster=main")
    with closing(ClickHouseColumns(place, lambda: next(numbers))) as made:
        made.begin_fresh()
        made.install_fresh(token_at(0))
        yield made


@contextmanager
def story_in(session: Any, columns: Any) -> Iterator[Story]:
    tx = session.begin()
    try:
        yield SharedStory(tx, columns)
    finally:
        session.rollback()


@settings(
    max_examples=1,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=some_steps)
@example(MATCHED_LATER)
@example(LATE)
@example(CHANGED_AND_GONE)
def test_the_columns_say_what_the_database_says(
    sqlite_session: Any, columns: ClickHouseColumns, steps: list[Step]
) -> None:
    with pytest.MonkeyPatch.context() as patch, story_in(sqlite_session, columns) as story:
        patch.setattr(feeding, "MOST_CHANGES", 2)
        patch.setattr(feeding, "VISITORS", 2)
        slice_small(patch)
        for one in steps:
            story.do(one)
        story.do(LAST)


def test_nothing_of_what_was_erased_is_left_in_the_tables(
    sqlite_session: Any, columns: ClickHouseColumns, monkeypatch: pytest.MonkeyPatch
) -> None:
    slice_small(monkeypatch)
    with story_in(sqlite_session, columns) as story:
        for what in ("pageview", "know", "pay"):
            story.do(step(what, 0, 3))
        story.do(step("know", 6, 1, user="bob"))
        for at in (1, 2, 7, 8, 9):
            story.do(step("pageview", at, 1))
        story.do(step("erase"))
        story.do(LAST)
        with_replaced: dict[str, Any] = {"final": 0}
        found = columns.ask(
            "SELECT count(), uniqExact(website, ts, owner, type, n) FROM event_row_local", None, with_replaced
        )
        assert found[0][0] == found[0][1]


class Asked:
    """Columns in ClickHouse that are asked as those in memory are."""

    def __init__(self, columns: ClickHouseColumns) -> None:
        self._columns = columns
        self._rows: list[Values] = []

    def execute(self, text: str, values: Any) -> Asked:
        self._rows = self._columns.rows(text, values)
        return self

    def fetchall(self) -> list[Values]:
        return self._rows


def refill(columns: ClickHouseColumns, entries: list[Entry]) -> None:
    """Let these rows alone be there."""
    by_visitor: dict[Any, list[Any]] = {}
    for entry in entries:
        row = row_of(entry)
        by_visitor.setdefault(row["visitor"], []).append(tuple(row.get(name) for name in COLUMNS))
    loose = by_visitor.pop(None, [])
    columns.apply(ColumnStep(gone=[WEBSITE]))
    columns.apply(
        ColumnStep(
            [Derived(WEBSITE, visitor, 0, rows) for visitor, rows in by_visitor.items()],
            [
                DerivedPayments(WEBSITE, at, [row for row in loose if row[1] == at])
                for at in {row[1] for row in loose}
            ],
        )
    )


METRICS = {
    metrics.test_the_overview_equals_the_definitions: None,
    metrics.test_each_part_of_a_series_equals_the_definitions: st.sampled_from(SeriesInterval),
    metrics.test_each_card_equals_the_definitions: st.sampled_from(sorted(CARDS)),
    metrics.test_what_no_field_tells_of_is_not_counted: st.sets(
        st.sampled_from(sorted(NEEDED)), min_size=1, max_size=3
    ),
    metrics.test_several_cards_at_once_equal_the_definitions: st.lists(
        st.sampled_from(metrics.PLACES), min_size=1, max_size=4, unique=True
    ),
    metrics.test_properties_of_goals_equal_the_definitions: st.sampled_from([None, "plan", "size", "no"]),
    metrics.test_funnels_equal_the_definitions: st.lists(
        st.sampled_from(metrics.STEPS_OF), min_size=2, max_size=4
    ),
    metrics.test_retention_equals_the_definitions: None,
}
"""The laws of the metrics, with what else they are about."""


@settings(max_examples=1, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(metrics.entries, metrics.questions, metrics.scenes, st.data())
def test_answers_equal_the_definitions(
    columns: ClickHouseColumns, entries: list[Entry], question: Question, scene: Scene, data: st.DataObject
) -> None:
    assume(len({one.deed.type for one in entries}) > 3)  # the first that is tried is the dullest
    refill(columns, entries)
    asked, scene = Asked(columns), scene._replace(dialect=CLICKHOUSE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "fill", lambda connection, entries: None)
        for law, more in METRICS.items():
            rest = [] if more is None else [data.draw(more)]
            law.hypothesis.inner_test(asked, entries, question, scene, *rest)  # type: ignore[attr-defined]
    name = data.draw(st.sampled_from(sorted(CARDS)))
    rows = [row[1:] for row in ask(asked, compose_card(scene, question, name)) if row[-1] is not None]
    wanted = [row[: len(CARDS[name].columns)] for row in rows] or [("x",) * len(CARDS[name].columns)]
    again = ask(asked, compose_rows_of_card(scene, question, name, wanted))
    assert Counter(row[1:] for row in again) == Counter(rows)


def ask(asked: Asked, composed: Composed) -> list[Values]:
    return asked.execute(composed.text, composed.values).fetchall()

"""Columns in ClickHouse obey the same laws as those in a file: they say what the database does, and their answers equal the definitions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from footfall.analytics.clickhouse_dialect import CLICKHOUSE
from footfall.analytics.compose import Whom, compose_overview
from footfall.analytics.dimensions import CARDS, MetricFilter, Operator
from footfall.analytics.query import Question
from footfall.analytics.ranges import SeriesInterval, TimeRange
from footfall.analytics.scene import NEEDED, Composed, Scene
from footfall.columns import feeder as feeding
from footfall.columns.clickhouse import ClickHouseColumns, read_place, token_at
from footfall.columns.file import ColumnStep
from footfall.columns.layout import COLUMNS
from footfall.columns.model import Derived, DerivedPayments
from tests.laws import test_metrics as metrics
from tests.laws import test_money as money
from tests.laws.test_columns import (
    CHANGED_AND_GONE,
    LAST,
    MATCHED_LATER,
    Step,
    Story,
    slice_small,
    some_steps,
    step,
)
from tests.support.clickhouse import IS_THERE, LocalClickHouse
from tests.support.columns import Values, in_order
from tests.support.reference import Reference
from tests.support.stories import CUSTOM, PAGEVIEW, WEBSITE, Deed, Entry, row_of
from tests.support.stories import Story as Deeds

pytestmark = pytest.mark.skipif(not IS_THERE, reason="the engine of ClickHouse is not installed")
ROWS = f"SELECT {', '.join(COLUMNS)} FROM event_row_local WHERE website >= 0"
"""Of a shard: there is but one."""


LEFT = "SELECT count() - uniqExact(website, ts, owner, type, n), countIf(is_deleted) FROM event_row_local WHERE website >= 0"
"""What an erasure leaves that nobody sees: older versions, and rows that say that one is gone."""
ERASED = [
    *(step(what, 0, 3) for what in ("pageview", "know", "pay")),
    step("know", 6, 1, user="bob"),
    *(step("pageview", at, 1) for at in (1, 2, 7, 8, 9)),
    step("erase"),
]


class SharedStory(Story):
    """A story that columns in ClickHouse are fed with."""

    def rows(self) -> list[Values]:
        return in_order(self.file.rows(ROWS))


@contextmanager
def made(url: str) -> Iterator[ClickHouseColumns]:
    numbers = itertools.count(1)
    with closing(ClickHouseColumns(read_place(url), lambda: next(numbers))) as columns:
        columns.begin_fresh()
        columns.install_fresh(token_at(0))
        yield columns


@pytest.fixture(scope="module")
def columns(clickhouse: LocalClickHouse) -> Iterator[ClickHouseColumns]:
    """Those of one server, for all questions."""
    with made(clickhouse.new_database()) as found:
        yield found


@pytest.fixture(scope="module")
def sharded(clickhouse: LocalClickHouse) -> Iterator[ClickHouseColumns]:
    """Those of a cluster, for all stories."""
    with made(f"{clickhouse.new_database()}?cluster=main") as found:
        yield found


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
@example(ERASED)
@example(CHANGED_AND_GONE)
def test_the_columns_say_what_the_database_says(
    sqlite_session: Any, sharded: ClickHouseColumns, steps: list[Step]
) -> None:
    with pytest.MonkeyPatch.context() as patch, story_in(sqlite_session, sharded) as story:
        patch.setattr(feeding, "MOST_CHANGES", 2)
        patch.setattr(feeding, "VISITORS", 2)
        slice_small(patch)
        for one in steps:
            story.do(one)
        story.do(LAST)
        if any(one.what == "erase" for one in steps):
            sharded.tidy()
            assert sharded.tidy()
            assert sharded.ask(LEFT, None, {"final": 0}) == [(0, 0)]


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
    money.test_what_sources_brought_equals_the_definitions: st.sampled_from(money.SOURCES),
    money.test_customers_equal_the_definitions: None,
    money.test_times_to_purchase_and_hours_equal_the_definitions: None,
}
"""The laws of the metrics, with what else they are about."""


@settings(max_examples=1, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(metrics.entries, metrics.questions, metrics.scenes, st.data())
def test_answers_equal_the_definitions(
    columns: ClickHouseColumns, entries: list[Entry], question: Question, scene: Scene, data: st.DataObject
) -> None:
    """One kind of question each time; of each kind one is compared with DuckDB in tests/api."""
    assume(len({one.deed.type for one in entries}) > 3)  # the first that is tried is the dullest
    refill(columns, entries)
    asked, scene = Asked(columns), scene._replace(dialect=CLICKHOUSE)
    law = data.draw(st.sampled_from([*METRICS]))
    rest = [] if (more := METRICS[law]) is None else [data.draw(more)]
    with pytest.MonkeyPatch.context() as patch:
        for laws in (metrics, money):
            patch.setattr(laws, "fill", lambda connection, entries: None)
        law.hypothesis.inner_test(asked, entries, question, scene, *rest)


def test_a_cluster_answers_questions_with_conditions(sharded: ClickHouseColumns) -> None:
    deeds = [
        Deed(101, metrics.START, PAGEVIEW, "/", "a.com"),
        Deed(101, metrics.START + 1, CUSTOM, name="signup"),
    ]
    entries = Deeds([*deeds, Deed(102, metrics.START, PAGEVIEW, "/", "a.com")]).entries()
    refill(sharded, entries)
    goal = MetricFilter("goal", Operator.IS, ("signup",))
    question = Question(
        range=TimeRange(metrics.START, metrics.START + 10 * metrics.STEP, "UTC"), conditions=(goal,)
    )
    scene = Scene(WEBSITE, [Whom(metrics.VISITORS)], dialect=CLICKHOUSE)
    (found,) = ask(Asked(sharded), compose_overview(scene, question))
    assert metrics.counts(found) == Reference(entries, scene).overview(question)
    assert found[0] == 1


def test_each_time_of_a_century_lies_in_its_month(columns: ClickHouseColumns) -> None:
    metrics.months_equal_the_definitions(Asked(columns), CLICKHOUSE, "Pacific/Apia", "1970-01-01")


def ask(asked: Asked, composed: Composed) -> list[Values]:
    return asked.execute(composed.text, composed.values).fetchall()

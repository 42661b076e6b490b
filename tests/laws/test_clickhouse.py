"""Columns in ClickHouse obey the same laws as those in a file: they say what the database does, and their answers equal the definitions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from footfall.columns import feeder as feeding
from footfall.columns.clickhouse import ClickHouseColumns, read_place, token_at
from footfall.columns.layout import COLUMNS
from tests.laws.test_columns import (
    FIRST_PAGE_LATE,
    LAST,
    LATE,
    MATCHED_LATER,
    PAGE_AFTER_OTHERS,
    Step,
    Story,
    some_steps,
    step,
)
from tests.support.clickhouse import IS_THERE, LocalClickHouse
from tests.support.columns import Values, in_order

pytestmark = pytest.mark.skipif(not IS_THERE, reason="the engine of ClickHouse is not installed")
ROWS = f"SELECT {', '.join(COLUMNS)} FROM event_row WHERE website >= 0"


class SharedStory(Story):
    """A story that columns in ClickHouse are fed with."""

    def rows(self) -> list[Values]:
        return in_order(self.file.rows(ROWS))


@pytest.fixture(scope="module")
def columns(clickhouse: LocalClickHouse) -> Iterator[ClickHouseColumns]:
    """Those of all stories."""
    numbers = itertools.count(1)
    with closing(ClickHouseColumns(read_place(clickhouse.new_database()), lambda: next(numbers))) as made:
        number = made.begin_fresh()
        made.install_fresh(token_at(number), number)
        yield made


@contextmanager
def story_in(session: Any, columns: Any) -> Iterator[Story]:
    tx = session.begin()
    try:
        yield SharedStory(tx, columns)
    finally:
        session.rollback()


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=some_steps)
@example(PAGE_AFTER_OTHERS)
@example(FIRST_PAGE_LATE)
@example(MATCHED_LATER)
@example(LATE)
def test_the_columns_say_what_the_database_says(
    sqlite_session: Any, columns: ClickHouseColumns, steps: list[Step]
) -> None:
    with pytest.MonkeyPatch.context() as patch, story_in(sqlite_session, columns) as story:
        patch.setattr(feeding, "MOST_CHANGES", 2)
        patch.setattr(feeding, "VISITORS", 2)
        for one in steps:
            if one.what == "retain":
                continue
            story.do(one)
        story.do(LAST)


def test_nothing_of_what_was_erased_is_left_in_the_tables(
    sqlite_session: Any, columns: ClickHouseColumns
) -> None:
    with story_in(sqlite_session, columns) as story:
        for what in ("pageview", "know", "pay", "merge"):
            story.do(step(what, 0, 3))
        story.do(step("erase"))
        story.do(LAST)
        with_replaced: dict[str, Any] = {"final": 0}
        found = columns.ask(
            "SELECT count(), uniqExact(website, ts, owner, type, n) FROM event_row", None, with_replaced
        )
        assert found[0][0] == found[0][1]

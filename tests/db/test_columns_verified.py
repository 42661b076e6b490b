"""`db verify` on the columns: what it finds, and what it is not misled by."""

from __future__ import annotations

import pytest

from footfall.columns import verify as verifying
from footfall.columns.keeper import ColumnKeeper
from footfall.columns.model import number_of_visitor
from footfall.columns.verify import ADVICE, ColumnsReport, verify_columns
from footfall.outbox import store as outbox
from tests.db.test_columns import database, feed, keeper, see
from tests.support.engines import Place

__all__ = ["database", "keeper"]


def verified(keeper: ColumnKeeper, place: Place, *, is_full: bool = True) -> ColumnsReport:
    assert keeper.file is not None
    return verify_columns(place, keeper.file.rows, is_full=is_full)


@pytest.mark.parametrize("is_full", [False, True])
def test_right_columns_have_no_differences(keeper: ColumnKeeper, database: Place, *, is_full: bool) -> None:
    assert verified(keeper, database, is_full=is_full) == ColumnsReport(events=3, visitors=2)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("UPDATE event_row SET path = '/other' WHERE prev_at > 0", "rows of visitor"),
        ("DELETE FROM event_row WHERE prev_at > 0", "on 1970-01-01: 3 rows of type pageview, columns have 2"),
        ("UPDATE event_row SET website = 7", "a website that there is not"),
    ],
)
def test_a_difference_is_told_with_what_to_do(
    keeper: ColumnKeeper, database: Place, harm: str, told: str
) -> None:
    assert keeper.file is not None
    keeper.file.rows(harm)
    report = verified(keeper, database)
    assert report.differences
    assert any(told in one for one in report.shown)
    assert report.advice == ADVICE


def test_what_the_columns_are_about_to_take_is_waited_for(
    keeper: ColumnKeeper, database: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    see(database)
    monkeypatch.setattr(verifying, "sleep", lambda seconds: feed(keeper))
    assert database.snapshot(outbox.change_ids)
    assert verified(keeper, database).differences == 0


def test_visitors_whose_ids_are_counted_up_are_told_apart() -> None:
    numbers = {number_of_visitor(bytes(15) + bytes([last])) for last in range(256)}
    assert len(numbers) == 256

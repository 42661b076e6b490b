"""What is counted of goals: as cheap for pageviews as nothing, and right for events that were there before it was counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from footfall.collect.goals import event_sql, tracked_goals
from footfall.collect.model import Hit
from footfall.collect.service import record, sql
from footfall.db import migrate
from footfall.db.protocol import Params, Row
from footfall.db.statements import Statement, make_statement
from footfall.ids import at_prefix
from footfall.storage import migrate_database
from tests.support.engines import Engine, Place, PostgresEngine

WEBSITE = b"w" * 12
COUNTS = make_statement(
    "counts",
    "website_id bytes",
    "SELECT name, visitor_id, completions, first_id, last_id FROM goal_count WHERE website_id = :website_id ORDER BY name, visitor_id",
    "name text, visitor_id bytes, completions int, first_id bytes, last_id bytes",
)


class Watched:
    """A transaction in which nothing is found, that notes what is written."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def get_many(self, statement: Statement, keys: Sequence[Params]) -> list[Row | None]:
        return [None for _ in keys]

    def execute_many(self, statement: Statement, rows: Sequence[Params]) -> None:
        self.written.append(statement.name)


def hit(kind: str, name: str | None = None) -> Hit:
    return Hit(WEBSITE, b"v" * 16, b"e" * 10, 1, kind, None, None, None, name, None, None, "{}", None, None)


@pytest.mark.parametrize(
    ("hits", "written"),
    [
        ([hit("pageview")], ["event_add", "session_put", "visitor_put", "change_add"]),
        ([hit("custom", "a")], ["event_add", "session_put", "goal_counted", "visitor_put", "change_add"]),
    ],
)
def test_only_goals_are_counted(hits: list[Hit], written: list[str]) -> None:
    tx: Any = Watched()
    record(tx, hits)
    assert tx.written == written


@pytest.fixture
def bare(engine: Engine, tmp_path: Path) -> Place:
    """A database without a schema."""
    return engine.bare_place() if isinstance(engine, PostgresEngine) else Place(engine.name, tmp_path, "")


def test_goals_that_were_reached_before_they_were_counted_count(
    bare: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = migrate._texts()
    monkeypatch.setattr(migrate, "_texts", lambda: [one for one in whole if one[0] < "0005"])
    migrate_database(bare.settings)
    ids = [at_prefix(at) + b"0000" for at in (5, 3, 9, 7)]
    reached = [(1, ids[0], "a"), (1, ids[1], "a"), (1, ids[2], "b"), (2, ids[3], "a"), (2, ids[0], None)]
    rows: list[Params] = [
        (
            WEBSITE,
            bytes([who]) * 16,
            event_id,
            "custom" if name else "pageview",
            3,
            None,
            None,
            None,
            name,
            None,
        )
        for who, event_id, name in reached
    ]
    visitors: list[Params] = [
        (WEBSITE, bytes([who]) * 16, 3, 9, 3, 1, pages, *[None] * 6)
        for who, pages in ((1, 1), (2, 1), (3, 0))
    ]
    bare.transact(lambda tx: tx.execute_many(event_sql.event_add, rows))
    bare.transact(lambda tx: tx.execute_many(sql.visitor_put, visitors))
    monkeypatch.undo()
    migrate_database(bare.settings)
    counted = [
        (row.name, row.visitor_id[0], row.completions, row.first_id, row.last_id)
        for row in bare.snapshot(lambda tx: tx.all(COUNTS, (WEBSITE,)))
    ]
    assert counted == [
        ("a", 1, 2, ids[1], ids[0]),
        ("a", 2, 1, ids[3], ids[3]),
        ("b", 1, 1, ids[2], ids[2]),
    ]
    goals, visitors_shown = bare.snapshot(lambda tx: tracked_goals(tx, WEBSITE))
    assert [(one.name, one.total, one.visitors) for one in goals] == [("a", 3, 2), ("b", 1, 1)]
    assert visitors_shown == 2

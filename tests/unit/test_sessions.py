"""Sessions: 30 minutes without an event end one. The clock is an argument."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from footfall.collect import service
from footfall.collect.model import CUSTOM, PAGEVIEW, PAYMENT, Hit
from footfall.collect.service import record
from footfall.db.protocol import Row
from footfall.db.sqlite.connection import FILE_NAME
from footfall.db.sqlite.session import SqliteSession, open_session
from footfall.ids import at_prefix

MINUTE = 60_000
START = 1_700_000_000_000
WEBSITE, VISITOR = b"w" * 12, b"v" * 16


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[SqliteSession]:
    session = open_session(tmp_path / FILE_NAME)
    yield session
    session.close()


def hit(minutes: float, kind: str = PAGEVIEW, visitor: bytes = VISITOR, referrer: str | None = None) -> Hit:
    at = START + int(minutes * MINUTE)
    event_id = at_prefix(at) + b"\0\0" + visitor[:1] + kind[:1].encode()
    return Hit(
        WEBSITE,
        visitor,
        event_id,
        at,
        kind,
        f"x/{minutes}",
        None,
        referrer,
        None,
        None,
        None,
        "{}",
        None,
        None,
    )


def sessions(opened: SqliteSession) -> list[tuple[float, str, str | None]]:
    """(minute of its start, entry page, referrer) of each session."""
    rows = opened.connection.execute(
        "SELECT started_at, entry_url, referrer FROM session ORDER BY started_at"
    )
    return [((row[0] - START) / MINUTE, row[1], row[2]) for row in rows]


def visitor_row(opened: SqliteSession) -> Row:
    query = "SELECT session_count, pageview_count, (session_started_at - ?) / ?, current_url FROM visitor"
    (row,) = opened.connection.execute(query, (START, MINUTE)).fetchall()
    return row


def send(opened: SqliteSession, *hits: Hit) -> None:
    """Each in a transaction of its own."""
    for one in hits:
        opened.transact(functools.partial(record, hits=[one]))


def test_events_within_half_an_hour_are_one_session(opened: SqliteSession) -> None:
    send(opened, hit(0), hit(29), hit(59))
    assert sessions(opened) == [(0, "x/0", None)]
    assert visitor_row(opened)[:2] == (1, 3)


def test_exactly_30_minutes_are_still_the_same_session(opened: SqliteSession) -> None:
    send(opened, hit(0), hit(30))
    assert len(sessions(opened)) == 1


def test_a_millisecond_more_begins_a_new_one(opened: SqliteSession) -> None:
    send(opened, hit(0, referrer="one"), hit(30 + 1 / MINUTE, referrer="two"))
    assert [row[2] for row in sessions(opened)] == ["one", "two"]
    assert visitor_row(opened)[:2] == (2, 2)


def test_goals_keep_a_session_alive(opened: SqliteSession) -> None:
    send(opened, hit(0), hit(29, CUSTOM), hit(58, CUSTOM), hit(87))
    assert len(sessions(opened)) == 1


def test_a_goal_alone_may_begin_a_session(opened: SqliteSession) -> None:
    send(opened, hit(0), hit(60, CUSTOM))
    assert [row[0] for row in sessions(opened)] == [0, 60]
    assert visitor_row(opened) == (2, 1, 60, "x/0")


def test_the_first_pageview_after_a_goal_names_the_sessions_entry(opened: SqliteSession) -> None:
    send(opened, hit(0, CUSTOM), hit(1, referrer="r"))
    assert sessions(opened) == [(0, "x/1", "r")]
    assert visitor_row(opened) == (1, 1, 0, "x/1")


def test_each_event_names_its_session(opened: SqliteSession) -> None:
    send(opened, hit(0), hit(5, CUSTOM), hit(50), hit(51, CUSTOM))
    rows: list[Any] = opened.connection.execute(
        "SELECT session_started_at FROM event ORDER BY event_id"
    ).fetchall()
    assert [(row[0] - START) / MINUTE for row in rows] == [0, 0, 50, 50]


def test_a_batch_equals_the_same_hits_one_by_one(opened: SqliteSession, tmp_path: Path) -> None:
    hits = [
        hit(m, kind, bytes([v]) * 16)
        for v in (1, 2)
        for m, kind in ((0, CUSTOM), (1, PAGEVIEW), (40, CUSTOM), (41, PAGEVIEW), (90, PAGEVIEW))
    ]
    whole = open_session(tmp_path / "whole.db")
    whole.transact(lambda tx: record(tx, hits))
    send(opened, *hits)
    for table in ("visitor", "session", "event"):
        query = f"SELECT * FROM {table}"
        assert whole.connection.execute(query).fetchall() == opened.connection.execute(query).fetchall()
    whole.close()


DAY = 24 * 60


def test_a_clock_that_ran_ahead_and_came_back_lets_new_sessions_begin(opened: SqliteSession) -> None:
    send(opened, hit(0), hit(DAY), hit(40), hit(50), hit(90))
    assert [row[0] for row in sessions(opened)] == [0, 40, 90, DAY]
    assert visitor_row(opened) == (4, 5, 90, "x/90")


def test_what_was_seen_last_and_first_heals_once_the_clock_came_back(opened: SqliteSession) -> None:
    send(opened, hit(DAY), hit(0), hit(1))
    query = "SELECT (first_seen_at - ?) / ?, (last_seen_at - ?) / ? FROM visitor"
    assert opened.connection.execute(query, (START, MINUTE) * 2).fetchall() == [(0, 1)]


def test_clocks_of_servers_that_are_a_little_apart_change_nothing(opened: SqliteSession) -> None:
    send(opened, hit(0), hit(2), hit(1.5))
    query = "SELECT session_count, (last_seen_at - ?) / ? FROM visitor"
    assert opened.connection.execute(query, (START, MINUTE)).fetchall() == [(1, 2)]


def test_a_payment_told_of_twice_is_kept_once_and_looked_for_among_the_newest_events_only(
    opened: SqliteSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_LOOKED_AT", 3)

    def payment(minutes: float) -> Hit:
        return msgspec.structs.replace(hit(minutes, PAYMENT), data='{"stripe_session_id":"cs_1"}')

    def payments() -> int:
        query = "SELECT count(*) FROM event WHERE type = 'payment'"
        return int(opened.connection.execute(query).fetchall()[0][0])  # type: ignore[arg-type]

    send(opened, payment(0), hit(1), payment(2))
    assert payments() == 1
    send(opened, hit(3), hit(4), payment(5))
    assert payments() == 2

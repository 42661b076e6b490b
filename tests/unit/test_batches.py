"""Identify calls in batches: as one by one, and what is stored is what the ledger says."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from footfall.collect.model import PAGEVIEW, Hit
from footfall.collect.service import record
from footfall.db.protocol import Transaction
from footfall.db.sqlite.session import SqliteSession, open_session
from footfall.errors import ApiError, BadRequest, NotFound
from footfall.identity import rules, trait_rules
from footfall.identity.audit.verify import verify_identity
from footfall.identity.identify.model import Identified, IdentifyCall
from footfall.identity.identify.service import identify
from footfall.identity.identify.wire import Identify
from footfall.identity.model import BROWSER, SERVER, Operations
from footfall.ids import at_of, at_prefix
from tests.support.engines import empty_database
from tests.unit.strategies import SECRET, USERS, VISITORS, WEBSITE, make_fact, operations

NOW = 1_700_000_000_000
UNSEEN = b"\x09" * 16
"""A visitor without pageview."""
TABLES = ("fact", "link", "profile", "merge_fact", "undo_fact", "inactive")


@contextmanager
def session() -> Iterator[SqliteSession]:
    """An empty database with a pageview of each visitor."""
    with tempfile.TemporaryDirectory() as folder:
        opened = open_session(empty_database(Path(folder)))
        opened.connection.execute("PRAGMA synchronous = OFF")
        opened.transact(lambda tx: record(tx, [pageview(visitor, n) for n, visitor in enumerate(VISITORS)]))
        yield opened
        opened.close()


def pageview(visitor: bytes, number: int, at: int = NOW - 1000) -> Hit:
    event_id = at_prefix(at) + number.to_bytes(4, "big")
    return Hit(WEBSITE, visitor, event_id, at, PAGEVIEW, "x/", None, None, None, None, None, "{}", None, None)


def call(
    user: str = "A",
    visitor: bytes = VISITORS[0],
    said: Operations | None = None,
    *,
    at: int | None = None,
    now: int = NOW,
    source: str = SERVER,
) -> IdentifyCall:
    wire = Identify(user, visitor, said or Operations(), at, [])
    return IdentifyCall(WEBSITE, SECRET, wire, source, source == SERVER, None, now)


TIMES, NO_TIME = st.integers(NOW - 2, NOW + 2), st.none()
ANY_TIME = NO_TIME | TIMES


@st.composite
def calls(draw: st.DrawFn, times: st.SearchStrategy[int | None] = ANY_TIME) -> IdentifyCall:
    """A call of few users and visitors, which says one of `times`, if any; the clock may go backwards. Pages say none."""
    at = draw(times)
    source = draw(st.sampled_from([SERVER, BROWSER])) if at is None else SERVER
    now = NOW + draw(st.integers(0, 3))
    visitor = draw(st.sampled_from([*VISITORS, UNSEEN]))
    return call(draw(st.sampled_from(USERS)), visitor, draw(operations()), at=at, now=now, source=source)


def state(opened: SqliteSession) -> dict[str, list[Any]]:
    """Everything that identity stored."""
    return {
        table: sorted(opened.connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
        for table in TABLES
    }


def answers(opened: SqliteSession) -> dict[str, list[Any]]:
    """The same, with metadata as values: the order of keys and `1` or `1.0` are no differences."""
    found = state(opened)
    columns = [row[1] for row in opened.connection.execute("PRAGMA table_info(profile)")]
    place = columns.index("metadata")
    found["profile"] = [
        (
            *row[:place],
            rules.canonical_operations(Operations(msgspec.json.decode(row[place]))),
            *row[place + 1 :],
        )
        for row in found["profile"]
    ]
    return found


def outcome(result: Any) -> Any:
    """An outcome as a value that compares."""
    return (type(result), result.message) if isinstance(result, ApiError) else msgspec.to_builtins(result)


def run(opened: SqliteSession, batches: list[list[IdentifyCall]]) -> list[Any]:
    """The outcomes of batches, each in a transaction of its own."""
    results: list[Any] = []
    for batch in batches:
        results += opened.transact(functools.partial(identify, calls=batch))
    return [outcome(result) for result in results]


def clean(opened: SqliteSession) -> None:
    """What is stored is what the ledger says."""
    report = opened.snapshot(verify_identity)
    assert report.differences == 0, report.shown


slow = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


LATE_ONES = [
    call("A", VISITORS[0], now=NOW + 3),
    call("A", VISITORS[0], Operations({"c": 1.0}), at=NOW - 1),
    call("A", VISITORS[0], Operations(unset=("c",)), at=NOW - 2),
]
"""The ledger knows 1.0 as 1."""


@slow
@given(st.lists(calls(), max_size=12), st.integers(2, 6))
@example(LATE_ONES, 2)
def test_a_batch_equals_the_same_calls_one_by_one(many: list[IdentifyCall], size: int) -> None:
    with session() as alone, session() as whole, session() as sliced:
        one_by_one = run(alone, [[one] for one in many])
        clean(alone)
        expected = state(alone)
        assert run(whole, [many]) == one_by_one
        assert state(whole) == expected
        assert run(sliced, [many[i : i + size] for i in range(0, len(many), size)]) == one_by_one
        assert state(sliced) == expected


@slow
@given(
    st.lists(calls(TIMES), max_size=7),
    st.randoms(use_true_random=False),
)
def test_calls_that_say_when_they_were_true_may_come_in_any_order_and_twice(
    many: list[IdentifyCall], chance: Any
) -> None:
    many = [msgspec.structs.replace(one, now=NOW) for one in many]
    shuffled = many + many[:3]
    chance.shuffle(shuffled)
    with session() as straight, session() as mixed:
        run(straight, [many])
        run(mixed, [shuffled])
        clean(mixed)
        assert answers(mixed) == answers(straight)


@slow
@given(st.lists(calls(NO_TIME), max_size=10))
def test_a_later_acknowledged_live_call_is_never_the_loser(many: list[IdentifyCall]) -> None:
    with session() as opened:
        newest: dict[Any, bytes] = {}
        for one in many:
            (result,) = opened.transact(functools.partial(identify, calls=[one]))
            if not isinstance(result, Identified):
                continue
            for about in (one.said.user_id, one.said.visitor_id):
                assert at_of(result.fact_id) > at_of(newest.get(about, b""))
                newest[about] = result.fact_id
            rows: list[Any] = opened.connection.execute(
                "SELECT metadata FROM profile WHERE user_id = ?", (one.said.user_id,)
            ).fetchall()
            for key, value in one.said.operations.set.items():
                if one.is_trusted:
                    assert trait_rules.same_value(msgspec.json.decode(rows[0][0])[key], value)


def test_a_call_that_fails_by_rule_spoils_none_of_its_neighbours() -> None:
    large = {f"k{number}": 1 for number in range(trait_rules.MAX_KEYS + 1)}
    batch = [
        call(said=Operations({"k": 1})),
        call(visitor=UNSEEN),
        call(said=Operations(large)),
        call(at=NOW + 60_001),
        call("B", said=Operations({"k": 2})),
    ]
    with session() as opened:
        results = opened.transact(lambda tx: identify(tx, batch))
        assert [type(result) for result in results] == [
            Identified,
            NotFound,
            BadRequest,
            BadRequest,
            Identified,
        ]
        assert len(state(opened)["fact"]) == 2
        clean(opened)


def test_the_same_user_many_times_in_a_batch_is_created_once() -> None:
    with session() as opened:
        batch = [call(said=Operations({"n": number // 2})) for number in range(6)]
        results = opened.transact(lambda tx: identify(tx, batch))
        actions = [result.action for result in results if isinstance(result, Identified)]
        assert actions == ["created", "unchanged", "updated", "unchanged", "updated", "unchanged"]
        clean(opened)


def test_the_smaller_time_of_arrival_stays_when_a_fact_comes_again() -> None:
    late, early = call(at=NOW, now=NOW + 500), call(at=NOW, now=NOW + 100)
    with session() as opened:
        run(opened, [[late], [early], [late]])
        ((received_at,),) = opened.connection.execute("SELECT received_at FROM fact").fetchall()
        assert received_at == NOW + 100


def test_a_call_that_changes_nothing_writes_its_fact_and_nothing_else() -> None:
    with session() as opened:
        opened.transact(lambda tx: identify(tx, [call(said=Operations({"k": 1}))]))
        before = opened.connection.total_changes()
        opened.transact(lambda tx: identify(tx, [call(said=Operations({"k": 1}), now=NOW + 5)]))
        assert opened.connection.total_changes() == before + 1


def test_whoever_loses_a_visitor_from_an_earlier_time_on_is_listed_anew() -> None:
    with session() as opened:
        run(opened, [[call("A", at=NOW - 9)]])
        opened.connection.execute("DELETE FROM profile_change")
        run(opened, [[call("B", at=NOW - 5)]])
        marked = {row[0] for row in opened.connection.execute("SELECT profile_id FROM profile_change")}
        assert marked == {rules.profile_id(SECRET, 0, user) for user in ("A", "B")}


def test_a_fact_of_the_ledger_has_the_id_that_the_rules_give_it() -> None:
    said = Operations({"k": 1.0}, {"o": "x"}, ("u",))
    with session() as opened:
        (result,) = opened.transact(lambda tx: identify(tx, [call(said=said)]))
        assert isinstance(result, Identified)
        assert result.fact_id == make_fact(NOW, said).fact_id


@pytest.mark.parametrize(
    "statement", ["UPDATE profile SET metadata = '{}'", "DELETE FROM link", "DELETE FROM profile"]
)
def test_a_store_that_is_not_the_fold_of_its_ledger_is_found(statement: str) -> None:
    def falsify(tx: Transaction) -> None:
        opened.connection.execute(statement)

    with session() as opened:
        run(opened, [[call(said=Operations({"k": 1}))]])
        opened.transact(falsify)
        assert opened.snapshot(verify_identity).differences > 0

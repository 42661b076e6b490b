"""Columns in ClickHouse: who feeds, what is taken over, how they are made anew, and what questions are told."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest

from footfall.columns import shared
from footfall.columns.binding import bound
from footfall.columns.clickhouse import VERIFY_TEXTS, ClickHouseColumns, ClickHousePlace, read_place
from footfall.columns.feeder import Reader
from footfall.columns.file import ColumnStep
from footfall.columns.layout import COLUMNS, FRESH, Layout
from footfall.columns.model import Derived
from footfall.columns.shared import KEEPER_ID, SharedKeeper
from footfall.columns.verify import verify_columns
from footfall.columns.wire import Ask, Failed, Rows
from footfall.db.postgres.session import PostgresSession
from footfall.errors import ColumnsUnusable, DatabaseError, UsageError
from footfall.outbox import store as outbox
from footfall.outbox.model import ChangeKind
from footfall.settings import read_settings
from footfall.websites.store import put_website
from tests.db.test_columns import see
from tests.laws.world import VISITORS, WEBSITE
from tests.support.clickhouse import IS_THERE, LocalClickHouse
from tests.support.columns import expected_rows, in_order
from tests.support.engines import Place

ON_ENGINES = ["postgres"]
pytestmark = pytest.mark.skipif(not IS_THERE, reason="the engine of ClickHouse is not installed")
ROWS = f"SELECT {', '.join(COLUMNS)} FROM event_row WHERE website >= 0"
MEMORY = 64 * 1024**2


class Servers:
    """Keepers of the same columns, as on several machines, and their sessions."""

    def __init__(self, place: Place, where: ClickHousePlace, stack: ExitStack) -> None:
        self.place = place
        self.where = where
        self._stack = stack

    def start(self) -> tuple[SharedKeeper, PostgresSession]:
        session = self._stack.enter_context(closing(PostgresSession(self.place.database_url)))
        keeper = SharedKeeper(session, self.where, MEMORY)
        keeper.open()
        return keeper, session

    def settle(self, keeper: SharedKeeper) -> None:
        if (found := keeper.settling()) is not None:
            told = found
            self.place.transact(lambda tx: outbox.pair_with(tx, told.token, told.before, KEEPER_ID))
            self.place.transact(lambda tx: outbox.forget(tx, told.change_ids, KEEPER_ID))
            keeper.settled(told.token)

    def make(self, keeper: SharedKeeper) -> None:
        assert not keeper.prepare()
        self.settle(keeper)
        assert keeper.prepare()
        keeper.rebuild()
        keeper.install()

    def is_right(self, keeper: SharedKeeper) -> bool:
        assert keeper.file is not None
        return in_order(keeper.file.rows(ROWS)) == self.place.snapshot(expected_rows) != []


@pytest.fixture
def servers(place: Place, clickhouse: LocalClickHouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    """Those of a database with a website and what it saw."""
    monkeypatch.setattr(shared, "SETTLE_SECONDS", 0.0)
    place.transact(lambda tx: put_website(tx, WEBSITE))
    for visitor in (0, 1, 0):
        see(place, visitor)
    with ExitStack() as stack:
        yield Servers(place, read_place(clickhouse.new_database()), stack)


def feed(keeper: SharedKeeper) -> None:
    while keeper.step().has_more:
        pass


def test_one_server_feeds_and_another_takes_over(servers: Servers) -> None:
    first, session = servers.start()
    assert first.file is None
    servers.make(first)
    assert servers.is_right(first)
    second, _ = servers.start()
    see(servers.place, 1)
    feed(second)
    assert not servers.is_right(second)
    feed(first)
    assert servers.is_right(second)
    session.close()  # and is not told: what it wrote is taken again
    see(servers.place, 2)
    feed(second)
    servers.settle(second)
    assert servers.place.snapshot(outbox.change_ids) == []
    see(servers.place, 0)
    feed(first)
    assert not servers.is_right(first)
    feed(second)
    assert servers.is_right(first)


def test_what_a_server_wrote_that_was_replaced_is_no_harm(servers: Servers) -> None:
    first, session = servers.start()
    servers.make(first)
    feed(first)
    servers.settle(first)
    see(servers.place, 1)
    term = session.lead()
    assert term is not None
    late = session.next_number(term)
    session.close()
    second, _ = servers.start()
    feed(second)
    row: list[Any] = [None] * len(COLUMNS)
    for name in ("website", "ts", "visitor", "session_at", "prev_at", "type", "view_no", "span"):
        row[COLUMNS.index(name)] = 7
    with closing(ClickHouseColumns(servers.where, lambda: late)) as columns:
        columns.apply(ColumnStep([Derived(7, 7, 0, [tuple(row)])]))
    assert not servers.is_right(second)
    servers.settle(second)
    assert servers.is_right(second)
    see(servers.place, 2)
    assert not first.step().changes


def test_columns_of_another_state_of_the_database_are_made_anew(servers: Servers) -> None:
    keeper, _ = servers.start()
    servers.make(keeper)
    feed(keeper)
    servers.place.transact(lambda tx: outbox.settle(tx, [], secrets.token_bytes(16), KEEPER_ID))
    assert not keeper.open()
    servers.make(keeper)
    feed(keeper)
    assert servers.is_right(keeper)


def test_what_was_made_anew_stays_with_nothing_left_to_take(servers: Servers) -> None:
    keeper, session = servers.start()
    for _ in range(2):
        servers.make(keeper)
        feed(keeper)
        servers.settle(keeper)
        assert servers.is_right(keeper)
    session.close()
    second, _ = servers.start()
    see(servers.place, 1)
    feed(second)
    servers.settle(second)
    assert servers.is_right(second)


def test_what_was_before_a_change_stays_when_others_are_erased_with_it(servers: Servers) -> None:
    keeper, _ = servers.start()
    servers.make(keeper)
    feed(keeper)
    servers.settle(keeper)
    see(servers.place, 0)
    servers.place.transact(
        lambda tx: outbox.tell_visitors(tx, WEBSITE.website_id, [VISITORS[1]], ChangeKind.ERASED)
    )
    feed(keeper)
    assert servers.is_right(keeper)
    assert keeper.file is not None
    assert keeper.file.tidy()


def test_they_are_verified(servers: Servers) -> None:
    keeper, session = servers.start()
    servers.make(keeper)
    feed(keeper)
    servers.settle(keeper)
    columns = keeper.file
    assert columns is not None
    reader: Reader = session
    report = verify_columns(reader, columns.rows, VERIFY_TEXTS, is_full=True)
    assert (report.differences, report.events, report.visitors) == (0, 3, 2)


def test_numbers_that_were_given_before_are_not_taken(servers: Servers) -> None:
    keeper, session = servers.start()
    servers.make(keeper)
    term = session.lead()
    assert term is not None
    late = (session.next_number(term) or 0) + 10**6  # the database was put back to an older state since
    with closing(ClickHouseColumns(servers.where, lambda: late)) as columns:
        columns.require(servers.place.snapshot(lambda tx: outbox.paired_with(tx, KEEPER_ID)))
        columns.begin_settling()
    with pytest.raises(ColumnsUnusable, match="older than the columns"):
        keeper.step()


def test_what_two_servers_made_at_once_is_made_again(servers: Servers) -> None:
    keeper, _ = servers.start()
    assert not keeper.prepare()
    servers.settle(keeper)
    assert keeper.prepare()
    keeper.rebuild()
    with closing(ClickHouseColumns(servers.where, lambda: 1)) as other:
        other.begin_fresh()
    with pytest.raises(ColumnsUnusable, match="at the same time"):
        keeper.install()
    keeper.rebuild()
    keeper.install()
    assert servers.is_right(keeper)


def test_each_schema_of_a_database_has_one_who_feeds(servers: Servers) -> None:
    url = servers.place.database_url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA other")
        connection.execute("CREATE TABLE other.column_keeper ()")
    other = f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3Dother"
    with closing(PostgresSession(url)) as first, closing(PostgresSession(other)) as second:
        assert (first.lead(), second.lead()) == (1, 1)


def test_questions_have_limits(servers: Servers, clickhouse: LocalClickHouse) -> None:
    keeper, _ = servers.start()
    assert keeper.query(Ask("SELECT 1", {}, 1.0)).run() == Failed(
        "away", "Analytics are being prepared. Try again in a moment."
    )
    servers.make(keeper)
    evil = "'; DROP TABLE event_row; --\0\\"
    query = keeper.query(Ask("SELECT $said, $list[2]", {"said": evil, "list": ["a", evil]}, 9.0))
    assert query.run() == Rows([[evil, evil]])
    query.cut_off()
    assert len(clickhouse.killed[-1]) == 32
    assert isinstance(query.run(), Failed)  # whoever asked left before it was its turn
    said = {
        "SELECT sum(number) FROM numbers(100000000000)": "too long",
        "SELECT groupArray(number) FROM numbers(100000000)": "too much",
        "SELECT nothing FROM event_row": "wrong",
    }
    for text, why in said.items():
        found = keeper.query(Ask(text, {}, 0.2 if why == "too long" else 9.0)).run()
        assert isinstance(found, Failed)
        assert found.why == why


def test_the_statements_for_a_cluster_are_valid(clickhouse: LocalClickHouse) -> None:
    place, layout = read_place(clickhouse.new_database()), Layout("main")
    statements = [*layout.create(FRESH), *layout.swap(), layout.remove("website IN [1]")]
    with closing(place.connect()) as client:
        for one in statements:
            client.query("SELECT formatQuery({text:String})", parameters={"text": one})
        assert sum("ON CLUSTER `main`" in one for one in statements) == len(statements)


def test_a_place_is_read() -> None:
    assert read_place("clickhouse://me:p%40ss@ch.internal:9000/stats?cluster=main&secure=true") == (
        ClickHousePlace("ch.internal", 9000, "me", "p@ss", "stats", "main", True)
    )
    assert read_place("clickhouse://ch.internal/stats") == (
        ClickHousePlace("ch.internal", 8123, "default", "", "stats", "", False)
    )
    for wrong in (
        "http://h/d",
        "clickhouse://h",
        "clickhouse:///d",
        "clickhouse://h/d?cluster=`",
        "clickhouse://h:x/d",
    ):
        with pytest.raises(UsageError, match="FOOTFALL_COLUMNS_URL"):
            read_place(wrong)


def test_a_database_that_is_missing_is_named(clickhouse: LocalClickHouse) -> None:
    place = read_place(clickhouse.new_database())._replace(database="nowhere")
    with pytest.raises(DatabaseError, match="CREATE DATABASE"):
        place.connect()


def test_nobody_there_is_a_fault_that_passes() -> None:
    with pytest.raises(DatabaseError, match="does not answer"):
        read_place("clickhouse://127.0.0.1:1/stats").connect()


def test_the_embedded_database_keeps_its_columns_in_a_file() -> None:
    with pytest.raises(UsageError, match="FOOTFALL_COLUMNS_URL"):
        read_settings({"FOOTFALL_COLUMNS_URL": "clickhouse://h/d"})


def test_values_are_bound_by_their_types() -> None:
    text, _ = bound("$a, $b, $c, $d, $e", {"a": 1, "b": 1.5, "c": "x", "d": [1], "e": []})
    assert text == "{a:Int64}, {b:Float64}, {c:String}, {d:Array(Int64)}, {e:Array(String)}"


def test_lists_that_are_too_long_for_a_field_are_bound_in_parts(clickhouse: LocalClickHouse) -> None:
    numbers, texts = list(range(20_000)), ["'\\" * 2000] * 30
    with closing(ClickHouseColumns(read_place(clickhouse.new_database()), lambda: 1)) as columns:
        found = columns.ask(
            "SELECT sum(arrayJoin($numbers)), length($texts)", {"numbers": numbers, "texts": texts}
        )
    assert found == [(sum(numbers), len(texts))]


def test_who_was_replaced_writes_nothing(servers: Servers) -> None:
    first, session = servers.start()
    servers.make(first)
    see(servers.place, 1)
    feed(first)
    session.close()
    second, _ = servers.start()
    feed(second)
    assert first.file is not None
    with pytest.raises(DatabaseError, match="another server"):
        first.settling()
    with pytest.raises(DatabaseError, match="another server"):
        first.file.apply(ColumnStep())

"""A transaction means the same on both engines."""

from __future__ import annotations

from itertools import starmap
from typing import Any

import msgspec
import pytest

from footfall.db.protocol import Transaction
from footfall.db.statements import make_statement
from footfall.errors import DatabaseError
from footfall.storage import command_session
from tests.support.engines import Place

MAKE = make_statement(
    "make",
    "",
    "CREATE TABLE thing (website_id BYTEA NOT NULL, name TEXT NOT NULL, many BIGINT, share DOUBLE PRECISION, note TEXT, "
    "PRIMARY KEY (website_id, name))",
)
PUT = make_statement(
    "put",
    "website_id bytes, name text, many int, share real, note text",
    "INSERT INTO thing (website_id, name, many, share, note) VALUES (:website_id, :name, :many, :share, :note) "
    "ON CONFLICT (website_id, name) DO UPDATE SET many = excluded.many, share = excluded.share, note = excluded.note",
)
GET = make_statement(
    "get",
    "website_id bytes, name text",
    "SELECT many, share, note FROM thing WHERE website_id = :website_id AND name = :name",
    "many int?, share real?, note text?",
)
ALL = make_statement(
    "all",
    "",
    "SELECT website_id, name, many, share, note FROM thing ORDER BY many",
    "website_id bytes, name text, many int?, share real?, note text?",
)
DOWN = make_statement(
    "down",
    "name text, most int",
    "SELECT name, many FROM thing WHERE name >= :name ORDER BY name DESC LIMIT :most",
    "name text, many int?",
)
REMOVE = make_statement("remove", "website_id bytes", "DELETE FROM thing WHERE website_id = :website_id")
SET = make_statement(
    "set",
    "website_id bytes, name text, many int, note text",
    "-- A comment.\nUPDATE thing SET many = :many, note = :note WHERE website_id = :website_id AND name = :name AND name <> 'where'",
)
REMOVE_ONE = make_statement(
    "remove_one",
    "website_id bytes, name text",
    "DELETE FROM thing WHERE website_id = :website_id AND name = :name",
)
IMPATIENT = msgspec.structs.replace(
    make_statement("impatient", "", "SELECT 1"), postgres="SET LOCAL lock_timeout = '1s'"
)
"""Nothing is waited for any longer in this transaction."""
AWKWARD = [
    (b"", "", 0, 0.0, ""),
    (b"\x00\xff\\", "quote ' double \" backslash \\ {a,b}", 1, -1.5, None),
    (b"b", "NULL", 2, 1e300, "null"),
    (b"c", "zo\u00eb \U0001f600 \u202e", 2**63 - 1, 5e-324, "line\nbreak\ttab"),
    (b"d", "  spaces  ", -(2**63), None, "x" * 100_000),
    (b"e", "?1 $1 :name %s", None, 0.1, "\u0001"),
]


@pytest.fixture
def things(place: Place) -> Place:
    place.transact(lambda tx: tx.execute(MAKE))
    return place


@pytest.mark.parametrize("rows", [AWKWARD, AWKWARD[:1], []], ids=["all", "one", "none"])
def test_what_is_written_is_read(things: Place, rows: list[Any]) -> None:
    things.transact(lambda tx: tx.execute_many(PUT, rows))
    written = sorted(starmap(ALL.row, rows), key=repr)
    assert sorted(things.snapshot(lambda tx: tx.all(ALL)), key=repr) == written
    assert sorted(things.snapshot(lambda tx: list(tx.stream(ALL))), key=repr) == written


def test_a_lookup_answers_each_key_in_order(things: Place) -> None:
    things.transact(lambda tx: tx.execute_many(PUT, AWKWARD))
    keys = [(row[0], row[1]) for row in AWKWARD]
    wanted = [keys[3], (b"no", "body"), keys[0], keys[3]]
    found = things.snapshot(lambda tx: tx.get_many(GET, wanted))
    third, first = GET.row(*AWKWARD[3][2:]), GET.row(*AWKWARD[0][2:])
    assert found == [third, None, first, third]
    assert things.snapshot(lambda tx: tx.get_many(GET, [])) == []
    assert things.snapshot(lambda tx: tx.one(GET, (b"no", "body"))) is None


def test_several_lookups_are_answered_together(things: Place) -> None:
    things.transact(lambda tx: tx.execute_many(PUT, AWKWARD))
    first, last = AWKWARD[0], AWKWARD[-1]
    asked: list[tuple[Any, list[Any]]] = [(GET, [first[:2], last[:2]]), (GET, []), (GET, [(b"no", "body")])]
    assert things.snapshot(lambda tx: tx.get_many_together(*asked)) == [
        [GET.row(*first[2:]), GET.row(*last[2:])],
        [],
        [None],
    ]


def test_all_rows_of_several_keys_are_answered_together_and_in_order(things: Place) -> None:
    things.transact(lambda tx: tx.execute_many(PUT, AWKWARD))
    every = things.snapshot(lambda tx: tx.all(DOWN, ("", 10)))
    assert len(every) == len(AWKWARD)
    asked: list[tuple[Any, list[Any]]] = [
        (DOWN, [("", 2), ("\U0010ffff", 9), ("", 10)]),
        (DOWN, []),
        (DOWN, [("", 1)]),
    ]
    assert things.snapshot(lambda tx: tx.groups(*asked)) == [[every[:2], [], every], [], [every[:1]]]


def test_many_rows_are_changed_and_removed_at_once(things: Place) -> None:
    def work(tx: Transaction) -> Any:
        tx.execute_many(PUT, AWKWARD)
        tx.execute_many(
            SET, [(*AWKWARD[1][:2], 7, None), (*AWKWARD[3][:2], None, "new \\ {"), (b"no", "body", 8, "")]
        )
        tx.execute_many(REMOVE_ONE, [AWKWARD[0][:2], AWKWARD[2][:2], (b"no", "body")])
        return tx.get_many(GET, [row[:2] for row in AWKWARD])

    changed = [
        None,
        GET.row(7, AWKWARD[1][3], None),
        None,
        GET.row(None, AWKWARD[3][3], "new \\ {"),
        *(GET.row(*row[2:]) for row in AWKWARD[4:]),
    ]
    assert things.transact(work) == changed


def test_run_tells_how_many_rows_it_changed(things: Place) -> None:
    things.transact(lambda tx: tx.execute_many(PUT, AWKWARD))
    assert things.transact(lambda tx: tx.execute(REMOVE, (b"c",))) == 1
    assert things.transact(lambda tx: tx.execute(REMOVE, (b"c",))) == 0


def test_a_row_that_is_there_is_overwritten(things: Place) -> None:
    things.transact(lambda tx: tx.execute_many(PUT, [(b"a", "n", 1, 1.0, "x")]))
    things.transact(lambda tx: tx.execute_many(PUT, [(b"a", "n", 2, None, None)]))
    assert things.snapshot(lambda tx: tx.one(GET, (b"a", "n"))) == GET.row(2, None, None)


def test_a_write_that_fails_is_told_of_at_the_commit_at_the_latest(things: Place) -> None:
    row = (b"a", "n", 1, 1.0, "x")
    twice = make_statement("twice", "name text", "INSERT INTO thing (website_id, name) VALUES (NULL, :name)")

    def work(tx: Transaction) -> None:
        tx.execute_many(PUT, [row])
        tx.execute_many(twice, [("m",)])
        tx.execute_many(PUT, AWKWARD)

    for _ in range(3):
        with pytest.raises(Exception, match=r"(?i)null"):
            things.transact(work)
    assert things.snapshot(lambda tx: tx.all(ALL)) == []
    things.transact(lambda tx: tx.execute_many(PUT, [row]))
    assert things.snapshot(lambda tx: tx.all(ALL)) == [ALL.row(*row)]


def test_a_statement_that_declares_no_columns_gives_no_rows(things: Place) -> None:
    silent = make_statement("silent", "", "SELECT name FROM thing")
    of_one = make_statement("silent", "name text", "SELECT name FROM thing WHERE name = :name")
    assert things.snapshot(lambda tx: tx.all(silent)) == []
    things.transact(lambda tx: tx.execute_many(PUT, AWKWARD))
    for read in (
        lambda tx: tx.all(silent),
        lambda tx: tx.one(silent),
        lambda tx: tx.get_many(of_one, [("NULL",)]),
    ):
        with pytest.raises(TypeError, match="silent declares no columns"):
            things.snapshot(read)


def test_work_that_fails_leaves_nothing(things: Place) -> None:
    def work(tx: Transaction) -> None:
        tx.execute_many(PUT, AWKWARD)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        things.transact(work)
    assert things.snapshot(lambda tx: tx.all(ALL)) == []


def test_an_error_of_the_store_is_ours(things: Place) -> None:
    wrong = make_statement("wrong", "", "SELECT 1 FROM no_such_table")
    with pytest.raises(DatabaseError):
        things.snapshot(lambda tx: tx.all(wrong))


def test_locks_may_be_taken_again_and_end_with_the_transaction(things: Place) -> None:
    def work(tx: Transaction) -> None:
        tx.execute(IMPATIENT)
        tx.lock([(b"a", "b")], [(b"c",), (b"a", "b")])
        tx.lock([(b"a", "b")])

    def fail(tx: Transaction) -> None:
        work(tx)
        raise RuntimeError("no")

    with command_session(things.settings) as one, command_session(things.settings) as other:
        one.transact(work)
        other.transact(work)
        with pytest.raises(RuntimeError, match="no"):
            one.transact(fail)
        other.transact(work)


def test_parameters_must_be_those_that_are_used() -> None:
    with pytest.raises(ValueError, match="differ"):
        make_statement("wrong", "a int", "SELECT :b")

"""Statements on a psycopg connection, sent without waiting for their answers until one is needed (libpq's pipeline)."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from itertools import starmap
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus
from psycopg.raw_cursor import RawCursor, RawServerCursor

from footfall.db.postgres.arrays import array, arrays, groups_text, lookup_text, many_text
from footfall.db.postgres.connection import PostgresConnection
from footfall.db.protocol import Params, Row, Transaction, Values
from footfall.db.statements import Statement

R = TypeVar("R")

STREAM_ROWS = 2000


def lock_number(name: Params) -> int:
    """The 64-bit number of the advisory lock `name`; two names rarely share one, which does no harm."""
    digest = hashlib.blake2b(digest_size=8)
    for part in name:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
    return int.from_bytes(digest.digest(), "big", signed=True)


class PostgresTransaction:
    """Statements on one connection, in a transaction that begins with those of `begin`; see `db.protocol.Transaction`.

    An error is raised by the statement whose answer was waited for next, or by `commit`.
    """

    is_over: Callable[[], bool] | None = None
    """Whether no further statement is to be sent: then the next raises QueryCanceled."""

    def __init__(self, connection: PostgresConnection, *begin: str) -> None:
        self._connection = connection
        self._streams = itertools.count()
        self._pipeline = contextlib.ExitStack()
        self._sync = self._pipeline.enter_context(connection.pipeline()).sync
        for statement in begin:
            self._send(statement)

    def commit(self) -> None:
        """Commit, and wait for it. Raises psycopg.Error."""
        self._send("COMMIT")
        self._pipeline.close()

    def rollback(self) -> None:
        """Undo everything. Raises psycopg.Error.

        After a failed statement the connection is closed, since psycopg believes that those sent after it were prepared.
        """
        with contextlib.suppress(psycopg.Error):
            self._pipeline.close()
        if self._connection.info.transaction_status == TransactionStatus.INTRANS:
            self._connection.execute("ROLLBACK")
        else:
            self._connection.close()

    @property
    def derived(self) -> Transaction:
        return self

    def all(self, statement: Statement, params: Params = ()) -> list[Row]:
        return list(starmap(statement.row, self._send(statement.postgres, params).fetchall()))

    def stream(self, statement: Statement, params: Params = ()) -> Iterator[Row]:
        self._pipeline.close()  # in which the server's cursors cannot be read
        with RawServerCursor(self._connection, f"stream_{next(self._streams)}") as cursor:
            cursor.itersize = STREAM_ROWS
            cursor.execute(statement.postgres, params, binary=True)
            yield from starmap(statement.row, cursor)

    def one(self, statement: Statement, params: Params = ()) -> Row | None:
        values = self._send(statement.postgres, params).fetchone()
        return None if values is None else statement.row(*values)

    def get_many(self, statement: Statement, keys: Sequence[Params]) -> list[Row | None]:
        return self.get_many_together((statement, keys))[0]

    def all_together(self, *asked: tuple[Statement, Params]) -> list[list[Row]]:
        sent = [(statement.row, self._send(statement.postgres, params)) for statement, params in asked]
        return [list(starmap(row, cursor.fetchall())) for row, cursor in sent]

    def get_many_together(self, *asked: tuple[Statement, Sequence[Params]]) -> list[list[Row | None]]:
        sent = [
            (statement.row, self._send(lookup_text(statement), arrays(statement, keys)) if keys else None)
            for statement, keys in asked
        ]
        return [
            [row(*values) if found else None for found, *values in cursor.fetchall()] if cursor else []
            for row, cursor in sent
        ]

    def groups(self, *asked: tuple[Statement, Sequence[Params]]) -> list[list[list[Row]]]:
        sent = [
            (
                statement.row,
                len(keys),
                self._send(groups_text(statement), arrays(statement, keys)) if keys else None,
            )
            for statement, keys in asked
        ]
        return [_grouped(row, many, cursor.fetchall()) if cursor else [] for row, many, cursor in sent]

    def execute(self, statement: Statement, params: Params = ()) -> int:
        cursor = self._send(statement.postgres, params)
        if self._connection.info.pipeline_status:
            self._sync()
        return cursor.rowcount

    def execute_many(self, statement: Statement, rows: Sequence[Params]) -> None:
        if rows:
            self._send(many_text(statement), arrays(statement, rows))

    def _send(self, text: str, params: Sequence[Any] = ()) -> RawCursor[Values]:
        """Send a statement; its answer is waited for when the cursor is read. A cursor must not be used twice before that."""
        if self.is_over is not None and self.is_over():
            raise errors.QueryCanceled
        cursor: RawCursor[Values] = self._connection.cursor(binary=True)  # type: ignore[assignment]
        cursor.execute(text, params)
        return cursor

    def lock(self, names: Sequence[Params], shared: Sequence[Params] = ()) -> None:
        """Advisory locks, taken in rising order, so that no two transactions wait for each other."""
        alone = {lock_number(name) for name in names}
        together = {lock_number(name) for name in shared} - alone
        numbers = sorted(alone | together)
        kinds = "{" + ",".join("t" if number in alone else "f" for number in numbers) + "}"
        self._send(_LOCK, [array("bigint", tuple(numbers)), kinds])


def _grouped(row: Callable[..., Row], many: int, found: list[Values]) -> list[list[Row]]:
    """The rows of each of `many` keys."""
    groups: list[list[Row]] = [[] for _ in range(many)]
    for number, _, *values in found:
        groups[number - 1].append(row(*values))
    return groups


_LOCK = """
SELECT CASE WHEN alone THEN pg_advisory_xact_lock(n) ELSE pg_advisory_xact_lock_shared(n) END
FROM unnest($1::bigint[], $2::boolean[]) AS k(n, alone)
"""


def in_transaction(
    connection: PostgresConnection, begin: tuple[str, ...], work: Callable[[PostgresTransaction], R]
) -> R:
    """Run `work` between the statements `begin` and a commit. Raises psycopg.Error."""
    tx = PostgresTransaction(connection, *begin)
    try:
        result = work(tx)
        tx.commit()
    except BaseException:
        tx.rollback()
        raise
    return result

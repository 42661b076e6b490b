"""Statements on an apsw connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import starmap
from typing import TypeVar

import apsw

from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import Statement

R = TypeVar("R")


class SqliteTransaction:
    """Statements on one apsw connection; see `db.protocol.Transaction`."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._execute = connection.execute
        self._executemany = connection.executemany
        self._changes = connection.changes

    @property
    def derived(self) -> Transaction:
        return self

    def all(self, statement: Statement, params: Params = ()) -> list[Row]:
        return list(starmap(statement.row, self._execute(statement.sqlite, params)))

    def stream(self, statement: Statement, params: Params = ()) -> Iterator[Row]:
        return starmap(statement.row, self._execute(statement.sqlite, params))

    def one(self, statement: Statement, params: Params = ()) -> Row | None:
        values = self._execute(statement.sqlite, params).fetchone()
        return None if values is None else statement.row(*values)

    def get_many(self, statement: Statement, keys: Sequence[Params]) -> list[Row | None]:
        execute, text, row = self._execute, statement.sqlite, statement.row
        found = [execute(text, key).fetchone() for key in keys]
        return [None if values is None else row(*values) for values in found]

    def all_together(self, *asked: tuple[Statement, Params]) -> list[list[Row]]:
        return [self.all(*one) for one in asked]

    def get_many_together(self, *asked: tuple[Statement, Sequence[Params]]) -> list[list[Row | None]]:
        return [self.get_many(statement, keys) for statement, keys in asked]

    def groups(self, *asked: tuple[Statement, Sequence[Params]]) -> list[list[list[Row]]]:
        return [[self.all(statement, key) for key in keys] for statement, keys in asked]

    def execute(self, statement: Statement, params: Params = ()) -> int:
        self._execute(statement.sqlite, params)
        return self._changes()

    def execute_many(self, statement: Statement, rows: Sequence[Params]) -> None:
        if rows:
            self._executemany(statement.sqlite, rows)

    def reading(self, work: Callable[[Transaction], R]) -> R:
        """Run `work`, which only reads here, on one state of the database. Raises apsw.Error."""
        self._execute("BEGIN")
        try:
            return work(self)
        finally:
            self._execute("COMMIT")

    def lock(self, names: Sequence[Params], shared: Sequence[Params] = ()) -> None:
        """Nothing to do: one connection writes at a time."""

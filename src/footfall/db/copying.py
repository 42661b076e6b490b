"""Copies a database to another, table by table in key order, so that an interrupted copy can continue."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import apsw
import msgspec

from footfall.db import migrate
from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import Statement, make_statement

R = TypeVar("R")

CHUNK = 2000
"""Rows that are read and written at once. A table that holds no more in the target is copied anew."""
Columns = tuple[tuple[str, str], ...]
_TYPES = {"BYTEA": "bytes", "TEXT": "text", "BIGINT": "int", "DOUBLE PRECISION": "real"}


class CopySession(Protocol):
    """A connection to one of the two databases."""

    def transact(self, work: Callable[[Transaction], R]) -> R: ...
    def snapshot(self, work: Callable[[Transaction], R]) -> R: ...


class Table(msgspec.Struct, frozen=True):
    """A table, as the migrations make it. `columns` and `key` are (name, type) with the types of `db.statements`."""

    name: str
    columns: Columns
    key: Columns

    def statement(self, name: str, parameters: Columns, text: str, columns: str = "") -> Statement:
        """A statement on this table, which gives `columns` (as in `db.statements`)."""
        return make_statement(f"{name}_{self.name}", _declared(parameters), text, columns)


def _declared(columns: Columns, mark: str = "") -> str:
    return ", ".join(f"{name} {kind}{mark}" for name, kind in columns)


def tables() -> list[Table]:
    """All tables except the list of migrations, read from an empty migrated database."""
    connection = apsw.Connection(":memory:")
    for text in migrate.whole().values():
        for statement in migrate.statements_of(text):
            connection.execute(statement)
    names = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid"
    ).fetchall()
    return [_table(connection, str(name)) for (name,) in names]


def _table(connection: apsw.Connection, name: str) -> Table:
    rows = connection.execute("SELECT name, type, pk FROM pragma_table_info(?)", (name,)).fetchall()
    key = sorted((int(pk), str(column), _TYPES[str(kind)]) for column, kind, pk in rows if pk)
    return Table(
        name,
        tuple((str(column), _TYPES[str(kind)]) for column, kind, _ in rows),
        tuple((column, kind) for _, column, kind in key),
    )


def count_rows(session: CopySession) -> dict[str, int]:
    """The number of rows in each table."""

    def count(tx: Transaction) -> dict[str, int]:
        return {table.name: _count(tx, table) for table in tables()}

    return session.snapshot(count)


def _count(tx: Transaction, table: Table) -> int:
    row = tx.one(table.statement("count", (), f"SELECT count(*) AS many FROM {table.name}", "many int"))
    return int(row.many) if row else 0


def copy_all(source: CopySession, target: CopySession, progress: Callable[[int], None]) -> None:
    """Copy what `target` lacks. `progress` gets the number of rows copied since its last call."""
    held = count_rows(target)
    for table in tables():
        after = None
        if held[table.name] > CHUNK:
            after = _last_key(target, table)
            progress(held[table.name])
        for rows in _chunks(source, table, after):
            _write(target, table, rows)
            progress(len(rows))


def _last_key(target: CopySession, table: Table) -> Params | None:
    names = ", ".join(name for name, _ in table.key)
    order = ", ".join(f"{name} DESC" for name, _ in table.key)
    text = f"SELECT {names} FROM {table.name} ORDER BY {order} LIMIT 1"
    last = table.statement("last", (), text, _declared(table.key))
    row = target.snapshot(lambda tx: tx.one(last))
    return row and _key(table, row)


def _key(table: Table, row: Row) -> Params:
    return tuple(getattr(row, name) for name, _ in table.key)


def _chunks(source: CopySession, table: Table, after: Params | None) -> Iterator[list[Row]]:
    """The rows behind the key `after`, some at a time, in the order of their keys."""
    columns = _declared(table.columns, "?")
    first = table.statement("first", (), _select(table, ""), columns)
    keys = ", ".join(name for name, _ in table.key)
    values = ", ".join(f":{name}" for name, _ in table.key)
    following = table.statement("next", table.key, _select(table, f"WHERE ({keys}) > ({values})"), columns)
    while True:
        statement, params = (first, ()) if after is None else (following, after)
        rows = _read(source, statement, params)
        if not rows:
            return
        yield rows
        after = _key(table, rows[-1])


def _read(source: CopySession, statement: Statement, params: Params) -> list[Row]:
    return source.snapshot(lambda tx: tx.all(statement, params))


def _select(table: Table, where: str) -> str:
    columns = ", ".join(name for name, _ in table.columns)
    order = ", ".join(name for name, _ in table.key)
    return f"SELECT {columns} FROM {table.name} {where} ORDER BY {order} LIMIT {CHUNK}"


def _write(target: CopySession, table: Table, rows: list[Row]) -> None:
    names = ", ".join(name for name, _ in table.columns)
    values = ", ".join(f":{name}" for name, _ in table.columns)
    key = ", ".join(name for name, _ in table.key)
    changed = ", ".join(f"{c[0]} = excluded.{c[0]}" for c in table.columns if c not in table.key)
    then = f"DO UPDATE SET {changed}" if changed else "DO NOTHING"
    text = f"INSERT INTO {table.name} ({names}) VALUES ({values}) ON CONFLICT ({key}) {then}"
    statement = table.statement("put", table.columns, text)
    target.transact(lambda tx: tx.execute_many(statement, _values(rows)))


def _values(rows: list[Row]) -> list[Params]:
    return list(map(msgspec.structs.astuple, rows))


def checksum(session: CopySession, name: str) -> str:
    """SHA-256 over all rows of a table in the order of their keys, as hex: equal tables, equal checksums."""
    table = next(table for table in tables() if table.name == name)
    digest = hashlib.sha256()
    for rows in _chunks(session, table, None):
        digest.update(msgspec.msgpack.encode(_values(rows)))
    return digest.hexdigest()

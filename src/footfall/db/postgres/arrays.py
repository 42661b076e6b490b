"""A statement for many keys or rows at once, as PostgreSQL takes it: its placeholders become the columns of an `unnest` of arrays. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

from footfall.db.protocol import Params
from footfall.db.statements import Statement

_PLACEHOLDER = re.compile(r"\$(\d+)")
_VALUES = re.compile(r"VALUES\s*\(([^()]*)\)")
_COLUMN = r"k.p\1"


@functools.lru_cache(1024)
def lookup_text(statement: Statement) -> str:
    """`statement`, a query, for many keys at once: a row for each, whose first column is NULL where nothing was found."""
    query = _PLACEHOLDER.sub(_COLUMN, statement.postgres)
    return (
        f"SELECT q.* FROM {_unnest(statement, ordered=True)} "
        f"LEFT JOIN LATERAL (SELECT 1 AS found, s.* FROM ({query}) s LIMIT 1) q ON true ORDER BY k.ord"
    )


@functools.lru_cache(1024)
def groups_text(statement: Statement) -> str:
    """`statement`, a query, for many keys at once: all rows of each, behind the number of the key (from 1) and that of the row."""
    query = _PLACEHOLDER.sub(_COLUMN, statement.postgres)
    return (
        f"SELECT k.ord, q.* FROM {_unnest(statement, ordered=True)} "
        f"CROSS JOIN LATERAL (SELECT row_number() OVER () AS nth, s.* FROM ({query}) s) q ORDER BY k.ord, q.nth"
    )


@functools.lru_cache(1024)
def many_text(statement: Statement) -> str:
    """`statement`, an INSERT of VALUES, an UPDATE or a DELETE, for many rows at once. Raises ValueError for one of another kind."""
    rows, text = _unnest(statement, ordered=False), statement.postgres
    if found := _VALUES.search(text):
        head, tail = text[: found.start()], text[found.end() :]
        return f"{head}SELECT {_PLACEHOLDER.sub(_COLUMN, found[1])} FROM {rows}{tail}"
    head, where, tail = text.partition("WHERE")
    joined = {"UPDATE": "FROM", "DELETE": "USING"}.get(text.split(maxsplit=1)[0])
    if not where or not joined:
        raise ValueError(f"{statement.name} cannot be run for many rows at once")
    return f"{_PLACEHOLDER.sub(_COLUMN, head)}{joined} {rows} WHERE{_PLACEHOLDER.sub(_COLUMN, tail)}"


def _unnest(statement: Statement, *, ordered: bool) -> str:
    casts = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(statement.types, 1))
    columns = ", ".join(f"p{n}" for n in range(1, len(statement.types) + 1))
    return (
        f"unnest({casts}) WITH ORDINALITY AS k({columns}, ord)"
        if ordered
        else f"unnest({casts}) AS k({columns})"
    )


def arrays(statement: Statement, rows: Sequence[Params]) -> list[str]:
    """The columns of `rows` as array literals: psycopg builds arrays item by item, at 15 times the cost."""
    columns = zip(*rows, strict=True)
    return [array(kind, column) for kind, column in zip(statement.types, columns, strict=True)]


def array(kind: str, column: tuple[Any, ...]) -> str:
    """Values of one of PostgreSQL's types `bytea`, `text`, `bigint` or `double precision`, or None, as an array literal."""
    if kind == "bytea":
        items = ['"\\\\x' + value.hex() + '"' if value is not None else "NULL" for value in column]
    elif kind == "text":
        items = [_quoted(value) if value is not None else "NULL" for value in column]
    else:
        items = [str(value) if value is not None else "NULL" for value in column]
    return "{" + ",".join(items) + "}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

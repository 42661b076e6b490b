"""Named SQL statements, kept as text in `.sql` files beside the stores that use them.

    -- name: visitor_get(website_id bytes, visitor_id bytes) -> first_seen_at int, email text?
    -- When a visitor came first.
    SELECT first_seen_at, email FROM visitor WHERE website_id = :website_id AND visitor_id = :visitor_id;

The parenthesis fixes the order of the parameters and their types (bytes, text, int, real). Behind the arrow stand the columns of the result,
`?` for one that may be NULL: a row is a frozen struct with these fields, so it is read by name and cannot be read by position. The query
gives its columns these names in this order. The line below says what the statement answers or does.

One text serves both engines: `:name` becomes `?1` for SQLite and `$1` for PostgreSQL. A statement that the engines cannot share lies in
`NAME.sqlite.sql` and `NAME.postgres.sql` beside `NAME.sql`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

_HEADER = re.compile(r"^-- name: (\w+)\(([^)]*)\)(?: -> (.+))?$", re.MULTILINE)
_COMMENT = re.compile(r"^--.*\n?", re.MULTILINE)
_PARAMETER = re.compile(r"(?<![:\w]):(\w+)")
_TYPES = {"bytes": "bytea", "text": "text", "int": "bigint", "real": "double precision"}
_PYTHON: dict[str, Any] = {"bytes": bytes, "text": str, "int": int, "real": float}


class Statement(msgspec.Struct, frozen=True, eq=False):
    """One statement. `sqlite` and `postgres` differ in their placeholders only; `types` are PostgreSQL's.

    `row` makes the struct of a row from its values; it raises TypeError for a statement that gives no rows.
    """

    name: str
    parameters: tuple[str, ...]
    types: tuple[str, ...]
    sqlite: str
    postgres: str
    columns: tuple[str, ...]
    row: Callable[..., Any]


class Statements:
    """The statements of one file, as attributes."""

    def __init__(self, statements: dict[str, Statement]) -> None:
        self._statements = statements

    def __getattr__(self, name: str) -> Statement:
        try:
            return self._statements[name]
        except KeyError:
            raise AttributeError(f"no statement is named {name}") from None

    def __iter__(self) -> Iterator[Statement]:
        return iter(self._statements.values())


def load(module_file: str, name: str) -> Statements:
    """The statements of `name` (and of its two engine files, if any) in the folder of `module_file`."""
    path = Path(module_file).with_name(name)
    statements = {s.name: s for s in _parse(path.read_text("utf-8"))}
    for engine in ("sqlite", "postgres"):
        own = path.with_suffix(f".{engine}.sql")
        for s in _parse(own.read_text("utf-8")) if own.exists() else ():
            other = statements.get(s.name, s)
            texts = {"sqlite": other.sqlite, "postgres": other.postgres, engine: getattr(s, engine)}
            statements[s.name] = msgspec.structs.replace(s, **texts)
    return Statements(statements)


def _parse(text: str) -> list[Statement]:
    parts = _HEADER.split(text)[1:]
    return [
        make_statement(name, declared, body, columns or "")
        for name, declared, columns, body in zip(*(parts[i::4] for i in range(4)), strict=True)
    ]


def make_statement(name: str, declared: str, body: str, columns: str = "") -> Statement:
    """A statement from its name, its declared parameters (`a bytes, b int`), its text and its columns (`c text, d int?`).

    Raises ValueError when they do not fit.
    """
    body = _COMMENT.sub("", body)
    pairs = [item.split() for item in declared.split(",") if item.strip()]
    names = tuple(pair[0] for pair in pairs)
    unknown = set(_PARAMETER.findall(body)) ^ set(names)
    if unknown:
        raise ValueError(f"{name}: parameters declared and used differ: {sorted(unknown)}")
    numbered = _PARAMETER.sub(lambda m: f"\0{names.index(m[1]) + 1}", body.strip().rstrip(";"))
    types = tuple(_TYPES[pair[1]] for pair in pairs)
    row = row_struct(columns)
    return Statement(
        name,
        names,
        types,
        numbered.replace("\0", "?"),
        numbered.replace("\0", "$"),
        row.__struct_fields__ if columns else (),
        row if columns else functools.partial(_no_row, name),
    )


def _no_row(name: str, *_: Any) -> None:
    raise TypeError(f"{name} declares no columns, so it gives no rows")


@functools.lru_cache(1024)
def row_struct(columns: str) -> type[msgspec.Struct]:
    """The struct whose fields are these columns (`c text, d int?`). Raises ValueError for a type that is none."""
    fields: list[tuple[str, Any]] = []
    for item in columns.split(",") if columns else ():
        name, kind = item.split()
        known = _PYTHON.get(kind.removesuffix("?"))
        if known is None:
            raise ValueError(f"{item.strip()}: the types are {', '.join(_PYTHON)}")
        fields.append((name, known | None if kind.endswith("?") else known))
    return msgspec.defstruct("Row", fields, frozen=True, gc=False)

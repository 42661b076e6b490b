"""Named SQL statements, kept as text in `.sql` files beside the stores that use them.

    -- name: visitor_get(website_id bytes, visitor_id bytes)
    SELECT first_seen_at FROM visitor WHERE website_id = :website_id AND visitor_id = :visitor_id;

The parenthesis fixes the order of the values and their types (bytes, text, int, real). One text serves both engines: `:name` becomes
`?1` for SQLite and `$1` for PostgreSQL. A statement that the engines cannot share lies in `NAME.sqlite.sql` and `NAME.postgres.sql`
beside `NAME.sql`.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

_HEADER = re.compile(r"^-- name: (\w+)\(([^)]*)\)\s*$", re.MULTILINE)
_COMMENT = re.compile(r"^--.*\n?", re.MULTILINE)
_PARAMETER = re.compile(r"(?<![:\w]):(\w+)")
_TYPES = {"bytes": "bytea", "text": "text", "int": "bigint", "real": "double precision"}


class Statement(msgspec.Struct, frozen=True, eq=False):
    """One statement. `sqlite` and `postgres` differ in their placeholders only; `types` are PostgreSQL's."""

    name: str
    parameters: tuple[str, ...]
    types: tuple[str, ...]
    sqlite: str
    postgres: str


class Statements:
    """The statements of one file, as attributes."""

    def __init__(self, statements: dict[str, Statement]) -> None:
        self._statements = statements

    def __getattr__(self, name: str) -> Statement:
        try:
            return self._statements[name]
        except KeyError:
            raise AttributeError(f"no statement is named {name}") from None


def load(module_file: str, name: str) -> Statements:
    """The statements of `name` (and of its two engine files, if any) in the folder of `module_file`."""
    path = Path(module_file).with_name(name)
    statements = {s.name: s for s in _parse(path.read_text("utf-8"))}
    for engine in ("sqlite", "postgres"):
        own = path.with_suffix(f".{engine}.sql")
        for s in _parse(own.read_text("utf-8")) if own.exists() else ():
            other = statements.get(s.name, s)
            texts = {"sqlite": other.sqlite, "postgres": other.postgres, engine: getattr(s, engine)}
            statements[s.name] = Statement(s.name, s.parameters, s.types, **texts)
    return Statements(statements)


def _parse(text: str) -> list[Statement]:
    parts = _HEADER.split(text)[1:]
    return [make_statement(*parts[i : i + 3]) for i in range(0, len(parts), 3)]


def make_statement(name: str, declared: str, body: str) -> Statement:
    """A statement from its name, its declared parameters (`a bytes, b int`) and its text. Raises ValueError when they do not fit."""
    body = _COMMENT.sub("", body)
    pairs = [item.split() for item in declared.split(",") if item.strip()]
    names = tuple(pair[0] for pair in pairs)
    unknown = set(_PARAMETER.findall(body)) ^ set(names)
    if unknown:
        raise ValueError(f"{name}: parameters declared and used differ: {sorted(unknown)}")
    numbered = _PARAMETER.sub(lambda m: f"\0{names.index(m[1]) + 1}", body.strip().rstrip(";"))
    types = tuple(_TYPES[pair[1]] for pair in pairs)
    return Statement(name, names, types, numbered.replace("\0", "?"), numbered.replace("\0", "$"))

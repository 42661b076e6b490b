"""How values are bound in what ClickHouse is asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

MOST_BYTES = 100_000
"""Of one value: servers refuse a field of a form that is longer than 128 KiB."""
_NAME = re.compile(r"\$([a-z_]\w*)", re.ASCII)
_NUMBER_BYTES = 21
"""Of a number in a list."""
_ESCAPED = 4
"""Bytes that a byte of a text takes at most."""


class Bound(NamedTuple):
    """A question, and what is sent with it."""

    text: str
    values: dict[str, Any]


def bound(text: str, values: Mapping[str, Any]) -> Bound:
    """A question with `$name` for what is bound, as ClickHouse takes it: `{name:Type}`. Long lists are sent in parts."""
    parts = {name: _parts(name, values[name]) for name in dict.fromkeys(_NAME.findall(text))}
    said = {name: _said(found) for name, found in parts.items()}
    return Bound(
        _NAME.sub(lambda found: said[found[1]], text),
        {name: value for found in parts.values() for name, value in found.items()},
    )


def _said(parts: Mapping[str, Any]) -> str:
    listed = ", ".join(f"{{{name}:{_type(value)}}}" for name, value in parts.items())
    return f"arrayConcat({listed})" if len(parts) > 1 else listed


def _type(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"Array({_type(value[0]) if value else 'String'})"
    return {int: "Int64", float: "Float64"}.get(type(value), "String")


def _parts(name: str, value: Any) -> dict[str, Any]:
    """A value by its name; a list that is too long by several."""
    if not isinstance(value, list | tuple):
        return {name: value}
    parts: list[list[Any]] = [[]]
    room = MOST_BYTES
    for item in value:
        room -= _bytes(item)
        if room < 0 and parts[-1]:
            parts.append([])
            room = MOST_BYTES - _bytes(item)
        parts[-1].append(item)
    return {name: parts[0]} if len(parts) == 1 else _numbered(name, parts)


def _numbered(name: str, parts: Sequence[list[Any]]) -> dict[str, Any]:
    return {f"{name}__{number}": part for number, part in enumerate(parts)}


def _bytes(item: Any) -> int:
    return _ESCAPED * len(item.encode()) + 3 if isinstance(item, str) else _NUMBER_BYTES

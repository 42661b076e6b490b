"""Parameters that several routes share, read strictly. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import tzinfo

from footfall.clock import find_zone
from footfall.errors import BadRequest

MAX_ZONE = 64
"""Characters of the name of a time zone."""

_ESCAPED = re.compile(r"\\([\\, ])")
_SHIELDS = {",": "\ud800", "\\": "\ud801", " ": "\ud802"}
"""What stands for escaped characters until the values are parted: surrogates, which no query holds."""
_UNSHIELDED = str.maketrans({shield: character for character, shield in _SHIELDS.items()})


def split_values(text: str) -> tuple[str, ...]:
    """The values of a list separated by commas, without those that are empty.

    A backslash in front of a comma, a blank or a backslash makes it part of a value.
    """
    shielded = _ESCAPED.sub(lambda found: _SHIELDS[found[1]], text)
    return tuple(part.strip().translate(_UNSHIELDED) for part in shielded.split(",") if part.strip())


def read_number_parameter(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """A whole number in a query. Raises BadRequest."""
    text = query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not low <= int(text) <= high:
        raise BadRequest(f"{name} must be a whole number from {low} to {high}.")
    return int(text)


def read_zone(query: Mapping[str, str], default: str) -> tzinfo:
    """The time zone of the optional `timezone` of a query. Raises BadRequest."""
    name = query.get("timezone") or default
    zone = find_zone(name) if len(name) <= MAX_ZONE else None
    if zone is None:
        raise BadRequest(f"timezone: {name[:60]!r} is no IANA time zone; use one such as Europe/Berlin.")
    return zone


def read_either(query: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """The value of a parameter under any of its names. Raises BadRequest if two of them differ."""
    given = {query[name] for name in names if name in query}
    if len(given) > 1:
        raise BadRequest(f"{' and '.join(name for name in names if name in query)} differ: send one of them.")
    return given.pop() if given else None


def refuse_others(query: Mapping[str, str], others: Collection[str], known: str) -> None:
    """What narrows other calls must not be overlooked by a deletion, which would take more than was meant. Raises BadRequest."""
    for name in query:
        if name in others:
            raise BadRequest(f"{name} does not narrow a deletion. What does: {known}.")


def read_order(query: Mapping[str, str], default: str) -> str:
    """The optional `order` of a query: `asc` or `desc`. Raises BadRequest."""
    order = query.get("order", default)
    if order not in ("asc", "desc"):
        raise BadRequest("order must be asc or desc.")
    return order


def read_cursor(text: str | None, least: int, most: int, whose: str) -> bytes:
    """A cursor of that many bytes, as returned in an answer; empty if there is none. Raises BadRequest."""
    cursor = b"" if text is None else read_hex(text, least, most)
    if cursor is None:
        raise BadRequest(f"cursor must be a nextCursor of this {whose}.")
    return cursor


def read_hex(text: str, least: int, most: int) -> bytes | None:
    """`least` to `most` bytes in hex digits; None if it is anything else."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return None
    return found if 2 * len(found) == len(text) and least <= len(found) <= most else None

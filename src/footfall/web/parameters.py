"""Parameters that several routes share, read strictly. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from footfall.errors import BadRequest


def read_number_parameter(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """A whole number in a query. Raises BadRequest."""
    text = query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not low <= int(text) <= high:
        raise BadRequest(f"{name} must be a whole number from {low} to {high}.")
    return int(text)


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

"""What people can be found by: how traits and names look in the trait index. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from footfall.clock import from_iso

MAX_VALUE = 255
MAX_TERM = 100
"""Characters that are kept of a value, and of a term."""
MAX_TERMS = 60
_WORD_START = re.compile(r"(?<![^\W_])[^\W_]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

Indexed = tuple[str, str, float | None]
"""(kind, value, number): kind is `text`, `number`, `date` or `other`; a date's number is ms since epoch."""


def indexed_value(value: Any) -> Indexed:
    """A trait's value as the index keeps it."""
    if isinstance(value, bool):
        return "text", "true" if value else "false", None
    if isinstance(value, int | float):
        return "number", _number_text(value), float(value)
    if isinstance(value, str):
        number = read_number(value)
        if number is not None:
            return number[0], value[:MAX_VALUE], number[1]
        return "text", value[:MAX_VALUE], None
    return "other", msgspec.json.encode(value, order="sorted").decode()[:MAX_VALUE], None


def read_number(text: str) -> tuple[str, float] | None:
    """("number" or "date", number) of a text that is one: `7`, `2026-05-05`, `2026-05-05T12:00:00Z`; None for other texts."""
    try:
        number = float(text)
    except ValueError:
        return _read_date(text)
    return ("number", number) if math.isfinite(number) else None


def _read_date(text: str) -> tuple[str, float] | None:
    if not _DATE.match(text):
        return None
    try:
        return "date", float(from_iso(text if len(text) > 10 else text + "T00:00:00Z"))
    except (ValueError, OverflowError):
        return None


def _number_text(value: float) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def search_terms(user_ids: Iterable[str], metadata: Mapping[str, Any]) -> set[str]:
    """User ids, name and e-mail address in lower case, whole and from the beginning of each of their words on.

    Whoever begins to type any of their words, or several in a row, finds them: `ada.l@example.com` by `ada`, `l@`, and `example.com`.
    """
    values = [*user_ids, *(metadata.get(key) for key in ("name", "email"))]
    terms: dict[str, None] = {}
    for value in values:
        if isinstance(value, str) and value.strip():
            whole = value.strip().lower()
            starts = (0, *(found.start() for found in _WORD_START.finditer(whole)))
            terms.update((whole[start : start + MAX_TERM], None) for start in starts)
    return set(list(terms)[:MAX_TERMS])

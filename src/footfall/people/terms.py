"""What people can be found by: how traits and names look in the trait index. Pure."""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from footfall.clock import from_iso

FORM = 2
"""The number of the form that values and terms have in the index. To be raised with each change: then everybody is indexed anew."""
MAX_VALUE = 255
MAX_TERM = 100
"""Characters that are kept of a value, and of a term."""
MAX_WORDS, MAX_ALL_WORDS = 60, 600
"""Words of a text, and of all texts of a person, from which on they can be found. Each text is found from its beginning on."""
LAST_CASED = 0x1FFFF
"""No letter behind this one has a case."""
_WORD_START = re.compile(r"(?<![^\W_])[^\W_]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

Indexed = tuple[str, str, float | None]
"""(kind, value, number): kind is `text`, `number`, `date`, `other` or CUT; a date's number is ms since epoch, a cut value's its length."""
CUT = "cut"
"""The kind of values that are not kept whole."""


def kept(text: str) -> str:
    """A value as the index keeps it: whole, or more than MAX_VALUE characters, its beginning and a digest, if it is longer than that."""
    return text if len(text) <= MAX_VALUE else text[:MAX_VALUE] + hashlib.sha256(text.encode()).hexdigest()


def indexed_value(value: Any) -> Indexed:
    """A trait's value as the index keeps it."""
    kind, text, number = _whole(value)
    return (kind, text, number) if len(text) <= MAX_VALUE else (CUT, kept(text), float(len(text)))


def _whole(value: Any) -> Indexed:
    if isinstance(value, bool):
        return "text", "true" if value else "false", None
    if isinstance(value, int | float):
        return "number", _number_text(value), float(value)
    if isinstance(value, str):
        number = read_number(value)
        if number is not None:
            return number[0], value, number[1]
        return "text", value, None
    return "other", msgspec.json.encode(value, order="sorted").decode(), None


def values_meant(text: str) -> set[str]:
    """The values, as the index keeps them, that are just `text`: that text itself, and if it is a number, that number (5 for `5.0`)."""
    number = read_number(text)
    if number is None or number[0] != "number":
        return {kept(text)}
    try:
        return {kept(text), kept(str(int(text)))}  # all digits of a large one
    except ValueError:
        return {kept(text), kept(_number_text(number[1]))}


def read_number(text: str) -> tuple[str, float] | None:
    """("number" or "date", number) of a text that is one: `7`, `2026-05-05`, `2026-05-05T12:00:00Z`; None for other texts.

    A date without a zone is one of UTC.
    """
    try:
        number = float(text)
    except ValueError:
        return _read_date(text)
    return ("number", number) if math.isfinite(number) and "_" not in text else None


def _read_date(text: str) -> tuple[str, float] | None:
    if not _DATE.match(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return "date", float(from_iso(moment.replace(tzinfo=moment.tzinfo or UTC).isoformat()))
    except (ValueError, OverflowError):
        return None


def _number_text(value: float) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def search_terms(user_ids: Iterable[str], metadata: Mapping[str, Any]) -> set[str]:
    """User ids, name and e-mail address in lower case, whole and from the beginning of each of their words on.

    Whoever begins to type any of their words, or several in a row, finds them: `ada.l@example.com` by `ada`, `l@`, and `example.com`.
    """
    values = [metadata.get("name"), metadata.get("email"), *user_ids]
    texts = [value.strip().lower() for value in values if isinstance(value, str) and value.strip()]
    words = (word for text in texts for word in itertools.islice(_words(text), MAX_WORDS))
    return {text[:MAX_TERM] for text in texts} | set(itertools.islice(words, MAX_ALL_WORDS))


def _words(text: str) -> Iterator[str]:
    """The text from the beginning of each of its words on."""
    starts = (found.start() for found in _WORD_START.finditer(text))
    return (text[start : start + MAX_TERM] for start in starts)


def any_case(text: str) -> tuple[str, str]:
    """What values contain that contain `text` in any case: a pattern for SQLite's GLOB, and a regular expression for PostgreSQL.

    Neither engine knows the case of all letters by itself, so each letter is written as the set of its cases.
    """
    glob = regex = ""
    for letter in text:
        cases = _cases().get(_fold(letter), letter)
        if len(cases) > 1:
            glob, regex = f"{glob}[{cases}]", f"{regex}[{cases}]"
        else:
            glob += f"[{letter}]" if letter in "*?[" else letter
            regex += letter if letter.isalnum() or not letter.isascii() else f"\\{letter}"
    return f"*{glob}*", regex


@functools.cache
def _cases() -> dict[str, str]:
    """All letters that are the same but for their case, by their `_fold`."""
    found: dict[str, str] = {}
    for letter in map(chr, range(LAST_CASED + 1)):
        if letter.lower() != letter.upper():
            found[_fold(letter)] = found.get(_fold(letter), "") + letter
    return found


def _fold(letter: str) -> str:
    """The same for each case of a letter, also for the two small sigmas. Lower case where folding gives two letters, as for `ß`."""
    folded = letter.casefold()
    return folded if len(folded) == 1 else letter.lower()

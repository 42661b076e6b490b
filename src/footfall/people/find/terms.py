"""What people can be found by: how traits and names look in the trait index. Pure."""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from footfall.clock import from_iso
from footfall.identity.model import TraitValues

FORM = 3
"""The number of the form that values and terms have in the index. To be raised with each change: then everybody is indexed anew."""
MAX_VALUE = 255
MAX_TERM = 100
"""Characters that are kept of a value, and of a term."""
MAX_WORDS, MAX_ALL_WORDS = 60, 600
"""Words of a text, and of all texts of a person, from which on they can be found. Each text is found from its beginning on."""
MAX_TEXT = 2000
"""Characters of a text that are looked at: to put the marks of a letter in order takes the square of their number."""
MAX_ASKED = 10
"""Words of a search that count."""
MAX_ELEMENTS = 100
"""Elements of a list by which it can be found, and of all lists of a person."""
MOST_MARKS = 30
"""Marks in a row that any language needs, by far: texts with more are taken as they are."""
LAST_CASED = 0x1FFFF
"""No letter behind this one has a case."""
_UNSPACED = "\u3005-\u3007\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff"
"""Chinese, Japanese and Korean, where words stand without blanks in between, or endings hang on them: each character begins a word."""
_WORD_START = re.compile(rf"(?<![^\W_])[^\W_]|(?<=[{_UNSPACED}])[^\W_]|[{_UNSPACED}]|@(?=[^\W_])")
_MARKS = re.compile("[\u0300-\u036f]+")
_ASKED_START = re.compile(r"@?[^\W_]")
_BEHIND_WORD = "\"'),.:;]}\u201c\u201d\u00bb"
_ALIKE = str.maketrans(dict.fromkeys("\u2018\u2019\u02bb\u02bc\u2032\u00b4`", "'") | {"\x01": " "})
_SPELLED = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "ŧ": "t",
        "\u0131": "i",
        "ŋ": "n",
    }
)
"""Letters that have no form without their mark, as who lacks the key types them."""
ELEMENT = "\x01"
"""In front of the terms that are elements of lists; no text has it, see `folded`."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

Indexed = tuple[str, str, float | None]
"""(kind, value, number): kind is `text`, `number`, `date`, `other` or CUT; a date's number is ms since epoch, a cut value's its length."""
CUT = "cut"
"""The kind of values that are not kept whole."""


def kept(text: str) -> str:
    """A value as the index keeps it: whole, or more than MAX_VALUE characters, its beginning and a digest, if it is longer than that."""
    return text if len(text) <= MAX_VALUE else text[:MAX_VALUE] + hashlib.sha256(text.encode()).hexdigest()


def composed(text: str) -> str:
    """The text with each letter and its marks as one character, where there is one, however it was spelled (Unicode's form NFC)."""
    return text if text.isascii() or not _is_orderly(text) else unicodedata.normalize("NFC", text)


def decomposed(text: str) -> str:
    """The other spelling: each letter apart from its marks (NFD)."""
    return text if text.isascii() or not _is_orderly(text) else unicodedata.normalize("NFD", text)


def _is_orderly(text: str) -> bool:
    """Whether no letter has very many marks."""
    marks = "".join("m" if unicodedata.combining(letter) else " " for letter in text)
    return "m" * (MOST_MARKS + 1) not in marks


def indexed_value(value: Any) -> Indexed:
    """A trait's value as the index keeps it."""
    kind, text, number = _whole(value)
    text = composed(text)
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
    text = composed(text)
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


def folded(text: str) -> str:
    """What texts have in common that differ in case, accents, spelling (`ß` and `ss`), blanks or the form of the apostrophe only.

    Marks go from Latin, Greek and Cyrillic letters; those of other alphabets make other letters, and stay.
    """
    alike = text[:MAX_TEXT].translate(_ALIKE)
    if not alike.isascii():
        bare = (
            _MARKS.sub("", unicodedata.normalize("NFKD", alike))
            .casefold()
            .translate(_SPELLED)
            .translate(_ALIKE)
        )
        alike = unicodedata.normalize("NFC", bare)
    return " ".join(alike.lower().split())


def search_terms(user_ids: Iterable[str], traits: TraitValues) -> set[str]:
    """What a person is found by: user ids, name and e-mail address, folded, whole and from the beginning of each of their words on.

    Whoever begins to type any of their words, or several in a row, finds them: `ada.l@example.com` by `ada`, `l@`, `example.com` and
    `@example.com`. So does a filter on a list that asks for one of its elements.
    """
    values = [traits.get("name"), traits.get("email"), *user_ids]
    texts = [text for value in values if isinstance(value, str) and (text := folded(value))]
    words = (word for text in texts for word in itertools.islice(_words(text), MAX_WORDS))
    terms = {text[:MAX_TERM] for text in texts} | set(itertools.islice(words, MAX_ALL_WORDS))
    return terms | set(itertools.islice(_elements(traits), MAX_ELEMENTS))


def _words(text: str) -> Iterator[str]:
    """The text from the beginning of each of its words on."""
    starts = (found.start() for found in _WORD_START.finditer(text))
    return (text[start : start + MAX_TERM] for start in starts)


def _elements(traits: TraitValues) -> Iterator[str]:
    """The terms of lists' elements."""
    lists = ((name, value) for name, value in traits.items() if isinstance(value, list))
    return (element_term(name, indexed_value(one)[1]) for name, value in lists for one in value)


def element_term(name: str, value: str) -> str:
    """The term by which a person is found whose list `name` has an element with this value, as the index keeps it."""
    return f"{ELEMENT}{len(name)}{ELEMENT}{name}{value}"


def asked_words(search: str) -> list[str]:
    """The beginnings of words that a folded search asks for: the first MAX_ASKED, without those that say less than another.

    Punctuation around them is not asked for, unless there is nothing else.
    """
    found = ((word, _ASKED_START.search(word)) for word in search.split())
    asked = (word[start.start() :].rstrip(_BEHIND_WORD)[:MAX_TERM] for word, start in found if start)
    words = list(dict.fromkeys(asked))[:MAX_ASKED] or [search[:MAX_TERM]]
    return [one for one in words if not any(other != one and other.startswith(one) for other in words)]


def any_case(text: str) -> tuple[str, str]:
    """Patterns that match values containing `text`, ignoring case: one for SQLite's GLOB, a regular expression for PostgreSQL.

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


def in_one_case(text: str) -> str:
    """The same for all texts that differ in case only, letter by letter, as `any_case` has it."""
    return text.lower() if text.isascii() else text.translate(_one_case())


def warm() -> None:
    """Make the tables of letters, a tenth of a second's work, before they are needed."""
    _one_case()


@functools.cache
def _one_case() -> dict[int, str]:
    return {ord(letter): fold for fold, letters in _cases().items() for letter in letters}


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

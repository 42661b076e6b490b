"""Cleaning of the free texts that events carry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
"""Control characters, and lone surrogates, which cannot be stored as UTF-8."""
_GOAL_NAME = re.compile(r"[a-z0-9_:-]{1,64}")
_PARAMETER_NAME = re.compile(r"[a-z0-9_-]{1,64}")
_MARKUP = str.maketrans("", "", "<>'\"&")

MAX_PARAMETERS = 10
MAX_VALUE = 255
_MAX_INTEGER_BITS = 1024
"""More bits than 255 digits can show. Python refuses to print integers of more than 4,300 digits."""


def clean_text(value: object, limit: int) -> str | None:
    """A string without control characters and outer spaces, cut to `limit` characters; None if that leaves
    nothing or it is no string.
    """
    if type(value) is not str:
        return None
    text = value if value.isprintable() else _UNWANTED.sub("", value)
    return text.strip()[:limit].rstrip() or None


def clean_goal_name(value: object) -> str | None:
    """A goal's name in lower case, spaces as `_`: 1 to 64 of `a-z 0-9 _ : -`. None when it is not of that
    form.
    """
    if type(value) is not str or len(value) > 256:
        return None
    return _goal_name(value)


@lru_cache(4096)
def _goal_name(value: str) -> str | None:
    name = value.strip().lower().replace(" ", "_")
    return name if _GOAL_NAME.fullmatch(name) else None


def clean_parameters(data: Mapping[str, object]) -> dict[str, str]:
    """The first 10 well-formed parameters of a goal, in the order sent.

    Names become lower case and are 1 to 64 of `a-z 0-9 _ -`. Values are texts, numbers and booleans, the
    latter two written as JavaScript writes them; at most 255 characters, without `< > ' " &`, which the
    vendor's script strips too. What has another form (null, lists, objects, other names) is left out. Of two
    names that differ in case only, the first counts.
    """
    found: dict[str, str] = {}
    for key, value in data.items():
        name = _parameter_name(key) if type(key) is str and len(key) <= 64 else None
        text = _value_text(value)
        if name is None or text is None or name in found:
            continue
        found[name] = text
        if len(found) == MAX_PARAMETERS:
            break
    return found


@lru_cache(4096)
def _parameter_name(key: str) -> str | None:
    name = key.lower()
    return name if _PARAMETER_NAME.fullmatch(name) else None


def _value_text(value: object) -> str | None:
    if type(value) is str:
        text = value if value.isprintable() else _UNWANTED.sub("", value)
        return text.translate(_MARKUP)[:MAX_VALUE]
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return str(value)[:MAX_VALUE] if value.bit_length() <= _MAX_INTEGER_BITS else None
    if type(value) is float:
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else str(value)
    return None

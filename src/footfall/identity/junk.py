"""User ids and names that are no ids and no names: what a client sends when it has none. Pure.

One such id would glue all the users of a client with a bug into one person.
"""

from __future__ import annotations

import re

_JUNK_IDS = frozenset(
    [
        "undefined",
        "null",
        "nan",
        "none",
        "true",
        "false",
        "0",
        "-1",
        "anonymous",
        "guest",
        "user",
        "id",
        "email",
        "user_id",
        "distinct_id",
    ]
) | {"[object object]"}
_QUOTES = "\"'`"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PLACEHOLDERS = frozenset(("undefined", "null", "nan", "none"))

MAX_USER_ID = 255
"""Unicode code points."""


def user_id_problem(user_id: object) -> str | None:
    """Why `user_id` cannot be one, as the end of a sentence that begins with its name; None when it can."""
    if type(user_id) is not str:
        return "must be a JSON string"
    if not 1 <= len(user_id) <= MAX_USER_ID:
        return f"must have 1 to {MAX_USER_ID} characters"
    if not user_id.isprintable() and _CONTROL.search(user_id):
        return "must not hold control characters"
    if not user_id.strip():
        return "must not be only white space"
    if is_junk(user_id):
        return (
            "is a placeholder, not the id of a person: it would join all users who send it into one. "
            "Send your own stable id, and only after log-in"
        )
    return None


def is_junk(user_id: str) -> bool:
    """Whether `user_id` is a placeholder, bare or quoted, without regard to case."""
    bare = user_id.strip().lower()
    while len(bare) >= 2 and bare[0] in _QUOTES and bare[-1] == bare[0]:
        bare = bare[1:-1].strip()
    return bare in _JUNK_IDS or not bare.strip("0- ")


def is_placeholder_name(name: str) -> bool:
    """Whether `name` is blank or made of placeholders alone, such as `undefined undefined`."""
    words = name.lower().replace("[object object]", " null ").split()
    return all(word in _PLACEHOLDERS for word in words)

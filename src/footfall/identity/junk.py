"""User ids and names that are no ids and no names: what a client sends when it has none. Pure.

One such id would glue all the users of a client with a bug into one person.
"""

from __future__ import annotations

import re

_WORDS = frozenset(
    [
        "undefined",
        "null",
        "nil",
        "nan",
        "none",
        "n/a",
        "#n/a",
        "true",
        "false",
        "0",
        "anonymous",
        "guest",
        "unknown",
        "user",
        "id",
        "email",
        "userid",
        "distinctid",
        "notauthenticated",
        "#ref!",
        "#value!",
        "#num!",
        "#null!",
        "#spill!",
        "#calc!",
        "#error!",
        "#div/0!",
        "#name?",
    ]
)
"""What stands for no id, without `_` and blanks inside; the last ones are spreadsheet errors."""
_JOINT = r"[\s_.@:-]+"
_NOTHING = "undefined|null|nil|nan|none"
_TEXT = "|".join(map(re.escape, _WORDS - {"0"})) + r"|user[\s_-]*id|distinct[\s_-]*id|not[\s_-]*authenticated"
_JOINED = re.compile(
    rf"(?:{_TEXT}){_JOINT}(?:{_TEXT})|(?:{_NOTHING}){_JOINT}(?:0|-1)|(?:0|-1){_JOINT}(?:{_NOTHING})|({_TEXT}|0|-1)(?:{_JOINT}\1)+"
)
"""Two of the words, or one again and again. `user_0` is the first of somebody's users."""
_ENDS = (*_WORDS, "-1", "id", "authenticated")
"""How those end: what most ids do not."""
_PRINTED = re.compile(
    r"(?=[\[<{$%:opfa])(?:\[object\b.*\]|optional\(.*\)|<promise\b.*>|promise \{.*\}|<.* object at 0x.*>|(?:async )?function[\s(*].*"
    r"|\{\{.*\}\}|\$\{.*\}|<%.*%>|%[sd]|\{\d+\}|:user[\s_-]*id)",
    re.DOTALL,
)
"""Objects and functions that a program printed by mistake, and templates that nothing was filled into."""
_QUOTES = "\"'`\u00b4\u2018\u2019\u201c\u201d\u00ab\u00bb"
_AROUND = _QUOTES + "()<>[]{} \t\u00a0"
"""Quotes and brackets, and blanks between them."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PLACEHOLDERS = frozenset(("undefined", "null", "nan", "none"))

MAX_USER_ID = 255
"""Unicode code points."""
JUNK = (
    "is a placeholder, not the id of a person: it would join all users who send it into one. "
    "Send your own stable id, and only after log-in"
)


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
    return JUNK if is_junk(user_id) else None


def is_junk(user_id: str) -> bool:
    """Whether `user_id` (of at most MAX_USER_ID characters) is a placeholder, whatever its case and what stands around it."""
    told = user_id.strip().lower()
    bare = told.strip(_AROUND)
    if _squashed(bare) in _WORDS or bare == "-1" or not bare.strip("0-._ \u00a0"):
        return True
    if told.isalnum():  # what most ids are
        return False
    return bool((bare.endswith(_ENDS) and _JOINED.fullmatch(bare)) or _PRINTED.fullmatch(told.strip(_QUOTES)))


def _squashed(text: str) -> str:
    return text.replace("_", "").replace("-", "").replace(" ", "").replace("\u00a0", "")


def is_placeholder_name(name: str) -> bool:
    """Whether `name` is blank or made of placeholders alone, such as `undefined undefined`."""
    words = name.lower().replace("[object object]", " null ").split()
    return all(word in _PLACEHOLDERS for word in words)

"""The tracking script made short: without comments and blanks, which is rjsmin's work, and with short names of its own. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import product
from string import ascii_letters, digits

import rjsmin

_TOKEN = re.compile(
    r"""
    (
      "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `(?:\\.|[^`\\])*`                               # texts
    | (?:(?<=[(,=:!&|?>;{}])|(?<=return))/(?:\\.|\[(?:\\.|[^]\\])*\]|[^/\\])+/\w*              # patterns
    | (?<!\.)\.\w+ | \b\w+: | (?<=[{,])\w+(?=[,}])                                            # fields, or what looks like one
    )
    | \b([A-Za-z_]\w*)
    """,
    re.VERBOSE,
)
_DECLARED = re.compile(r"\bfunction (\w*)(?:\((\w+))?|\bvar (\w+)|\b(\w+)=>|\((\w+)(?:,\w+)*\)=>")


def minify(source: str) -> str:
    """`source` as browsers need it, all of whose statements end with a semicolon."""
    # The minifier keeps line ends for sources that leave semicolons out.
    text = rjsmin.jsmin(source).replace("}\n", "}").replace(";}", "}")
    return _shorten_names(text)


def _shorten_names(text: str) -> str:
    """With a letter or two for each name that the text declares. A word that is also a field, or stands in a text, stays everywhere."""
    # Again and again: what lies between two tokens, a token that stays, a name. One of the last two is empty.
    parts = [part or "" for part in _TOKEN.split(text)]
    kept = set(re.findall(r"\w+", " ".join(parts[1::3])))
    names = Counter(parts[2::3])
    declared = {name for found in _DECLARED.findall(text) for name in found}
    long = [name for name, _ in names.most_common() if name in declared - kept and len(name) > 2]
    short = (name for name in _short_names() if name not in names and name not in kept)
    renamed = dict(zip(long, short, strict=False))
    return "".join(renamed.get(part, part) for part in parts)


def _short_names() -> Iterator[str]:
    """None of these is a word of the language."""
    yield from ascii_letters
    yield from map("".join, product(ascii_letters, digits))

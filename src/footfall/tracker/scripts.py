"""The tracking script in its flavours, small enough to send. Pure but for reading the source."""

from __future__ import annotations

import functools
import gzip
import hashlib
from collections.abc import Iterable
from importlib.resources import files

import msgspec

from footfall.tracker.minify import minify

FLAVOURS: dict[str, frozenset[str]] = {
    "script.js": frozenset(("cookies",)),
    "script.hash.js": frozenset(("cookies", "hash")),
    "script.cookieless.js": frozenset(),
}
"""What each flavour has, by the name of its file."""


class Script(msgspec.Struct, frozen=True):
    """A flavour as it is served. `etag`: a strong validator, with its quotes; one for each encoding."""

    plain: bytes
    gzipped: bytes
    etag: str
    gzipped_etag: str


@functools.cache
def make_script(name: str) -> Script:
    """The flavour of the file `name`, one of FLAVOURS. Raises KeyError."""
    source = (files("footfall.tracker") / "script.js").read_text("utf-8")
    text = keep_parts(source, FLAVOURS[name]).replace("FLAVOUR", f'"{name}"')
    plain = minify(text).encode()
    digest = hashlib.sha256(plain).hexdigest()[:20]
    return Script(plain, gzip.compress(plain, 9, mtime=0), f'"{digest}"', f'"{digest}-gzip"')


def keep_parts(source: str, parts: Iterable[str]) -> str:
    """The lines of `source` but for those between `//#if X`, `//#else` and `//#end` that these parts leave out."""
    kept: list[str] = []
    is_kept = True
    for line in source.splitlines():
        word, _, part = line.strip().partition(" ")
        if word == "//#if":
            is_kept = part in parts
        elif word == "//#else":
            is_kept = not is_kept
        elif word == "//#end":
            is_kept = True
        elif is_kept:
            kept.append(line)
    return "\n".join(kept)

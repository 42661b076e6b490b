"""Host names in any alphabet: ASCII for storing and comparing, Unicode for showing. Pure."""

from __future__ import annotations

from functools import lru_cache

import idna

MAX_HOST = 253
"""Characters of the longest host name."""
MAX_LABEL = 63
"""Characters of the longest part, in ASCII: whatever is longer in Unicode is longer still in ASCII."""
_PREFIX = "xn--"


@lru_cache(4096)
def to_ascii(host: str) -> str | None:
    """A host name as browsers write it: UTS 46, not transitional, so `straße.de` is not `strasse.de`. None if the text is not one."""
    if host.isascii():
        return host.lower()
    if len(host) > MAX_HOST:
        return None
    try:
        mapped = idna.uts46_remap(host, std3_rules=False, transitional=False)
        labels = [_ascii_label(label) for label in mapped.split(".")]
    except (idna.IDNAError, UnicodeError):
        return None
    return ".".join(labels)


def _ascii_label(label: str) -> str:
    if (
        len(label) > MAX_LABEL
    ):  # one character may be mapped to many, and what follows takes the square of them
        raise UnicodeError("the label is too long")
    # Not idna's own rules for labels, which refuse emoji that browsers accept.
    return label if label.isascii() else _PREFIX + label.encode("punycode").decode("ascii")


@lru_cache(4096)
def to_unicode(host: str) -> str:
    """A host name as people read it; labels that would not lead back to the same name are left alone."""
    return ".".join(_shown_label(label) for label in host.split(".")) if _PREFIX in host else host


def _shown_label(label: str) -> str:
    if not label.startswith(_PREFIX) or len(label) > MAX_LABEL:
        return label
    try:
        shown = label.removeprefix(_PREFIX).encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    return shown if to_ascii(shown) == label else label

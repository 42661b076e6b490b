"""Identifiers: how they are created, read and written.

| id | stored | on the wire |
|---|---|---|
| website, key, token, profile | 12 bytes | 24 hex digits |
| visitor | 16 bytes | UUID in lower case |
| fact | 16 bytes: 6 of `at`, 10 of a hash | 32 hex digits |
| event | 10 bytes: 6 of `at`, 2 that count, 2 of the process | 20 hex digits |
| tracking id | text | `dfid_` and 20 letters or digits |
"""

from __future__ import annotations

import re
import secrets

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_HEX_24 = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

TRACKING_PREFIX = "dfid_"
AT_BYTES = 6
"""Bytes of a time in front of fact and event ids: ms since epoch, big endian, good until the year 10889."""
EVENT_BYTES, FACT_BYTES, VISITOR_BYTES = 10, 16, 16
MAX_AT: int = 256**AT_BYTES - 1
_COUNT = 65536
"""Numbers of two bytes."""


def parse_uuid(text: object) -> bytes | None:
    """The 16 bytes of an RFC 9562 UUID in the 8-4-4-4-12 form, or None. Nil and max do not count as ids."""
    if type(text) is not str or len(text) != 36 or _UUID.fullmatch(text) is None:
        return None
    return bytes.fromhex(text.replace("-", ""))


def format_uuid(raw: bytes) -> str:
    """16 bytes as a UUID in lower case."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def parse_object_id(text: object) -> bytes | None:
    """The 12 bytes of an id given as 24 hex digits, or None."""
    if type(text) is not str or _HEX_24.fullmatch(text) is None:
        return None
    return bytes.fromhex(text)


def new_object_id() -> bytes:
    """A new random id of 12 bytes."""
    return secrets.token_bytes(12)


def new_tracking_id() -> str:
    """A new id for the `data-website-id` of a page's script tag."""
    return TRACKING_PREFIX + random_text(20)


def random_text(length: int) -> str:
    """`length` random letters and digits, without the look-alikes I, O and l (5.9 bits each)."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def at_prefix(at: int) -> bytes:
    """The 6 bytes that sort like `at` (ms since epoch, cut to 0..MAX_AT)."""
    kept: int = min(max(at, 0), MAX_AT)
    return kept.to_bytes(AT_BYTES, "big")


class EventIds:
    """Makes ids of events at a time (ms since epoch). Those of one millisecond sort as they were made, up to 32,768 of them in a row."""

    def __init__(self) -> None:
        self._process = secrets.token_bytes(2)
        self._next = secrets.randbelow(_COUNT)
        self._at = -1

    def __call__(self, at: int) -> bytes:
        """The next id."""
        if at != self._at and self._next >= _COUNT // 2:
            self._next = 0  # now rather than within a millisecond
        self._at = at
        made = at_prefix(at) + self._next.to_bytes(2, "big") + self._process
        self._next = (self._next + 1) % _COUNT
        return made


def at_of(prefixed: bytes) -> int:
    """The time (ms since epoch) at the front of a fact or event id."""
    return int.from_bytes(prefixed[:AT_BYTES], "big")

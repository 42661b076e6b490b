"""What a request is called: in its answer, and in each line of the log about it."""

from __future__ import annotations

import random
import re

NAME = b"x-request-id"
_SANE = re.compile(rb"[A-Za-z0-9_-]{8,64}")
"""What a proxy may call a request. It has no room for an address of any kind."""
_draw = random.Random().getrandbits  # noqa: S311 - names requests, guards nothing


def new_id() -> str:
    """The id of a request that nobody named."""
    return _draw(64).to_bytes(8, "big").hex()


def given_id(headers: dict[bytes, bytes]) -> str:
    """How the sender of `headers` calls the request; empty if it does not, or not in a form that a log can take."""
    given = headers.get(NAME, b"")
    return given.decode("ascii") if _SANE.fullmatch(given) else ""

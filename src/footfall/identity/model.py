"""The words of identity: facts, what they do to traits, and what follows from them. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

SERVER, BROWSER, IMPORT = "server", "browser", "import"
"""Where a fact came from (stored)."""

IDENTIFY, MERGE, UNDO = "identify", "merge", "undo"
"""The kinds of facts (stored and hashed): a visitor was a user, two users are one person, a fact does not count."""


class Operations(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one identify call does to the traits; stored as JSON in the fact. No key stands in two of them."""

    set: dict[str, Any] = {}
    set_once: dict[str, Any] = {}
    unset: tuple[str, ...] = ()


class Fact(msgspec.Struct, frozen=True):
    """One entry of the ledger. The fact id begins with its `at`, so facts sort by (at, id) when sorted by id."""

    fact_id: bytes
    kind: str
    profile_id: bytes
    """The profile of `user_id`, before any merge."""
    user_id: str
    visitor_id: bytes
    received_at: int
    source: str
    is_trusted: bool
    key_id: bytes | None
    operations: Operations


class Merge(msgspec.Struct, frozen=True):
    """A fact that two profiles are one person."""

    fact_id: bytes
    profile_id: bytes
    other_id: bytes


class Undo(msgspec.Struct, frozen=True):
    """A fact that another does not count."""

    fact_id: bytes
    target_id: bytes


class Traits(msgspec.Struct):
    """The traits of a person as the facts so far give them.

    `untrusted` are the fields that only unsigned browser calls decided, newest first: of them a profile holds few. `gone` are the keys
    without a value that a trusted call decided. Both say whom later calls have to reckon with. `left_out` are the keys for which there is
    no room: those of `untrusted` beside the fields of trusted calls, and older trusted ones of a merged person.
    """

    values: dict[str, Any]
    untrusted: dict[str, Any]
    gone: set[str]
    left_out: set[str] = set()


class Link(msgspec.Struct, frozen=True):
    """From the time of this fact on, the visitor's events belong to `profile_id` (None: to nobody, an erased user)."""

    fact_id: bytes
    profile_id: bytes | None


class Warn(msgspec.Struct, frozen=True):
    """Something in an accepted call that was not taken as it was sent."""

    code: str
    field: str
    message: str

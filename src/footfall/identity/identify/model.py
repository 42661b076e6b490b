"""An identify call, and what comes of it."""

from __future__ import annotations

import msgspec

from footfall.errors import ApiError
from footfall.identity.identify.wire import Identify
from footfall.identity.model import Warn

MAX_UNSIGNED_A_DAY = 500
"""Unsigned facts that a visitor may bring in a UTC day, by the server's clock: anybody can send them, and they stay."""


class IdentifyCall(msgspec.Struct, frozen=True):
    """One identify call and who makes it. `now`: when it arrived (ms since epoch); `actor_id`: None for a page.

    `is_unseen_taken`: whether the visitor may be one of whom no pageview has come, as people of other systems are.
    """

    website_id: bytes
    profile_secret: bytes
    said: Identify
    source: str
    is_trusted: bool
    actor_id: bytes | None
    now: int
    is_unseen_taken: bool = False

    @property
    def visitor(self) -> tuple[bytes, bytes]:
        """(website id, visitor id)."""
        return self.website_id, self.said.visitor_id

    @property
    def user(self) -> tuple[bytes, str]:
        """(website id, user id)."""
        return self.website_id, self.said.user_id


class Identified(msgspec.Struct, frozen=True):
    """The outcome of an accepted call. `action`: `created`, `updated` or `unchanged`; `linked_visitors`: how many."""

    action: str
    profile_id: bytes
    fact_id: bytes
    linked_visitors: int
    previous_user_id: str | None
    warnings: list[Warn]


class BeforeErasure(msgspec.Struct, frozen=True):
    """The fact is older than the erasure of its user. Nothing was stored."""


class TooMany(msgspec.Struct, frozen=True):
    """The visitor has brought as many unsigned facts today as it may. Nothing was stored."""


Outcome = Identified | BeforeErasure | TooMany | ApiError

"""A funnel and its steps. Pure."""

from __future__ import annotations

import msgspec

PAGEVIEW, GOAL = "pageview", "goal"
"""What a step waits for."""


class FunnelStep(msgspec.Struct, frozen=True):
    """One step. `value`: the address of a page, in which `*` stands for any text, or the name of a goal."""

    name: str
    type: str
    value: str


class FunnelFields(msgspec.Struct, frozen=True):
    """What a caller may say of a funnel; None: not said."""

    name: str | None
    steps: tuple[FunnelStep, ...] | None


class Funnel(msgspec.Struct, frozen=True):
    """`slug`: its name for addresses. Times in ms since epoch."""

    funnel_id: bytes
    name: str
    slug: str
    steps: tuple[FunnelStep, ...]
    is_active: bool
    created_at: int
    updated_at: int

"""A funnel and its steps. Pure."""

from __future__ import annotations

import msgspec

PAGEVIEW, GOAL = "pageview", "goal"
"""What a step waits for."""


class FunnelStep(msgspec.Struct, frozen=True):
    """One step. `value`: the address of a page, where `*` stands for any text, or the name of a goal."""

    name: str
    type: str
    value: str


class FunnelFields(msgspec.Struct, frozen=True):
    """What a caller may set on a funnel; None: not set."""

    name: str | None
    steps: tuple[FunnelStep, ...] | None


class Funnel(msgspec.Struct, frozen=True):
    """`slug`: its name in addresses. Times in ms since epoch."""

    funnel_id: bytes
    name: str
    slug: str
    steps: tuple[FunnelStep, ...]
    is_active: bool
    created_at: int
    updated_at: int

"""Goals sent by servers, and how goals are shown. Pure."""

from __future__ import annotations

import msgspec

from footfall.collect.model import GoalData


class Goal(msgspec.Struct, frozen=True):
    """One well-formed goal call. It has either a `visitor_id` or a `user_id`, whose last visitor is meant. `at`: ms since epoch, None for now."""

    name: str
    visitor_id: bytes | None
    user_id: str | None
    data: GoalData
    at: int | None
    idempotency_key: str | None


class Look(msgspec.Struct, frozen=True):
    """How a goal is shown; None: by default. `color`: `#rrggbb`; `updated_at`: ms since epoch."""

    name: str
    display_name: str | None
    color: str | None
    description: str | None
    updated_at: int


class LookChange(msgspec.Struct, frozen=True):
    """Changes to how a goal is shown; UNSET stays, None is removed."""

    name: str
    display_name: str | msgspec.UnsetType | None
    color: str | msgspec.UnsetType | None
    description: str | msgspec.UnsetType | None


class Color(msgspec.Struct, frozen=True):
    """A colour to choose from."""

    color: str
    label: str
    family: str


COLORS = tuple(
    Color(color, label, label.lower())
    for color, label in (
        ("#ef4444", "Red"),
        ("#f97316", "Orange"),
        ("#f59e0b", "Amber"),
        ("#eab308", "Yellow"),
        ("#84cc16", "Lime"),
        ("#22c55e", "Green"),
        ("#14b8a6", "Teal"),
        ("#06b6d4", "Cyan"),
        ("#3b82f6", "Blue"),
        ("#6366f1", "Indigo"),
        ("#8b5cf6", "Violet"),
        ("#d946ef", "Fuchsia"),
        ("#ec4899", "Pink"),
        ("#64748b", "Grey"),
    )
)

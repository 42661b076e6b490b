"""How goals are called and coloured on pages. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from footfall.goals.model import Look


class GoalFace(NamedTuple):
    """A goal as pages show it. `color`: `#rrggbb`, empty for none; `description`: empty for none."""

    name: str
    title: str
    color: str
    description: str


class GoalFaces:
    """How each goal of a website is shown, whether somebody customized it or not."""

    def __init__(self, looks: Iterable[Look]) -> None:
        self._looks = {one.name: one for one in looks}

    def of(self, name: str) -> GoalFace:
        """The face of a goal."""
        look = self._looks.get(name.lower())
        if look is None:
            return GoalFace(name, name, "", "")
        return GoalFace(name, look.display_name or name, look.color or "", look.description or "")

"""One word, one meaning."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "footfall"

SHARED: dict[str, str] = {}
"""Class names that several classes share, with the reason."""


def places_by_name() -> dict[str, list[str]]:
    """Where classes are defined in `src`, by their name."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    return places


def test_no_two_classes_share_a_name_without_a_reason() -> None:
    shared = {name: places for name, places in places_by_name().items() if len(places) > 1}
    assert {name: places for name, places in shared.items() if name not in SHARED} == {}
    assert SHARED.keys() <= shared.keys(), "a reason that is not needed any more"

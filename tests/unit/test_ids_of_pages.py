"""What stands on every page has ids of its own: scripts and styles find it by them."""

from __future__ import annotations

import re
from pathlib import Path

import footfall.dashboard

TEMPLATES = Path(footfall.dashboard.__file__).parent / "templates"
EVERYWHERE = ("base.html", "bar.html")


def ids(path: Path) -> set[str]:
    return set(re.findall(r'\bid="([\w-]+)"', path.read_text("utf-8")))


def test_no_page_repeats_an_id_of_what_stands_on_every_page() -> None:
    shared = set().union(*(ids(TEMPLATES / name) for name in EVERYWHERE))
    assert "bar" in shared
    others = [path for path in TEMPLATES.rglob("*.html") if path.name not in EVERYWHERE]
    assert {path.name: ids(path) & shared for path in others if ids(path) & shared} == {}

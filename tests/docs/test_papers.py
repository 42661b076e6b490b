"""What the papers on security and compatibility claim can be looked up: their tables are whole, and what they name exists."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.docs.test_docs import DOCUMENT, operations

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SECURITY = (DOCS / "security.md").read_text("utf-8")
COMPATIBILITY = (DOCS / "compatibility.md").read_text("utf-8")

POINTS = """
    1.1:2 1.2:9 1.3:11 1.4:3 1.5:2
    2.1:3 2.2:3 2.3:4 2.4:1
    3.2:2 3.3:4 3.4:6 3.5:5 3.7:2
    4.1:3 4.2:1 4.3:2 4.4:4
    5.1:1 5.2:3 5.3:2 5.4:3
    6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4
    7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2
    8.1:2 8.2:3 8.3:1 8.4:1
    9.1:3 9.2:4
    10.1:2 10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3
    11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1
    12.1:3 12.2:2 12.3:4
    13.1:1 13.2:5 13.3:2 13.4:5
    14.1:2 14.2:4 14.3:3
    15.1:3 15.2:3 15.3:7
    16.1:1 16.2:5 16.3:4 16.4:3 16.5:3
    17.1:1 17.2:4 17.3:2
"""
"""Sections of ASVS 5.0.0, and how many points of levels 1 and 2 each has; they come first in it."""


def asvs() -> list[list[str]]:
    """Points, subject, state and place of each row."""
    table = SECURITY.partition("| Point | About |")[2].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def named(points: str) -> Iterator[str]:
    """The points that a row names: `1.1.1, 1.2.3 to 1.2.5`."""
    for part in points.split(", "):
        first, _, last = part.partition(" to ")
        section, _, number = first.rpartition(".")
        for each in range(int(number), int((last or first).rpartition(".")[2]) + 1):
            yield f"{section}.{each}"


def test_every_point_of_level_2_has_one_row() -> None:
    counts = (one.split(":") for one in POINTS.split())
    wanted = [f"{section}.{number + 1}" for section, count in counts for number in range(int(count))]
    assert len(wanted) == 253
    assert Counter(point for row in asvs() for point in named(row[0])) == Counter(wanted)


def test_every_state_is_one_of_three_and_has_what_it_needs() -> None:
    for points, _, state, where in asvs():
        assert state in ("holds", "n/a", "not yet"), points
        assert where or state == "n/a", points
        assert state != "holds" or "`" in where or "[above]" in where, points


def test_every_file_that_the_page_on_security_names_exists() -> None:
    found = re.findall(r"`([\w.-]+/[\w./-]+|\w+\.py)`", SECURITY)
    assert len(found) > 100
    for path in found:
        assert any((place / path).exists() for place in (ROOT, ROOT / "src" / "footfall")), path


ROUTES = re.findall(r"^\| `([A-Z]+) (/[^`]+)` \| ([a-z]+) \|", COMPATIBILITY, re.MULTILINE)


def test_every_route_stands_in_the_table_of_compatibility_once() -> None:
    served = [(method, path) for method, path, _ in operations()]
    listed = Counter((method, path) for method, path, state in ROUTES if state != "missing")
    preflights = {one for one in served if one[0] == "OPTIONS"}
    assert set(listed) >= set(served) - preflights
    assert set(listed) <= set(served)
    assert set(listed.values()) == {1}


def test_what_the_table_says_is_missing_is_not_served() -> None:
    missing = {(method, path) for method, path, state in ROUTES if state == "missing"}
    assert missing
    for method, path in missing:
        assert method.lower() not in DOCUMENT["paths"].get(path, {}), f"{method} {path} is served by now"


def test_every_state_of_compatibility_is_explained() -> None:
    legend = set(re.findall(r"^\| (\w+) \| [A-Z]", COMPATIBILITY, re.MULTILINE)) - {"State"}
    assert {state for *_, state in ROUTES} == legend & {"same", "wider", "differs", "own", "missing"}
    for line in COMPATIBILITY.splitlines():
        if "| differs |" in line:
            assert line.rpartition("| differs |")[2].strip(" |"), line


def test_the_code_of_the_recipes_can_be_parsed(tmp_path: Path) -> None:
    page = (DOCS / "recipes.md").read_text("utf-8")
    python = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(python) == 2
    for code in python:
        ast.parse(code)
    node = shutil.which("node")
    assert node
    privacy = (DOCS / "privacy.md").read_text("utf-8")
    for number, code in enumerate(
        re.findall(r"^```js\n(.*?)^```$", page + privacy, re.MULTILINE | re.DOTALL)
    ):
        file = tmp_path / f"{number}.mjs"
        file.write_text(code, "utf-8")
        subprocess.run([node, "--check", file], check=True)


def test_every_recipe_hands_the_visitor_to_the_checkout() -> None:
    page = (DOCS / "recipes.md").read_text("utf-8")
    for title in ("Next.js", "Express", "Django", "FastAPI", "Rails", "Laravel"):
        [told] = re.findall(rf"^## {re.escape(title)}\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
        assert "datafast_visitor_id" in told
        assert "{CHECKOUT_SESSION_ID}" in told

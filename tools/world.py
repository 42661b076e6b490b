"""Draw the world map of the dashboard, `world.svg`, from Natural Earth's countries (public domain).

    python tools/world.py FOLDER

FOLDER holds `countries-110m.json` and `countries-50m.json` of the npm package `world-atlas`, which packs Natural Earth's data; `pycountry` tells the
codes of its numbers. Each country is a path with its ISO 3166-1 code as id, so that pages colour it by `<use href="world.svg#DE">`; one that is too
small for the map is a circle. The projection is that of `dashboard/worldmap.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import hypot
from pathlib import Path
from typing import Any, NamedTuple

import pycountry

from footfall.dashboard.worldmap import HEIGHT, WIDTH, Spot, placed

RADIUS = 3
SMALLEST = 5.0
"""Square units under which an island of a country is left out, unless the country has no larger one."""
TOLERANCE = 0.45
"""Units by which a border may be off."""
UNNUMBERED = {"Kosovo": "XK"}
"""Countries without a number of ISO 3166-1 that have a code in use."""
OUT = Path(__file__).resolve().parent.parent / "src/footfall/dashboard/static/world.svg"

Ring = list[Spot]


class Country(NamedTuple):
    """A country's outlines, in units of the drawing."""

    code: str
    rings: list[Ring]


def countries(path: Path) -> Iterator[Country]:
    """The countries of a TopoJSON file."""
    found = json.loads(path.read_text())
    (kx, ky), (x0, y0) = found["transform"]["scale"], found["transform"]["translate"]

    def arc(number: int) -> Ring:
        x = y = 0
        spots = []
        for dx, dy in found["arcs"][number if number >= 0 else ~number]:
            x, y = x + dx, y + dy
            spots.append(placed((x * kx + x0, y * ky + y0)))
        spots = simplified(spots)
        return spots if number >= 0 else spots[::-1]

    for one in found["objects"]["countries"]["geometries"]:
        if code := _code(one):
            polygons = one["arcs"] if one["type"] == "MultiPolygon" else [one["arcs"]]
            yield Country(code, [_joined(map(arc, ring)) for polygon in polygons for ring in polygon])


def _code(geometry: dict[str, Any]) -> str | None:
    known = pycountry.countries.get(numeric=geometry["id"]) if "id" in geometry else None
    return known.alpha_2 if known else UNNUMBERED.get(geometry["properties"]["name"])


def _joined(arcs: Iterable[Ring]) -> Ring:
    ring: Ring = []
    for arc in arcs:
        ring += arc[1:] if ring else arc
    return ring


def simplified(line: Ring) -> Ring:
    """A line without the spots that hardly bend it (Douglas and Peucker, 1973). Its ends stay, so that neighbours keep a border in common."""
    (x0, y0), (x1, y1) = line[0], line[-1]
    length = hypot(x1 - x0, y1 - y0)

    def off(spot: Spot) -> float:
        dx, dy = spot[0] - x0, spot[1] - y0
        return abs(dx * (y1 - y0) - dy * (x1 - x0)) / length if length else hypot(dx, dy)

    middle = max(range(1, len(line) - 1), key=lambda number: off(line[number]), default=0)
    if not middle or off(line[middle]) < TOLERANCE:
        return [line[0], line[-1]]
    return simplified(line[: middle + 1])[:-1] + simplified(line[middle:])


def area(ring: Ring) -> float:
    """Square units of the drawing."""
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True))) / 2


def outline(ring: Ring) -> str:
    """A closed path in whole units, each step from the one before."""
    spots = [(round(x), round(y)) for x, y in ring]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(spots) if a != b]
    text = "".join(f"{dx}{dy}" if dy < 0 else f"{dx} {dy}" for dx, dy in steps[:1])
    for dx, dy in steps[1:]:
        text += (f"{dx}" if dx < 0 else f" {dx}") + (f"{dy}" if dy < 0 else f" {dy}")
    return f"M{spots[0][0]} {spots[0][1]}l{text}z"


def shape(country: Country) -> str | None:
    """A country's path, None if nothing of it is large enough."""
    rings = sorted(country.rings, key=area, reverse=True)
    shown = [ring for number, ring in enumerate(rings) if area(ring) >= SMALLEST or number == 0]
    if country.code == "AQ" or area(rings[0]) < SMALLEST:
        return None
    return f'<path id="{country.code}" d="{"".join(map(outline, shown))}"/>'


def circle(country: Country) -> str:
    """A small country, where its largest island is."""
    ring = max(country.rings, key=area)
    x, y = sum(x for x, _ in ring) / len(ring), sum(y for _, y in ring) / len(ring)
    return f'<circle id="{country.code}" cx="{round(x)}" cy="{round(y)}" r="{RADIUS}"/>'


def draw(folder: Path) -> str:
    """The map."""
    shapes = {one.code: shape(one) for one in countries(folder / "countries-110m.json")}
    drawn = {code: text for code, text in shapes.items() if text}
    small = {
        one.code: circle(one)
        for one in countries(folder / "countries-50m.json")
        if one.code not in drawn | {"AQ": ""}
    }
    marks = "".join(text for _, text in sorted((drawn | small).items()))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"><g id="land">{marks}</g></svg>\n'


if __name__ == "__main__":
    OUT.write_text(draw(Path(sys.argv[1])))
    print(f"{OUT.name}: {OUT.stat().st_size} bytes, {WIDTH} x {HEIGHT}")

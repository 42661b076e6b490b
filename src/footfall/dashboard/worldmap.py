"""The projection of the world map of the dashboard, `world.svg`. Pure.

It is Equal Earth (Šavrič, Patterson and Jenny, 2018), which keeps areas in proportion.
"""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

WIDTH = 800
"""Units of the drawing. The height follows from the projection."""
SOUTH, NORTH = -56.0, 84.0
"""Degrees of latitude. Antarctica has no visitors."""
CENTER = 11.6
"""The meridian in the middle: with this one no country is cut in two at the edges."""

Spot = tuple[float, float]


def project(longitude: float, latitude: float) -> Spot:
    """Equal Earth: degrees to units in which the world is 2 * 2.7066 wide."""
    t = asin(sqrt(3) / 2 * sin(radians(latitude)))
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    slope = 9 * a4 * t**8 + 7 * a3 * t**6 + 3 * a2 * t**2 + a1
    x = 2 * sqrt(3) * radians(longitude) * cos(t) / (3 * slope)
    return x, t * (a4 * t**8 + a3 * t**6 + a2 * t**2 + a1)


SCALE = WIDTH / (2 * project(180, 0)[0])
TOP = project(0, NORTH)[1]
HEIGHT = round((TOP - project(0, SOUTH)[1]) * SCALE)


def placed(spot: Spot) -> Spot:
    """A place, by longitude and latitude, in units of the drawing."""
    x, y = project((spot[0] - CENTER + 180) % 360 - 180, spot[1])
    return WIDTH / 2 + x * SCALE, (TOP - y) * SCALE

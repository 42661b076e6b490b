"""How many requests were answered, and how long that took: by route, never by what a stranger sent."""

from __future__ import annotations

from typing import NamedTuple

from footfall.tally import Spread
from footfall.web.context import Request

NOWHERE = "(none)"
"""The route of requests for which there is none, or whose head cannot be read."""


class CallKey(NamedTuple):
    """What requests are told apart by. `hundreds`: of the status, 2 for 200."""

    method: str
    route: str
    hundreds: int


class CallCounts:
    """Seconds from a request's turn to its answer, without what is sent after the answer began."""

    def __init__(self) -> None:
        self.spreads: dict[tuple[str, str, int], Spread] = {}
        """By the fields of `CallKey`."""

    def add(self, request: Request, status: int, seconds: float) -> None:
        """Count an answered request."""
        route = request.route
        if route is None:
            key = ("", NOWHERE, status // 100)
        else:
            method = "OPTIONS" if request.method == "OPTIONS" else route.method
            key = (method, route.path, status // 100)
        spread = self.spreads.get(key)
        if spread is None:
            spread = self.spreads[key] = Spread()
        spread.add(seconds)

    def read(self) -> list[tuple[CallKey, Spread]]:
        """What was counted so far."""
        return [(CallKey(*key), spread) for key, spread in sorted(self.spreads.items())]

"""The route table, with nothing behind it: routes are looked at, not called."""

from __future__ import annotations

import re
from typing import Any

from footfall.routes import Services, routes
from footfall.web.context import Route

EXAMPLES = {
    "visitorId": "3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b",
    "ref": "user:nobody",
    "transactionId": "tx_1",
    "factId": "00" * 16,
    "script": "script.js",
    "id": "00" * 12,
    "funnelId": "00" * 12,
    "noteId": "00" * 12,
    "provider": "stripe",
    "websiteId": "00" * 12,
}
"""A value for each open part of a path."""


class _Anything:
    """Has every attribute, and may be called."""

    def __getattr__(self, name: str) -> _Anything:
        return self

    def __call__(self, *given: object) -> _Anything:
        return self


def route_table() -> list[Route[Any]]:
    """Every route of the API."""
    stand_ins: list[Any] = [_Anything() for _ in Services.__struct_fields__]
    return routes(Services(*stand_ins))


def example_path(route: Route[Any]) -> str:
    """The route's path with its open parts filled in."""
    return re.sub(r"\{(\w+)\}", lambda found: EXAMPLES[found[1]], route.path)

"""What the APIs of all providers need: JSON bodies, times as text, and pages by number or by the last id. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from footfall.payments.connecting.model import ApiCall, Event, ImportPeriod
from footfall.payments.providers.reading import Node

DAY_MS = 86_400_000
PAGE = 100
"""Objects of a page, where the provider allows as many."""


def post(path: str, needs: str, content: Any) -> ApiCall:
    """A call with a JSON body."""
    return ApiCall("POST", path, needs, body=msgspec.json.encode(content))


def data_of(page: Node) -> list[Node]:
    """The objects of a page whose list is named `data`."""
    return page.nodes("data")


def items_of(page: Node) -> list[Node]:
    """The objects of a page whose list is named `items`."""
    return page.nodes("items")


def changed(thing: Node, **fields: Any) -> Event:
    """The object with other values in some fields: as it was at another time."""
    return {**thing.values, **fields}


def number_of(cursor: str, first: int) -> int:
    """The number of a page."""
    return int(cursor) if cursor else first


def newest_first(
    created_at: Callable[[Node], int], cursor: str, objects: list[Node], period: ImportPeriod
) -> str:
    """`cursor`, unless the last of these objects is older than the period, so that all that follow are."""
    return cursor if objects and created_at(objects[-1]) >= period.since else ""


def in_period(events: list[tuple[int, Event]], period: ImportPeriod) -> list[Event]:
    """Those of these events (time in ms, event) that happened in the period."""
    return [event for at, event in events if at >= period.since]


def iso(at: int) -> str:
    """A time (ms since epoch) as providers write it."""
    return datetime.fromtimestamp(max(at, 0) / 1000, UTC).isoformat(timespec="milliseconds")

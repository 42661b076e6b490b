"""What tests of all providers need: times, reading an event as a webhook body, and which payments deliveries come to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar

from footfall.payments.money import Money
from footfall.payments.providers import PROVIDERS
from footfall.payments.providers.model import Delivery, Disputed, Linked, Occurrence, Paid, Refunded

SECONDS = 1_767_225_600
"""2026-01-01 in seconds since epoch."""
NOW = SECONDS * 1000
ISO = "2026-01-01T00:00:00.000000Z"
VISITOR = "6f1d7a3e-2f0b-4f0c-9a0d-3d9c5b7e1a22"

T = TypeVar("T")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def body(event: Any) -> bytes:
    return json.dumps(event).encode()


def read(provider: str, event: Any) -> Delivery:
    return PROVIDERS[provider].read(body(event))


def told(provider: str, event: Any) -> tuple[Occurrence, ...]:
    return read(provider, event).occurrences


def only(kind: type[T], occurrences: Iterable[Any]) -> T:
    """The one occurrence of a kind."""
    [found] = [one for one in occurrences if isinstance(one, kind)]
    return found


def groups(occurrences: Iterable[Occurrence]) -> list[set[str]]:
    """The ids that name one payment, for each payment that was told. The order of `occurrences` makes no difference."""
    known: list[set[str]] = []
    paid: set[str] = set()
    for one in occurrences:
        if isinstance(one, Paid | Linked):
            joined = set(one.ids).union(*(group for group in known if group & set(one.ids)))
            known = [*(group for group in known if not group & joined), joined]
            paid |= set(one.ids) if isinstance(one, Paid) else set()
    return [group for group in known if group & paid]


def of_payment(one: Refunded | Disputed, group: set[str]) -> bool:
    return bool(set(one.ids) & group)

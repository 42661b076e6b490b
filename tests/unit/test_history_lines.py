"""Lines of exports: our own, read back, and those of other systems."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from footfall.clock import to_iso
from footfall.errors import BadRequest
from footfall.history.formats.footfall import read_line
from footfall.history.formats.values import read_day
from footfall.history.model import ImportTarget
from tests.laws.world import WEBSITE

AT = 1_700_000_000_000


def read(**said: Any) -> str | None:
    """What is stored as the data of such an event."""
    line = {
        "eventId": AT.to_bytes(6, "big").hex() + "00000000",
        "at": to_iso(AT),
        "visitorId": "3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b",
        "session": {"startedAt": to_iso(AT)},
        **said,
    }
    return read_line(ImportTarget(WEBSITE, AT), msgspec.json.encode(line)).hit.data


@pytest.mark.parametrize(
    "said",
    [
        {"type": "external_link", "data": {"url": 5}},
        {"type": "external_link", "data": {"text": "x"}},
        {"type": "custom", "name": "signup", "data": {"$..[": "x"}},
        {"type": "custom", "name": "signup", "data": {"plan": ["pro"]}},
        {"type": "custom", "name": "signup", "data": {f"n{number}": "x" for number in range(11)}},
        {"type": "goal", "name": "signup", "data": {"metadata": "x"}},
        {"type": "goal", "name": "signup", "data": {"metadata": {"/plan": "pro"}}},
        {"type": "payment", "data": {"stripe_session_id": {}}},
        {"type": "pageview", "data": {"url": "x"}},
        {"type": "custom", "name": "payment"},
    ],
)
def test_what_no_page_or_server_could_have_said_is_refused_by_its_field(said: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=r"^(data|name): "):
        read(**said)


@pytest.mark.parametrize(
    "said",
    [
        {"type": "external_link", "data": {"url": "https://x.com/", "text": ""}},
        {"type": "custom", "name": "signup", "data": {"plan": "pro"}},
        {"type": "goal", "name": "signup", "data": {"description": "d", "metadata": {"plan": "pro"}}},
        {"type": "payment", "data": {"stripe_session_id": "cs_1", "amount": 9.5}},
        {"type": "external_link"},
    ],
)
def test_what_they_said_is_stored_as_it_was(said: dict[str, Any]) -> None:
    stored = read(**said)
    assert (msgspec.json.decode(stored) if stored else None) == said.get("data")


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "2023-11-16", "9999-12-31", "2023-02-30", ""])
def test_a_day_that_nobody_can_have_counted_is_refused(day: str) -> None:
    with pytest.raises(BadRequest, match=r"^date"):
        read_day(day, "date", AT)


def test_a_day_may_have_begun_in_the_east() -> None:
    assert read_day("2023-11-15", "date", AT) == AT // 86_400_000 + 1

"""The routes of analytics."""

from __future__ import annotations

from footfall.routes import ANALYTICS
from tests.support.table import route_table


def test_every_question_ends_when_its_client_leaves() -> None:
    found = {
        route.path: route.ends_with_client for route in route_table() if route.path.startswith(ANALYTICS)
    }
    assert found
    assert all(found.values()), found

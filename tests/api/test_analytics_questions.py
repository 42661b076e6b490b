"""Analytics over HTTP: for whatever is asked of a website, the answers are what a count over its story gives."""

from __future__ import annotations

import pytest

from tests.support.told import Told

ON_ENGINES = ["sqlite"]


@pytest.mark.parametrize(
    "text",
    [
        "startAt=2026-05-06T10:00:00Z&endAt=2026-05-09T02:30:00Z&timezone=America/New_York",
        "period=last7d&page=contains:blog",
        "filter_page=/pricing&startAt=2026-05-06&endAt=2026-05-12",
        "filter_browser=is_not:Chrome&attribution=first",
        "referrer=Direct/None&utm_source=news",
        "filter_goal=signup&filter_new=false&startAt=2026-05-07&endAt=2026-05-12",
        "filter_visit_count=gte:3",
        "filter_trait.plan=pro",
    ],
)
def test_answers_are_what_a_count_over_the_story_gives(told: Told, text: str) -> None:
    told.check(text)

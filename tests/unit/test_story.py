"""A person's story in one sentence, and the days of their visits."""

from __future__ import annotations

import pytest

from footfall.clock import DAY_MS, from_iso
from footfall.dashboard.story import STRIP_DAYS, StoryFacts, story, strip, strip_begins
from footfall.ids import at_of

ZONE = "Europe/Berlin"
NOW = from_iso("2026-05-20T12:00:00Z")
CAME = from_iso("2026-05-01T12:00:00Z")
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            StoryFacts("google.com", CAME, CAME + 12 * DAY_MS + HOUR, 5, 2, ["$128"]),
            "Came from google.com 12 days before signing up, 5 visits on 2 devices, paid $128.",
        ),
        (
            StoryFacts(None, CAME, CAME + 3 * HOUR, 1, 1, []),
            "Came directly 3 hours before signing up, 1 visit, paid nothing yet.",
        ),
        (StoryFacts("x.com", CAME, CAME + 59_000, 2, 1, None), "Came from x.com and signed up at once, 2 visits."),
        (StoryFacts("x.com", CAME, CAME - 1, 1, 1, None), "Came from x.com after signing up, 1 visit."),
        (StoryFacts("x.com", CAME, None, 2, 1, None), "Came from x.com 19 d ago, 2 visits, not signed up."),
        (
            StoryFacts(None, None, CAME, 0, 0, ["$29", "5 SEK"]),
            "Signed up on 1 May 2026, no visits yet, paid $29 + 5 SEK.",
        ),
        (StoryFacts("x.com", CAME, CAME, 1, 1, ["$29"], True), "Came from x.com and signed up at once, 1 visit, paid $29, refunded."),
        (StoryFacts("xn--bcher-kva.example\u202e", CAME, CAME, 1, 1, None), "Came from bücher.example and signed up at once, 1 visit."),
    ],
)  # fmt: skip
def test_a_story_tells_what_is_known(facts: StoryFacts, said: str) -> None:
    assert story(facts, NOW, ZONE) == said


def test_a_day_of_the_strip_is_one_of_the_website_whatever_the_clocks_do() -> None:
    night, summer = from_iso("2026-03-28T23:30:00Z"), from_iso("2026-03-29T21:59:00Z")
    days = {
        day.title: day
        for day in strip([(night, 2), (summer, 1), (NOW, 9), (CAME - 99 * DAY_MS, 5)], NOW, ZONE)
    }
    assert len(days) == STRIP_DAYS
    changed = days["29 Mar 2026: 3 visits"]
    assert (changed.visits, changed.shade) == (3, 3)
    assert at_of(changed.cursor) == from_iso("2026-03-29T22:00:00Z")
    assert [day.shade for day in days.values() if day.visits] == [3, 4]
    assert list(days)[-1] == "20 May 2026: 9 visits"
    assert strip_begins(NOW, ZONE) == from_iso("2026-02-19T23:00:00Z")

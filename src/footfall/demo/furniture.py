"""What else a website has after a quarter: its founder's notes and funnel, and the AI crawlers that came by."""

from __future__ import annotations

from collections.abc import Iterator

from footfall.crawls.model import ANSWER_FETCH, SEARCH_INDEX, TRAINING, Crawl, Crawler
from footfall.crawls.store import record_crawls
from footfall.db.protocol import Transaction
from footfall.demo import DOMAIN
from footfall.demo.people import DAY, DAYS, HOUR, random_of
from footfall.demo.world import PAGES
from footfall.errors import accepted
from footfall.funnels.model import GOAL, PAGEVIEW, FunnelFields, FunnelStep
from footfall.funnels.store import add_funnel
from footfall.notes.model import NoteCall
from footfall.notes.store import add_note
from footfall.websites.model import Website

NOTES = {
    66: "Launched on Product Hunt",
    23: "Front page of Hacker News",
    9: "Newsletter: annual plans",
}
"""By days before now; what happened then is told in `demo.world.SOURCES`."""
FUNNEL = FunnelFields(
    "Sign-up",
    (
        FunnelStep("Home page", PAGEVIEW, "/"),
        FunnelStep("Pricing", PAGEVIEW, "/pricing"),
        FunnelStep("Signed up", GOAL, "signup"),
        FunnelStep("Paid", GOAL, "payment"),
    ),
)
CRAWLERS = {
    Crawler("ChatGPT-User", ANSWER_FETCH): 9,
    Crawler("GPTBot", TRAINING): 6,
    Crawler("ClaudeBot", TRAINING): 5,
    Crawler("OAI-SearchBot", SEARCH_INDEX): 4,
    Crawler("PerplexityBot", SEARCH_INDEX): 3,
    Crawler("Claude-User", ANSWER_FETCH): 2,
}
"""The most pages that each fetches on a day."""


def furnish(tx: Transaction, website: Website, seed: int, now: int, author_id: bytes) -> None:
    """Add notes, a funnel and crawls to the quarter up to `now` (ms since epoch). `author_id`: of the key that signs the notes."""
    for day, text in NOTES.items():
        accepted(add_note(tx, website.website_id, NoteCall(text, begun(day, now), None), author_id, now))
    accepted(add_funnel(tx, website.website_id, FUNNEL, now))
    record_crawls(tx, list(_crawls(website.website_id, seed, now)))


def begun(day: int, now: int) -> int:
    """When a day, told in whole days before now, had just begun (ms since epoch)."""
    return now - (day + 1) * DAY + HOUR


def _crawls(website_id: bytes, seed: int, now: int) -> Iterator[Crawl]:
    rng = random_of(seed, "crawlers")
    pages, weights = list(PAGES), list(PAGES.values())
    today = now // DAY
    for day in range(today - DAYS + 1, today + 1):
        for crawler, most in CRAWLERS.items():
            for path in rng.choices(pages, weights, k=rng.randint(0, most)):
                yield Crawl(website_id, day, crawler, DOMAIN + path)

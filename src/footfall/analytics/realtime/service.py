"""What goes on on a website. How many visitors there are, the columns know; who they are, this process and the database."""

from __future__ import annotations

from footfall.analytics.compose import Composed
from footfall.analytics.realtime.model import WebsiteNow
from footfall.analytics.realtime.store import MOST_EVENTS, MOST_VISITORS, NowAsked, read_now
from footfall.analytics.service import Analytics
from footfall.collect.online import ONLINE_MS, Online
from footfall.columns.model import number_of
from footfall.db.protocol import Database
from footfall.predictions.model import Model
from footfall.websites.model import Website

MINUTE_MS, MINUTES = 60_000, 30
"""How many minutes are told one by one, the running one among them."""
_COUNT = """
SELECT count(*) FROM event_row
WHERE website = $website AND ts >= $since AND ts < $until AND type <= 5 AND prev_at < $since"""
"""The visitors of a range; see `columns.model.EventRow`."""
_BY_MINUTE = f"""
SELECT passed, count(*) FROM (
    SELECT (ts - $since) - (ts - $since) % {MINUTE_MS} AS passed, prev_at FROM event_row
    WHERE website = $website AND ts >= $since AND ts < $until AND type <= 5
) AS told WHERE prev_at < $since + passed GROUP BY passed"""
"""The same by minute."""


class Realtime:
    """What goes on on websites. What is counted raises Unavailable while there are no columns."""

    def __init__(self, database: Database, analytics: Analytics, online: Online) -> None:
        self._database = database
        self._analytics = analytics
        self._online = online

    async def count(self, website: Website, now: int) -> int:
        """How many visitors did anything in the last ten minutes."""
        rows = await self._analytics.rows(_composed(_COUNT, website, now + 1 - ONLINE_MS, now))
        return int(rows[0][0])

    async def by_minute(self, website: Website, now: int) -> list[int]:
        """The same in each of the last minutes, the oldest in front."""
        since = now - now % MINUTE_MS - (MINUTES - 1) * MINUTE_MS
        rows = await self._analytics.rows(_composed(_BY_MINUTE, website, since, now))
        counts = {int(passed) // MINUTE_MS: int(count) for passed, count in rows}
        return [counts.get(number, 0) for number in range(MINUTES)]

    async def now(
        self, website: Website, now: int, model: Model | None, most_events: int = MOST_EVENTS
    ) -> WebsiteNow:
        """The visitors seen last, and what they did. `model`: None where nobody ever paid."""
        here = self._online.latest(website.website_id, now, MOST_VISITORS)
        asked = NowAsked(website, now, here, model, most_events)
        return await self._database.scan(read_now, asked, share=website.website_id)


def _composed(text: str, website: Website, since: int, now: int) -> Composed:
    return Composed(text, {"website": number_of(website.website_id), "since": since, "until": now + 1})

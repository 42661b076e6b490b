"""The traffic of bots on the wire. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from footfall.analytics.bots.model import BotQuestion, BotTraffic, CrawledPage, Verification
from footfall.analytics.query import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, refuse_file
from footfall.analytics.ranges import (
    Period,
    SeriesInterval,
    TimeRange,
    divide,
    read_choice,
    read_range,
    to_local_iso,
    usual_interval,
)
from footfall.clock import DAY_MS
from footfall.errors import BadRequest
from footfall.web.parameters import read_number_parameter, split_values

ZONE = "UTC"
"""Bots are counted by its days, whatever the website's time zone is."""


def read_bot_question(pairs: Iterable[tuple[str, str]], now: int, earliest: int) -> BotQuestion:
    """The question of a query string; `earliest`: when the website began (ms since epoch both). Raises BadRequest."""
    query = {name: text for name, text in pairs if text.strip()}
    refuse_file(query)
    asked = read_range(query | {"timezone": ZONE}, ZONE, now, earliest, Period.LAST_30D)
    days = TimeRange(asked.since // DAY_MS * DAY_MS, -(-asked.until // DAY_MS) * DAY_MS, ZONE)
    return BotQuestion(
        days,
        divide(days, _read_interval(query, days)),
        query.get("crawlerId", "").strip().lower(),
        read_choice(query, "verification", Verification) or Verification.ALL,
        tuple(split_values(query.get("fields", ""))),
        read_number_parameter(query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
        read_number_parameter(query, "offset", 0, 0, MAX_OFFSET),
    )


def _read_interval(query: dict[str, str], days: TimeRange) -> SeriesInterval:
    asked = read_choice(query, "interval", SeriesInterval)
    if asked is SeriesInterval.HOUR:
        raise BadRequest("interval: bots are counted by UTC day. Use day, week or month.")
    usual = usual_interval(days)
    return asked or (SeriesInterval.DAY if usual is SeriesInterval.HOUR else usual)


def bot_json(one: BotTraffic, fields: Sequence[str]) -> dict[str, Any]:
    """What a bot fetched, as far as these fields tell of it; all without any."""
    told = {
        "crawlerId": one.crawler.lower(),
        "name": one.crawler,
        "category": one.category,
        "verification": Verification.USER_AGENT_ONLY.value,
        "hits": one.hits,
        "pages": one.pages,
    }
    return _shown(told, fields)


def crawled_json(one: CrawledPage, fields: Sequence[str]) -> dict[str, Any]:
    """How often a page was fetched."""
    host, _, path = one.page.partition("/")
    told = {
        "hostname": host or None,
        "path": f"/{path}" if one.page else None,
        "hits": one.hits,
        "crawlers": one.crawlers,
    }
    return _shown(told, fields)


def series_json(question: BotQuestion, hits: Sequence[int]) -> list[dict[str, Any]]:
    """How much was fetched in each part of the range."""
    starts = [to_local_iso(at, ZONE) for at in question.parts.starts]
    return [{"timestamp": timestamp, "hits": number} for timestamp, number in zip(starts, hits, strict=True)]


def _shown(told: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if not fields or name in fields}

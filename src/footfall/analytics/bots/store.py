"""The traffic of bots, as it was counted by UTC day."""

from __future__ import annotations

from footfall.analytics.bots.model import (
    BotQuestion,
    BotReport,
    BotTraffic,
    CrawledPage,
    PageReport,
    Verification,
)
from footfall.clock import DAY_MS
from footfall.db.protocol import Params, Transaction
from footfall.db.statements import load

sql = load(__file__, "bots.sql")

BotAsked = tuple[bytes, BotQuestion]
"""By website id."""


def read_bots(tx: Transaction, asked: BotAsked) -> BotReport:
    """The bots that a question is about."""
    question, series = asked[1], [0] * len(asked[1].parts.starts)
    if question.verification is Verification.IP_VERIFIED:
        return BotReport([], 0, 0, series)
    key = _key(asked)
    rows, totals, days = tx.all_together(
        (sql.crawlers, (*key, question.limit, question.offset)),
        (sql.crawlers_total, key),
        (sql.crawl_days, key),
    )
    for row in days:
        series[question.parts.number(row.day * DAY_MS)] += row.hits
    bots = [BotTraffic(row.crawler, row.category, row.hits, row.pages) for row in rows]
    return BotReport(bots, totals[0].crawlers, totals[0].hits, series)


def read_crawled(tx: Transaction, asked: BotAsked) -> PageReport:
    """The pages that AI crawlers fetched."""
    question = asked[1]
    if question.verification is Verification.IP_VERIFIED:
        return PageReport([], 0, 0)
    key = _key(asked)
    rows, totals = tx.all_together(
        (sql.crawled_pages, (*key, question.limit, question.offset)), (sql.crawled_total, key)
    )
    pages = [CrawledPage(row.page, row.hits, row.crawlers) for row in rows]
    return PageReport(pages, totals[0].pages, totals[0].hits)


def _key(asked: BotAsked) -> Params:
    website_id, question = asked
    return website_id, question.range.since // DAY_MS, question.range.until // DAY_MS, question.crawler

"""What is asked of the traffic of bots, and what there is to say. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec

from footfall.analytics.ranges import Buckets, TimeRange


class Verification(StrEnum):
    """How sure it is that a crawler is what it says. Addresses are not kept, so that none is verified by its own."""

    ALL = "all"
    IP_VERIFIED = "ip_verified"
    USER_AGENT_ONLY = "user_agent_only"


class BotQuestion(msgspec.Struct, frozen=True):
    """`range`: whole UTC days; `parts`: what the series divides it into. `crawler`: one of them in lower case, or empty for all."""

    range: TimeRange
    parts: Buckets
    crawler: str
    verification: Verification
    fields: tuple[str, ...]
    limit: int
    offset: int


class BotTraffic(NamedTuple):
    """What a bot fetched. `category`: see `crawls.model`; `dropped` for what a script running in one sent."""

    crawler: str
    category: str
    hits: int
    pages: int


class CrawledPage(NamedTuple):
    """How often a page (host and path) was fetched by crawlers, and by how many. Empty: those that are counted together."""

    page: str
    hits: int
    crawlers: int


class BotReport(msgspec.Struct, frozen=True):
    """A part of the bots; of all of them, how many there are, and what they fetched, also by part of the range."""

    bots: list[BotTraffic]
    total: int
    hits: int
    series: list[int]


class PageReport(msgspec.Struct, frozen=True):
    """A part of the pages; how many there are, and how often they were fetched."""

    pages: list[CrawledPage]
    total: int
    hits: int

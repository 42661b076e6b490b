"""AI crawlers: which ones exist, and what is stored about what they fetch. Pure."""

from __future__ import annotations

from functools import lru_cache

import msgspec

ANSWER_FETCH, SEARCH_INDEX, TRAINING, AI_CRAWLER = CATEGORIES = (
    "answer_fetch",
    "search_index",
    "training",
    "ai_crawler",
)
"""Why a page is fetched (stored): to answer somebody, for a search index, for training, or for an unknown purpose."""

CRAWLERS: dict[str, tuple[str, ...]] = {
    ANSWER_FETCH: (
        "ChatGPT-User",
        "Claude-User",
        "Perplexity-User",
        "Google-Agent",
        "GoogleAgent",
        "Google-NotebookLM",
        "Google-Read-Aloud",
        "MistralAI-User",
        "Copilot",
        "Amzn-User",
        "DuckAssistBot",
        "xAI-SearchBot",
        "Grok-DeepSearch",
        "meta-externalfetcher",
        "Kimi-User",
        "Qwen-User",
    ),
    SEARCH_INDEX: (
        "OAI-SearchBot",
        "Claude-SearchBot",
        "PerplexityBot",
        "Google-InspectionTool",
        "Googlebot",
        "MistralAI-Index",
        "Bingbot",
        "msnbot",
        "Amzn-SearchBot",
        "Kimi-SearchBot",
        "TikTokSpider",
        "Baiduspider",
        "YouBot",
    ),
    TRAINING: (
        "GPTBot",
        "ClaudeBot",
        "GoogleOther",
        "Google-Extended",
        "Google-CloudVertexBot",
        "Applebot-Extended",
        "Applebot",
        "Amazonbot",
        "meta-externalagent",
        "KimiBot",
        "Bytespider",
        "ERNIEBot",
        "QwenBot",
        "ChatGLM-Spider",
        "DeepSeekBot",
        "cohere-training-data-crawler",
        "cohere-ai",
        "AI2Bot",
        "CCBot",
    ),
    AI_CRAWLER: (
        "OAI-AdsBot",
        "Grok",
        "GrokBot",
        "xAI-Bot",
        "xAI-Grok",
        "xAI-Web-Crawler",
        "FacebookBot",
        "Doubaobot",
        "YiyanBot",
        "TongyiBot",
        "AliyunBot",
    ),
}
"""The names of crawlers in their user agents, by category."""
_NEEDLES = sorted(
    ((name.lower(), name, category) for category, names in CRAWLERS.items() for name in names),
    key=lambda one: -len(one[0]),
)
"""Longest first, because some start with another."""


class Crawler(msgspec.Struct, frozen=True):
    """A crawler, and why it fetches."""

    name: str
    category: str


class Crawl(msgspec.Struct, frozen=True):
    """A page was fetched. `day`: UTC, since epoch; `page`: host and path."""

    website_id: bytes
    day: int
    crawler: Crawler
    page: str


class BotToken(msgspec.Struct, frozen=True):
    """The token of a website as it is shown. `created_at`: ms since epoch."""

    display_key: str
    created_at: int


@lru_cache(4096)
def find_crawler(user_agent: str) -> Crawler | None:
    """The crawler named by a user agent."""
    text = user_agent.lower()
    return next((Crawler(name, category) for needle, name, category in _NEEDLES if needle in text), None)

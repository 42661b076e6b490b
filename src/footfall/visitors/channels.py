"""The channel through which a visit came, determined from its referrer and the parameters of its address. Pure."""

from __future__ import annotations

from collections.abc import Iterable

DIRECT, REFERRAL, SEARCH, SOCIAL, AI, EMAIL, PAID, CAMPAIGN = (
    "Direct",
    "Referral",
    "Organic search",
    "Organic social",
    "AI",
    "Email",
    "Paid",
    "Campaign",
)
AD_NETWORKS = {
    "gclid": "Google Ads",
    "gclsrc": "Google Ads",
    "wbraid": "Google Ads",
    "gbraid": "Google Ads",
    "msclkid": "Microsoft Ads",
    "li_fat_id": "LinkedIn Ads",
    "ttclid": "TikTok Ads",
    "twclid": "X Ads",
    "fbclid": "Meta Ads",
}
"""Whose ads have these click ids in the addresses that they lead to. That of Meta comes last: its apps also put it on links that are no ads."""
_PAID = frozenset(
    ("cpc", "ppc", "cpm", "cpv", "cpa", "paid", "display", "banner", "retargeting", "affiliate")
)
_EMAIL = frozenset(("email", "e-mail", "mail", "newsletter"))
_SOCIAL = frozenset(("social", "social-media", "social_media", "sm"))
_SEARCHES = frozenset(
    (
        "google",
        "bing",
        "duckduckgo",
        "yahoo",
        "ecosia",
        "baidu",
        "yandex",
        "qwant",
        "startpage",
        "naver",
        "kagi",
    )
)
_SOCIALS = frozenset(
    [
        "x.com",
        "t.co",
        "twitter.com",
        "facebook.com",
        "instagram.com",
        "linkedin.com",
        "lnkd.in",
        "reddit.com",
        "youtube.com",
        "tiktok.com",
        "pinterest.com",
        "threads.net",
        "threads.com",
        "bsky.app",
        "mastodon.social",
        "news.ycombinator.com",
        "producthunt.com",
        "t.me",
        "discord.com",
        "whatsapp.com",
    ]
)
_ASSISTANTS = frozenset(
    [
        "chatgpt.com",
        "chat.openai.com",
        "perplexity.ai",
        "claude.ai",
        "gemini.google.com",
        "copilot.microsoft.com",
        "chat.deepseek.com",
    ]
)


def channel(referrer: str | None, medium: str | None, source: str | None, *, is_ad: bool) -> str:
    """The channel of a first session. `referrer`: `host/path`; `medium` and `source`: utm_medium and utm_source; `is_ad`: has an ad click id."""
    kind, host = (medium or "").strip().lower(), _host(referrer)
    if is_ad or kind in _PAID or kind.startswith("paid"):
        return PAID
    if kind in _EMAIL:
        return EMAIL
    if kind in _SOCIAL:
        return SOCIAL
    return _by_host(host) if host else (CAMPAIGN if kind or source else DIRECT)


def ad_network(click_ids: Iterable[str]) -> str | None:
    """Whose ad led to a visit, by the names of its click ids; None if none is known."""
    given = set(click_ids)
    return next((network for name, network in AD_NETWORKS.items() if name in given), None)


def _by_host(host: str) -> str:
    if _is_any(host, _ASSISTANTS):
        return AI
    if _is_any(host, _SOCIALS):
        return SOCIAL
    labels = host.split(".")
    return SEARCH if _SEARCHES.intersection(labels[-3:-1]) else REFERRAL


def _is_any(host: str, known: frozenset[str]) -> bool:
    """Whether a host is one of the known ones, or a subdomain of one."""
    labels = host.split(".")
    return any(".".join(labels[first:]) in known for first in range(len(labels) - 1))


def _host(referrer: str | None) -> str:
    return (referrer or "").partition("/")[0].partition(":")[0].lower().removeprefix("www.")

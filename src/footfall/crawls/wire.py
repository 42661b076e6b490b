"""Crawls and their token on the wire. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from footfall.clock import DAY_MS, to_iso
from footfall.collect.enrich.hosts import host_matches
from footfall.collect.enrich.page import parse_page
from footfall.collect.erasing import without_emails
from footfall.crawls.model import CATEGORIES, BotToken, Crawl, Crawler, find_crawler
from footfall.errors import BadRequest
from footfall.websites.model import Website

MAX_AGENT, MAX_HREF = 1024, 8192
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")


def read_crawl(body: Mapping[str, Any], website: Website, now: int) -> Crawl | None:
    """The crawl reported by a server; None if it was not by an AI crawler. Raises BadRequest."""
    ai = body.get("ai")
    said: Mapping[str, Any] = ai if isinstance(ai, dict) else {}
    agent = said.get("userAgent")
    if type(agent) is not str or not agent.strip():
        raise BadRequest("ai.userAgent is required: send the User-Agent of the request.")
    page = _read_page(body.get("href"), website)
    crawler = find_crawler(agent[:MAX_AGENT]) or _said_crawler(said)
    return None if crawler is None else Crawl(website.website_id, now // DAY_MS, crawler, page)


def _read_page(href: object, website: Website) -> str:
    page = parse_page(href) if type(href) is str and len(href) <= MAX_HREF else None
    if page is None:
        raise BadRequest(f"href must be the URL of the page, of at most {MAX_HREF} characters.")
    if not host_matches(page.host, website.domain, website.allowed_hostnames, website.is_localhost_allowed):
        raise BadRequest("href: this is no page of the website.")
    return without_emails(page.url) or ""


def _said_crawler(said: Mapping[str, Any]) -> Crawler | None:
    """The crawler as the sender calls it, since there are newer ones than this server knows."""
    name, category = said.get("agent"), said.get("category")
    if type(name) is str and _NAME.fullmatch(name) and category in CATEGORIES:
        return Crawler(name, category)
    return None


def token_json(token: BotToken | None, secret: str | None = None) -> dict[str, Any]:
    """Whether there is a token; with its secret if this is the one time it is shown."""
    shown: dict[str, Any] = {
        "isSet": token is not None,
        "displayKey": token.display_key if token else None,
        "createdAt": to_iso(token.created_at) if token else None,
    }
    return shown if secret is None else {**shown, "token": secret}

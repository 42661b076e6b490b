"""Umami's export: `website_event.csv`, a row for each event. Pure."""

from __future__ import annotations

import re

from footfall.collect.enrich.page import CLICK_IDS, MAX_PARAMETER, PARAMETERS
from footfall.collect.enrich.text import clean_goal_name, clean_text
from footfall.collect.model import CUSTOM, PAGEVIEW, RESERVED, Hit, PastEvent
from footfall.collect.pipeline import read_referrer
from footfall.errors import BadRequest
from footfall.history.formats.values import (
    device_of,
    event_id,
    json_or_none,
    need,
    place_of,
    read_address,
    read_time,
    visitor_id,
)
from footfall.history.model import ImportTarget, LeftOut, TableRow

COLUMNS = frozenset(("session_id", "url_path", "created_at"))
"""By which the table is known."""
UNKNOWN = (
    "Umami knows a visitor anew each month, by the browser and address: visitors of several months are more than there were.",
    "Properties of events and of sessions (event_data.csv, session_data.csv), titles of pages, screens and distinct_id are not taken.",
)

_BROWSERS = {
    "android": "Android Browser",
    "aol": "AOL",
    "chrome": "Chrome",
    "chromium-webview": "Chrome WebView",
    "crios": "Chrome",
    "edge": "Edge",
    "edge-chromium": "Edge",
    "edge-ios": "Edge",
    "facebook": "Facebook",
    "firefox": "Firefox",
    "fxios": "Firefox",
    "ie": "IE",
    "instagram": "Instagram",
    "ios": "Mobile Safari",
    "ios-webview": "Mobile Safari",
    "opera": "Opera",
    "opera-mini": "Opera Mini",
    "safari": "Safari",
    "samsung": "Samsung Internet",
    "silk": "Amazon Silk",
    "yandexbrowser": "Yandex",
}
_SYSTEMS = {"android os": "Android", "mac os x": "Mac OS", "macos": "Mac OS"}
_DEVICES = {"laptop": "desktop"}
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_:-]+")


def read_row(target: ImportTarget, row: TableRow) -> PastEvent | LeftOut:
    """An event. Raises BadRequest that names the column."""
    cells, website = row.cells, target.website
    kind = cells.get("event_type", "1").strip()
    if kind not in ("1", "2", ""):
        return LeftOut(f"event_type {kind[:20]}: neither a page nor an event")
    at = read_time(need(cells, "created_at"), "created_at", target.now)
    session = need(cells, "session_id")
    page = read_address(
        cells.get("hostname", "").strip() or website.domain,
        f"{cells.get('url_path', '')}?{cells.get('url_query', '').removeprefix('?')}".removesuffix("?"),
        "url_path",
    )
    own = cells.get("event_id", "").strip()
    told = (own,) if own else (session, kind, page.url, cells.get("event_name", ""), str(row.repeat))
    host = cells.get("referrer_domain", "").strip()
    name = goal_name(need(cells, "event_name"), "event_name") if kind == "2" else None
    hit = Hit(
        website.website_id,
        visitor_id(website.website_id, "umami", session),
        event_id(website.website_id, at, "umami", *told),
        at,
        CUSTOM if name else PAGEVIEW,
        page.url,
        page.query or None,
        read_referrer(f"https://{host}{cells.get('referrer_path', '')}", website) if host else None,
        name,
        None,
        place_of(
            cells.get("country", ""),
            cells.get("region") or cells.get("subdivision1") or "",
            cells.get("city", ""),
        ),
        _device(row),
        json_or_none({**_named(row, PARAMETERS), **page.params}),
        json_or_none({**_named(row, CLICK_IDS), **page.click_ids}),
    )
    return PastEvent(hit)


def goal_name(text: str, column: str) -> str:
    """The name of an event as that of a goal. Raises BadRequest that names the column."""
    name = clean_goal_name(_NOT_IN_NAMES.sub("_", text.strip().lower())[:64])
    if name is None or name in RESERVED:
        raise BadRequest(f"{column}: {text[:60]!r} cannot be the name of a goal.")
    return name


def _named(row: TableRow, names: frozenset[str]) -> dict[str, str]:
    told = [(name, text) for name in names if (text := row.cells.get(name))]
    found = ((name, clean_text(text, MAX_PARAMETER)) for name, text in sorted(told))
    return {name: text for name, text in found if text}


def _device(row: TableRow) -> str:
    browser, system, kind = (row.cells.get(name, "").strip() for name in ("browser", "os", "device"))
    name, version = _system(system)
    return device_of(
        _BROWSERS.get(browser.lower(), browser),
        "",
        name,
        version,
        _DEVICES.get(kind.lower(), kind.lower()),
        row.cells.get("language", ""),
    )


def _system(text: str) -> tuple[str, str]:
    """Name and version of a system; of Windows, the version stands in its name."""
    if text.lower().startswith("windows "):
        return "Windows", text[len("windows ") :]
    return _SYSTEMS.get(text.lower(), text), ""

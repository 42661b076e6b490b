"""From the body of `POST /api/events` to a hit, in named steps; each may drop it with a reason. Pure.

Who sends such bodies: the tracking script, and the SDKs for the web and React Native; old versions leave fields out.
"""

from __future__ import annotations

import functools
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from footfall.collect.enrich.bots import bot_kind
from footfall.collect.enrich.device import Device, parse_device
from footfall.collect.enrich.geo import Place
from footfall.collect.enrich.hosts import host_matches, is_in_networks, is_localhost, path_matches
from footfall.collect.enrich.page import PageAddress, bare_host, parse_page
from footfall.collect.enrich.referrer import parse_referrer
from footfall.collect.enrich.text import clean_goal_name, clean_parameters, clean_text
from footfall.collect.model import (
    CUSTOM,
    EXTERNAL_LINK,
    IDENTIFY,
    PAGEVIEW,
    PAYMENT,
    PAYMENT_IDS,
    RESERVED,
    Dropped,
    Hit,
    Reason,
    StoredDevice,
)
from footfall.ids import parse_uuid
from footfall.websites.model import Exclusions, Website

TYPES = frozenset((PAGEVIEW, CUSTOM, IDENTIFY, EXTERNAL_LINK, PAYMENT))
COOKIELESS_SCRIPT = "script.cookieless.js"
HASH_SCRIPT = "script.hash.js"
MAX_TEXT = 255
MAX_URL = 2048
MAX_PIXELS = 100_000
_PAYMENT_FIELDS = ("email", "amount", "currency", *PAYMENT_IDS)

_NONE_EXCLUDED = Exclusions()

_encode = msgspec.json.Encoder().encode


class Arrival(msgspec.Struct, frozen=True):
    """How a body arrived. `event_id`: for the hit; `salt`: of the day, for visitor ids of cookieless websites."""

    at: int
    event_id: bytes
    user_agent: str
    address: str
    place: Place
    salt: bytes


def warm() -> None:
    """Read the tables by which user agents are judged, a third of a second's work, before the first one comes."""
    bot_kind("-")
    parse_device("-", None)


def drop_reason(website: Website | None, user_agent: str) -> Dropped | None:
    """Why nothing from this sender is kept, whatever it says; None when it may be."""
    if website is None:
        return Dropped(Reason.UNKNOWN_WEBSITE)
    if website.is_suspended:
        return Dropped(Reason.SUSPENDED)
    kind = bot_kind(user_agent)
    if kind == "headless":
        return None if website.is_headless_allowed else Dropped(Reason.HEADLESS)
    return None if kind is None else Dropped(Reason.BOT)


def read_hit(body: Mapping[str, Any], website: Website, arrival: Arrival) -> Hit | Dropped:
    """The hit that a body describes. Identify events are hits too: their fields are read by identity."""
    if wrong := check_script(body, website):
        return wrong
    kind = body.get("type")
    if type(kind) is not str or kind not in TYPES:
        return Dropped(Reason.UNKNOWN_TYPE)
    visitor_id = find_visitor(body, website, arrival)
    if visitor_id is None:
        return Dropped(Reason.INVALID_VISITOR, "visitorId must be a UUID")
    page = parse_page(body.get("href"), hash_routing=body.get("script") == HASH_SCRIPT)
    if page is None:
        return Dropped(Reason.INVALID_PAGE, "href must be the page's URL")
    if wrong := check_host(page, body.get("domain"), website):
        return wrong
    if is_excluded(page, arrival, website.exclusions):
        return Dropped(Reason.EXCLUDED)
    named = read_extra(kind, body.get("extraData"))
    if isinstance(named, Dropped):
        return named
    is_page = not page.is_unknown
    click_ids = read_click_ids(body.get("adClickIds"), page)
    return Hit(
        website.website_id,
        visitor_id,
        arrival.event_id,
        arrival.at,
        kind,
        page.url if is_page else None,
        (page.query or None) if is_page else None,
        read_referrer(body.get("referrer"), website),
        named[0],
        named[1],
        place_text(arrival.place),
        read_device(body, arrival.user_agent),
        _json(page.params) if page.params else None,
        _json(click_ids) if click_ids else None,
    )


def check_script(body: Mapping[str, Any], website: Website) -> Dropped | None:
    """Drops what our script sends from a browser that it should not be in, and what a flavour sends that the website is not set to.

    Only our own script states its flavour and whether a program drives the browser; SDKs choose by themselves.
    """
    if body.get("webdriver") is True and not website.is_headless_allowed:
        return Dropped(Reason.HEADLESS)
    script = body.get("script")
    if type(script) is not str or (script == COOKIELESS_SCRIPT) == website.is_cookieless:
        return None
    right = COOKIELESS_SCRIPT if website.is_cookieless else "script.js"
    return Dropped(Reason.WRONG_SCRIPT, f"this website needs {right}")


def is_cookieless(body: Mapping[str, Any], website: Website) -> bool:
    """Whether the server names this visitor, since the page keeps no id."""
    return website.is_cookieless or body.get("cookieless") is True


def find_visitor(body: Mapping[str, Any], website: Website, arrival: Arrival) -> bytes | None:
    """The visitor id: the page's own, or the day's for a cookieless page; None when the page's is none."""
    if is_cookieless(body, website):
        return cookieless_visitor(arrival.salt, website.website_id, arrival.address, arrival.user_agent)
    return parse_uuid(body.get("visitorId"))


def cookieless_visitor(salt: bytes, website_id: bytes, address: str, user_agent: str) -> bytes:
    """A visitor id from what every request shows, in the form of a version 4 UUID; without the day's salt it leads nowhere."""
    digest = bytearray(
        hmac.digest(salt, b"\0".join((website_id, address.encode(), user_agent.encode())), "sha256")[:16]
    )
    digest[6] = digest[6] & 0x0F | 0x40
    digest[8] = digest[8] & 0x3F | 0x80
    return bytes(digest)


def check_host(page: PageAddress, domain: object, website: Website) -> Dropped | None:
    """Drops pages of other websites. A page without a host (an app's, a file) is judged by the `domain` that its sender states.

    A file is on the visitor's own machine, as localhost is, and is taken where that is.
    """
    if page.is_file and not website.is_localhost_allowed:
        return Dropped(Reason.LOCALHOST)
    host = page.host or (domain if type(domain) is str else "")
    if host_matches(host, website.domain, website.allowed_hostnames, website.is_localhost_allowed):
        return None
    name = bare_host(host)
    return Dropped(Reason.LOCALHOST) if is_localhost(name) else Dropped(Reason.WRONG_HOST, host=name)


def is_excluded(page: PageAddress, arrival: Arrival, exclusions: Exclusions) -> bool:
    """Whether the website's owner wants no event of this page, place or address."""
    return exclusions != _NONE_EXCLUDED and (
        arrival.place.country_code in exclusions.countries
        or any(path_matches(page.path, pattern) for pattern in exclusions.paths)
        or is_in_networks(arrival.address, exclusions.ips)
        or host_matches(page.host, "", exclusions.hostnames, allow_localhost=False)
    )


def read_referrer(value: object, website: Website) -> str | None:
    """`host/path` of the page that linked here; None for none, and for pages of the same website."""
    if not value:
        return None
    referrer = parse_referrer(value, (website.domain, *website.allowed_hostnames))
    return referrer.url if referrer else None


def read_click_ids(stated: object, page: PageAddress) -> dict[str, str]:
    """Ad click ids from the address, and those that the page states."""
    if not stated or not isinstance(stated, dict):
        return page.click_ids
    from_page = {key: text for key in CLICK_IDS if (text := clean_text(stated.get(key), MAX_TEXT))}
    return {**from_page, **page.click_ids}


CLICK_IDS = ("gclid", "gclsrc", "wbraid", "gbraid", "li_fat_id", "fbclid", "msclkid", "ttclid", "twclid")


@functools.lru_cache(1024)
def place_text(place: Place) -> str | None:
    """A place as JSON; None when nothing is known about it."""
    return None if place.country_code is None else _json(place)


@functools.lru_cache(4096)
def _device_text(device: Device, width: int | None, height: int | None, language: str | None) -> str:
    return _json(StoredDevice(device, width, height, language))


def read_device(body: Mapping[str, Any], user_agent: str) -> str:
    """Device, viewport and language as JSON."""
    device = parse_device(user_agent, body.get("device"), body.get("maxTouchPoints"))
    viewport = body.get("viewport")
    width = height = None
    if type(viewport) is dict:
        width, height = _pixels(viewport.get("width")), _pixels(viewport.get("height"))
    language = body.get("language")
    return _device_text(device, width, height, clean_text(language, 35) if language else None)


def _pixels(value: object) -> int | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_PIXELS:
        return int(value)
    return None


def read_extra(kind: str, extra: object) -> tuple[str | None, str | None] | Dropped:
    """(name, data as JSON) of an event from its `extraData`."""
    if kind in (PAGEVIEW, IDENTIFY):
        return None, None
    fields: Mapping[str, Any] = extra if isinstance(extra, dict) else {}
    if kind == CUSTOM:
        return _read_custom(fields)
    if kind == PAYMENT:
        return _read_payment(fields)
    target = clean_text(fields.get("url"), MAX_URL)
    if not target:
        return Dropped(Reason.INVALID_EVENT, "extraData.url is missing")
    return None, _json({"url": target, "text": clean_text(fields.get("text"), MAX_TEXT) or ""})


def _read_custom(fields: Mapping[str, Any]) -> tuple[str, str | None] | Dropped:
    name = clean_goal_name(fields.get("eventName"))
    if name is None:
        return Dropped(Reason.INVALID_EVENT, "extraData.eventName is missing or no goal name")
    if name in RESERVED:
        return Dropped(Reason.INVALID_EVENT, f"extraData.eventName: {name} is reserved")
    parameters = clean_parameters({key: value for key, value in fields.items() if key != "eventName"})
    return name, _json(parameters) if parameters else None


def _read_payment(fields: Mapping[str, Any]) -> tuple[None, str] | Dropped:
    kept: dict[str, Any] = {}
    for key in _PAYMENT_FIELDS:
        value = fields.get(key)
        if key == "amount":
            if isinstance(value, int | float) and not isinstance(value, bool):
                kept[key] = value
        elif text := clean_text(value, MAX_TEXT):
            kept[key] = text
    if not kept:
        return Dropped(Reason.INVALID_EVENT, "extraData names no payment")
    return None, _json(kept)


def _json(value: dict[str, Any] | msgspec.Struct) -> str:
    return _encode(value).decode()

"""Single values of exports: times, numbers, ids. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache

import msgspec

from footfall.clock import DAY_MS
from footfall.collect.enrich.countries import COUNTRIES
from footfall.collect.enrich.device import Device
from footfall.collect.enrich.geo import Place
from footfall.collect.enrich.page import PageAddress, parse_page
from footfall.collect.enrich.text import clean_text
from footfall.collect.model import StoredDevice
from footfall.errors import BadRequest
from footfall.ids import AT_BYTES, EVENT_BYTES, VISITOR_BYTES, at_prefix

MAX_AHEAD = 60_000
"""Milliseconds by which a time may lie ahead of the clock."""
MAX_NUMBER = 2**53
_EPOCH = date(1970, 1, 1)
_MAX_NAME = 64

_encode = msgspec.json.Encoder().encode


def read_time(text: str, column: str, now: int) -> int:
    """A time as ms since epoch; without a zone it is UTC. Raises BadRequest that names the column."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(
            f"{column}: {text[:40]!r} is no time such as 2026-05-05T12:00:00Z, which is taken as UTC without a zone."
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return check_time(round(moment.timestamp() * 1000), column, now)


def check_time(at: int, column: str, now: int) -> int:
    """A time from 1970 to now (ms since epoch). Raises BadRequest."""
    if at < 0:
        raise BadRequest(f"{column} lies before 1970.")
    if at > now + MAX_AHEAD:
        raise BadRequest(f"{column} lies in the future.")
    return at


def read_day(text: str, column: str, now: int) -> int:
    """A date from 1970 to the latest day that has begun anywhere, as days since epoch. Raises BadRequest."""
    try:
        day = (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        raise BadRequest(f"{column}: {text[:40]!r} is no day such as 2026-05-05.") from None
    if day < 0:
        raise BadRequest(f"{column} lies before 1970.")
    if (day - 1) * DAY_MS > now:
        raise BadRequest(f"{column} lies in the future.")
    return day


def read_count(text: str | None, column: str) -> int | None:
    """A whole number from 0 on; None if the file has no such column, or nothing in it. Raises BadRequest."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 17 and int(text) <= MAX_NUMBER):
        raise BadRequest(f"{column}: {text[:40]!r} is no whole number from 0 on.")
    return int(text)


def need(cells: Mapping[str, str], column: str) -> str:
    """A cell that may not be empty. Raises BadRequest."""
    text = cells.get(column, "").strip()
    if not text:
        raise BadRequest(f"{column} is empty.")
    return text


def event_id(website_id: bytes, at: int, *parts: str) -> bytes:
    """An event id that the same event always gets: of its time (ms since epoch), and of what else tells it from others."""
    return at_prefix(at) + _digest(website_id, b"event", parts)[: EVENT_BYTES - AT_BYTES]


def visitor_id(website_id: bytes, *parts: str) -> bytes:
    """A visitor id that the same visitor always gets: a version 8 UUID."""
    made = bytearray(_digest(website_id, b"visitor", parts)[:VISITOR_BYTES])
    made[6] = made[6] & 0x0F | 0x80
    made[8] = made[8] & 0x3F | 0x80
    return bytes(made)


def _digest(website_id: bytes, kind: bytes, parts: tuple[str, ...]) -> bytes:
    return hashlib.sha256(b"\0".join((website_id, kind, *(one.encode() for one in parts)))).digest()


def read_address(host: str, rest: str, column: str) -> PageAddress:
    """The page at a host and a path with its query. Raises BadRequest that names the column."""
    page = parse_page(f"https://{host}/{rest.removeprefix('/')}")
    if page is None:
        raise BadRequest(
            f"{column}: {(host + '/' + rest.removeprefix('/'))[:100]!r} is no address of a page."
        )
    return page


@lru_cache(1024)
def place_of(country: str, region: str, city: str) -> str | None:
    """A place as JSON, None if the country is not known. `region`: with or without the country in front."""
    code = country.strip().upper()
    if code not in COUNTRIES:
        return None
    part = region.strip().upper()
    whole = part if not part or part.startswith(f"{code}-") else f"{code}-{part}"
    return to_json(Place(code, COUNTRIES[code], clean_text(whole, 16), clean_text(city, 128)))


@lru_cache(1024)
def device_of(browser: str, version: str, system: str, system_version: str, kind: str, language: str) -> str:
    """A device as JSON; nothing is known of what is empty."""
    names = (browser, version, system, system_version, kind)
    found = Device(*(clean_text(one, _MAX_NAME) for one in names), None, None)  # type: ignore[call-arg]
    return to_json(StoredDevice(found, language=clean_text(language, 35)))


def to_json(value: msgspec.Struct | Mapping[str, str]) -> str:
    """As it is stored."""
    return _encode(value).decode()


def json_or_none(value: Mapping[str, str]) -> str | None:
    """As it is stored; None for nothing."""
    return to_json(value) if value else None

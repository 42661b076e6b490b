"""GoatCounter's CSV export: a row for each view or event. Pure."""

from __future__ import annotations

from footfall.collect.enrich.device import parse_device
from footfall.collect.enrich.page import MAX_PARAMETER
from footfall.collect.enrich.text import clean_text
from footfall.collect.model import CUSTOM, PAGEVIEW, Hit, PastEvent, StoredDevice
from footfall.collect.pipeline import read_referrer
from footfall.errors import BadRequest
from footfall.history.formats.umami import goal_name
from footfall.history.formats.values import (
    device_of,
    event_id,
    json_or_none,
    need,
    place_of,
    read_address,
    read_time,
    to_json,
    visitor_id,
)
from footfall.history.model import ImportTarget, LeftOut, TableRow
from footfall.websites.model import Website

FIRST = ("1Path", "2Path")
"""What the first column may be called: the version of the format, and its name."""
UNKNOWN = (
    "GoatCounter forgets a visitor after some hours: whoever came back another day is another visitor.",
    "Titles of pages, cities and languages are not part of its export; bots are left out.",
)
_NO_SESSION = ("", "0", "00000000000000000000000000000000")
_SYSTEMS = {"macOS": "Mac OS"}
_TABLET_WIDTH = 700
"""Points from which on a phone's system runs on a tablet."""
_PHONES = frozenset(("iOS", "Android"))
_DESKTOPS = frozenset(("Windows", "Mac OS", "Linux", "Chrome OS", "FreeBSD", "OpenBSD", "Ubuntu"))


def read_row(target: ImportTarget, row: TableRow) -> PastEvent | LeftOut:
    """A view or an event. Raises BadRequest that names the column."""
    cells, website = row.cells, target.website
    if cells.get("Bot", "").strip() not in ("", "0"):
        return LeftOut("a bot")
    at = read_time(need(cells, "Date"), "Date", target.now)
    session = cells.get("Session", "").strip()
    if session in _NO_SESSION:
        return LeftOut("no session, so that its visitor is not known")
    path = need(cells, "Path")
    is_event = _flag(cells.get("Event", ""), "Event")
    page = None if is_event else read_address(website.domain, path, "Path")
    referrer, params = _source(row, website)
    hit = Hit(
        website.website_id,
        visitor_id(website.website_id, "goatcounter", session),
        event_id(website.website_id, at, "goatcounter", session, str(is_event), path, str(row.repeat)),
        at,
        CUSTOM if is_event else PAGEVIEW,
        page.url if page else None,
        (page.query or None) if page else None,
        referrer,
        goal_name(path, "Path") if is_event else None,
        None,
        place_of(*_location(cells.get("Location", "")), ""),
        _device(row),
        json_or_none({**params, **(page.params if page else {})}),
        json_or_none(page.click_ids if page else {}),
    )
    return PastEvent(hit)


def _flag(text: str, column: str) -> bool:
    known = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False, "": False}
    found = known.get(text.strip().lower())
    if found is None:
        raise BadRequest(f"{column}: {text[:40]!r} is neither true nor false.")
    return found


def _source(row: TableRow, website: Website) -> tuple[str | None, dict[str, str]]:
    """The page that linked here, or what a campaign or program said of itself, as the parameter `ref`."""
    text, scheme = row.cells.get("Referrer", "").strip(), row.cells.get("Referrer scheme", "").strip()
    if not text:
        return None, {}
    if scheme in ("c", "g"):
        named = clean_text(text, MAX_PARAMETER)
        return None, {"ref": named} if named else {}
    return read_referrer(text if "://" in text else f"https://{text}", website), {}


def _location(text: str) -> tuple[str, str]:
    country = text.strip().partition("-")[0]
    return country, text.strip() if "-" in text else ""


def _device(row: TableRow) -> str:
    cells = row.cells
    if "System" not in cells:  # of version 1, which has the User-Agent instead
        return to_json(StoredDevice(parse_device(cells.get("Browser", ""), None)))
    system, version = _named(cells["System"])
    return device_of(*_named(cells.get("Browser", "")), system, version, _kind(system, row), "")


def _named(text: str) -> tuple[str, str]:
    """Name and version, such as of `Chrome 141`."""
    name, _, version = text.strip().rpartition(" ")
    if not name or not version[:1].isdigit():
        name, version = text.strip(), ""
    return _SYSTEMS.get(name, name), version


def _kind(system: str, row: TableRow) -> str:
    if system in _DESKTOPS:
        return "desktop"
    width = row.cells.get("Screen size", "").partition(",")[0].strip()
    is_wide = width.isascii() and width.isdigit() and len(width) < 6 and int(width) >= _TABLET_WIDTH
    return ("tablet" if is_wide else "mobile") if system in _PHONES else ""

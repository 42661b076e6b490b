"""A visitor of the API as events here: those that are not here already, whether from an earlier import or counted live. Pure but for the check."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from footfall.clock import from_iso
from footfall.collect.enrich.countries import COUNTRIES
from footfall.collect.enrich.device import Device
from footfall.collect.enrich.page import CLICK_IDS, MAX_PARAMETER, PARAMETERS
from footfall.collect.enrich.text import clean_goal_name, clean_parameters, clean_text
from footfall.collect.model import CUSTOM, GOAL, PAGEVIEW, RESERVED, GoalData, Hit, PastEvent, StoredDevice
from footfall.collect.pipeline import read_referrer
from footfall.collect.service import sql
from footfall.db.protocol import Transaction
from footfall.errors import ApiError, BadRequest
from footfall.goals.wire import MAX_DESCRIPTION
from footfall.history.formats.values import (
    check_time,
    event_id,
    json_or_none,
    place_of,
    read_address,
    to_json,
)
from footfall.history.model import ImportTarget
from footfall.ids import at_of, format_uuid
from footfall.moving.wire import SentDevice, SentGoal, SentIdentity, SentName, SentViewport, SentVisitor
from footfall.websites.model import Website

NEAR_MS = 30_000
"""While both scripts run, an event comes to both servers: what is at most so far apart, and the same, is one."""
MOST_EVENTS = 20_000
"""Events of a visitor among which such ones are looked for."""
_NAME = 64


class _Happened(NamedTuple):
    """What an answer tells of an event. `data`: JSON."""

    at: int
    type: str
    url: str | None
    name: str | None
    data: str | None


class _Whole(NamedTuple):
    """What is known of a visitor as a whole (JSON)."""

    place: str | None
    device: str
    referrer: str | None
    params: str | None
    click_ids: str | None


def events_of(
    target: ImportTarget, visitor_id: bytes, visitor: SentVisitor, referrer: str | None
) -> tuple[list[PastEvent], list[str]]:
    """The events of a visitor, oldest first, and what cannot be taken. `referrer`: from the list of visitors."""
    told, problems = _all_told(target, visitor)
    told.sort(key=lambda one: one.at)
    whole = _whole(visitor.identity or SentIdentity(), referrer, target.website)
    seen: Counter[_Happened] = Counter()
    events = []
    is_first = True
    for one in told:
        repeat, seen[one] = seen[one], seen[one] + 1
        came = whole if is_first else whole._replace(referrer=None, params=None, click_ids=None)
        is_first = is_first and one.type == GOAL
        events.append(PastEvent(_hit(target.website.website_id, visitor_id, one, came, repeat)))
    return events, problems


def _all_told(target: ImportTarget, visitor: SentVisitor) -> tuple[list[_Happened], list[str]]:
    activity = visitor.activity
    if activity is None:
        return [], []
    problems: list[str] = []
    found: list[_Happened] = []

    def take(make: Callable[[], _Happened | None]) -> None:
        try:
            if (one := make()) is not None:
                found.append(one)
        except ApiError as error:
            problems.append(error.message)

    for page in activity.visited_pages or ():
        take(lambda page=page: _page(target, page.url, page.timestamp))  # type: ignore[misc]
    goals = activity.completed_goals
    for goal in goals if goals is not None else activity.completed_custom_goals or ():
        take(lambda goal=goal: _goal(target, goal))  # type: ignore[misc]
    return found, problems


def _page(target: ImportTarget, url: str | None, timestamp: str) -> _Happened:
    text = (url or "").strip()
    if text.startswith("/"):
        text = target.website.domain + text
    host, _, rest = text.partition("://")[2].partition("/") if "://" in text else text.partition("/")
    page = read_address(host or target.website.domain, rest, "url")
    return _Happened(_time(timestamp, target.now), PAGEVIEW, page.url, None, None)


def _goal(target: ImportTarget, goal: SentGoal) -> _Happened | None:
    """None for a goal that follows from payments."""
    if goal.origin == "payment_provider" or goal.name in RESERVED:
        return None
    name = clean_goal_name(goal.name)
    if name is None or name in RESERVED:
        raise BadRequest(f"{goal.name[:60]!r} cannot be the name of a goal.")
    at, said = _time(goal.timestamp, target.now), clean_parameters(goal.metadata or {})
    if not goal.is_server:
        return _Happened(at, CUSTOM, None, name, json_or_none(said))
    data = GoalData(clean_text(goal.description, MAX_DESCRIPTION), said)
    return _Happened(at, GOAL, None, name, to_json(data) if data != GoalData() else None)


def _time(text: str, now: int) -> int:
    try:
        at = from_iso(text)
    except (ValueError, OverflowError):
        raise BadRequest(f"timestamp: {text[:40]!r} is no time.") from None
    return check_time(at, "timestamp", now)


def _hit(website_id: bytes, visitor_id: bytes, one: _Happened, whole: _Whole, repeat: int) -> Hit:
    parts = ("datafast", format_uuid(visitor_id), one.type, one.url or one.name or "", str(repeat))
    return Hit(
        website_id,
        visitor_id,
        event_id(website_id, one.at, *parts),
        one.at,
        one.type,
        one.url,
        None,
        whole.referrer,
        one.name,
        one.data,
        whole.place,
        whole.device,
        whole.params,
        whole.click_ids,
    )


def _whole(said: SentIdentity, referrer: str | None, website: Website) -> _Whole:
    came = said.referrer or referrer
    return _Whole(
        place_of(_country(said), said.region or "", said.city or ""),
        to_json(_device(said)),
        read_referrer(came if "://" in came else f"https://{came}", website) if came else None,
        json_or_none(_named(said.params, PARAMETERS)),
        json_or_none(_named(said.ad_click_ids, CLICK_IDS)),
    )


def _named(said: dict[str, Any] | None, names: Sequence[str] | frozenset[str]) -> dict[str, str]:
    found = {name: clean_text(value, MAX_PARAMETER) for name, value in (said or {}).items() if name in names}
    return {name: text for name, text in found.items() if text}


def _country(said: SentIdentity) -> str:
    """Its code: some answers say the name alone."""
    told = (said.country_code or said.country or "").strip()
    return told if len(told) == 2 else _codes().get(told.lower(), "")


@cache
def _codes() -> dict[str, str]:
    return {name.lower(): code for code, name in COUNTRIES.items()}


def _device(said: SentIdentity) -> StoredDevice:
    browser, system = _name(said.browser), _name(said.os)
    device = said.device if isinstance(said.device, SentDevice) else SentDevice(said.device)
    viewport = said.viewport or SentViewport()
    names = (browser.name, browser.version, system.name, system.version)
    texts = [clean_text(one, _NAME) for one in (*names, device.type, device.vendor, device.model)]
    return StoredDevice(
        Device(*texts),
        viewport.width,
        viewport.height,
        clean_text(said.language, 35),
    )


def _name(said: SentName | str | None) -> SentName:
    return said if isinstance(said, SentName) else SentName(said)


def not_counted(tx: Transaction, events: Sequence[PastEvent]) -> list[PastEvent]:
    """Those of a visitor's events that did not come to this server too when they happened."""
    if not events:
        return []
    website_id, visitor_id, _ = events[0].key
    imported = {one.hit.event_id for one in events}
    live: defaultdict[tuple[str, str | None], list[int]] = defaultdict(list)
    for row in tx.all(sql.timeline, (website_id, visitor_id, MOST_EVENTS)):
        if row.event_id not in imported:
            live[row.type, row.url if row.type == PAGEVIEW else row.name].append(at_of(row.event_id))
    return list(_without(events, live))


def _without(
    events: Sequence[PastEvent], live: dict[tuple[str, str | None], list[int]]
) -> Iterator[PastEvent]:
    """Each live event, newest first in `live`, stands for one of these."""
    for one in events:
        hit = one.hit
        times = live.get((hit.type, hit.url or hit.name), [])
        while times and times[-1] < hit.at - NEAR_MS:
            times.pop()
        if times and times[-1] <= hit.at + NEAR_MS:
            times.pop()
        else:
            yield one

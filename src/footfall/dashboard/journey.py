"""Parts of a journey as pages show them: by day and visit, with names in place of ids."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any, NamedTuple

from footfall.dashboard.drawing import called, day_text, draw
from footfall.dashboard.page import Call, apart, page_headers
from footfall.dashboard.people import sql
from footfall.db.protocol import Params, Transaction
from footfall.identity.model import IDENTIFY
from footfall.identity.refs import find_profile
from footfall.identity.store import Profile, read_profile
from footfall.ids import parse_uuid
from footfall.people.reading import device_kind
from footfall.web.envelope import Reply
from footfall.websites.model import Website


class Visit(NamedTuple):
    """Entries of a journey that belong together. `visitor_id`: as on the wire."""

    visitor_id: str
    entries: list[dict[str, Any]]


class Part(NamedTuple):
    """Entries with what their ids stand for. `devices`: what each visitor is, empty when there is one only; `names`: of users, by id."""

    entries: list[dict[str, Any]]
    following: bytes | None
    devices: dict[str, str]
    names: dict[str, str]


class Journey(NamedTuple):
    """The same by day and visit. `following`: the cursor of the next part."""

    days: list[tuple[str, list[Visit]]]
    path: str
    is_first: bool
    following: str | None
    devices: dict[str, str]
    names: dict[str, str]

    def is_brief(self, most: int) -> bool:
        """Whether this is all of it, in at most so many entries."""
        shown = sum(len(visit.entries) for _, visits in self.days for visit in visits)
        return self.is_first and not self.following and shown <= most


def read_part(
    tx: Transaction,
    website: Website,
    found: tuple[list[dict[str, Any]], bytes | None],
    *,
    with_devices: bool,
) -> Part:
    """A page of a journey, with what its ids stand for."""
    entries, following = found
    visitors = {entry["visitorId"] for entry in entries} if with_devices else set()
    users = {entry["name"] for entry in entries if entry["type"] == IDENTIFY}
    return Part(entries, following, _kinds(tx, website, sorted(visitors)), names_of(tx, website, users))


def _kinds(tx: Transaction, website: Website, visitors: list[str]) -> dict[str, str]:
    keys: list[Params] = [(website.website_id, parse_uuid(one)) for one in visitors]
    rows = tx.lookup(sql.visitor_seen, keys)
    return {one: device_kind(row[3] if row else None) for one, row in zip(visitors, rows, strict=True)}


def names_of(tx: Transaction, website: Website, users: Iterable[str]) -> dict[str, str]:
    """What the people are called that these user ids stand for."""
    return {user: _called(tx, find_profile(tx, website, user), user) for user in users}


def _called(tx: Transaction, profile: Profile | None, user_id: str) -> str:
    if profile is not None and profile.person_id != profile.profile_id:
        profile = read_profile(tx, profile.website_id, profile.person_id)
    return called({"metadata": profile.traits.values if profile else {}, "userId": user_id})


def empty_journey(path: str) -> Journey:
    """Of whom nothing counts."""
    return Journey([], path, True, None, {}, {})


def shown_journey(part: Part, website: Website, path: str, *, is_first: bool) -> Journey:
    """A part as it is drawn, on the page at `path`."""
    days = _days(part.entries, website.timezone)
    following = part.following.hex() if part.following else None
    return Journey(days, path, is_first, following, part.devices, part.names)


async def draw_journey(call: Call, journey: Journey) -> Reply:
    """The entries alone, to be put below those that are there."""
    html = await apart(lambda: draw("journey.html", website=call.site, journey=journey))
    return Reply(html.encode(), 200, page_headers(call))


def _days(entries: list[dict[str, Any]], zone: str) -> list[tuple[str, list[Visit]]]:
    """Entries by day, and within a day by session. What was said of a visitor lies in the session around it, if there is one."""
    sessions = _sessions(entries)
    keyed = zip(entries, sessions, strict=True)
    return [
        (day, [_visit(group) for _, group in groupby(of_day, key=lambda pair: pair[1])])
        for day, of_day in groupby(keyed, key=lambda pair: day_text(pair[0]["at"], zone))
    ]


def _visit(group: Iterable[tuple[dict[str, Any], str]]) -> Visit:
    entries = [entry for entry, _ in group]
    return Visit(entries[0]["visitorId"], entries)


def _sessions(entries: list[dict[str, Any]]) -> list[str]:
    """The session of each entry; of one without, that of the nearest entry of the same run of the visitor's, else the visitor's own."""
    found: list[str] = []
    for _, run in groupby(entries, key=lambda entry: entry["visitorId"]):
        own = list(run)
        later = _carried([entry["sessionId"] for entry in reversed(own)])[::-1]
        earlier = _carried([entry["sessionId"] for entry in own])
        found += [
            after or before or entry["visitorId"]
            for entry, after, before in zip(own, later, earlier, strict=True)
        ]
    return found


def _carried(sessions: list[str | None]) -> list[str | None]:
    """Each session, and in place of none the one before it."""
    carried: list[str | None] = []
    for session in sessions:
        carried.append(session or (carried[-1] if carried else None))
    return carried

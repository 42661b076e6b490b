"""Parts of a journey as pages show them: by day and visit, with names instead of ids."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import msgspec

from footfall.dashboard.page import PageRequest, apart, page_headers
from footfall.dashboard.pages.people import sql
from footfall.dashboard.rendering import called, day_text, render_template
from footfall.db.protocol import Params, Transaction
from footfall.identity.model import IDENTIFY
from footfall.identity.refs import find_profile
from footfall.identity.store import Profile, read_profile
from footfall.people.model import JourneyEntry, JourneyPart
from footfall.people.person import device_kind
from footfall.web.envelope import Response
from footfall.websites.model import Website

Session = tuple[bytes | None, int | None]
"""A visitor, and when its session began (ms since epoch); None if no session is known."""


class Visit(msgspec.Struct, frozen=True):
    """Entries of a journey that belong together. `visitor_id` None: payments without a visitor."""

    visitor_id: bytes | None
    entries: list[JourneyEntry]


class Journey(msgspec.Struct, frozen=True):
    """A part of a journey by day and visit, for the page at `path`. `following`: the cursor of the next part.

    `devices`: the device of each visitor, empty if there is only one; `names`: of users, by id.
    """

    path: str
    is_first: bool = True
    days: list[tuple[str, list[Visit]]] = []
    following: bytes | None = None
    devices: dict[bytes, str] = {}
    names: dict[str, str] = {}

    def is_brief(self, most: int) -> bool:
        """Whether this is all of it, in at most that many entries."""
        shown = sum(len(visit.entries) for _, visits in self.days for visit in visits)
        return self.is_first and not self.following and shown <= most


def show_journey(
    tx: Transaction, website: Website, part: JourneyPart, path: str, *, is_first: bool, with_devices: bool
) -> Journey:
    """A part of a journey for the page at `path`, with the names behind its ids."""
    visitors = {one for entry in part.entries if (one := entry.visitor_id)} if with_devices else set()
    users = {entry.name or "" for entry in part.entries if entry.type == IDENTIFY}
    return Journey(
        path,
        is_first,
        _days(part.entries, website.timezone),
        part.following,
        _kinds(tx, website, sorted(visitors)),
        names_of(tx, website, users),
    )


def _kinds(tx: Transaction, website: Website, visitors: list[bytes]) -> dict[bytes, str]:
    keys: list[Params] = [(website.website_id, one) for one in visitors]
    rows = tx.get_many(sql.visitor_seen, keys)
    return {one: device_kind(row.device if row else None) for one, row in zip(visitors, rows, strict=True)}


def names_of(tx: Transaction, website: Website, users: Iterable[str]) -> dict[str, str]:
    """The names of the people behind these user ids."""
    return {user: _called(tx, find_profile(tx, website, user), user) for user in users}


def _called(tx: Transaction, profile: Profile | None, user_id: str) -> str:
    if profile is not None and profile.person_id != profile.profile_id:
        profile = read_profile(tx, profile.website_id, profile.person_id)
    return called(profile.traits.values if profile else {}, user_id)


async def render_journey(request: PageRequest, journey: Journey) -> Response:
    """Only the entries, to be added below those already shown."""
    html = await apart(lambda: render_template("journey.html", website=request.site, journey=journey))
    return Response(html.encode(), 200, page_headers(request))


def _days(entries: list[JourneyEntry], zone: str) -> list[tuple[str, list[Visit]]]:
    """Entries by day, and within a day by session. What was said about a visitor belongs to the session around it, if there is one."""
    keyed = zip(entries, _sessions(entries), strict=True)
    return [
        (day, [_visit(group) for _, group in groupby(of_day, key=lambda pair: pair[1])])
        for day, of_day in groupby(keyed, key=lambda pair: day_text(pair[0].at, zone))
    ]


def _visit(group: Iterable[tuple[JourneyEntry, Session]]) -> Visit:
    entries = [entry for entry, _ in group]
    return Visit(entries[0].visitor_id, entries)


def _sessions(entries: list[JourneyEntry]) -> list[Session]:
    """The session of each entry. An entry without one gets that of the nearest entry in the same run of its visitor, the later of two."""
    found: list[Session] = []
    for visitor_id, run in groupby(entries, key=lambda entry: entry.visitor_id):
        begun = [entry.session_at for entry in run]
        later = _carried(begun[::-1])[::-1]
        earlier = _carried(begun)
        found += [
            (visitor_id, before if after is None else after)
            for after, before in zip(later, earlier, strict=True)
        ]
    return found


def _carried(begun: list[int | None]) -> list[int | None]:
    """Each beginning of a session; where there is none, the one before it."""
    carried: list[int | None] = []
    for at in begun:
        carried.append((carried[-1] if carried else None) if at is None else at)
    return carried

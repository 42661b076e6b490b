"""Parts of a journey as pages show them: by day and visit, with names instead of ids."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import groupby
from urllib.parse import urlencode

import msgspec

from footfall.collect.model import CUSTOM, GOAL, PAGEVIEW, PAYMENT, SESSION_IDLE_MS
from footfall.dashboard.figures import duration_text
from footfall.dashboard.page import PageRequest, apart, html_response, page_headers
from footfall.dashboard.rendering import called, day_text, render_template
from footfall.dashboard.story import source_text
from footfall.db.protocol import Transaction
from footfall.identity.model import IDENTIFY
from footfall.identity.refs import find_profile
from footfall.identity.store import Profile, read_profile
from footfall.ids import at_of
from footfall.people.journey import PAYMENT_TYPE, REFUND_TYPE
from footfall.people.model import EntryKind, JourneyEntry, JourneyPart, VisitOrigin
from footfall.people.person import read_origins
from footfall.web.envelope import Response
from footfall.websites.model import Website

PART = 100
"""How many entries of a journey are shown at once."""
MILESTONES = frozenset((CUSTOM, GOAL, PAYMENT, PAYMENT_TYPE, REFUND_TYPE))
"""Types of entries that are seen though the visit is folded."""
_OF_NO_VISIT = frozenset((GOAL, IDENTIFY, PAYMENT_TYPE, REFUND_TYPE))
"""Types of entries that a server may tell of at any time."""

Session = tuple[bytes, int]
"""A visitor, and when its session began (ms since epoch)."""


class Visit(msgspec.Struct, frozen=True):
    """Entries of a journey that belong together, newest first: a session, or what happened outside of any, with neither visitor nor `origin`.

    `began_at`: when the session began, or when the newest entry was (ms since epoch).
    `began_before`, `went_on`: whether a part of it is older or newer than what is shown. `milestones`: entries that are always seen.
    """

    visitor_id: bytes | None
    began_at: int
    entries: list[JourneyEntry]
    milestones: list[JourneyEntry]
    origin: VisitOrigin | None = None
    began_before: bool = False
    went_on: bool = False

    @property
    def source(self) -> str:
        """Where it came from."""
        return source_text(self.origin.touch.source if self.origin else None) or "Direct"

    @property
    def way(self) -> list[str]:
        """The paths of its first page and of its last, once if they are one."""
        pages = [_path(one.url) for one in self.entries if one.type == PAGEVIEW and one.url]
        entry = self.origin.touch.url if self.origin else None
        return list(dict.fromkeys([*([_path(entry)] if entry else pages[-1:]), *pages[:1]]))

    @property
    def pages(self) -> int:
        """How many pages are shown of it."""
        return sum(one.type == PAGEVIEW for one in self.entries)

    @property
    def length(self) -> str:
        """How long it took; empty for no time."""
        own = [one.at for one in self.entries if one.type not in _OF_NO_VISIT]
        return duration_text(max(own) - min(own)) if len(own) > 1 and max(own) > min(own) else ""

    @property
    def device(self) -> str:
        """What it was on."""
        device = self.origin.device if self.origin else None
        return ", ".join(filter(None, ((device.type or "desktop", device.browser) if device else ())))


def _path(url: str) -> str:
    return url[url.index("/") :] if "/" in url else "/"


class Journey(msgspec.Struct, frozen=True):
    """A part of a journey by day and visit, for the page at `path`. `following`: the cursor of the next part.

    `only`: the kind of entries that it shows, None for all; `has_devices`: whether there are several; `names`: of users, by id.
    """

    path: str
    is_first: bool = True
    days: list[tuple[str, list[Visit]]] = []
    following: bytes | None = None
    only: EntryKind | None = None
    has_devices: bool = False
    names: dict[str, str] = {}

    def is_brief(self, most: int) -> bool:
        """Whether this is all of it, in at most that many lines."""
        lines = sum(1 + len(visit.milestones) for _, visits in self.days for visit in visits)
        return self.is_first and not self.following and not self.only and lines <= most

    def is_alone(self) -> bool:
        """Whether it is one visit, which is shown unfolded."""
        return self.is_first and not self.following and sum(len(visits) for _, visits in self.days) == 1

    def query(self, only: str | None, cursor: bytes | None = None) -> str:
        """The query of a part of it."""
        pairs = [("only", only or ""), ("cursor", cursor.hex() if cursor else "")]
        return urlencode([pair for pair in pairs if pair[1]])

    def href(self, only: str | None, cursor: bytes | None = None) -> str:
        """The page that shows a part of it."""
        query = self.query(only, cursor)
        return f"{self.path}{'?' if query else ''}{query}#journey"


class JourneyAsked(msgspec.Struct, frozen=True):
    """Which part of a journey: behind `cursor`, and of `only` a kind of entries, if any."""

    cursor: bytes = b""
    only: EntryKind | None = None


def read_only(text: str | None) -> EntryKind | None:
    """The kind of entries that an address names; None for all."""
    return next((one for one in EntryKind if one == text), None)


def show_journey(
    tx: Transaction,
    website: Website,
    part: JourneyPart,
    path: str,
    asked: JourneyAsked,
    *,
    has_devices: bool = False,
    signed_up_at: int | None = None,
) -> Journey:
    """A part of a journey for the page at `path`, with the names behind its ids. `signed_up_at`: when the first identify call came."""
    users = {entry.name or "" for entry in part.entries if entry.type == IDENTIFY}
    return Journey(
        path,
        not asked.cursor,
        _days(tx, website, part, asked, signed_up_at),
        part.following,
        asked.only,
        has_devices,
        names_of(tx, website, users),
    )


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
    return html_response(request.context, html, 200, page_headers(request))


def _days(
    tx: Transaction, website: Website, part: JourneyPart, asked: JourneyAsked, signed_up_at: int | None
) -> list[tuple[str, list[Visit]]]:
    """Entries by day, the newest in front, and within a day by visit. A visit is in the day in which it began."""
    visits: list[tuple[int, Session | None, list[JourneyEntry]]] = []
    groups: dict[Session, list[JourneyEntry]] = {}
    for entry, session in zip(part.entries, _sessions(part.entries, asked.only), strict=True):
        if session is None:
            visits.append((entry.at, None, [entry]))
        elif session in groups:
            groups[session].append(entry)
        else:
            visits.append((session[1], session, groups.setdefault(session, [entry])))
    visits.sort(key=lambda visit: visit[0], reverse=True)
    keys = list(groups)
    origins = dict(zip(keys, read_origins(tx, website.website_id, keys), strict=True))
    return [
        (day, _visits_of_day([visit[1:] for visit in of_day], origins, part, asked, signed_up_at))
        for day, of_day in groupby(visits, key=lambda visit: day_text(visit[0], website.timezone))
    ]


def _visits_of_day(
    groups: Sequence[tuple[Session | None, list[JourneyEntry]]],
    origins: dict[Session, VisitOrigin | None],
    part: JourneyPart,
    asked: JourneyAsked,
    signed_up_at: int | None,
) -> list[Visit]:
    """What happened outside of visits one after the other stands together."""
    visits = []
    for session, found in groupby(groups, key=lambda group: group[0]):
        entries = [entry for _, of_group in found for entry in of_group]
        if session is None:
            visits.append(Visit(None, entries[0].at, entries, entries))
            continue
        own = [entry.at for entry in entries if entry.type not in _OF_NO_VISIT]
        visits.append(
            Visit(
                session[0],
                session[1],
                entries,
                [one for one in entries if _is_milestone(one, signed_up_at)],
                origins[session],
                part.following is not None and min(own) > session[1],
                _goes_on(asked.cursor, session[0], max(own)),
            )
        )
    return visits


def _is_milestone(entry: JourneyEntry, signed_up_at: int | None) -> bool:
    return entry.type in MILESTONES or (entry.type == IDENTIFY and entry.at == signed_up_at)


def _goes_on(cursor: bytes, visitor_id: bytes, newest: int) -> bool:
    """Whether what was shown last, on the page before, is of the same visit."""
    return bool(cursor) and cursor.endswith(visitor_id) and 0 <= at_of(cursor) - newest <= SESSION_IDLE_MS


def _sessions(entries: list[JourneyEntry], only: EntryKind | None) -> list[Session | None]:
    """The session of each entry. What a server told of has that of its visitor's nearest event, if one is near enough; in a list of one kind
    of entries none has any.
    """
    own: dict[bytes, list[tuple[int, int]]] = {}
    for entry in reversed(entries):
        if session := _own_session(entry):
            own.setdefault(session[0], []).append((entry.at, session[1]))
    return [None if only else _own_session(entry) or _near_session(entry, own) for entry in entries]


def _own_session(entry: JourneyEntry) -> Session | None:
    """The session of an event of a page."""
    if entry.visitor_id is None or entry.session_at is None or entry.type in _OF_NO_VISIT:
        return None
    return entry.visitor_id, entry.session_at


def _near_session(entry: JourneyEntry, own: dict[bytes, list[tuple[int, int]]]) -> Session | None:
    near = _nearest(own.get(entry.visitor_id or b"", []), entry.at)
    return None if entry.visitor_id is None or near is None else (entry.visitor_id, near)


def _nearest(events: list[tuple[int, int]], at: int) -> int | None:
    """The session of the nearest of these events (when it was, its session), oldest first; the later one of two as near."""
    place = bisect_left(events, (at, 0))
    around = events[max(0, place - 1) : place + 1][::-1]
    near = min(around, key=lambda event: abs(event[0] - at), default=None)
    return near[1] if near and abs(near[0] - at) <= SESSION_IDLE_MS else None

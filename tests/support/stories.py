"""What visitors did, as plain as can be, and the rows of the columns that follow from it: slow, and easy to see through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import duckdb

from footfall.analytics.dimensions import CAMPAIGN
from footfall.collect.model import SESSION_IDLE_MS

WEBSITE = 7
PAGEVIEW, CUSTOM, IDENTIFY, LINK, GOAL = 1, 2, 3, 4, 6
PAID, FIRST, RENEWAL, REFUND, FREE_TRIAL = 10, 11, 12, 13, 14
VISIT_TYPES = (PAGEVIEW, CUSTOM, IDENTIFY, LINK, 5)
ORIGIN = (
    "referrer",
    "channel",
    *CAMPAIGN,
    "ad_network",
    "country",
    "region",
    "city",
    "device",
    "browser",
    "version",
    "os",
)


class Deed(NamedTuple):
    """Something a visitor did, or that was told of them; `visitor` None: a payment that is no visitor's. `origin`: what counts if a visit begins."""

    visitor: int | None
    at: int
    type: int
    path: str | None = None
    host: str | None = None
    name: str | None = None
    properties: str | None = None
    amount: int | None = None
    currency: str | None = None
    origin: Mapping[str, str] = {}
    is_known: bool = True
    """Of a payment: whether its visitor was known when it was made. Who that was, was not."""


class Entry(NamedTuple):
    """A deed, and what is known about it: whose it was, which visit it is part of, and where that came from."""

    deed: Deed
    person: int | None
    session_at: int
    view_no: int
    before: Deed | None
    """The visitor's deed before."""
    before_in_session: Deed | None
    columns: dict[str, str | None]
    """Of the session, by name."""

    @property
    def is_visit(self) -> bool:
        return self.deed.type in VISIT_TYPES


class Story(NamedTuple):
    """What happened on a website. `links`: who each visitor was, from when on."""

    deeds: Sequence[Deed]
    links: Mapping[int, Sequence[tuple[int, int]]] = {}

    def person_at(self, visitor: int, at: int) -> int:
        links = sorted(self.links.get(visitor, ()), key=lambda link: link[0])
        past = [person for since, person in links if since <= at]
        return past[-1] if past else links[0][1] if links else visitor

    def visits(self, visitor: int) -> list[list[Deed]]:
        """A visitor's visits: deeds without a break of 30 minutes. What servers tell of is none."""
        found: list[list[Deed]] = []
        deeds = [one for one in self.deeds if one.visitor == visitor and one.type in VISIT_TYPES]
        for deed in sorted(deeds, key=lambda one: one.at):
            if not found or deed.at - found[-1][-1].at > SESSION_IDLE_MS:
                found.append([])
            found[-1].append(deed)
        return found

    def entries(self) -> list[Entry]:
        """All that happened."""
        found = [_loose(deed) for deed in self.deeds if deed.visitor is None]
        for visitor in sorted({deed.visitor for deed in self.deeds if deed.visitor is not None}):
            found += self._entries_of(visitor)
        return found

    def _entries_of(self, visitor: int) -> Iterable[Entry]:
        visits, before = self.visits(visitor), None
        if not any(deed.type == PAGEVIEW for visit in visits for deed in visit):
            return
        for visit in visits:
            views, previous = 0, None
            for deed in visit:
                views += deed.type == PAGEVIEW
                number = views if deed.type == PAGEVIEW else 0
                person = self.person_at(visitor, deed.at)
                yield Entry(deed, person, visit[0].at, number, before, previous, _columns(visit))
                before = previous = deed
        for deed in self.deeds:
            if deed.visitor == visitor and deed.type not in VISIT_TYPES:
                past = [visit for visit in visits if visit[0].at <= deed.at]
                visit = past[-1] if past else visits[0]
                yield Entry(
                    deed, self.person_at(visitor, deed.at), visit[0].at, 0, None, None, _columns(visit)
                )


def _columns(visit: list[Deed]) -> dict[str, str | None]:
    pages = [deed for deed in visit if deed.type == PAGEVIEW]
    entry = {"entry_host": pages[0].host, "entry_path": pages[0].path} if pages else {}
    return {"entry_host": None, "entry_path": None, **dict.fromkeys(ORIGIN), **visit[0].origin, **entry}


def _loose(deed: Deed) -> Entry:
    return Entry(deed, None, deed.at, 0, None, None, _columns([deed]))


NUMBERS = (
    "visitor",
    "person",
    "ts",
    "session_at",
    "prev_at",
    "type",
    "view_no",
    "span",
    "amount",
    "website",
    "then_visitor",
    "then_person",
)


def row_of(entry: Entry) -> dict[str, object]:
    """The row of the columns."""
    deed = entry.deed
    told = max(deed.at, entry.session_at)
    return {
        "website": WEBSITE,
        "ts": deed.at,
        "visitor": deed.visitor,
        "person": entry.person,
        "session_at": entry.session_at,
        "prev_at": (entry.before.at if entry.before else 0) if entry.is_visit else told,
        "type": deed.type,
        "view_no": entry.view_no,
        "span": deed.at - entry.before_in_session.at if entry.before_in_session else 0,
        "host": deed.host,
        "path": deed.path,
        "name": deed.name,
        "properties": deed.properties,
        "amount": deed.amount,
        "currency": deed.currency,
        "then_visitor": deed.visitor if deed.type >= PAID and deed.is_known else None,
        "then_person": deed.visitor if deed.type >= PAID and deed.is_known else None,
        **entry.columns,
    }


def fill(connection: duckdb.DuckDBPyConnection, entries: Iterable[Entry]) -> None:
    """The table `event_row` with these rows alone."""
    names = list(row_of(_loose(Deed(None, 0, PAID))))
    kinds = ", ".join(f"{name} {'BIGINT' if name in NUMBERS else 'VARCHAR'}" for name in names)
    connection.execute(f"CREATE TABLE IF NOT EXISTS event_row ({kinds})")
    connection.execute("DELETE FROM event_row")
    with connection.appender("event_row") as appender:
        appender.append_rows([tuple(row_of(one).values()) for one in entries])

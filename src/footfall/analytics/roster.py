"""The people of a question one by one: where they came from, how often, and what they paid. Pure.

They are those of the measure `people`: whoever visitors were at their first event in the range, each person once.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from footfall.analytics.conditions import PAID, REFUND, VISIT
from footfall.analytics.dialects import BoundType
from footfall.analytics.dimensions import Attribution
from footfall.analytics.pieces import Pieces
from footfall.analytics.query import Question
from footfall.analytics.scene import Composed, Scene


class RosterPart(StrEnum):
    """Some of the people of a question. New are those whose very first visit lies in the range; the others came back."""

    EVERYBODY = "everybody"
    KNOWN = "known"
    NEW = "new"
    BACK = "back"
    CUSTOMERS = "customers"


class RosterOrder(StrEnum):
    """By what people are sorted: the latest or most first; source and country from A on, and who has none last."""

    SEEN = "seen"
    KNOWN = "known"
    """Those who are known in front."""
    VISITS = "visits"
    REVENUE = "revenue"
    SOURCE = "source"
    COUNTRY = "country"


class RosterLooking(msgspec.Struct, frozen=True):
    """Which of the people are looked for, and in which order."""

    part: RosterPart = RosterPart.EVERYBODY
    order: RosterOrder = RosterOrder.SEEN


class RosterRow(NamedTuple):
    """Somebody. `person`: the number; of one who is not known, the visitor's. `last_at`: the last event in the range (ms since epoch).

    Source and country are those of the first visit in the range; revenue is in the minor unit of the website's currency.
    """

    person: int
    is_known: int
    visits: int
    last_at: int
    referrer: str | None
    channel: str | None
    country: str | None
    payments: int
    revenue: int


class Roster(NamedTuple):
    """Some of the people, and how many there are of each part."""

    totals: dict[RosterPart, int]
    rows: list[RosterRow]


_HELD = {
    RosterPart.EVERYBODY: "TRUE",
    RosterPart.KNOWN: "is_known = 1",
    RosterPart.NEW: "was_there = 0",
    RosterPart.BACK: "was_there = 1",
    RosterPart.CUSTOMERS: "payments > 0",
}
_ORDERS = {
    RosterOrder.SEEN: "last_at DESC",
    RosterOrder.KNOWN: "is_known DESC, last_at DESC",
    RosterOrder.VISITS: "visits DESC, last_at DESC",
    RosterOrder.REVENUE: "revenue DESC, payments DESC, last_at DESC",
    RosterOrder.SOURCE: "origin NULLS LAST, last_at DESC",
    RosterOrder.COUNTRY: "origin NULLS LAST, last_at DESC",
}
_ORIGINS = {
    RosterOrder.SOURCE: "coalesce(referrer, channel)",
    RosterOrder.COUNTRY: "country",
}
"""What has to be known of everybody's first visit to sort by it."""
_FIRSTS = ("referrer", "channel", "country")


class _RosterPieces(Pieces):
    """The pieces of such a query. What is shown of the first visits is looked up for those on the page alone."""

    def roster(self, looking: RosterLooking, page: str) -> Composed:
        dialect = self._dialect
        order = f"{_ORDERS[looking.order]}, person"
        column = _ORIGINS.get(looking.order)
        origin = f"{dialect.lower(dialect.first_by(column, 'ts'))} AS origin," if column else ""
        kept_origin = "origin," if column else ""
        revenue = dialect.integer(f"coalesce({dialect.sum_if('minor', f'({PAID}) OR {REFUND}')}, 0)")
        totals = ", ".join(f"{dialect.count_if(held)} AS {part}" for part, held in _HELD.items())
        firsts = ", ".join(f"{dialect.first_by(column, 'ts')} AS {column}" for column in _FIRSTS)
        on_page = dialect.among("seen", ("person",), "SELECT person FROM page")
        return self.composed(
            {
                "seen": self._seen(),
                "touched": f"""
                    SELECT person, max(CASE WHEN person <> visitor THEN 1 ELSE 0 END) AS is_known, {origin}
                        max(CASE WHEN prev_at > 0 AND prev_at < $since THEN 1 ELSE 0 END) AS came_before,
                        max(CASE WHEN person <> visitor OR prev_at >= $since THEN 1 ELSE 0 END) AS is_open
                    FROM seen GROUP BY person""",
                "acted": f"""
                    SELECT person, {dialect.count_if("prev_at < greatest(session_at, $since)")} AS visits, max(ts) AS last_at
                    FROM chosen WHERE {VISIT} GROUP BY person""",
                "paid": self.paid(("person",)),
                "spent": f"""
                    SELECT person, {dialect.count_if(PAID)} AS payments, {revenue} AS revenue
                    FROM paid WHERE person IS NOT NULL GROUP BY person""",
                "earlier": self._earlier(),
                "summed": f"""
                    SELECT person, is_known, {kept_origin} visits, last_at, coalesce(payments, 0) AS payments, coalesce(revenue, 0) AS revenue,
                        greatest(came_before, coalesce(was_seen, 0)) AS was_there
                    FROM touched JOIN acted USING (person) LEFT JOIN spent USING (person) LEFT JOIN earlier USING (person)""",
                "page": f"SELECT * FROM summed WHERE {_HELD[looking.part]} ORDER BY {order} {page}",
                "came": f"SELECT person, {firsts} FROM seen WHERE {on_page} GROUP BY person",
            },
            f"""
            SELECT counted.*, {", ".join(RosterRow._fields)} FROM (SELECT {totals} FROM summed) AS counted
            LEFT JOIN (SELECT * FROM page LEFT JOIN came USING (person)) AS shown ON TRUE ORDER BY {order}""",
        )

    def _earlier(self) -> str:
        """Who was there before the range, among those of whom their first row in it does not tell: another visitor of theirs may have been."""
        unsure = "SELECT person FROM touched WHERE came_before = 0 AND is_open = 1"
        held = self._dialect.among("event_row", ("person",), unsure)
        return f"""
            SELECT DISTINCT person, 1 AS was_seen FROM event_row
            WHERE website = $website AND ts < $since AND {VISIT} AND {held}"""


def compose_roster(scene: Scene, question: Question, looking: RosterLooking) -> Composed:
    """The question's page of the people: how many there are of each part, and what a `RosterRow` has; a row of nulls behind the last one."""
    page = f"LIMIT {question.limit:d} OFFSET {question.offset:d}"
    # What somebody paid is theirs, whichever of their visits led to it.
    return _RosterPieces(scene._replace(attribution=Attribution.LAST), question).roster(looking, page)


def read_roster(rows: Sequence[Sequence[Any]]) -> Roster:
    """What the query's rows say."""
    parts = list(RosterPart)
    totals = dict(zip(parts, rows[0][: len(parts)], strict=True))
    found = (row[len(parts) :] for row in rows)
    return Roster(totals, [RosterRow(*row) for row in found if row[0] is not None])


def compose_last_seen(scene: Scene, visitors: Sequence[int]) -> Composed:
    """Rows of a visitor's number and when they were last there (ms since epoch), whatever the range."""
    listed = scene.dialect.listed({"visitor": ("$visitors", BoundType.INTEGER)})
    held = scene.dialect.among("event_row", ("visitor",), listed)
    text = f"SELECT visitor, max(ts) AS last_at FROM event_row WHERE website = $website AND {VISIT} AND {held} GROUP BY visitor"
    return Composed(text, {"website": scene.website, "visitors": list(visitors)})

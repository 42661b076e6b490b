"""The rows of a card by words and orders of their own, as people look through a long list. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from footfall.analytics.compose import Composed, Scene, compose_card
from footfall.analytics.dimensions import CARDS
from footfall.analytics.query import Question

_ALL = 10**9
"""More rows than a card has."""


class RowOrder(StrEnum):
    """By what the rows of a list are sorted, most first; by name from A on."""

    VISITORS = "visitors"
    PEOPLE = "people"
    REVENUE = "revenue"
    NAME = "name"


class Looking(msgspec.Struct, frozen=True):
    """Which rows of a list are looked for: those that contain `text` in any letters, or are about one of `countries`; and in which order."""

    text: str = ""
    countries: Sequence[str] = ()
    order: RowOrder = RowOrder.VISITORS


def compose_listed(scene: Scene, question: Question, name: str, looking: Looking) -> Composed:
    """The rows of a card that are looked for, as `compose_card` has them: the question's page of them, and how many there are in all."""
    card = compose_card(scene, msgspec.structs.replace(question, limit=_ALL, offset=0), name)
    columns, dialect = CARDS[name].columns, scene.dialect
    held, values = ["visitors IS NOT NULL"], dict(card.values)
    if looking.text:
        named = " || ' ' || ".join(f"coalesce({column}, '')" for column in columns)
        found = [dialect.contains(dialect.lower(named), "$text")]
        values["text"] = looking.text.lower()
        if "country" in columns and looking.countries:
            listed = dialect.one_of("country", "$countries", len(looking.countries))
            found.append(f"coalesce({listed}, FALSE)")
            values["countries"] = list(looking.countries)
        held.append(f"({' OR '.join(found)})")
    ranked = ", ".join(f"{column} NULLS FIRST" for column in columns)
    orders = {
        RowOrder.VISITORS: f"visitors DESC, {ranked}",
        RowOrder.PEOPLE: f"people DESC, {ranked}",
        RowOrder.REVENUE: f"revenue_new + revenue_renewal + refunds DESC, visitors DESC, {ranked}",
        RowOrder.NAME: ", ".join(f"{dialect.lower(column)} NULLS LAST" for column in columns),
    }
    text = f"""
        WITH kept AS (SELECT * FROM ({card.text}) AS card WHERE {" AND ".join(held)}),
        page AS (SELECT * FROM kept ORDER BY {orders[looking.order]} LIMIT {question.limit:d} OFFSET {question.offset:d})
        SELECT page.* REPLACE ((SELECT count(*) FROM kept) AS total) FROM page ORDER BY {orders[looking.order]}"""
    return Composed(dialect.whole(text), values)

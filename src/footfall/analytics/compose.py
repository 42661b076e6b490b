"""From a question to SQL over the columns: named pieces put together, every value bound. Pure.

What is counted is defined in docs/metrics.md. Each query chooses rows first (`chosen`); what it counts, it counts over these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from footfall.analytics.conditions import GOAL, MONEY, ROWS, VISIT, Whom
from footfall.analytics.dimensions import CARDS, Card, Counted
from footfall.analytics.pieces import DAY, Pieces, bound_range, total
from footfall.analytics.query import Question
from footfall.analytics.ranges import Buckets, TimeRange
from footfall.analytics.scene import (
    MEASURES,
    MONEYS,
    PLACED,
    TOUCHES,
    BoundRates,
    Composed,
    Scene,
    card_columns,
)
from footfall.funnels.model import FunnelStep

__all__ = [
    "MEASURES",
    "PLACED",
    "TOUCHES",
    "BoundRates",
    "Composed",
    "Scene",
    "Whom",
    "card_columns",
]
"""What those who ask need besides."""


def compose_overview(scene: Scene, question: Question) -> Composed:
    """One row of MEASURES."""
    return Pieces(scene, question).measured()


def compose_series(scene: Scene, question: Question, buckets: Buckets) -> Composed:
    """A row of the bucket's number and MEASURES for each bucket in which something happened. Each counts like a range of its own."""
    return Pieces(scene, question, buckets).measured()


def compose_card(scene: Scene, question: Question, name: str) -> Composed:
    """Rows of a card of CARDS: how many there are in all, the card's columns, PLACED or TOUCHES. One row of nulls behind the last one."""
    card, parts = CARDS[name], Pieces(scene, question)
    if card.counted is Counted.VISITORS:
        return parts.placed(card, _page(card, PLACED, question))
    return parts.touched(card, _page(card, TOUCHES, question))


def _page(card: Card, said: Iterable[str], question: Question) -> str:
    """The part of a card that is asked for, and how many rows it has in all."""
    return _paged(", ".join((*card.columns, *said)), _ranked(card), question)


def _paged(columns: str, order: str, question: Question) -> str:
    """The part of what was summed up that is asked for, and how many rows that has in all."""
    page = f"SELECT * FROM summed ORDER BY {order} LIMIT {question.limit:d} OFFSET {question.offset:d}"
    return f"SELECT total, {columns} FROM (SELECT count(*) AS total FROM summed) AS counted LEFT JOIN ({page}) AS page ON TRUE ORDER BY {order}"


def _ranked(card: Card) -> str:
    return f"visitors DESC{''.join(f', {column} NULLS FIRST' for column in card.columns)}"


def compose_cards(scene: Scene, question: Question, names: Sequence[str]) -> Composed:
    """The first rows of several cards of visitors: the card's place in `names`, how many rows it has in all, `card_columns(names)`, PLACED.

    They come card by card, in the order of each; columns that are not the card's are NULL.
    """
    return Pieces(scene, question).placed_in(names)


def compose_paid_days(scene: Scene, asked: TimeRange) -> Composed:
    """The currencies, but for the website's own, and UTC days (days since epoch) for which rates are needed."""
    day = scene.dialect.quotient("ts", DAY)
    money = f"{ROWS} AND {MONEY} AND currency <> $own"
    text = f"SELECT DISTINCT currency, {day} AS day FROM event_row WHERE {money} ORDER BY currency, day"
    return Composed(text, bound_range(scene, asked) | {"own": scene.rates.own})


def compose_properties(scene: Scene, question: Question, goal: str, name: str | None) -> Composed:
    """Rows of a goal: how many there are in all, names of its properties or values of one, visitors, people, completions. A row of nulls
    behind the last one."""
    parts, dialect = Pieces(scene, question), scene.dialect
    said = f"CASE WHEN type = 6 THEN {dialect.said('properties', 'metadata')} ELSE {dialect.said('properties')} END"
    kept = "" if name is None else "WHERE property = $property"
    shown = "property" if name is None else dialect.value_of("said", "property")
    person, people = dialect.first_by("person", "ts"), dialect.count_distinct("person")
    parts.values |= {"goal": goal} | ({} if name is None else {"property": name})
    return parts.composed(
        {
            "told": f"SELECT visitor, person, ts, {said} AS said FROM chosen WHERE {GOAL} AND name = $goal",
            "named": f"SELECT visitor, person, ts, {dialect.each_key('said')} AS property, said FROM told",
            "valued": f"SELECT visitor, person, ts, {shown} AS shown FROM named {kept}",
            "touched": f"SELECT shown, visitor, {person} AS person, count(*) AS times FROM valued GROUP BY shown, visitor",
            "summed": f"SELECT shown, count(*) AS visitors, {people} AS people, {total('times', dialect)} AS times FROM touched GROUP BY shown",
        },
        _paged("shown, visitors, people, times", "visitors DESC, shown", question),
    )


def compose_funnel(scene: Scene, question: Question, steps: Sequence[FunnelStep]) -> Composed:
    """A row for each step, in order: its number, the visitors that came so far, who they were at the first step, and their MONEYS."""
    parts = Pieces(scene, question)
    reached = {f"step{number}": parts.step(number, step) for number, step in enumerate(steps)}
    pieces = {"paid": parts.paid(), "spent": parts.spent(), **reached}
    money = ", ".join(f"{total(name, scene.dialect)} AS {name}" for name in MONEYS)
    people = scene.dialect.count_distinct("person")
    counts = [
        f"SELECT {number} AS step, count(*) AS visitors, {people} AS people, {money} FROM step{number} LEFT JOIN spent USING (visitor)"
        for number in range(len(steps))
    ]
    return parts.composed(
        pieces, f"SELECT * FROM ({' UNION ALL '.join(counts)}) AS counted ORDER BY step", kept=reached
    )


def compose_retention(scene: Scene, question: Question, weeks: Buckets) -> Composed:
    """Rows of two weeks' numbers and how many people first came in the one and came in the other, which is the same or a later one."""
    parts = Pieces(scene, question, weeks)
    first = f"SELECT person, min(ts) AS began FROM event_row WHERE website = $website AND ts < $until AND {VISIT} GROUP BY person"
    return parts.composed(
        {
            "active": f"SELECT DISTINCT person, bucket FROM chosen WHERE {VISIT}",
            "first": first,
            "cohort": f"SELECT person, {parts.number('began')} AS cohort FROM first WHERE began >= $since",
        },
        "SELECT cohort, bucket, count(*) AS people FROM active JOIN cohort USING (person) GROUP BY cohort, bucket ORDER BY cohort, bucket",
    )

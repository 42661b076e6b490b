"""Single rows of a card, to compare with rows of another range. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from footfall.analytics.compose import Composed, Scene, compose_card
from footfall.analytics.dimensions import CARDS
from footfall.analytics.model import Keys
from footfall.analytics.query import Question

_ALL = 10**9
"""More rows than a card has."""


def compose_rows_of_card(scene: Scene, question: Question, name: str, wanted: Sequence[Keys]) -> Composed:
    """Those rows of a card that are about `wanted`, as `compose_card` has them."""
    card = compose_card(scene, msgspec.structs.replace(question, limit=_ALL, offset=0), name)
    columns = CARDS[name].columns
    asked = ", ".join(f"unnest($wanted{n}::VARCHAR[]) AS wanted{n}" for n in range(len(columns)))
    same = " AND ".join(f"card.{column} IS NOT DISTINCT FROM wanted{n}" for n, column in enumerate(columns))
    text = f"SELECT card.* FROM ({card.text}) AS card JOIN (SELECT {asked}) AS asked ON {same} WHERE card.visitors IS NOT NULL"
    keys = {f"wanted{n}": list(values) for n, values in enumerate(zip(*wanted, strict=True))}
    return Composed(text, card.values | keys)

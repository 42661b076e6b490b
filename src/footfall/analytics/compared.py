"""Single rows of a card, to compare with rows of another range. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from footfall.analytics.compose import Composed, Scene, compose_card
from footfall.analytics.dialects import BoundType
from footfall.analytics.dimensions import CARDS
from footfall.analytics.model import Keys
from footfall.analytics.query import Question

_ALL = 10**9
"""More rows than a card has."""
_KNOWN = "="
"""Before what is known; so NULL is another text than any other."""


def compose_rows_of_card(scene: Scene, question: Question, name: str, wanted: Sequence[Keys]) -> Composed:
    """Those rows of a card that are about `wanted`, as `compose_card` has them."""
    card = compose_card(scene, msgspec.structs.replace(question, limit=_ALL, offset=0), name)
    columns = CARDS[name].columns
    names = [f"wanted{n}" for n in range(len(columns))]
    asked = scene.dialect.listed({name: (f"${name}", BoundType.TEXT) for name in names})
    same = " AND ".join(
        f"coalesce('{_KNOWN}' || card.{column}, '') = asked.{name}"
        for name, column in zip(names, columns, strict=True)
    )
    text = f"SELECT card.* FROM ({card.text}) AS card JOIN ({asked}) AS asked ON {same} WHERE card.visitors IS NOT NULL"
    keys = {
        name: ["" if value is None else _KNOWN + value for value in values]
        for name, values in zip(names, zip(*wanted, strict=True), strict=True)
    }
    return Composed(text, card.values | keys)

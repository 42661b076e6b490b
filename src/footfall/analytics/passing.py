"""Who came how far through a funnel, as pieces of SQL: for the funnel's own numbers, and for conditions that keep these visitors. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from footfall.analytics.conditions import ROWS, VISIT
from footfall.analytics.dialects import Dialect
from footfall.analytics.steps import reaching
from footfall.funnels.model import FunnelStep

WALKED = "walked"
"""The rows on which funnels of conditions are counted: those that all other conditions hold for."""


class FunnelPart(NamedTuple):
    """A condition: who came to a step (`place`, from 0), or, if `is_stopped`, who of them came no further; all others, if `is_excluded`."""

    steps: Sequence[FunnelStep]
    place: int
    is_stopped: bool
    is_excluded: bool = False


class Walk(NamedTuple):
    """Pieces by name, and what is bound in them."""

    pieces: Mapping[str, str]
    values: Mapping[str, object]


def walk(name: str, steps: Sequence[FunnelStep], rows: str, came: str, dialect: Dialect) -> Walk:
    """A piece for each step, `name` with its place: the visitors who came so far, who they are, and when they did; each step is later than
    the one before.

    `rows`, `came`: what follows FROM for the rows, and for who each visitor is; who is not there comes to no step.
    """
    pieces, values = dict[str, str](), dict[str, object]()
    before, later = f"SELECT visitor, person AS who FROM {came}", ""
    for place, step in enumerate(steps):
        bound = f"{name}_value{place}"
        reached = reaching(step, f"${bound}", dialect)
        values[bound] = reached.value
        pieces[f"{name}{place}"] = f"""
            SELECT visitor, {dialect.any_of("who")} AS person, min(ts) AS began
            FROM {rows} JOIN ({before}) AS {name}_before{place} USING (visitor) WHERE {later}{reached.condition} GROUP BY visitor"""
        before, later = (
            f"SELECT visitor, person AS who, began AS before FROM {name}{place}",
            "ts > before AND ",
        )
    return Walk(pieces, values)


class Passing:
    """Conditions on how far visitors came; they hold for all rows of a visitor or for none. `held`, `found`, `values`: as of `Conditions`.

    They come to the same as `walk`, but look at the rows only once: a query has many places for its conditions, and an engine may look anew
    for each of them.
    """

    def __init__(
        self, parts: Sequence[FunnelPart], rows: str, others: Sequence[str], dialect: Dialect
    ) -> None:
        """`rows`: what follows FROM; `others`: the conditions besides these."""
        self._dialect = dialect
        self.held: list[str] = []
        self.found: dict[str, str] = {}
        self.values: dict[str, object] = {}
        if parts:
            kept = " AND ".join((ROWS, "event_row.visitor IS NOT NULL", *others))
            self.found[WALKED] = (
                f"SELECT visitor, person, ts, type, host, path, name FROM {rows} WHERE {kept}"
            )
        for number, part in enumerate(parts):
            name = f"funnel{number}"
            self.found[name] = self._visitors(name, part)
            among = dialect.among(
                "event_row", ("visitor",), f"SELECT visitor FROM {name}", is_negated=part.is_excluded
            )
            self.held.append(among)

    def _visitors(self, name: str, part: FunnelPart) -> str:
        """Who came so far. Whoever went on with another of their visitors did not stop."""
        here = f"at{part.place}"
        came = f"({self._times(name, part)}) AS timed WHERE person IS NOT NULL AND {here} > 0"
        if not part.is_stopped:
            return f"SELECT visitor FROM {came}"
        beyond = f"max(at{part.place + 1}) OVER (PARTITION BY person) AS beyond"
        return f"SELECT visitor FROM (SELECT visitor, {beyond} FROM {came}) AS arrived WHERE beyond = 0"

    def _times(self, name: str, part: FunnelPart) -> str:
        """Who each visitor is, and when they came to each step, 0 for never."""
        dialect, steps = self._dialect, part.steps[: part.place + 1 + part.is_stopped]
        person = dialect.first_known_by(f"CASE WHEN {VISIT} THEN person END", "ts")
        columns = ["visitor", f"{person} AS person"]
        for place, step in enumerate(steps):
            bound = f"{name}_value{place}"
            reached = reaching(step, f"${bound}", dialect)
            self.values[bound] = reached.value
            if place:
                columns.append(f"{dialect.list_if('ts', reached.condition)} AS times{place}")
            else:
                columns.append(f"coalesce(min(CASE WHEN {reached.condition} THEN ts END), 0) AS at0")
        text = f"SELECT {', '.join(columns)} FROM {WALKED} GROUP BY visitor"
        for place in range(1, len(steps)):
            after = dialect.first_above(f"times{place}", f"at{place - 1}")
            text = f"SELECT *, CASE WHEN at{place - 1} = 0 THEN 0 ELSE {after} END AS at{place} FROM ({text}) AS timed{place}"
        return text

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
_WALKERS = "walkers"


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
    """Conditions on how far visitors came; they hold for all rows of a visitor or for none. `held`, `found`, `values`: as of `Conditions`."""

    def __init__(
        self, parts: Sequence[FunnelPart], rows: str, others: Sequence[str], dialect: Dialect
    ) -> None:
        """`rows`: what follows FROM; `others`: the conditions besides these."""
        self._dialect = dialect
        self.held: list[str] = []
        self.found: dict[str, str] = {}
        self.values: dict[str, object] = {}
        if parts:
            first = dialect.first_by("person", "ts")
            self.found[WALKED] = (
                f"SELECT visitor, person, ts, type, host, path, name FROM {rows} WHERE {' AND '.join((ROWS, *others))}"
            )
            self.found[_WALKERS] = (
                f"SELECT visitor, {first} AS person FROM {WALKED} WHERE {VISIT} GROUP BY visitor"
            )
        for number, part in enumerate(parts):
            self._add(f"funnel{number}_", part)

    def _add(self, name: str, part: FunnelPart) -> None:
        """One more condition. Whoever went on with another of their visitors did not stop."""
        steps = part.steps[: part.place + 1 + part.is_stopped]
        walked = walk(name, steps, WALKED, _WALKERS, self._dialect)
        self.found.update(walked.pieces)
        self.values.update(walked.values)
        here, on = f"{name}{part.place}", f"SELECT person FROM {name}{part.place + 1}"
        rows = f"SELECT visitor FROM {here}"
        if part.is_stopped:
            rows += f" WHERE {self._dialect.among(here, ('person',), on, is_negated=True)}"
        self.held.append(self._dialect.among("event_row", ("visitor",), rows, is_negated=part.is_excluded))

"""Conditions of a question on the rows of a range, as SQL. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from footfall.analytics.dialects import BoundType, Dialect
from footfall.analytics.dimensions import MetricFilter, Operator, Scope

ROWS = "website = $website AND ts >= $since AND ts < $until"
VISIT, PAGEVIEW, LINK, GOAL, MONEY = "type <= 5", "type = 1", "type = 4", "type IN (2, 6)", "type >= 10"
PAID, RENEWAL, REFUND = "type IN (10, 11, 12) AND amount > 0", "type = 12", "type = 13"
"""Which rows are what: stored numbers of types. What a server tells of (goals, money) is no visit by itself."""
BEGINS = "prev_at < session_at"
"""The first row of a visit."""
IS_NEW = "prev_at = 0"
"""The first row of a visitor."""
_WHOLE_VISITORS = {Scope.REACHED, Scope.VISITS, Scope.NEW, Scope.FUNNEL}
"""Scopes of conditions that hold for all rows of a visitor or for none."""

_FOUND_ELSEWHERE = (Scope.PERSON, Scope.FUNNEL)
"""For what these mean, the database has to be asked: see `Whom`, `passing.FunnelPart`."""


class Whom(NamedTuple):
    """People by their numbers, whom a condition keeps or excludes."""

    numbers: Sequence[int]
    is_excluded: bool = False


class Conditions:
    """Conditions on rows of `event_row`. `held`: all of them, to be joined by AND; `found`: pieces that they refer to, by name; `values`: to bind."""

    def __init__(self, conditions: Sequence[MetricFilter], people: Sequence[Whom], dialect: Dialect) -> None:
        self._dialect = dialect
        self.keep_visits = not people
        """Whether they hold for all rows of a visit or for none."""
        self.keep_visitors = self.keep_visits and {one.field.scope for one in conditions} <= _WHOLE_VISITORS
        """Whether they hold for all rows of a visitor or for none."""
        self.values: dict[str, object] = {}
        self.found: dict[str, str] = {}
        self.held = [*self._rows(conditions), *self._whom(people)]

    def _whom(self, people: Sequence[Whom]) -> Iterable[str]:
        """Conditions on a row's person."""
        for number, whom in enumerate(people):
            bound = f"people{number}"
            self.values[bound] = list(whom.numbers)
            listed = self._dialect.listed({"person": (f"${bound}", BoundType.INTEGER)})
            yield self._dialect.among("event_row", ("person",), listed, is_negated=whom.is_excluded)

    def _rows(self, conditions: Sequence[MetricFilter]) -> Iterable[str]:
        """The others. Whoever is not known to have something does not have it."""
        for number, one in enumerate(conditions):
            if one.field.scope is Scope.VISIT:
                held = f"coalesce({self._match(f'value{number}', one)}, FALSE)"
                yield f"NOT {held}" if one.operator.is_negation else held
            elif one.field.scope not in _FOUND_ELSEWHERE:
                yield self._whole(number, one)

    def _whole(self, number: int, condition: MetricFilter) -> str:
        """A condition on what a row is part of: a visit or a visitor."""
        name, scope = f"found{number}", condition.field.scope
        whole = ("visitor", "session_at") if scope is Scope.VIEWED else ("visitor",)
        self.found[name] = self._finding(f"value{number}", condition, ", ".join(whole))
        is_old = scope is Scope.NEW and condition.values == ("false",)
        rows = f"SELECT {', '.join(whole)} FROM {name}"
        return self._dialect.among(
            "event_row", whole, rows, is_negated=condition.operator.is_negation or is_old
        )

    def _finding(self, name: str, condition: MetricFilter, whole: str) -> str:
        """The visits or visitors for which a condition holds, whether it keeps or excludes them."""
        scope = condition.field.scope
        if scope is Scope.VISITS:
            return self._visit_counts(name, condition)
        if scope is Scope.NEW:
            kind = f"{VISIT} AND {IS_NEW}"
        else:
            kind = f"{PAGEVIEW if scope is Scope.VIEWED else GOAL} AND {self._match(name, condition)}"
        return f"SELECT DISTINCT {whole} FROM event_row WHERE {ROWS} AND {kind}"

    def _visit_counts(self, name: str, condition: MetricFilter) -> str:
        self.values[name] = [int(value) for value in condition.values]
        counted = {Operator.GTE: f"count(*) >= ${name}[1]", Operator.LTE: f"count(*) <= ${name}[1]"}.get(
            condition.operator
        ) or self._dialect.one_of("count(*)", f"${name}", len(condition.values))
        return f"""
            SELECT visitor FROM event_row WHERE website = $website AND ts < $until AND {VISIT} AND {BEGINS}
            GROUP BY visitor HAVING {counted}"""

    def _match(self, name: str, condition: MetricFilter) -> str:
        """Whether a row's column has one of the values. What the engine takes for lower case, it takes on both sides."""
        column, dialect = condition.field.column, self._dialect
        self.values[name] = list(condition.values)
        in_lower_case = not condition.field.is_case_kept
        shown = dialect.lower(column) if in_lower_case else column
        many = len(condition.values)
        if condition.operator in (Operator.CONTAINS, Operator.DOES_NOT_CONTAIN):
            items = [f"${name}[{number}]" for number in range(1, many + 1)]
            parts = [dialect.lower(item) if in_lower_case else item for item in items]
            return f"({' OR '.join(dialect.contains(shown, part) for part in parts)})"
        found = dialect.one_of(shown, f"${name}", many, in_lower_case=in_lower_case)
        if divider := condition.field.divider:
            behind = dialect.behind(shown, divider)
            found = f"({found} OR {dialect.one_of(behind, f'${name}', many, in_lower_case=in_lower_case)})"
        return f"({column} IS NULL OR {found})" if condition.has_none else found

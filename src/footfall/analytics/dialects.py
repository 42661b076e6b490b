"""What engines spell differently in the questions that `compose` asks. Pure.

All else of its SQL is common to them: `$name` for what is bound, WITH, GROUP BY, GROUPING SETS, JOIN ... USING, UNION ALL, CASE, coalesce, greatest,
and ORDER BY ... NULLS FIRST. Counts and sums of whole numbers are signed, and NULL for none but for counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum


class BoundType(StrEnum):
    """Of what a bound list holds."""

    INTEGER = "BIGINT"
    NUMBER = "DOUBLE"
    TEXT = "VARCHAR"


class Dialect:
    """DuckDB's spelling. Its methods take and give SQL; another engine's is a subclass."""

    def whole(self, query: str) -> str:
        """A query, once it is put together."""
        return query

    # Pieces of a query

    def piece(self, name: str, query: str, *, is_kept: bool) -> str:
        """A query by name, in WITH; kept: better found once than anew wherever it is used."""
        return f"{name} AS {'MATERIALIZED' if is_kept else 'NOT MATERIALIZED'} ({query})"

    def listed(self, columns: Mapping[str, tuple[str, BoundType]]) -> str:
        """A query for a row of each item of bound lists, which are equally long: their columns, by name."""
        items = (f"unnest({bound}::{kind}[]) AS {name}" for name, (bound, kind) in columns.items())
        return f"SELECT {', '.join(items)}"

    def among(self, table: str, columns: Sequence[str], rows: str, *, is_negated: bool = False) -> str:
        """Whether a row of `table` agrees in these columns with one of the query `rows`, which names them alike. NULL agrees with nothing.

        Only for conditions that WHERE joins by AND.
        """
        same = " AND ".join(f"among.{column} = {table}.{column}" for column in columns)
        return f"{'NOT ' if is_negated else ''}EXISTS (SELECT 1 FROM ({rows}) AS among WHERE {same})"

    def one_of(self, value: str, bound: str, many: int, *, in_lower_case: bool = False) -> str:
        """Whether a value is one of those of a bound list of `many`, taken in lower case if that is said; NULL for NULL."""
        items = [f"{bound}[{number}]" for number in range(1, many + 1)]
        shown = [self.lower(item) for item in items] if in_lower_case else items
        return f"{value} IN ({', '.join(shown)})" if items else f"({value} IS NOT NULL AND FALSE)"

    def place(self, value: str, bound: str, many: int, apart: int) -> str:
        """The place, 0 for the first, of the last of a bound list of `many` that is not above a value; 0 or less if all are.

        They rise by about `apart`: none is a quarter of that away from where it would be if they rose by just that.
        """
        # Guessed, which is right or one too many. A tree of CASEs takes seconds to plan where there are a thousand.
        guess = f"(({value} - {bound}[1] + {apart // 4}) // {apart})"
        held = f"least(greatest({guess}, 0), {many - 1})"
        return f"({held} - CASE WHEN {value} < {bound}[{held} + 1] THEN 1 ELSE 0 END)"

    def told_at(self, value: str, bound: str, told: str, many: int) -> str:
        """What the bound list `told`, as long as the other, holds at that place."""
        return _told_at(value, bound, [f"{told}[{number}]" for number in range(1, many + 1)])

    # Counting

    def count_if(self, condition: str) -> str:
        """How many rows a condition holds for."""
        return f"count(*) FILTER (WHERE {condition})"

    def sum_if(self, value: str, condition: str) -> str:
        """The sum over the rows that a condition holds for."""
        return f"sum({value}) FILTER (WHERE {condition})"

    def count_distinct(self, value: str, condition: str = "TRUE") -> str:
        """How many different values there are where a condition holds."""
        kept = "" if condition == "TRUE" else f" FILTER (WHERE {condition})"
        return f"count(DISTINCT {value}){kept}"

    def first_by(self, value: str, order: str) -> str:
        """The value, perhaps NULL, of the row that comes first in an order."""
        return f"arg_min_null({value}, {order})"

    def first_known_by(self, value: str, order: str) -> str:
        """The value, never NULL, of the row that comes first in an order."""
        return f"arg_min({value}, {order})"

    def last_known_by(self, value: str, order: str) -> str:
        """The value, never NULL, of the row that comes last in an order."""
        return f"arg_max({value}, {order})"

    def any_of(self, value: str) -> str:
        """The value that all rows of a group have, perhaps NULL."""
        return f"any_value({value})"

    def list_if(self, value: str, condition: str) -> str:
        """The values, never NULL, of the rows that a condition holds for, as a list."""
        return f"list({value}) FILTER (WHERE {condition})"

    # Values

    def first_above(self, numbers: str, bound: str) -> str:
        """The least number of such a list that is above another, 0 if none is."""
        return f"coalesce(list_min([number for number in {numbers} if number > {bound}]), 0)"

    def hashed(self, columns: Sequence[str]) -> str:
        """64 bits for the values of these columns, any of which may be NULL."""
        return f"hash({', '.join(columns)})"

    def quotient(self, value: str, divisor: str) -> str:
        """A whole number divided by one above zero, rounded down where the value is not below zero."""
        return f"({value} // {divisor})"

    def integer(self, value: str) -> str:
        """A value as a signed whole number of 64 bits."""
        return f"{value}::BIGINT"

    def rounded(self, value: str) -> str:
        """The nearest whole number, of 64 bits; halves away from zero."""
        return f"round({value})::BIGINT"

    def lower(self, text: str) -> str:
        """A text in lower case, whatever its letters."""
        return f"lower({text})"

    def behind(self, text: str, divider: str) -> str:
        """What stands in a text behind the first of a character."""
        return f"split_part({text}, '{divider}', 2)"

    def contains(self, text: str, part: str) -> str:
        """Whether a text contains another."""
        return f"contains({text}, {part})"

    def matches(self, text: str, pattern: str) -> str:
        """Whether a regular expression (RE2) describes the whole text."""
        return f"regexp_full_match({text}, {pattern})"

    # What is said of goals

    def said(self, text: str, *path: str) -> str:
        """The object that JSON holds, or one inside of it."""
        return f"({text}::JSON{''.join(f' -> {chr(39)}{key}{chr(39)}' for key in path)})"

    def each_key(self, said: str) -> str:
        """In SELECT: a row for each key of such an object."""
        return f"unnest(json_keys({said}))"

    def value_of(self, said: str, key: str) -> str:
        """What such an object has by a key, as text."""
        return f"({said} ->> {key})"


def _told_at(value: str, bound: str, told: Sequence[str], first: int = 0) -> str:
    """What is told of the place if it is known to be one of these, from `first` on."""
    if len(told) == 1:
        return told[0]
    middle = len(told) // 2
    low = _told_at(value, bound, told[:middle], first)
    high = _told_at(value, bound, told[middle:], first + middle)
    return f"CASE WHEN {value} < {bound}[{first + middle + 1}] THEN {low} ELSE {high} END"


DUCKDB = Dialect()

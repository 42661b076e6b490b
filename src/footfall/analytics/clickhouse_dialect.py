"""What ClickHouse spells differently, asked with the settings that `columns.clickhouse` gives. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from footfall.analytics.dialects import BoundType, Dialect

_TYPES = {BoundType.INTEGER: "Int64", BoundType.NUMBER: "Float64", BoundType.TEXT: "String"}
_COUNT = re.compile(r"count\(\*\)( OVER \([^()]*\))?")


class ClickHouseDialect(Dialect):
    """ClickHouse's spelling."""

    def whole(self, query: str) -> str:
        return _COUNT.sub(r"toInt64(count(*)\1)", query)  # which would be unsigned, and then fits nothing

    def piece(self, name: str, query: str, *, is_kept: bool) -> str:
        return f"{name} AS ({query})"

    def listed(self, columns: Mapping[str, tuple[str, BoundType]]) -> str:
        lists = ", ".join(f"{bound}::Array({_TYPES[kind]})" for bound, kind in columns.values())
        items = ", ".join(f"item.{number} AS {name}" for number, name in enumerate(columns, 1))
        return f"SELECT {items} FROM (SELECT arrayJoin(arrayZip({lists})) AS item)"

    def among(self, table: str, columns: Sequence[str], rows: str, *, is_negated: bool = False) -> str:
        listed = ", ".join(columns)
        mine = ", ".join(f"{table}.{column}" for column in columns)
        found = f"coalesce(({mine}) IN (SELECT {listed} FROM ({rows})), FALSE)"
        return f"NOT {found}" if is_negated else found

    def one_of(self, value: str, bound: str, many: int, *, in_lower_case: bool = False) -> str:
        # Of a bound list each mention costs as much as all of it.
        items = f"arrayMap(item -> {self.lower('item')}, {bound})" if in_lower_case else bound
        return f"{value} IN {items}" if many else super().one_of(value, bound, many)

    def place(self, value: str, bound: str, many: int, apart: int) -> str:
        places = f"arrayMap(place -> toInt64(place - 1), arrayEnumerate({bound}))"
        return f"transform(roundDown({value}, {bound}), {bound}, {places})"

    def told_at(self, value: str, bound: str, told: str, many: int) -> str:
        return f"transform(roundDown({value}, {bound}), {bound}, {told})"

    def count_if(self, condition: str) -> str:
        return f"toInt64(countIf({condition}))"

    def sum_if(self, value: str, condition: str) -> str:
        return f"sumOrNullIf({value}, {condition})"

    def count_distinct(self, value: str, condition: str = "TRUE") -> str:
        return f"toInt64(uniqExactIf({value}, {condition}))"

    def first_by(self, value: str, order: str) -> str:
        return f"argMin([{value}], {order})[1]"  # the value alone would be passed over where it is NULL

    def first_known_by(self, value: str, order: str) -> str:
        return f"argMin({value}, {order})"

    def last_known_by(self, value: str, order: str) -> str:
        return f"argMax({value}, {order})"

    def any_of(self, value: str) -> str:
        return f"any({value})"

    def list_if(self, value: str, condition: str) -> str:
        return f"groupArrayIf({value}, coalesce({condition}, FALSE))"

    def first_above(self, numbers: str, bound: str) -> str:
        return f"arrayMin(arrayFilter(number -> number > {bound}, {numbers}))"  # 0 of none

    def hashed(self, columns: Sequence[str]) -> str:
        told = ", ".join(f"isNull({one}), ifNull(toString({one}), '')" for one in columns)
        return f"cityHash64({told})"

    def quotient(self, value: str, divisor: str) -> str:
        return f"intDiv({value}, {divisor})"

    def integer(self, value: str) -> str:
        return f"toInt64({value})"

    def rounded(self, value: str) -> str:
        return f"toInt64(sign({value}) * floor(abs({value}) + 0.5))"

    def lower(self, text: str) -> str:
        return f"lowerUTF8({text})"

    def behind(self, text: str, divider: str) -> str:
        return f"if(isNull({text}), NULL, splitByChar('{divider}', ifNull({text}, ''))[2])"

    def contains(self, text: str, part: str) -> str:
        return f"(position({text}, {part}) > 0)"

    def matches(self, text: str, pattern: str) -> str:
        return f"match({text}, concat('^(?:', {pattern}, ')$'))"

    def said(self, text: str, *path: str) -> str:
        keys = "".join(f", '{key}'" for key in path)
        return f"JSONExtractRaw(ifNull({text}, ''){keys})"

    def each_key(self, said: str) -> str:
        return f"arrayJoin(JSONExtractKeys({said}))"

    def value_of(self, said: str, key: str) -> str:
        is_text = f"JSONType({said}, {key}) = 'String'"
        told = f"if({is_text}, JSONExtractString({said}, {key}), JSONExtractRaw({said}, {key}))"
        return f"if(JSONHas({said}, {key}), {told}, NULL)"


CLICKHOUSE = ClickHouseDialect()

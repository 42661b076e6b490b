"""Finding people: conditions on the trait index, composed to one statement.

The conditions that an index can answer are tried first for how many people they leave. When the narrowest leaves few, the statement
starts there; else it walks the people in the order of the list and stops as soon as a page is full.
"""

from __future__ import annotations

import msgspec

from footfall.db.protocol import Row, Transaction, Value
from footfall.db.statements import make_statement
from footfall.people.wire import COMPARISONS, Filter, PeopleQuery

FEW = 20_000
"""People that a condition may leave for the statement to start there."""
EXACT_TOTAL = 10_000
"""Totals are exact up to here."""
COLUMNS = "p.profile_id, p.member_count, p.user_id, p.identified_at, p.metadata"


class Condition(msgspec.Struct, frozen=True):
    """`text` is true for a row `p` of `profile`; `source`, if any, gives the profile ids of all people it is true for."""

    text: str
    source: str | None


class _Builder:
    """Collects parameters while a statement is composed. What comes from a caller is always a parameter."""

    def __init__(self, website_id: bytes) -> None:
        self.values: list[Value] = [website_id]
        self.types = ["w bytes"]

    def add(self, value: Value, kind: str) -> str:
        """The placeholder of a value."""
        name = f"v{len(self.values)}"
        self.values.append(value)
        self.types.append(f"{name} {kind}")
        return f":{name}"

    def run(self, tx: Transaction, text: str) -> list[Row]:
        """The rows of the statement `text`, with those parameters that it uses."""
        used = [i for i, declared in enumerate(self.types) if _uses(text, declared.split()[0])]
        declared = ", ".join(self.types[i] for i in used)
        return tx.all(make_statement("people", declared, text), tuple(self.values[i] for i in used))


def _uses(text: str, name: str) -> bool:
    position = text.find(f":{name}")
    while position >= 0:
        end = position + len(name) + 1
        if end == len(text) or not (text[end].isalnum() or text[end] == "_"):
            return True
        position = text.find(f":{name}", end)
    return False


def find_people(tx: Transaction, website_id: bytes, query: PeopleQuery) -> tuple[list[Row], int, bool]:
    """(rows of COLUMNS on the page, total, whether the total is exact), in the order that the query names."""
    builder = _Builder(website_id)
    conditions = [_condition(builder, one) for one in query.filters]
    if query.search:
        conditions.append(_search(builder, query.search))
    start = _narrowest(tx, builder, conditions)
    rest = " AND ".join(["p.profile_id = p.person_id", *(one.text for one in conditions if one is not start)])
    listed = (
        "JOIN person_seen o ON o.website_id = :w AND o.profile_id = p.profile_id" if query.by_seen else ""
    )
    if start is not None:
        people = (
            f"(SELECT DISTINCT profile_id FROM ({start.source}) s) c "
            f"JOIN profile p ON p.website_id = :w AND p.profile_id = c.profile_id {listed} WHERE {rest}"
        )
    elif query.by_seen:  # CROSS JOIN: SQLite keeps to this order, and so reads no more than a page
        people = (
            "person_seen o CROSS JOIN profile p "
            f"WHERE o.website_id = :w AND p.website_id = :w AND p.profile_id = o.profile_id AND {rest}"
        )
    else:
        people = f"profile p WHERE p.website_id = :w AND {rest}"
    order = "o.seen_at DESC, o.profile_id DESC" if query.by_seen else "p.identified_at DESC, p.profile_id"
    limit, offset = builder.add(query.limit, "int"), builder.add(query.offset, "int")
    page = f"SELECT {COLUMNS} FROM {people} ORDER BY {order} LIMIT {limit} OFFSET {offset}"
    rows = builder.run(tx, page)
    if 0 < len(rows) < query.limit:
        return rows, query.offset + len(rows), True
    count = f"SELECT count(*) FROM (SELECT 1 FROM {people} LIMIT {EXACT_TOTAL + 1}) t"
    total = int(builder.run(tx, count)[0][0])
    return rows, min(total, EXACT_TOTAL), total <= EXACT_TOTAL


def _narrowest(tx: Transaction, builder: _Builder, conditions: list[Condition]) -> Condition | None:
    """The condition that leaves the fewest people, if it leaves few; None when all leave many."""
    best, least = None, FEW + 1
    for one in conditions:
        if one.source is not None:
            text = f"SELECT count(*) FROM (SELECT 1 FROM ({one.source}) s LIMIT {least}) t"
            many = int(builder.run(tx, text)[0][0])
            if many < least:
                best, least = one, many
    return best


def _condition(builder: _Builder, one: Filter) -> Condition:
    name = builder.add(one.name, "text")
    own = f"SELECT 1 FROM trait t WHERE t.website_id = :w AND t.profile_id = p.profile_id AND t.name = {name}"
    everybody = f"SELECT profile_id FROM trait WHERE website_id = :w AND name = {name}"
    if one.operator == "exists":
        return Condition(f"EXISTS ({own})", everybody)
    if one.operator == "missing":
        return Condition(f"NOT EXISTS ({own})", None)
    if one.operator in COMPARISONS:
        kind, number = builder.add(one.kind, "text"), builder.add(one.number, "real")
        test = f"number {COMPARISONS[one.operator]} {number} AND kind = {kind}"
        return Condition(f"EXISTS ({own} AND t.{test.replace('kind', 't.kind')})", f"{everybody} AND {test}")
    if one.operator == "contains":
        tests = " OR ".join(
            f"lower(value) LIKE {builder.add(_pattern(value), 'text')} ESCAPE '!'" for value in one.values
        )
        return Condition(
            f"EXISTS ({own} AND ({tests.replace('value', 't.value')}))", f"{everybody} AND ({tests})"
        )
    values = ", ".join(builder.add(value, "text") for value in one.values)
    if one.operator == "is_not":
        return Condition(f"NOT EXISTS ({own} AND t.value IN ({values}))", None)
    return Condition(f"EXISTS ({own} AND t.value IN ({values}))", f"{everybody} AND value IN ({values})")


def _pattern(text: str) -> str:
    escaped = text.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def _search(builder: _Builder, text: str) -> Condition:
    """People of whom a word, or the whole of user id, name or e-mail address, begins with `text`."""
    low, high = builder.add(text, "text"), builder.add(text + "\U0010ffff", "text")
    between = f"term >= {low} AND term < {high}"
    return Condition(
        f"EXISTS (SELECT 1 FROM search_term s WHERE s.website_id = :w AND s.profile_id = p.profile_id AND s.{between})",
        f"SELECT profile_id FROM search_term WHERE website_id = :w AND {between}",
    )

"""Finding people: conditions on the trait index, composed into statements.

The conditions that an index can answer are tried first for how many people they leave. When the narrowest leaves few, they are all
fetched and sorted here. Else the people are walked in the order of the list until a page is full; or, when those in front match too
rarely, all that match are sorted by the database. People of whom one thing is not true are all but those of whom it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from footfall.db.protocol import Row, Transaction, Value
from footfall.db.statements import Statement, make_statement
from footfall.people.find.fields import field_meant, field_names, people_named, values_containing
from footfall.people.find.terms import (
    CUT,
    MAX_TERM,
    MAX_VALUE,
    any_case,
    asked_words,
    composed,
    decomposed,
    element_term,
    values_meant,
)
from footfall.people.wire import COMPARISONS, Filter, PeopleQuery

FEW = 30_000
"""Most people to fetch and sort, or to pass on a walk through the list before giving up."""
MANY_TIMES = 7
"""Conditions are counted up to this many times FEW, to find the one that leaves the fewest people."""
MOST_NAMED = 20
"""Most people to put in front because they are called exactly what is searched for."""
EXACT_TOTAL = 10_000
"""Totals are exact up to here."""
FEW_TEXTS = 3
"""Most texts that the database looks for in each value. More are looked for here, in one pass over the field's values."""
MOST_VALUES = 200_000
"""Most different values of a field to look through here."""
MOST_FIELDS, MOST_LOOKED_AT, MOST_HOLDING = 100, 1_000_000, 3
"""Most fields, and values in all of them, to search for a text, and most fields to name."""
_LOWER = re.compile(r"lower\(([\w.]+)\)")
_ANY_CASE = re.compile(r"any_case\(([\w.]+), ([?$]\d+), ([?$]\d+)\)")
_ANY_OF = re.compile(r"any_of\(([?$]\d+)\)")
_EACH_TRAIT = "json_each(q.metadata)"
_LISTED = "listed_person p WHERE p.website_id = :w"
"""What follows FROM, to read all people."""
_FIRST_IDENTIFIED = (
    "profile p WHERE p.website_id = :w AND (p.member_count = 1 OR NOT EXISTS ("
    "SELECT 1 FROM profile e WHERE e.website_id = :w AND e.person_id = p.person_id "
    "AND (e.identified_at, e.profile_id) < (p.identified_at, p.profile_id)))"
)
"""The same from the profiles themselves: of each person, the user who was identified first."""
PERSON = make_statement(
    "person",
    "website_id bytes, profile_id bytes",
    "SELECT profile_id, member_count, user_id, identified_at, metadata FROM profile "
    "WHERE website_id = :website_id AND profile_id = :profile_id AND person_id = profile_id",
    "profile_id bytes, member_count int, user_id text, identified_at int, metadata text",
)


class Condition(msgspec.Struct, frozen=True):
    """`text` is true for a row `p` with a `profile_id`; `source`, if any, gives each `profile_id` that it is true for, once.

    `rows` has about as many rows as `source`, and is quicker to count; empty when to count is as slow as to fetch. `others`, if any,
    together give each `profile_id` that the condition is not true for, once; there is no `source` then.
    """

    text: str
    source: str = ""
    rows: str = ""
    others: tuple[str, ...] = ()

    @property
    def people(self) -> str:
        """What gives each `profile_id` that the condition is true for, once; of all but `others`, the engines subtract sets."""
        everybody = "SELECT profile_id FROM listed_person WHERE website_id = :w"
        return self.source or " EXCEPT ".join((everybody, *self.others))


class Builder:
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

    def run(self, tx: Transaction, text: str, columns: str) -> list[Row]:
        """The rows of the statement `text`, with those parameters that it uses."""
        used = [i for i, declared in enumerate(self.types) if _uses(text, declared.split()[0])]
        declared = ", ".join(self.types[i] for i in used)
        statement = make_statement("people", declared, text, columns)
        return tx.all(self.for_engines(statement), tuple(self.values[i] for i in used))

    def for_engines(self, statement: Statement) -> Statement:
        """The statement with what the engines say in different ways."""
        return _for_engines(statement)


def _for_engines(statement: Statement) -> Statement:
    # SQLite's LIKE knows no case, and to lower the values of a million people costs as much again as to compare them.
    sqlite = _ANY_CASE.sub(r"(\1 GLOB \2 OR \3 IS NULL)", _LOWER.sub(r"\1", statement.sqlite))
    sqlite = _ANY_OF.sub(r"(SELECT value FROM json_each(\1))", sqlite)
    postgres = _ANY_CASE.sub(r"(\1 ~ \3 OR \2::text IS NULL)", statement.postgres)
    postgres = _ANY_OF.sub(r"(SELECT json_array_elements_text(\1::json))", postgres)
    postgres = postgres.replace(_EACH_TRAIT, "json_each_text(q.metadata::json)")
    return msgspec.structs.replace(statement, sqlite=sqlite, postgres=postgres)


def _uses(text: str, name: str) -> bool:
    position = text.find(f":{name}")
    while position >= 0:
        end = position + len(name) + 1
        if end == len(text) or not (text[end].isalnum() or text[end] == "_"):
            return True
        position = text.find(f":{name}", end)
    return False


class Found(NamedTuple):
    """`rows`: of PERSON, those on the page; `total`: of all, exactly if `is_exact`."""

    rows: list[Row]
    total: int
    is_exact: bool


def find_people(tx: Transaction, website_id: bytes, query: PeopleQuery, few: int = FEW) -> Found:
    """The people on the page in the order that the query names. `few`: see FEW."""
    builder = Builder(website_id)
    conditions = conditions_of(tx, builder, website_id, query.filters, query.search)
    ids, total = _Search(tx, builder, query, conditions, few).run()
    rows = tx.get_many(PERSON, [(website_id, profile_id) for profile_id in ids])  # None: merged a moment ago
    return Found([row for row in rows if row is not None], min(total, EXACT_TOTAL), total <= EXACT_TOTAL)


def conditions_of(
    tx: Transaction, builder: Builder, website_id: bytes, filters: Iterable[Filter], search: str
) -> list[Condition]:
    """The conditions for people who match all of these filters, and the folded text `search` unless it is empty."""
    conditions = [_condition(tx, builder, website_id, one) for one in filters]
    if search:
        conditions += _search(builder, search, people_named(tx, website_id, search))
    return conditions


def fields_holding(tx: Transaction, website_id: bytes, text: str) -> list[str]:
    """Some fields with a value that contains `text`, ignoring case. Looks at a part of the values if there are very many."""
    names = field_names(tx, website_id, MOST_FIELDS)
    builder = Builder(website_id)
    test = _pattern(builder, composed(text), "v.value")
    limit = builder.add(MOST_LOOKED_AT // max(1, len(names)), "int")
    found: list[str] = []
    for name in names:
        values = f"SELECT t.value FROM trait t WHERE t.website_id = :w AND t.name = {builder.add(name, 'text')} LIMIT {limit}"
        if builder.run(tx, f"SELECT 1 AS found FROM ({values}) v WHERE {test} LIMIT 1", "found int"):
            found.append(name)
        if len(found) == MOST_HOLDING:
            break
    return found


class _Page(NamedTuple):
    """A part of a list. `text`: as a statement says it; `without`: a condition on a row `p` that leaves out who stands in front."""

    offset: int
    limit: int
    text: str
    without: str


class _Search:
    """One search in the trait index."""

    def __init__(
        self, tx: Transaction, builder: Builder, query: PeopleQuery, conditions: list[Condition], few: int
    ) -> None:
        self._tx = tx
        self._builder = builder
        self._query = query
        self._conditions = conditions
        self._few = few
        self._key = "seen_at" if query.by_seen else "identified_at"
        # The list of all, newest first, needs no index that is a moment behind.
        self._is_plain = not conditions and not query.by_seen

    def run(self) -> tuple[list[bytes], int]:
        """The profile ids on the page in order, and the total, which is above EXACT_TOTAL when it is not exact."""
        front = self._named()
        start, size = self._narrowest()
        found = self._fetch(start) if start and size <= self._few else None
        if found is not None and len(found) <= self._few:
            return self._run_few(front, found)
        return self._run_many(front, start)

    def _run_few(self, front: list[bytes], found: list[Row]) -> tuple[list[bytes], int]:
        """The same when all people that match were fetched. `front`: who stands in front of them."""
        ids = [*front, *(one for one in self._sorted(found) if one not in front)]
        return ids[self._query.offset : self._query.offset + self._query.limit], len(ids)

    def _run_many(self, front: list[bytes], start: Condition | None) -> tuple[list[bytes], int]:
        """The same when they are too many to fetch. `start`: a condition to begin from, if any has a source."""
        first, end = self._query.offset, self._query.offset + self._query.limit
        page = self._page(front)
        ids = self._walk(page)
        if self._conditions and len(ids) < page.limit:
            start = self._rarest(start)
            ids = self._sort(start, page)
        ids = [*front[first:end], *ids]
        is_last = len(ids) < self._query.limit and (first == 0 or len(ids) > 0)
        return ids, first + len(ids) if is_last else self._count(start)

    def _named(self) -> list[bytes]:
        """People called exactly what is searched for. They come first, unless they are many."""
        if not self._query.search:
            return []
        term = self._builder.add(self._query.search[:MAX_TERM], "text")
        text = f"SELECT profile_id FROM search_term WHERE website_id = :w AND term = {term} LIMIT {MOST_NAMED + 1}"
        if not 0 < len(self._ids(text)) <= MOST_NAMED:
            return []
        return self._sorted(self._fetch(Condition("", text)))

    def _page(self, front: list[bytes]) -> _Page:
        """The part of the page that lies behind those in front."""
        first, limit = self._query.offset, self._query.limit
        offset, limit = max(0, first - len(front)), limit - len(front[first : first + limit])
        text = f"LIMIT {self._builder.add(limit, 'int')} OFFSET {self._builder.add(offset, 'int')}"
        others = ", ".join(self._builder.add(one, "bytes") for one in front)
        return _Page(offset, limit, text, f" AND p.profile_id NOT IN ({others})" if front else "")

    def _narrowest(self) -> tuple[Condition | None, int]:
        """The condition that leaves the fewest people, and how many; any with a source when all leave many."""
        sourced = sorted((one for one in self._conditions if one.source), key=lambda one: not one.rows)
        best, least = (sourced[0] if sourced else None), MANY_TIMES * self._few + 1
        if len(self._conditions) == 1 and best and not best.rows:
            return best, 0  # how many will be seen when they are fetched
        for one in sourced:
            if one.rows or least > self._few:
                many = self._number(
                    f"SELECT count(*) AS number FROM (SELECT 1 FROM ({one.rows or one.source}) s LIMIT {least}) t"
                )
                if many < least:
                    best, least = one, many
        return best, least

    def _rarest(self, start: Condition | None) -> Condition:
        """What to sort from: of the conditions with `others` the one that leaves the fewest, when these are few or all have others."""
        left = {self._left(one): one for one in self._conditions if one.others}
        if start is None or (left and min(left) <= self._few):
            return left[min(left)]
        return start

    def _left(self, one: Condition) -> int:
        """How many people a condition with `others` is true for."""
        everybody = f"SELECT count(*) FROM {_LISTED}"
        text = f"SELECT ({everybody}) - (SELECT count(*) FROM ({' UNION ALL '.join(one.others)}) s) AS number"
        return self._number(text)

    def _fetch(self, start: Condition) -> list[Row]:
        """(profile id, what it is sorted by) of all people, or of one more than are few."""
        text = f"SELECT p.profile_id, o.{self._key} AS at FROM {self._people(start)} LIMIT {self._few + 1}"
        return self._builder.run(self._tx, text, "profile_id bytes, at int")

    def _sorted(self, found: list[Row]) -> list[bytes]:
        order = sorted(found, key=lambda row: (row.at, row.profile_id), reverse=True)
        return [row.profile_id for row in order]

    def _ids(self, text: str) -> list[bytes]:
        return [row.profile_id for row in self._builder.run(self._tx, text, "profile_id bytes")]

    def _number(self, text: str) -> int:
        return int(self._builder.run(self._tx, text, "number int")[0].number)

    def _sort(self, start: Condition, page: _Page) -> list[bytes]:
        """The page, when the database has to sort all people that match."""
        # Not by the index in the order of the list, which would lead all over the trait index.
        order = f"ORDER BY o.{self._key} + 0 DESC, p.profile_id DESC"
        text = f"SELECT p.profile_id FROM {self._people(start)}{page.without} {order} {page.text}"
        return self._ids(text)

    def _people(self, start: Condition) -> str:
        """What follows FROM, to read from `start` on. CROSS JOIN: SQLite keeps to this order."""
        return (
            f"({start.people}) p CROSS JOIN listed_person o "
            f"WHERE o.website_id = :w AND o.profile_id = p.profile_id{self._where(start)}"
        )

    def _where(self, start: Condition | None) -> str:
        return "".join(f" AND {one.text}" for one in self._conditions if one is not start)

    def _walk(self, page: _Page) -> list[bytes]:
        """The page, or less when there is not enough of it among the first people of the list."""
        from_here = ""
        if self._conditions:
            passed = self._builder.add(self._few + 10 * page.offset, "int")
            text = f"SELECT p.{self._key} AS at FROM {_LISTED} ORDER BY p.{self._key} DESC LIMIT 1 OFFSET {passed}"
            if bound := self._builder.run(self._tx, text, "at int"):
                from_here = f" AND p.{self._key} >= {self._builder.add(bound[0].at, 'int')}"
        order = f"ORDER BY p.{self._key} DESC, p.profile_id DESC"
        where = from_here + self._where(None) + page.without
        person = "person_id" if self._is_plain else "profile_id"
        text = f"SELECT p.{person} AS profile_id FROM {self._listed()}{where} {order} {page.text}"
        return self._ids(text)

    def _listed(self) -> str:
        """What follows FROM, to read in the order of the list."""
        return _FIRST_IDENTIFIED if self._is_plain else _LISTED

    def _count(self, start: Condition | None) -> int:
        """How many there are in all; above EXACT_TOTAL not exactly."""
        if len(self._conditions) == 1 and self._conditions[0].others:
            return self._left(self._conditions[0])
        people = self._people(start) if start else self._listed() + self._where(None)
        return self._number(
            f"SELECT count(*) AS number FROM (SELECT 1 FROM {people} LIMIT {EXACT_TOTAL + 1}) t"
        )


class _Field(NamedTuple):
    """SQL on the rows of one field. `own`: those of a person `p`; `everybody`: the profile ids of all who have it.

    `name`: the placeholder of `field`.
    """

    field: str
    name: str
    own: str
    everybody: str


def _condition(tx: Transaction, builder: Builder, website_id: bytes, one: Filter) -> Condition:
    """People who match a filter."""
    field = _field(builder, field_meant(tx, website_id, one.name))
    match one.operator:
        case "exists":
            return Condition(f"EXISTS ({field.own})", field.everybody, field.everybody)
        case "missing":
            return Condition(f"NOT EXISTS ({field.own})", others=(field.everybody,))
        case "contains":
            texts = tuple(composed(text) for text in one.values)
            is_many = len(texts) > FEW_TEXTS
            found = values_containing(tx, website_id, field.field, texts, MOST_VALUES) if is_many else None
            return _contains(builder, field, texts, found)
        case "is":
            return _is(builder, field, one.values)
        case "is_not":
            return _is_not(builder, field, one.values)
        case _:
            return _compares(builder, field, one)


def _field(builder: Builder, field: str) -> _Field:
    name = builder.add(field, "text")
    return _Field(
        field,
        name,
        f"SELECT 1 FROM trait t WHERE t.website_id = :w AND t.profile_id = p.profile_id AND t.name = {name}",
        f"SELECT t.profile_id FROM trait t WHERE t.website_id = :w AND t.name = {name}",
    )


def _compares(builder: Builder, field: _Field, one: Filter) -> Condition:
    """People whose field is a number, or a time, that is larger or smaller than the filter's."""
    kind, number = builder.add(one.kind, "text"), builder.add(one.number, "real")
    test = f"t.number {COMPARISONS[one.operator]} {number} AND t.kind = {kind}"
    source = f"{field.everybody} AND {test}"
    return Condition(f"EXISTS ({field.own} AND {test})", source, source)


class _AnyOf(NamedTuple):
    """SQL for a field that is any of some values, or a list that has one.

    `text`: true for a row `p`; `plain` and `listed`: the profile ids of people with such a value, and of those with such a list only.
    """

    text: str
    plain: str
    listed: str


def _is(builder: Builder, field: _Field, values: Iterable[str]) -> Condition:
    """People whose field is any of the values, or a list that has one."""
    one = _any_of(builder, field, values)
    source = f"{one.plain} UNION ALL {one.listed}"
    return Condition(f"EXISTS ({one.text})", source, source)


def _is_not(builder: Builder, field: _Field, values: Iterable[str]) -> Condition:
    """All other people."""
    one = _any_of(builder, field, values)
    return Condition(f"NOT EXISTS ({one.text})", others=(one.plain, one.listed))


def _any_of(builder: Builder, field: _Field, texts: Iterable[str]) -> _AnyOf:
    meant = sorted({value for text in texts for value in values_meant(text)})
    values = _listed_values(builder, meant)
    elements = _listed_values(builder, (element_term(field.field, value) for value in meant))
    has_element = f"EXISTS (SELECT 1 FROM search_term e WHERE e.website_id = :w AND e.profile_id = t.profile_id AND e.term IN ({elements}))"
    # Hardly any field is a list: so nobody else pays for it.
    test = f"(t.value IN ({values}) OR (t.kind IN ('other', '{CUT}') AND {has_element}))"
    return _AnyOf(
        f"{field.own} AND {test}",
        f"{field.everybody} AND t.value IN ({values})",
        f"SELECT DISTINCT s.profile_id FROM search_term s WHERE s.website_id = :w AND s.term IN ({elements}) "
        f"AND NOT EXISTS ({field.own.replace('p.profile_id', 's.profile_id')} AND t.value IN ({values}))",
    )


def _listed_values(builder: Builder, values: Iterable[str]) -> str:
    return ", ".join(builder.add(value, "text") for value in values)


def _contains(builder: Builder, field: _Field, texts: tuple[str, ...], found: list[str] | None) -> Condition:
    """People whose field contains any of the texts. `found`: the values that do, of those that are kept whole; None when that is open.

    Values that are cut off are few, have an index, and are read from the profiles, in either spelling.
    """
    if found is None:
        kept = " OR ".join(_pattern(builder, text, "t.value") for text in texts)
    else:
        kept = f"t.value IN any_of({builder.add(msgspec.json.encode(found).decode(), 'text')})"
    spelled = {form: None for text in texts for form in (text, decomposed(text))}
    whole = " OR ".join(_pattern(builder, text, "j.value") for text in spelled)
    test = f"({kept}) AND length(t.value) <= {MAX_VALUE}"
    cut = (
        f"SELECT t.profile_id FROM trait t JOIN profile q ON q.website_id = :w AND q.profile_id = t.profile_id "
        f"CROSS JOIN {_EACH_TRAIT} j WHERE t.website_id = :w AND t.name = {field.name} "
        f"AND t.kind = '{CUT}' AND t.number > 0 AND j.key = {field.name} AND ({whole})"
    )
    return Condition(
        f"(EXISTS ({field.own} AND {test}) OR EXISTS ({cut} AND t.profile_id = p.profile_id))",
        f"{field.everybody} AND {test} UNION ALL {cut}",
    )


def _pattern(builder: Builder, text: str, value: str) -> str:
    """Whether `value` contains `text`, ignoring case. LIKE in the databases ignores the case of ASCII letters only."""
    if not text.isascii():
        glob, regex = (builder.add(pattern, "text") for pattern in any_case(text))
        # PostgreSQL needs microseconds for each value that a long expression is tried on; most are too short.
        return f"(length({value}) >= {len(text)} AND any_case({value}, {glob}, {regex}))"
    escaped = text.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"lower({value}) LIKE {builder.add(f'%{escaped}%', 'text')} ESCAPE '!'"


def _search(builder: Builder, text: str, named: list[bytes]) -> list[Condition]:
    """People with a word for each that is asked for, beginning with it, in any order; and those who are `named` by the text."""
    conditions = [_begins(builder, word) for word in asked_words(text)]
    return [_or_named(builder, one, named) for one in conditions] if named else conditions


def _begins(builder: Builder, text: str) -> Condition:
    """People of whom a word, or the whole of user id, name or e-mail address, begins with `text`."""
    low, high = builder.add(text, "text"), builder.add(text + "\U0010ffff", "text")
    found = f"SELECT s.profile_id FROM search_term s WHERE s.website_id = :w AND s.term >= {low} AND s.term < {high}"
    earlier = (
        "SELECT 1 FROM search_term e WHERE e.website_id = :w AND e.profile_id = s.profile_id "
        f"AND e.term >= {low} AND e.term < s.term"
    )
    return Condition(
        f"EXISTS ({found} AND s.profile_id = p.profile_id)", f"{found} AND NOT EXISTS ({earlier})", found
    )


def _or_named(builder: Builder, one: Condition, named: list[bytes]) -> Condition:
    ids = ", ".join(builder.add(profile_id, "bytes") for profile_id in named)
    these = f"SELECT l.profile_id FROM listed_person l WHERE l.website_id = :w AND l.profile_id IN ({ids})"
    return Condition(
        f"({one.text} OR p.profile_id IN ({ids}))",
        f"{one.source} UNION {these}",
        f"{one.rows} UNION ALL {these}",
    )

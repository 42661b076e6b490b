"""What a question about people is put in terms of: the fields that there are, which of their values hold a text, and whom an id names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from footfall.db.protocol import Transaction
from footfall.db.statements import Statement, load
from footfall.ids import FACT_BYTES, parse_object_id, parse_uuid
from footfall.people.find.terms import composed, in_one_case

sql = load(__file__, "fields.sql")

MOST_FIELDS = 500
"""Names of fields that are looked through; where there are more, they are data rather than fields."""
AT_ONCE = 2000
"""Values that are read at once."""
_FACT = re.compile(rf"[0-9a-f]{{{2 * FACT_BYTES}}}")


def field_names(tx: Transaction, website_id: bytes, most: int = MOST_FIELDS) -> list[str]:
    """The names of the website's fields, the first by code point."""
    return [row.name for row in tx.all(sql.names, (website_id, most))]


def field_meant(tx: Transaction, website_id: bytes, name: str) -> str:
    """The field of this name; else the only one whose name differs in case or spelling alone; else the name itself."""
    if tx.one(sql.has_name, (website_id, name)) is not None:
        return name
    alike = [one for one in field_names(tx, website_id) if _bare(one) == _bare(name)]
    return alike[0] if len(alike) == 1 else name


def _bare(name: str) -> str:
    return composed(name).casefold()


def values_containing(
    tx: Transaction, website_id: bytes, name: str, texts: tuple[str, ...], most: int
) -> list[str] | None:
    """The values of a field that contain any of the texts, ignoring case, among those that are kept whole; None if more than `most`."""
    sought = [in_one_case(text) for text in texts]
    found: list[str] = []
    last = ""
    for _ in range(0, most, AT_ONCE):
        values = [row.value for row in tx.all(sql.values_from, (website_id, name, last, AT_ONCE))]
        found += [value for value in values if _holds(in_one_case(value), sought)]
        if len(values) < AT_ONCE:
            return found
        last = values.pop()
    return None


def _holds(value: str, sought: list[str]) -> bool:
    return any(map(value.__contains__, sought))


def people_named(tx: Transaction, website_id: bytes, text: str) -> list[bytes]:
    """The people (profile ids) to whom the id of a visitor, a fact or a person leads, the latest first; none when it is none of these."""
    rows = (row for statement, key in _readings(text) for row in tx.all(statement, (website_id, key)))
    return list(dict.fromkeys(row.person_id for row in rows))


def _readings(text: str) -> Iterator[tuple[Statement, bytes]]:
    """What an id (in lower case) may be."""
    if visitor_id := parse_uuid(text):
        yield sql.people_of_visitor, visitor_id
    if profile_id := parse_object_id(text):
        yield sql.person_of_user, profile_id
    if _FACT.fullmatch(text):
        yield sql.person_of_fact, bytes.fromhex(text)

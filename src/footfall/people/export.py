"""Everything held about a person, as the parts of one JSON document: it may be large, and nobody waits while a part is made or sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice

from footfall.auth.store import key_names
from footfall.db.protocol import Transaction
from footfall.identity.history import explain, whole_ledger
from footfall.identity.ledger import everybody_of
from footfall.identity.model import PersonThen
from footfall.identity.wire import explanation_json, ledger_json
from footfall.people.journey import whole_journey
from footfall.people.model import Export
from footfall.people.reading import list_visitors, look_at, read_detail, read_sessions, visitor_of
from footfall.people.wire import detail_json, entry_json, session_json, visitor_json
from footfall.web.json import encode

TOGETHER = 250
"""Items of a list that make one part."""


async def stream_parts(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The parts, as an answer takes them."""
    for part in parts:
        yield part


def export_person(tx: Transaction, website_id: bytes, then: PersonThen) -> Export:
    """`profile` (with its `explain`), `explain`, `ledger`, `sessions` and `journey`; each item of a list has a line of its own."""
    names = key_names(tx, website_id)
    reasons = explanation_json(explain(then, names))
    explained = [
        b'{"traits":',
        encode(reasons["traits"]),
        b',"links":',
        *_list(map(encode, reasons["links"])),
        b"}",
    ]
    ledger = whole_ledger(tx, website_id, everybody_of(tx, website_id, then.person_id), names)
    parts = [
        b'{"profile":',
        *_profile(tx, website_id, then, explained),
        b',\n"explain":',
        *explained,
        b',\n"ledger":',
        *_list(encode(ledger_json(one)) for one in ledger),
        b',\n"sessions":',
        *_list(encode(session_json(one)) for one in read_sessions(tx, website_id, then)),
        b',\n"journey":',
        *_list(encode(entry_json(one)) for one in whole_journey(tx, website_id, then)),
        b"}",
    ]
    return Export(then.person_id, parts)


def _profile(tx: Transaction, website_id: bytes, then: PersonThen, explained: list[bytes]) -> Iterator[bytes]:
    visitors = look_at(tx, website_id, [then.spans])[0]
    shown = detail_json(read_detail(tx, website_id, then, visitors))
    del shown["visitors"]
    yield encode(shown)[:-1] + b',"explain":'
    yield from explained
    yield b',"visitors":'
    listed = list_visitors(visitors, b"", len(visitors)).visitors
    yield from _list(encode(visitor_json(visitor_of(one))) for one in listed)
    yield b"}"


def _list(items: Iterable[bytes]) -> Iterator[bytes]:
    """The parts of a JSON list with these items."""
    rest, before = iter(items), b"[\n"
    while some := list(islice(rest, TOGETHER)):
        yield before + b",\n".join(some)
        before = b",\n"
    yield b"[]" if before == b"[\n" else b"\n]"

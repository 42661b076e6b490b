"""Everything held about a person, as the parts of one JSON document: it may be large, and nobody waits while a part is made or sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import Any

from footfall.auth.store import key_names
from footfall.db.protocol import Transaction
from footfall.identity.history import PersonThen, explain, facts_json, ledger_of
from footfall.identity.ledger import everybody_of
from footfall.identity.ledger_endpoints import identity_json
from footfall.ids import MAX_AT
from footfall.people.journey import whole_journey
from footfall.people.reading import list_visitors, look_at, person_json, sessions_json, visitor_json
from footfall.web.json import encode

TOGETHER = 250
"""Items of a list that make one part."""


async def stream_parts(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The parts, as an answer takes them."""
    for part in parts:
        yield part


def export_parts(tx: Transaction, website_id: bytes, then: PersonThen) -> list[bytes]:
    """`profile` (with its `explain`), `explain`, `ledger`, `sessions` and `journey`; each item of a list has a line of its own."""
    names = key_names(tx, website_id)
    reasons = explain(then, names)
    explained = [b'{"traits":', encode(reasons["traits"]), b',"links":', *_list(reasons["links"]), b"}"]
    rows, _ = ledger_of(tx, website_id, everybody_of(tx, website_id, then.person_id))
    ledger = (
        fact
        for first in range(0, len(rows), TOGETHER)
        for fact in facts_json(tx, website_id, rows[first : first + TOGETHER], names)
    )
    return [
        b'{"profile":',
        *_profile(tx, website_id, then, explained),
        b',\n"explain":',
        *explained,
        b',\n"ledger":',
        *_list(ledger),
        b',\n"sessions":',
        *_list(sessions_json(tx, website_id, then)),
        b',\n"journey":',
        *_list(whole_journey(tx, website_id, then)),
        b"}",
    ]


def _profile(tx: Transaction, website_id: bytes, then: PersonThen, explained: list[bytes]) -> Iterator[bytes]:
    visitors = look_at(tx, website_id, [then.spans])[0]
    shown = person_json(tx, website_id, visitors, [], MAX_AT)
    del shown["visitors"]
    yield encode(identity_json(then) | shown)[:-1] + b',"explain":'
    yield from explained
    yield b',"visitors":'
    listed = list_visitors(visitors, b"", len(visitors))[0]
    yield from _list(visitor_json(one) for one in listed)
    yield b"}"


def _list(items: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """The parts of a JSON list."""
    rest, before = iter(items), b"[\n"
    while some := list(islice(rest, TOGETHER)):
        yield before + b",\n".join(map(encode, some))
        before = b",\n"
    yield b"[]" if before == b"[\n" else b"\n]"

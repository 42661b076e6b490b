"""What an export asks of each domain, and what identity gives out about a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

import msgspec

from footfall.auth.store import key_names
from footfall.db.protocol import Transaction
from footfall.identity.fold import everybody_of
from footfall.identity.identify.wire import explanation_json, ledger_json
from footfall.identity.ledger.show import explain, whole_ledger
from footfall.identity.model import PersonThen
from footfall.web.json import encode

TOGETHER = 250
"""Items of a list that make one part."""


class Subject(msgspec.Struct, frozen=True):
    """About whom an export is. `explained`: why they are what they are, as JSON in parts; `key_names`: who brought it, by key id."""

    website_id: bytes
    person: PersonThen
    key_names: Mapping[bytes, str | None]
    explained: list[bytes]


class Exporter(msgspec.Struct, frozen=True):
    """What a domain gives out about a person: one field of the document, and its value as JSON in parts, none of which is large."""

    field: str
    parts: Callable[[Transaction, Subject], Iterable[bytes]]


def subject_of(tx: Transaction, website_id: bytes, person: PersonThen) -> Subject:
    """What exporters are told."""
    names = key_names(tx, website_id)
    reasons = explanation_json(explain(person, names))
    links = list_parts(map(encode, reasons["links"]))
    explained = [b'{"traits":', encode(reasons["traits"]), b',"links":', *links, b"}"]
    return Subject(website_id, person, names, explained)


def list_parts(items: Iterable[bytes]) -> Iterator[bytes]:
    """The parts of a JSON list with these items; each has a line of its own."""
    rest, before = iter(items), b"[\n"
    while some := list(islice(rest, TOGETHER)):
        yield before + b",\n".join(some)
        before = b",\n"
    yield b"[]" if before == b"[\n" else b"\n]"


def _ledger(tx: Transaction, subject: Subject) -> Iterator[bytes]:
    users = everybody_of(tx, subject.website_id, subject.person.person_id)
    entries = whole_ledger(tx, subject.website_id, users, subject.key_names)
    return list_parts(encode(ledger_json(one)) for one in entries)


EXPLAIN = Exporter("explain", lambda tx, subject: subject.explained)
LEDGER = Exporter("ledger", _ledger)

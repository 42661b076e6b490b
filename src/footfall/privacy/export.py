"""Everything held about a person, as the parts of one JSON document: it may be large, and nobody waits while a part is created or sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

import msgspec

from footfall.db.protocol import Transaction
from footfall.identity.exporting import Exporter, Subject, subject_of
from footfall.identity.ledger.show import nobody, person_then
from footfall.identity.refs import Ref, resolve_profile
from footfall.web.json import encode
from footfall.websites.model import Website

Exporters = Sequence[Exporter]


class Export(msgspec.Struct, frozen=True):
    """The parts of a JSON document with everything stored about a person."""

    person_id: bytes
    parts: list[bytes]


async def stream_parts(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The parts, in the form that an answer takes."""
    for part in parts:
        yield part


class Exporting:
    """Exports what all domains store about a person. Each exporter writes one field of the document, in order."""

    def __init__(self, exporters: Exporters) -> None:
        self._exporters = exporters

    def read(self, tx: Transaction, asked: tuple[Website, Ref]) -> Export | None:
        """Everything stored about a person; None if there is nothing."""
        website, ref = asked
        key = (website.website_id, resolve_profile(tx, website, ref))
        person = person_then(tx, *key) or nobody(tx, *key)
        if person is None:
            return None
        subject = subject_of(tx, website.website_id, person)
        return Export(person.person_id, list(self._parts(tx, subject)))

    def _parts(self, tx: Transaction, subject: Subject) -> Iterator[bytes]:
        before = b"{"
        for exporter in self._exporters:
            yield before + encode(exporter.field) + b":"
            yield from exporter.parts(tx, subject)
            before = b",\n"
        yield b"}"

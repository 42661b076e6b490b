"""What is given out about a person: who they are, their visits, and what they did."""

from __future__ import annotations

from collections.abc import Iterator

from footfall.db.protocol import Transaction
from footfall.identity.exporting import Exporter, Subject, list_parts
from footfall.people.journey import whole_journey
from footfall.people.person import list_visitors, look_at, read_detail, read_sessions, visitor_of
from footfall.people.wire import detail_json, entry_json, session_json, visitor_json
from footfall.web.json import encode


def _profile(tx: Transaction, subject: Subject) -> Iterator[bytes]:
    """The person with all visitors, and why they are so."""
    website_id, person = subject.website_id, subject.person
    visitors = look_at(tx, website_id, [person.spans])[0]
    shown = detail_json(read_detail(tx, website_id, person, visitors))
    del shown["visitors"]
    yield encode(shown)[:-1] + b',"explain":'
    yield from subject.explained
    yield b',"visitors":'
    listed = list_visitors(visitors, b"", len(visitors)).visitors
    yield from list_parts(encode(visitor_json(visitor_of(one))) for one in listed)
    yield b"}"


def _sessions(tx: Transaction, subject: Subject) -> Iterator[bytes]:
    sessions = read_sessions(tx, subject.website_id, subject.person)
    return list_parts(encode(session_json(one)) for one in sessions)


def _journey(tx: Transaction, subject: Subject) -> Iterator[bytes]:
    entries = whole_journey(tx, subject.website_id, subject.person)
    return list_parts(encode(entry_json(one)) for one in entries)


PROFILE = Exporter("profile", _profile)
SESSIONS = Exporter("sessions", _sessions)
JOURNEY = Exporter("journey", _journey)

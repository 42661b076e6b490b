"""What an export holds: the lines of its files, read slice by slice from one state of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from footfall.clock import to_iso
from footfall.collect.model import Hit, PastSession
from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import Statement
from footfall.history.formats.footfall import EventLine, event_line
from footfall.history.totals import sql
from footfall.identity.model import Operations, TraitValues
from footfall.ids import at_of, format_uuid
from footfall.payments.model import Kind
from footfall.payments.money import Money, to_major

SLICE = 1000
"""Rows that are read at once."""
_NO_EVENT = (b"", b"")

_decode_operations = msgspec.json.Decoder(Operations).decode
_decode_traits = msgspec.json.Decoder(TraitValues).decode


class PersonLine(msgspec.Struct, frozen=True, rename="camel"):
    """A person: who they are in the customer's system, which visitors they ever were, and what is known. `identified_at`: ISO 8601."""

    person_id: str
    user_ids: list[str]
    identified_at: str
    visitor_ids: list[str]
    traits: TraitValues


class PaymentLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A payment or refund, in the words of `POST /api/v1/payments`. `kind`: `first`, where that is known of a subscription."""

    transaction_id: str
    amount: int | Decimal
    currency: str
    timestamp: str
    email: str | None = None
    name: str | None = None
    customer_id: str | None = None
    datafast_visitor_id: str | None = None
    renewal: bool = False
    refunded: bool = False
    is_free_trial: bool = False
    kind: str | None = None


IdentifyLine = TraitValues
"""An identify call, in the words of the API."""
Line = EventLine | PersonLine | PaymentLine | IdentifyLine


class ExportedFile(NamedTuple):
    """A file of an export, and its lines. `counted`: gives how many there are at most."""

    name: str
    lines: Callable[[Transaction, bytes], Iterator[list[Line]]]
    counted: Statement


def count_rows(tx: Transaction, website_id: bytes, files: list[ExportedFile]) -> int:
    """How many rows these files are made from, at most."""
    return sum(row.count for file in files if (row := tx.one(file.counted, (website_id,))))


def _slices(
    tx: Transaction, statement: Statement, website_id: bytes, first: Params, key: Callable[[Row], Params]
) -> Iterator[list[Row]]:
    """The rows behind a key, slice by slice."""
    rows = tx.all(statement, (website_id, *first, SLICE))
    while rows:
        yield rows
        rows = tx.all(statement, (website_id, *key(rows[-1]), SLICE))


def _events(tx: Transaction, website_id: bytes) -> Iterator[list[Line]]:
    for rows in _slices(
        tx, sql.events_behind, website_id, _NO_EVENT, lambda row: (row.visitor_id, row.event_id)
    ):
        keys = [(website_id, row.visitor_id, row.session_at) for row in rows]
        sessions = tx.get_many(sql.session_get, keys)
        yield [_event(website_id, row, session) for row, session in zip(rows, sessions, strict=True)]


def _event(website_id: bytes, row: Row, session: Row | None) -> EventLine:
    whole = (None,) * 6 if session is None else msgspec.structs.astuple(session)
    hit = Hit(
        website_id,
        row.visitor_id,
        row.event_id,
        at_of(row.event_id),
        row.type,
        row.url,
        row.query,
        row.referrer,
        row.name,
        row.data,
        None,
        "",
        None,
        None,
    )
    return event_line(hit, PastSession(row.session_at, *whole))


def _people(tx: Transaction, website_id: bytes) -> Iterator[list[Line]]:
    for rows in _slices(tx, sql.people_behind, website_id, (b"",), lambda row: (row.profile_id,)):
        (members,) = tx.groups((sql.members_of, [(website_id, row.profile_id) for row in rows]))
        yield [_person(tx, website_id, row, own) for row, own in zip(rows, members, strict=True)]


def _person(tx: Transaction, website_id: bytes, row: Row, members: list[Row]) -> PersonLine:
    (linked,) = tx.groups((sql.linked_visitors, [(website_id, one.profile_id) for one in members]))
    visitors = sorted({one.visitor_id for rows in linked for one in rows})
    return PersonLine(
        row.profile_id.hex(),
        [one.user_id for one in members],
        to_iso(row.identified_at),
        [format_uuid(one) for one in visitors],
        _decode_traits(row.metadata),
    )


def _identify(tx: Transaction, website_id: bytes) -> Iterator[list[Line]]:
    for rows in _slices(tx, sql.facts_behind, website_id, (b"",), lambda row: (row.fact_id,)):
        yield [_call(row) for row in rows]


def _call(row: Row) -> dict[str, Any]:
    said = _decode_operations(row.operations)
    call = {"user_id": row.user_id, "datafast_visitor_id": format_uuid(row.visitor_id)}
    call |= {"$at": to_iso(at_of(row.fact_id)), **said.set}
    call |= {"$set_once": said.set_once} if said.set_once else {}
    return call | ({"$unset": list(said.unset)} if said.unset else {})


def _payments(tx: Transaction, website_id: bytes) -> Iterator[list[Line]]:
    for rows in _slices(tx, sql.payments_behind, website_id, (b"",), lambda row: (row.payment_id,)):
        yield [_payment(row) for row in rows]


def _payment(row: Row) -> PaymentLine:
    kind = Kind(row.kind)
    return PaymentLine(
        row.transaction_id or f"erased_{row.payment_id.hex()}",
        to_major(Money(abs(row.minor), row.currency)),
        row.currency,
        to_iso(at_of(row.payment_id)),
        row.email,
        row.name,
        row.customer_id,
        format_uuid(row.visitor_id) if row.visitor_id else row.visitor_ref,
        kind is Kind.RENEWAL,
        kind is Kind.REFUND,
        kind is Kind.FREE_TRIAL,
        kind.value if kind is Kind.FIRST else None,
    )


EVENTS = ExportedFile("events", _events, sql.events_all)
PEOPLE = ExportedFile("people", _people, sql.profiles_all)
IDENTIFY = ExportedFile("identify", _identify, sql.facts_all)
PAYMENTS = ExportedFile("payments", _payments, sql.payments_all)
EXPORTED = [EVENTS, PEOPLE, IDENTIFY, PAYMENTS]
"""The files of an export."""

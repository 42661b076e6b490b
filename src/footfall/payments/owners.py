"""Whose payments are: now, by today's identity; and when they were made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from footfall.collect.touches import Time, read_touches
from footfall.db.protocol import Row, Transaction
from footfall.identity import rules
from footfall.identity.erasing import links_of
from footfall.identity.ledger.show import spans_of
from footfall.identity.model import Person, Spans
from footfall.identity.reading import Member, persons_of
from footfall.identity.store import sql as identity_sql
from footfall.payments.model import Known, Owned, Payment
from footfall.payments.store import END, EVERYTHING, edge, payment_from, sql


def owners_of(tx: Transaction, website_id: bytes, payments: Sequence[Payment]) -> list[Owned]:
    """Each payment with the person whose it is now."""
    visitors = sorted({one.visitor_id for one in payments if one.visitor_id is not None})
    links = links_of(tx, website_id, visitors)
    profiles = [
        one.profile_id if one.visitor_id is None else rules.owner_at(links[one.visitor_id], one.at)
        for one in payments
    ]
    persons = persons_of(tx, website_id, {one for one in profiles if one is not None})
    members = members_of_people(tx, website_id, {one.profile_id for one in persons.values()})
    found = [persons.get(one) if one is not None else None for one in profiles]
    return [
        Owned(payment, person.profile_id, members[person.profile_id][0].user_id)
        if person
        else Owned(payment, None, None)
        for payment, person in zip(payments, found, strict=True)
    ]


def members_of_people(
    tx: Transaction, website_id: bytes, persons: Collection[bytes]
) -> dict[bytes, list[Member]]:
    """The users who each of these people is, first identified first."""
    ids = sorted(persons)
    found = tx.all_together(*[(identity_sql.members_of_person, (website_id, one)) for one in ids])
    return {
        one: [Member(row.profile_id, row.user_id, row.identified_at) for row in rows]
        for one, rows in zip(ids, found, strict=True)
    }


def seen_visitors(tx: Transaction, website_id: bytes, visitors: Iterable[bytes]) -> set[bytes]:
    """Those of these visitors of whom a page was seen."""
    asked = sorted(set(visitors))
    rows = tx.get_many(identity_sql.visitor_pageviews, [(website_id, one) for one in asked])
    return {one for one, row in zip(asked, rows, strict=True) if row is not None and row.pageview_count}


def payments_of(
    tx: Transaction, website_id: bytes, person: Person, until: bytes = END, touched: int = EVERYTHING
) -> list[Payment]:
    """All payments that are a person's now, of those before the id `until`, newest first; so many of them with touches."""
    rows = _rows_of(tx, website_id, person, b"", until, EVERYTHING, newest_first=True)
    return [payment_from(row, with_touches=index < touched) for index, row in enumerate(rows)]


def some_payments(
    tx: Transaction,
    website_id: bytes,
    person: Person,
    since: bytes,
    until: bytes,
    most: int,
    *,
    newest_first: bool,
) -> list[Payment]:
    """The first payments in a range of ids that are a person's now, at most `most`."""
    rows = _rows_of(tx, website_id, person, since, until, most, newest_first=newest_first)
    return [payment_from(row) for row in rows]


def _rows_of(
    tx: Transaction,
    website_id: bytes,
    person: Person,
    since: bytes,
    until: bytes,
    most: int,
    *,
    newest_first: bool,
) -> list[Row]:
    of_visitor, of_profile = (
        (sql.of_visitor_down, sql.of_profile_down) if newest_first else (sql.of_visitor_up, sql.of_profile_up)
    )
    asked = [
        (of_visitor, (website_id, visitor_id, low, high, most))
        for visitor_id, spans in person.spans.items()
        for span in spans
        if (low := max(edge(span.since), since)) < (high := min(edge(span.until), until))
    ]
    asked += [(of_profile, (website_id, member, since, until, most)) for member in person.members]
    rows = [row for found in tx.all_together(*asked) for row in found]
    rows.sort(key=lambda row: row.payment_id, reverse=newest_first)
    return rows[:most]


def of_visitor(
    tx: Transaction, website_id: bytes, visitor_id: bytes, most: int, until: bytes = END
) -> list[Payment]:
    """The newest payments of a visitor, whoever it was, at most `most` before the id `until`."""
    rows = tx.all(sql.of_visitor_down, (website_id, visitor_id, b"", until, most))
    return [payment_from(row) for row in rows]


def has_any(tx: Transaction, website_id: bytes) -> bool:
    """Whether a website has any payment."""
    return tx.one(sql.payments_any, (website_id,)) is not None


def known_as(tx: Transaction, website_id: bytes, members: Collection[bytes]) -> list[Payment]:
    """The payments that were known as these users' when they were made, without touches."""
    asked = [(sql.known_of_profile, (website_id, member)) for member in members]
    return [payment_from(row, with_touches=False) for rows in tx.all_together(*asked) for row in rows]


Asked = tuple[bytes | None, bytes | None, int]
"""A visitor, the user that it was, and a time (ms since epoch); either may be None."""


def know(tx: Transaction, website_id: bytes, asked: Sequence[Asked]) -> list[Known]:
    """What is known by now of whose payments of these times were, with where they came from until then."""
    people = _members(tx, website_id, [profile_id for _, profile_id, _ in asked])
    spans = spans_of(tx, website_id, [people.get(profile_id or b"", []) for _, profile_id, _ in asked])
    times = [
        _times(own, visitor_id if profile_id is None else None, at)
        for own, (visitor_id, profile_id, at) in zip(spans, asked, strict=True)
    ]
    touches = read_touches(tx, website_id, times)
    return [
        Known(visitor_id, profile_id, touch.first, touch.last)
        for (visitor_id, profile_id, _), touch in zip(asked, touches, strict=True)
    ]


def times_until(tx: Transaction, website_id: bytes, asked: Asked) -> list[Time]:
    """The times until then of whoever that was: of all visitors of a person, or of one who is nobody."""
    visitor_id, profile_id, at = asked
    members = _members(tx, website_id, [profile_id]).get(profile_id or b"", [])
    spans = spans_of(tx, website_id, [members])[0]
    return _times(spans, visitor_id if profile_id is None else None, at)


def owner_of(tx: Transaction, website_id: bytes, payment: Payment) -> bytes | None:
    """The user whose a payment is now."""
    if payment.visitor_id is None:
        return payment.profile_id
    return rules.owner_at(links_of(tx, website_id, [payment.visitor_id])[payment.visitor_id], payment.at)


def _members(
    tx: Transaction, website_id: bytes, profiles: Sequence[bytes | None]
) -> dict[bytes, list[bytes]]:
    """The users who are one person with each of these that exist."""
    persons = persons_of(tx, website_id, {one for one in profiles if one is not None})
    members = members_of_people(tx, website_id, {one.profile_id for one in persons.values()})
    return {
        profile_id: [one.profile_id for one in members[person.profile_id]]
        for profile_id, person in persons.items()
    }


def _times(spans: Spans, visitor_id: bytes | None, at: int) -> list[Time]:
    """Until and with `at`: the spans of a person, or a visitor who is nobody."""
    if visitor_id is not None:
        return [(visitor_id, 0, at + 1)]
    return [
        (one, span.since, min(span.until, at + 1))
        for one, own in spans.items()
        for span in own
        if span.since <= at
    ]

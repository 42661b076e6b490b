"""Who is on a website now, read from what is stored about visitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from footfall.analytics.realtime.model import (
    Customer,
    EventNow,
    Likelihood,
    PaymentNow,
    VisitorNow,
    WebsiteNow,
)
from footfall.collect.online import ONLINE_MS
from footfall.collect.service import sql as collect_sql
from footfall.db.protocol import Params as Key
from footfall.db.protocol import Row, Transaction
from footfall.db.statements import load
from footfall.identity.model import KnownPerson
from footfall.identity.reading import persons_of, profile_from
from footfall.identity.store import sql as identity_sql
from footfall.ids import MAX_AT, at_of
from footfall.payments.owners import owners_of
from footfall.payments.rules import brings_money
from footfall.payments.store import edge, payment_from
from footfall.payments.store import sql as payments_sql
from footfall.people.presence import read_latest
from footfall.predictions.model import PAGES_FROM, Model, predict
from footfall.visitors.model import Params, Visitor
from footfall.visitors.retrieve import best_of, visitor_from
from footfall.websites.model import Website

sql = load(__file__, "realtime.sql")

MOST_VISITORS, MOST_EVENTS, MOST_PAYMENTS = 100, 50, 50
"""How many of each are told, the newest."""

_decode_params = msgspec.json.Decoder(Params).decode
_NO_PARAMS = Params()


class NowAsked(NamedTuple):
    """Of a website at a time (ms since epoch); `here`: whom this process saw when, and `model`: None where nobody ever paid.

    `most_events`: how many events are told.
    """

    website: Website
    now: int
    here: Mapping[bytes, int]
    model: Model | None
    most_events: int = MOST_EVENTS


def read_now(tx: Transaction, asked: NowAsked) -> WebsiteNow:
    """What goes on, in one state of the database."""
    visitors, events = _visitors(tx, asked)
    newest = sorted(events, key=lambda one: one.event_id, reverse=True)
    return WebsiteNow(
        visitors, newest[: asked.most_events], _payments(tx, asked) if asked.website.has_payments else []
    )


def _visitors(tx: Transaction, asked: NowAsked) -> tuple[list[VisitorNow], list[EventNow]]:
    """The visitors seen last, and what they did. The newest events of all are among the newest of these."""
    website_id, since = asked.website.website_id, asked.now - ONLINE_MS
    seen = read_latest(tx, website_id, since, MOST_VISITORS, asked.here)
    keys: list[Key] = [(website_id, visitor_id) for visitor_id, _ in seen]
    rows, profiles = tx.get_many_together(
        (collect_sql.visitor_get, keys), (identity_sql.profile_of_visitor, keys)
    )
    visitors = [
        visitor_from(visitor_id, row, profile_from(tx, website_id, profile))
        for (visitor_id, _), row, profile in zip(seen, rows, profiles, strict=True)
        if row is not None and row.pageview_count
    ]
    return _described(tx, asked, visitors)


def _described(
    tx: Transaction, asked: NowAsked, visitors: list[Visitor]
) -> tuple[list[VisitorNow], list[EventNow]]:
    website_id = asked.website.website_id
    keys: list[Key] = [(website_id, one.visitor_id) for one in visitors]
    sessions, paid = tx.get_many_together(
        (sql.session_from, [(*key, one.session_started_at) for key, one in zip(keys, visitors, strict=True)]),
        (sql.customer, keys if asked.website.has_payments else []),
    )
    (timelines,) = tx.groups((collect_sql.timeline, [(*key, PAGES_FROM) for key in keys]))
    payers: Sequence[Row | None] = paid or [None] * len(keys)
    shown = [
        _visitor_now(asked.model, *one) for one in zip(visitors, sessions, payers, timelines, strict=True)
    ]
    edge_id = edge(asked.now - ONLINE_MS + 1)
    events = [
        EventNow(row.event_id, row.type, row.url, row.name, row.data, one)
        for one, timeline in zip(shown, timelines, strict=True)
        for row in timeline[:MOST_EVENTS]
        if row.event_id >= edge_id
    ]
    return shown, events


def _visitor_now(
    model: Model | None, visitor: Visitor, session: Row | None, payer: Row | None, timeline: list[Row]
) -> VisitorNow:
    customer = Customer(payer.name, payer.email) if payer else None
    params = _decode_params(session.params) if session and session.params else _NO_PARAMS
    return VisitorNow(
        visitor,
        session.referrer if session else None,
        params,
        _name(visitor.person),
        customer,
        _likelihood(model, visitor, timeline) if model and not customer else None,
        session is not None and session.click_ids is not None,
    )


def _likelihood(model: Model, visitor: Visitor, timeline: list[Row]) -> Likelihood:
    best = best_of(model, visitor, timeline)
    return Likelihood(predict(model, best), best)


def _name(person: KnownPerson | None) -> str | None:
    name = person.traits.get("name") if person else None
    return name if isinstance(name, str) and name else None


def _payments(tx: Transaction, asked: NowAsked) -> list[PaymentNow]:
    """The payments of the same minutes, refunds left out."""
    website_id = asked.website.website_id
    since, until = edge(asked.now - ONLINE_MS + 1), edge(MAX_AT)
    rows = tx.all(payments_sql.between_down, (website_id, since, until, MOST_PAYMENTS))
    paid = [
        one for one in map(payment_from, rows) if brings_money(one) and at_of(one.payment_id) <= asked.now
    ]
    owned = owners_of(tx, website_id, paid)
    people = persons_of(tx, website_id, {one.person_id for one in owned if one.person_id})
    persons = [people.get(one.person_id or b"") for one in owned]
    return [
        PaymentNow(one.payment, _name(person), person) for one, person in zip(owned, persons, strict=True)
    ]

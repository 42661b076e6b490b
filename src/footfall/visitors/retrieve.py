"""`GET /api/v1/visitors/{id}`: everything about one visitor."""

from __future__ import annotations

from math import inf
from operator import attrgetter
from typing import NamedTuple

import msgspec

from footfall.auth.principal import WebsitePrincipal
from footfall.collect.enrich.device import Device
from footfall.collect.enrich.geo import NOWHERE, Place
from footfall.collect.model import PAGEVIEW, SOURCES, StoredDevice, source_of
from footfall.collect.service import sql
from footfall.db.protocol import Database, Row, Transaction
from footfall.errors import BadRequest, NotFound
from footfall.identity.model import KnownPerson
from footfall.identity.reading import profile_from
from footfall.identity.store import sql as identity_sql
from footfall.ids import MAX_AT, parse_uuid
from footfall.payments.finance import finance_of
from footfall.payments.model import Finance, Payment
from footfall.payments.owners import of_visitor
from footfall.payments.ratebook import RateBook
from footfall.payments.rates import Rates
from footfall.payments.rules import brings_money
from footfall.payments.store import END, EVERYTHING, payment_from
from footfall.payments.store import sql as payments_sql
from footfall.payments.webhooks.lifecycle import goals_reached
from footfall.predictions.book import Predictions
from footfall.predictions.model import (
    COUNTRY,
    DEVICE,
    DIRECT,
    PAGE,
    PAGES_FROM,
    SOURCE,
    Best,
    Model,
    Prediction,
    Weight,
    predict,
)
from footfall.visitors.model import Params, Visitor
from footfall.visitors.wire import MOST_EVENTS, VisitorData, visitor_data
from footfall.web.context import Context, Handler
from footfall.web.envelope import Response, success
from footfall.websites.model import Website

MOST_PAYMENTS = 200
"""How many payments of a visitor are summed up on the event loop."""


_UNKNOWN = StoredDevice(Device(None, None, None, None, None, None, None))
_NO_PARAMS = Params()

_named = attrgetter(*SOURCES)
_decode_params = msgspec.json.Decoder(Params).decode
_decode_device = msgspec.json.Decoder(StoredDevice).decode
_decode_place = msgspec.json.Decoder(Place).decode


def visitor_endpoint(
    database: Database, rates: RateBook, predictions: Predictions
) -> Handler[WebsitePrincipal]:
    """A visitor's identity, activity, payments, prediction and profile."""

    async def visitor(context: Context[WebsitePrincipal]) -> Response:
        visitor_id = parse_uuid(context.path_values[0])
        if visitor_id is None:
            raise BadRequest(
                "The visitor id in the path must be a UUID such as 3f2b8a4e-5c1d-4e6f-9a7b-0c1d2e3f4a5b."
            )
        website = context.principal.website
        model = predictions.model_of(website)
        asked = VisitorRead(website, visitor_id, context.now, await rates.rates_for(website), model)
        data = await database.gather(read_visitors, asked)
        if isinstance(data, TooManyPayments):
            # Off the event loop, because summing them up takes time.
            whole = asked._replace(most=EVERYTHING)
            return await database.scan(_answer_whole, whole, share=website.website_id)
        if data is None:
            raise NotFound("Visitor data not found for this website: no pageview of this visitor has come.")
        return success(data)

    return visitor


class VisitorRead(NamedTuple):
    """Which visitor, at which time (ms since epoch); `rates`: None without payments; `model`: None without customers.

    `most`: how many payments are read at once.
    """

    website: Website
    visitor_id: bytes
    now: int
    rates: Rates | None
    model: Model | None = None
    most: int = MOST_PAYMENTS


class TooManyPayments(msgspec.Struct, frozen=True):
    """The visitor has more payments than are read at once."""


def _answer_whole(tx: Transaction, asked: VisitorRead) -> Response:
    return success(read_visitors(tx, [asked])[0])


def read_visitors(tx: Transaction, calls: list[VisitorRead]) -> list[VisitorData | TooManyPayments | None]:
    """Each visitor in wire form; None before the first pageview."""
    keys = [(call.website.website_id, call.visitor_id) for call in calls]
    paying = [number for number, call in enumerate(calls) if call.website.has_payments]
    rows, events, profiles, paid = tx.groups(
        (sql.visitor_get, keys),
        (sql.timeline, [(*key, MOST_EVENTS) for key in keys]),
        (identity_sql.profile_of_visitor, keys),
        (payments_sql.of_visitor_down, [(*keys[one], b"", END, calls[one].most + 1) for one in paying]),
    )
    payments = dict(zip(paying, paid, strict=True))
    return [
        _shown(
            tx, call, _visitor(tx, keys[one], rows[one], profiles[one]), events[one], payments.get(one, [])
        )
        for one, call in enumerate(calls)
    ]


def _shown(
    tx: Transaction, asked: VisitorRead, visitor: Visitor | None, events: list[Row], paid: list[Row]
) -> VisitorData | TooManyPayments | None:
    if visitor is None:
        return None
    payments = [payment_from(row) for row in paid]
    if len(payments) > asked.most:
        return TooManyPayments()
    finance = _finance(tx, asked, visitor, payments) if payments else asked.website.currency
    reached = goals_reached(tx, asked.website.website_id, payments[:MOST_EVENTS]) if payments else []
    has_paid = isinstance(finance, Finance) and finance.is_customer
    predicted = _predict(asked.model, visitor, events) if asked.model and not has_paid else None
    return visitor_data(visitor, events, reached, finance, predicted, asked.now)


def _finance(tx: Transaction, asked: VisitorRead, visitor: Visitor, payments: list[Payment]) -> Finance:
    times = [(visitor.visitor_id, 0, MAX_AT)]
    return finance_of(tx, asked.website, payments, times, visitor.first_seen_at, asked.rates)


def predict_unpaid(tx: Transaction, website_id: bytes, visitor: Visitor, model: Model) -> Prediction | None:
    """How likely a visitor is to pay; None of one who has."""
    visitor_id = visitor.visitor_id
    if any(map(brings_money, of_visitor(tx, website_id, visitor_id, MOST_PAYMENTS))):
        return None
    return _predict(model, visitor, tx.all(sql.timeline, (website_id, visitor_id, PAGES_FROM)))


def _predict(model: Model, visitor: Visitor, events: list[Row]) -> Prediction:
    """`events`: newest first."""
    return predict(model, best_of(model, visitor, events))


def best_of(model: Model, visitor: Visitor, events: list[Row]) -> Best:
    """What says most for a visitor's paying; `events`: newest first."""
    weights, params = model.weights, visitor.params
    source = source_of(() if params is _NO_PARAMS else _named(params), visitor.referrer)
    return (
        weights[COUNTRY].get(visitor.place.country_code or ""),
        weights[DEVICE].get(visitor.stored_device.device.type or ""),
        weights[SOURCE].get(source.lower() if source else DIRECT),
        _best_page(weights[PAGE], events if len(events) <= PAGES_FROM else events[:PAGES_FROM]),
    )


def _best_page(weights: dict[str, Weight], events: list[Row]) -> Weight | None:
    """Of a page that says most for paying."""
    best, most = None, -inf
    for event in events:
        found = weights.get(event.url)
        if found is not None and found.log_odds > most and event.type == PAGEVIEW:
            best, most = found, found.log_odds
    return best


def find_visitor(tx: Transaction, website_id: bytes, visitor_id: bytes) -> Visitor | None:
    """A visitor without its events; None before the first pageview."""
    key = (website_id, visitor_id)
    rows, profiles = tx.all_together((sql.visitor_get, key), (identity_sql.profile_of_visitor, key))
    return _visitor(tx, key, rows, profiles)


def _visitor(
    tx: Transaction, key: tuple[bytes, bytes], rows: list[Row], profiles: list[Row]
) -> Visitor | None:
    """The visitor from its row and the row of its person, if they exist."""
    row = rows[0] if rows else None
    if row is None or row.pageview_count == 0:
        return None
    return visitor_from(key[1], row, profile_from(tx, key[0], profiles[0] if profiles else None))


def visitor_from(visitor_id: bytes, row: Row, person: KnownPerson | None) -> Visitor:
    """The visitor from its row."""
    return Visitor(
        visitor_id,
        row.first_seen_at,
        row.last_seen_at,
        row.session_started_at,
        row.session_count,
        row.pageview_count,
        row.current_url,
        _decode_place(row.place) if row.place else NOWHERE,
        _decode_device(row.device) if row.device else _UNKNOWN,
        row.first_referrer,
        _decode_params(row.first_params) if row.first_params else _NO_PARAMS,
        row.first_click_ids,
        person,
    )

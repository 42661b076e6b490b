"""The history from which predictions are made: some visitors of the last months, what they were like, and who of them paid.

It is read in slices of some milliseconds. Ids of visitors are random, so the first visitors in their order are as good as any.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from footfall.clock import DAY_MS
from footfall.collect.enrich.geo import Place
from footfall.collect.model import StoredDevice, touch_of
from footfall.db.protocol import Row, Transaction
from footfall.db.statements import load
from footfall.ids import EVENT_BYTES, at_prefix
from footfall.payments.model import Payment
from footfall.payments.rates import Rates
from footfall.payments.rules import brings_money, sum_up
from footfall.payments.service import find
from footfall.payments.store import END, edge
from footfall.predictions.fit import Past
from footfall.predictions.model import PAGES_FROM, signs_of
from footfall.websites.model import Website

sql = load(__file__, "predictions.sql")

DAYS = 90
"""Visitors who came first within so many days are the history."""
MOST_VISITORS, MOST_LOOKED_AT = 20_000, 100_000
"""How many visitors it holds, and how many are looked at to find them."""
MOST_PAYMENTS = 20_000
"""Where there were more, the history begins with the oldest of so many."""
SLICE = 500
_NEVER = b"\xff" * EVENT_BYTES

_decode_place = msgspec.json.Decoder(Place).decode
_decode_device = msgspec.json.Decoder(StoredDevice).decode


class FirstPaid(msgspec.Struct, frozen=True):
    """When a visitor first paid (ms since epoch), and how much in all, in the minor unit of the website's currency."""

    at: int
    minor: int


class Payers(msgspec.Struct, frozen=True):
    """Who paid from `since` on (ms since epoch), by visitor id."""

    since: int
    paid: dict[bytes, FirstPaid]


class PayersQuery(NamedTuple):
    """Who paid until `now` (ms since epoch). Without `rates`, other currencies than the website's count as nothing."""

    website: Website
    now: int
    rates: Rates | None


class SliceQuery(NamedTuple):
    """The next visitors behind an id."""

    website_id: bytes
    payers: Payers
    position: bytes


class HistorySlice(msgspec.Struct, frozen=True):
    """A part of a history. `position`: the last visitor that was looked at; None: there is none behind."""

    pasts: list[Past]
    position: bytes | None


def read_payers(tx: Transaction, asked: PayersQuery) -> Payers:
    """Who paid. A payment without a visitor counts for the one who was identified last as the user whose it is."""
    website_id, since = asked.website.website_id, asked.now - DAYS * DAY_MS
    payments = find(tx, website_id, None, edge(since), END, MOST_PAYMENTS)
    if len(payments) == MOST_PAYMENTS:
        since = payments[-1].at + 1
    visitors = _visitors_of_users(tx, website_id, payments)
    by_visitor: dict[bytes, list[Payment]] = defaultdict(list)
    for one in payments:
        visitor_id = one.visitor_id or visitors.get(one.profile_id or b"")
        if visitor_id is not None:
            by_visitor[visitor_id].append(one)
    paid = {
        visitor_id: FirstPaid(min(times), sum_up(theirs, asked.website.currency, asked.rates).total.minor)
        for visitor_id, theirs in by_visitor.items()
        if (times := [one.at for one in theirs if brings_money(one)])
    }
    return Payers(since, paid)


def _visitors_of_users(tx: Transaction, website_id: bytes, payments: Iterable[Payment]) -> dict[bytes, bytes]:
    """The visitor of each user who has payments without one."""
    users = sorted({one.profile_id for one in payments if one.visitor_id is None and one.profile_id})
    rows = tx.get_many(sql.visitor_of_user, [(website_id, user) for user in users])
    return {user: row.visitor_id for user, row in zip(users, rows, strict=True) if row is not None}


def read_slice(tx: Transaction, asked: SliceQuery) -> HistorySlice:
    """The next part of a history."""
    rows = tx.all(sql.visitors_behind, (asked.website_id, asked.position, SLICE))
    found = [row for row in rows if _belongs(row, asked.payers)]
    keys = [(asked.website_id, row.visitor_id, _until(row, asked.payers), PAGES_FROM) for row in found]
    (pages,) = tx.groups((sql.pages_before, keys)) if keys else ([],)
    pasts = [
        _past(row, [page.url for page in seen], asked.payers.paid.get(row.visitor_id))
        for row, seen in zip(found, pages, strict=True)
    ]
    return HistorySlice(pasts, rows[-1].visitor_id if len(rows) == SLICE else None)


def _belongs(row: Row, payers: Payers) -> bool:
    """Whether a visitor was new in that time, and did not come as a customer already."""
    paid = payers.paid.get(row.visitor_id)
    return bool(
        row.pageview_count
        and row.first_seen_at >= payers.since
        and (paid is None or paid.at >= row.first_seen_at)
    )


def _until(row: Row, payers: Payers) -> bytes:
    """What customers did before they paid is looked at alone: what they did later would tell that they did."""
    paid = payers.paid.get(row.visitor_id)
    return _NEVER if paid is None else at_prefix(paid.at)


def _past(row: Row, pages: list[str], paid: FirstPaid | None) -> Past:
    place = _decode_place(row.place) if row.place else None
    stored = _decode_device(row.device) if row.device else None
    source = touch_of(row.first_seen_at, None, row.first_referrer, row.first_params).source
    signs = signs_of(
        place.country_code if place else None, stored.device.type if stored else None, source, pages
    )
    return Past(frozenset(signs), paid.minor if paid else None)


class HistoryReader:
    """Collects a history. `query`: what to read next; None when it is whole."""

    def __init__(self, website_id: bytes, payers: Payers) -> None:
        self.pasts: list[Past] = []
        self.query: SliceQuery | None = SliceQuery(website_id, payers, b"")
        self._looked_at = 0

    def add(self, part: HistorySlice) -> None:
        """Take the answer to `query`."""
        self.pasts += part.pasts
        self._looked_at += SLICE
        is_enough = self._looked_at >= MOST_LOOKED_AT or len(self.pasts) >= MOST_VISITORS
        if self.query is not None and part.position is not None and not is_enough:
            self.query = self.query._replace(position=part.position)
        else:
            self.query = None


def read_history(tx: Transaction, asked: PayersQuery) -> list[Past]:
    """A whole history at once, for commands."""
    reader = HistoryReader(asked.website.website_id, read_payers(tx, asked))
    while reader.query is not None:
        reader.add(read_slice(tx, reader.query))
    return reader.pasts

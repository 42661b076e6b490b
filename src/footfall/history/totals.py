"""Numbers of days that another system counted: beside a website's own, which begin where these end.

They are no events: nobody knows who the visitors were. So they count where nothing is filtered, and never as people or new visitors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from footfall.clock import find_zone
from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import load
from footfall.history.model import HistoryCard, ImportedDay
from footfall.websites.model import Website

sql = load(__file__, "history.sql")

_EPOCH = datetime(1970, 1, 1)
_encode = msgspec.json.Encoder().encode
_decode_keys = msgspec.json.Decoder(tuple[str, ...]).decode


class ImportedTotals(msgspec.Struct, frozen=True):
    """What imported days add to the totals of a range. `time`: ms spent on visits; `begun`: visits that began, of which `bounces` had one page."""

    visitors: int = 0
    sessions: int = 0
    pageviews: int = 0
    bounces: int = 0
    time: int = 0

    @property
    def begun(self) -> int:
        """Every visit of a day began on it."""
        return self.sessions


NO_DAYS = ImportedTotals()


def imported_days(
    tx: Transaction, website_id: bytes, since: int, until: int, card: HistoryCard = HistoryCard.TOTAL
) -> list[ImportedDay]:
    """The imported numbers of the days from `since` on, before `until` (days since epoch, in the website's time zone), in order."""
    return [_day(card, row) for row in tx.all(sql.days_between, (website_id, card.value, since, until))]


def add_days(days: Iterable[ImportedDay]) -> ImportedTotals:
    """What these numbers come to. Visitors of several days are the sum of those of each."""
    sums = [0] * 5
    for one in days:
        told = (one.visitors, one.sessions, one.pageviews, one.bounces, 1000 * (one.seconds or 0))
        sums = [total + (number or 0) for total, number in zip(sums, told, strict=True)]
    return ImportedTotals(*sums)


def first_imported_day(tx: Transaction, website_id: bytes) -> int | None:
    """The first day with imported numbers (days since epoch); None without any."""
    return first_imported_days(tx, [website_id])[0]


def first_imported_days(tx: Transaction, website_ids: Sequence[bytes]) -> list[int | None]:
    """The same for several websites."""
    rows = tx.get_many(sql.day_first, [(one, HistoryCard.TOTAL.value) for one in website_ids])
    return [None if row is None else int(row.day) for row in rows]


def first_own_day(tx: Transaction, website: Website) -> int | None:
    """The day of the website's time zone on which its first visitor came (days since epoch); None before one."""
    row = tx.one(sql.seen_first, (website.website_id,))
    if row is None or row.at is None:
        return None
    zone = find_zone(website.timezone) or UTC
    local = datetime.fromtimestamp(row.at / 1000, zone).replace(tzinfo=None)
    return (local - _EPOCH) // timedelta(days=1)


def find_known_days(tx: Transaction, website_id: bytes, days: Sequence[ImportedDay]) -> list[bool]:
    """Which of these numbers are stored as they are, or stand in the list before."""
    rows = tx.get_many(sql.day_get, [_key(website_id, one) for one in days])
    stored = {_key(website_id, one): row and _day_of(one, row) for one, row in zip(days, rows, strict=True)}
    known = []
    for one in days:
        key = _key(website_id, one)
        known.append(stored[key] == one)
        stored[key] = one
    return known


def put_days(tx: Transaction, website_id: bytes, days: Sequence[ImportedDay]) -> list[bool]:
    """Store these numbers in place of those that there are; which of them were not there. Of equal keys, the last counts."""
    known = find_known_days(tx, website_id, days)
    rows = {_key(website_id, one): one for one in days}
    tx.execute_many(sql.day_put, [(*key, *_numbers(one)) for key, one in rows.items()])
    return [not old for old in known]


def _key(website_id: bytes, one: ImportedDay) -> Params:
    return (website_id, one.card.value, one.day, _encode(one.keys).decode())


def _numbers(one: ImportedDay) -> Params:
    return (one.visitors, one.sessions, one.pageviews, one.bounces, one.seconds, one.events)


def _day(card: HistoryCard, row: Row) -> ImportedDay:
    return _day_of(ImportedDay(card, row.day, _decode_keys(row.keys)), row)


def _day_of(key: ImportedDay, row: Row) -> ImportedDay:
    return ImportedDay(
        key.card,
        key.day,
        key.keys,
        row.visitors,
        row.sessions,
        row.pageviews,
        row.bounces,
        row.seconds,
        row.events,
    )

"""The list of visitors. Background steps keep it a moment behind, so that no pageview pays for it.

All of it can be rebuilt from the table `visitor`. Each process remembers whom it saw since its last step, and brings their places up to
date. What it could not remember, because it was killed, saw too many at once, or lost what it wrote, it finds by going through all visitors of
a website. Progress is stored (`visitor_due`), so that processes share this work, and each start begins it. The number of visitors changes in
the same transaction as the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from time import monotonic, perf_counter
from typing import NamedTuple

import msgspec

from footfall.collect.enrich.geo import NOWHERE, Place
from footfall.collect.model import StoredDevice
from footfall.db.protocol import Database, Params, Row, Transaction, Value, WriteHandler
from footfall.db.statements import load
from footfall.identity.erasing import Blanked, Counts, Eraser
from footfall.payments.matching import note_seen
from footfall.visitors.folding import folded, folded_referrer
from footfall.websites.store import read_websites

sql = load(__file__, "listing.sql")

STEP, SEEN_STEP = 100, 20
"""Visitors per step, and of those just seen, nearly all of whom get another place: a few milliseconds each."""
PARTS = 16
LOOK_SECONDS = 1.0
"""How often to check whom this process saw."""
FLUSH_SECONDS = 1.0
BUSY_CALLS, BUSY_PAUSE, PAUSE = 200, 49.0, 3.0
"""From BUSY_CALLS live calls per second on, each step is followed by a pause of BUSY_PAUSE times its duration; below that, of PAUSE times."""

_decode_place = msgspec.json.Decoder(Place).decode
_decode_device = msgspec.json.Decoder(StoredDevice).decode
_decode_params = msgspec.json.Decoder(dict[str, str | None]).decode


class ListStep(NamedTuple):
    """What a step did: how many visitors it processed, in how many seconds."""

    visitors: int
    seconds: float


class Due(NamedTuple):
    """Visitors whose places have to be checked: those of a website after an id, empty for all."""

    website_id: bytes
    position: bytes


class SeenVisitor(NamedTuple):
    """`seen_at`: ms since epoch."""

    visitor_id: bytes
    seen_at: int


def newest_visitors(tx: Transaction, website_id: bytes, most: int) -> list[SeenVisitor]:
    """The visitors seen last, as far as the list knows."""
    rows = tx.derived.all(sql.newest_listed, (website_id, most))
    return [SeenVisitor(row.visitor_id, row.seen_at) for row in rows]


def list_visitors(tx: Transaction, calls: list[list[Params]]) -> list[ListStep]:
    """Write handler: bring the places of visitors (website id, visitor id) up to date."""
    return [_timed(tx, sorted(set(call))) for call in calls]


def list_due(tx: Transaction, calls: list[Due]) -> list[ListStep]:
    """Write handler: do so for some of the visitors whose places have to be checked."""
    return [_list_due(tx, due) for due in calls]


def _timed(tx: Transaction, keys: list[Params]) -> ListStep:
    started = perf_counter()
    _bring_up_to_date(tx, keys)
    return ListStep(len(keys), perf_counter() - started)


def _list_due(tx: Transaction, due: Due) -> ListStep:
    if not tx.execute(sql.due_remove, due):  # another process was quicker
        return ListStep(0, 0.0)
    found = tx.all(sql.visitors_behind, (*due, STEP))
    step = _timed(tx, [(due.website_id, row.visitor_id) for row in found])
    if len(found) == STEP:
        tx.execute(sql.due_add, (due.website_id, found[-1].visitor_id))
    return step


def _bring_up_to_date(tx: Transaction, keys: list[Params]) -> None:
    put: list[Params] = []
    moved: list[Params] = []
    gone: list[Params] = []
    more: list[tuple[Params, int]] = []
    fresh: list[Params] = []
    held_places = tx.derived.get_many(sql.listed_get, keys)
    for key, now, held in zip(keys, tx.get_many(sql.visitor_now, keys), held_places, strict=True):
        place = place_of(now) if now is not None and now.pageview_count else None
        known = msgspec.structs.astuple(held) if held is not None else None
        if place is None:
            gone += [key] if known else []
        elif known is None or known[1:] != place[1:]:
            put.append((*key, *place))
            fresh += [] if known else [key]
        elif known != place:
            moved.append((*key, place[0]))
        if (place is None) != (known is None):
            more.append((_part(key), 1 if known is None else -1))
    note_seen(tx, fresh)
    derived = tx.derived
    derived.execute_many(sql.listed_put, put)
    derived.execute_many(sql.listed_move, moved)
    derived.execute_many(sql.listed_remove, gone)
    derived.execute_many(sql.total_add, _sums(more))


def _part(key: Params) -> Params:
    website_id, visitor_id = key
    return (website_id, visitor_id[0] % PARTS)  # type: ignore[index] # an id


def _sums(more: list[tuple[Params, int]]) -> list[Params]:
    ordered = groupby(sorted(more), key=itemgetter(0))
    return [(*part, sum(number for _, number in group)) for part, group in ordered]


def place_of(visitor: Row) -> Params:
    """What the list says about a visitor, in the order of the columns of `listed_put`."""
    referrer, params = visitor.first_referrer, visitor.first_params
    return (
        visitor.last_seen_at,
        visitor.first_seen_at,
        *_facets(visitor.place, visitor.device),
        folded_referrer(referrer) if referrer else None,
        _folded_params(params) if params else None,
    )


@lru_cache(4096)
def _facets(stored_place: str | None, stored_device: str | None) -> Params:
    """The folded country, region, city, browser, system and device type."""
    place = _decode_place(stored_place) if stored_place else NOWHERE
    device = _decode_device(stored_device).device if stored_device else None
    kinds = (device.browser, device.os, device.type) if device else (None, None, None)
    return tuple(
        folded(text) if text else None for text in (place.country_code, place.region, place.city, *kinds)
    )


@lru_cache(1024)
def _folded_params(text: str) -> str:
    params = {name: folded(value) for name, value in _decode_params(text).items() if value}
    return msgspec.json.encode(params).decode()


def look_at_all(tx: Transaction, website_ids: Iterable[bytes]) -> None:
    """Note that the places of all visitors of these websites have to be checked."""
    for website_id in website_ids:
        tx.execute(sql.due_add, (website_id, b""))


def _locks(calls: list[list[Params]] | list[Due]) -> list[Params]:
    return [(b"visitor list",)]


def _share(website_ids: Iterable[Value]) -> list[Params]:
    """Erasures blank what the list is built from. They wait for steps, and steps wait for them."""
    return [(website_id, b"visitors") for website_id in set(website_ids)]


LIST_HANDLER = WriteHandler(
    rank=-1,
    run=list_visitors,
    is_step=True,
    locks=_locks,
    shares=lambda calls: _share(key[0] for call in calls for key in call),
)
DUE_HANDLER = WriteHandler(
    rank=-1,
    run=list_due,
    is_step=True,
    locks=_locks,
    shares=lambda calls: _share(due.website_id for due in calls),
)


class Lister:
    """Keeps the list up to date. `take` returns whom this process saw since the previous call, and whether it could not remember all of them."""

    def __init__(
        self, database: Database, take: Callable[[], tuple[list[tuple[bytes, bytes]], bool]]
    ) -> None:
        self._database = database
        self._take = take
        self._waiting: list[tuple[bytes, bytes]] = []
        self._has_lost = True
        self._has_more = False
        self._is_written = False
        self._flush_at = 0.0
        self._losses = 0
        self._calls, self._looked_at = 0, monotonic()

    async def advance(self) -> float:
        """Run a step. Returns the seconds to wait before the next. Raises ApiError and DatabaseError; then all visitors are checked later."""
        try:
            return await self._advance()
        except Exception:
            self._waiting, self._has_lost = [], True
            raise

    async def _advance(self) -> float:
        if not self._waiting:
            self._waiting, has_lost = self._take()
            self._has_lost |= has_lost
        if self._has_lost:
            await self._database.change(lambda tx: look_at_all(tx, read_websites(tx)))
            self._has_lost = False
        step = await self._step()
        self._is_written |= step.visitors > 0
        if self._is_written and (not self._has_more or monotonic() >= self._flush_at):
            await self._flush()
        return self._pause(step)

    async def _step(self) -> ListStep:
        step: ListStep
        if self._waiting:
            self._has_more = True
            part = self._waiting[-SEEN_STEP:]
            step = await self._database.write(LIST_HANDLER, part)
            del self._waiting[-SEEN_STEP:]
        elif (due := await self._database.read(_next_due, None)) is not None:
            step = await self._database.write(DUE_HANDLER, due)
            self._has_more = True
        else:
            step, self._has_more = ListStep(0, 0.0), False
        return step

    async def _flush(self) -> None:
        losses, self._losses = self._losses, await self._database.derived.flush()
        self._has_lost |= losses != self._losses
        self._is_written, self._flush_at = False, monotonic() + FLUSH_SECONDS

    def _pause(self, step: ListStep) -> float:
        calls, self._calls = self._calls, self._database.live_calls()
        since, self._looked_at = self._looked_at, monotonic()
        if not self._has_more:
            return LOOK_SECONDS
        came = self._calls - calls
        if not came:
            return 0
        return step.seconds * (BUSY_PAUSE if came > BUSY_CALLS * (self._looked_at - since) else PAUSE)


def _next_due(tx: Transaction, asked: None) -> Due | None:
    row = tx.one(sql.due_next)
    return None if row is None else Due(row.website_id, row.position)


def _finish_visitors(tx: Transaction, blanked: Blanked) -> Counts:
    """The list repeats what a visitor's row says, some of which may just have been blanked."""
    _bring_up_to_date(tx, [(blanked.erasure.website_id, one) for one in sorted(blanked.fresh)])
    return {}


ERASER = Eraser(tables=frozenset(("listed_visitor",)), finish_visitors=_finish_visitors)

"""What an erasure does to the database: first whatever makes the person nobody, then, in slices, whatever may be many rows.

Each domain's eraser knows what to do with the domain's rows. This module decides when, how much of it, and keeps track of progress.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from time import perf_counter
from typing import NamedTuple

import msgspec

from footfall.clock import system_clock
from footfall.db.protocol import Params, Row, Transaction
from footfall.db.statements import load
from footfall.identity import erasing as ledger
from footfall.identity import rules
from footfall.identity.erasing import (
    Blanked,
    Counts,
    Eraser,
    Erasure,
    FactOn,
    Held,
    Leaving,
    Range,
    Ranges,
    end_erasing,
    facts_there,
    links_of,
    some_facts,
    time_of_erasure,
    users_being_erased,
)
from footfall.identity.model import Link
from footfall.ids import EVENT_BYTES, MAX_AT, at_prefix
from footfall.outbox.store import clean_since

sql = load(__file__, "erasing.sql")

FACTS, ROWS, VISITORS = 200, 500, 16
"""Facts in one slice; rows to blank and visitors to process before it checks the time."""
SLICE_SECONDS = 0.03
"""A slice ends after this long, because live calls wait for it."""
CLOCKS_MS = 1000
"""By which clocks of machines may differ."""
PAGE = 10_000
"""Facts that are read at once, to be divided into slices."""

_BLANKED = b"\xff" * EVENT_BYTES
"""After all ids of what a visitor did: nothing is left to blank."""

Erasers = Sequence[Eraser]


class Erased(msgspec.Struct, frozen=True):
    """What an erasure has removed or blanked so far: its receipt once `is_done`. `rows`: how many, by kind.

    `keys`: (website id, profile id) of the users, while they are being erased. `ended_at`: when all of it was done. `columns_at`: since when
    no columns hold what it removed; None: they are still to be rewritten.
    """

    erasure_id: bytes
    erased_at: int
    users: int
    visitors: int
    rows: Counts
    keys: list[Params]
    is_done: bool
    ended_at: int | None = None
    columns_at: int | None = None


def begin(
    tx: Transaction,
    erasers: Erasers,
    erasure: Erasure,
    members: dict[bytes, str],
    now: int,
    until: int = MAX_AT,
) -> list[Params]:
    """Make these users (user ids by profile id) nobody. Only facts before `until` are known. Returns their keys."""
    keys: list[Params] = [(erasure.website_id, member) for member in sorted(members)]
    leaving = Leaving(erasure, members, min(time_of_erasure(tx, keys, now), until - 1))
    counts: Counts = dict.fromkeys((name for eraser in erasers for name in eraser.counts), 0)
    for eraser in erasers:
        if eraser.forget_users:
            _add(counts, eraser.forget_users(tx, leaving))
    _add_counts(tx, leaving, counts)
    return keys


def forget(tx: Transaction, erasers: Erasers, keys: list[Params]) -> None:
    """Remove these profiles (website id, profile id) from the trait index."""
    for eraser in erasers:
        if eraser.forget_derived:
            eraser.forget_derived(tx, keys)


def _add(counts: Counts, more: Counts) -> None:
    for name, many in more.items():
        counts[name] = counts.get(name, 0) + many


def _add_counts(tx: Transaction, leaving: Leaving, counts: Counts) -> None:
    """Note that an erasure begins; or that one of several users continues with the next of them."""
    key = (leaving.erasure.website_id, leaving.erasure.erasure_id)
    known = tx.one(sql.erasure_get, key)
    if known is not None:
        _add(counts, _decode(known.counts))
    tx.execute(sql.erasure_add, (*key, leaving.at, len(leaving.users), _encode(counts)))


def _encode(counts: Counts) -> str:
    return msgspec.json.encode(counts).decode()


_decode = msgspec.json.Decoder(dict[str, int]).decode


def erased(tx: Transaction, website_id: bytes, erasure_id: bytes) -> Erased | None:
    """How far an erasure came; None if the id is unknown."""
    row = tx.one(sql.erasure_get, (website_id, erasure_id))
    if row is None:
        return None
    keys: list[Params] = [(website_id, one) for one in users_being_erased(tx, website_id, erasure_id)]
    return Erased(
        erasure_id,
        row.erased_at,
        row.users,
        row.visitors,
        _decode(row.counts),
        keys,
        not keys,
        row.ended_at,
        row.columns_at,
    )


def facts_left(tx: Transaction, erasure: Erasure) -> list[FactOn]:
    """The next facts to remove, visitor by visitor, to be divided into slices."""
    return ledger.facts_left(tx, erasure, PAGE)


def few_facts(tx: Transaction, erasure: Erasure) -> list[FactOn]:
    """All facts to remove, in the form of `facts_left`, if one slice can hold them; otherwise none."""
    found = some_facts(tx, erasure, FACTS + 1)
    return found if len(found) <= FACTS else []


def end(tx: Transaction, erasure: Erasure) -> Erased | None:
    """The receipt; not yet a final one while facts are left. None if the erasure, or its website, is no longer known."""
    if not some_facts(tx, erasure, 1):
        end_erasing(tx, erasure)
        tx.execute(sql.erasure_end, (erasure.website_id, erasure.erasure_id, system_clock()))
    return erased(tx, erasure.website_id, erasure.erasure_id)


def are_in_columns(tx: Transaction, _: object = None) -> bool:
    """Whether `note_columns` has something to note."""
    return tx.one(sql.erasures_in_columns, (_known_since(tx), 1)) is not None


def note_columns(tx: Transaction) -> None:
    """Note of which erasures no columns hold anything any more."""
    rows = tx.all(sql.erasures_in_columns, (_known_since(tx), FACTS))
    at = clean_since(tx)
    tx.execute_many(sql.erasure_columns, [(row.website_id, row.erasure_id, at) for row in rows])


def _known_since(tx: Transaction) -> int:
    """Erasures that were done before are in no columns, on whichever machine's clock."""
    return clean_since(tx) - CLOCKS_MS


def finish(tx: Transaction, erasers: Erasers, erasure: Erasure, until: int = MAX_AT) -> Erased | None:
    """Do all that is left of an erasure in this one transaction. Only what was done before `until` is blanked, and leaves boundaries."""
    while facts := facts_left(tx, erasure):
        for part in slices(facts):
            taken = 0
            while taken < len(part.facts):
                rest = msgspec.structs.replace(part, facts=part.facts[taken:])
                taken += take(tx, erasers, erasure, rest, until)
    return end(tx, erasure)


class Slice(msgspec.Struct, frozen=True):
    """Some facts to remove, one visitor after the other. `is_cut`: there may be more for the last visitor."""

    facts: list[FactOn]
    is_cut: bool


def slices(facts: list[FactOn]) -> list[Slice]:
    """The result of `facts_left`, divided into slices."""
    found = []
    for start in range(0, len(facts), FACTS):
        part, following = facts[start : start + FACTS], facts[start + FACTS : start + FACTS + 1]
        is_cut = following[0].visitor_id == part[-1].visitor_id if following else len(facts) >= PAGE
        found.append(Slice(part, is_cut))
    return found


def take(tx: Transaction, erasers: Erasers, erasure: Erasure, part: Slice, until: int = MAX_AT) -> int:
    """Blank what was done before `until` and remove facts, as many as time allows. Returns how many, counted from the first.

    0: only some of what the first visitor did could be blanked.
    """
    row = tx.one(sql.erasure_get, (erasure.website_id, erasure.erasure_id))
    if row is None:  # its website is gone, and all of this with it
        end_erasing(tx, erasure)
        return len(part.facts)
    work = _Work(tx, erasers, erasure, part, until, row)
    deadline, taken, width = perf_counter() + SLICE_SECONDS, 0, VISITORS
    listed = {one: len(list(facts)) for one, facts in groupby(part.facts, key=attrgetter("visitor_id"))}
    waiting = list(listed)
    while waiting and (not taken or perf_counter() < deadline):
        done = work.do(waiting[:width])
        if not done:
            break
        taken += sum(listed[visitor_id] for visitor_id in done)
        waiting = waiting[len(done) :]
        width = min(2 * len(done), VISITORS)  # so that little is read in vain for visitors who did much
    work.save()
    return taken


class _Cursor(NamedTuple):
    """The visitor whose rows are being blanked, and the id of the first row that is not blanked yet."""

    visitor_id: bytes | None
    row_id: bytes | None


class _Work:
    """What one slice does, a few visitors at a time."""

    def __init__(
        self, tx: Transaction, erasers: Erasers, erasure: Erasure, part: Slice, until: int, row: Row
    ) -> None:
        self._tx = tx
        self._erasers = erasers
        self._erasure = erasure
        self._until = until
        self._cut = part.facts[-1].visitor_id if part.is_cut else None
        """There may be more facts about this visitor than those of the slice."""
        self._visitors = row.visitors
        self._counts: Counts = _decode(row.counts)
        self._cursor = _Cursor(row.visitor_id, row.event_id)
        self._users = frozenset(users_being_erased(tx, erasure.website_id, erasure.erasure_id))
        self._facts = facts_there(tx, erasure.website_id, part.facts)
        """What is left of the slice's facts, by visitor: the same slice may have been handed out twice."""

    def save(self) -> None:
        """Note how far the erasure came."""
        key = (self._erasure.website_id, self._erasure.erasure_id)
        self._tx.execute(sql.erasure_put, (*key, self._visitors, _encode(self._counts), *self._cursor))

    def do(self, visitors: list[bytes]) -> list[bytes]:
        """Process these visitors. Returns those who are done, counted from the first."""
        left = self._left(visitors)
        links = links_of(self._tx, self._erasure.website_id, left)
        ranges = {one: self._ranges(one, links[one]) for one in left}
        held = [
            eraser.find(self._tx, self._erasure.website_id, ranges, ROWS + 1)
            for eraser in self._erasers
            if eraser.find
        ]
        done = _that_fit(visitors, held)
        if not done:
            self._blank_some(visitors[0], ranges[visitors[0]], held)
        elif found := self._left(done):
            self._blank({one: ranges[one] for one in found}, held)
            self._finish(found, links)
        return done

    def _left(self, visitors: Iterable[bytes]) -> list[bytes]:
        return [visitor_id for visitor_id in visitors if visitor_id in self._facts]

    def _ranges(self, visitor_id: bytes, links: list[Link]) -> list[Range]:
        """The periods in which the users had the visitor, as far as they are not blanked yet."""
        start = (self._cursor.row_id or b"") if self._cursor.visitor_id == visitor_id else b""
        spans = [
            (max(at_prefix(since), start), at_prefix(min(until, self._until)))
            for since, until in rules.own_spans(links, self._users)
        ]
        return [span for span in spans if span[0] < span[1]]

    def _blank_some(self, visitor_id: bytes, ranges: list[Range], held: list[Held]) -> None:
        """Blank the beginning of what a visitor did who did too much, in all domains up to the same time."""
        following = sorted(row_id for one in held for row_id in one.ids(visitor_id))[ROWS]
        before = [(since, min(until, following)) for since, until in ranges if since < following]
        self._blank({visitor_id: before}, held)
        self._cursor = _Cursor(visitor_id, following)

    def _blank(self, ranges: Ranges, held: list[Held]) -> None:
        for one in held:
            _add(self._counts, one.blank(ranges))

    def _finish(self, visitors: list[bytes], links: dict[bytes, list[Link]]) -> None:
        """Everything done on these visitors is blanked. Remove what else tells about it, and the facts."""
        blanked = Blanked(
            self._erasure,
            self._users,
            links,
            {one: self._facts[one] for one in visitors},
            [one for one in visitors if self._cursor != (one, _BLANKED)],
            self._until,
            self._cut,
        )
        for eraser in self._erasers:
            if eraser.finish_visitors:
                _add(self._counts, eraser.finish_visitors(self._tx, blanked))
        self._visitors += len(blanked.fresh)
        self._cursor = _Cursor(visitors[-1], _BLANKED)


def _that_fit(visitors: list[bytes], held: list[Held]) -> list[bytes]:
    """The visitors, counted from the first, who did no more than can be blanked at once."""
    done, room = [], ROWS
    for visitor_id in visitors:
        room -= sum(len(one.ids(visitor_id)) for one in held)
        if room < 0:
            break
        done.append(visitor_id)
    return done

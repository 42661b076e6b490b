"""Notice what a clock that ran ahead left behind, and date it back.

Live facts are later than all they could be compared with. So one that lies in the future draws those after it there too, and until then
what a visitor does belongs to whoever had it before them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import msgspec
from msgspec.structs import astuple, replace

from footfall.clock import Clock
from footfall.db.protocol import Database, Params, Row, Transaction
from footfall.db.statements import load
from footfall.identity import rules
from footfall.identity.fold import refresh_people, refresh_profile, refresh_visitor
from footfall.identity.ledger.undo import undone_by
from footfall.identity.model import IDENTIFY, MERGE, UNDO
from footfall.identity.store import sql as identity_sql
from footfall.ids import AT_BYTES, at_of, at_prefix
from footfall.log import get_logger
from footfall.websites.model import Website

sql = load(__file__, "dating.sql")

AHEAD_MS = 120_000
"""How far a fact may lie ahead of a sound clock: `$at` of 60 s, and a server whose clock is a little ahead of this one's."""

_encode = msgspec.json.Encoder(order="sorted").encode


class _Dated(msgspec.Struct, frozen=True):
    """Something with a time. `latest`: the latest time that it may get; `about`: entries about the same thing keep their order."""

    at: int
    entry_id: bytes
    latest: int
    about: tuple[bytes, ...]


def date_back(tx: Transaction, website: Website, now: int) -> int:
    """Date what lies after `now` (ms since epoch) back to when it was received, in the order in which it lies; how many facts.

    Facts that were received by the clock that ran ahead come right before what followed them. No erasure may be under way.
    """
    website_id = website.website_id
    tx.lock([(website_id, b"people")])
    since = at_prefix(now + 1)
    facts = tx.all(sql.facts_from, (website_id, since))
    boundaries = tx.all(sql.boundaries_from, (website_id, since))
    erasures = tx.all(sql.erasures_after, (website_id, now))
    entries = [_fact_entry(website.profile_secret, row) for row in facts]
    entries += [_Dated(at_of(row.fact_id), row.fact_id, now, (row.visitor_id,)) for row in boundaries]
    entries += [_Dated(row.erased_at, row.user_hash, now, (row.user_hash,)) for row in erasures]
    dates = _dates(entries, now)
    for row in erasures:
        tx.execute(sql.erasure_date, (website_id, row.user_hash, dates[row.user_hash]))
    for row in boundaries:
        tx.execute(sql.boundary_remove, (website_id, row.visitor_id, row.fact_id))
        dated = at_prefix(dates[row.fact_id]) + row.fact_id[AT_BYTES:]
        tx.execute(identity_sql.boundary_add, (website_id, row.visitor_id, dated))
    names: dict[bytes, bytes] = {}
    for row in facts:
        names[row.fact_id] = _move(tx, website_id, row, dates[row.fact_id], now, names)
    _refresh(tx, website_id, facts, [row.visitor_id for row in boundaries])
    return len(facts)


def _fact_entry(secret: bytes, row: Row) -> _Dated:
    about = [row.fact_id, row.profile_id, rules.user_hash(secret, row.user_id)]
    if row.kind == IDENTIFY:
        about.append(row.visitor_id)
    else:
        about += _merged(row.operations) if row.kind == MERGE else [undone_by(row.operations)]
    return _Dated(at_of(row.fact_id), row.fact_id, row.received_at, tuple(about))


def _merged(operations: str) -> list[bytes]:
    """The ids of the profiles that a merge joins, the smaller one first."""
    return [bytes.fromhex(text) for text in msgspec.json.decode(operations)["merge"]]


def _dates(entries: Iterable[_Dated], now: int) -> dict[bytes, int]:
    """New times by entry id: from the last one on, each before those that follow it."""
    earliest: dict[bytes, int] = {}
    dates: dict[bytes, int] = {}
    for entry in sorted(entries, key=lambda entry: (entry.at, entry.entry_id), reverse=True):
        at = min([now, entry.latest, *(earliest[one] - 1 for one in entry.about if one in earliest)])
        dates[entry.entry_id] = at
        earliest.update(dict.fromkeys(entry.about, at))
    return dates


def _move(
    tx: Transaction, website_id: bytes, row: Row, at: int, now: int, names: dict[bytes, bytes]
) -> bytes:
    """Put a fact where it belongs; its new id. `names`: the new ids of those that were moved before it."""
    old, kind, operations = row.fact_id, row.kind, row.operations
    if kind == UNDO:
        said = msgspec.json.decode(operations)
        target = bytes.fromhex(said["undo"])
        operations = _encode({**said, "undo": names.get(target, target).hex()}).decode()
    new = rules.fact_id(
        website_id,
        kind,
        row.user_id,
        row.visitor_id or b"",
        at,
        operations.encode(),
        row.source,
        row.key_id,
    )
    tx.execute(identity_sql.fact_remove, (website_id, old))
    if tx.one(identity_sql.fact_exists, (website_id, new)) is None:
        dated = {"fact_id": new, "received_at": min(row.received_at, now), "operations": operations}
        tx.execute(identity_sql.fact_add, (website_id, *astuple(replace(row, **dated))))
    if tx.execute(identity_sql.inactive_remove, (website_id, old)):
        tx.execute(identity_sql.inactive_add, (website_id, new))
    if kind == MERGE:
        low, high = _merged(operations)
        for one, other in ((low, high), (high, low)):
            tx.execute(identity_sql.merge_remove, (website_id, one, old))
            tx.execute(identity_sql.merge_add, (website_id, one, new, other))
    elif kind == UNDO:
        tx.execute(identity_sql.undo_remove, (website_id, target, old))
        tx.execute(identity_sql.undo_add, (website_id, names.get(target, target), new))
    return new


def _refresh(tx: Transaction, website_id: bytes, facts: list[Row], visitor_ids: Iterable[bytes]) -> None:
    """Fold anew what hangs on these facts, as they were before, and on these visitors."""
    owners: dict[bytes, set[bytes]] = {visitor_id: set() for visitor_id in visitor_ids}
    for row in facts:
        if row.kind == IDENTIFY:
            owners.setdefault(row.visitor_id, set()).add(row.profile_id)
    profiles = {row.profile_id for row in facts if row.kind == IDENTIFY}
    for visitor_id, also in owners.items():
        refresh_visitor(tx, website_id, visitor_id, also)
    for profile_id in profiles:
        refresh_profile(tx, website_id, profile_id)
    refresh_people(tx, website_id, profiles)


def newest_at(tx: Transaction, website_ids: Collection[bytes]) -> int:
    """The newest time (ms since epoch) at which somebody was identified or seen on any of these websites; 0 for never."""
    keys: list[Params] = [(website_id,) for website_id in website_ids]
    facts, seen = tx.get_many_together((sql.newest_fact, keys), (sql.newest_seen, keys))
    times = [at_of(row.fact_id) for row in facts if row] + [row.seen_at for row in seen if row]
    return max(times, default=0)


class ClockWatch:
    """Warns when the clock lies behind what is stored. `websites` gives the ids of all."""

    def __init__(self, database: Database, websites: Callable[[], Collection[bytes]], clock: Clock) -> None:
        self._database = database
        self._websites = websites
        self._clock = clock
        self._is_behind = False
        self._log = get_logger("clock")

    async def look(self) -> None:
        """Compare; warn once, until the clock is right again. Raises ApiError and DatabaseError."""
        newest: int = await self._database.scan(newest_at, self._websites())
        behind = newest - self._clock()
        if behind > AHEAD_MS and not self._is_behind:
            self._log.warning(
                "the clock lies behind what is stored: set it; if it ran ahead before, see `footfall doctor WEBSITE_ID`",
                seconds=behind // 1000,
            )
        self._is_behind = behind > AHEAD_MS

"""What people are found by and in which order they are listed, kept a moment behind by background steps.

Whatever changes a person leaves a row in `profile_change`; a step takes some of those rows, brings the index up to date with the
profiles as they are by then, and removes the rows, all in one transaction. So it survives restarts, and several processes share the work.

When people were last seen also follows from events, which leave no such row: each process notes every other second whom it saw, up to a
thousand visitors a second; so the processes also know who is online with the others. When a process is killed, or sees far more than that, some keep their place in the list until they are seen again; what a
person's page says is read from the events.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import msgspec

from footfall.clock import system_clock
from footfall.collect.online import ONLINE_MS
from footfall.db.protocol import Database, Params, Row, Transaction, WriteHandler
from footfall.db.statements import Statement, load
from footfall.errors import ApiError, DatabaseError
from footfall.identity.store import sql as identity_sql
from footfall.ids import EVENT_BYTES, at_of
from footfall.log import get_logger
from footfall.people.terms import indexed_value, search_terms

sql = load(__file__, "index.sql")

_decode = msgspec.json.Decoder().decode

LEAST, MOST = 50, 1000
"""Changes that one step takes: so many that it lasts about as long as it should, see below."""
STEP, STEP_BEHIND, STEP_APART, STEP_ALONE = 0.002, 0.004, 0.008, 0.015
"""Seconds of a step, so that live calls do not wait long; when it is behind; when it is and they need not wait; while no calls come."""
IDLE_SECONDS = 0.25
SEEN_SECONDS, SEEN_STEPS, SEEN_STEP = 2.0, 20, 100
"""How often a process notes whom it saw, in how many steps, and how many visitors in each: a few hundredths of its time at most."""
PAUSE, BEHIND_MS = 3.0, 2500
"""While calls come in, a step is followed by a pause of this many times as long as it took; but not when changes wait longer than that."""
_SEARCHED = frozenset(("name", "email"))


class Step(NamedTuple):
    """What a step did: how many changes it took, in how many seconds, and for how many ms the first of them had waited."""

    changes: int
    seconds: float
    waited: int


def index_step(tx: Transaction, calls: list[int]) -> list[Step]:
    """Write handler: bring the index up to date with at most so many changes."""
    return [_step(tx, most) for most in calls]


def _step(tx: Transaction, most: int) -> Step:
    started = perf_counter()
    changes = tx.all(sql.changes, (most,))
    whole = {(row[0], row[2]) for row in changes if row[3] is None}
    named: dict[Params, set[str]] = {}
    for website_id, _, profile_id, names in changes:
        if (website_id, profile_id) not in whole:
            named.setdefault((website_id, profile_id), set()).update(_decode(names))
    _index(tx, sorted(whole | _index_traits(tx, named)))
    tx.run_many(sql.change_done, [(row[0], row[1]) for row in changes])
    waited = system_clock() - at_of(changes[0][1]) if changes else 0
    return Step(len(changes), perf_counter() - started, waited)


def _index_traits(tx: Transaction, named: dict[Params, set[str]]) -> set[Params]:
    """Bring these traits of profiles up to date; which of the profiles have to be looked at as a whole all the same."""
    whole: set[Params] = set()
    put: list[Params] = []
    gone: list[Params] = []
    for (key, names), row in zip(named.items(), tx.lookup(sql.profile_now, list(named)), strict=True):
        if row is None or row[0] != key[1] or not names.isdisjoint(_SEARCHED):
            whole.add(key)
            continue
        values = _decode(row[4])
        put += [(*key, name, *indexed_value(values[name])) for name in sorted(names & values.keys())]
        gone += [(*key, name) for name in sorted(names - values.keys())]
    tx.run_many(sql.trait_put, put)
    tx.run_many(sql.trait_remove, gone)
    return whole


def _index(tx: Transaction, keys: list[Params]) -> None:
    """Make the index rows of profiles what the profiles say; none for one that is gone or part of another person."""
    profiles = dict(zip(keys, tx.lookup(sql.profile_now, keys), strict=True))
    persons = {(key[0], row[0]) for key, row in profiles.items() if row is not None}
    elsewhere: list[Params] = sorted(persons - set(keys))
    profiles |= dict(zip(elsewhere, tx.lookup(sql.profile_now, elsewhere), strict=True))
    held = tx.lookup(sql.held, list(profiles))
    newest = tx.lookup(sql.last_event, [(*key, b"", b"\xff" * EVENT_BYTES) for key in profiles])
    changes = _Changes(tx)
    for (key, row), content, last in zip(profiles.items(), held, newest, strict=True):
        known = _Held(content)
        if row is None or row[0] != key[1]:
            changes.remove(key, known)
        else:
            person_id, member_count, user_id, identified_at, metadata = row
            users = [user_id]
            if member_count > 1:
                members = tx.all(identity_sql.members_of_person, (key[0], person_id))
                users, identified_at = [member[1] for member in members], members[0][2]
            seen_at = at_of(last[0]) if last and last[0] else identified_at
            changes.add(key, known, _decode(metadata), users)
            changes.place(key, seen_at, identified_at)
    changes.write()


class _Held:
    """What the index has of a profile: traits as (kind, value, number) by name, and search terms."""

    def __init__(self, content: Row | None) -> None:
        traits, terms = content or (None, None)
        self.traits = {name: tuple(value) for name, *value in _decode(traits)} if traits else {}
        self.terms = set(_decode(terms)) if terms else set()


class _Changes:
    """Collects the rows to write, so that each statement runs once."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._rows: dict[Statement, list[Params]] = {}

    def remove(self, key: Params, held: _Held) -> None:
        """Nothing is found by this profile."""
        self.add(key, held, {}, [])
        self._add(sql.listed_remove, [key])

    def add(self, key: Params, held: _Held, values: dict[str, Any], users: list[str]) -> None:
        """Make the index say what it should of a profile, by which it is found."""
        traits = {name: indexed_value(value) for name, value in values.items()}
        self._add(sql.trait_remove, [(*key, name) for name in held.traits.keys() - traits.keys()])
        changed = [(*key, name, *value) for name, value in traits.items() if held.traits.get(name) != value]
        self._add(sql.trait_put, changed)
        terms = search_terms(users, values)
        website_id, profile_id = key
        self._add(sql.term_remove, [(website_id, term, profile_id) for term in held.terms - terms])
        self._add(sql.term_add, [(website_id, term, profile_id) for term in terms - held.terms])

    def place(self, key: Params, seen_at: int, identified_at: int) -> None:
        """Give a person a place in the list. Times in ms since epoch."""
        self._add(sql.listed_put, [(*key, seen_at, identified_at)])

    def _add(self, statement: Statement, rows: list[Params]) -> None:
        if rows:
            self._rows.setdefault(statement, []).extend(rows)

    def write(self) -> None:
        """Run the statements."""
        for statement, rows in self._rows.items():
            self._tx.run_many(statement, rows)


class Sighting(NamedTuple):
    """A visitor was seen. `at`: ms since epoch."""

    website_id: bytes
    visitor_id: bytes
    at: int


def note_seen(tx: Transaction, calls: list[list[Sighting]]) -> list[None]:
    """Write handler: keep when people were seen last, and who is online."""
    seen = sorted(one for call in calls for one in call)
    latest: dict[Params, int] = {one[:2]: one.at for one in seen}
    tx.run_many(sql.online_put, [(*key, at) for key, at in latest.items()])
    for website_id in {one.website_id for one in seen}:
        tx.run(sql.online_forget, (website_id, seen[-1].at - ONLINE_MS))
    found = tx.lookup(sql.seen_of_visitor, [one[:2] for one in seen])
    rows: dict[Params, int] = {}
    for one, person in zip(seen, found, strict=True):
        if person is not None:
            key = (one.website_id, person[0])
            rows[key] = max(one.at, person[1], rows.get(key, 0))
    tx.run_many(sql.seen_set, [(*key, at) for key, at in sorted(rows.items())])
    return [None] * len(calls)


def read_online(tx: Transaction, asked: tuple[bytes, int, int]) -> dict[bytes, int]:
    """(website id, ms since epoch, how many) -> the visitors seen since by any process, the latest of them, with when that was."""
    return {row[0]: row[1] for row in tx.all(sql.online_since, asked)}


def _locks(calls: list[Any]) -> list[Params]:
    return [(b"trait index",)]


INDEX_HANDLER = WriteHandler(rank=5, run=index_step, is_step=True, locks=_locks)
SEEN_HANDLER = WriteHandler(rank=5, run=note_seen, is_step=True, locks=_locks)


class SeenNoter:
    """Notes every other second whom this process saw. `take` gives at most so many of them, those who wait longest first."""

    def __init__(self, database: Database, take: Callable[[int], list[tuple[bytes, bytes, int]]]) -> None:
        self._database = database
        self._take = take

    async def run(self) -> None:
        """Note, for ever."""
        while True:
            await asyncio.sleep(SEEN_SECONDS)
            with contextlib.suppress(ApiError, DatabaseError):
                await self.note()

    async def note(self) -> None:
        """Note whom this process saw until now; not all of them when they are very many. Raises ApiError and DatabaseError."""
        for _ in range(SEEN_STEPS):
            if seen := [Sighting(*one) for one in self._take(SEEN_STEP)]:
                await self._database.write(SEEN_HANDLER, seen)


class TraitIndexer:
    """Runs the steps, for ever."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._log = get_logger("trait index")
        self._taken = 0
        self._most = LEAST

    async def run(self) -> None:
        """Step by step while there are changes, then look now and then."""
        while True:
            if pause := await self._step():  # not even for a moment, or the next batch goes without a step
                await asyncio.sleep(pause)

    async def _step(self) -> float:
        """Make a step; the seconds to wait before the next.

        While the index is behind, bulk calls add half of what it takes, so that it catches up.
        """
        try:
            step: Step = await self._database.write(INDEX_HANDLER, self._most)
        except (ApiError, DatabaseError) as error:
            self._log.warning("could not index", reason=str(error))
            return IDLE_SECONDS
        is_busy, self._taken = self._database.taken() > self._taken, self._database.taken()
        is_behind, was_all = step.waited > BEHIND_MS, step.changes < self._most
        self._database.pace(step.changes // 2 if is_behind and not was_all else None)
        if was_all:
            return IDLE_SECONDS
        behind = STEP_APART if self._database.has_background else STEP_BEHIND
        wanted = STEP_ALONE if not is_busy else behind if is_behind else STEP
        self._most = max(LEAST, min(MOST, int(wanted * step.changes / step.seconds)))
        return PAUSE * step.seconds if is_busy and not is_behind else 0

"""What people are found by and in which order they are listed, kept a moment behind by background steps.

Whatever changes a person leaves a row in `profile_change`; a step takes some of those rows, brings the index up to date with the
profiles as they are by then, and removes the rows, all in one transaction. So it survives restarts, and several processes share the work.

When people were last seen also follows from events, which leave no such row: each process notes every other second whom it saw. When a process
is killed, those whom it saw last keep their place in the list until they are seen again; what a person's page says is read from the events.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

from footfall.db.protocol import Database, Params, Transaction, WriteHandler
from footfall.db.statements import Statement, load
from footfall.errors import ApiError, DatabaseError
from footfall.identity import store
from footfall.identity.store import sql as identity_sql
from footfall.ids import EVENT_BYTES, at_of
from footfall.log import get_logger
from footfall.people.terms import indexed_value, search_terms

sql = load(__file__, "index.sql")

STEP = 50
"""Changes that one step takes: a few milliseconds, so that live calls do not wait long."""
IDLE_SECONDS = 0.25
SEEN_SECONDS, SEEN_STEP = 2.0, 200
"""How often a process notes whom it saw, and how many visitors at once."""
PAUSE = 3.0
"""While calls come in, a step is followed by a pause of this many times as long as it took."""


class Step(NamedTuple):
    """What a step did: how many changes it took, and in how many seconds."""

    changes: int
    seconds: float


def index_step(tx: Transaction, calls: list[None]) -> list[Step]:
    """Write handler: bring the index up to date with some changes."""
    return [_step(tx) for _ in calls]


def _step(tx: Transaction) -> Step:
    started = perf_counter()
    changes = tx.all(sql.changes, (STEP,))
    _index(tx, sorted({(row[0], row[2]) for row in changes}))
    tx.run_many(sql.change_done, [(row[0], row[1]) for row in changes])
    return Step(len(changes), perf_counter() - started)


def _index(tx: Transaction, keys: list[Params]) -> None:
    """Make the index rows of profiles what the profiles say; none for one that is gone or part of another person."""
    profiles, _ = store.read_profiles(tx, keys)
    persons = {key: (key[0], profile.person_id) for key, profile in profiles.items()}
    elsewhere: list[Params] = sorted(set(persons.values()) - set(keys))
    profiles |= store.read_profiles(tx, elsewhere)[0]
    changes = _Changes(tx)
    everyone = [*keys, *elsewhere]
    newest = tx.lookup(sql.last_event, [(*key, b"", b"\xff" * EVENT_BYTES) for key in everyone])
    for key, last in zip(everyone, newest, strict=True):
        profile = profiles.get(key)
        if profile is None or profile.person_id != profile.profile_id:
            changes.remove(key)
        else:
            seen_at = at_of(last[0]) if last and last[0] else profile.identified_at
            changes.add(key, profile.traits.values, _users(tx, profile), seen_at)
    changes.write()


def _users(tx: Transaction, profile: store.Profile) -> list[str]:
    """The user ids of a person."""
    if profile.member_count == 1:
        return [profile.user_id]
    return [row[1] for row in tx.all(identity_sql.members_of_person, (profile.website_id, profile.person_id))]


class _Changes:
    """Collects the rows to write, so that each statement runs once."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._rows: dict[Statement, list[Params]] = {}

    def remove(self, key: Params) -> None:
        """Nothing is found by this profile."""
        self._compare(key, {}, [])
        self._add(sql.seen_remove, [key])

    def add(self, key: Params, values: dict[str, Any], users: list[str], seen_at: int) -> None:
        """Make the index say what it should of a profile. `seen_at`: ms since epoch."""
        self._compare(key, values, users)
        self._add(sql.seen_put, [(*key, seen_at)])

    def _compare(self, key: Params, values: dict[str, Any], users: list[str]) -> None:
        traits = {name: indexed_value(value) for name, value in values.items()}
        known = {row[0]: tuple(row[1:]) for row in self._tx.all(sql.traits_of, key)}
        self._add(sql.trait_remove, [(*key, name) for name in known.keys() - traits.keys()])
        changed = [(*key, name, *value) for name, value in traits.items() if known.get(name) != value]
        self._add(sql.trait_put, changed)
        terms = search_terms(users, values)
        had = {row[0] for row in self._tx.all(sql.terms_of, key)}
        website_id, profile_id = key
        self._add(sql.term_remove, [(website_id, term, profile_id) for term in had - terms])
        self._add(sql.term_add, [(website_id, term, profile_id) for term in terms - had])

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
    """Write handler: keep when people were seen last."""
    seen = sorted(one for call in calls for one in call)
    found = tx.lookup(sql.seen_of_visitor, [one[:2] for one in seen])
    rows: dict[Params, int] = {}
    for one, person in zip(seen, found, strict=True):
        if person is not None:
            key = (one.website_id, person[0])
            rows[key] = max(one.at, person[1], rows.get(key, 0))
    tx.run_many(sql.seen_put, [(*key, at) for key, at in sorted(rows.items())])
    return [None] * len(calls)


def _locks(calls: list[Any]) -> list[Params]:
    return [(b"trait index",)]


INDEX_HANDLER = WriteHandler(rank=5, run=index_step, locks=_locks)
SEEN_HANDLER = WriteHandler(rank=5, run=note_seen, locks=_locks)


class SeenNoter:
    """Notes every other second whom this process saw. `take`: those seen since the last call of it."""

    def __init__(self, database: Database, take: Callable[[], list[tuple[bytes, bytes, int]]]) -> None:
        self._database = database
        self._take = take

    async def run(self) -> None:
        """Note, for ever."""
        while True:
            await asyncio.sleep(SEEN_SECONDS)
            with contextlib.suppress(ApiError, DatabaseError):
                await self.note()

    async def note(self) -> None:
        """Note whom this process saw until now. Raises ApiError and DatabaseError."""
        seen = self._take()
        for start in range(0, len(seen), SEEN_STEP):
            sightings = [Sighting(*one) for one in seen[start : start + SEEN_STEP]]
            await self._database.write(SEEN_HANDLER, sightings, bulk=True)


class TraitIndexer:
    """Runs the steps, for ever."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._log = get_logger("trait index")
        self._taken = 0

    async def run(self) -> None:
        """Step by step while there are changes, then look now and then."""
        while True:
            await asyncio.sleep(await self._step())

    async def _step(self) -> float:
        """Make a step; the seconds to wait before the next."""
        try:
            step: Step = await self._database.write(INDEX_HANDLER, None, bulk=True)
        except (ApiError, DatabaseError) as error:
            self._log.warning("could not index", reason=str(error))
            return IDLE_SECONDS
        if step.changes < STEP:
            return IDLE_SECONDS
        is_busy, self._taken = self._database.taken() > self._taken, self._database.taken()
        return PAUSE * step.seconds if is_busy else 0

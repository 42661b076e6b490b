"""What people are found by and in which order they are listed, kept a moment behind by background steps.

Whatever changes a person leaves a row in `profile_change`; a step takes some of those rows, and brings the index up to date with the
profiles as they are by then. The rows are removed in the same transaction, so that several processes share the work; or, where the index
is written apart, once that is committed. So it survives restarts: what is done twice comes to the same.

When people were last seen also follows from events, which leave no such row: each process notes every other second whom it saw, up to a
thousand visitors a second; so the processes also know who is online with the others. When a process is killed, or sees far more than that, some keep their place in the list until they are seen again; what a
person's page says is read from the events.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, perf_counter
from typing import Any, NamedTuple

import msgspec

from footfall.clock import system_clock
from footfall.collect.online import ONLINE_MS
from footfall.db.protocol import Database, Params, Row, Transaction, WriteHandler
from footfall.db.statements import Statement, load
from footfall.errors import DatabaseError
from footfall.identity.store import mark_changed
from footfall.identity.store import sql as identity_sql
from footfall.ids import EVENT_BYTES, at_of, at_prefix
from footfall.people.terms import FORM, indexed_value, search_terms

sql = load(__file__, "index.sql")

_decode = msgspec.json.Decoder().decode

LEAST, MOST = 50, 1000
"""Changes that one step takes: so many that it lasts about as long as it should, see below."""
STEP, STEP_ALONE = 0.005, 0.015
"""Seconds of a step, so that live calls do not wait long; while none come. A longer one costs less for each change."""
IDLE_SECONDS = 0.25
SEEN_SECONDS, SEEN_STEPS, SEEN_STEP = 2.0, 20, 100
"""How often a process notes whom it saw, in how many steps, and how many visitors in each: a few hundredths of its time at most."""
PAUSE, BEHIND_MS = 3.0, 1000
"""While calls come in, a step is followed by a pause of this many times as long as it took; but not when changes wait longer than that."""
_SEARCHED = frozenset(("name", "email"))
START: Params = (b"", b"")
"""Before the first change, and the first profile."""
SETTLE_SECONDS, SETTLE_MANY, SETTLE_MANY_SECONDS, SETTLE_MOST = 0.6, 2000, 1.5, 10_000
"""Where the index is written apart, it is committed once there is nothing left to do, at the latest after so many seconds; under a load that
brings so many changes by then, after some more, since many changes share pages; or after the most of them."""
DONE = 2000
"""Changes that are then removed at once."""
MADE_ANEW = 1000
"""Profiles that are marked at once when the whole index is made anew."""
SIZES_CHANGES, SIZES_PAUSE = 1000, 100
"""After so many changes PostgreSQL's planner is told what there is by now, but not before so many times as long as that last took."""


class Take(NamedTuple):
    """What a step is to do: at most so many changes, of those behind `after` (website id, change id)."""

    most: int
    after: Params = START


class Step(NamedTuple):
    """What a step did: how many changes it took, in how many seconds, and for how many ms the first of them had waited.

    `left`: the keys of those that have to be removed once the index is committed.
    """

    changes: int
    seconds: float
    waited: int
    left: list[Params]


def index_step(tx: Transaction, calls: list[Take]) -> list[Step]:
    """Write handler: bring the index up to date with some changes."""
    return [_step(tx, take) for take in calls]


def _step(tx: Transaction, take: Take) -> Step:
    started = perf_counter()
    changes = tx.all(sql.changes, (*take.after, take.most))
    whole = {(row[0], row[2]) for row in changes if row[3] is None}
    named: dict[Params, set[str]] = {}
    for website_id, _, profile_id, names in changes:
        if (website_id, profile_id) not in whole:
            named.setdefault((website_id, profile_id), set()).update(_decode(names))
    _index(tx, sorted(whole | _index_traits(tx, named)))
    left: list[Params] = [(row[0], row[1]) for row in changes]
    if tx.derived is tx:
        remove_changes(tx, [left])
        left = []
    waited = system_clock() - at_of(changes[0][1]) if changes else 0
    return Step(len(changes), perf_counter() - started, waited, left)


def mark_profiles(tx: Transaction, after: Params = START) -> Params | None:
    """Leave word that the index has to look at some profiles, of those behind `after` (website id, profile id); the last of them, if any."""
    found = tx.all(sql.profiles_after, (*after, MADE_ANEW))
    mark_changed(tx, [(row[0], row[1]) for row in found])
    return found[-1] if found else None


def remove_changes(tx: Transaction, calls: list[list[Params]]) -> list[None]:
    """Write handler: the index is up to date with the changes of these keys."""
    for keys in calls:
        tx.run_many(identity_sql.change_remove, keys)
    return [None] * len(calls)


def _index_traits(tx: Transaction, named: dict[Params, set[str]]) -> set[Params]:
    """Bring these traits of profiles up to date; which of the profiles have to be looked at as a whole all the same."""
    whole = _with_lists(tx, named)
    put: list[Params] = []
    gone: list[Params] = []
    for (key, names), row in zip(named.items(), tx.lookup(sql.profile_now, list(named)), strict=True):
        if key in whole:
            continue
        values = _decode(row[4]) if row else {}
        is_list = any(isinstance(values.get(name), list) for name in names)
        if row is None or row[0] != key[1] or is_list or not names.isdisjoint(_SEARCHED):
            whole.add(key)
            continue
        put += [(*key, name, *indexed_value(values[name])) for name in sorted(names & values.keys())]
        gone += [(*key, name) for name in sorted(names - values.keys())]
    tx.derived.run_many(sql.trait_put, put)
    tx.derived.run_many(sql.trait_remove, gone)
    return whole


def _with_lists(tx: Transaction, named: dict[Params, set[str]]) -> set[Params]:
    """Those of whom one of these fields was a list, by whose elements they are found."""
    fields = [(*key, name) for key, names in named.items() for name in names]
    held = tx.derived.lookup(sql.held_list, fields)
    return {field[:2] for field, row in zip(fields, held, strict=True) if row is not None}


def _index(tx: Transaction, keys: list[Params]) -> None:
    """Make the index rows of profiles what the profiles say; none for one that is gone or part of another person."""
    profiles = dict(zip(keys, tx.lookup(sql.profile_now, keys), strict=True))
    persons = {(key[0], row[0]) for key, row in profiles.items() if row is not None}
    elsewhere: list[Params] = sorted(persons - set(keys))
    profiles |= dict(zip(elsewhere, tx.lookup(sql.profile_now, elsewhere), strict=True))
    held = tx.derived.lookup(sql.held, list(profiles))
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
                users, identified_at = [member.user_id for member in members], members[0].identified_at
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
            self._tx.derived.run_many(statement, rows)


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
    found = tx.lookup(sql.person_of_visitor, [(*one[:2], at_prefix(one.at + 1)) for one in seen])
    rows: dict[Params, int] = {}
    for one, person in zip(seen, found, strict=True):
        if person is not None:
            key = (one.website_id, person[0])
            rows[key] = max(one.at, rows.get(key, 0))
    tx.derived.run_many(sql.seen_set, [(*key, at) for key, at in sorted(rows.items())])
    return [None] * len(calls)


def read_online(tx: Transaction, asked: tuple[bytes, int, int]) -> dict[bytes, int]:
    """(website id, ms since epoch, how many) -> the visitors seen since by any process, the latest of them, with when that was."""
    return {row[0]: row[1] for row in tx.all(sql.online_since, asked)}


def tell_sizes(tx: Transaction, calls: list[None]) -> list[None]:
    """Write handler: of websites and fields that are new since it was told last, PostgreSQL's planner expects hardly any rows.

    Then it compares each with each, and lists of 10,000 people take seconds; its own housekeeping looks a minute later, or never.
    """
    tx.run(sql.sizes_changed)
    return [None] * len(calls)


def read_form(tx: Transaction, asked: None) -> int:
    """The form in which the whole index is; see `terms.FORM`."""
    row = tx.one(sql.form_get)
    return row[0] if row else 0


def _locks(calls: list[Any]) -> list[Params]:
    return [(b"trait index",)]


# Before all others: what is written apart must not know of a batch that may yet fail.
INDEX_HANDLER = WriteHandler(rank=-1, run=index_step, is_step=True, locks=_locks)
SEEN_HANDLER = WriteHandler(rank=-1, run=note_seen, is_step=True, locks=_locks)
SIZES_HANDLER = WriteHandler(rank=-1, run=tell_sizes, is_step=True)
DONE_HANDLER = WriteHandler(rank=-1, run=remove_changes, is_step=True)


class SeenNoter:
    """Notes whom this process saw. `take` gives at most so many of them, those who wait longest first."""

    def __init__(self, database: Database, take: Callable[[int], list[tuple[bytes, bytes, int]]]) -> None:
        self._database = database
        self._take = take

    async def note(self) -> None:
        """Note whom this process saw until now; not all of them when they are very many. To be called every SEEN_SECONDS.

        Raises ApiError and DatabaseError.
        """
        noted = 0
        for _ in range(SEEN_STEPS):
            if seen := [Sighting(*one) for one in self._take(SEEN_STEP)]:
                await self._database.write(SEEN_HANDLER, seen)
                noted += len(seen)
        if noted:
            await self._database.settle()


class TraitIndexer:
    """Runs the steps: step by step while there are changes, otherwise it looks now and then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._taken = 0
        self._most = LEAST
        self._after = START
        self._left: list[Params] = []
        self._begun = 0.0
        self._losses = 0
        self._unmarked = START if database.is_derived_new else None
        self._is_form_known = False
        self._untold, self._tell_at = 0, 0.0

    async def advance(self) -> float:
        """Make a step; the seconds to wait before the next. Raises ApiError and DatabaseError; then the same changes are taken again."""
        try:
            if await self._database.mend_derived():
                self._after, self._left, self._unmarked = START, [], START
            if not self._is_form_known and await self._database.read(read_form, None) != FORM:
                self._unmarked = START
            self._is_form_known = True
            while self._unmarked is not None:
                await self._mark_more(self._unmarked)
            return await self._step()
        except Exception:
            self._after, self._left = START, []
            self._database.pace(None)
            raise

    async def _step(self) -> float:
        """Make a step; the seconds to wait before the next. Raises ApiError and DatabaseError.

        While the index is behind, bulk calls add half of what it takes, so that it catches up.
        """
        step: Step = await self._database.write(INDEX_HANDLER, Take(self._most, self._after))
        was_all = step.changes < self._most
        if step.left:
            self._begun = self._begun if self._left else monotonic()
            self._left += step.left
            self._after = self._left[-1]
        if self._left and (was_all or self._is_due()):
            await self._settle()
        await self._tell_sizes(step.changes)
        is_busy, self._taken = self._database.taken() > self._taken, self._database.taken()
        is_behind = step.waited > BEHIND_MS
        self._database.pace(step.changes // 2 if is_behind and not was_all else None)
        if was_all:
            return IDLE_SECONDS
        wanted = STEP if is_busy else STEP_ALONE
        self._most = max(LEAST, min(MOST, int(wanted * step.changes / step.seconds)))
        return PAUSE * step.seconds if is_busy and not is_behind else 0

    async def _tell_sizes(self, changes: int) -> None:
        """Tell the planner what there is by now, when that is due. Raises ApiError and DatabaseError."""
        self._untold += changes
        now = monotonic()
        if self._untold >= SIZES_CHANGES and now >= self._tell_at:
            await self._database.write(SIZES_HANDLER, None)
            self._untold, self._tell_at = 0, monotonic() + SIZES_PAUSE * (monotonic() - now)

    def _is_due(self) -> bool:
        """Whether the index has to be committed though there is more to do."""
        many = len(self._left)
        patience = SETTLE_SECONDS if many < SETTLE_MANY else SETTLE_MANY_SECONDS
        return many >= SETTLE_MOST or monotonic() - self._begun >= patience

    async def _settle(self) -> None:
        """Commit the index, and remove the changes that it is up to date with, before the next are taken."""
        losses, self._losses = self._losses, await self._database.settle()
        if losses != self._losses:
            raise DatabaseError("what steps wrote was lost")
        for first in range(0, len(self._left), DONE):
            await self._database.write(DONE_HANDLER, self._left[first : first + DONE])
        self._after, self._left = START, []

    async def _mark_more(self, after: Params) -> None:
        """Mark some more of all profiles, since the index was lost, of another database or of another form. Raises ApiError and DatabaseError."""
        following = await self._database.change(lambda tx: mark_profiles(tx, after))
        if following is None:
            await self._database.derived_made()
            await self._database.change(lambda tx: tx.run(sql.form_put, (FORM,)))
        self._unmarked = following

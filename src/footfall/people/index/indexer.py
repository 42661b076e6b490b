"""What people are found and sorted by. Background steps keep it up to date, a moment behind.

Whatever changes a person leaves a row in `profile_change`; a step takes some of those rows, and brings the index up to date with the
profiles as they are by then. The rows are removed in the same transaction, so that several processes share the work; or, where the index
is written apart, once that is committed. So it survives restarts: what is done twice comes to the same.

When people were last seen also follows from events, which leave no such row: see `people.presence`.
"""

from __future__ import annotations

from time import monotonic, perf_counter
from typing import Any, NamedTuple

import msgspec

from footfall.clock import system_clock
from footfall.db.protocol import Database, Params, Row, Transaction, WriteHandler
from footfall.db.statements import Statement, load
from footfall.errors import DatabaseError
from footfall.identity.model import TraitValues
from footfall.identity.store import forget_changes, mark_changed
from footfall.ids import EVENT_BYTES, at_of
from footfall.payments.matching import waiting_looks
from footfall.people.find.terms import FORM, Indexed, indexed_value, search_terms
from footfall.people.index.payers import EVIDENCE, find_payers

sql = load(__file__, "index.sql")

_decode = msgspec.json.Decoder().decode

LEAST, MOST = 50, 1000
"""Changes that one step takes: so many that it lasts about as long as it should, see below."""
STEP, STEP_ALONE = 0.005, 0.015
"""Seconds of a step, so that live calls do not wait long; while none come. A longer one costs less for each change."""
IDLE_SECONDS = 0.25
PAUSE, BEHIND_MS = 3.0, 1000
"""While calls come in, a step is followed by a pause of this many times as long as it took; but not when changes wait longer than that."""
_SEARCHED = frozenset(("name", "email"))
START: Params = (b"", b"")
"""Before the first change, and the first profile."""
SETTLE_SECONDS, SETTLE_MANY, SETTLE_MANY_SECONDS, SETTLE_MOST = 0.6, 2000, 1.5, 10_000
"""Where the index is written apart, it is committed once there is nothing left to do, at the latest after so many seconds; under a load that
brings so many changes by then, after some more, since many changes share pages; or after the most of them."""
DONE = 2000
"""Changes to remove in one transaction."""
MADE_ANEW = 1000
"""Profiles to mark in one transaction when the whole index is rebuilt."""
SIZES_CHANGES, SIZES_PAUSE = 1000, 100
"""After so many changes PostgreSQL's planner is told what there is by now, but not before so many times as long as that last took."""


class Take(NamedTuple):
    """What a step has to do: at most `most` changes after `after` (website id, change id)."""

    most: int
    after: Params = START


class Step(NamedTuple):
    """What a step did: how many changes it took, in how many seconds, and for how many ms the first of them had waited.

    `left`: the keys of those that have to be removed once the index is committed. `payments`: how many it looked at; `has_payments`: whether
    more wait for that.
    """

    changes: int
    payments: int
    seconds: float
    waited: int
    left: list[Params]
    has_payments: bool


def index_step(tx: Transaction, calls: list[Take]) -> list[Step]:
    """Write handler: bring the index up to date with some changes."""
    return [_step(tx, take) for take in calls]


def _step(tx: Transaction, take: Take) -> Step:
    started = perf_counter()
    waiting = waiting_looks(tx, take.most)
    changes = tx.all(sql.changes, (*take.after, take.most))
    whole = {(change.website_id, change.profile_id) for change in changes if change.names is None}
    named: dict[Params, set[str]] = {}
    for change in changes:
        if (key := (change.website_id, change.profile_id)) not in whole:
            named.setdefault(key, set()).update(_decode(change.names))
    _index(tx, sorted(whole | _index_traits(tx, named)))
    evident = [key for key, names in named.items() if not EVIDENCE.isdisjoint(names)]
    # What is not taken up by changes, while there may be more of them, is left for payments.
    looked = find_payers(tx, [*whole, *evident], waiting, take.most - len(changes))
    left: list[Params] = [(change.website_id, change.change_id) for change in changes]
    if tx.derived is tx:
        remove_changes(tx, [left])
        left = []
    waited = system_clock() - at_of(changes[0].change_id) if changes else 0
    return Step(len(changes), looked.payments, perf_counter() - started, waited, left, looked.has_more)


def mark_profiles(tx: Transaction, after: Params = START) -> Params | None:
    """Mark some profiles after `after` (website id, profile id) for the index. Returns the last of them, if any."""
    found = tx.all(sql.profiles_after, (*after, MADE_ANEW))
    keys = [(row.website_id, row.profile_id) for row in found]
    mark_changed(tx, keys)
    return keys[-1] if keys else None


def remove_changes(tx: Transaction, calls: list[list[Params]]) -> list[None]:
    """Write handler: the index is up to date with the changes of these keys."""
    for keys in calls:
        forget_changes(tx, keys)
    return [None] * len(calls)


def _index_traits(tx: Transaction, named: dict[Params, set[str]]) -> set[Params]:
    """Bring these traits of profiles up to date; those of the profiles that have to be looked at as a whole, instead."""
    with_lists = _with_lists(tx, named)
    whole: set[Params] = set()
    put: list[Params] = []
    gone: list[Params] = []
    for (key, names), profile in zip(named.items(), tx.get_many(sql.profile_now, list(named)), strict=True):
        values = _decode(profile.metadata) if profile is not None else {}
        if key in with_lists or not _is_person(key, profile) or _are_terms(names, values):
            whole.add(key)
        else:
            put += [(*key, name, *indexed_value(values[name])) for name in sorted(names & values.keys())]
            gone += [(*key, name) for name in sorted(names - values.keys())]
    tx.derived.execute_many(sql.trait_put, put)
    tx.derived.execute_many(sql.trait_remove, gone)
    return whole


def _with_lists(tx: Transaction, named: dict[Params, set[str]]) -> set[Params]:
    """Those of whom one of these traits was a list, by whose elements they are found."""
    traits = [(*key, name) for key, names in named.items() for name in names]
    held = tx.derived.get_many(sql.held_list, traits)
    return {trait[:2] for trait, found in zip(traits, held, strict=True) if found is not None}


def _is_person(key: Params, profile: Row | None) -> bool:
    """Whether a profile exists and is not part of another person."""
    return profile is not None and profile.person_id == key[1]


def _are_terms(names: set[str], values: TraitValues) -> bool:
    """Whether any of these traits is one by whose words, or elements, people are searched."""
    return not names.isdisjoint(_SEARCHED) or any(isinstance(values.get(name), list) for name in names)


class _IndexEntry(NamedTuple):
    """What the index has to say of a person. Times in ms since epoch."""

    values: TraitValues
    users: list[str]
    seen_at: int
    identified_at: int


class _Held(NamedTuple):
    """What the index says of a profile: traits as (kind, value, number) by name, and search terms."""

    traits: dict[str, Indexed]
    terms: set[str]


def _index(tx: Transaction, keys: list[Params]) -> None:
    """Bring the index rows of profiles up to date. A profile that is gone or part of another person gets none."""
    entries = _entries(tx, keys)
    rows = _Rows()
    for (key, entry), held in zip(entries.items(), _held(tx, list(entries)), strict=True):
        if entry is None:
            rows.remove(key, held)
        else:
            rows.change(key, held, entry)
    rows.write(tx.derived)


def _entries(tx: Transaction, keys: list[Params]) -> dict[Params, _IndexEntry | None]:
    """What the index has to say of profiles, and of the people that they are part of; None: nothing."""
    profiles = dict(zip(keys, tx.get_many(sql.profile_now, keys), strict=True))
    persons = {(key[0], profile.person_id) for key, profile in profiles.items() if profile is not None}
    elsewhere: list[Params] = sorted(persons - profiles.keys())
    profiles |= dict(zip(elsewhere, tx.get_many(sql.profile_now, elsewhere), strict=True))
    newest = tx.get_many(sql.last_event, [(*key, b"", b"\xff" * EVENT_BYTES) for key in profiles])
    return {
        key: _entry(tx, key, profile, last and last.newest) if _is_person(key, profile) else None
        for (key, profile), last in zip(profiles.items(), newest, strict=True)
    }


def _entry(tx: Transaction, key: Params, profile: Row, last_event: bytes | None) -> _IndexEntry:
    users, identified_at = [profile.user_id], profile.identified_at
    # None: somebody parts them meanwhile, which is a change of its own.
    if profile.member_count > 1 and (members := tx.all(sql.users_of_person, key)):
        users, identified_at = [member.user_id for member in members], members[0].identified_at
    seen_at = at_of(last_event) if last_event else identified_at
    return _IndexEntry(_decode(profile.metadata), users, seen_at, identified_at)


def _held(tx: Transaction, keys: list[Params]) -> list[_Held]:
    """What the index says of each of these profiles."""
    return list(map(_read_held, tx.derived.get_many(sql.held, keys)))


def _read_held(held: Row) -> _Held:
    traits, terms = _decode(held.traits or "[]"), _decode(held.terms or "[]")
    return _Held({name: tuple(value) for name, *value in traits}, set(terms))


class _Rows:
    """Collects the rows to write, so that each statement runs once."""

    def __init__(self) -> None:
        self._rows: dict[Statement, list[Params]] = {}

    def remove(self, key: Params, held: _Held) -> None:
        """Nothing is found by this profile."""
        self._find_by(key, held, {}, set())
        self._add(sql.listed_remove, [key])

    def change(self, key: Params, held: _Held, entry: _IndexEntry) -> None:
        """A person is found by what the entry says, and listed at its times."""
        traits = {name: indexed_value(value) for name, value in entry.values.items()}
        self._find_by(key, held, traits, search_terms(entry.users, entry.values))
        self._add(sql.listed_put, [(*key, entry.seen_at, entry.identified_at)])

    def _find_by(self, key: Params, held: _Held, traits: dict[str, Indexed], terms: set[str]) -> None:
        website_id, profile_id = key
        self._add(sql.trait_remove, [(*key, name) for name in held.traits.keys() - traits.keys()])
        changed = [(*key, name, *value) for name, value in traits.items() if held.traits.get(name) != value]
        self._add(sql.trait_put, changed)
        self._add(sql.term_remove, [(website_id, term, profile_id) for term in held.terms - terms])
        self._add(sql.term_add, [(website_id, term, profile_id) for term in terms - held.terms])

    def _add(self, statement: Statement, rows: list[Params]) -> None:
        if rows:
            self._rows.setdefault(statement, []).extend(rows)

    def write(self, tx: Transaction) -> None:
        """Run the statements."""
        for statement, rows in self._rows.items():
            tx.execute_many(statement, rows)


def tell_sizes(tx: Transaction, calls: list[None]) -> list[None]:
    """Write handler: of websites and fields that are new since it was told last, PostgreSQL's planner expects hardly any rows.

    Then it compares each with each, and lists of 10,000 people take seconds; its own housekeeping looks a minute later, or never.
    """
    tx.execute(sql.sizes_changed)
    return [None] * len(calls)


def read_form(tx: Transaction, asked: None) -> int:
    """The form in which the whole index is; see `terms.FORM`."""
    row = tx.one(sql.form_get)
    return row.form if row else 0


def lock_index(calls: list[Any]) -> list[Params]:
    """What all that writes the index may write."""
    return [(b"trait index",)]


# Before all others: what is written apart must not know of a batch that may yet fail.
INDEX_HANDLER = WriteHandler(rank=-1, run=index_step, is_step=True, locks=lock_index)
SIZES_HANDLER = WriteHandler(rank=-1, run=tell_sizes, is_step=True)
DONE_HANDLER = WriteHandler(rank=-1, run=remove_changes, is_step=True)


class _Pending:
    """Changes that the index has taken in and that are removed once it is committed, where it is written apart."""

    def __init__(self) -> None:
        self.keys: list[Params] = []
        self._since = 0.0

    @property
    def last(self) -> Params:
        """The key after which to take the next change."""
        return self.keys[-1] if self.keys else START

    def add(self, keys: list[Params]) -> None:
        if not self.keys:
            self._since = monotonic()
        self.keys += keys

    def is_due(self) -> bool:
        """Whether to commit the index although there is more to do."""
        many = len(self.keys)
        patience = SETTLE_SECONDS if many < SETTLE_MANY else SETTLE_MANY_SECONDS
        return many >= SETTLE_MOST or (many > 0 and monotonic() - self._since >= patience)


class TraitIndexer:
    """Runs the steps: one after the other while there are changes, otherwise now and then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._derived = database.derived
        self._pending = _Pending()
        self._losses = 0
        self._most = LEAST
        self._live_calls = 0
        self._unmarked = START if database.derived.is_new else None
        self._is_form_known = False
        self.lag = 0
        """For how many ms the first change had waited that the last step took; 0: it found none."""
        self._untold, self._tell_at = 0, 0.0

    async def advance(self) -> float:
        """Take a step. Returns the seconds to wait before the next. Raises ApiError and DatabaseError; then the same changes are taken again."""
        try:
            await self._fill()
            step: Step = await self._database.write(INDEX_HANDLER, Take(self._most, self._pending.last))
            self.lag = step.waited
            has_more = step.changes == self._most
            self._pending.add(step.left)
            if self._pending.is_due() or (self._pending.keys and not has_more):
                await self._flush()
            await self._tell_sizes(step.changes)
            return self._pause(step, has_more=has_more or step.has_payments)
        except Exception:
            self._pending = _Pending()
            self._derived.limit_bulk(None)
            raise

    async def _fill(self) -> None:
        """Mark all profiles if the index was lost, is of another database or of another form. Raises ApiError and DatabaseError."""
        if await self._derived.mend():
            self._pending, self._unmarked = _Pending(), START
        if not self._is_form_known and await self._database.read(read_form, None) != FORM:
            self._unmarked = START
        self._is_form_known = True
        while self._unmarked is not None:
            await self._mark_more(self._unmarked)

    async def _mark_more(self, after: Params) -> None:
        """Mark some more of all profiles."""
        following = await self._database.change(lambda tx: mark_profiles(tx, after))
        if following is None:
            await self._derived.mark_filled()
            await self._database.change(lambda tx: tx.execute(sql.form_put, (FORM,)))
        self._unmarked = following

    async def _flush(self) -> None:
        """Commit the index, and remove the changes that it is up to date with, before the next are taken."""
        losses, self._losses = self._losses, await self._derived.flush()
        if losses != self._losses:
            raise DatabaseError("what steps wrote was lost")
        keys = self._pending.keys
        for first in range(0, len(keys), DONE):
            await self._database.write(DONE_HANDLER, keys[first : first + DONE])
        self._pending = _Pending()

    async def _tell_sizes(self, changes: int) -> None:
        """Tell the planner what there is by now, when that is due. Raises ApiError and DatabaseError."""
        self._untold += changes
        now = monotonic()
        if self._untold >= SIZES_CHANGES and now >= self._tell_at:
            await self._database.write(SIZES_HANDLER, None)
            self._untold, self._tell_at = 0, monotonic() + SIZES_PAUSE * (monotonic() - now)

    def _pause(self, step: Step, *, has_more: bool) -> float:
        """The seconds to wait before the next step, which takes about as long as it should.

        While the index is behind, bulk calls add half of what it takes, so that it catches up.
        """
        live_calls, self._live_calls = self._live_calls, self._database.live_calls()
        is_busy, is_behind = self._live_calls > live_calls, step.waited > BEHIND_MS
        self._derived.limit_bulk(max(step.changes // 2, 1) if is_behind and has_more else None)
        if not has_more:
            return IDLE_SECONDS
        wanted = STEP if is_busy else STEP_ALONE
        done = step.changes + step.payments
        self._most = max(LEAST, min(MOST, int(wanted * done / step.seconds)))
        return PAUSE * step.seconds if is_busy and not is_behind else 0

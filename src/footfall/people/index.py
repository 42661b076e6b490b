"""The trait index, kept a moment behind by a background step.

Whatever changes a person leaves a row in `profile_change`; a step takes some of those rows, brings the index up to date with the
profiles as they are by then, and removes the rows, all in one transaction. So it survives restarts, and several processes share the work.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from footfall.db.protocol import Database, Params, Transaction, WriteHandler
from footfall.db.statements import load
from footfall.errors import ApiError, DatabaseError
from footfall.identity import store
from footfall.identity.store import sql as identity_sql
from footfall.log import get_logger
from footfall.people.terms import indexed_value, search_terms

sql = load(__file__, "index.sql")

STEP = 50
"""Changes that one step takes: a few milliseconds, so that live calls do not wait long."""
IDLE_SECONDS = 0.25

_decode = msgspec.json.Decoder().decode


def index_step(tx: Transaction, calls: list[None]) -> list[int]:
    """Write handler: bring the index up to date with some changes; how many there were, once for each call."""
    return [_step(tx) for _ in calls]


def _step(tx: Transaction) -> int:
    changes = tx.all(sql.changes, (STEP,))
    for website_id, profile_id in {(row[0], row[2]) for row in changes}:
        _index(tx, website_id, profile_id)
    tx.run_many(sql.change_done, [(row[0], row[1]) for row in changes])
    return len(changes)


def _index(tx: Transaction, website_id: bytes, profile_id: bytes) -> None:
    """Make the index rows of a profile what the profile says; none for one that is gone or part of another person."""
    profile = store.read_profile(tx, website_id, profile_id)
    if profile is not None and profile.person_id != profile_id:
        _index(tx, website_id, profile.person_id)
        profile = None
    values: dict[str, Any] = profile.traits.values if profile else {}
    users: list[str] = []
    if profile is not None:
        users = [row[1] for row in tx.all(identity_sql.members_of_person, (website_id, profile_id))]
    key: Params = (website_id, profile_id)
    _put_traits(tx, key, {name: indexed_value(value) for name, value in values.items()})
    _put_terms(tx, key, search_terms(users, values))


def _put_traits(tx: Transaction, key: Params, wanted: dict[str, Any]) -> None:
    known = {row[0]: tuple(row[1:]) for row in tx.all(sql.traits_of, key)}
    tx.run_many(sql.trait_remove, [(*key, name) for name in known.keys() - wanted.keys()])
    tx.run_many(
        sql.trait_put, [(*key, name, *value) for name, value in wanted.items() if known.get(name) != value]
    )


def _put_terms(tx: Transaction, key: Params, wanted: set[str]) -> None:
    known = {row[0] for row in tx.all(sql.terms_of, key)}
    website_id, profile_id = key
    tx.run_many(sql.term_remove, [(website_id, term, profile_id) for term in known - wanted])
    tx.run_many(sql.term_add, [(website_id, term, profile_id) for term in wanted - known])


def _locks(calls: list[None]) -> list[Params]:
    return [(b"trait index",)]


INDEX_HANDLER = WriteHandler(rank=5, run=index_step, locks=_locks)


class TraitIndexer:
    """Runs the steps, for ever."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._log = get_logger("trait index")

    async def run(self) -> None:
        """Step by step while there are changes, then look now and then."""
        while True:
            try:
                done = await self._database.write(INDEX_HANDLER, None, bulk=True)
            except (ApiError, DatabaseError) as error:
                self._log.warning("could not index", reason=str(error))
                done = 0
            await asyncio.sleep(0 if done == STEP else IDLE_SECONDS)

"""Deleting a website: it disappears at once, and its rows are removed in slices that hold up nobody."""

from __future__ import annotations

import functools
import re
from time import perf_counter

import msgspec

from footfall.clock import Clock
from footfall.db import migrate
from footfall.db.protocol import Database, Transaction, WriteHandler
from footfall.db.statements import Statement, load, make_statement
from footfall.errors import NotFound
from footfall.websites.store import configuration_changed, lock_website

sql = load(__file__, "removal.sql")

SLICE = 200
"""Rows that are removed in one transaction."""
REST = 4.0
"""After each slice, nothing is removed for this many times as long as the slice took."""
LATE_MS = 60_000
"""How long something may still be written about a deleted website: other processes notice a little later."""
IDLE_SECONDS = 5.0
_NAME = "removing:"
_TABLE = re.compile(r"^CREATE TABLE (\w+) \((.*?)^\);", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"^    (\w+) (BYTEA|TEXT|BIGINT)", re.MULTILINE)
_KEY = re.compile(r"^    PRIMARY KEY \((website_id, [^)]*)\)", re.MULTILINE)
_TYPES = {"BYTEA": "bytes", "TEXT": "text", "BIGINT": "int"}


class Removal(msgspec.Struct, frozen=True):
    """A deleted website and the time of deletion (ms since epoch)."""

    website_id: bytes
    since: int


def remove_website(tx: Transaction, website_id: bytes, now: int) -> NotFound | None:
    """Delete a website, if it exists; see `auth.removal` for its keys. Its rows remain for `remove_rows`."""
    website = lock_website(tx, website_id)
    if isinstance(website, NotFound):
        return website
    tx.execute(sql.website_remove, (website_id,))
    tx.execute(sql.removal_add, (_NAME + website_id.hex(), now))
    configuration_changed(tx)
    return None


def removals(tx: Transaction, _: None = None) -> list[Removal]:
    """Deleted websites that may have rows left."""
    found = tx.all(sql.removals_all, (_NAME, _NAME + "~"))
    return [Removal(bytes.fromhex(row.name.removeprefix(_NAME)), row.value) for row in found]


def remove_rows(tx: Transaction, website_id: bytes) -> int:
    """Remove some rows of a deleted website. Returns how many; 0 if none were left."""
    return _remove(tx, website_id, is_derived=False)


def remove_derived(tx: Transaction, website_id: bytes) -> int:
    """The same for derived tables."""
    return _remove(tx.derived, website_id, is_derived=True)


def end_removal(tx: Transaction, website_id: bytes) -> None:
    """Note that nothing is left of the website."""
    tx.execute(sql.removal_end, (_NAME + website_id.hex(),))


def _remove(tx: Transaction, website_id: bytes, *, is_derived: bool) -> int:
    for first_keys, remove in _statements(is_derived):
        if keys := tx.all(first_keys, (website_id,)):
            tx.execute_many(remove, [msgspec.structs.astuple(key) for key in keys])
            return len(keys)
    return 0


@functools.cache
def _statements(is_derived: bool) -> list[tuple[Statement, Statement]]:
    """For each table whose rows belong to a website: the statement for the first keys of its rows, and the one that removes a row by key."""
    texts = (migrate.derived() if is_derived else migrate.migrations()).values()
    found = [(name, body, _KEY.search(body)) for text in texts for name, body in _TABLE.findall(text)]
    return [_statements_of(name, body, key[1].split(", ")) for name, body, key in found if key]


def _statements_of(table: str, body: str, key: list[str]) -> tuple[Statement, Statement]:
    kinds = dict(_COLUMN.findall(body))
    declared = ", ".join(f"{name} {_TYPES[kinds[name]]}" for name in key)
    where = " AND ".join(f"{name} = :{name}" for name in key)
    first = f"SELECT {', '.join(key)} FROM {table} WHERE website_id = :website_id LIMIT {SLICE}"
    return (
        make_statement(f"first_keys_{table}", "website_id bytes", first, declared),
        make_statement(f"remove_{table}", declared, f"DELETE FROM {table} WHERE {where}"),
    )


def _derived_step(tx: Transaction, calls: list[bytes]) -> list[int]:
    return [remove_derived(tx, website_id) for website_id in calls]


DERIVED_HANDLER = WriteHandler(
    rank=-1, run=_derived_step, is_step=True, locks=lambda calls: [(b"trait index",)]
)


class WebsiteRemover:
    """The background job that removes the rows of deleted websites."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._losses = 0

    async def advance(self) -> float:
        """Remove a slice. Returns the seconds to wait before the next. Raises ApiError and DatabaseError."""
        waiting = await self._database.read(removals, None)
        if not waiting:
            return IDLE_SECONDS
        website_id, started = waiting[0].website_id, perf_counter()
        if await self._remove_some(website_id):
            return REST * (perf_counter() - started)
        losses, self._losses = self._losses, await self._database.derived.flush()
        if losses != self._losses:  # what was removed from derived tables may be back
            return 0
        if self._clock() < waiting[0].since + LATE_MS:
            return IDLE_SECONDS
        await self._database.change(lambda tx: end_removal(tx, website_id))
        await self._database.scrub()
        return 0

    async def _remove_some(self, website_id: bytes) -> int:
        removed = await self._database.change(lambda tx: remove_rows(tx, website_id))
        return removed or await self._database.write(DERIVED_HANDLER, website_id)

"""What a database is to the rest of Footfall: two engines, one interface.

A **handler** is plain synchronous code that gets a transaction. A write handler takes a list of calls and returns as many
results in the same order; a call that fails by rule is a result (an ApiError), not an exception.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from footfall.db.statements import Statement

Value = bytes | str | int | float | None
Values = tuple[Any, ...]
Row = Any
"""A row of a query: a frozen struct whose fields are the columns that the statement declares; see `db.statements`."""
Params = tuple[Value, ...]

C = TypeVar("C")
R = TypeVar("R")


class Transaction(Protocol):
    """Statements inside one transaction. Raises DatabaseError."""

    @property
    def derived(self) -> Transaction:
        """Where steps write derived tables: this transaction itself, or one of their own.

        That one stays open across steps until `DerivedStore.flush` commits it. It knows derived tables alone.
        """

    def all(self, statement: Statement, params: Params = ()) -> list[Row]:
        """All rows of a query."""

    def stream(self, statement: Statement, params: Params = ()) -> Iterator[Row]:
        """The rows of a query one by one, without holding them all."""

    def one(self, statement: Statement, params: Params = ()) -> Row | None:
        """The first row of a query, or None."""

    def get_many(self, statement: Statement, keys: Sequence[Params]) -> list[Row | None]:
        """The first row for each key, in the order of `keys`: the query run for all keys at once."""

    def all_together(self, *asked: tuple[Statement, Params]) -> list[list[Row]]:
        """What `all` gives for each (query, params): together, where a server has to be waited for."""

    def get_many_together(self, *asked: tuple[Statement, Sequence[Params]]) -> list[list[Row | None]]:
        """What `get_many` gives for each (query, keys): together, where a server has to be waited for."""

    def execute(self, statement: Statement, params: Params = ()) -> int:
        """Run a statement that writes; the number of rows it changed."""

    def execute_many(self, statement: Statement, rows: Sequence[Params]) -> None:
        """Run an INSERT of VALUES, an UPDATE or a DELETE once for each of `rows`; no two of them may name the same key.

        What is wrong with it may be raised later, by a statement that gives something or by the commit.
        """

    def lock(self, names: Sequence[Params], shared: Sequence[Params] = ()) -> None:
        """Until this transaction ends, keep other processes from locking `names` and `shared`, and from sharing `names`."""


class WriteHandler(NamedTuple):
    """A write that is grouped with its like. Handlers of one batch run by rising `rank`.

    `is_slow`: takes milliseconds rather than microseconds a call, so it must not hold up the event loop; `is_long` says so of one call.
    `is_step`: a step of work in the background; one goes into each batch, and none of them counts as a call that came.
    `locks` names what a list of calls may write, so that no other process writes it meanwhile; `shares` what no other process may
    lock meanwhile, though it may share it. `about` names the visitor of a call: calls about the same one are written in the order in which
    they came; others may be written side by side, where the engine can. Without it, in the order in which they came.
    """

    rank: int
    run: Callable[[Transaction, list[Any]], list[Any]]
    is_slow: bool = False
    is_step: bool = False
    locks: Callable[[list[Any]], list[Params]] | None = None
    shares: Callable[[list[Any]], list[Params]] | None = None
    about: Callable[[Any], bytes] | None = None
    is_long: Callable[[Any], bool] | None = None


def run_each(tx: Transaction, calls: list[Callable[[Transaction], Any]]) -> list[Any]:
    """Write handler whose calls are themselves work to run."""
    return [call(tx) for call in calls]


CHANGE_HANDLER = WriteHandler(rank=4, run=run_each, is_slow=True)


class DerivedStore(Protocol):
    """The derived tables: those that can be made anew from the others. Background steps write them, see `Transaction.derived`."""

    is_new: bool
    """Whether they were empty when the database was opened, though the others may not be: then they have to be filled."""

    async def mark_filled(self) -> None:
        """From now on they need not be filled at a start: what they lack is written down to be done."""

    async def flush(self) -> int:
        """Commit what steps wrote so far, on disk and for readers to see; nothing to do where each batch does.

        How often such a transaction was lost since the start: once that has grown, what was written since the last flush has to be
        written again. Raises DatabaseError when this one is.
        """

    async def mend(self) -> bool:
        """Empty them if they were found damaged; whether they were, and so have to be filled. Raises DatabaseError."""

    def limit_bulk(self, most: int | None) -> None:
        """Let at most `most` bulk calls go into a batch from now on, so that steps catch up; None: as many as is good for them."""


class Database(Protocol):
    """A store with one grouped write path. Use `open` before and `close` after."""

    engine: str

    @property
    def derived(self) -> DerivedStore:
        """The derived tables, between `open` and `close`."""

    async def open(self) -> None:
        """Connect and start the writer. Raises DatabaseError."""

    async def close(self) -> None:
        """Finish what was queued and disconnect."""

    def vitals(self) -> dict[str, asyncio.Future[Any]]:
        """What works between `open` and `close`, by name: when any of it ends before, the database does not do what it should any more."""

    def write(self, handler: WriteHandler, call: Any, *, bulk: int | None = None) -> Awaitable[Any]:
        """Queue a call; the result comes after its commit. Raises Unavailable when the queue is full.

        `bulk` is the number of a batch that the call is one of; None: a live call. Those of a batch keep their order among themselves,
        and yield to live ones: where both share a connection, at most 50 go into a transaction while live ones come.
        """

    def live_calls(self) -> int:
        """Live calls that were queued since the start: by how the number grows, background work sees whether it holds any up."""

    async def change(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` in a transaction of the write path and commit it: for rare changes that need no grouping.

        When it raises an ApiError or UsageError, nothing of it is written, and the error reaches the caller.
        """

    async def scrub(self) -> bool:
        """Whether what was deleted before lies in no file of the database any more.

        False for a server's database, whose files are its own, and while somebody reads since before the deletion; then it goes once
        they are done.
        """

    async def read(self, handler: Callable[[Transaction, C], R], call: C) -> R:
        """Run a short read (point look-ups) on a snapshot."""

    async def scan(self, handler: Callable[[Transaction, C], R], call: C, *, share: bytes = b"") -> R:
        """Run a read that may take long, on a thread and connection that no `read` waits for.

        Scans of one `share`, the id of a website, take turns with those of others. One ends as soon as `scans.HAS_LEFT` says that nobody
        waits for it. Raises Unavailable when it takes too long, or when too many of its share wait.
        """

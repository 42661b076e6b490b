"""The interface of a database, for both engines.

A **handler** is plain synchronous code that gets a transaction. A write handler takes a list of calls and returns as many
results in the same order; a call that fails by rule is a result (an ApiError), not an exception.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from footfall.db.statements import Statement
from footfall.tally import Spread

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
        """The transaction in which steps write derived tables: this one or a separate one.

        A separate one stays open across steps until `DerivedStore.flush()`, and sees only derived tables.
        """

    def all(self, statement: Statement, params: Params = ()) -> list[Row]:
        """All rows of a query."""

    def stream(self, statement: Statement, params: Params = ()) -> Iterator[Row]:
        """The rows of a query, streamed one by one."""

    def one(self, statement: Statement, params: Params = ()) -> Row | None:
        """The first row of a query, or None."""

    def get_many(self, statement: Statement, keys: Sequence[Params]) -> list[Row | None]:
        """The first row for each key, in the order of `keys`. Runs the query once for all keys."""

    def all_together(self, *asked: tuple[Statement, Params]) -> list[list[Row]]:
        """What `all` returns for each (query, params), in one round trip where there is a server."""

    def get_many_together(self, *asked: tuple[Statement, Sequence[Params]]) -> list[list[Row | None]]:
        """What `get_many` returns for each (query, keys), in one round trip where there is a server."""

    def groups(self, *asked: tuple[Statement, Sequence[Params]]) -> list[list[list[Row]]]:
        """For each (query, keys) what `all` returns for each of the keys. Runs each query once for all its keys, all in one round trip."""

    def execute(self, statement: Statement, params: Params = ()) -> int:
        """Run a statement that writes. Returns the number of rows changed."""

    def execute_many(self, statement: Statement, rows: Sequence[Params]) -> None:
        """Run an INSERT ... VALUES, an UPDATE or a DELETE once for each row. No two rows may have the same key.

        Errors may surface later: in the next statement that returns rows, or in the commit.
        """

    def lock(self, names: Sequence[Params], shared: Sequence[Params] = ()) -> None:
        """Lock `names` exclusively and `shared` in share mode, against other processes, until this transaction ends."""


class WriteHandler(NamedTuple):
    """A write whose calls are grouped into batches. The handlers of a batch run in order of `rank`.

    `is_slow`: a call takes milliseconds rather than microseconds, so it must not run on the event loop; `is_long` decides this for one call.
    `is_step`: a step of a background job. Each batch takes one, and it does not count as a call.
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
    """Write handler whose calls are functions to run."""
    return [call(tx) for call in calls]


CHANGE_HANDLER = WriteHandler(rank=4, run=run_each, is_slow=True)


class DerivedStore(Protocol):
    """The derived tables, which can be rebuilt from the others. Background steps write them; see `Transaction.derived`."""

    is_new: bool
    """Whether they were empty when the database was opened, so that they have to be filled."""

    async def mark_filled(self) -> None:
        """Record that they are filled: what is missing is queued in the database."""

    async def flush(self) -> int:
        """Commit what steps wrote, so that it is on disk and readers see it. Does nothing where each batch commits it.

        Returns how many such transactions were lost since the start. When the number has grown, whatever was written since the
        last flush has to be written again. Raises DatabaseError when this one is lost.
        """

    async def mend(self) -> bool:
        """Empty them if they are damaged. Returns whether they were, so that they have to be filled again. Raises DatabaseError."""

    def limit_bulk(self, most: int | None) -> None:
        """Limit bulk calls to `most` per batch, so that steps catch up; None lifts the limit."""


class DatabaseFigures(NamedTuple):
    """How a database is doing, since the start.

    `waiting`: calls in the queues of each kind. `batches`: calls in each; `commits`: seconds of each. `refused`: calls that were not
    written, by the reason. `size`, `log`: bytes of the embedded database, and of its write-ahead log; None: a server keeps them.
    """

    waiting: dict[str, int]
    batches: Spread
    commits: Spread
    refused: dict[str, int]
    size: int | None = None
    log: int | None = None


class Database(Protocol):
    """A database whose writes are grouped into batches. Call `open` first and `close` last."""

    engine: str

    @property
    def derived(self) -> DerivedStore:
        """The derived tables, between `open` and `close`."""

    async def open(self) -> None:
        """Connect and start the writer. Raises DatabaseError."""

    async def close(self) -> None:
        """Finish queued writes and disconnect."""

    def vitals(self) -> dict[str, asyncio.Future[Any]]:
        """The tasks that must run between `open` and `close`, by name. If one ends early, the database no longer works."""

    def write(self, handler: WriteHandler, call: Any, *, bulk: int | None = None) -> Awaitable[Any]:
        """Queue a call and return its result after the commit. Raises Unavailable when the queue is full.

        `bulk` is the number of a batch that the call is one of; None: a live call. Those of a batch keep their order among themselves,
        and yield to live ones: where both share a connection, at most 50 go into a transaction while live ones come.
        """

    def live_calls(self) -> int:
        """The number of live calls queued since the start. Background jobs watch it to see whether they delay any."""

    def figures(self) -> DatabaseFigures:
        """How it is doing now."""

    async def change(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` in a transaction of its own on the write path. For rare changes that need no grouping.

        When it raises an ApiError or UsageError, nothing of it is written, and the error reaches the caller.
        """

    async def scrub(self) -> bool:
        """Whether deleted data is gone from all files of the database.

        False for a server's database, whose files are its own, and while somebody reads since before the deletion; then it goes once
        they are done.
        """

    async def read(self, handler: Callable[[Transaction, C], R], call: C) -> R:
        """Run a short read (point look-ups) on a snapshot."""

    async def gather(self, handler: Callable[[Transaction, list[C]], list[R]], call: C) -> R:
        """The same for a handler that takes a list of calls: those that wait at the same time may go together, where a server has to be waited for.

        What it raises for one of them, the others do not get to know.
        """

    async def scan(self, handler: Callable[[Transaction, C], R], call: C, *, share: bytes = b"") -> R:
        """Run a read that may take long, on a separate thread and connection.

        Scans of one `share`, the id of a website, take turns with those of others. One ends as soon as `scans.HAS_LEFT` says that nobody
        waits for it. Raises Unavailable when it takes too long, or when too many of its share wait.
        """

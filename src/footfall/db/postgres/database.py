"""PostgreSQL through psycopg: the same statements, grouped into set-based ones; any number of server processes.

A statement is run for many keys or rows at once by handing their columns over as arrays (`db.postgres.arrays`), and none is waited for until its answer
is needed (`db.postgres.transaction`): a batch that looks up at once what it needs costs two round trips, however many calls it holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from footfall.db import scans
from footfall.db.postgres.connection import ANSWER_SECONDS, FAULTS, PostgresConnection, connect, ours
from footfall.db.postgres.derived import PostgresDerived
from footfall.db.postgres.gathering import Gathered, Gathering
from footfall.db.postgres.session import (
    BEGIN_READ,
    PLAN_EACH,
    PostgresSession,
    require_current,
)
from footfall.db.postgres.transaction import PostgresTransaction, in_transaction
from footfall.db.protocol import CHANGE_HANDLER, DatabaseFigures, Transaction, WriteHandler
from footfall.db.scans import TOO_LONG, Scans
from footfall.db.scans import Turn as ScanTurn
from footfall.db.writer import Turn, Writer, figures_of
from footfall.errors import (
    DatabaseError,
    Unavailable,
)
from footfall.log import get_logger

C = TypeVar("C")
R = TypeVar("R")

BATCH_SIZE = 256
READ_CONNECTIONS, SCAN_CONNECTIONS, SCANS_OF_ONE = 6, 3, 2
"""Those that read, those that scan, and how many of these one website may have."""
LIVE_CONNECTIONS, BULK_CONNECTIONS = 2, 2
"""Those that write, but for one for background steps. Several, so that one batch is decided on while the server looks up or commits another."""
LEAVING_SECONDS = 1.0
"""How long a server that leaves waits for what it has to write, and then for each answer."""
CANCEL_SECONDS = 0.1
"""Seconds between attempts to end running reads when a server stops."""


class PostgresDatabase:
    """A PostgreSQL server as the database; see `db.protocol.Database`."""

    engine = "postgres"
    _is_closing = False

    def __init__(self, url: str, queue_size: int) -> None:
        self._url = url
        self._queue_size = queue_size
        self._log = get_logger("postgres")

    async def open(self) -> None:
        self._sessions = await asyncio.to_thread(self._connect, LIVE_CONNECTIONS + BULK_CONNECTIONS + 1)
        self._reading: dict[int, PostgresConnection] = {}
        self._away_until = 0.0
        self._readers = ThreadPoolExecutor(READ_CONNECTIONS, "read")
        self._gathering = Gathering(self._read_together)
        self._scans: Scans[None] = Scans([None] * SCAN_CONNECTIONS, SCANS_OF_ONE)
        self._one_at_a_time = asyncio.Lock()
        sessions = iter(self._sessions)
        self._live = [self._writer(next(sessions)) for _ in range(LIVE_CONNECTIONS)]
        self._bulk = [self._writer(next(sessions), turn=self._bulk_turn) for _ in range(BULK_CONNECTIONS)]
        self._steps = self._writer(next(sessions))
        self.derived = PostgresDerived(self._bulk)

    def _connect(self, many: int) -> list[PostgresSession]:
        """Open this many writing sessions on a database with the current schema. Raises DatabaseError, with none left open."""
        with contextlib.ExitStack() as opened:
            sessions: list[PostgresSession] = []
            while len(sessions) < many:
                sessions.append(PostgresSession(self._url, is_server=True))
                opened.callback(sessions[-1].close)
                if len(sessions) == 1:
                    require_current(sessions[0])
            opened.pop_all()
        return sessions

    def _writer(self, session: PostgresSession, turn: Callable[[], Turn] = contextlib.nullcontext) -> Writer:
        return Writer(session, self._queue_size, BATCH_SIZE, turn)

    def vitals(self) -> dict[str, asyncio.Future[Any]]:
        writers = {"steps": self._steps}
        writers |= {f"live writer {number}": one for number, one in enumerate(self._live)}
        writers |= {f"bulk writer {number}": one for number, one in enumerate(self._bulk)}
        return {key: vital for name, one in writers.items() for key, vital in one.vitals(name).items()}

    async def close(self) -> None:
        await self._end_writes()
        await self._end_reads()
        for connection in self._reading.values():
            connection.close()

    async def _end_writes(self) -> None:
        """Write what is queued, but do not wait for a server that does not answer."""
        for session in self._sessions:
            session.most_patience = LEAVING_SECONDS
        ends = [asyncio.create_task(writer.close()) for writer in (*self._live, *self._bulk, self._steps)]
        if (await asyncio.wait(ends, timeout=LEAVING_SECONDS))[1]:
            await asyncio.gather(*(asyncio.to_thread(session.end_wait) for session in self._sessions))
        await asyncio.gather(*ends)

    async def _end_reads(self) -> None:
        """Refuse further reads and cancel the running ones."""
        self._is_closing = True
        self._gathering.close()
        ends = [
            asyncio.create_task(asyncio.to_thread(self._readers.shutdown, cancel_futures=True)),
            asyncio.create_task(self._scans.close()),
        ]
        while (await asyncio.wait(ends, timeout=CANCEL_SECONDS))[1]:
            reading = list(self._reading.values())
            await asyncio.gather(*(asyncio.to_thread(connection.end_wait) for connection in reading))

    def write(self, handler: WriteHandler, call: Any, *, bulk: int | None = None) -> Awaitable[Any]:
        if handler.is_step:
            writer = self._steps
        elif bulk is not None:
            writer = self._bulk[bulk % BULK_CONNECTIONS]
        elif handler.about is not None:
            writer = self._live[handler.about(call)[-1] % len(self._live)]
        else:
            writer = self._live[0]
        return writer.submit(handler, call, bulk is not None)

    def _bulk_turn(self) -> Turn:
        """While live calls come in, batches are written one at a time, to leave room for them."""
        is_quiet = all(writer.is_quiet() for writer in self._live)
        return contextlib.nullcontext() if is_quiet else self._one_at_a_time

    def live_calls(self) -> int:
        return sum(writer.live_calls for writer in self._live)

    def figures(self) -> DatabaseFigures:
        return figures_of([*self._live, *self._bulk, self._steps])

    async def change(self, work: Callable[[Transaction], R]) -> R:
        result: R = await self.write(CHANGE_HANDLER, work)
        return result

    async def scrub(self) -> bool:
        """Nothing to do here: see docs/scaling.md on what a server's own log keeps."""
        return False

    async def read(self, handler: Callable[[Transaction, C], R], call: C) -> R:
        reading = functools.partial(self._read, (BEGIN_READ,), lambda tx: handler(tx, call))
        return await asyncio.get_running_loop().run_in_executor(self._readers, reading)

    async def gather(self, handler: Callable[[Transaction, list[C]], list[R]], call: C) -> R:
        result: R = await self._gathering.run(handler, call)
        return result

    def _read_together(self, handler: Gathered, calls: list[Any]) -> asyncio.Future[list[Any]]:
        reading = functools.partial(self._read, (BEGIN_READ,), lambda tx: handler(tx, calls))
        return asyncio.get_running_loop().run_in_executor(self._readers, reading)

    async def scan(self, handler: Callable[[Transaction, C], R], call: C, *, share: bytes = b"") -> R:
        return await self._scans.run(share, lambda _, turn: self._scan(lambda tx: handler(tx, call), turn))

    def _scan(self, work: Callable[[Transaction], R], turn: ScanTurn) -> R:
        def in_time(tx: PostgresTransaction) -> R:
            tx.is_over = lambda: self._is_closing or turn.is_over()
            try:
                return work(tx)
            except errors.QueryCanceled as error:
                if turn.is_late():
                    self._log.warning("a scan was given up")
                raise Unavailable(TOO_LONG) from error

        limit = f"SET LOCAL statement_timeout = '{scans.SCAN_SECONDS}s'"
        return self._read((BEGIN_READ, PLAN_EACH, limit), in_time, scans.SCAN_SECONDS + ANSWER_SECONDS)

    def _read(
        self,
        begin: tuple[str, ...],
        work: Callable[[PostgresTransaction], R],
        patience: float = ANSWER_SECONDS,
    ) -> R:
        """Read on this thread's connection; once more on a fresh one, since it may have been cut after its last use. Raises DatabaseError."""
        try:
            with contextlib.suppress(*FAULTS):
                return in_transaction(self._connection(patience), begin, work)
            return in_transaction(self._connection(patience), begin, work)
        except psycopg.Error as error:
            raise ours(error) from error

    def _connection(self, patience: float) -> PostgresConnection:
        """This thread's, whose answers are waited for `patience` seconds each. Raises DatabaseError; at once as long after a failed attempt as that one took, so that waits do not add up."""
        thread, now = threading.get_ident(), time.monotonic()
        found = self._reading.get(thread)
        if found is not None and not found.closed:
            return found
        if now < self._away_until:
            raise DatabaseError("PostgreSQL cannot be reached")
        try:
            found = self._reading[thread] = connect(self._url, is_server=True)
        except DatabaseError:
            failed = time.monotonic()
            self._away_until = failed + (failed - now)
            raise
        found.patience = patience
        return found

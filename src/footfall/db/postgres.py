"""PostgreSQL through psycopg: the same statements, grouped into set-based ones; any number of server processes.

A statement is run for many keys or rows at once by handing their columns over as arrays (`db.arrays`), and none is waited for until its answer
is needed (`db.postgres_transaction`): a batch that looks up at once what it needs costs two round trips, however many calls it holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from footfall.db import migrate, scans
from footfall.db.postgres_connection import ANSWER_SECONDS, Connection, connect
from footfall.db.postgres_derived import PostgresDerived
from footfall.db.postgres_transaction import PostgresTransaction, in_transaction
from footfall.db.protocol import CHANGE_HANDLER, Transaction, WriteHandler
from footfall.db.scans import TOO_LONG, Scans
from footfall.db.scans import Turn as ScanTurn
from footfall.db.writer import Turn, Writer
from footfall.errors import (
    DatabaseBusy,
    DatabaseConflict,
    DatabaseCrowded,
    DatabaseError,
    SchemaMismatch,
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
BEGIN_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Locks are taken by the first statement; what others wrote until then must be seen by the next, whatever the server's default is."""
BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
PLAN_EACH = "SET LOCAL plan_cache_mode = force_custom_plan"
"""In a transaction that reads ranges: how many rows a value leads to decides on the plan."""
SLOW_SECONDS = 60.0
"""How long a server waits for each answer to a statement that may take longer than those of live calls; see `ANSWER_SECONDS`."""
LEAVING_SECONDS = 1.0
"""How long a server that leaves waits for what it has to write, and then for each answer."""
CANCEL_SECONDS = 0.1
"""Between two attempts to end the reads that are under way when a server leaves."""
MIGRATION_LOCK = 0x466F6F7466616C6C
"""The advisory lock under which schemas are migrated: `Footfall` in ASCII."""
SERVERS_LOCK = MIGRATION_LOCK + 1
"""The one that servers share, and that a command holds beside which none may run."""

_TEXT = re.compile(r"\bTEXT\b")
"""In a migration. Texts are ordered by their bytes and folded to lower case as in SQLite, whatever the database's locale is."""


_FAULTS = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.IdleInTransactionSessionTimeout,
)
"""Errors about the store, not about the statement."""


def _ours(error: psycopg.Error) -> DatabaseError:
    """Without the message's details, which may quote data."""
    if isinstance(error, errors.SerializationFailure | errors.DeadlockDetected):
        return DatabaseConflict(type(error).__name__)
    if isinstance(error, errors.OutOfMemory):  # of the server, which is most often its table of locks
        return DatabaseCrowded(type(error).__name__)
    return DatabaseError(f"{type(error).__name__} {error.sqlstate or ''}".strip())


class PostgresSession:
    """A connection that writes, and comes back by itself when it was cut."""

    is_local = False
    is_derived_new = False

    def __init__(self, url: str, *, is_server: bool = False) -> None:
        self._url = url
        self._is_server = is_server
        self.most_patience = SLOW_SECONDS
        """Seconds that a server waits for any answer; less once it leaves."""
        self._connection = self._connect()

    def begin(self, *, wait: bool = True, is_slow: bool = False) -> Transaction:
        try:
            connection = self._live()
            if self._is_server:
                connection.patience = min(SLOW_SECONDS if is_slow else ANSWER_SECONDS, self.most_patience)
            self._tx = PostgresTransaction(connection, BEGIN_WRITE)
        except psycopg.Error as error:
            self._connection.close()
            raise _ours(error) from error
        return self._tx

    def commit(self) -> None:
        try:
            self._tx.commit()
        except psycopg.Error as error:  # of the commit, or of a statement that nobody waited for
            raise self.translate(error) from error

    def rollback(self) -> None:
        try:
            self._tx.rollback()
        except psycopg.Error:
            self._connection.close()

    def translate(self, error: Exception) -> Exception:
        if isinstance(error, errors.ReadOnlySqlTransaction):
            # A standby, or a server that takes no writes while its disk is full: a new connection may find another state.
            self._connection.close()
        return _ours(error) if isinstance(error, _FAULTS) else error

    def schema_version(self) -> int:
        """The number of the newest migration that was applied; 0 for an empty database."""
        try:
            return schema_version(self._live())
        except psycopg.Error as error:
            raise _ours(error) from error

    def transact(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` in one transaction and commit it."""
        return self._run((BEGIN_WRITE,), work)

    def snapshot(self, work: Callable[[Transaction], R]) -> R:
        """Run `work`, which only reads, on one state of the database."""
        return self._run((BEGIN_READ, PLAN_EACH), work)

    def _run(self, begin: tuple[str, ...], work: Callable[[Transaction], R]) -> R:
        try:
            return in_transaction(self._live(), begin, work)
        except psycopg.Error as error:
            raise _ours(error) from error

    def _live(self) -> Connection:
        """The connection, made anew when it was cut or given up. Raises DatabaseError."""
        if self._connection.closed:
            self._connection.close()
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> Connection:
        connection = connect(self._url, is_server=self._is_server)
        if self._is_server and not _is_locked(connection, "pg_try_advisory_lock_shared"):
            connection.close()
            raise DatabaseBusy(
                "A command has this database for itself, such as `footfall db copy`. Start servers when it is done."
            )
        return connection

    def end_wait(self) -> None:
        """See `Connection.end_wait`. For another thread."""
        self._connection.end_wait()

    def between_batches(self) -> None:
        """Nothing to do: the server keeps house."""

    def close(self) -> None:
        self._connection.close()


@contextlib.contextmanager
def without_servers(url: str) -> Iterator[None]:
    """Keep servers off a database. Raises DatabaseBusy when one runs, and DatabaseError."""
    with contextlib.closing(connect(url)) as connection:
        if not _is_locked(connection, "pg_try_advisory_lock"):
            raise DatabaseBusy(
                "A Footfall server is running on this PostgreSQL database, or another command holds it. Stop all servers first."
            )
        yield


def _is_locked(connection: Connection, function: str) -> bool:
    """Whether this connection got SERVERS_LOCK through a function that does not wait for it. Raises DatabaseError."""
    try:
        row = connection.execute(f"SELECT {function}($1)".encode(), [SERVERS_LOCK]).fetchone()
    except psycopg.Error as error:
        raise _ours(error) from error
    return row is not None and bool(row[0])


def schema_version(connection: Connection) -> int:
    """The number of the newest migration that was applied; 0 for an empty database."""
    exists = connection.execute("SELECT to_regclass('schema_migration')").fetchone()
    if exists is None or exists[0] is None:
        return 0
    row = connection.execute("SELECT coalesce(max(version), 0) FROM schema_migration").fetchone()
    return int(row[0]) if row else 0


def migrate_server(url: str) -> list[int]:
    """Bring the schema up to date; safe when several processes do it at once. Raises DatabaseError."""
    with connect(url) as connection:
        try:
            connection.execute("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK])
            numbers = migrate.pending(schema_version(connection))
            for number in numbers:
                _apply(connection, number)
        except psycopg.Error as error:
            raise DatabaseError(f"The migration failed: {error}") from error
    return numbers


def _apply(connection: Connection, number: int) -> None:
    with connection.transaction():
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT NOT NULL PRIMARY KEY)"
        )
        for statement in migrate.statements_of(migrate.whole()[number]):
            connection.execute(_TEXT.sub('TEXT COLLATE "C"', statement))
        connection.execute("INSERT INTO schema_migration VALUES ($1)", [number])


def require_current(session: PostgresSession) -> None:
    """Raises SchemaMismatch, and closes the session, unless its schema is the one this program was written for."""
    version = session.schema_version()
    try:
        if migrate.pending(version):
            raise migrate.too_old(version)
    except SchemaMismatch:
        session.close()
        raise


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
        self._reading: dict[int, Connection] = {}
        self._away_until = 0.0
        self._readers = ThreadPoolExecutor(READ_CONNECTIONS, "read")
        self._scans: Scans[None] = Scans([None] * SCAN_CONNECTIONS, SCANS_OF_ONE)
        self._one_at_a_time = asyncio.Lock()
        sessions = iter(self._sessions)
        self._live = [self._writer(next(sessions)) for _ in range(LIVE_CONNECTIONS)]
        self._bulk = [self._writer(next(sessions), turn=self._bulk_turn) for _ in range(BULK_CONNECTIONS)]
        self._steps = self._writer(next(sessions))
        self.derived = PostgresDerived(self._bulk)

    def _connect(self, many: int) -> list[PostgresSession]:
        """So many sessions that write, on a database with the current schema. Raises DatabaseError, with none left open."""
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
        """Write what is queued; but a server that does not answer is not waited for."""
        for session in self._sessions:
            session.most_patience = LEAVING_SECONDS
        ends = [asyncio.create_task(writer.close()) for writer in (*self._live, *self._bulk, self._steps)]
        if (await asyncio.wait(ends, timeout=LEAVING_SECONDS))[1]:
            await asyncio.gather(*(asyncio.to_thread(session.end_wait) for session in self._sessions))
        await asyncio.gather(*ends)

    async def _end_reads(self) -> None:
        """Take no more reads, and cancel what those under way wait for."""
        self._is_closing = True
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
        """While live calls come, batches are written one at a time, so that they leave time for them."""
        is_quiet = all(writer.is_quiet() for writer in self._live)
        return contextlib.nullcontext() if is_quiet else self._one_at_a_time

    def live_calls(self) -> int:
        return sum(writer.live_calls for writer in self._live)

    async def change(self, work: Callable[[Transaction], R]) -> R:
        result: R = await self.write(CHANGE_HANDLER, work)
        return result

    async def scrub(self) -> bool:
        """Nothing to do here: see docs/scaling.md on what a server's own log keeps."""
        return False

    async def read(self, handler: Callable[[Transaction, C], R], call: C) -> R:
        reading = functools.partial(self._read, (BEGIN_READ,), lambda tx: handler(tx, call))
        return await asyncio.get_running_loop().run_in_executor(self._readers, reading)

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
            with contextlib.suppress(*_FAULTS):
                return in_transaction(self._connection(patience), begin, work)
            return in_transaction(self._connection(patience), begin, work)
        except psycopg.Error as error:
            raise _ours(error) from error

    def _connection(self, patience: float) -> Connection:
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

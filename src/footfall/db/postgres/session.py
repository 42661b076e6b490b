"""A connection that writes to PostgreSQL, of a server or of a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import psycopg
from psycopg import errors

from footfall.db import migrate
from footfall.db.postgres.connection import ANSWER_SECONDS, FAULTS, PostgresConnection, connect, ours
from footfall.db.postgres.schema import is_locked, may_feed, schema_version
from footfall.db.postgres.transaction import PostgresTransaction, in_transaction
from footfall.db.protocol import Transaction
from footfall.errors import (
    DatabaseBusy,
    SchemaMismatch,
)

C = TypeVar("C")
R = TypeVar("R")

BEGIN_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Locks are taken by the first statement; what others wrote until then must be seen by the next, whatever the server's default is."""
BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
PLAN_EACH = "SET LOCAL plan_cache_mode = force_custom_plan"
"""In a transaction that reads ranges: how many rows a value leads to decides on the plan."""
SLOW_SECONDS = 60.0
"""How long a server waits for each answer to a statement that may take longer than those of live calls; see `ANSWER_SECONDS`."""


class PostgresSession:
    """A connection that writes and reconnects after a failure."""

    is_local = False
    is_derived_new = False

    def __init__(self, url: str, *, is_server: bool = False) -> None:
        self._url = url
        self._is_server = is_server
        self.most_patience = SLOW_SECONDS
        """Seconds that a server waits for any answer; less once it leaves."""
        self._connection = self._connect()
        self._leading: PostgresConnection | None = None
        self._terms = 0

    def begin(self, *, wait: bool = True, is_slow: bool = False) -> Transaction:
        try:
            connection = self._live()
            if self._is_server:
                connection.patience = min(SLOW_SECONDS if is_slow else ANSWER_SECONDS, self.most_patience)
            self._tx = PostgresTransaction(connection, BEGIN_WRITE)
        except psycopg.Error as error:
            self._connection.close()
            raise ours(error) from error
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
        return ours(error) if isinstance(error, FAULTS) else error

    def schema_version(self) -> int:
        """The number of the newest migration applied; 0 for an empty database."""
        try:
            return schema_version(self._live())
        except psycopg.Error as error:
            raise ours(error) from error

    def transact(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` in one transaction and commit it."""
        return self._run((BEGIN_WRITE,), work)

    def snapshot(self, work: Callable[[Transaction], R]) -> R:
        """Run `work`, which only reads, on one snapshot of the database."""
        return self._run((BEGIN_READ, PLAN_EACH), work)

    def mark(self) -> object:
        """Equal to an earlier one only if nothing was committed to the database meanwhile."""
        try:
            return self._live().execute("SELECT pg_current_snapshot()::text").fetchone()
        except psycopg.Error as error:
            raise ours(error) from error

    def _run(self, begin: tuple[str, ...], work: Callable[[Transaction], R]) -> R:
        try:
            return in_transaction(self._live(), begin, work)
        except psycopg.Error as error:
            raise ours(error) from error

    def _live(self) -> PostgresConnection:
        """The connection; reconnects if necessary. Raises DatabaseError."""
        if self._connection.closed:
            self._connection.close()
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> PostgresConnection:
        connection = connect(self._url, is_server=self._is_server)
        if self._is_server and not is_locked(connection, "pg_try_advisory_lock_shared"):
            connection.close()
            raise DatabaseBusy(
                "A command has this database for itself, such as `footfall db copy`. Start servers when it is done."
            )
        return connection

    def lead(self) -> int | None:
        """The number of the term for which this connection feeds columns that servers share: from now on, if nobody else does; None: another does.

        A lost connection ends the term. Raises DatabaseError.
        """
        connection = self._live()
        if connection is not self._leading:
            if not may_feed(connection):
                return None
            self._leading = connection
            self._terms += 1
        return self._terms

    def next_number(self, term: int) -> int | None:
        """A number above all that anybody was given before; None when the term is over. Raises DatabaseError.

        The message has it written to the log before it is given out: after a crash it would be given out again.
        """
        connection = self._live()
        if connection is not self._leading or term != self._terms:
            return None
        try:
            row = connection.execute(
                "SELECT pg_current_xact_id()::text::bigint, pg_logical_emit_message(true, 'footfall', '')"
            ).fetchone()
        except psycopg.Error as error:
            raise ours(error) from error
        return int(row[0]) if row else None

    def end_wait(self) -> None:
        """See `PostgresConnection.end_wait`. For another thread."""
        self._connection.end_wait()

    def between_batches(self) -> None:
        """Nothing to do: the server keeps house."""

    def close(self) -> None:
        self._connection.close()


def require_current(session: PostgresSession) -> None:
    """Raises SchemaMismatch, and closes the session, unless its schema is the one this program was written for."""
    version = session.schema_version()
    try:
        if migrate.pending(version):
            raise migrate.too_old(version)
    except SchemaMismatch:
        session.close()
        raise

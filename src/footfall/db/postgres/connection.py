"""A connection to PostgreSQL with Footfall's settings and a deadline for each response."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.raw_cursor import RawCursor

from footfall.db.protocol import Values
from footfall.errors import DatabaseConflict, DatabaseCrowded, DatabaseError, SchemaMismatch, UsageError

R = TypeVar("R")

# What psycopg warns of while it cleans up was raised before.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

CONNECT_SECONDS = 3
LOCK_SECONDS, ANSWER_SECONDS = 4, 8.0
"""How long a server waits for a lock, and for each answer: less than its clients wait. A command waits as long as it takes."""
CANCEL_SECONDS = 1.0
"""How long PostgreSQL may take to receive a cancellation."""
CONNECTION: dict[str, Any] = {
    "autocommit": True,
    "cursor_factory": RawCursor,
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "footfall",
    "prepare_threshold": 1,
    # A server that vanished from the network is noticed within some 10 s, not after a quarter of an hour.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
SETTINGS = {
    "client_encoding": "UTF8",
    # Every statement is a look-up by key: its plan never depends on the values, so it is made once.
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    # A process that was stopped or whose machine vanished within a transaction does not hold its locks for ever.
    "idle_in_transaction_session_timeout": "30s",
}
"""Set once connected rather than by `options` of the connection: those are the operator's, and a pooler refuses them."""
# There is no `statement_timeout`: one that ended a commit which waits for a standby would have it reported as done.
SERVER_SETTINGS = {**SETTINGS, "lock_timeout": f"{LOCK_SECONDS}s"}


FAULTS = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.IdleInTransactionSessionTimeout,
)
"""Errors about the store, not about the statement."""


def ours(error: psycopg.Error) -> DatabaseError:
    """The error without the message's details, which may quote data."""
    if isinstance(error, errors.SerializationFailure | errors.DeadlockDetected):
        return DatabaseConflict(type(error).__name__)
    if isinstance(error, errors.OutOfMemory):  # of the server, which is most often its table of locks
        return DatabaseCrowded(type(error).__name__)
    return DatabaseError(f"{type(error).__name__} {error.sqlstate or ''}".strip())


class PostgresConnection(psycopg.Connection[Values]):
    """`patience`: seconds within which each answer has to come; None: as long as it takes.

    After that the statement is cancelled, should anybody hear it, and the connection closed, since nobody knows what it stands at.
    """

    patience: float | None = None

    def wait(self, gen: PQGen[R], interval: float = 0.1, timeout: float | None = None) -> R:
        """See psycopg. Raises psycopg.OperationalError when no answer comes in time."""
        patience = self.patience
        if patience is None or timeout is not None:
            return super().wait(gen, interval, timeout)
        until = time.monotonic() + patience
        try:
            return super().wait(gen, interval, patience)
        except psycopg.OperationalError:
            if time.monotonic() >= until:
                self._give_up()
            raise

    def _give_up(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self.cancel_safe(timeout=CANCEL_SECONDS)
        self.close()

    def end_wait(self) -> None:
        """End another thread's wait on this connection: cancel the statement, or cut the connection if nobody answers."""
        try:
            self.cancel_safe(timeout=CANCEL_SECONDS)
        except psycopg.Error:
            with (
                contextlib.suppress(psycopg.Error, OSError),
                socket.socket(fileno=os.dup(self.fileno())) as own,
            ):
                own.shutdown(socket.SHUT_RDWR)


def connect(url: str, *, is_server: bool = False) -> PostgresConnection:
    """A connection with Footfall's settings. Raises DatabaseError, and UsageError when the URL cannot be read."""
    try:
        connection = PostgresConnection.connect(url, **CONNECTION)
    except (psycopg.ProgrammingError, ValueError):  # its message quotes the URL
        raise UsageError(
            "The database URL cannot be read. Use postgresql://USER:PASSWORD@HOST:PORT/NAME, "
            "with %40 for @, %2F for / and so on in the password."
        ) from None
    except psycopg.Error as error:
        raise DatabaseError(f"PostgreSQL cannot be reached: {_reason(error)}") from error
    try:
        _prepare(connection, SERVER_SETTINGS if is_server else SETTINGS)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: PostgresConnection, settings: dict[str, str]) -> None:
    """Give a new connection its settings, unless its database changes texts. Raises DatabaseError."""
    sets = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in settings.items())
    connection.patience = CONNECT_SECONDS  # a pooler lets one in before it has a server for it
    try:
        row = connection.execute(
            f"SELECT current_setting('server_encoding'), {sets}".encode(), prepare=False
        ).fetchone()
    except psycopg.Error as error:
        raise DatabaseError(f"PostgreSQL cannot be reached: {_reason(error)}") from error
    connection.patience = None
    encoding = _text(row[0]) if row else ""
    if encoding != "UTF8":
        raise SchemaMismatch(
            f"The database has the encoding {encoding}, and Footfall needs UTF8: make one with "
            "CREATE DATABASE footfall ENCODING 'UTF8' TEMPLATE template0 LOCALE 'C'."
        )


def _text(value: Any) -> str:
    """Texts come as bytes while the encoding is none."""
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)


def _reason(error: psycopg.Error) -> str:
    """Why a connection failed, in one line and without addresses. A text with an @ may hold part of a password, so it is not shown."""
    text = " ".join(str(error).split()).rpartition("failed: ")[2]
    return type(error).__name__ if "@" in text else text[:200]

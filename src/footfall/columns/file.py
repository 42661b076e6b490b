"""The file that holds the columns, and all that is said to DuckDB.

One connection writes, in one transaction what a step brings and which changes that were; cursors of it answer. Freed blocks keep what was in
them, and nothing shrinks a file: only a copy does both.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec

from footfall.columns.model import Bindings, Columns, Derived, DerivedPayments, EventRow, SessionColumns
from footfall.errors import ColumnsUnusable, DatabaseError
from footfall.ids import MAX_AT
from footfall.outbox.model import website_of

FILE_NAME = "columns.duckdb"
"""In a folder of its own, the only one in which DuckDB may open files."""
FORM = 3
"""Of the table and of what is derived for it. A file of another form is made anew."""
LOG_BYTES = "64MB"
"""Of changes after which DuckDB copies its log into the file by itself; usually that is asked for before."""
TOKEN_BYTES = 16
CLOSE_SECONDS = 5.0
"""How long queries may go on when the file is to be closed."""

_TYPES = {
    "website": "BIGINT NOT NULL",
    "ts": "BIGINT NOT NULL",
    "visitor": "BIGINT",
    "person": "BIGINT",
    "session_at": "BIGINT NOT NULL",
    "prev_at": "BIGINT NOT NULL",
    "type": "UTINYINT NOT NULL",
    "view_no": "UINTEGER NOT NULL",
    "span": "INTEGER NOT NULL",
    "amount": "BIGINT",
    "then_visitor": "BIGINT",
    "then_person": "BIGINT",
}
COLUMNS = (*EventRow._fields, *SessionColumns._fields)
"""Of the table `event_row`, in order."""
TABLES = {
    "event_row": ", ".join(f"{name} {_TYPES.get(name, 'VARCHAR')}" for name in COLUMNS),
    "state": "form INTEGER NOT NULL, token BLOB NOT NULL, next_token BLOB, holds_erased BOOLEAN NOT NULL",
    "taken": "change_id BLOB NOT NULL, is_leaving BOOLEAN NOT NULL",
}
"""The columns of each table. state, one row: which file this is, the token that it gets next, and whether freed blocks may hold what was
erased. taken: changes of which the database still has word; and whether it was told that they are on disk."""

_REMOVE_VISITORS = """
DELETE FROM event_row
USING (SELECT unnest($websites::BIGINT[]) AS website, unnest($visitors::BIGINT[]) AS visitor, unnest($since::BIGINT[]) AS since,
    unnest($until::BIGINT[]) AS until) AS changed
WHERE event_row.website = changed.website AND event_row.visitor = changed.visitor
    AND event_row.ts >= changed.since AND event_row.ts < changed.until
    AND event_row.ts >= $earliest
"""
_REMOVE_PAYMENTS = """
DELETE FROM event_row
USING (SELECT unnest($websites::BIGINT[]) AS website, unnest($times::BIGINT[]) AS ts) AS changed
WHERE event_row.website = changed.website AND event_row.ts = changed.ts AND event_row.visitor IS NULL
"""
_REMOVE_WEBSITES = "DELETE FROM event_row WHERE website IN (SELECT unnest($websites::BIGINT[]))"


class FileClosed(DatabaseError):
    """The file was closed, since another takes its place: asking that one may succeed."""


class FileGivenUp(DatabaseError):
    """DuckDB gave up a file for which the disk has no room. Nothing in it is lost, and it answers once it is opened again."""


class FileLimits(msgspec.Struct, frozen=True):
    """What DuckDB may use: threads, bytes of memory, bytes of temporary files."""

    threads: int = 1
    memory: int = 512 * 1024**2
    temporary: int = 4 * 1024**3

    @property
    def options(self) -> dict[str, Any]:
        """As DuckDB takes them."""
        return {
            "threads": self.threads,
            "memory_limit": f"{self.memory}B",
            "max_temp_directory_size": f"{self.temporary}B",
            "checkpoint_threshold": LOG_BYTES,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }


class ColumnStep(NamedTuple):
    """What a step brings: rows in place of others, websites (as numbers) that are gone, and the changes that are taken with it."""

    visitors: Sequence[Derived] = ()
    payments: Sequence[DerivedPayments] = ()
    gone: Sequence[int] = ()
    change_ids: Sequence[bytes] = ()
    is_erasing: bool = False
    """Whether what it removes has to be gone from the file for good."""

    @property
    def rows(self) -> list[Columns]:
        """All rows that it brings."""
        visitors = [row for one in self.visitors for row in one.rows]
        return visitors + [row for one in self.payments for row in one.rows]


class Settling(NamedTuple):
    """Changes that are on disk for good, and the token that the database is to have once it has forgotten them.

    `before`: the token that it has until then; None for columns that are about to be made.
    """

    change_ids: list[bytes]
    token: bytes
    before: bytes | None = None


def make_file(
    path: Path, token: bytes, change_ids: Sequence[bytes], limits: FileLimits
) -> duckdb.DuckDBPyConnection:
    """Make a new file without rows, into which these changes are taken before it is first read; a connection that writes it."""
    forget_file(path)
    with translated():
        connection = duckdb.connect(str(path), config=limits.options)
        _create_tables(connection)
        connection.execute("INSERT INTO state VALUES (?, ?, NULL, false)", [FORM, token])
        connection.execute("INSERT INTO taken SELECT unnest($ids::BLOB[]), false", {"ids": list(change_ids)})
    return connection


def append_rows(connection: duckdb.DuckDBPyConnection, rows: Sequence[Columns]) -> None:
    """Add rows of the table `event_row`."""
    if rows:
        with translated():
            appender = connection.appender("event_row")
            appender.append_rows(rows)
            appender.flush()


def copy_sorted(connection: duckdb.DuckDBPyConnection, target: Path) -> None:
    """Make `target` a copy of the file that is open: in order, and without anything that was removed."""
    forget_file(target)
    with translated():
        connection.execute(f"ATTACH {_quoted(target)} AS fresh")
        try:
            _create_tables(connection, "fresh.main.")
            connection.execute(
                "INSERT INTO fresh.main.event_row SELECT * FROM event_row ORDER BY website, ts"
            )
            connection.execute(
                "INSERT INTO fresh.main.state SELECT form, token, next_token, false FROM state"
            )
            connection.execute("INSERT INTO fresh.main.taken SELECT * FROM taken")
            connection.execute("CHECKPOINT fresh")
        finally:
            connection.execute("DETACH fresh")


def _create_tables(connection: duckdb.DuckDBPyConnection, where: str = "") -> None:
    for name, columns in TABLES.items():
        connection.execute(f"CREATE TABLE {where}{name} ({columns})")


def _quoted(path: Path) -> str:
    """A path as SQL names it, where it cannot be bound."""
    return "'" + str(path).replace("'", "''") + "'"


def forget_file(path: Path) -> None:
    """Remove a file with its log."""
    log_path(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def swap_in(fresh: Path, path: Path) -> None:
    """Let a file that nobody has open be the one at `path`, which nobody has open either."""
    log_path(path).unlink(missing_ok=True)  # first: a log beside another file is damage
    fresh.replace(path)


def log_path(path: Path) -> Path:
    """Where DuckDB keeps the log of a file."""
    return path.with_name(path.name + ".wal")


_DAMAGES = (duckdb.Error, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)
"""What DuckDB raises about a file that is damaged: mostly an error without a class of its own."""


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """DuckDB's errors as ours: a full disk, too little memory or another transaction pass; a file that cannot be read is made anew.

    A statement that is wrong says nothing about the file, and its error stays as it is.
    """
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.TransactionException) as error:
        raise DatabaseError(f"the columns cannot be brought up to date: {error}") from error
    except duckdb.Error as error:
        if isinstance(error, duckdb.FatalException) and is_full(str(error)):
            raise FileGivenUp(f"the disk is full: {error}") from error
        if is_damage(error):
            raise ColumnsUnusable(f"the columns cannot be read: {error}") from error
        if isinstance(error, duckdb.IOException):
            raise DatabaseError(f"the disk is full: {error}") from error
        raise


NO_SPACE = "No space left"


def is_full(said: str) -> bool:
    """Whether an error is due to a full disk."""
    return NO_SPACE in said


def is_damage(error: duckdb.Error) -> bool:
    """Whether an error says that the file cannot be read."""
    if isinstance(error, duckdb.IOException):
        return not is_full(str(error))
    return type(error) in _DAMAGES


class ColumnFile:
    """An open file. Its methods raise DatabaseError; ColumnsUnusable when it has to be made anew."""

    def __init__(self, path: Path, limits: FileLimits | None = None) -> None:
        """Open the file at `path`, which has to be there."""
        if not path.exists():
            raise ColumnsUnusable("there are no columns yet")
        self.path = path
        self._queries = threading.Condition()
        self._cursors: list[duckdb.DuckDBPyConnection] = []
        self._is_closing = False
        with translated():
            self._connection = duckdb.connect(str(path), config=(limits or FileLimits()).options)
        try:
            self._read_state()
            with translated():
                rows = self._connection.execute("SELECT change_id, is_leaving FROM taken").fetchall()
                self._connection.execute(f"SET allowed_directories = [{_quoted(path.parent)}]")
                self._connection.execute("SET enable_external_access = false")
                self._connection.execute("SET lock_configuration = true")
                found = self._connection.execute("SELECT DISTINCT website FROM event_row").fetchall()
        except BaseException:
            self.close()
            raise
        self.websites = {number for (number,) in found}
        """The websites, as numbers, of which there are rows."""
        self._leaving = {change_id for change_id, is_leaving in rows if is_leaving}
        """Those of `taken` of which the database was told; it keeps word of them while other machines have to take them."""
        self.taken = {change_id for change_id, _ in rows}
        """The changes that are in the file and of which there is still word in the database."""

    def _read_state(self) -> None:
        try:
            with translated():
                form = self._connection.execute("SELECT form FROM state").fetchone()
        except (duckdb.CatalogException, duckdb.BinderException):
            form = None
        if form != (FORM,):
            raise ColumnsUnusable("the columns are of another form")
        with translated():
            rest = self._connection.execute("SELECT token, next_token, holds_erased FROM state").fetchone()
        self.token: bytes
        self._next_token: bytes | None
        self.token, self._next_token, self.holds_erased = rest or (b"", None, False)

    def pair(self, token: bytes | None, change_ids: Iterable[bytes], websites: set[bytes]) -> None:
        """Compare with the database: its token, the changes of which it has word, and its websites; with those that are gone, word of them went.

        Raises ColumnsUnusable when they do not belong together.
        """
        self.require(token)
        known = self.taken if self._next_token else self.taken - self._leaving
        if any(website_of(one) in websites for one in known - set(change_ids)):
            raise ColumnsUnusable("the columns are newer than the database")

    def require(self, token: bytes | None) -> None:
        """Compare with the token that the database has. Raises ColumnsUnusable when they do not belong together."""
        if token is not None and token == self._next_token:
            self.end_settling()
        if token is None or token != self.token:
            raise ColumnsUnusable("the columns are another database's, or older or newer than it")

    def apply(self, step: ColumnStep) -> None:
        """Put what a step brings into the file; all of it, or nothing."""
        connection = self._connection
        with translated():
            connection.execute("BEGIN")
            try:
                self._remove(step)
                append_rows(connection, step.rows)
                self._take(step)
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(duckdb.Error):
                    connection.execute("ROLLBACK")
                raise
        self.taken.update(step.change_ids)
        self.websites.update(one.website for one in step.visitors)
        self.websites.update(one.website for one in step.payments)
        self.websites.difference_update(step.gone)
        self.holds_erased |= step.is_erasing

    def _remove(self, step: ColumnStep) -> None:
        execute = self._connection.execute
        if step.gone:
            execute(_REMOVE_WEBSITES, {"websites": list(step.gone)})
        if found := [one for one in step.visitors if not one.is_new]:
            since = [one.since for one in found]
            execute(
                _REMOVE_VISITORS,
                {
                    "websites": [one.website for one in found],
                    "visitors": [one.visitor for one in found],
                    "since": since,
                    "until": [MAX_AT + 1 if one.until is None else one.until for one in found],
                    "earliest": min(since),
                },
            )
        if paid := step.payments:
            execute(
                _REMOVE_PAYMENTS,
                {"websites": [one.website for one in paid], "times": [one.ts for one in paid]},
            )

    def _take(self, step: ColumnStep) -> None:
        if step.change_ids:
            ids = {"ids": list(step.change_ids)}
            self._connection.execute("INSERT INTO taken SELECT unnest($ids::BLOB[]), false", ids)
        if step.is_erasing and not self.holds_erased:
            self._connection.execute("UPDATE state SET holds_erased = true")

    def begin_settling(self) -> Settling:
        """Put all changes so far on disk for good. The database may forget them, if it takes the token at the same time."""
        token = secrets.token_bytes(TOKEN_BYTES)
        with translated():
            self._connection.execute("BEGIN")
            self._connection.execute("UPDATE state SET next_token = ?", [token])
            self._connection.execute("UPDATE taken SET is_leaving = true")
            self._connection.execute("COMMIT")
            self._connection.execute("CHECKPOINT")
        told = self.taken if self._next_token else self.taken - self._leaving
        self._next_token, self._leaving = token, set(self.taken)
        return Settling(sorted(told), token, self.token)

    @property
    def has_news(self) -> bool:
        """Whether it has changes of which the database was not told."""
        return self._next_token is not None or self.taken > self._leaving

    def end_settling(self, waiting: Iterable[bytes] = ()) -> None:
        """The database has been told, and has the token. `waiting`: the changes of which it still has word.

        Those left out of `waiting` are forgotten here too: at worst they are taken, and told of, once more.
        """
        assert self._next_token is not None  # noqa: S101 - it was given out
        gone = self._leaving.difference(waiting)
        with translated():
            self._connection.execute("BEGIN")
            self._connection.execute("UPDATE state SET token = next_token, next_token = NULL")
            self._connection.execute(
                "DELETE FROM taken WHERE change_id IN (SELECT unnest($ids::BLOB[]))", {"ids": list(gone)}
            )
            self._connection.execute("COMMIT")
        self.token, self._next_token = self._next_token, None
        self.taken -= gone
        self._leaving -= gone

    def rows(self, text: str, values: Bindings | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.cursor() as cursor, translated():
            return cursor.execute(text, values or {}).fetchall()

    @contextlib.contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for one query, which another thread may interrupt. Raises FileClosed."""
        with self._queries:
            if self._is_closing:
                raise FileClosed("the columns are being replaced")
            cursor = self._connection.cursor()
            self._cursors.append(cursor)
        try:
            yield cursor
        finally:
            cursor.close()
            with self._queries:
                self._cursors.remove(cursor)
                self._queries.notify_all()

    def copy(self, target: Path) -> None:
        """Make `target`, in the same folder, a copy that is in order and holds nothing that was removed. Queries go on meanwhile."""
        copy_sorted(self._connection, target)

    def close(self) -> None:
        """Disconnect, once no query is under way; those that take long are cut off."""
        with self._queries:
            self._is_closing = True
            if not self._queries.wait_for(lambda: not self._cursors, CLOSE_SECONDS):
                for cursor in self._cursors:
                    cursor.interrupt()
                self._queries.wait_for(lambda: not self._cursors)
        self._connection.close()

"""Where a test's data is: one object per database, so that the same tests run on every engine."""

from __future__ import annotations

import functools
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from footfall.db.postgres.session import PostgresSession, require_current
from footfall.db.protocol import Transaction
from footfall.db.sqlite.connection import FILE_NAME
from footfall.db.sqlite.schema import migrate_file
from footfall.errors import DatabaseError
from footfall.settings import Settings
from footfall.storage import CommandSession, command_session, migrate_database
from tests.support.postgres import LocalPostgres, create_database, drop_database

R = TypeVar("R")


PATIENCE = 30.0
"""Seconds within which PostgreSQL lets a test in."""
RESTING = 4
"""Sessions of PostgreSQL that are kept."""
PUBLIC_URL = "https://stats.example.com"
"""Where others reach the servers, if they are asked."""


class Place(msgspec.Struct, frozen=True):
    """One database. `folder` is there for files whatever the engine; `database_url` is empty for the embedded database."""

    engine: str
    folder: Path
    database_url: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """What a server or command needs to know to work on it."""
        found = {
            "FOOTFALL_DATA": str(self.data),
            "FOOTFALL_KEY_FILE": str(self.key_file),
            "FOOTFALL_PUBLIC_URL": PUBLIC_URL,
        }
        return found | {"FOOTFALL_DATABASE_URL": self.database_url} if self.database_url else found

    @property
    def data(self) -> Path:
        """The embedded database's folder."""
        return self.folder / "data"

    @property
    def key_file(self) -> Path:
        """Where the key of secrets lies, once one was stored."""
        return self.folder / "key" / "secret.key"

    @property
    def settings(self) -> Settings:
        """The same, for work in this process."""
        return Settings(data=self.data, database_url=self.database_url, key_file=self.key_file)

    def transact(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` in one transaction, beside any server."""
        with self._session() as session:
            return session.transact(work)

    def snapshot(self, work: Callable[[Transaction], R]) -> R:
        """Run `work`, which only reads."""
        with self._session() as session:
            return session.snapshot(work)

    def _session(self) -> AbstractContextManager[CommandSession]:
        return _resting.session(self.database_url) if self.database_url else command_session(self.settings)

    def mark(self) -> object:
        """Never equal: each connection that is made anew would have to look."""
        return object()


class _Resting:
    """Sessions of databases of PostgreSQL until somebody needs them again: to connect takes longer than what tests ask."""

    def __init__(self) -> None:
        self._sessions: deque[tuple[str, PostgresSession]] = deque()

    @contextmanager
    def session(self, url: str) -> Iterator[PostgresSession]:
        """One that nobody else uses meanwhile."""
        session = self._take(url)
        try:
            yield session
        except BaseException:
            session.close()
            raise
        self._sessions.append((url, session))
        while len(self._sessions) > RESTING:
            self._sessions.popleft()[1].close()

    def close(self) -> None:
        """Close them all."""
        while self._sessions:
            self._sessions.popleft()[1].close()

    def _take(self, url: str) -> PostgresSession:
        for one in list(self._sessions):
            if one[0] == url:
                with suppress(ValueError):  # another thread took it
                    self._sessions.remove(one)
                    if _is_alive(one[1]):
                        return one[1]
        session = _connected(url)
        require_current(session)
        return session


def _connected(url: str) -> PostgresSession:
    """A new session; a server that lets nobody in at once, on a busy machine, gets more time than commands give it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return PostgresSession(url)
        except DatabaseError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)  # between two attempts


def _is_alive(session: PostgresSession) -> bool:
    try:
        session.mark()
    except DatabaseError:
        session.close()
        return False
    return True


_resting = _Resting()


@functools.cache
def _empty_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE_NAME
        migrate_file(path)
        return path.read_bytes()


def empty_database(folder: Path) -> Path:
    """The path of a new embedded database in `folder`, whose schema was made only once."""
    path = folder / FILE_NAME
    path.write_bytes(_empty_file())
    return path


class Engine(Protocol):
    """Makes empty databases of one kind."""

    name: str

    def new_place(self) -> Place:
        """A new empty database."""

    def close(self) -> None:
        """Remove what was made."""


class SqliteEngine:
    """Each database is a folder."""

    name = "sqlite"

    def __init__(self) -> None:
        self._root = tempfile.TemporaryDirectory(prefix="footfall-tests-")
        self._made = 0

    def new_place(self) -> Place:
        self._made += 1
        folder = Path(self._root.name) / str(self._made)
        folder.mkdir()
        return Place(self.name, folder)

    def close(self) -> None:
        self._root.cleanup()


class PostgresEngine:
    """Each database is one of a server that is started once; or of the server that FOOTFALL_TEST_POSTGRES_URL names."""

    name = "postgres"

    def __init__(self) -> None:
        self._folders = tempfile.TemporaryDirectory(prefix="footfall-tests-")
        self._made: list[str] = []
        self._model = ""
        """The database of which others are copies: to migrate each would take a second or so."""
        self._url = os.environ.get("FOOTFALL_TEST_POSTGRES_URL", "")
        self._server: LocalPostgres | None = None
        if not self._url:
            self._server = LocalPostgres({"fsync": "off"})
            self._server.start()
            self._url = self._server.url("postgres")

    def new_place(self) -> Place:
        if not self._model:
            self._model = self.bare_place().database_url
            migrate_database(Settings(database_url=self._model))
        return self._new_place(self._model)

    def bare_place(self) -> Place:
        """A new database without a schema."""
        return self._new_place("template1")

    def _new_place(self, like: str) -> Place:
        url = create_database(self._url, like)
        self._made.append(url)
        folder = Path(self._folders.name) / str(len(self._made))
        folder.mkdir()
        return Place(self.name, folder, url)

    def close(self) -> None:
        _resting.close()
        if self._server is not None:
            self._server.remove()
        else:
            for url in self._made:
                drop_database(url)
        self._folders.cleanup()


ENGINES: dict[str, Callable[[], Any]] = {"sqlite": SqliteEngine, "postgres": PostgresEngine}
"""The engines that the API suite runs on, by name."""

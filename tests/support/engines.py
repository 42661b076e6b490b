"""Where a test's data is: one object per database, so that the same tests run on every engine."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from footfall.app import command_session
from footfall.db.protocol import Transaction
from footfall.settings import Settings

R = TypeVar("R")


class Place(msgspec.Struct, frozen=True):
    """One database. `folder` is there for files whatever the engine; `database_url` is empty for the embedded database."""

    engine: str
    folder: Path
    database_url: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """What a server or command needs to know to work on it."""
        found = {"FOOTFALL_DATA": str(self.data)}
        return found | {"FOOTFALL_DATABASE_URL": self.database_url} if self.database_url else found

    @property
    def data(self) -> Path:
        """The embedded database's folder."""
        return self.folder / "data"

    @property
    def settings(self) -> Settings:
        """The same, for work in this process."""
        return Settings(data=self.data, database_url=self.database_url)

    def transact(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` in one transaction, beside any server."""
        with command_session(self.settings) as session:
            return session.transact(work)

    def snapshot(self, work: Callable[[Transaction], R]) -> R:
        """Run `work`, which only reads."""
        with command_session(self.settings) as session:
            return session.snapshot(work)


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


ENGINES: dict[str, Callable[[], Any]] = {"sqlite": SqliteEngine}
"""The engines that the API suite runs on, by name."""

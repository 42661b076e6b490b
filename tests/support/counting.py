"""A server inside this process with columns beside it: what its websites do is counted once a test says so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from footfall.clock import from_iso
from footfall.column_parts import column_folder
from footfall.columns.client import ColumnsClient, socket_path
from footfall.columns.file import FileLimits
from footfall.columns.keeper import ColumnKeeper
from footfall.columns.process import ColumnProcess
from footfall.columns.shared import SharedKeeper
from footfall.db.protocol import Transaction
from footfall.db.statements import load
from footfall.storage import command_session
from tests.support.engines import Place
from tests.support.inside import SetClock, inside
from tests.support.servers import PATIENCE, until
from tests.support.sites import Site, http_client, make_sites

sql = load(__file__, "rows.sql")

R = TypeVar("R")
MEMORY = 256 * 1024**2
TODAY = from_iso("2026-05-05T08:00:00Z")
"""When it is, at first (ms since epoch)."""


class Writes:
    """A server's database, of which `settle` writes."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def change(self, work: Callable[[Transaction], R]) -> R:
        return self._place.transact(work)


class Columns:
    """A process that keeps the columns of a place, in a thread of this one; `keeper`: who keeps them, if not in a file beside it, in `folder`."""

    def __init__(self, place: Place, keeper: SharedKeeper | None = None, folder: Path | None = None) -> None:
        self.place = place
        folder = folder or column_folder(place.settings)
        self._held = ExitStack()
        self._session = self._held.enter_context(command_session(place.settings))
        self.keeper = keeper or ColumnKeeper(self._session, folder, FileLimits(memory=MEMORY))
        self.process = ColumnProcess(self.keeper, socket_path(folder))
        self.client = ColumnsClient(socket_path(folder))
        is_ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self.process.run(is_ready.set)))
        self._thread.start()
        assert is_ready.wait(PATIENCE)

    def settle(self) -> None:
        database: Any = Writes(self.place)
        asyncio.run(self.client.settle(database))

    def is_there(self) -> bool:
        """Whether they can be asked; the first ones have to be settled for that."""
        self.settle()
        return asyncio.run(self.client.health()).is_there

    def catch_up(self) -> None:
        """Return once all that was written is counted, and the server's trait index knows of it."""
        with self.process._feeding:
            while self.keeper.step().has_more:
                pass
        until(self._is_indexed, "the trait index stays behind")

    def _is_indexed(self) -> bool:
        with self.process._feeding:
            return not self._session.snapshot(lambda tx: tx.all(sql.changes, ()))

    def stop(self) -> None:
        self.process.stop()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        self._held.close()


class Counting:
    """Websites of a server whose clock stands still at `clock.now`, and whose columns are kept by `columns`."""

    def __init__(self, url: str, http: httpx.Client, place: Place, clock: SetClock, columns: Columns) -> None:
        self._at = (url, http, place)
        self.clock = clock
        self.columns = columns
        self._ready: list[Site] = []

    def site(self) -> Site:
        """A new website, in Berlin, with sums in euros, at the beginning of a day, wherever others moved the clock."""
        self.clock.now = TODAY
        if not self._ready:
            self._ready = make_sites(*self._at, [{"timezone": "Europe/Berlin", "currency": "EUR"}] * 30)
        return self._ready.pop()

    def ask(self, site: Site, path: str, **query: Any) -> Any:
        """The answer of a route of analytics to what was counted by now."""
        self.columns.catch_up()
        response = site.call("GET", f"/api/v1/analytics/{path}", params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def refused(self, site: Site, path: str, status: int = 400, **query: Any) -> str:
        """The message with which a route of analytics refuses."""
        response = site.call("GET", f"/api/v1/analytics/{path}", params=query)
        assert response.status_code == status, response.text
        message: str = response.json()["error"]["message"]
        return message


@contextmanager
def counting(place: Place) -> Iterator[Counting]:
    """A server on `place`, and its columns."""
    with ExitStack() as stack:
        clock = SetClock(TODAY)
        server = stack.enter_context(inside(place, {"FOOTFALL_RATE_LIMIT": "0"}, clock))
        client = stack.enter_context(http_client(server.url))
        columns = Columns(place)
        stack.callback(columns.stop)
        until(columns.is_there, "the columns are not made")
        yield Counting(server.url, client, place, clock, columns)

"""The process that keeps the columns: one thread feeds them, others answer queries over a Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from footfall.columns.feeder import Fed
from footfall.columns.file import Settling
from footfall.columns.wire import (
    BUSY,
    Ask,
    AskHealth,
    ColumnsHealth,
    Failed,
    Reply,
    Request,
    Settle,
    ToSettle,
    decode_request,
    message,
    read_message,
)
from footfall.db.scans import Scans, Turn
from footfall.errors import ColumnsUnusable, DatabaseError, Unavailable
from footfall.log import get_logger

IDLE_SECONDS = 0.25
"""Between two looks for changes while there are none."""
FAILED_SECONDS = 1.0
"""Before another try, when the database or the disk does not do its part."""
QUERIES = 4
"""That are answered at once; others wait."""
QUERIES_OF_ONE = 3
"""The same of one website."""
CUT_SECONDS = 1.0
"""Between two tries to cut a query off: just before it begins, one is lost."""
PAGE = os.sysconf("SC_PAGE_SIZE")


class Query(Protocol):
    """A question."""

    def run(self) -> Reply:
        """Its rows, or why there are none. For any thread."""

    def cut_off(self) -> None:
        """End it soon. For any thread."""


class Keeper(Protocol):
    """Keeps columns: `keeper.ColumnKeeper` a file of this machine, `shared.SharedKeeper` those that all servers share."""

    keeper_id: bytes
    visitors_made: int
    clean_at: int

    @property
    def file(self) -> object | None:
        """What answers; None: there are no columns that could be used."""

    @property
    def size(self) -> int:
        """Their bytes."""

    def open(self) -> bool:
        """Open the columns that there are."""

    def step(self) -> Fed:
        """Feed what changed."""

    def suspect(self, damage: str) -> None:
        """Take note of what is wrong with the columns. For any thread."""

    def prepare(self) -> bool:
        """Get ready to make the columns anew."""

    def rebuild(self) -> None:
        """Make the columns anew."""

    def install(self) -> None:
        """Put columns that were just made in their place."""

    def settling(self) -> Settling | None:
        """What is to be told to the database now."""

    def settled(self, token: bytes) -> None:
        """What `settling` gave with this token is written."""

    def query(self, asked: Ask) -> Query:
        """A question, to be asked on another thread."""

    def close(self) -> None:
        """Use the columns no more."""


class ColumnProcess:
    """Answers on a socket, and feeds, until `stop` is called."""

    def __init__(self, keeper: Keeper, socket: Path) -> None:
        self._keeper = keeper
        self._socket = socket
        self._stopping = threading.Event()
        self._feeding = threading.Lock()
        """Held by whoever uses the keeper: who feeds, or who settles between two steps."""
        self._lag = 0
        self._waits_for = ""
        self._log = get_logger("columns")

    def stop(self) -> None:
        """End `run`. For any thread."""
        self._stopping.set()

    async def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Answer and feed until `stop`."""
        loop = asyncio.get_running_loop()
        self._queries: Scans[None] = Scans([None] * QUERIES, QUERIES_OF_ONE)
        self._socket.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, str(self._socket))
        feeder = loop.run_in_executor(None, self._feed)
        try:
            on_ready()
            await feeder
        finally:
            self._stopping.set()
            server.close()
            self._socket.unlink(missing_ok=True)
            await self._queries.close()

    # The thread that feeds

    def _feed(self) -> None:
        is_tried = False
        while not self._stopping.is_set():
            pause = FAILED_SECONDS
            try:
                with self._feeding:
                    if self._keeper.file is None and not is_tried:
                        self._keeper.open()
                        is_tried = True
                    if self._keeper.file is not None:
                        fed = self._keeper.step()
                        self._lag = fed.waited if fed.has_more else 0
                        pause = 0.0 if fed.has_more else IDLE_SECONDS
                if self._keeper.file is None and self._keeper.prepare():
                    self._keeper.rebuild()
                    with self._feeding:
                        self._keeper.install()
                self._waits_for = ""
            except ColumnsUnusable as error:
                self._log.warning("the columns are made anew", reason=str(error))
                self._close()
            except DatabaseError as error:
                self._waits_for = str(error)
                self._log.warning("the columns wait", reason=self._waits_for)
            self._stopping.wait(pause)
        self._close()

    def _close(self) -> None:
        with self._feeding:
            self._keeper.close()

    # The event loop

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, msgspec.DecodeError):
            reply = await self._reply(decode_request(await read_message(reader)), reader)
            writer.write(message(reply))
            await writer.drain()
        writer.close()

    async def _reply(self, request: Request, reader: asyncio.StreamReader) -> Reply:
        if isinstance(request, Ask):
            return await self._ask(request, reader)
        if isinstance(request, Settle):
            return await asyncio.to_thread(self._settle, request)
        return self._health(request)

    def _settle(self, request: Settle) -> ToSettle:
        with self._feeding:
            if request.done is not None:
                self._keeper.settled(request.done)
                return ToSettle([], None)
            try:
                found = self._keeper.settling()
            except DatabaseError as error:
                self._log.info("the columns are settled later", reason=str(error))
                if isinstance(error, ColumnsUnusable):
                    self._keeper.suspect(str(error))
                found = None
        return (
            ToSettle(*found, self._keeper.keeper_id, self._keeper.clean_at) if found else ToSettle([], None)
        )

    def _health(self, request: AskHealth) -> ColumnsHealth:
        keeper = self._keeper
        is_there = keeper.file is not None
        resident = int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE
        made = None if is_there else keeper.visitors_made
        return ColumnsHealth(is_there, keeper.size, resident, self._lag, made, self._waits_for)

    async def _ask(self, asked: Ask, reader: asyncio.StreamReader) -> Reply:
        """The answer to a query, which is given up when its turn does not come, it takes too long, or nobody waits for it any more."""
        query = self._keeper.query(asked)
        turn = _QueryTurn(query)
        answer = asyncio.ensure_future(self._queries.run(asked.values.get("website", 0), turn.take))
        left = asyncio.ensure_future(reader.read(1))  # whoever asked sends nothing more
        try:
            await _first(asked.seconds, answer, left, turn.begun)
            if not answer.done() and turn.give_up():
                answer.cancel()
                return BUSY
            await _first(asked.seconds, answer, left)
            while not answer.done():
                await asyncio.to_thread(query.cut_off)
                await _first(CUT_SECONDS, answer)
            return await answer
        except Unavailable as error:
            return Failed("busy", error.message)
        finally:
            left.cancel()


async def _first(seconds: float, *tasks: asyncio.Future[Any]) -> None:
    """Wait for the first of these, for so long at most."""
    await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


class _QueryTurn:
    """The turn of a query, which may be given up before it comes. `begun` is done once it has."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._loop = asyncio.get_running_loop()
        self.begun = self._loop.create_future()
        self._lock = threading.Lock()
        self._has_begun = self._is_given_up = False

    def take(self, _worker: None, _turn: Turn) -> Reply:
        """Run the query. On a thread of its own."""
        with self._lock:
            if self._is_given_up:
                return BUSY
            self._has_begun = True
        self._loop.call_soon_threadsafe(self.begun.set_result, None)
        return self._query.run()

    def give_up(self) -> bool:
        """Never begin; False if it did."""
        with self._lock:
            self._is_given_up = not self._has_begun
            return self._is_given_up

"""The process that keeps the columns: one thread feeds them, others answer queries over a Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import msgspec

from footfall.columns.file import FileClosed, is_damage
from footfall.columns.keeper import ColumnKeeper
from footfall.columns.wire import (
    Ask,
    AskHealth,
    ColumnsHealth,
    Failed,
    Reply,
    Request,
    Rows,
    Settle,
    ToSettle,
    decode_request,
    message,
    read_message,
)
from footfall.errors import ColumnsUnusable, DatabaseError
from footfall.log import get_logger

SOCKET_NAME = "columns.sock"
LONGEST_PATH = 100
"""Bytes of the path of a Unix socket that every system takes."""
IDLE_SECONDS = 0.25
"""Between two looks for changes while there are none."""
FAILED_SECONDS = 1.0
"""Before another try, when the database or the disk does not do its part."""
QUERIES = 4
"""That are answered at once; others wait."""
PAGE = os.sysconf("SC_PAGE_SIZE")


def socket_path(folder: Path) -> Path:
    """Where the socket is for the columns in a folder: there, unless that makes too long a path."""
    path = folder.absolute() / SOCKET_NAME
    if len(os.fsencode(path)) <= LONGEST_PATH:
        return path
    name = hashlib.blake2b(os.fsencode(path), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"footfall-{name}.sock"


class ColumnProcess:
    """Answers on a socket, and feeds, until `stop` is called."""

    def __init__(self, keeper: ColumnKeeper, socket: Path) -> None:
        self._keeper = keeper
        self._socket = socket
        self._stopping = threading.Event()
        self._feeding = threading.Lock()
        """Held by whoever uses the keeper: who feeds, or who settles between two steps."""
        self._lag = 0
        self._log = get_logger("columns")

    def stop(self) -> None:
        """End `run`. For any thread."""
        self._stopping.set()

    async def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Answer and feed until `stop`."""
        loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(QUERIES, "query")
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
            self._threads.shutdown(wait=False, cancel_futures=True)

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
            except ColumnsUnusable as error:
                self._log.warning("the columns are made anew", reason=str(error))
                self._keeper.close()
            except DatabaseError as error:
                self._log.warning("the columns wait", reason=str(error))
            self._stopping.wait(pause)
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
        size = keeper.path.stat().st_size if keeper.path.exists() else 0
        resident = int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE
        return ColumnsHealth(is_there, size, resident, self._lag, None if is_there else keeper.visitors_made)

    async def _ask(self, asked: Ask, reader: asyncio.StreamReader) -> Reply:
        """The answer to a query, which is cut off when it takes too long or nobody waits for it any more."""
        query = _Query(asked)
        loop = asyncio.get_running_loop()
        answer = loop.run_in_executor(self._threads, query.run, self._keeper)
        left = asyncio.ensure_future(reader.read(1))  # whoever asked sends nothing more
        try:
            await asyncio.wait((answer, left), timeout=asked.seconds, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                query.cut_off()
            return await answer
        finally:
            left.cancel()


class _Query:
    """One query, on a thread of its own."""

    def __init__(self, asked: Ask) -> None:
        self._asked = asked
        self._lock = threading.Lock()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._is_cut_off = False

    def run(self, keeper: ColumnKeeper) -> Reply:
        """Its rows, or why there are none."""
        for _ in range(2):  # the file may be replaced in between
            if (file := keeper.file) is None:
                break
            with contextlib.suppress(FileClosed), file.cursor() as cursor, self._held(cursor):
                return self._answer(cursor, keeper)
        return _AWAY

    @contextlib.contextmanager
    def _held(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        with self._lock:
            self._cursor = cursor
        try:
            yield
        finally:
            with self._lock:
                self._cursor = None

    def _answer(self, cursor: duckdb.DuckDBPyConnection, keeper: ColumnKeeper) -> Reply:
        if self._is_cut_off:
            return _TOO_LONG
        try:
            return Rows(
                [list(row) for row in cursor.execute(self._asked.text, self._asked.values).fetchall()]
            )
        except duckdb.InterruptException:
            return _TOO_LONG
        except duckdb.OutOfMemoryException:
            return Failed(
                "too much",
                "This takes more memory than there is. Ask for a shorter range, fewer filters or a longer interval.",
            )
        except duckdb.Error as error:
            if is_damage(error):
                keeper.suspect(str(error))
                return _AWAY
            return Failed("wrong", f"{type(error).__name__}: {error}")

    def cut_off(self) -> None:
        """End it soon."""
        with self._lock:
            self._is_cut_off = True
            if self._cursor is not None:
                self._cursor.interrupt()


_AWAY = Failed("away", "Analytics are being prepared. Try again in a moment.")
_TOO_LONG = Failed(
    "too long", "This takes too long. Ask for a shorter range, fewer filters or a longer interval."
)

"""What `footfall serve` does if PostgreSQL cannot be reached when it starts: answer 503, and try again."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

from footfall.dashboard.page import render_error
from footfall.errors import DatabaseError, SchemaMismatch, Unavailable
from footfall.log import get_logger
from footfall.web.context import Request
from footfall.web.envelope import Response, success
from footfall.web.http.server import Server
from footfall.web.refusals import Refusals

R = TypeVar("R")

TRY_SECONDS = 0.5


def wait_for(
    attempt: Callable[[], R], listener: socket.socket, timeout: float, on_started: Callable[[], None]
) -> R:
    """The result of `attempt`, which is repeated for as long as it raises DatabaseError.

    In the meantime, calls to `listener`, which stays open, get 503; `on_started` is called once they do. `timeout`: see
    `web.http.server.Server`. Raises SchemaMismatch, and SystemExit if it is told to stop.
    """
    try:
        return attempt()
    except SchemaMismatch:
        raise
    except DatabaseError as error:
        waiting = _Unavailable(attempt)
        waiting.tell(error)
    waiting.server = Server(waiting, timeout, on_started)
    waiting.server.run(listener.dup())
    if not waiting.results:
        raise SystemExit(0)
    return waiting.results[0]


class _Unavailable(Refusals, Generic[R]):
    """A service with a single answer. `server`: the one that runs it."""

    server: Server

    def __init__(self, attempt: Callable[[], R]) -> None:
        super().__init__(render_error)
        self._attempt = attempt
        self.results: list[R] = []
        self._told = ""
        self._log = get_logger("serve")

    def tell(self, error: DatabaseError) -> None:
        """Log why nothing works yet, once for each reason."""
        if str(error) != self._told:
            self._told = str(error)
            self._log.warning("answering 503 until the database can be reached", reason=self._told)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[_Unavailable[R]]:
        """See `web.http.server.Service`."""
        trying = asyncio.create_task(self._try())
        try:
            yield self
        finally:
            trying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await trying

    def begin(self, method: str, target: bytes, headers: dict[bytes, bytes], peer: str) -> Request:
        """See `web.http.application.Application`."""
        if target == b"/healthz":
            return Request(method, success({"status": "alive"}))
        problem = Unavailable("The database cannot be reached yet. Try again in a second.")
        return self.reject(target, headers, problem)

    async def answer(self, request: Request, body: bytes) -> Response:
        """Never called, because each request has its response at once."""
        raise NotImplementedError

    async def _try(self) -> None:
        """Whatever ends this ends the server: a result, or a failure that retrying does not fix."""
        try:
            while not self.results:
                await asyncio.sleep(TRY_SECONDS)
                try:
                    self.results.append(await asyncio.to_thread(self._attempt))
                except SchemaMismatch:
                    raise
                except DatabaseError as error:
                    self.tell(error)
        finally:
            self.server.stop()

"""What `footfall serve` does while PostgreSQL cannot be reached at its start: answer 503, and try again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Generic, TypeVar

from footfall.errors import DatabaseError, FootfallError, SchemaMismatch, Unavailable
from footfall.log import get_logger
from footfall.web.dispatch import Receive, Scope, Send
from footfall.web.envelope import failure, success
from footfall.web.server import Server, make_server

R = TypeVar("R")

TRY_SECONDS = 0.5


def wait_for(
    attempt: Callable[[], R], listener: socket.socket, head_timeout: float, on_started: Callable[[], None]
) -> R:
    """The result of `attempt`, which is made again and again as long as it raises DatabaseError.

    Meanwhile calls to `listener`, which stays open, get 503; `on_started` is called once they do. Raises SchemaMismatch.
    """
    try:
        return attempt()
    except SchemaMismatch:
        raise
    except DatabaseError as error:
        application = _Waiting(attempt)
        application.tell(error)
    application.server = make_server(application, head_timeout, on_started)
    application.server.run(sockets=[listener.dup()])
    if application.failure is not None:
        raise application.failure
    return application.results[0]


class _Waiting(Generic[R]):
    """The ASGI application. `server`: ended once there is a result, or a failure that trying again does not mend."""

    server: Server

    def __init__(self, attempt: Callable[[], R]) -> None:
        self._attempt = attempt
        self.results: list[R] = []
        self.failure: FootfallError | None = None
        self._told = ""
        self._log = get_logger("serve")

    def tell(self, error: DatabaseError) -> None:
        """Log why nothing comes yet, once for each reason."""
        if str(error) != self._told:
            self._told = str(error)
            self._log.warning("answering 503 until the database can be reached", reason=self._told)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            trying = asyncio.create_task(self._try())
            await send({"type": "lifespan.startup.complete"})
            await receive()
            trying.cancel()
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "http":
            reply = failure(Unavailable("The database cannot be reached yet. Try again in a second."))
            if scope["path"] == "/healthz":
                reply = success({"status": "alive"})
            await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
            await send({"type": "http.response.body", "body": reply.body})

    async def _try(self) -> None:
        while not self.server.should_exit:
            await asyncio.sleep(TRY_SECONDS)
            try:
                self.results.append(await asyncio.to_thread(self._attempt))
                self.server.should_exit = True
            except DatabaseError as error:
                if isinstance(error, SchemaMismatch):
                    self.failure = error
                    self.server.should_exit = True
                self.tell(error)

"""The server: a listening socket, signals, and a shutdown that finishes what was begun."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import uvloop

from footfall.web.http.application import Application
from footfall.web.http.connection import Connection, Shared

TICK = 0.2
"""Seconds between checks for connections that have waited too long."""
FINISH_SECONDS = 4.0
"""How long requests already begun may take once the server is told to stop."""
BACKLOG = 2048
"""Connections that may wait to be accepted."""


class Service(Protocol):
    """What a server runs."""

    def running(self) -> AbstractAsyncContextManager[Application]:
        """The application, for as long as it can answer; on exit, everything acknowledged is finished."""


@contextlib.asynccontextmanager
async def listening(application: Application, listener: socket.socket, timeout: float) -> AsyncIterator[None]:
    """Answer on one more socket, beside a `Server`; closes it. `timeout`: as there."""
    loop = asyncio.get_running_loop()
    shared = Shared(application, timeout)

    async def tick() -> None:
        while True:
            shared.tick(loop.time())
            await asyncio.sleep(TICK)

    server = await loop.create_server(lambda: Connection(shared, loop), sock=listener, backlog=BACKLOG)
    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        server.close()
        ticking.cancel()
        for connection in list(shared.connections):
            connection.shut_down()
        await asyncio.gather(ticking, *shared.tasks, return_exceptions=True)


class Server:
    """Serves one listening socket until it is told to stop."""

    def __init__(
        self,
        service: Service,
        timeout: float,
        on_started: Callable[[], None],
        on_stopping: Callable[[], None] = lambda: None,
        *,
        is_https: bool = False,
    ) -> None:
        """`timeout`: seconds for a request's head, and as many for its body. `is_https`: see `Shared`.

        `on_started` is called once it accepts connections, `on_stopping` once it no longer does: answers that wait for something end then.
        """
        self._service = service
        self._timeout = timeout
        self._on_started = on_started
        self._on_stopping = on_stopping
        self._is_https = is_https
        self._stopped = asyncio.Event()

    def run(self, listener: socket.socket) -> None:
        """Serve until SIGTERM, SIGINT or `stop`; closes `listener`. Raises whatever keeps the service from running."""
        uvloop.run(self._serve(listener))

    def stop(self) -> None:
        """Accept no more connections, finish the requests, and stop."""
        self._stopped.set()

    async def _serve(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        async with self._service.running() as application:
            shared = Shared(application, self._timeout, is_https=self._is_https)
            shared.tick(loop.time())
            server = await loop.create_server(
                lambda: Connection(shared, loop), sock=listener, backlog=BACKLOG
            )
            self._on_started()
            while not self._stopped.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), TICK)
                shared.tick(loop.time())
            self._on_stopping()
            server.close()
            await self._finish(shared)

    async def _finish(self, shared: Shared) -> None:
        """Let running requests finish."""
        for connection in list(shared.connections):
            connection.shut_down()
        loop = asyncio.get_running_loop()
        until = loop.time() + FINISH_SECONDS
        while (shared.connections or shared.tasks) and loop.time() < until:
            await asyncio.sleep(0.02)
        for task in shared.tasks:
            task.cancel()
        await asyncio.gather(*shared.tasks, return_exceptions=True)

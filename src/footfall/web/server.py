"""uvicorn, with limits on a request's head: its size, and the time it may take to arrive."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 * 1024
"""Bytes of request line and headers."""
SWEEP_EVERY = 1.0
"""Seconds between looks for connections whose request never becomes whole."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
_BODY = b'{"status":"error","error":{"code":431,"message":"The request line and headers are larger than 65536 bytes."}}'


class LimitedProtocol(HttpToolsProtocol):
    """One connection. `head_since`: loop time at which an unfinished head began, 0 when none is."""

    head_since = 0.0
    head_size = 0

    def data_received(self, data: bytes) -> None:
        self.head_size += len(data)
        super().data_received(data)
        if self.head_size > MAX_HEAD and self.head_since:
            self._refuse_head()

    def _refuse_head(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_TOO_LARGE % (len(_BODY), _BODY))
            self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.head_since = self.loop.time()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.head_since = self.loop.time()

    def on_headers_complete(self) -> None:
        self.head_since = 0.0
        # A whole head may come in one piece, and a body behind it; only then is it worth counting.
        if (
            self.head_size > MAX_HEAD
            and sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD
        ):
            self._refuse_head()
        else:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.head_size = 0


class Server(uvicorn.Server):
    """A uvicorn server that closes connections which do not finish a request's head in `head_timeout` seconds."""

    def __init__(
        self,
        config: uvicorn.Config,
        head_timeout: float,
        on_started: Callable[[], None],
        on_stopping: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._head_timeout = head_timeout
        self._on_started = on_started
        self._on_stopping = on_stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stopping()
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        if counter % int(SWEEP_EVERY * 10) == 0:
            self._sweep(asyncio.get_running_loop().time() - self._head_timeout)
        return await super().on_tick(counter)

    def _sweep(self, before: float) -> None:
        for protocol in list(self.server_state.connections):
            if isinstance(protocol, LimitedProtocol) and 0.0 < protocol.head_since < before:
                protocol.transport.close()


def make_server(
    app: Any,
    head_timeout: float,
    on_started: Callable[[], None],
    on_stopping: Callable[[], None] = lambda: None,
) -> Server:
    """A server for the ASGI application `app`.

    `on_started` is called once it accepts connections, `on_stopping` once it takes no more: answers that wait for something end then.
    """
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=LimitedProtocol,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # web.address decides whom to believe
        lifespan="on",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=4,
        backlog=2048,
    )
    return Server(config, head_timeout, on_started, on_stopping)

"""Connections without sockets: a test says what a client sends, and reads what it would get."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from footfall.errors import ApiError, TooLarge
from footfall.web.context import Request
from footfall.web.envelope import Response
from footfall.web.http.connection import Connection, Shared
from footfall.web.refusals import Refusals

TIMEOUT = 10.0


class Wire(asyncio.Transport):
    """What a connection is written to. `written`: what a client got by now."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_paused = False
        self.is_half_closed = False
        self.is_closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("203.0.113.9", 1) if name == "peername" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.is_half_closed
        self.written += bytes(data)

    def write_eof(self) -> None:
        self.is_half_closed = True

    def close(self) -> None:
        self.is_closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.is_closed

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


class Echo(Refusals):
    """Answers with method, target and body. Targets that begin with `/early` are refused by their head alone; bodies may have `most` bytes."""

    def __init__(self, most: int = 64 * 1024) -> None:
        super().__init__()
        self._most = most
        self._targets: dict[int, bytes] = {}

    def begin(self, method: str, target: bytes, headers: dict[bytes, bytes], peer: str) -> Request:
        call = Request(method, max_body=self._most)
        if target.startswith(b"/early"):
            call.response = self._told(method, target, b"", 401)
        elif int(headers.get(b"content-length", b"0")) > self._most:
            call.response = self.refuse(call, TooLarge("too large"))
        self._targets[id(call)] = target
        return call

    async def answer(self, call: Request, body: bytes) -> Response:
        target = self._targets.pop(id(call))
        for _ in range(len(target) % 3):  # some answers take longer than others
            await asyncio.sleep(0)
        return self._told(call.method, target, body, 200)

    def refuse(self, call: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError), error
        return super().refuse(call, error)

    def _told(self, method: str, target: bytes, body: bytes, status: int) -> Response:
        return Response(msgspec.json.encode([method, target.decode(), body.decode("latin-1")]), status)


class Client:
    """A client of an application on one connection; to be made in a running event loop."""

    def __init__(self, application: Any = None) -> None:
        loop = asyncio.get_running_loop()
        self.wire = Wire()
        self.shared = Shared(application or Echo(), TIMEOUT)
        self.shared.tick(loop.time())
        self.connection = Connection(self.shared, loop)
        self.connection.connection_made(self.wire)

    async def send(self, data: bytes) -> bool:
        """Whether the server still reads once it got `data`, as far as it took it."""
        if not self.wire.is_closed:
            self.connection.data_received(data)
        return not (await self.settled() or self.wire.is_paused)

    async def settled(self) -> bool:
        """Whether the connection is closed once all is parsed, and all answers that can be made are."""
        while self.shared.tasks or self.connection._rest:
            await asyncio.sleep(0)
        return self.wire.is_closed

    def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        self.shared.tick(asyncio.get_running_loop().time() + seconds)


class Answer(msgspec.Struct, frozen=True):
    """An answer as a client reads it; `told`: its JSON body."""

    status: int
    headers: dict[str, str]
    told: Any


def answers(data: bytes, methods: list[str]) -> list[Answer]:
    """All answers in `data`, to requests with these methods; interim ones are left out. Raises when something else is there."""
    found: list[Answer] = []
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, head
        first, *lines = head.decode().split("\r\n")
        status = int(first.split(" ")[1])
        if status == 100:
            continue
        headers = dict(line.split(": ", 1) for line in lines)
        method = methods[len(found)] if len(found) < len(methods) else "GET"
        size = 0 if method == "HEAD" else int(headers["content-length"])
        assert len(data) >= size, head
        found.append(Answer(status, headers, msgspec.json.decode(data[:size]) if size else None))
        data = data[size:]
    return found

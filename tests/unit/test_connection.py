"""How long a client may take to read its answers, on a server whose clock the test moves."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import uvloop

from footfall.errors import ApiError
from footfall.web.context import OPEN, Request, Route
from footfall.web.envelope import Response
from footfall.web.http.connection import Connection, Shared

TIMEOUT = 10.0
SMALL = 4096
"""Bytes that the system buffers on each side, so that the server has to keep the rest."""


class Answering:
    """An application with one answer to everything."""

    def __init__(self, response: Callable[[], Response]) -> None:
        self._reply = response

    def begin(self, method: str, target: bytes, headers: dict[bytes, bytes], peer: str) -> Request:
        return Request(method, response=self._reply())

    async def answer(self, call: Request, body: bytes) -> Response:
        raise NotImplementedError

    def count(self, call: Request, status: int, seconds: float) -> None:
        pass

    def refuse(self, call: Request, error: ApiError) -> Response:
        raise NotImplementedError

    def reject(self, target: bytes, headers: dict[bytes, bytes], error: ApiError) -> Request:
        raise NotImplementedError


class Server:
    """Connections of `shared`, and a client that sent one request."""

    def __init__(self, shared: Shared, client: socket.socket) -> None:
        self.shared = shared
        self._client = client
        self._later = itertools.count(1)

    async def read(self, size: int) -> bytes:
        """The next bytes that the client gets."""
        data = b""
        while len(data) < size:
            more = await asyncio.get_running_loop().sock_recv(self._client, size - len(data))
            assert more, "the connection was closed"
            data += more
        return data

    def let_time_pass(self) -> None:
        """Longer than anybody is waited for, from now."""
        self.shared.tick(asyncio.get_running_loop().time() + 7 * TIMEOUT)

    async def leaves_the_client(self) -> bool:
        """Whether the server ends the connection when the client reads nothing for long."""
        for _ in range(1000):
            self.let_time_pass()
            await asyncio.sleep(0)
        return not self.shared.connections


@contextlib.asynccontextmanager
async def asked(
    response: Callable[[], Response], request: bytes, *, is_https: bool = False
) -> AsyncIterator[Server]:
    loop = asyncio.get_running_loop()
    shared = Shared(Answering(response), TIMEOUT, is_https=is_https)
    shared.tick(loop.time())
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    server = await loop.create_server(lambda: Connection(shared, loop), sock=listener)
    with contextlib.closing(server), socket.socket() as client:
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        await loop.sock_connect(client, listener.getsockname())
        await loop.sock_sendall(client, request)
        yield Server(shared, client)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    uvloop.run(asyncio.wait_for(scenario, 20))


@pytest.mark.parametrize("size", [40_000, 1_000_000], ids=["written", "waiting"])
@pytest.mark.parametrize("version", [b"1.0", b"1.1"], ids=["closing", "kept"])
def test_a_client_that_reads_nothing_is_left(size: int, version: bytes) -> None:
    async def scenario() -> None:
        request = b"GET / HTTP/%b\r\nHost: x\r\n\r\n" % version
        async with asked(lambda: Response(b"x" * size), request) as server:
            await server.read(10)
            assert await server.leaves_the_client()

    run(scenario())


@pytest.mark.parametrize("is_https", [False, True])
def test_no_answer_is_sniffed_and_https_is_asked_for_where_the_public_address_has_it(is_https: bool) -> None:
    async def scenario() -> None:
        request = b"GET / HTTP/1.0\r\nHost: x\r\n\r\n"
        async with asked(lambda: Response(b"{}"), request, is_https=is_https) as server:
            answer = b""
            while not answer.endswith(b"{}"):
                answer += await server.read(1)
            assert b"\r\nx-content-type-options: nosniff\r\n" in answer
            assert (b"\r\nstrict-transport-security: max-age=31536000\r\n" in answer) == is_https

    run(scenario())


def test_a_client_that_reads_slowly_gets_the_whole_answer() -> None:
    async def scenario() -> None:
        async with asked(lambda: Response(b"x" * 1_000_000), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") as server:
            for _ in range(18):
                await server.read(50_000)
                server.let_time_pass()
            await server.read(100_000)

    run(scenario())


def test_a_stream_that_is_read_goes_on() -> None:
    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0)

    async def scenario() -> None:
        async with asked(
            lambda: Response(b"", stream=parts()), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        ) as server:
            for _ in range(50):
                await server.read(50_000)
                server.let_time_pass()
            assert await server.leaves_the_client()

    run(scenario())


class Asked:
    """An application whose handlers never answer; `is_left`: whether one was cancelled."""

    def __init__(self, route: Route[Any]) -> None:
        self._route = route
        self.is_asked, self.is_left = asyncio.Event(), asyncio.Event()

    def begin(self, method: str, target: bytes, headers: dict[bytes, bytes], peer: str) -> Request:
        return Request(method, route=self._route)

    async def answer(self, call: Request, body: bytes) -> Response:
        self.is_asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.is_left.set()
            raise
        return Response(b"")

    def count(self, call: Request, status: int, seconds: float) -> None:
        raise NotImplementedError

    def refuse(self, call: Request, error: ApiError) -> Response:
        raise NotImplementedError

    def reject(self, target: bytes, headers: dict[bytes, bytes], error: ApiError) -> Request:
        raise NotImplementedError


async def _nobody(context: Any) -> Response:
    raise NotImplementedError


@pytest.mark.parametrize("ends_with_client", [True, False])
def test_a_client_that_leaves_ends_what_only_it_waits_for(ends_with_client: bool) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        application = Asked(Route("GET", "/", _nobody, OPEN, ends_with_client=ends_with_client))
        shared = Shared(application, TIMEOUT)
        shared.tick(loop.time())
        server = await loop.create_server(lambda: Connection(shared, loop), "127.0.0.1", 0)
        with contextlib.closing(server):
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await application.is_asked.wait()
            writer.close()
            while shared.connections:
                await asyncio.sleep(0)
            for _ in range(3):
                await asyncio.sleep(0)
            assert application.is_left.is_set() == ends_with_client
            for task in shared.tasks:
                task.cancel()

    run(scenario())

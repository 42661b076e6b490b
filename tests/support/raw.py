"""Requests that no well-behaved client sends: bytes on a socket."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx

from tests.support.openapi import description

PATIENCE = 30.0


@contextmanager
def connection(port: int) -> Iterator[socket.socket]:
    """A connection to a server on this machine."""
    with closing(socket.create_connection(("127.0.0.1", port), PATIENCE)) as opened:
        yield opened


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of a request; nothing is added to `headers`."""
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "footfall", **headers}.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def answer_on(opened: socket.socket, method: str, path: str, *, described: bool = True) -> httpx.Response:
    """The answer that comes on a connection, compared with openapi.yaml unless it is not `described` there."""
    reader = http.client.HTTPResponse(opened, method=method)
    with closing(reader):
        reader.begin()
        response = httpx.Response(
            reader.status,
            headers=reader.getheaders(),
            content=reader.read(),
            request=httpx.Request(method, f"http://footfall{path}"),
        )
    assert response.headers["x-request-id"]
    if described:
        description().check(response)
    return response


def exchange(port: int, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> httpx.Response:
    """One whole request and its answer."""
    with connection(port) as opened:
        opened.sendall(request(method, path, headers, body))
        return answer_on(opened, method, path)


def is_closed_by_server(opened: socket.socket) -> bool:
    """Whether the server ends the connection without another byte; waits for it."""
    try:
        return opened.recv(1) == b""
    except ConnectionResetError:
        return True

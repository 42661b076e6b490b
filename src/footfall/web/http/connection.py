"""HTTP/1.1 on one connection: requests come in, parsed by llhttp (httptools), and answers go out in the same order.

uvicorn and an ASGI application do the same at three times the cost (docs/decisions/0009-own-http-connection.md).
"""

from __future__ import annotations

import asyncio
from collections import deque
from email.utils import formatdate
from enum import Enum, auto
from http import HTTPStatus
from time import perf_counter

import httptools

from footfall.db.scans import HAS_LEFT
from footfall.errors import ApiError, BadRequest, HeadTooLarge, RequestTimeout
from footfall.log import get_logger
from footfall.web.address import is_host
from footfall.web.context import Request
from footfall.web.envelope import CLOSE, Response
from footfall.web.http.application import Application

MAX_HEAD = 64 * 1024
"""Bytes of request line and headers, and of input that is not a body: empty lines, trailers, and chunk sizes beyond the size of the body."""
SLICE = 16 * 1024
"""Bytes that are parsed before other connections have their turn."""
IDLE_SECONDS = 60.0
"""How long a connection stays open between two requests."""
LINGER_SECONDS, MAX_THROWN = 2.0, 16 * 1024 * 1024
"""For how long, and how many bytes, what a client still sends is read and discarded, so that it sees its answer."""
MAX_QUEUED = 500
"""Requests that may wait for the answer to the one before. Anything sent beyond them is not answered."""

_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_WITHOUT_BODY = (204, 304)
_LAST_CHUNK = b"0\r\n\r\n"
_VERSIONS = ("1.0", "1.1")


_NO_SNIFFING = b"x-content-type-options: nosniff\r\n"
_HTTPS_ALONE = b"strict-transport-security: max-age=31536000\r\n"
"""For a year."""


class Shared:
    """What the connections of a server share. Times in seconds, `now` on the event loop's clock."""

    def __init__(self, application: Application, timeout: float, *, is_https: bool = False) -> None:
        """`timeout`: how long the head of a request may take, and then its body. `is_https`: browsers are to use HTTPS alone."""
        self.application = application
        self.timeout = timeout
        self.patience = 6 * timeout
        """How long a client may go without reading its answers."""
        self.connections: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        """Tasks that are producing answers."""
        self._fixed = [_NO_SNIFFING, _HTTPS_ALONE] if is_https else [_NO_SNIFFING]
        self.lines: list[bytes] = self._fixed
        """Header lines of every answer."""

    def tick(self, now: float) -> None:
        """Close whatever has waited too long; call it a few times a second."""
        self.lines = [b"date: %b\r\n" % formatdate(usegmt=True).encode(), *self._fixed]
        for connection in list(self.connections):
            if 0 < connection.until < now:
                connection.expire()


class _Reading(Enum):
    """What a connection does with the bytes that come next."""

    IDLE = auto()
    """They begin a request."""
    HEAD = auto()
    """They belong to a head, or begin the first one."""
    BODY = auto()
    """They belong to the request that is coming in, even if nobody needs its body any more."""
    DONE = auto()
    """They are thrown away; answers are still to be written."""
    LINGERING = auto()
    """They are thrown away, and all answers are written."""


_IDLE, _HEAD, _BODY, _DONE, _LINGERING = (
    _Reading  # `_Reading.IDLE` takes longer than to parse a header in Python 3.11
)
_OVER = (_DONE, _LINGERING)


class _Exchange:
    """A request and its answer. `is_started`: the answer is being produced, or waits for its turn; `keeps_open`: others may follow."""

    __slots__ = ("is_head", "is_started", "keeps_open", "parts", "request", "size", "task")
    task: asyncio.Task[None]

    def __init__(self, request: Request, *, is_head: bool = False, keeps_open: bool = False) -> None:
        self.request = request
        self.is_head = is_head
        self.keeps_open = keeps_open
        self.is_started = False
        self.parts: list[bytes] = []
        """Parts of the body, `size` bytes in total."""
        self.size = 0


class Connection(asyncio.Protocol):
    """One connection. `until`: when to stop waiting for its client, in loop time; 0 while an answer is being produced."""

    _transport: asyncio.Transport

    def __init__(self, shared: Shared, loop: asyncio.AbstractEventLoop) -> None:
        self.until = loop.time() + shared.timeout
        self._shared = shared
        self._application = shared.application
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._peer = ""
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._repeated: dict[bytes, list[bytes]] = {}
        """All values of headers that occurred several times."""
        self._reading = _HEAD
        self._head_size = 0
        self._gap = 0
        """Bytes received since the parser last reported a beginning or an end. Each byte of a body makes up for two: itself, and one of its chunk's size."""
        self._rest = memoryview(b"")
        """What was received and is still to be parsed. Meanwhile, nothing more is read."""
        self._thrown = 0
        """Bytes of the current request, or after the last one, that nobody needs."""
        self._incoming: _Exchange | None = None
        """The request that is still being received, in the state BODY."""
        self._current: _Exchange | None = None
        """The request being answered; those waiting for it are queued."""
        self._queued: deque[_Exchange] = deque()
        self._unread = 0
        """Bytes the client had not read when last checked."""
        self._has_room = asyncio.Event()
        self._has_room.set()

    # What the event loop calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._shared.connections.add(self)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""

    def connection_lost(self, exc: Exception | None) -> None:
        self._shared.connections.discard(self)
        self._queued.clear()
        self._rest = self._rest[:0]
        self._has_room.set()
        if self._current is not None and self._current.request.ends_with_client:
            self._current.task.cancel()

    def pause_writing(self) -> None:
        self._has_room.clear()

    def resume_writing(self) -> None:
        self._has_room.set()

    def data_received(self, data: bytes) -> None:
        if len(data) <= SLICE or self._reading in _OVER:
            self._take(data)
            return
        self._rest = memoryview(data)
        self._transport.pause_reading()
        self._go_on()

    def _go_on(self) -> None:
        """Take the next slice of what was received, and let others have their turn before the one after it."""
        part, self._rest = self._rest[:SLICE], self._rest[SLICE:]
        self._take(part)
        if self._rest:
            self._loop.call_soon(self._go_on)
        else:
            self._read_on()

    def _read_on(self) -> None:
        """Read what comes next, unless something is still to be parsed or answered first, or too much was thrown away."""
        is_free = not self._queued or self._reading in _OVER
        if is_free and not self._rest and self._thrown <= MAX_THROWN:
            self._transport.resume_reading()

    def _take(self, data: bytes | memoryview) -> None:
        """Parse a slice of the input, or throw it away."""
        if self._reading in _OVER:
            self._throw_away(len(data))
            return
        if (exchange := self._incoming) is not None and self._is_unneeded(exchange):
            self._throw_away(len(data))
        self._gap += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self._give_up(BadRequest("This is not a valid HTTP/1.1 request."))
        if self._gap > MAX_HEAD:
            self._give_up(_head_too_large())

    def _parse(self, data: bytes | memoryview) -> None:
        """Feed the parser. It skips the body of a request that offers another protocol, so such a request is parsed again without the offer.

        Raises httptools.HttpParserError.
        """
        while data:
            try:
                self._parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as offer:
                if self._reading in _OVER or self._headers.pop(b"upgrade", None) is None:
                    self._take_no_more()  # after CONNECT, another protocol follows
                    return
                data = self._head() + data[offer.args[0] :]
                self._parser = httptools.HttpRequestParser(self)

    def _head(self) -> bytes:
        """The head that was read, as it appears in a request."""
        method, version = self._parser.get_method(), self._parser.get_http_version().encode()
        lines = b"".join(b"%b: %b\r\n" % header for header in self._headers.items())
        return b"%b %b HTTP/%b\r\n%b\r\n" % (method, self._target, version, lines)

    # What the parser calls

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers, self._repeated = {}, {}
        self._head_size = self._gap = 0
        if self._reading is _IDLE:
            self._reading = _HEAD
            if self._current is None:
                self.until = self._loop.time() + self._shared.timeout

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._reading is not _HEAD:  # a trailer, or after the last request: nothing here reads it
            return
        self._head_size += len(name) + len(value) + 4
        name = name.lower()
        if name in self._headers:
            self._repeated.setdefault(name, [self._headers[name]]).append(value)
        else:
            self._headers[name] = value

    def on_headers_complete(self) -> None:
        self._gap = 0
        if self._reading is not _HEAD:
            return
        for name, values in self._repeated.items():  # RFC 9110, 5.3
            self._headers[name] = (b"; " if name == b"cookie" else b", ").join(values)
        version = self._parser.get_http_version()
        if (problem := self._problem(version)) is not None:
            self._give_up(problem)
            return
        if b"upgrade" in self._headers and self._parser.should_upgrade():  # see `_parse`
            self._reading = _IDLE
            return
        method = self._parser.get_method().decode()
        request = self._application.begin(method, self._target, self._headers, self._peer)
        keeps_open = version == "1.1" and self._parser.should_keep_alive()
        self._incoming = exchange = _Exchange(request, is_head=method == "HEAD", keeps_open=keeps_open)
        self._reading = _BODY
        if self._current is None:
            self.until = self._loop.time() + self._shared.timeout
        if version == "1.1" and self._headers.get(b"expect", b"").lower() == b"100-continue":
            self._answer_expectation(exchange)
        if request.response is not None:
            self._start(exchange)

    def _problem(self, version: str) -> ApiError | None:
        """Why the head cannot be accepted, if it cannot."""
        if self._head_size + len(self._target) > MAX_HEAD:
            return _head_too_large()
        if version not in _VERSIONS:
            return BadRequest("HTTP/1.1 and HTTP/1.0 are spoken here.")
        host = self._headers.get(b"host")
        if host is None:
            return BadRequest("A request in HTTP/1.1 needs a Host header.") if version == "1.1" else None
        return None if is_host(host) else BadRequest("The Host header must name one host.")

    def _answer_expectation(self, exchange: _Exchange) -> None:
        """The client waits before it sends the body. If the body is not wanted, nobody can tell whether it comes anyway."""
        if exchange.request.response is not None:
            exchange.keeps_open = False
        elif self._current is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._gap = max(0, self._gap - 2 * len(body))
        exchange = self._incoming
        if exchange is None or self._is_unneeded(exchange):
            return
        exchange.parts.append(body)
        exchange.size += len(body)
        if exchange.size > exchange.request.max_body:
            self._refuse(exchange, exchange.request.too_large())

    @staticmethod
    def _is_unneeded(exchange: _Exchange) -> bool:
        """Whether nobody needs the rest of a request's body."""
        return exchange.is_started or not exchange.request.max_body

    def on_message_complete(self) -> None:
        self._gap = self._thrown = 0
        exchange, self._incoming = self._incoming, None
        if exchange is None:
            return
        self._reading = _IDLE if exchange.keeps_open else _DONE
        if not exchange.is_started:
            self._start(exchange)

    def _throw_away(self, size: int) -> None:
        """Count input that nobody needs. If there is too much, leave the rest unread."""
        self._thrown += size
        if self._thrown > MAX_THROWN:
            if self._reading is _LINGERING:
                self._transport.close()
            else:
                self._transport.pause_reading()

    # Answers

    def _start(self, exchange: _Exchange) -> None:
        exchange.is_started = True
        if self._current is None:
            self._run(exchange)
            return
        self._queued.append(exchange)
        if len(self._queued) < MAX_QUEUED:
            self._transport.pause_reading()
        else:
            self._take_no_more()
            self._read_on()  # further input is discarded: closing with unread input would cut off answers

    def _run(self, exchange: _Exchange) -> None:
        self._current = exchange
        self.until = 0.0
        exchange.task = self._loop.create_task(self._answer(exchange))
        self._shared.tasks.add(exchange.task)

    async def _answer(self, exchange: _Exchange) -> None:
        try:
            request, parts = exchange.request, exchange.parts
            HAS_LEFT.set(self._transport.is_closing)
            began = perf_counter()
            response = request.response
            if response is None:
                response = await self._application.answer(
                    request, parts[0] if len(parts) == 1 else b"".join(parts)
                )
            self._application.count(request, response.status, perf_counter() - began)
            await self._send(exchange, response)
        except Exception:
            get_logger("web").exception("an answer was cut off", request=exchange.request.request_id)
            exchange.keeps_open = False
        finally:
            self._shared.tasks.discard(exchange.task)
        self._finish(exchange)

    async def _send(self, exchange: _Exchange, response: Response) -> None:
        if response.status >= 400 and CLOSE in response.headers:
            exchange.keeps_open = False
        if self._transport.is_closing():
            return
        is_chunked = response.stream is not None and not self._closes_after(exchange)
        self._transport.write(self._rendered(exchange, response, is_chunked=is_chunked))
        if response.stream is not None and not exchange.is_head:
            async for part in response.stream:
                if self._transport.is_closing():
                    return
                self._transport.write(_chunk(part) if is_chunked else part)
                await self._wait_for_room()
            if is_chunked and not self._transport.is_closing():
                self._transport.write(_LAST_CHUNK)
        else:
            await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        """Wait until the client has read most of what was written, or is given up on."""
        if not self._has_room.is_set():
            self._wait_for_reading()
            await self._has_room.wait()
            self.until = 0.0

    def _wait_for_reading(self) -> None:
        self._unread = self._transport.get_write_buffer_size()
        self.until = self._loop.time() + self._shared.patience

    def _rendered(self, exchange: _Exchange, response: Response, *, is_chunked: bool) -> bytes:
        """The bytes of an answer, except those of its stream."""
        named = b"x-request-id: %b\r\n" % exchange.request.request_id.encode()
        lines = [_STATUS[response.status], *self._shared.lines, named]
        lines += [b"%b: %b\r\n" % header for header in response.headers]
        if is_chunked:
            lines.append(b"transfer-encoding: chunked\r\n")
        elif response.stream is None and response.status not in _WITHOUT_BODY:
            lines.append(b"content-length: %d\r\n" % len(response.body))
        if self._closes_after(exchange) and CLOSE not in response.headers:
            lines.append(b"connection: close\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != len(lines):
            raise ValueError("a header's value has several lines")
        body = b"" if exchange.is_head else _chunk(response.body) if is_chunked else response.body
        return head + b"\r\n" + body

    def _closes_after(self, exchange: _Exchange) -> bool:
        """Whether the answer to this request is the last."""
        return not exchange.keeps_open or (self._reading in _OVER and not self._queued)

    def _take_no_more(self) -> None:
        """Accept no request after the one that is being received, if any."""
        if self._incoming is not None:
            self._incoming.keeps_open = False
        elif self._reading is not _LINGERING:
            self._reading = _DONE

    def _finish(self, exchange: _Exchange) -> None:
        """Continue after an answer: with the next request, or by waiting for one."""
        self._current = None
        if self._transport.is_closing():
            return
        if self._closes_after(exchange):
            self._linger()
        elif self._queued:
            following = self._queued.popleft()
            if not self._queued:
                self._read_on()
            self._run(following)
        else:
            is_idle = self._reading is _IDLE
            self.until = self._loop.time() + (IDLE_SECONDS if is_idle else self._shared.timeout)

    def _refuse(self, exchange: _Exchange, error: ApiError) -> None:
        """Answer a request before all of it has arrived, and close."""
        exchange.request.response = self._application.refuse(exchange.request, error)
        exchange.keeps_open = False
        self._start(exchange)

    def _give_up(self, error: ApiError) -> None:
        """Answer what cannot be read, unless it has an answer already, and close."""
        if self._reading in _OVER:
            return
        known = (self._target, self._headers) if self._reading is _HEAD else (b"", {})
        exchange, self._incoming, self._reading = self._incoming, None, _DONE
        if exchange is None:
            self._start(_Exchange(self._application.reject(*known, error)))
        elif not exchange.is_started:
            self._refuse(exchange, error)
        elif self._current is None:
            self._linger()

    def _linger(self) -> None:
        """Close our side, now that everything is answered. Closing fully while the client still sends would destroy the answer."""
        self._incoming, self._reading, self._rest = None, _LINGERING, self._rest[:0]
        self._transport.write_eof()
        self._transport.resume_reading()
        if self._transport.get_write_buffer_size():
            self._wait_for_reading()
        else:
            self.until = self._loop.time() + LINGER_SECONDS

    def expire(self) -> None:
        """Give up on what did not come: a body, with an answer; a head, the next request or the reading of answers, without one."""
        if unread := self._transport.get_write_buffer_size():
            if unread < self._unread:
                self._wait_for_reading()
            else:
                self._transport.abort()
        elif self._incoming is None:
            self._transport.close()
        elif self._incoming.is_started:
            self._linger()
        else:
            late = RequestTimeout(f"The body did not arrive within {self._shared.timeout:g} s.")
            self._refuse(self._incoming, late)

    def shut_down(self) -> None:
        """Accept no more requests; close once those that arrived are answered."""
        self._take_no_more()
        if self._current is None and self._incoming is None:
            self._transport.close()


def _chunk(part: bytes) -> bytes:
    """A chunk of a response; nothing for an empty one, because an empty chunk would end the response."""
    return b"%x\r\n%b\r\n" % (len(part), part) if part else b""


def _head_too_large() -> HeadTooLarge:
    return HeadTooLarge(
        f"The request line and headers, or what surrounds the body, are larger than {MAX_HEAD} bytes."
    )

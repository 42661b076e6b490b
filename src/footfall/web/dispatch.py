"""The ASGI application: finds the route, checks the caller, reads the body, renders the answer.

The order of checks: 404 and 405, 401 (before the body is read), 403, 429, 413, 415, 400; what comes after is the handler's.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Protocol
from urllib.parse import unquote

from footfall.clock import Clock
from footfall.errors import (
    ApiError,
    BadRequest,
    DatabaseError,
    InternalError,
    MethodNotAllowed,
    NotFound,
    RequestTimeout,
    TooLarge,
    Unavailable,
    UnsupportedMedia,
)
from footfall.log import get_logger
from footfall.web.context import Context, Credential, Route
from footfall.web.envelope import Headers, Reply, failure

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"content-type, user-agent"),
    (b"access-control-max-age", b"86400"),
    (b"access-control-expose-headers", b"x-footfall-dropped"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]


class Access(Protocol):
    """Who may call."""

    def check(self, context: Context, route: Route) -> Headers:
        """Put the caller and the website into `context`; the headers to send. Raises ApiError."""

    def check_late(self, context: Context, route: Route) -> None:
        """What is checked after the body was read. Raises ApiError."""


class Dispatch:
    """Serves `routes`; every error becomes an answer in the envelope."""

    def __init__(
        self,
        routes: Iterable[Route],
        access: Access,
        clock: Clock,
        body_timeout: float,
    ) -> None:
        self._exact: dict[str, dict[str, Route]] = {}
        self._open: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        self._access = access
        self._clock = clock
        self._body_timeout = body_timeout
        self._reading: dict[asyncio.Task[Any], float] = {}
        """When the body of each request that still reads one must be there, in loop time."""
        self._log = get_logger("web")
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        if "{" not in route.path:
            self._exact.setdefault(route.path, {})[route.method] = route
            return
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(route.path)))
        for known, methods in self._open:
            if known.pattern == pattern.pattern:
                methods[route.method] = route
                return
        self._open.append((pattern, {route.method: route}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method: str = scope["method"]
        reply: Reply
        extra: Headers = []
        try:
            route, values = self._find(method, scope)
            if route.credential is Credential.BROWSER:
                extra = CORS
            if method == "OPTIONS":
                reply = Reply(b"", 204)
            else:
                reply, limits = await self._answer(route, values, scope, receive)
                extra = extra + limits
        except ApiError as error:
            reply = failure(error)
        except DatabaseError as error:
            self._log.warning("database error", reason=str(error), path=scope["path"][:100])
            reply = failure(Unavailable("The database cannot be read now. Try again in a second."))
        except Exception:
            self._log.exception("unexpected error", method=method)
            reply = failure(InternalError("Something went wrong on our side."))
        await self._send(reply, extra, method, receive, send)

    def _find(self, method: str, scope: Scope) -> tuple[Route, tuple[str, ...]]:
        path: str = scope["path"]
        methods = self._exact.get(path)
        values: tuple[str, ...] = ()
        if methods is None:
            methods, values = self._find_open(scope)
        route = methods.get(method) or (methods.get("GET") if method == "HEAD" else None)
        if route is None and method == "OPTIONS":
            route = next((r for r in methods.values() if r.credential is Credential.BROWSER), None)
        if route is None:
            raise MethodNotAllowed(list(methods))
        return route, values

    def _find_open(self, scope: Scope) -> tuple[dict[str, Route], tuple[str, ...]]:
        raw = scope.get("raw_path", b"").decode("ascii", "replace")
        for pattern, methods in self._open:
            if found := pattern.fullmatch(raw):
                return methods, tuple(unquote(value, errors="replace") for value in found.groups())
        raise NotFound("There is no such route. See /docs for those there are.")

    async def _answer(
        self, route: Route, values: tuple[str, ...], scope: Scope, receive: Receive
    ) -> tuple[Reply, Headers]:
        client = scope["client"]
        headers = dict(scope["headers"])
        context = Context(
            headers,
            client[0] if client else "",
            scope["query_string"],
            values,
            self._clock(),
            path=scope["path"],
        )
        if route.credential is not Credential.WEBSITE:
            if route.max_body:
                context.body = await self._read_body(route, headers, receive)
            return await route.handler(context), []
        context.limits = self._access.check(context, route)
        if route.max_body:
            context.body = await self._read_body(route, headers, receive)
        self._access.check_late(context, route)
        reply = await route.handler(context)
        return reply, context.limits

    async def _read_body(self, route: Route, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        length = headers.get(b"content-length")
        if length is not None:
            if not length.isdigit() or len(length) > 18:
                raise BadRequest("Content-Length is not a number.")
            if int(length) > route.max_body:
                raise _too_large(route.max_body)
        body = await self._receive_in_time(route.max_body, receive)
        media = headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
        if media and route.media is not None and media not in route.media:
            raise UnsupportedMedia(f"Content-Type must be {' or '.join(route.media)}.")
        return body

    async def _receive_in_time(self, limit: int, receive: Receive) -> bytes:
        """The body. `asyncio.timeout` would do the same at five times the cost."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - every request runs in a task of its own
        self._reading[task] = asyncio.get_running_loop().time() + self._body_timeout
        try:
            return await _receive_all(limit, receive)
        except asyncio.CancelledError:
            if task in self._reading or task.uncancel() > 0:
                raise
            raise RequestTimeout(f"The body did not arrive within {self._body_timeout:g} s.") from None
        finally:
            self._reading.pop(task, None)

    async def watch_bodies(self) -> None:
        """End the reading of bodies that take too long, for ever."""
        while True:
            await asyncio.sleep(min(0.25, self._body_timeout / 2))
            now = asyncio.get_running_loop().time()
            for task in [task for task, until in self._reading.items() if until < now]:
                del self._reading[task]
                task.cancel()

    async def _send(self, reply: Reply, extra: Headers, method: str, receive: Receive, send: Send) -> None:
        headers = [*reply.headers, *extra]
        if reply.stream is None and reply.status not in (204, 304):
            headers = [*reply.headers, (b"content-length", b"%d" % len(reply.body)), *extra]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        body = b"" if method == "HEAD" else reply.body
        if reply.stream is not None and method != "HEAD":
            await send({"type": "http.response.body", "body": body, "more_body": True})
            await _send_stream(reply.stream, receive, send)
            body = b""
        await send({"type": "http.response.body", "body": body})


async def _send_stream(stream: AsyncIterator[bytes], receive: Receive, send: Send) -> None:
    """Send what comes, as long as somebody is there."""
    gone = asyncio.ensure_future(_until_gone(receive))
    try:
        async for part in stream:
            if gone.done():
                return
            await send({"type": "http.response.body", "body": part, "more_body": True})
    finally:
        gone.cancel()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _receive_all(limit: int, receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > limit:
            raise _too_large(limit)
        return body
    parts, size = [body], len(body)
    while message.get("more_body", False):
        if size > limit:
            raise _too_large(limit)
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    if size > limit:
        raise _too_large(limit)
    return b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit} bytes.")

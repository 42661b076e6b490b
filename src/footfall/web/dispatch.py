"""The application: finds the route, checks the caller, passes the call to its handler, and renders the result.

The order of checks: 414, 404 and 405, 401 (before the body is read), 403, 429, 413, 415, 400. Everything after that is up to the handler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol
from urllib.parse import unquote

import httptools

from footfall.clock import Clock
from footfall.errors import (
    BadRequest,
    MethodNotAllowed,
    NotFound,
    TargetTooLong,
    UnsupportedMedia,
)
from footfall.log import REQUEST
from footfall.web.context import BROWSER, Context, Request, Route
from footfall.web.counting import CallCounts
from footfall.web.envelope import Headers, Response
from footfall.web.naming import NAME, given_id
from footfall.web.paths import Methods, PathTree
from footfall.web.refusals import NO_STORE, Refusals, RenderError, is_page

CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"x-footfall-dropped"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]
PREFLIGHT: Headers = [
    *CORS,
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-max-age", b"86400"),
]
MAX_TARGET = 8 * 1024
"""Bytes of path and query: more is not even decoded."""
USUAL_HEADERS, MOST_HEADERS = b"content-type, user-agent", 4096
"""What a page may send if its browser does not ask, or asks with too many bytes."""
_NAMES = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz, \t"
"""What a list of header names may hold."""
_EXTRA = {BROWSER.name: [*CORS, *NO_STORE]}
"""Headers of all answers, by credential. Answers of checked routes that set none themselves must not be cached."""


class AccessControl(Protocol):
    """Decides who may call a route."""

    def check(self, context: Context[Any], route: Route[Any]) -> Headers | None:
        """Set the principal of `context` and return response headers; None if only `check_anew` can tell. Raises ApiError."""

    async def check_anew(self, context: Context[Any], route: Route[Any]) -> Headers:
        """The same after looking in the database. Raises ApiError and DatabaseError."""

    def check_late(self, context: Context[Any], route: Route[Any]) -> None:
        """The checks that follow once the body is there; by then, the principal is set. Raises ApiError."""


class Dispatch(Refusals):
    """Serves `routes`. Every error becomes a response in the envelope. See `web.http.application.Application`.

    `not_found`: the route for browsers if no other matches, outside `/api`. `render_error`: see `Refusals`. `believes`: whether a peer is a
    proxy that may name requests. `counts`: where answered requests are counted.
    """

    def __init__(
        self,
        routes: Iterable[Route[Any]],
        access: AccessControl,
        clock: Clock,
        not_found: Route[Any] | None = None,
        render_error: RenderError | None = None,
        believes: Callable[[str], bool] = lambda peer: False,
        counts: CallCounts | None = None,
    ) -> None:
        super().__init__(render_error)
        self._exact: dict[str, Methods] = {}
        self._open = PathTree()
        self._access = access
        self._clock = clock
        self._not_found = not_found
        self._believes = believes
        self._counts = counts or CallCounts()
        for route in routes:
            self._add(route)

    def _add(self, route: Route[Any]) -> None:
        if "{" in route.path:
            self._open.add(route)
        else:
            self._exact.setdefault(route.path, {})[route.method] = route

    def begin(self, method: str, target: bytes, headers: dict[bytes, bytes], peer: str) -> Request:
        """Begin a request with its head. It may already have its `response`."""
        request = Request(method, is_page=is_page(target, headers))
        if NAME in headers and self._believes(peer):
            request.request_id = given_id(headers) or request.request_id
        try:
            self._begin(request, target, headers, peer)
        except Exception as error:
            request.response = self.refuse(request, error)
        return request

    def _begin(self, request: Request, target: bytes, headers: dict[bytes, bytes], peer: str) -> None:
        raw_path, query = _parts(target)
        path = unquote(raw_path) if "%" in raw_path else raw_path
        request.route, values = route, _ = self._find(request, path, raw_path)
        request.extra = _EXTRA.get(route.credential.name, NO_STORE if route.credential.is_checked else [])
        if request.method == "OPTIONS":
            request.response = Response(b"", 204, [*PREFLIGHT, _allowed_headers(headers)])
            return
        context: Context[Any] = Context(headers, peer, query, values, self._clock(), path=path)
        request.context = context
        if route.credential.is_checked:
            limits = self._access.check(context, route)
            context.limits, context.is_unsure = limits or [], limits is None
        request.max_body = route.max_body
        if route.max_body and int(headers.get(b"content-length", b"0")) > route.max_body:
            raise request.too_large()
        if route.max_body and headers.get(b"content-encoding", b"").lower() not in (b"", b"identity"):
            raise UnsupportedMedia("Content-Encoding: send the body as it is, not compressed.")

    def _find(self, request: Request, path: str, raw_path: str) -> tuple[Route[Any], tuple[str, ...]]:
        method = request.method
        methods = self._exact.get(path)
        values: tuple[str, ...] = ()
        if methods is None and (found := self._open.find(raw_path)) is not None:
            methods, values = found
        if methods is None:
            if self._not_found is None or method != "GET" or not request.is_page:
                others = " See /docs for those there are." if "/docs" in self._exact else ""
                raise NotFound(f"There is no such route.{others}")
            return self._not_found, ()
        route = methods.get(method) or (methods.get("GET") if method == "HEAD" else None)
        if route is None and method == "OPTIONS":
            route = next((r for r in methods.values() if r.credential is BROWSER), None)
        if route is None:
            raise MethodNotAllowed(list(methods))
        return route, values

    def count(self, request: Request, status: int, seconds: float) -> None:
        """See `web.http.application.Application`."""
        self._counts.add(request, status, seconds)

    async def answer(self, request: Request, body: bytes) -> Response:
        """The handler's response to a request with its complete body."""
        route, context = request.route, request.context
        if route is None or context is None:
            raise ValueError("this request has its response already")
        REQUEST.set(request.request_id)
        try:
            context.body = body
            if context.is_unsure:
                context.limits = await self._access.check_anew(context, route)
            if route.media is not None:
                _check_media(context, route.media)
            if route.credential.is_checked:
                self._access.check_late(context, route)
            response = await route.handler(context)
        except Exception as error:
            return self.refuse(request, error)
        if request.extra or context.limits:
            response.headers = [*response.headers, *request.extra, *context.limits]
        return response


def _parts(target: bytes) -> tuple[str, bytes]:
    """The path, still percent-encoded, and the query of a request target. Raises BadRequest and TargetTooLong."""
    if len(target) > MAX_TARGET:
        raise TargetTooLong(f"The path and the query are longer than {MAX_TARGET} bytes.")
    try:
        if not target.startswith(b"/"):
            url = httptools.parse_url(target)
            return (url.path or b"/").decode("ascii"), url.query or b""
        path, _, query = target.partition(b"?")
        return path.decode("ascii"), query
    except (httptools.HttpParserInvalidURLError, UnicodeDecodeError) as error:
        raise BadRequest("The request's target is neither a path nor a URL.") from error


def _allowed_headers(headers: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    """Allow whatever headers a page asks to send: monitoring tools add their own, and the route has no credentials to protect."""
    asked = headers.get(b"access-control-request-headers", b"")
    is_list = asked.strip() and len(asked) <= MOST_HEADERS and not asked.translate(None, _NAMES)
    return b"access-control-allow-headers", asked if is_list else USUAL_HEADERS


def _check_media(context: Context[Any], media: tuple[str, ...]) -> None:
    sent = context.headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
    if sent and sent not in media:
        raise UnsupportedMedia(f"Content-Type must be {' or '.join(media)}.")

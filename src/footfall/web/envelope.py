"""The one place that renders responses: `{"status": "success", "data": ...}` and `{"status": "error", "error": {code, message}}`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from footfall.errors import (
    ApiError,
    MethodNotAllowed,
    RequestTimeout,
    TooLarge,
    TooManyRequests,
    Unauthorized,
)
from footfall.web.json import encode

Headers = list[tuple[bytes, bytes]]

JSON_TYPE = (b"content-type", b"application/json")
CLOSE = (b"connection", b"close")
"""The connection closes after this answer."""


class Response(msgspec.Struct):
    """A response. `headers`: without content-length; `stream`: more chunks after the body."""

    body: bytes
    status: int = 200
    headers: Headers = []
    stream: AsyncIterator[bytes] | None = None


def success(data: Any, **beside: Any) -> Response:
    """200 with `data` in the envelope; `beside` goes next to it, such as a pagination."""
    return Response(encode({"status": "success", "data": data, **beside}), 200, [JSON_TYPE])


def failure(error: ApiError) -> Response:
    """`error` in the envelope, with the headers that belong to it."""
    body: dict[str, Any] = {"status": "error", "error": {"code": error.status, "message": error.message}}
    headers: Headers = [JSON_TYPE]
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % error.retry_after))
    if isinstance(error, Unauthorized):
        headers.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", ", ".join(error.allowed).encode()))
    if isinstance(error, TooLarge | RequestTimeout):
        headers.append(CLOSE)
    if isinstance(error, TooManyRequests):
        body |= {"limit": error.limit, "remaining": error.remaining, "reset": error.reset_at}
        headers += [
            (b"x-ratelimit-limit", b"%d" % error.limit),
            (b"x-ratelimit-remaining", b"%d" % error.remaining),
            (b"x-ratelimit-reset", b"%d" % error.reset_at),
        ]
    return Response(encode(body), error.status, headers)

"""What a handler knows about its request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec

from footfall.errors import BadRequest, TooLarge
from footfall.web.envelope import Headers, Response
from footfall.web.naming import new_id

MOST_PARAMETERS = 1000
"""How many parameters a query string may have."""


P = TypeVar("P")


class Credential(msgspec.Struct, Generic[P], frozen=True):
    """Who may call a route. Its handler gets a `Context[P]`. `is_checked`: `dispatch.AccessControl` finds the principal, a `P`."""

    name: str
    is_checked: bool = False


OPEN: Credential[None] = Credential("open")
"""Anyone."""
BROWSER: Credential[None] = Credential("browser")
"""Any page, from any origin: the answer carries CORS headers."""
PAGE: Credential[None] = Credential("page")
"""A browser with a dashboard session; the page itself checks it."""


class Context(msgspec.Struct, Generic[P]):
    """The context of a request. `principal`: the caller; `now`: time of arrival, ms since epoch; `path_values`: the decoded path parameters."""

    headers: dict[bytes, bytes]
    peer: str
    query_string: bytes
    path_values: tuple[str, ...]
    now: int
    body: bytes = b""
    principal: P = None  # type: ignore[assignment] # before a handler of a checked route is called, `Access` puts it here
    path: str = ""
    limits: Headers = []
    """The rate limit headers of the response."""
    is_unsure: bool = False
    """Whether the principal has to be looked up in the database first."""

    def query(self) -> dict[str, str]:
        """The query parameters; if a name occurs twice, the last one wins. Raises BadRequest as `pairs` does."""
        return dict(self.pairs())

    def pairs(self) -> list[tuple[str, str]]:
        """All query parameters in order, including repeated ones. Raises BadRequest if they are too many, not UTF-8, or contain U+0000."""
        if not self.query_string:
            return []
        if self.query_string.count(b"&") >= MOST_PARAMETERS:
            raise BadRequest(f"The query string has more than {MOST_PARAMETERS} parameters.")
        try:
            pairs = parse_qsl(self.query_string.decode("ascii"), keep_blank_values=True, errors="strict")
        except UnicodeDecodeError as error:
            raise BadRequest("The query string is not percent-encoded UTF-8.") from error
        for name, value in pairs:
            if "\0" in name or "\0" in value:
                shown = name.replace("\0", "%00")
                raise BadRequest(
                    f"The query parameter {shown} holds the character U+0000, which cannot be kept."
                )
        return pairs

    def header(self, name: bytes) -> str:
        """The value of a header (`name` in lower case); empty if it is missing."""
        return self.headers.get(name, b"").decode("latin-1")

    def accepts_gzip(self) -> bool:
        """Whether the Accept-Encoding header accepts gzip, that is, with a quality other than 0."""
        for coding in self.header(b"accept-encoding").lower().split(","):
            name, _, quality = coding.partition(";")
            if name.strip() in ("gzip", "*"):
                return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
        return False


Handler = Callable[[Context[P]], Awaitable[Response]]


class Route(msgspec.Struct, Generic[P], frozen=True):
    """A route in the table of `footfall.routes`.

    `path` may contain `{name}`s. `scope` is what an access token needs. `max_body`: bytes; 0 for routes without a body.
    `media`: the content type that a body must have; None for any. `ends_with_client`: whether the handler, which only reads, is cancelled
    when the client leaves.
    """

    method: str
    path: str
    handler: Handler[P]
    credential: Credential[P]
    scope: str | None = None
    max_body: int = 0
    media: tuple[str, ...] | None = None
    ends_with_client: bool = False


class Request(msgspec.Struct):
    """A request whose head was parsed. `max_body`: maximum bytes of its body; `response`: set if the head alone decides it.

    `extra`: headers of every response to it. `is_page`: the browser wants a page, so errors are pages too. `request_id`: what it is called
    in its answer and in the log.
    """

    method: str
    response: Response | None = None
    context: Context[Any] | None = None
    route: Route[Any] | None = None
    extra: Headers = []
    max_body: int = 0
    is_page: bool = False
    request_id: str = msgspec.field(default_factory=new_id)

    @property
    def ends_with_client(self) -> bool:
        """Whether nobody needs its answer once the client has left."""
        return self.route is not None and self.route.ends_with_client

    def too_large(self) -> TooLarge:
        """The error for a body larger than that."""
        return TooLarge(f"The body is larger than {self.max_body} bytes.")

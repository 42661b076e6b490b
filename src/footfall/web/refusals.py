"""Whatever goes wrong becomes an answer: in the envelope for programs, a page for browsers."""

from __future__ import annotations

from collections.abc import Callable

from footfall.errors import ApiError, DatabaseError, InternalError, Unavailable
from footfall.log import get_logger
from footfall.web.context import Call
from footfall.web.envelope import Headers, Reply, failure

NO_STORE: Headers = [(b"cache-control", b"no-store")]
Draw = Callable[[ApiError], Reply]


class Refusals:
    """Makes the answers to calls that go wrong. `draw`: makes an error a page; without it there are none."""

    def __init__(self, draw: Draw | None = None) -> None:
        self._draw = draw
        self._log = get_logger("web")

    def refuse(self, call: Call, error: Exception) -> Reply:
        """The answer to a call that went wrong."""
        known = self._known(call, error)
        reply = failure(known)
        reply.headers += call.extra or NO_STORE
        return _joined(self._draw(known), reply) if call.is_page and self._draw else reply

    def reject(self, target: bytes, headers: dict[bytes, bytes], error: ApiError) -> Call:
        """The call of a head that cannot be taken, with its reply; `target` and `headers` are what is known of it."""
        call = Call("", is_page=is_page(target, headers))
        call.reply = self.refuse(call, error)
        return call

    def _known(self, call: Call, error: Exception) -> ApiError:
        """What the caller is told; the rest is logged."""
        if isinstance(error, ApiError):
            return error
        if isinstance(error, DatabaseError):
            route = call.route.path if call.route else ""
            self._log.warning("database error", reason=str(error), route=route)
            return Unavailable("The database cannot be read now. Try again in a second.")
        self._log.error("unexpected error", method=call.method, exc_info=error)
        return InternalError("Something went wrong on our side.")


def is_page(target: bytes, headers: dict[bytes, bytes]) -> bool:
    """Whether a browser asks for something to look at."""
    return b"text/html" in headers.get(b"accept", b"") and not target.startswith(b"/api")


def _joined(page: Reply, reply: Reply) -> Reply:
    """The page, with what else `reply` says in its headers."""
    said = {name for name, _ in page.headers}
    page.headers = [*page.headers, *(header for header in reply.headers if header[0] not in said)]
    return page

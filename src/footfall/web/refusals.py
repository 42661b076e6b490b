"""Whatever goes wrong becomes an answer: in the envelope for programs, a page for browsers."""

from __future__ import annotations

from collections.abc import Callable

from footfall.errors import ApiError, DatabaseError, InternalError, Unavailable
from footfall.log import get_logger
from footfall.web.context import Request
from footfall.web.envelope import Headers, Response, failure

NO_STORE: Headers = [(b"cache-control", b"no-store")]
RenderError = Callable[[ApiError], Response]


class Refusals:
    """Makes the answers to calls that go wrong. `render_error`: makes an error a page; without it there are none."""

    def __init__(self, render_error: RenderError | None = None) -> None:
        self._render_error = render_error
        self._log = get_logger("web")

    def refuse(self, request: Request, error: Exception) -> Response:
        """The answer to a call that went wrong."""
        known = self._known(request, error)
        response = failure(known)
        response.headers += request.extra or NO_STORE
        return (
            _joined(self._render_error(known), response)
            if request.is_page and self._render_error
            else response
        )

    def reject(self, target: bytes, headers: dict[bytes, bytes], error: ApiError) -> Request:
        """The call of a head that cannot be taken, with its reply; `target` and `headers` are what is known of it."""
        request = Request("", is_page=is_page(target, headers))
        request.response = self.refuse(request, error)
        return request

    def _known(self, request: Request, error: Exception) -> ApiError:
        """What the caller is told; the rest is logged."""
        if isinstance(error, ApiError):
            return error
        if isinstance(error, DatabaseError):
            route = request.route.path if request.route else ""
            self._log.warning("database error", reason=str(error), route=route)
            return Unavailable("The database cannot be read now. Try again in a second.")
        self._log.error("unexpected error", method=request.method, exc_info=error)
        return InternalError("Something went wrong on our side.")


def is_page(target: bytes, headers: dict[bytes, bytes]) -> bool:
    """Whether a browser asks for something to look at."""
    return b"text/html" in headers.get(b"accept", b"") and not target.startswith(b"/api")


def _joined(page: Response, response: Response) -> Response:
    """The page, with what else `response` says in its headers."""
    said = {name for name, _ in page.headers}
    page.headers = [*page.headers, *(header for header in response.headers if header[0] not in said)]
    return page

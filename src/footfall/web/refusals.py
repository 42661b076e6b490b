"""Turns every failure into an answer: in the envelope for programs, as a page for browsers."""

from __future__ import annotations

from collections.abc import Callable

from footfall.errors import ApiError, DatabaseError, Forbidden, InternalError, Unauthorized, Unavailable
from footfall.log import get_logger
from footfall.web.context import Request
from footfall.web.envelope import Headers, Response, failure

NO_STORE: Headers = [(b"cache-control", b"no-store")]
RenderError = Callable[[ApiError], Response]


class Refusals:
    """Turns errors into responses. `render_error` renders an error as a page; None: never."""

    def __init__(self, render_error: RenderError | None = None) -> None:
        self._render_error = render_error
        self._log = get_logger("web")

    def refuse(self, request: Request, error: Exception) -> Response:
        """The response to a request that failed."""
        known = self._known(request, error)
        response = failure(known)
        response.headers += request.extra or NO_STORE
        return (
            _joined(self._render_error(known), response)
            if request.is_page and self._render_error
            else response
        )

    def count(self, request: Request, status: int, seconds: float) -> None:
        """Nobody asks for it, as a rule."""

    def reject(self, target: bytes, headers: dict[bytes, bytes], error: ApiError) -> Request:
        """A request whose head was rejected, with its response. `target` and `headers`: as far as they are known."""
        request = Request("", is_page=is_page(target, headers))
        request.response = self.refuse(request, error)
        return request

    def _known(self, request: Request, error: Exception) -> ApiError:
        """What the caller is told; the rest goes to the log."""
        route = request.route.path if request.route else ""
        if isinstance(error, Unauthorized | Forbidden):
            self._log.warning(
                "call refused",
                status=error.status,
                reason=error.message,
                route=route,
                request=request.request_id,
            )
        if isinstance(error, ApiError):
            return error
        if isinstance(error, DatabaseError):
            self._log.warning("database error", reason=str(error), route=route, request=request.request_id)
            return Unavailable("The database cannot be read now. Try again in a second.")
        self._log.error("unexpected error", method=request.method, exc_info=error, request=request.request_id)
        return InternalError("Something went wrong on our side.")


def is_page(target: bytes, headers: dict[bytes, bytes]) -> bool:
    """Whether a browser asks for a page."""
    return b"text/html" in headers.get(b"accept", b"") and not target.startswith(b"/api")


def _joined(page: Response, response: Response) -> Response:
    """The page with the other headers of `response`."""
    said = {name for name, _ in page.headers}
    page.headers = [*page.headers, *(header for header in response.headers if header[0] not in said)]
    return page

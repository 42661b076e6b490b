"""Who is logged in, and the page handlers, which check it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, urlencode

from footfall.accounts.sessions import find_session
from footfall.dashboard.forms import MAX_FORM, came_from_us, is_ours, read_form
from footfall.dashboard.page import (
    FORM_COOKIE,
    UNLISTED,
    PageHandler,
    PageRequest,
    PageServices,
    apart,
    redirect,
    render,
    render_error,
    show_error,
)
from footfall.errors import ApiError, DatabaseError, Forbidden, NotFound, Unavailable
from footfall.ids import TRACKING_PREFIX, parse_object_id
from footfall.log import get_logger
from footfall.web.context import PAGE, Context, Handler, Route
from footfall.web.envelope import Headers, Response
from footfall.websites.model import Website

SESSION_COOKIE = "footfall_session"
MOST_SESSIONS = 4
"""How many cookies of that name are looked at, since others on this host may set their own."""


class Pages:
    """Creates handlers of pages. `ended`: the answer to a form of ours that arrives without a session."""

    def __init__(self, services: PageServices, ended: Callable[[PageRequest], Response]) -> None:
        self._services = services
        self._ended = ended
        self._log = get_logger("dashboard")

    def route(
        self, method: str, path: str, page: PageHandler, *, is_open: bool = False, home: str = ""
    ) -> Route[None]:
        """A line of the table. `is_open`: works without a session. `home`: see `PageRequest`; its parts in braces are those of `path`."""
        is_form = method == "POST"
        handler = self._handler(page, is_open, is_form, home)
        return Route(method, path, handler, PAGE, max_body=MAX_FORM if is_form else 0)

    def _handler(self, page: PageHandler, is_open: bool, is_form: bool, home: str) -> Handler[None]:
        async def handle(context: Context[None]) -> Response:
            values = iter(context.path_values)
            filled = re.sub(r"{\w+}", lambda _: quote(next(values), safe=":"), home)
            request = PageRequest(context, self._services, home=filled)
            request.origin = self._services.address.origin(context.peer, context.headers)
            try:
                return await self._answer(request, page, is_open, is_form)
            except (ApiError, DatabaseError) as error:
                return self._sorry(request, error)

        return handle

    async def _answer(
        self, request: PageRequest, page: PageHandler, is_open: bool, is_form: bool
    ) -> Response:
        request.pairs = request.context.pairs()
        cookies = request.context.header(b"cookie")
        request.form_key = next(iter(read_cookie(cookies, FORM_COOKIE)), "")
        await self._enter(request, read_cookie(cookies, SESSION_COOKIE)[:MOST_SESSIONS])
        if is_form and (request.account is not None or is_open or came_from_us(request)):
            request.fields = await apart(lambda: read_form(request.context.body))
        if request.account is None and not is_open:
            return self._ended(request) if request.fields else to_login(request)
        if is_form and not is_ours(request):
            if request.account is not None and came_from_us(request):
                return self._ended(request)
            raise Forbidden(
                "This form has expired or came from another site. Go back, reload the page and try again."
            )
        request.website = self._website(request)
        if request.website is not None:
            request.suspicions = self._services.suspicions.look(request.website.website_id)
        return await page(request)

    async def _enter(self, request: PageRequest, secrets: list[str]) -> None:
        """Find the session's account, if one of `secrets` belongs to a session."""
        for secret in secrets:
            request.account = await self._services.database.read(find_session, (secret, request.now))
            if request.account is not None:
                request.session = secret
                return

    def _website(self, request: PageRequest) -> Website | None:
        values = request.context.path_values
        if not values or request.account is None:
            return None
        directory = self._services.directory
        if values[0].startswith(TRACKING_PREFIX):
            return directory.by_tracking_id.get(values[0])
        return directory.websites.get(parse_object_id(values[0]) or b"")

    def _sorry(self, request: PageRequest, error: ApiError | DatabaseError) -> Response:
        if isinstance(error, DatabaseError):
            self._log.warning("database error", reason=str(error))
            error = Unavailable("The database cannot be reached now. Try again in a moment.")
        wait: Headers = [] if error.retry_after is None else [(b"retry-after", b"%d" % error.retry_after)]
        if request.account is None:
            return render_error(error, request.home, wait)
        headers = [*wait, UNLISTED]
        return render(
            request, "error.html", status=error.status, headers=headers, **show_error(error)._asdict()
        )


def needs_website(page: PageHandler) -> PageHandler:
    """A page of a website: 404 if the website does not exist."""

    async def checked(request: PageRequest) -> Response:
        if request.website is None:
            raise NotFound("There is no such website.")
        return await page(request)

    return checked


def to_login(request: PageRequest) -> Response:
    """Where to send somebody who is not logged in, so that they come back afterwards."""
    raw = request.context.query_string.decode("ascii", "replace")
    back = request.home or request.context.path + (f"?{raw}" if raw else "")
    return redirect(request, "/login?" + urlencode({"next": back}))


def safe_path(text: str) -> str:
    """`text` if it is a path of this server, else `/`: a login never leads to another site."""
    is_own = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return quote(text, safe="/?&=%:.,-_~+#") if is_own else "/"


def read_cookie(header: str, name: str) -> list[str]:
    """The nonempty values of the cookies with this name. Anything else in `header` does not matter: none of our values is quoted."""
    pairs = (part.partition("=") for part in header.split(";"))
    return [value.strip() for key, _, value in pairs if key.strip() == name and value.strip()]

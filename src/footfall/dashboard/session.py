"""Who is logged in, and the handlers of pages, which ask for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, urlencode

from footfall.accounts.sessions import find_session
from footfall.dashboard.forms import MAX_FORM, came_from_us, is_ours, read_form
from footfall.dashboard.page import FORM_COOKIE, Call, Page, Services, redirect, render
from footfall.errors import ApiError, DatabaseError, Forbidden, NotFound, Unavailable
from footfall.ids import TRACKING_PREFIX, parse_object_id
from footfall.log import get_logger
from footfall.web.context import PAGE, Context, Handler, Route
from footfall.web.envelope import Reply
from footfall.websites.model import Website

SESSION_COOKIE = "footfall_session"
MOST_SESSIONS = 4
"""Cookies of that name that are looked at: others on this host may set their own."""


class Pages:
    """Makes handlers of pages. `ended`: the answer to a form of ours that comes without a session."""

    def __init__(self, services: Services, ended: Callable[[Call], Reply]) -> None:
        self._services = services
        self._ended = ended
        self._log = get_logger("dashboard")

    def route(
        self, method: str, path: str, page: Page, *, is_open: bool = False, home: str = ""
    ) -> Route[None]:
        """A line of the table. `is_open`: works without a session. `home`: see `Call`; its parts in braces are those of `path`."""
        is_form = method == "POST"
        handler = self._handler(page, is_open, is_form, home)
        return Route(method, path, handler, PAGE, max_body=MAX_FORM if is_form else 0)

    def _handler(self, page: Page, is_open: bool, is_form: bool, home: str) -> Handler[None]:
        async def handle(context: Context[None]) -> Reply:
            values = iter(context.path_values)
            filled = re.sub(r"{\w+}", lambda _: quote(next(values), safe=":"), home)
            call = Call(context, self._services, home=filled)
            call.origin = self._services.address.origin(context.peer, context.headers)
            try:
                return await self._answer(call, page, is_open, is_form)
            except (ApiError, DatabaseError) as error:
                return self._sorry(call, error)

        return handle

    async def _answer(self, call: Call, page: Page, is_open: bool, is_form: bool) -> Reply:
        call.pairs = call.context.pairs()
        cookies = call.context.header(b"cookie")
        call.form_key = next(iter(read_cookie(cookies, FORM_COOKIE)), "")
        await self._enter(call, read_cookie(cookies, SESSION_COOKIE)[:MOST_SESSIONS])
        if is_form and (call.account is not None or is_open or came_from_us(call)):
            call.fields = read_form(call.context.body)
        if call.account is None and not is_open:
            return self._ended(call) if call.fields else to_login(call)
        if is_form and not is_ours(call):
            if call.account is not None and came_from_us(call):
                return self._ended(call)
            raise Forbidden(
                "This form is too old, or came from elsewhere. Go back, reload the page and try again."
            )
        call.website = self._website(call)
        return await page(call)

    async def _enter(self, call: Call, secrets: list[str]) -> None:
        """Find out whose session it is, if one of `secrets` is of one."""
        for secret in secrets:
            call.account = await self._services.database.read(find_session, (secret, call.now))
            if call.account is not None:
                call.session = secret
                return

    def _website(self, call: Call) -> Website | None:
        values = call.context.path_values
        if not values or call.account is None:
            return None
        directory = self._services.directory
        if values[0].startswith(TRACKING_PREFIX):
            return directory.by_tracking_id.get(values[0])
        return directory.websites.get(parse_object_id(values[0]) or b"")

    def _sorry(self, call: Call, error: ApiError | DatabaseError) -> Reply:
        if isinstance(error, DatabaseError):
            self._log.warning("database error", reason=str(error))
            error = Unavailable("The database cannot be reached now. Try again in a moment.")
        return render(call, "error.html", status=error.status, code=error.status, message=error.message)


def needs_website(page: Page) -> Page:
    """A page of a website: 404 when there is no such one."""

    async def checked(call: Call) -> Reply:
        if call.website is None:
            raise NotFound("There is no such website.")
        return await page(call)

    return checked


def to_login(call: Call) -> Reply:
    """Where a stranger goes, to come back afterwards."""
    raw = call.context.query_string.decode("ascii", "replace")
    back = call.home or call.context.path + (f"?{raw}" if raw else "")
    return redirect(call, "/login?" + urlencode({"next": back}))


def safe_path(text: str) -> str:
    """`text` if it is a path of this server, else `/`: nobody is sent elsewhere after a log-in."""
    is_own = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return quote(text, safe="/?&=%:.,-_~+#") if is_own else "/"


def read_cookie(header: str, name: str) -> list[str]:
    """The values of the cookies of this name that are not empty. What else is in `header` does not matter: nothing of ours is quoted."""
    pairs = (part.partition("=") for part in header.split(";"))
    return [value.strip() for key, _, value in pairs if key.strip() == name and value.strip()]

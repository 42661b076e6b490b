"""What every page of the dashboard shares: who is logged in, forms and their protection, and how a page is drawn."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from footfall.auth.accounts import Account, find_session
from footfall.collect.drops import Drops
from footfall.collect.online import Online
from footfall.dashboard.drawing import draw
from footfall.db.protocol import Database
from footfall.directory import Directory
from footfall.errors import ApiError, BadRequest, DatabaseError, FieldError, Forbidden, NotFound, Unavailable
from footfall.ids import TRACKING_PREFIX, parse_object_id
from footfall.log import get_logger
from footfall.privacy.erase import Erasing
from footfall.privacy.export import Exporting
from footfall.web.address import ClientAddress
from footfall.web.context import PAGE, Context, Handler, Route
from footfall.web.envelope import JSON_TYPE, Headers, Reply
from footfall.web.json import encode
from footfall.websites.counts import Counts
from footfall.websites.model import Website

T = TypeVar("T")

SESSION_COOKIE, FORM_COOKIE = "footfall_session", "footfall_form"
MOST_SESSIONS = 4
"""Cookies of that name that are looked at: others on this host may set their own."""
MAX_FORM = 64 * 1024
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class Services(msgspec.Struct, frozen=True):
    """What pages work with. `scopes`: those that some route of the API asks for."""

    database: Database
    erasing: Erasing
    exporting: Exporting
    directory: Directory
    online: Online
    refused: Counts
    dropped: Drops
    address: ClientAddress
    stopping: asyncio.Event
    scopes: frozenset[str]


class Call(msgspec.Struct):
    """One call of a page. `query` and `form`: its parameters and the fields of a POST, the last of a name wins; `pairs` and `fields`: all."""

    context: Context[None]
    services: Services
    pairs: list[tuple[str, str]] = []
    fields: list[tuple[str, str]] = []
    account: Account | None = None
    session: str = ""
    form_key: str = ""
    website: Website | None = None
    origin: str = "http://127.0.0.1"
    """Scheme and host by which the browser reached the server."""
    home: str = ""
    """The page that a form stands on: whoever loads the answer to the form again comes there."""

    @property
    def query(self) -> dict[str, str]:
        return dict(self.pairs)

    @property
    def form(self) -> dict[str, str]:
        return dict(self.fields)

    @property
    def now(self) -> int:
        return self.context.now

    @property
    def site(self) -> Website:
        """The website in the address."""
        assert self.website is not None  # noqa: S101 - routes with {websiteId} have one
        return self.website

    @property
    def user(self) -> Account:
        """Who is logged in."""
        assert self.account is not None  # noqa: S101 - pages that need one are not called without
        return self.account

    @property
    def is_secure(self) -> bool:
        """Whether the browser reached the server by HTTPS."""
        return self.origin.startswith("https:")

    async def is_logged_in(self) -> bool:
        """Whether the session is still one, for answers that last."""
        return await self.services.database.read(find_session, (self.session, self.now)) is not None

    async def wait(self, seconds: float) -> bool:
        """Let time pass, for answers that wait for something to happen; whether to go on."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.services.stopping.wait(), seconds)
        self.context.now += int(1000 * seconds)
        return not self.services.stopping.is_set()

    def form_token(self) -> str:
        """What a form of this browser has to send along: derived from a cookie that other websites cannot read."""
        key = self.session or self.form_key
        return hmac.digest(key.encode(), b"form", "sha256").hex()


Page = Callable[[Call], Awaitable[Reply]]


class Problem(NamedTuple):
    """What is wrong with a form. `field`: the one of its fields to which `text` belongs; empty for the whole."""

    field: str
    text: str


def problem_of(error: FieldError, field: str = "") -> Problem:
    """The problem with a form that an error tells of. `field`: what the form calls the field, where it has a name of its own."""
    text = error.message
    return Problem(field or error.field, f"{text[:1].upper()}{text[1:]}.")


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


def render(
    call: Call, template: str, *, status: int = 200, headers: Headers | None = None, **values: Any
) -> Reply:
    """A page. Its answer carries a cookie for forms when the browser has none yet."""
    more: Headers = list(headers or [])
    if not call.session and not call.form_key:
        call.form_key = secrets.token_urlsafe(24)
        more.append(cookie(call, FORM_COOKIE, call.form_key, 86_400))
    body = draw(
        template,
        call=call,
        account=call.account,
        website=call.website,
        websites=list(call.services.directory.websites.values()) if call.account else [],
        form_token=call.form_token(),
        now=call.now,
        **values,
    )
    return Reply(body.encode(), status, [*page_headers(call), *more])


async def apart(work: Callable[[], T]) -> T:
    """Run `work` on a thread, so that it holds up nobody."""
    return await asyncio.to_thread(work)


def draw_error(error: ApiError) -> Reply:
    """An error as a page, where nobody knows who asks."""
    call = {"home": ""}
    body = draw("error.html", call=call, account=None, website=None, code=error.status, message=error.message)
    return Reply(body.encode(), error.status, _page_headers("'self'"))


def page_headers(call: Call) -> Headers:
    """What every page carries. Images of people come from elsewhere only where the website allows it."""
    images = "'self' https:" if call.website is not None and call.website.is_image_allowed else "'self'"
    return _page_headers(images)


def _page_headers(images: str) -> Headers:
    return [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", POLICY.format(images=images).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
        (b"cache-control", b"no-store"),
    ]


def send_json(value: object, *more: tuple[bytes, bytes]) -> Reply:
    """JSON for the page's own script, or for a file."""
    text = msgspec.json.format(encode(value), indent=2)
    headers = [JSON_TYPE, (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
    return Reply(text, 200, [*headers, *more])


def attachment(name: str) -> tuple[bytes, bytes]:
    """The header of a file to be kept under a name, of which only what is safe everywhere is left."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    return b"content-disposition", f'attachment; filename="{safe}"'.encode()


def redirect(call: Call, path: str, headers: Headers | None = None) -> Reply:
    """303 to a path of this server."""
    return Reply(b"", 303, [(b"location", path.encode()), *page_headers(call), *(headers or [])])


def to_login(call: Call) -> Reply:
    """Where a stranger goes, to come back afterwards."""
    raw = call.context.query_string.decode("ascii", "replace")
    back = call.home or call.context.path + (f"?{raw}" if raw else "")
    return redirect(call, "/login?" + urlencode({"next": back}))


def safe_path(text: str) -> str:
    """`text` if it is a path of this server, else `/`: nobody is sent elsewhere after a log-in."""
    is_own = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return quote(text, safe="/?&=%:.,-_~+#") if is_own else "/"


def cookie(call: Call, name: str, value: str, seconds: int) -> tuple[bytes, bytes]:
    """A Set-Cookie header that scripts cannot read and other websites do not send."""
    secure = "; Secure" if call.is_secure else ""
    text = f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    return b"set-cookie", text.encode()


def read_cookie(header: str, name: str) -> list[str]:
    """The values of the cookies of this name that are not empty. What else is in `header` does not matter: nothing of ours is quoted."""
    pairs = (part.partition("=") for part in header.split(";"))
    return [value.strip() for key, _, value in pairs if key.strip() == name and value.strip()]


def read_form(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form, without surrounding blanks. Raises BadRequest."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=500)
    except (UnicodeDecodeError, ValueError) as error:
        raise BadRequest("This form cannot be read.") from error
    if any("\0" in value for _, value in pairs):
        raise BadRequest("This form holds the character U+0000.")
    return [(name, value.strip() if name != "password" else value) for name, value in pairs]


def came_from_us(call: Call) -> bool:
    """Whether the browser says that a form stood on a page of this server; other websites cannot make it say so."""
    return call.context.header(b"origin").partition("://")[2] == call.origin.partition("://")[2]


def is_ours(call: Call) -> bool:
    """Whether a form was drawn for this browser and session."""
    given = hashlib.sha256(call.form.get("form_token", "").encode()).digest()
    wanted = hashlib.sha256(call.form_token().encode()).digest()
    return bool(call.session or call.form_key) and hmac.compare_digest(given, wanted)

"""What every page of the dashboard shares: its call, and how its answer is drawn."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from footfall.accounts.model import Account
from footfall.accounts.sessions import find_session
from footfall.collect.drops import Drops
from footfall.collect.online import Online
from footfall.dashboard.drawing import draw
from footfall.db.protocol import Database
from footfall.directory import Directory
from footfall.errors import ApiError
from footfall.privacy.erase import Erasing
from footfall.privacy.export import Exporting
from footfall.web.address import ClientAddress
from footfall.web.context import Context
from footfall.web.envelope import JSON_TYPE, Headers, Reply
from footfall.web.json import encode
from footfall.websites.counts import Counts
from footfall.websites.model import Website

T = TypeVar("T")

FORM_COOKIE = "footfall_form"
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


def cookie(call: Call, name: str, value: str, seconds: int) -> tuple[bytes, bytes]:
    """A Set-Cookie header that scripts cannot read and other websites do not send."""
    secure = "; Secure" if call.is_secure else ""
    text = f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    return b"set-cookie", text.encode()

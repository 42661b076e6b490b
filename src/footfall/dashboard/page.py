"""What all pages of the dashboard share: their requests and how they are rendered."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import hmac
import io
import operator
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

import msgspec

from footfall.accounts.model import Account
from footfall.accounts.sessions import find_session
from footfall.analytics.service import Analytics
from footfall.collect.drops import Drops
from footfall.collect.online import Online
from footfall.dashboard.rendering import render_template
from footfall.db.protocol import Database
from footfall.directory import Directory
from footfall.errors import ApiError
from footfall.identity.audit.counting import SuspicionCounts
from footfall.log import REQUEST
from footfall.payments.connecting.service import KeyConnections
from footfall.payments.ratebook import RateBook
from footfall.payments.webhooks.sealing import SealingKey
from footfall.predictions.book import Predictions
from footfall.privacy.erase import Erasing
from footfall.privacy.export import Exporting
from footfall.web.address import ClientAddress
from footfall.web.context import Context
from footfall.web.envelope import JSON_TYPE, Headers, Response
from footfall.web.json import encode
from footfall.websites.counts import Counts
from footfall.websites.model import Website

T = TypeVar("T")

FORM_COOKIE = "footfall_form"
LEVEL, NOISE = 5, 100
"""How well pages are compressed: a millisecond for 80 KB; and the most random bytes that come with each."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class PageServices(msgspec.Struct, frozen=True):
    """What pages use. `scopes`: all scopes required by API routes; `key`: that of webhook secrets; `public_url`: the address of this server,
    if the operator says so."""

    database: Database
    analytics: Analytics
    erasing: Erasing
    exporting: Exporting
    directory: Directory
    online: Online
    refused: Counts
    dropped: Drops
    address: ClientAddress
    stopping: asyncio.Event
    scopes: frozenset[str]
    rates: RateBook
    predictions: Predictions
    key: SealingKey
    connections: KeyConnections
    public_url: str
    suspicions: SuspicionCounts


class PageRequest(msgspec.Struct):
    """A request for a page. `query` and `form`: parameters and form fields, where the last of a name wins; `pairs` and `fields`: all of them."""

    context: Context[None]
    services: PageServices
    pairs: list[tuple[str, str]] = []
    fields: list[tuple[str, str]] = []
    account: Account | None = None
    session: str = ""
    form_key: str = ""
    website: Website | None = None
    origin: str = "http://127.0.0.1"
    """The scheme and host that the browser used."""
    suspicions: int | None = None
    """How many suspicions the website has, as far as they are counted."""
    home: str = ""
    """The page that shows the form. Reloading the response leads there."""

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
        """Whether the session is still valid, for answers that last."""
        return await self.services.database.read(find_session, (self.session, self.now)) is not None

    async def wait(self, seconds: float) -> bool:
        """Let time pass, for answers that wait for something to happen; whether to continue."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.services.stopping.wait(), seconds)
        self.context.now += int(1000 * seconds)
        return not self.services.stopping.is_set()

    def form_token(self) -> str:
        """What a form in this browser has to send along: derived from a cookie that other websites cannot read.

        It looks different each time, so that the length of compressed pages tells nothing of it.
        """
        mask = secrets.token_bytes(hashlib.sha256().digest_size)
        return (mask + _xor(mask, self._form_secret())).hex()

    def is_form_token(self, text: str) -> bool:
        """Whether `form_token` gave this text to the same browser."""
        try:
            given = bytes.fromhex(text)
        except ValueError:
            return False
        size = hashlib.sha256().digest_size
        return hmac.compare_digest(_xor(given[:size], given[size:]), self._form_secret())

    def _form_secret(self) -> bytes:
        key = self.session or self.form_key
        return hmac.digest(key.encode(), b"form", "sha256")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(map(operator.xor, one, other))


UNLISTED = (b"x-robots-tag", b"noindex, nofollow")
"""The header of pages that search engines leave out."""
PageHandler = Callable[[PageRequest], Awaitable[Response]]


def render(
    request: PageRequest, template: str, *, status: int = 200, headers: Headers | None = None, **values: Any
) -> Response:
    """Render a page. Sets the cookie for forms if the browser does not have it."""
    more: Headers = list(headers or [])
    if not request.session and not request.form_key:
        request.form_key = secrets.token_urlsafe(24)
        more.append(cookie(request, FORM_COOKIE, request.form_key, 86_400))
    body = render_template(
        template,
        request=request,
        account=request.account,
        website=request.website,
        websites=list(request.services.directory.websites.values()) if request.account else [],
        form_token=request.form_token(),
        now=request.now,
        **values,
    )
    return html_response(request.context, body, status, [*page_headers(request), *more])


def html_response(context: Context[None], html: str, status: int, headers: Headers) -> Response:
    """A page, compressed if the browser takes that.

    What others put into an address may stand on a page beside what is secret, so its length must not tell how well both are compressed
    together: up to NOISE bytes more come with it.
    """
    vary = (b"vary", b"accept-encoding")
    if not context.accepts_gzip():
        return Response(html.encode(), status, [*headers, vary])
    buffer = io.BytesIO()
    with gzip.GzipFile("-" * secrets.randbelow(NOISE + 1), "wb", LEVEL, buffer, mtime=0) as file:
        file.write(html.encode())
    return Response(buffer.getvalue(), status, [*headers, vary, (b"content-encoding", b"gzip")])


async def apart(work: Callable[[], T]) -> T:
    """Run `work` on a thread, off the event loop."""
    return await asyncio.to_thread(work)


class ShownError(NamedTuple):
    """What the page of an error shows."""

    code: int
    message: str
    request_id: str


def show_error(error: ApiError) -> ShownError:
    return ShownError(error.status, error.message, REQUEST.get())


def render_error(error: ApiError, home: str = "", headers: Headers | None = None) -> Response:
    """Render an error as a page, without a session, for nobody to find."""
    request = {"home": home}
    body = render_template(
        "error.html", request=request, account=None, website=None, **show_error(error)._asdict()
    )
    return Response(body.encode(), error.status, [*public_headers(), UNLISTED, *(headers or [])])


def page_headers(request: PageRequest) -> Headers:
    """The headers of every page. Images of people come from other hosts only if the website allows it."""
    images = "'self' https:" if request.website is not None and request.website.is_image_allowed else "'self'"
    return _page_headers(images)


def _page_headers(images: str) -> Headers:
    return [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", POLICY.format(images=images).encode()),
        (b"referrer-policy", b"same-origin"),
        (b"cache-control", b"no-store"),
    ]


def public_headers() -> Headers:
    """The headers of a page that shows nothing from other hosts."""
    return _page_headers("'self'")


def send_json(value: object, *more: tuple[bytes, bytes]) -> Response:
    """JSON for the page's own script, or for a file."""
    text = msgspec.json.format(encode(value), indent=2)
    headers = [JSON_TYPE, (b"cache-control", b"no-store")]
    return Response(text, 200, [*headers, *more])


def attachment(name: str) -> tuple[bytes, bytes]:
    """The header of a file to be saved under a name, reduced to what is safe everywhere."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    return b"content-disposition", f'attachment; filename="{safe}"'.encode()


def redirect(request: PageRequest, path: str, headers: Headers | None = None) -> Response:
    """303 to a path of this server."""
    return Response(b"", 303, [(b"location", path.encode()), *page_headers(request), *(headers or [])])


def cookie(request: PageRequest, name: str, value: str, seconds: int) -> tuple[bytes, bytes]:
    """A Set-Cookie header for a cookie that scripts cannot read and other websites do not send."""
    secure = "; Secure" if request.is_secure else ""
    text = f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    return b"set-cookie", text.encode()

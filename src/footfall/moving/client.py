"""Calls of the public API of a DataFast account, or of another Footfall: at its pace, and again where that may help."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from time import time

import httpx

from footfall.errors import UsageError
from footfall.moving.model import NotHad
from footfall.moving.pace import Pace

DATAFAST = "https://datafa.st"
PER_MINUTE = 60
"""Calls that DataFast allows a key."""
CALL_SECONDS, CONNECT_SECONDS = 60.0, 10.0
MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer."""
PAUSES = (1.0, 5.0, 20.0, 60.0)
"""Seconds before a call is made again that found no server, or one in trouble."""
LONGEST_WAIT, UNTOLD_WAIT = 3600.0, 60.0
"""Seconds to wait for a server that asks for it: at most, and where it does not say how long."""
MOST_REFUSALS = 10
"""How often in a row a server may ask to wait."""
_MILLISECONDS = 10**11
"""Times from here on are told in ms since epoch, those below in seconds."""


def open_http(base_url: str, key: str) -> httpx.Client:
    """A client with a key, which follows no redirects: they could lead it elsewhere. Raises UsageError."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise UsageError(f"--base-url: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError("--base-url: use an address such as https://datafa.st")
    if not key:
        raise UsageError("No API key: type it when asked, or put it into the variable FOOTFALL_IMPORT_KEY")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError("No API key: what was given holds characters that no key has")
    timeout = httpx.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS)
    return httpx.Client(base_url=url, headers=headers_of(key), timeout=timeout)


def headers_of(key: str) -> dict[str, str]:
    """What each call carries."""
    return {"authorization": f"Bearer {key}", "user-agent": "Footfall", "accept": "application/json"}


class SourceClient:
    """Reads from one account. `website_id`: which website of the account, if the key does not tell; `tell` gets a sentence about each wait."""

    def __init__(
        self, http: httpx.Client, pace: Pace, tell: Callable[[str], None], website_id: str | None = None
    ) -> None:
        self._http = http
        self._pace = pace
        self._tell = tell
        self._query = {"websiteId": website_id} if website_id else {}
        self._is_reached = False
        """Whether there was an answer yet: until then the address may be wrong."""

    @property
    def address(self) -> str:
        """Whose API it is."""
        return str(self._http.base_url)

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> bytes:
        """The body of a successful answer. Raises NotHad where the API has no such thing, and UsageError if it cannot be reached."""
        failures = refusals = 0
        while True:
            self._pace.wait()
            try:
                status, headers, body = self._send(path, {**self._query, **(query or {})})
            except httpx.HTTPError as error:
                problem = f"cannot be reached: {_in_words(error)}"
                if not self._is_reached and isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                    raise UsageError(f"{self.address} {problem}. Is --base-url right?") from error
            else:
                self._is_reached = True
                if status < 300:
                    return body
                if status == 429 and refusals < MOST_REFUSALS:
                    refusals += 1
                    self._rest("asks for fewer calls", _wait_of(headers))
                    continue
                if status < 500 and status not in (408, 429):
                    raise _refused(self.address, path, status)
                problem = f"answers {status}"
            if failures == len(PAUSES):
                raise UsageError(
                    f"{self.address} {problem}. Run the command again later: an import goes on where it stopped."
                )
            self._rest(problem, PAUSES[failures])
            failures += 1

    def _rest(self, problem: str, seconds: float) -> None:
        self._tell(f"{self.address} {problem}. Trying again in {seconds:.0f} s.")
        self._pace.rest(seconds)

    def _send(self, path: str, query: Mapping[str, str | int]) -> tuple[int, httpx.Headers, bytes]:
        with self._http.stream("GET", path, params=dict(query)) as response:
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if len(body) > MAX_ANSWER:
                    raise NotHad(f"the answer has more than {MAX_ANSWER // 1024**2} MB")
            return response.status_code, response.headers, bytes(body)


def _in_words(error: httpx.HTTPError) -> str:
    """Why there was no answer, without a capital letter and a full stop."""
    if isinstance(error, httpx.TimeoutException):
        return "it does not answer in time"
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, socket.gaierror):
        return "there is no such host"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return "it does not speak HTTPS"
    if cause is not None and cause.strerror:
        return cause.strerror.lower()
    return "the connection broke off, or it is no web server"


def _refused(address: str, path: str, status: int) -> Exception:
    if status == 401:
        return UsageError(f"{address} does not accept the key: it is mistyped, or was revoked")
    if status == 403:
        return NotHad("the key may not read this (403)")
    if status in (404, 405):
        return NotHad(f"the API has no such thing ({status})")
    if status < 400:
        return UsageError(f"{address} leads elsewhere ({status}): set --base-url to where it leads")
    return NotHad(f"{path} was refused ({status})")


def _wait_of(headers: httpx.Headers) -> float:
    """Seconds, by `Retry-After` or the time at which a minute ends."""
    wait = _number(headers.get("retry-after"))
    if wait is None:
        reset = _number(headers.get("x-ratelimit-reset"))
        if reset is not None:
            wait = (reset / 1000 if reset >= _MILLISECONDS else reset) - time()
    return UNTOLD_WAIT if wait is None else min(max(wait, 1.0), LONGEST_WAIT)


def _number(text: str | None) -> float | None:
    text = (text or "").strip()
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) < 20 else None

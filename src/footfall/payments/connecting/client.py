"""Calls of payment providers' APIs. The addresses are fixed here, and no answer leads elsewhere."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Callable
from typing import TypeVar

import httpx

from footfall.payments.connecting.apis import APIS
from footfall.payments.connecting.model import ApiCall, ApiProblem
from footfall.payments.providers import PROVIDERS
from footfall.payments.providers.model import BadDelivery
from footfall.payments.providers.reading import Node, open_body

A = TypeVar("A")
R = TypeVar("R")

ADDRESSES = {
    "stripe": "https://api.stripe.com",
    "lemonsqueezy": "https://api.lemonsqueezy.com",
    "polar": "https://api.polar.sh",
    "paddle": "https://api.paddle.com",
    "dodo": "https://live.dodopayments.com",
}
"""Tests replace them."""
CALL_SECONDS = 30.0
"""The time that a call may take."""
MAX_ANSWER = 32 * 1024 * 1024
"""Bytes of an answer: many times what any provider sends in a page."""
LONGEST_WAIT = 3600.0
"""Seconds to wait before the next call, whatever the provider asks for."""
_NO_KEY = ("invalid_token", "authentication_malformed", "authentication_missing")
"""How Paddle says that a key is none, with the status of a missing permission."""


class ApiClient:
    """Calls the API of one provider with one key. It repeats nothing by itself."""

    def __init__(self, provider: str, key: str) -> None:
        self._provider = provider
        self._title = PROVIDERS[provider].title
        self._headers = {
            **dict(APIS[provider].headers),
            "authorization": f"Bearer {key}",
            "user-agent": "Footfall",
        }
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Close its connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            context = await asyncio.to_thread(_trusted)
            self._client = httpx.AsyncClient(
                base_url=ADDRESSES[self._provider],
                headers=self._headers,
                timeout=httpx.Timeout(CALL_SECONDS / 2),
                verify=context,
            )
        return self._client

    async def ask(self, call: ApiCall) -> Node:
        """The JSON object that is answered. Raises ApiProblem."""
        return self.read_as(open_body, await self.send(call))

    def read_as(self, reader: Callable[[A], R], answer: A) -> R:
        """What `reader` makes of an answer. Raises ApiProblem where it raises BadDelivery."""
        try:
            return reader(answer)
        except BadDelivery as error:
            raise self.unexpected(error) from error

    def unexpected(self, error: BadDelivery) -> ApiProblem:
        """The problem of an answer in another shape."""
        return ApiProblem(f"{self._title} answered in an unexpected form: {error.message}")

    async def send(self, call: ApiCall) -> bytes:
        """The body of a successful answer. Raises ApiProblem."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                status, wait, body = await self._send(call)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise ApiProblem(f"{self._title} did not answer in time.", retry_after=0) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ApiProblem(f"{self._title} cannot be reached from this server.", retry_after=0) from error
        if 200 <= status < 300:
            return body
        raise self._problem(call, status, wait, body)

    async def _send(self, call: ApiCall) -> tuple[int, float, bytes]:
        """Status, seconds to wait, and body."""
        client = await self._open()
        kind = "application/x-www-form-urlencoded" if call.is_form else "application/json"
        typed = {"content-type": kind} if call.body and "content-type" not in client.headers else {}
        async with client.stream(
            call.method, call.path, params=list(call.query), content=call.body, headers=typed
        ) as response:
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MAX_ANSWER:
                    raise ApiProblem(f"{self._title} answered with more than {MAX_ANSWER} bytes.")
            return response.status_code, _wait_of(response.headers.get("retry-after")), bytes(body)

    def _problem(self, call: ApiCall, status: int, wait: float, body: bytes) -> ApiProblem:
        title = self._title
        if status == 401 or (status == 403 and _says_no_key(body)):
            return ApiProblem(f"{title} does not accept this key.", is_key=True)
        if status == 403:
            return ApiProblem(f"The key lacks a permission in {title}: {call.needs}.", is_key=True)
        if status == 429:
            return ApiProblem(f"{title} asks for fewer calls at the moment.", retry_after=wait)
        if status >= 500 or status in (408, 409):
            return ApiProblem(f"{title} has a problem at the moment ({status}).", retry_after=wait)
        return ApiProblem(f"{title} refused {call.method} {call.path} ({status}).", is_missing=status == 404)


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Whom connections trust; it takes long to read."""
    return httpx.create_ssl_context()


def _wait_of(header: str | None) -> float:
    """Seconds; 0 where the provider does not say, or by a date."""
    text = (header or "").strip()
    is_number = text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= 9
    return min(float(text), LONGEST_WAIT) if is_number else 0.0


def _says_no_key(body: bytes) -> bool:
    try:
        return open_body(body).get("error").loose("code") in _NO_KEY
    except BadDelivery:
        return False

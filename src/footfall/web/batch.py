"""Many calls in one body: a JSON array, or one JSON object per line (NDJSON).

This only finds where each item ends, so that an item with invalid JSON does not affect the others.
"""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from footfall.errors import ApiError, BadRequest, TooLarge
from footfall.web.context import Context
from footfall.web.envelope import Headers
from footfall.web.json import decode_object

T = TypeVar("T")

NDJSON = "application/x-ndjson"
MAX_BATCH = 1024 * 1024
"""Bytes of the whole body."""
MAX_ITEM = 64 * 1024
"""Bytes of one call."""
MAX_ITEMS = 1000
_READ_ON_LOOP = 32 * 1024
"""Bytes of a batch that take about a millisecond to read."""
_SUBMIT_AT_ONCE = 50
"""Calls of a batch that take less than a millisecond."""

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
"""Tells where an item of an array ends. A string counts as a whole; an unclosed one takes the rest. Nothing is tried twice."""
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Charge(Protocol):
    """See `web.ratelimit.RateLimit.take_more`."""

    def __call__(self, key: bytes, now: int, calls: int) -> Headers: ...


class Fault(msgspec.Struct):
    """Why a call of a batch failed."""

    code: int
    message: str


class Item(msgspec.Struct, omit_defaults=True):
    """One answer of a batch: `data` or `error`."""

    status: int
    data: Any = None
    error: Fault | None = None


def failed(error: ApiError) -> Item:
    """The answer to a call that failed."""
    return Item(error.status, error=Fault(error.status, error.message))


class BatchReader(Generic[T]):
    """Reads the calls in bodies. `read` turns a JSON object into a call, or raises an ApiError; `noun` is what messages call a call."""

    def __init__(self, read: Callable[[dict[str, Any]], T], noun: str) -> None:
        self._read = read
        self._noun = noun
        self._thread = ThreadPoolExecutor(1, "batches")

    async def read(self, context: Context[Any]) -> list[T | ApiError]:
        """Each call in the body, or why it is invalid. Large bodies are read on a thread, one at a time, so that they hold up nobody.

        Raises BadRequest as `read_batch` does.
        """
        is_lines = context.header(b"content-type").lower().startswith(NDJSON)
        if len(context.body) <= _READ_ON_LOOP:
            return self.calls(context.body, is_lines=is_lines)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: self.calls(context.body, is_lines=is_lines))

    def calls(self, body: bytes, *, is_lines: bool = False) -> list[T | ApiError]:
        """The same at once."""
        return [self._call(item) for item in read_batch(body, self._noun, is_lines=is_lines)]

    def _call(self, item: bytes) -> T | ApiError:
        try:
            return self._read(read_item(item))
        except ApiError as error:
            return error


async def submit_all(
    calls: Sequence[T | ApiError], submit: Callable[[T], Awaitable[Any]]
) -> list[Awaitable[Any] | ApiError]:
    """The future outcome of each call, or its error."""
    waiting: list[Awaitable[Any] | ApiError] = []
    for number, request in enumerate(calls, 1):
        waiting.append(request if isinstance(request, ApiError) else _try_submit(request, submit))
        if number % _SUBMIT_AT_ONCE == 0:
            await asyncio.sleep(0)  # so that live calls do not wait for a whole batch
    return waiting


def _try_submit(request: T, submit: Callable[[T], Awaitable[Any]]) -> Awaitable[Any] | ApiError:
    try:
        return submit(request)
    except ApiError as error:
        return error


def read_batch(body: bytes, noun: str, *, is_lines: bool = False) -> list[bytes]:
    """The text of each item. `noun`: what messages call an item; `is_lines`: it is NDJSON, even if its first line starts like an array.

    Raises BadRequest if there are none or too many, or if nobody can tell where the items of the array end.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    is_array = not is_lines and body.lstrip()[:1] == b"["
    items = _array(body) if is_array else [line for line in body.split(b"\n") if line.strip()]
    if not items:
        raise BadRequest(f"The body must be a JSON array of {noun}, or one JSON object a line.")
    if len(items) > MAX_ITEMS:
        raise BadRequest(f"A batch has at most {MAX_ITEMS} calls; this one has {len(items)}.")
    return items


def read_item(text: bytes) -> dict[str, Any]:
    """The JSON object of an item. Raises TooLarge and BadRequest."""
    if len(text) > MAX_ITEM:
        raise TooLarge(f"The call is larger than {MAX_ITEM} bytes.")
    return decode_object(text)


def _array(body: bytes) -> list[bytes]:
    try:
        return [bytes(item) for item in _decode_array(body)]
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError) as error:
        items = _split(body)
        if items is None:
            raise BadRequest(f"The body is not a valid JSON array: {error}.") from error
        return items


def _split(body: bytes) -> list[bytes] | None:
    """The items of an array in which one is not JSON; None if not even its end can be found."""
    items: list[bytes] = []
    depth, start = 0, body.index(b"[") + 1
    for token in _TOKEN.finditer(body):
        if token[0] in (b"[", b"{"):
            depth += 1
        elif token[0] in (b"]", b"}"):
            depth -= 1
            if depth == 0:
                items.append(body[start : token.start()])
                return items if token[0] == b"]" and not body[token.end() :].strip() else None
        elif token[0] == b"," and depth == 1:
            items.append(body[start : token.start()])
            start = token.end()
            if len(items) > MAX_ITEMS:  # too many, wherever it ends
                return items
    return None

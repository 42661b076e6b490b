"""Many identify calls in one body: a JSON array, or one JSON object a line (NDJSON). Pure.

Only the borders of the items are looked for here, so that one item that is no JSON does not spoil the others.
"""

from __future__ import annotations

import codecs
import re
from typing import Any

import msgspec

from footfall.errors import ApiError, BadRequest, TooLarge
from footfall.identity.identify.wire import MAX_BODY, Identify, read_identify
from footfall.web.json import decode_object

NDJSON = "application/x-ndjson"
MAX_BATCH = 1024 * 1024
"""Bytes of the whole body."""
MAX_ITEMS = 1000

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
"""What tells where an item of an array ends. A string counts as a whole; one that is not closed takes the rest, and nothing is tried twice."""
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


def read_calls(body: bytes, *, is_lines: bool = False) -> list[Identify | ApiError]:
    """Each call of a body, or why it is none: see `read_batch`, whose errors it raises."""
    return [_read_call(item) for item in read_batch(body, is_lines=is_lines)]


def _read_call(item: bytes) -> Identify | ApiError:
    try:
        return read_identify(read_item(item))
    except ApiError as error:
        return error


def read_batch(body: bytes, *, is_lines: bool = False) -> list[bytes]:
    """The text of each item. `is_lines`: it is NDJSON, even if its first line begins like an array.

    Raises BadRequest when there is none, or too many, or nobody can tell where the items of the array end.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    is_array = not is_lines and body.lstrip()[:1] == b"["
    items = _array(body) if is_array else [line for line in body.split(b"\n") if line.strip()]
    if not items:
        raise BadRequest("The body must be a JSON array of identify calls, or one JSON object a line.")
    if len(items) > MAX_ITEMS:
        raise BadRequest(f"A batch has at most {MAX_ITEMS} calls; this one has {len(items)}.")
    return items


def read_item(text: bytes) -> dict[str, Any]:
    """The JSON object of an item. Raises TooLarge and BadRequest."""
    if len(text) > MAX_BODY:
        raise TooLarge(f"The call is larger than {MAX_BODY} bytes.")
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
    """The items of an array of which one is no JSON; None when not even its end can be told."""
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

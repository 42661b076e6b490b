"""Many identify calls in one body: a JSON array, or one JSON object a line (NDJSON). Pure.

Only the borders of the items are looked for here, so that one item that is no JSON does not spoil the others.
"""

from __future__ import annotations

from typing import Any

import msgspec

from footfall.errors import BadRequest, TooLarge
from footfall.identity.wire import MAX_BODY
from footfall.web.json import decode_object

MAX_BATCH = 1024 * 1024
"""Bytes of the whole body."""
MAX_ITEMS = 1000

_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


def read_batch(body: bytes) -> list[bytes]:
    """The text of each item. Raises BadRequest when there is none, or too many, or the array is not well-formed."""
    items = (
        _array(body) if body.lstrip()[:1] == b"[" else [line for line in body.split(b"\n") if line.strip()]
    )
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
    except UnicodeDecodeError as error:
        raise BadRequest("The body is not UTF-8.") from error
    except RecursionError as error:
        raise BadRequest("The body is nested too deeply.") from error
    except msgspec.MsgspecError as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from error

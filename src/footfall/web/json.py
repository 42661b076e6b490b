"""JSON bodies: strict reading, with errors that a caller can act on."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any

import msgspec

from footfall.errors import BadRequest

Decode = Callable[[bytes | bytearray], Any]
_decode: Decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder(decimal_format="number").encode


def decoding(read_number: Callable[[str], Any]) -> Decode:
    """Decodes JSON whose numbers with a fraction or an exponent must be read exactly."""
    return msgspec.json.Decoder(float_hook=read_number).decode


def decode_object(body: bytes | bytearray, using: Decode = _decode) -> dict[str, Any]:
    """The JSON object in `body`. Raises BadRequest for anything else, including NaN, lone surrogates, U+0000 and bottomless nesting."""
    value = decode(body, using)
    if type(value) is not dict:
        raise BadRequest(f"The body must be a JSON object, not {_KINDS.get(type(value), 'another value')}.")
    return value


def decode(body: bytes | bytearray, using: Decode = _decode) -> Any:
    """The JSON value in `body`, which may start with a byte order mark. Raises BadRequest."""
    try:
        value = using(body.removeprefix(codecs.BOM_UTF8))
    except UnicodeDecodeError as error:
        raise BadRequest("The body is not UTF-8.") from error
    except RecursionError as error:
        raise BadRequest("The body is nested too deeply.") from error
    except msgspec.MsgspecError as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from error
    if b"\\u0000" in body and _has_nul(value):
        raise BadRequest("The body holds the character U+0000, which cannot be kept.")
    return value


_KINDS = {
    list: "a list",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


def _has_nul(value: Any) -> bool:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if type(item) is str and "\0" in item:
            return True
        if type(item) is dict:
            waiting.extend(item)
            waiting.extend(item.values())
        elif type(item) is list:
            waiting.extend(item)
    return False

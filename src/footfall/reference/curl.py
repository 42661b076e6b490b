"""An operation of the OpenAPI description as a line for a terminal, from its examples. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec


def curl_line(method: str, path: str, operation: dict[str, Any], parameters: list[dict[str, Any]]) -> str:
    """A curl command. `$FOOTFALL` is the server's address, `$KEY` an API key; `parameters` are the operation's, resolved.

    Shows path and header parameters and, of the query, filters and whatever the operation itself has an example for; their `example` is their value.
    """
    return " \\\n  ".join(_parts(method, path, operation, parameters))


def _parts(
    method: str, path: str, operation: dict[str, Any], parameters: list[dict[str, Any]]
) -> Iterator[str]:
    body = operation.get("requestBody", {})
    is_sent = body.get("required", False)
    given = "" if method == ("post" if is_sent else "get") else f"-X {method.upper()} "
    yield f"curl {given}{_address(path, parameters)}"
    for parameter in parameters:
        if parameter["in"] == "header":
            yield f"-H {_quoted(parameter['name'] + ': ' + parameter['example'])}"
    if operation["security"]:
        yield '-H "Authorization: Bearer $KEY"'
    if is_sent:
        media, entry = next(iter(body["content"].items()))
        yield f"-H {_quoted('Content-Type: ' + media)}"
        text = msgspec.json.format(msgspec.json.encode(example_of(entry)), indent=2).decode()
        yield f"-d {_quoted(text)}".replace("\n", "\n  ")


def _address(path: str, parameters: list[dict[str, Any]]) -> str:
    fields: dict[str, str] = {}
    for parameter in parameters:
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", parameter["example"])
        elif parameter["in"] == "query" and isinstance(parameter.get("example"), dict):
            fields |= parameter["example"]
        elif parameter["in"] == "query" and "example" in parameter and parameter["name"] != "websiteId":
            fields[parameter["name"]] = parameter["example"]
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    return f'"$FOOTFALL{path}?{query}"' if query else f"$FOOTFALL{path}"


def example_of(entry: dict[str, Any]) -> Any:
    """The first example of a media type."""
    named = entry.get("examples")
    return next(iter(named.values()))["value"] if named else entry["example"]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"

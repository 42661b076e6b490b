"""Compares answers with `openapi.yaml`, the description that the server hands out."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import msgspec

ROOT = Path(__file__).parents[2]
METHODS = ("get", "put", "post", "delete", "patch", "options")


class Description:
    """The operations of an OpenAPI document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._paths = [
            (re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), path) for path in document["paths"]
        ]
        self._validators: dict[int, jsonschema_rs.Draft202012Validator] = {}

    def operations(self) -> set[tuple[str, str]]:
        """(method, path) of all operations."""
        return {
            (method.upper(), path)
            for path, item in self._document["paths"].items()
            for method in METHODS
            if method in item
        }

    def closed(self) -> set[tuple[str, str]]:
        """(method, path) of all operations that need a credential."""
        return {
            (method, path)
            for method, path in self.operations()
            if self._document["paths"][path][method.lower()].get("security") != []
        }

    def check(self, response: httpx.Response) -> None:
        """Raises AssertionError when an answer is not as its operation says."""
        method = response.request.method
        path = response.request.url.raw_path.decode().partition("?")[0]
        where = f"{method} {path} answered {response.status_code}: {response.text[:300]}"
        if path.startswith("/api/") and (method, response.status_code) != ("OPTIONS", 204):
            assert response.headers.get_list("cache-control") == ["no-store"], f"caches may keep it: {where}"
        found = self._find(path)
        if found is None:
            assert response.status_code == 404, f"no such path in openapi.yaml: {where}"
            self._check_error(response, where)
            return
        operation = found.get("get" if method == "HEAD" else method.lower())
        if operation is None:
            assert response.status_code == 405, f"no such method in openapi.yaml: {where}"
            allowed = {name.upper() for name in METHODS if name in found} - {"OPTIONS"}
            assert set(response.headers["allow"].split(", ")) == allowed, where
            self._check_error(response, where)
            return
        described = operation["responses"].get(str(response.status_code))
        assert described is not None, f"no such status in openapi.yaml: {where}"
        self._check_described(self._resolve(described), response, where)

    def _find(self, path: str) -> dict[str, Any] | None:
        for pattern, name in self._paths:
            if pattern.fullmatch(path):
                item: dict[str, Any] = self._document["paths"][name]
                return item
        return None

    def _check_error(self, response: httpx.Response, where: str) -> None:
        if response.request.method != "HEAD":
            schema = self._document["components"]["schemas"]["Error"]
            self._check_value(schema, response.json(), where)
            assert response.json()["error"]["code"] == response.status_code, where

    def _check_described(self, described: dict[str, Any], response: httpx.Response, where: str) -> None:
        for name, header in described.get("headers", {}).items():
            self._check_header(name, self._resolve(header), response.headers, where)
        content = described.get("content", {})
        if not content:
            assert response.content == b"", where
            return
        media = response.headers["content-type"].partition(";")[0]
        assert media in content, f"content type {media}: {where}"
        if response.request.method == "HEAD":
            assert response.content == b"", where
            return
        self._check_value(content[media]["schema"], _value(media, response), where)
        if response.status_code >= 400:
            assert response.json()["error"]["code"] == response.status_code, where

    def _check_header(
        self, name: str, header: dict[str, Any], headers: Mapping[str, str], where: str
    ) -> None:
        text = headers.get(name)
        if text is None:
            assert not header.get("required"), f"header {name} is missing: {where}"
            return
        schema = header["schema"]
        is_number = schema.get("type") == "integer"
        if is_number:
            assert text.isdigit(), f"header {name} is {text}: {where}"
        self._check_value(schema, int(text) if is_number else text, where)

    def _check_value(self, schema: dict[str, Any], value: Any, where: str) -> None:
        validator = self._validators.get(id(schema))
        if validator is None:
            whole = {**schema, "components": self._document["components"]}
            validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
            self._validators[id(schema)] = validator
        problem = next(iter(validator.iter_errors(value)), None)
        assert problem is None, f"{problem}\n{where}"

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            target: Any = self._document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node


def _value(media: str, response: httpx.Response) -> Any:
    if media == "application/json":
        return response.json()
    return msgspec.yaml.decode(response.content) if media == "application/yaml" else response.text


@functools.cache
def description() -> Description:
    """The repository's own."""
    return Description(msgspec.yaml.decode((ROOT / "openapi.yaml").read_bytes(), type=dict[str, Any]))

"""The OpenAPI description as readable pages, one for each group of routes. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from html import escape
from typing import Any, NamedTuple

import msgspec

from footfall.reference.curl import curl_line
from footfall.reference.markdown import code_box

_METHODS = ("get", "post", "put", "patch", "delete", "options")
_LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} fields",
}
_CODE = re.compile(r"`([^`]+)`")
_BOLD = re.compile(r"[*][*](.+?)[*][*]")

ADDRESS = "/docs/api"


class RouteLine(NamedTuple):
    """An operation in a list. `anchor`: of its section on the page of its group."""

    method: str
    path: str
    anchor: str
    title: str


class Section(NamedTuple):
    """A part of a page of the reference: an operation, a credential or a schema; its HTML begins with its heading."""

    anchor: str
    title: str
    html: str


class ReferencePage(msgspec.Struct, frozen=True):
    """A page of the reference. `name`: the last part of its address; `text`: HTML; `routes`: none on the pages of credentials and schemas."""

    name: str
    title: str
    text: str
    routes: list[RouteLine]
    sections: list[Section]

    @property
    def path(self) -> str:
        """Its address."""
        return f"{ADDRESS}/{self.name}"


def render(document: dict[str, Any]) -> list[ReferencePage]:
    """The pages for an OpenAPI 3.1 document whose references all point into its own `components`: one for each tag, then credentials and schemas."""
    return _Renderer(document).pages()


class _Renderer:
    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._components: dict[str, Any] = document["components"]

    def pages(self) -> list[ReferencePage]:
        return [*map(self._group, self._document["tags"]), self._credentials(), self._schemas()]

    def _group(self, tag: dict[str, str]) -> ReferencePage:
        found = list(self._operations(tag["name"]))
        return ReferencePage(
            tag["name"].lower().replace(" ", "-"),
            tag["name"],
            _markdown(tag["description"]),
            [RouteLine(method, path, one["operationId"], one["summary"]) for method, path, one in found],
            [
                Section(one["operationId"], one["summary"], self._operation(method, path, one))
                for method, path, one in found
            ],
        )

    def _operations(self, tag: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, item in self._document["paths"].items():
            for method in _METHODS:
                if tag in item.get(method, {}).get("tags", ()):
                    yield method, path, item[method]

    def _credentials(self) -> ReferencePage:
        sections = [
            _section(f"credential-{name}", name, _markdown(scheme["description"]))
            for name, scheme in self._components["securitySchemes"].items()
        ]
        text = _markdown(self._document["info"]["description"])
        return ReferencePage("credentials", "Calls and credentials", text, [], sections)

    def _schemas(self) -> ReferencePage:
        sections = [
            _section(f"schema-{name}", name, self._schema(schema))
            for name, schema in self._components["schemas"].items()
        ]
        text = "<p>The shapes of what is sent and answered.</p>"
        return ReferencePage("schemas", "Schemas", text, [], sections)

    def _operation(self, method: str, path: str, operation: dict[str, Any]) -> str:
        parts = [
            f'<section><h2 id="{operation["operationId"]}">{escape(operation["summary"])}</h2>',
            f'<p><span class="method {method}">{method}</span><code>{escape(path)}</code></p>',
            _markdown(operation.get("description", "")),
            _needed(operation.get("security", [])),
        ]
        parameters = [self._resolve(parameter) for parameter in operation.get("parameters", [])]
        line = curl_line(method, path, operation, parameters)
        parts.append(code_box(line, "curl"))
        if parameters:
            parts.append("<h3>Parameters</h3>" + "".join(self._parameter(field) for field in parameters))
        if body := operation.get("requestBody"):
            parts.append("<h3>Body</h3>" + self._content(body["content"], shown=1))
        parts.append("<h3>Answers</h3>")
        parts += [
            self._answer(status, self._resolve(answer)) for status, answer in operation["responses"].items()
        ]
        return "".join(parts) + "</section>"

    def _parameter(self, parameter: dict[str, Any]) -> str:
        name = f"{parameter['name']} ({parameter['in']})"
        return self._field(
            name,
            {**parameter["schema"], "description": parameter.get("description", "")},
            parameter.get("required", False),
        )

    def _answer(self, status: str, answer: dict[str, Any]) -> str:
        headers = "".join(
            self._field(
                name, {**header["schema"], "description": header.get("description", "")}, required=False
            )
            for name, header in (
                (name, self._resolve(header)) for name, header in answer.get("headers", {}).items()
            )
        )
        inside = headers + self._content(answer.get("content", {}))
        is_open = " open" if status == "200" else ""
        return f"<details{is_open}><summary><code>{status}</code> {_markdown(answer['description'])}</summary>{inside}</details>"

    def _content(self, content: dict[str, Any], shown: int = 0) -> str:
        """Media types with their examples, except the first few, which are already `shown`."""
        return "".join(
            f'<p class="type">{escape(media)}: {self._type(entry["schema"])}</p>{_examples(entry, shown)}'
            for media, entry in content.items()
        )

    def _schema(self, schema: dict[str, Any]) -> str:
        text = _markdown(schema.get("description", ""))
        kind = self._type({key: value for key, value in schema.items() if key != "properties"})
        fields = self._fields(schema)
        return f'{text}<p class="type">{kind}</p>{fields}'

    def _fields(self, schema: dict[str, Any]) -> str:
        required = schema.get("required", ())
        return "".join(
            self._field(name, field, name in required) for name, field in schema.get("properties", {}).items()
        )

    def _field(self, name: str, schema: dict[str, Any], required: bool) -> str:
        flag = ' <span class="required">required</span>' if required else ""
        inside = self._fields(schema) or self._fields(schema.get("items", {}))
        nested = f"<details><summary>Fields</summary>{inside}</details>" if inside else ""
        description = _markdown(schema.get("description", ""))
        return f'<div class="field"><code>{escape(name)}</code> <span class="type">{self._type(schema)}</span>{flag}{description}{nested}</div>'

    def _type(self, schema: dict[str, Any]) -> str:
        """A schema's type in a few words, as HTML."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return f'<a href="{ADDRESS}/schemas#schema-{name}">{escape(name)}</a>'
        if "const" in schema:
            return f"<code>{escape(_json(schema['const']))}</code>"
        if "enum" in schema:
            return " | ".join(f"<code>{escape(_json(value))}</code>" for value in schema["enum"])
        alternatives = schema.get("anyOf", []) + schema.get("oneOf", [])
        options = [option for option in alternatives if "required" not in option]
        if options:
            return " or ".join(self._type(option) for option in options)
        return "; ".join([self._plain(schema), *_limits(schema)])

    def _plain(self, schema: dict[str, Any]) -> str:
        kinds = schema.get("type", "any JSON value")
        words = " or ".join([kinds] if isinstance(kinds, str) else kinds)
        if kinds == "array":
            return f"list of {self._type(schema['items'])}"
        values = schema.get("additionalProperties")
        return f"{words}, further fields: {self._type(values)}" if isinstance(values, dict) else words

    def _resolve(self, item: dict[str, Any]) -> dict[str, Any]:
        """`item`, or the component that it refers to."""
        if "$ref" not in item:
            return item
        _, _, kind, name = item["$ref"].split("/")
        component: dict[str, Any] = self._components[kind][name]
        return component


def _section(anchor: str, title: str, inside: str) -> Section:
    name = escape(title)
    return Section(anchor, title, f'<section><h2 id="{anchor}">{name}</h2>{inside}</section>')


def _needed(security: list[dict[str, list[str]]]) -> str:
    if not security:
        return '<p class="soft">Open: needs no credential.</p>'
    ways = [
        f'<a href="{ADDRESS}/credentials#credential-{name}">{escape(name)}</a>'
        + "".join(f" with <code>{escape(scope)}</code>" for scope in scopes)
        for way in security
        for name, scopes in way.items()
    ]
    return f'<p class="soft">Needs {" or ".join(ways)}.</p>'


def _examples(entry: dict[str, Any], shown: int) -> str:
    named = entry.get("examples") or ({"Example": {"value": entry["example"]}} if "example" in entry else {})
    return "".join(
        f'<p class="soft">{escape(example.get("summary", name))}</p>{code_box(_json(example["value"], 2))}'
        for name, example in itertools.islice(named.items(), shown, None)
    )


def _limits(schema: dict[str, Any]) -> list[str]:
    words = [text.format(schema[key]) for key, text in _LIMITS.items() if key in schema]
    words += [f"format {escape(schema['format'])}"] if "format" in schema else []
    return words + ([f"pattern <code>{escape(schema['pattern'])}</code>"] if "pattern" in schema else [])


def _json(value: Any, indent: int = -1) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=indent).decode()


def _markdown(text: str) -> str:
    """The Markdown that our descriptions use, as HTML: paragraphs, tables, `code` and **bold**."""
    return "".join(
        _table(block) if block.startswith("|") else f"<p>{_inline(block)}</p>"
        for block in text.strip().split("\n\n")
        if block
    )


def _inline(text: str) -> str:
    return _BOLD.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", escape(text, quote=False)))


def _table(block: str) -> str:
    rows = [[_inline(cell.strip()) for cell in line.strip("|").split("|")] for line in block.splitlines()]
    head = "".join(f"<th>{cell}</th>" for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows[2:])
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0">{table}</div>'

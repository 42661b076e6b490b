"""The OpenAPI description as one readable page: no script, one style sheet of its own, nothing from other hosts. Pure."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from collections.abc import Iterator
from html import escape
from typing import Any

import msgspec

from footfall.reference.curl import curl_line

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

STYLE = """
:root { color-scheme: light dark; --text: #1c2430; --soft: #566173; --line: #dfe4ea; --back: #ffffff; --panel: #f5f7f9; --accent: #0b62c4;
  --get: #0b7a4b; --post: #0b62c4; --options: #6b5a00; --warn: #a3341f; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e9f0; --soft: #a2adbd; --line: #313a47; --back: #12161c; --panel: #1a2029; --accent: #79b4ff;
  --get: #58cf9b; --post: #79b4ff; --options: #d9c463; --warn: #ff9d85; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code, pre { font: .875em/1.55 ui-monospace, monospace; }
code { background: var(--panel); padding: .1em .3em; border-radius: 4px; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; overflow-x: auto; overflow-wrap: normal; margin: .5rem 0 1rem; }
pre code { padding: 0; background: none; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.45rem; margin: 3rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.15rem; margin: 2.5rem 0 .3rem; }
h4 { font-size: .95rem; margin: 1.5rem 0 .4rem; }
p { margin: .5rem 0; }
nav { padding: 1rem 1.25rem; border-bottom: 1px solid var(--line); background: var(--panel); font-size: .9rem; }
nav ul { list-style: none; margin: 0 0 .8rem; padding: 0; }
nav li a { display: block; padding: .2rem 0; text-decoration: none; }
nav li code { display: block; padding: 0; background: none; color: var(--soft); font-size: .72rem; }
nav .back { margin: 0 0 1rem; }
nav.wide { display: none; }
nav details { border: 0; padding: 0; }
nav details > :not(summary) { margin-left: 0; }
nav summary + strong { display: block; margin-top: .8rem; }
nav strong { color: var(--soft); font-weight: 600; }
main { max-width: 52rem; padding: 1.5rem 1.25rem 4rem; }
.lead, .soft { color: var(--soft); }
.method { font: 700 .75rem/1 ui-monospace, monospace; text-transform: uppercase; padding: .25em .45em; border: 1px solid; border-radius: 4px; margin-right: .4em; }
.get { color: var(--get); } .post { color: var(--post); } .options { color: var(--options); } .delete { color: var(--warn); }
.field { border-top: 1px solid var(--line); padding: .5rem 0; }
.field p { margin: .2rem 0; }
.required { color: var(--warn); font-size: .8rem; }
.type { color: var(--soft); font-size: .875rem; }
details { border-top: 1px solid var(--line); padding: .4rem 0; }
details > :not(summary) { margin-left: 1.1rem; }
summary { cursor: pointer; padding: .15rem 0; }
summary p { display: inline; }
table { border-collapse: collapse; display: block; overflow-x: auto; font-size: .9rem; }
td code { white-space: nowrap; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }
@media (min-width: 60rem) {
  body { display: grid; grid-template-columns: 18rem minmax(0, 1fr); }
  nav.narrow { display: none; }
  nav.wide { display: block; position: sticky; top: 0; height: 100vh; overflow-y: auto; border: 0; border-right: 1px solid var(--line); padding: 1.5rem 1.25rem; }
  main { padding: 2.5rem 3rem 6rem; }
}
"""


class DocsPage(msgspec.Struct, frozen=True):
    """A page, and its Content-Security-Policy: only its own style sheet."""

    html: bytes
    policy: str


def render(document: dict[str, Any]) -> DocsPage:
    """The page for an OpenAPI 3.1 document whose references all point into its own `components`."""
    return _Renderer(document).page()


class _Renderer:
    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._components: dict[str, Any] = document["components"]

    def page(self) -> DocsPage:
        info = self._document["info"]
        digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
        html = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(info['title'])} API</title><style>{STYLE}</style></head><body>"
            f"{self._navigation()}<main><h1>{escape(info['title'])} API</h1>"
            f'<p class="lead">{escape(info["summary"])} As a file: <a href="/openapi.yaml">openapi.yaml</a>.</p>'
            f"{_markdown(info['description'])}{''.join(self._sections())}</main></body></html>"
        )
        policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        return DocsPage(html.encode(), policy)

    def _operations(self, tag: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, item in self._document["paths"].items():
            for method in _METHODS:
                if tag in item.get(method, {}).get("tags", ()):
                    yield method, path, item[method]

    def _navigation(self) -> str:
        groups = "".join(
            f"<strong>{escape(tag['name'])}</strong><ul>"
            + "".join(
                _nav_item(operation["operationId"], operation["summary"], method, path)
                for method, path, operation in self._operations(tag["name"])
            )
            + "</ul>"
            for tag in self._document["tags"]
        )
        rest = _nav_item("credentials", "Credentials") + _nav_item("schemas", "Schemas")
        back = '<p class="back"><a href="/">← Dashboard</a></p>'
        contents = f"{groups}<strong>Reference</strong><ul>{rest}</ul>"
        folded = f"<details><summary>Contents</summary>{contents}</details>"
        return "".join(
            f'<nav class="{width}" aria-label="Contents">{back}{inside}</nav>'
            for width, inside in (("wide", contents), ("narrow", folded))
        )

    def _sections(self) -> Iterator[str]:
        for tag in self._document["tags"]:
            yield f"<h2>{escape(tag['name'])}</h2>{_markdown(tag['description'])}"
            for method, path, operation in self._operations(tag["name"]):
                yield self._operation(method, path, operation)
        yield '<h2 id="credentials">Credentials</h2>'
        for name, scheme in self._components["securitySchemes"].items():
            yield f'<h3 id="credential-{name}">{escape(name)}</h3>{_markdown(scheme["description"])}'
        yield '<h2 id="schemas">Schemas</h2>'
        for name, schema in self._components["schemas"].items():
            yield f'<section><h3 id="schema-{name}">{escape(name)}</h3>{self._schema(schema)}</section>'

    def _operation(self, method: str, path: str, operation: dict[str, Any]) -> str:
        parts = [
            f'<section><h3 id="{operation["operationId"]}">{escape(operation["summary"])}</h3>',
            f'<p><span class="method {method}">{method}</span><code>{escape(path)}</code></p>',
            _markdown(operation.get("description", "")),
            _credentials(operation.get("security", [])),
        ]
        parameters = [self._resolve(parameter) for parameter in operation.get("parameters", [])]
        line = curl_line(method, path, operation, parameters)
        parts.append(f'<pre class="curl" tabindex="0"><code>{escape(line)}</code></pre>')
        if parameters:
            parts.append("<h4>Parameters</h4>" + "".join(self._parameter(field) for field in parameters))
        if body := operation.get("requestBody"):
            parts.append("<h4>Body</h4>" + self._content(body["content"], shown=1))
        parts.append("<h4>Answers</h4>")
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
            return f'<a href="#schema-{name}">{escape(name)}</a>'
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


def _nav_item(anchor: str, title: str, method: str = "", path: str = "") -> str:
    where = f'<code><b class="{method}">{method.upper()}</b> {escape(path)}</code>' if path else ""
    return f'<li><a href="#{anchor}">{escape(title)}{where}</a></li>'


def _credentials(security: list[dict[str, list[str]]]) -> str:
    if not security:
        return '<p class="soft">Open: needs no credential.</p>'
    ways = [
        f'<a href="#credential-{name}">{escape(name)}</a>'
        + "".join(f" with <code>{escape(scope)}</code>" for scope in scopes)
        for way in security
        for name, scopes in way.items()
    ]
    return f'<p class="soft">Needs {" or ".join(ways)}.</p>'


def _examples(entry: dict[str, Any], shown: int) -> str:
    named = entry.get("examples") or ({"Example": {"value": entry["example"]}} if "example" in entry else {})
    return "".join(
        f'<p class="soft">{escape(example.get("summary", name))}</p><pre tabindex="0"><code>{escape(_json(example["value"], 2))}</code></pre>'
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
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

"""A guide, written in Markdown, as a page. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from posixpath import dirname, join, normpath
from typing import NamedTuple

import msgspec
from markdown_it import MarkdownIt
from markdown_it.token import Token

GUIDES = "/docs"
_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")
_ELSEWHERE = {"../openapi.yaml": "/openapi.yaml"}
"""What guides link to outside their folder, by its path from there -> where it is served."""
_NO_LETTER = re.compile(r"[^\w\- ]")


class Passage(NamedTuple):
    """What stands under a heading. `anchor`: empty for what stands before the first; `text`: without any marks."""

    anchor: str
    title: str
    text: str


class Heading(NamedTuple):
    """`level`: 2 or 3."""

    level: int
    anchor: str
    title: str


class GuidePage(msgspec.Struct, frozen=True):
    """A guide. `name`: its path in the folder, without `.md`; `html`: with its headings, but for the title."""

    name: str
    title: str
    html: str
    headings: list[Heading]
    passages: list[Passage]

    @property
    def path(self) -> str:
        """Its address."""
        return f"{GUIDES}/{self.name}"


def render_guide(name: str, text: str) -> GuidePage:
    """The page of a guide, whose text begins with its title. Headings have the anchors that they have on GitHub."""
    tokens = _PARSER.parse(text)
    title = plain_text(tokens[1])
    body = list(_without_contents(tokens[3:]))
    headings = list(_mark_headings(body))
    _lead_links(name, body)
    html = _PARSER.renderer.render(list(_with_boxes(body)), _PARSER.options, {})
    return GuidePage(name, title, html, headings, list(_passages(title, body)))


def _without_contents(tokens: Sequence[Token]) -> Iterator[Token]:
    """All but the list of contents, a paragraph of links: a page has one of its own."""
    contents = next((at for at, one in enumerate(tokens) if one.content.startswith("Contents: ")), None)
    around = range(contents - 1, contents + 2) if contents else range(0)
    yield from (one for at, one in enumerate(tokens) if at not in around)


def plain_text(inline: Token) -> str:
    """What a line says, without its marks."""
    return "".join(" " if one.type == "softbreak" else one.content for one in inline.children or [])


def _mark_headings(tokens: Sequence[Token]) -> Iterator[Heading]:
    seen: dict[str, int] = {}
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            title = plain_text(tokens[at + 1])
            slug = _NO_LETTER.sub("", title.lower()).replace(" ", "-")
            again = seen[slug] = seen.get(slug, -1) + 1
            token.attrSet("id", f"{slug}-{again}" if again else slug)
            if token.tag in ("h2", "h3"):
                yield Heading(int(token.tag[1]), str(token.attrGet("id")), title)


def _lead_links(name: str, tokens: Iterable[Token]) -> None:
    """Lead links between guides to their pages. A link to a file that is not served becomes plain text."""
    for token in tokens:
        for one in token.children or []:
            if one.type == "link_open":
                one.attrSet("href", guide_address(name, str(one.attrGet("href"))))
        if token.children:
            token.children = list(_without_dead_links(token.children))


def _without_dead_links(tokens: Iterable[Token]) -> Iterator[Token]:
    is_dead = False
    for one in tokens:
        if one.type == "link_open":
            is_dead = not one.attrGet("href")
        if not (is_dead and one.type in ("link_open", "link_close")):
            yield one


def guide_address(name: str, href: str) -> str:
    """Where a link of the guide `name` leads on a server; empty if nowhere."""
    if "://" in href or href.startswith(("#", "mailto:")):
        return href
    file, mark, anchor = href.partition("#")
    target = normpath(join(dirname(name), file))
    if target.startswith("..") or not target.endswith(".md"):
        return _ELSEWHERE.get(target, "")
    page = target.removesuffix(".md")
    return (GUIDES if page == "README" else f"{GUIDES}/{page}") + mark + anchor


def _with_boxes(tokens: Iterable[Token]) -> Iterator[Token]:
    """Tables in boxes of their own, which scroll, and code with a button that copies it."""
    for one in tokens:
        if one.type in ("fence", "code_block"):
            yield _html(code_box(one.content))
        elif one.type == "table_open":
            yield from (_html('<div class="scroll" tabindex="0">'), one)
        elif one.type == "table_close":
            yield from (one, _html("</div>"))
        else:
            yield one


def code_box(text: str, kind: str = "") -> str:
    """Code as HTML, with a button that copies it. `kind`: a class of it."""
    attribute = f' class="{kind}"' if kind else ""
    return (
        f'<div class="copy"><pre{attribute} tabindex="0"><code>{escape(text)}</code></pre>'
        '<button type="button" class="small" data-copy hidden>Copy</button></div>'
    )


def _html(text: str) -> Token:
    return Token("html_block", "", 0, content=text)


def _passages(title: str, tokens: Sequence[Token]) -> Iterator[Passage]:
    anchor, heading, texts = "", title, list[str]()
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            yield Passage(anchor, heading, " ".join(texts))
            anchor, heading, texts = str(token.attrGet("id")), plain_text(tokens[at + 1]), []
        elif token.type in ("fence", "code_block"):
            texts.append(token.content)
        elif token.type == "inline" and tokens[at - 1].type != "heading_open":
            texts.append(plain_text(token))
    yield Passage(anchor, heading, " ".join(texts))

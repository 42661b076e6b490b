"""Everything that can be read about Footfall on a server: the guides, and the reference of the API; and the search over both."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from html import unescape
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

import msgspec

from footfall.reference.docs import ReferencePage, render
from footfall.reference.markdown import GuidePage, Passage, render_guide

MOST_FOUND = 30
MAX_WORDS = 8
"""Words of a search; more are not looked at."""
AROUND = 90
"""Characters that are shown on each side of what is found."""
_GROUP = re.compile(r"^\*\*(.+)\*\*$")
_ROW = re.compile(r"^\| \[(.+?)\]\(([\w/-]+)\.md\) \| (.+) \|$")
_TAG = re.compile(r"<[^>]+>")


class ListedGuide(NamedTuple):
    """A guide in the index. `covers`: what it is about."""

    title: str
    name: str
    covers: str


class GuideGroup(NamedTuple):
    """Guides under a title of the index."""

    title: str
    guides: list[ListedGuide]


class GuidePlace(NamedTuple):
    """Where a passage stands: on which page, and its address."""

    page: str
    href: str
    passage: Passage
    lowered: str


class GuideHit(NamedTuple):
    """A passage that a search found. `before`, `found`, `after`: its text around the first word that stands in it."""

    page: str
    href: str
    title: str
    before: str
    found: str
    after: str


class Library(msgspec.Struct, frozen=True):
    """All pages. `guides`: by name."""

    groups: list[GuideGroup]
    guides: dict[str, GuidePage]
    reference: list[ReferencePage]
    places: list[GuidePlace]

    def search(self, text: str) -> list[GuideHit]:
        """The passages that have every word of a text, first those whose heading has them."""
        words = text.lower().split()[:MAX_WORDS]
        ranked = [(rank, place) for place in self.places if (rank := _rank(place, words)) is not None]
        ranked.sort(key=lambda one: one[0])
        return [_hit(place, words) for _, place in ranked[:MOST_FOUND]] if words else []


@functools.cache
def library() -> Library:
    """Read and rendered once in a process, within about half a second; call it on a thread."""
    root = files("footfall.reference")
    guides = {
        name: render_guide(name, text)
        for name, text in _texts(root / "guides")
        if not name.endswith("README")
    }
    document = msgspec.yaml.decode((root / "openapi.yaml").read_bytes(), type=dict[str, Any])
    reference = render(document)
    groups = list(read_index((root / "guides" / "README.md").read_text("utf-8")))
    places = [*_places_of_guides(guides.values()), *_places_of_reference(reference)]
    return Library(groups, guides, reference, places)


def _texts(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    """(name, text) of each Markdown file in a folder and those in it."""
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            yield from _texts(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(".md"):
            yield above + entry.name.removesuffix(".md"), entry.read_text("utf-8")


def read_index(text: str) -> Iterator[GuideGroup]:
    """The groups of guides as the index, docs/README.md, lists them."""
    group = GuideGroup("", [])
    for line in text.splitlines():
        if found := _GROUP.match(line):
            group = GuideGroup(found[1], [])
        elif found := _ROW.match(line):
            if not group.guides:
                yield group
            group.guides.append(ListedGuide(found[1], found[2], found[3].replace("`", "")))


def _places_of_guides(guides: Iterable[GuidePage]) -> Iterator[GuidePlace]:
    for guide in guides:
        for one in guide.passages:
            yield _place(guide.title, f"{guide.path}#{one.anchor}" if one.anchor else guide.path, one)


def _places_of_reference(reference: Iterable[ReferencePage]) -> Iterator[GuidePlace]:
    for page in reference:
        for anchor, title, html in page.sections:
            text = " ".join(unescape(_TAG.sub(" ", html)).split())
            passage = Passage(anchor, title, text.removeprefix(title).strip())
            yield _place(f"API: {page.title}", f"{page.path}#{anchor}", passage)


def _place(page: str, href: str, passage: Passage) -> GuidePlace:
    text = " ".join(passage.text.split())
    return GuidePlace(page, href, passage._replace(text=text), f"{page} {passage.title} {text}".lower())


def _rank(place: GuidePlace, words: list[str]) -> int | None:
    """How far behind it stands among what is found; None if it has not all words."""
    if not all(word in place.lowered for word in words):
        return None
    title, page = place.passage.title.lower(), place.page.lower()
    return (
        0 if all(word in title for word in words) else 1 if any(word in title + page for word in words) else 2
    )


def _hit(place: GuidePlace, words: list[str]) -> GuideHit:
    text = place.passage.text
    found = re.search("|".join(map(re.escape, words)), text, re.IGNORECASE)
    start, end = found.span() if found else (0, 0)
    since = text.find(" ", max(0, start - AROUND), start) + 1 if start > AROUND else 0
    until = text.rfind(" ", end, end + AROUND) if len(text) > end + AROUND else len(text)
    return GuideHit(
        place.page,
        place.href,
        place.passage.title,
        ("…" if since else "") + text[since:start],
        text[start:end],
        text[end : max(end, until)] + ("…" if until < len(text) else ""),
    )

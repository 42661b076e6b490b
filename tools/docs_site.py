"""Write the guides and the reference as a folder of plain files, which any web server can serve from any path: `python tools/docs_site.py site`.

They are the pages that a server shows under /docs, drawn by the same code, with links that are relative and checked.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from html import unescape
from pathlib import Path
from posixpath import dirname, join, normpath, relpath

from footfall.dashboard.pages.docs import GuideShown, show
from footfall.dashboard.rendering import render_template, static_files
from footfall.reference.library import library
from footfall.reference.pages import Reference

_LINK = re.compile(r'( (?:href|src)=")([^"]*)"')
_HOME = "/docs"
_SERVED = {"/": "index.html", _HOME: "index.html", "/openapi.yaml": "openapi.yaml"}
_STYLES = ("style.css", "docs.css", "app.js", "icon.svg")


class DeadLinks(Exception):
    """Links that lead nowhere, one a line."""


def write_site(folder: Path) -> int:
    """Write the site into a folder; the number of pages. Raises DeadLinks, and writes nothing then."""
    pages = dict(_pages())
    if dead := [*_dead_links(pages)]:
        raise DeadLinks("\n".join(dead))
    _write(folder, ((name, text.encode()) for name, text in pages.items()))
    _write(folder, ((f"static/{name}", static_files()[name].plain) for name in _STYLES))
    _write(folder, [("openapi.yaml", Reference().text)])
    return len(pages)


def _pages() -> Iterator[tuple[str, str]]:
    """(file, HTML) of each page."""
    found = library()
    paths = [*(one.path for one in found.guides.values()), *(one.path for one in found.reference)]
    for path in [_HOME, *paths]:
        file = _file(path)
        yield file, _relative(file, _html(show(found, path.removeprefix(f"{_HOME}/"))))


def _html(shown: GuideShown | None) -> str:
    """A page as the server draws it for nobody in particular; the index for None."""
    return render_template(
        "docs.html",
        request={"home": ""},
        account=None,
        website=None,
        library=library(),
        shown=shown,
        search="",
        is_file=True,
    )


def _file(path: str) -> str:
    """The file for an address of the server."""
    name, _, _ = path.partition("?")
    if name.startswith("/static/"):
        return name[1:]
    return _SERVED.get(name) or name.removeprefix(f"{_HOME}/") + ".html"


def _relative(file: str, html: str) -> str:
    """A page whose links to addresses of the server lead to files instead."""

    def lead(found: re.Match[str]) -> str:
        path, mark, anchor = found[2].partition("#")
        target = relpath(_file(path), dirname(file) or ".") if path.startswith("/") else path
        return f'{found[1]}{target}{mark}{anchor}"'

    return _LINK.sub(lead, html)


def _dead_links(pages: dict[str, str]) -> Iterator[str]:
    """The links to files or headings that the site does not have."""
    files = {*pages, "openapi.yaml", *(f"static/{name}" for name in _STYLES)}
    anchors = {name: set(re.findall(r' id="([^"]+)"', html)) for name, html in pages.items()}
    for name, html in pages.items():
        for _, link in _LINK.findall(html):
            path, _, anchor = unescape(link).partition("#")
            target = normpath(join(dirname(name), path)) if path else name
            is_ours = "://" not in link and not link.startswith("mailto:")
            if is_ours and (target not in files or (anchor and anchor not in anchors.get(target, ()))):
                yield f"{name}: {link}"


def _write(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    for name, content in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    print(f"{write_site(place)} pages are in {place}. Open {place / 'index.html'}.")

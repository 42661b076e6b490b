"""The guides and the reference of the API, for whoever can reach the server."""

from __future__ import annotations

from typing import Any, NamedTuple

from footfall.dashboard.page import PageRequest, apart, render
from footfall.errors import NotFound
from footfall.reference.library import Library, library
from footfall.reference.markdown import Heading
from footfall.web.envelope import Response

MAX_SEARCH = 200
"""Characters."""


class GuideShown(NamedTuple):
    """A guide, or a page of the reference. `headings`: what its table of contents lists."""

    path: str
    title: str
    html: str
    headings: list[Heading]


async def index(request: PageRequest) -> Response:
    """`GET /docs`: all guides, and all routes of the API. `q`: what is searched for in them."""
    search = request.query.get("q", "").strip()[:MAX_SEARCH]
    return await apart(lambda: _render(request, library(), search=search))


async def guide(request: PageRequest) -> Response:
    """`GET /docs/{guide}`."""
    return await apart(lambda: _page(request, request.context.path_values[0]))


async def part(request: PageRequest) -> Response:
    """`GET /docs/{folder}/{guide}`: a group of routes, or a guide in a folder."""
    return await apart(lambda: _page(request, "/".join(request.context.path_values)))


def _page(request: PageRequest, name: str) -> Response:
    shown = show(library(), name)
    if shown is None:
        raise NotFound("There is no such guide.")
    return _render(request, library(), shown=shown)


def show(found: Library, name: str) -> GuideShown | None:
    """A guide, or a page of the reference, by what follows `/docs/`."""
    return _guide(found, name) or _group(found, name)


def _guide(found: Library, name: str) -> GuideShown | None:
    if (one := found.guides.get(name)) is None:
        return None
    return GuideShown(one.path, one.title, one.html, [each for each in one.headings if each.level == 2])


def _group(found: Library, name: str) -> GuideShown | None:
    one = next((each for each in found.reference if f"/docs/{name}" == each.path), None)
    if one is None:
        return None
    html = one.text + "".join(each.html for each in one.sections)
    return GuideShown(
        one.path, one.title, html, [Heading(2, each.anchor, each.title) for each in one.sections]
    )


def _render(
    request: PageRequest, found: Library, *, shown: GuideShown | None = None, search: str = ""
) -> Response:
    values: dict[str, Any] = {"hits": found.search(search) if search else []}
    return render(request, "docs.html", library=found, shown=shown, search=search, **values)

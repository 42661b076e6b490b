"""The guides and the reference are readable on the server, whoever asks, and a search finds what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from footfall.reference.library import library
from footfall.reference.markdown import guide_address, render_guide
from tests.support.dashboard import Visit, make_account
from tests.support.sites import Site

ON_ENGINES = ["sqlite"]
"""Guides lie in no database."""
DOCS = Path(__file__).parents[2] / "docs"


def anchors(html: str) -> set[str]:
    return set(re.findall(r' id="([^"]+)"', html))


def texts() -> dict[str, str]:
    """The HTML of every page by its address."""
    found = library()
    guides = {one.path: one.html for one in found.guides.values()}
    return guides | {
        one.path: one.text + "".join(part.html for part in one.sections) for one in found.reference
    }


def test_every_guide_is_a_page_and_stands_in_the_index() -> None:
    found = library()
    names = {
        str(path.relative_to(DOCS).with_suffix("")) for path in DOCS.rglob("*.md") if path.stem != "README"
    }
    assert found.guides.keys() == names
    listed = {one.name for group in found.groups for one in group.guides}
    assert listed == {name for name in names if "/" not in name}


def test_links_between_guides_lead_to_headings_of_their_pages() -> None:
    pages = texts() | {"/docs": "", "/openapi.yaml": ""}
    for path, html in pages.items():
        for link in re.findall(r' href="([^"]+)"', html):
            target, mark, anchor = unescape(link).partition("#")
            if "://" not in target:
                assert (target or path) in pages, f"{path}: {link}"
                assert not mark or anchor in anchors(pages[target or path]), f"{path}: {link}"


@pytest.mark.parametrize(
    ("name", "href", "leads_to"),
    [
        ("install", "people.md#why", "/docs/people#why"),
        ("install", "decisions/0015-columns.md", "/docs/decisions/0015-columns"),
        ("decisions/0015-columns", "../metrics.md", "/docs/metrics"),
        ("decisions/0015-columns", "0016-x.md", "/docs/decisions/0016-x"),
        ("install", "README.md", "/docs"),
        ("install", "#vue", "#vue"),
        ("install", "https://example.com/a.md", "https://example.com/a.md"),
        ("install", "../openapi.yaml", "/openapi.yaml"),
        ("install", "../ARCHITECTURE.md", ""),
    ],
)
def test_a_link_leads_to_where_its_file_is_served(name: str, href: str, leads_to: str) -> None:
    assert guide_address(name, href) == leads_to


def test_a_guide_is_rendered_with_anchors_and_without_marks_of_html() -> None:
    page = render_guide("x", "# T\n\nContents: [a](#a).\n\n## A `b` c\n\n<i>[gone](../X.md)\n\n## A b c\n")
    assert [one.anchor for one in page.headings] == ["a-b-c", "a-b-c-1"]
    assert "<p>&lt;i&gt;gone</p>" in page.html
    assert "Contents" not in page.html


@pytest.mark.parametrize("text", ["```sh\nls\n```", "    ls\n"])
def test_code_has_a_button_that_copies_it(text: str) -> None:
    assert "data-copy" in render_guide("x", f"# T\n\n{text}").html


def test_a_search_finds_headings_first_and_needs_every_word() -> None:
    hits = library().search("Merge undo")
    assert hits[0].href == "/docs/people#merge-and-undo"
    assert library().search("merge zzzz") == []
    assert library().search("  ") == []


@pytest.fixture
def visit(server: Site) -> Iterator[Visit]:
    made = Visit(server.url)
    yield made
    made.close()


def test_guides_are_read_without_a_log_in(visit: Visit) -> None:
    http = visit.http
    index = http.get("/docs").text
    for path in texts():
        assert f'"{path}"' in index or path.startswith("/docs/decisions/")
    for one in library().reference:
        for line in one.routes:
            assert f'id="{line.anchor}"' in index
    guide = http.get("/docs/install")
    assert "<h1>Put Footfall on your website</h1>" in guide.text
    assert "Log in" in guide.text
    assert 'id="createFunnel"' in http.get("/docs/api/funnels").text
    assert http.get("/docs/decisions/0015-columns").status_code == 200
    assert "Log out" not in guide.text
    found = http.get("/docs", params={"q": "<b>merge"})
    assert "Nothing was found" in found.text
    assert "<b>merge" not in found.text
    for path in ("/docs/nothing", "/docs/api/nothing", "/docs/decisions/..%2F..%2Fx"):
        assert http.get(path, headers={"accept": "text/html"}).status_code == 404


def test_guides_have_the_header_of_whoever_is_logged_in(visit: Visit, server: Site) -> None:
    visit.log_in(make_account(server.place).email)
    page = visit.get("/docs/metrics").text
    assert "Log out" in page
    assert "Log in" not in page

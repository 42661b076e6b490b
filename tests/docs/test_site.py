"""The guides can be published as plain files, whose links hold wherever they lie."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from footfall.reference.library import library
from tools import docs_site
from tools.docs_site import DeadLinks, write_site


def test_the_site_has_every_guide_and_every_page_of_the_reference(tmp_path: Path) -> None:
    pages = write_site(tmp_path)
    found = library()
    assert pages == 1 + len(found.guides) + len(found.reference)
    for name, guide in found.guides.items():
        assert f"<h1>{guide.title}</h1>" in (tmp_path / f"{name}.html").read_text("utf-8").replace(
            "&#39;", "'"
        )
    assert 'id="identify"' in (tmp_path / "api" / "people.html").read_text("utf-8")


def test_pages_of_the_site_need_no_server(tmp_path: Path) -> None:
    write_site(tmp_path)
    for page in tmp_path.rglob("*.html"):
        html = page.read_text("utf-8")
        assert "<form" not in html
        for link in re.findall(r' (?:href|src)="([^"#]+)', html):
            assert link.startswith(("https://", "http://")) or (page.parent / link).is_file(), (
                f"{page}: {link}"
            )


@pytest.mark.parametrize("link", ["/docs/nothing", "/docs/people#nothing", "/nothing"])
def test_a_link_that_leads_nowhere_stops_the_site(
    link: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docs_site, "_html", lambda shown: f'<a href="{link}">')
    with pytest.raises(DeadLinks, match="nothing"):
        write_site(tmp_path)
    assert not any(tmp_path.iterdir())

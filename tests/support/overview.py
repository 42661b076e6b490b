"""What the overview of a website shows, as text."""

from __future__ import annotations

import html
import re

from tests.support.dashboard import Visit
from tests.support.sites import Site


def shown(browser: Visit, site: Site, text: str = "", page: str = "overview") -> str:
    answer = browser.get(f"/w/{site.website_id}/{page}?{text}")
    assert answer.status_code == 200, answer.text
    return answer.text


def texts(part: str) -> list[list[str]]:
    """The cells of the rows of tables."""
    rows = re.findall(r"<tr\b[^>]*>(.*?)</tr>", part, re.DOTALL)
    cells = [re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in cells]


def card(page: str, name: str) -> str:
    found = re.search(rf'<section class="card board" id="{name}".*?</section>', page, re.DOTALL)
    assert found, name
    return found[0]


def tiles(page: str) -> dict[str, str]:
    found = re.findall(r'<span class="what">([^<]+)</span><b>([^<]+)</b>', page)
    return {title: html.unescape(value) for title, value in found}

"""The official package `@datafast/ai-crawl`, unchanged, tells a server of crawls."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import msgspec

from tests.support.sites import Site, sql

PROGRAM = Path(__file__).with_name("send.mjs")
CLAUDE = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)"
)


def tell(site: Site, path: str = "/pricing", token: str = "") -> dict[str, Any]:
    """What the package says of a crawl that it told of, twice."""
    assert (PROGRAM.parents[1] / "node_modules" / "@datafast" / "ai-crawl").exists(), (
        "please run: npm ci --prefix tests/clients"
    )
    arguments = [f"{site.url}/api/ai-crawls", site.tracking_id, token, f"https://{site.domain}{path}", CLAUDE]
    ran = subprocess.run(
        ["node", PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    said: dict[str, Any] = msgspec.json.decode(ran.stdout)
    return said


def test_the_package_tells_of_crawls(socket_site: Site) -> None:
    said = tell(socket_site)
    assert (said["tracked"], said["status"], said["crawler"]["agent"]) == (True, 200, "ClaudeBot")
    rows = [row[1:] for row in socket_site.rows(sql.crawls_of_website)]
    assert rows == [("ClaudeBot", "training", f"{socket_site.domain}/pricing", 2)]


def test_the_package_brings_the_token_of_a_website(socket_site: Site) -> None:
    path = f"/api/v1/admin/websites/{socket_site.website_id}/bot-traffic/token"
    token = socket_site.call("POST", path).json()["data"][0]["token"]
    assert (tell(socket_site)["status"], tell(socket_site, token=token)["status"]) == (401, 200)

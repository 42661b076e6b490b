"""`POST /api/ai-crawls`, as servers send it, and the token that a website may ask for."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from footfall.crawls import store
from footfall.crawls.model import CRAWLERS, find_crawler
from tests.support.sites import Site, sql

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.3; +https://openai.com/gptbot)"
)


def send(site: Site, path: str = "/", token: str | None = None, **fields: Any) -> httpx.Response:
    ai = fields.pop("ai", {"userAgent": GPTBOT})
    body = {"websiteId": site.tracking_id, "href": f"https://{site.domain}{path}", "ai": ai, **fields}
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return site.http.post("/api/ai-crawls", content=msgspec.json.encode(body), headers=headers)


def crawls(site: Site) -> dict[tuple[str, str, str], int]:
    """How often each crawler fetched each page."""
    return {
        (crawler, category, page.removeprefix(site.domain)): hits
        for _, crawler, category, page, hits in site.rows(sql.crawls_of_website)
    }


def test_crawls_are_counted_by_crawler_category_and_page(server: Site) -> None:
    for path in ("/a?utm_source=x", "/a", "/b"):
        assert send(server, path).json() == {"status": "success"}
    said = {"provider": "X", "agent": "Claude-User", "category": "training", "userAgent": "x claude-user/1.0"}
    send(server, "/a", ai=said, websiteId=server.website_id)
    assert crawls(server) == {
        ("GPTBot", "training", "/a"): 2,
        ("GPTBot", "training", "/b"): 1,
        ("Claude-User", "answer_fetch", "/a"): 1,
    }


def test_a_crawler_that_is_not_known_is_what_its_sender_says(server: Site) -> None:
    said = {"userAgent": "NewBot/1.0", "agent": "NewBot", "category": "search_index"}
    send(server, ai=said)
    assert crawls(server) == {("NewBot", "search_index", "/"): 1}
    wrongs: list[dict[str, Any]] = [{"agent": "<b>"}, {"category": "x"}, {"category": []}, {"agent": 1}]
    for wrong in wrongs:
        assert send(server, ai={**said, **wrong}).json()["dropped"] == "no_ai_crawler"
    assert len(crawls(server)) == 1


def test_a_stranger_makes_no_more_rows_than_a_day_has(server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_A_DAY", 3)
    for number in range(6):
        send(server, f"/{number}")
    send(server, "/0")
    found = crawls(server)
    assert (found["GPTBot", "training", "/0"], found["Other", "ai_crawler", ""]) == (2, 3)
    assert len(found) == 4


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (404, {"websiteId": "dfid_00000000000000000000"}),
        (404, {"websiteId": None}),
        (400, {"ai": None}),
        (400, {"ai": {"userAgent": ""}}),
        (400, {"href": None}),
        (400, {"href": "https://elsewhere.example/"}),
        (400, {"href": "javascript:alert(1)"}),
        (400, {"href": "https://elsewhere.example/" + "x" * 9000}),
    ],
)
def test_what_cannot_be_counted_is_refused(server: Site, status: int, fields: dict[str, Any]) -> None:
    assert send(server, **fields).status_code == status
    assert crawls(server) == {}


def test_an_address_that_holds_an_email_is_kept_without_it(server: Site) -> None:
    send(server, "/u/ada@example.com")
    assert list(crawls(server)) == [("GPTBot", "training", "/u/[erased]")]


def test_a_website_with_a_token_takes_no_crawl_without_it(server: Site, other: Site) -> None:
    path = f"/api/v1/admin/websites/{server.website_id}/bot-traffic/token"
    assert server.call("GET", path).json()["data"][0]["isSet"] is False
    assert server.call("PUT", path).status_code == 404
    first = server.call("POST", path).json()["data"][0]["token"]
    assert first.startswith("dfbot_")
    assert server.call("POST", path).status_code == 409
    assert [send(server, token=one).status_code for one in (None, "dfbot_x", first)] == [401, 401, 200]
    second = server.call("PUT", path).json()["data"][0]["token"]
    assert [send(server, token=one).status_code for one in (first, second)] == [401, 200]
    shown = server.call("GET", path).json()["data"][0]
    assert (shown["isSet"], second in str(shown)) == (True, False)
    assert send(other).status_code == 200
    assert server.call("GET", path, key=first).status_code == 401
    assert server.call("DELETE", path).status_code == 200
    assert server.call("DELETE", path).status_code == 404
    assert send(server).status_code == 200


def test_the_longer_name_of_two_counts() -> None:
    for category, names in CRAWLERS.items():
        for name in names:
            found = find_crawler(f"Mozilla/5.0 (compatible; {name.upper()}/1.0)")
            assert found is not None
            assert (found.name, found.category) == (name, category)
    assert find_crawler("Mozilla/5.0 (X11; Linux x86_64) Chrome/141.0.0.0 Safari/537.36") is None

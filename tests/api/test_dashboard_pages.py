"""What the pages of the dashboard carry and say."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import pytest

from footfall.dashboard.rendering import static_files
from footfall.identity.audit.health import MANY_VISITORS
from tests.conftest import MakeServer
from tests.support.dashboard import CLOSED, Visit, enter, filled, make_account
from tests.support.servers import until
from tests.support.sites import Site, http_client, make_sites


@pytest.mark.parametrize("path", [path for method, path in CLOSED if method == "GET"] + ["/login"])
def test_pages_forbid_what_they_do_not_need(inside: Visit, server: Site, path: str) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A", {"name": "<script>alert(1)</script>", "image": "javascript:alert(1)"})
    if path.endswith(("/stream", "/seen")):
        with inside.http.stream("GET", filled(path, server)) as answer:
            headers = answer.headers
            assert headers["cache-control"] == "no-store"
            return
    answer = inside.get(filled(path, server).replace("{visitorId}", visitor))
    headers = answer.headers
    if path.endswith("/export"):
        assert headers["content-disposition"].startswith("attachment")
        return
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    text = answer.text
    assert "<script>" not in text
    assert not re.search(
        r"<style|\sstyle=|\son\w+=|javascript:", text.replace("javascript:alert(1)</dd>", "")
    )


def test_images_of_people_are_shown_only_where_the_website_allows_it(inside: Visit, server: Site) -> None:
    server.identify(server.pageview(), "A", {"name": "Ada", "image": "https://images.example/a.png"})
    path = f"/w/{server.website_id}/people/user:A"
    before = inside.get(path)
    assert '<img src="https' not in before.text
    assert "img-src 'self';" in before.headers["content-security-policy"]
    server.change(is_image_allowed=True)
    after = inside.get(path)
    assert '<img src="https://images.example/a.png" alt="" referrerpolicy="no-referrer"' in after.text
    assert "img-src 'self' https:;" in after.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["style.css", "app.js", "icon.svg"])
def test_static_files_may_be_kept(visit: Visit, name: str) -> None:
    answer = visit.get(f"/static/{name}")
    assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)


def test_the_style_sheet_and_the_script_stay_small() -> None:
    assert len(static_files()["style.css"].gzipped) <= 12 * 1024
    assert static_files()["app.js"].plain.count(b"\n") <= 500


@pytest.mark.parametrize("name", ["x", "../login.py", "..%2flogin.py", "style.css%00", "base.html"])
def test_there_are_no_other_files(visit: Visit, name: str) -> None:
    assert visit.get(f"/static/{name}").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/w/x/people",
        "/w/000000000000000000000000/people",
        "/w/{id}/people/user:nobody",
        "/w/{id}/people/x",
        "/w/{id}/visitors/x",
    ],
)
def test_what_is_not_there_is_said_as_a_page(inside: Visit, server: Site, path: str) -> None:
    answer = inside.get(path.format(id=server.website_id))
    assert answer.status_code in (400, 404)
    assert "<h1>" in answer.text


@pytest.mark.parametrize("path", ["/nothing", "/w/x/nothing", "/people/x/y/z", "/%00"])
def test_a_browser_at_an_unknown_address_gets_a_page(
    visits: Callable[..., Visit], inside: Visit, path: str
) -> None:
    visit = visits()
    for one in (visit, inside):
        answer = one.get(path, headers={"accept": "text/html,*/*;q=0.8"})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "<h1>Not found</h1>" in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert visit.get(path, headers={"accept": "application/json"}).json()["error"]["code"] == 404
    assert visit.get(f"/api{path}", headers={"accept": "text/html"}).json()["error"]["code"] == 404
    assert "<h1>Not found</h1>" in visit.http.post(path, headers={"accept": "text/html"}).text


def test_a_suspended_website_says_that_nothing_is_counted(inside: Visit, server: Site) -> None:
    server.pageview()
    for page in ("people", "settings"):
        path = f"/w/{server.website_id}/{page}"
        server.change(is_suspended=False)
        assert "is suspended:" not in inside.get(path).text
        server.change(is_suspended=True)
        text = inside.get(path).text
        assert "This website is suspended:</b> events are dropped" in text
        assert "Pageviews are coming in" not in text


def test_a_page_beyond_the_last_one_leads_to_the_first(inside: Visit, server: Site) -> None:
    server.identify(server.pageview(), "A", {"plan": "pro"})
    path = f"/w/{server.website_id}/people"
    text = inside.get(f"{path}?trait.plan=pro&offset=50").text
    assert "Nobody on this page" in text
    assert 'href="?filter_trait.plan=pro">First page' in text
    assert "but no people yet" not in text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("filter_trait.plan=none", "Nobody matches the filter."),
        ("trait.plan=none&trait.x=y", "Nobody matches all filters."),
        ("search=zz&trait.plan=none", "Nobody matches both the search and the filter."),
        ("search=zz", "Search matches the beginnings of words"),
        ("trait.seats=gte:x", "“seats at least” compares with a number or a date, such as 5 or 2026-05-05."),
        ("trait.plan=contains:", "“plan contains” needs a value."),
        ("trait.plan=contains:,", "“plan contains” needs a value."),
    ],
)
def test_a_list_without_people_says_why(inside: Visit, server: Site, query: str, said: str) -> None:
    server.identify(server.pageview(), "A", {"plan": "pro"})
    text = inside.get(f"/w/{server.website_id}/people?{query}").text
    assert said in text
    assert ("beginnings of words" in text) == ("search" in query)


@pytest.mark.parametrize(
    ("traits", "called"),
    [
        ({"name": "Ada", "email": "a@example.com"}, "Ada"),
        ({"name": "", "email": "a@example.com"}, "a@example.com"),
        ({}, "A-1"),
        ({"name": 7}, "7"),
    ],
)
def test_a_person_is_called_the_same_everywhere(
    inside: Visit, server: Site, traits: dict[str, Any], called: str
) -> None:
    visitor = server.pageview()
    server.identify(visitor, "A-1", traits)
    root = f"/w/{server.website_id}"
    for path, tag in (("live", "b"), (f"visitors/{visitor}", "b"), ("people/user:A-1", "h1")):
        page = inside.get(f"{root}/{path}").text.replace("<wbr>", "")
        assert f"<{tag}><bdi>{called}</bdi></{tag}>" in page, path
    until(
        lambda: f"<b><bdi>{called}</bdi></b>" in inside.get(f"{root}/people").text,
        "not called so in the list",
    )


def test_who_has_very_many_visitors_is_called_by_the_user_id(inside: Visit, server: Site) -> None:
    for _ in range(MANY_VISITORS + 1):
        server.identify(server.pageview(), "everybody")
    assert "><bdi>everybody</bdi></a>" in inside.get(f"/w/{server.website_id}/health").text


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/caf%C3%A9/%E4%BD%A0", "/café/你"),
        ("/%3Cb%3E", "/&lt;b&gt;"),
        ("/a%E2%80%AEb", "/a%E2%80%AEb"),
        ("/%ff", "/%ff"),
        ("/100%25", "/100%"),
    ],
)
def test_paths_are_read_without_percent_encoding(inside: Visit, server: Site, path: str, shown: str) -> None:
    visitor = server.pageview(path=path)
    for page in (f"visitors/{visitor}", "live"):
        text = inside.get(f"/w/{server.website_id}/{page}").text
        assert f"{shown}<" in text
        assert (f"{server.domain}{shown}<" in text) == (page != "live")


def test_every_process_shows_who_is_online_with_any(start: MakeServer, visits: Callable[..., Visit]) -> None:
    one = start()
    servers = [one, *([start(None, one.place)] if one.place.engine == "postgres" else [])]
    account = make_account(one.place)
    with http_client(one.url) as client:
        (site,) = make_sites(one.url, client, one.place)
        visitor = site.pageview(path="/over/here")
    live = f"/w/{site.website_id}/live"

    def is_shown(visit: Visit) -> bool:
        text = visit.get(live).text
        return visitor in text and "/over/here" in text

    for running in servers:
        visit = visits(running.url)
        enter(visit, one.place, account)
        until(functools.partial(is_shown, visit), "the visitor is not shown")

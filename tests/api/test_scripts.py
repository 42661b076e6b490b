"""`GET /js/...`: how the tracking script is served."""

from __future__ import annotations

import gzip
import re

import pytest

from footfall.tracker.scripts import FLAVOURS, keep_parts, make_script
from tests.support.sites import Site

ON_ENGINES = ["sqlite"]
"""What is asked here is decided before a database is."""

MAX_BYTES = 5500
"""What a flavour may weigh on the wire, compressed."""


@pytest.mark.parametrize("name", FLAVOURS)
def test_a_flavour_is_small(name: str) -> None:
    assert len(make_script(name).gzipped) <= MAX_BYTES


@pytest.mark.parametrize("name", FLAVOURS)
def test_a_script_is_served_to_any_page(socket_site: Site, name: str) -> None:
    response = socket_site.http.get(f"/js/{name}")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    seconds = re.search(r"max-age=(\d+)", response.headers["cache-control"])
    assert seconds
    assert int(seconds[1]) >= 86_400
    assert response.content == make_script(name).plain
    head = socket_site.http.head(f"/js/{name}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == response.headers["etag"]


def test_a_script_is_compressed_for_who_wants_it(server: Site) -> None:
    plain = server.http.get("/js/script.js", headers={"accept-encoding": "identity"})
    for accepted, is_gzipped in (("gzip, br", True), ("*", True), ("gzip;q=0", False), ("br", False)):
        response = server.http.get("/js/script.js", headers={"accept-encoding": accepted})
        assert (response.headers.get("content-encoding") == "gzip") == is_gzipped
        assert response.headers["vary"] == "accept-encoding"
        assert response.content == plain.content
    assert gzip.decompress(make_script("script.js").gzipped) == plain.content


def test_who_has_the_script_does_not_get_it_again(server: Site) -> None:
    etag = server.http.get("/js/script.js").headers["etag"]
    again = server.http.get("/js/script.js", headers={"if-none-match": f'"x", W/{etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert server.http.get("/js/script.hash.js", headers={"if-none-match": etag}).status_code == 200


@pytest.mark.parametrize("name", ["other.js", "script.min.js", "%2e%2e", "script.js%00"])
def test_there_are_no_other_scripts(server: Site, name: str) -> None:
    assert server.http.get(f"/js/{name}").status_code == 404


def test_flavours_hold_what_they_need_and_nothing_else() -> None:
    text = make_script("script.cookieless.js").plain
    assert not re.search(rb"\.cookie\b", text)
    assert re.search(rb"\.cookie\b", make_script("script.js").plain)
    assert b"sessionStorage" not in text
    assert b"hashchange" in make_script("script.hash.js").plain
    assert b"hashchange" not in make_script("script.js").plain
    for name in FLAVOURS:
        assert b"//#" not in make_script(name).plain
        assert f'"{name}"'.encode() in make_script(name).plain


def test_parts_are_kept_by_name() -> None:
    source = "a\n//#if x\nb\n//#else\nc\n//#end\n  //#if y\nd\n//#end\ne"
    assert keep_parts(source, {"x"}).split() == ["a", "b", "e"]
    assert keep_parts(source, {"y"}).split() == ["a", "c", "d", "e"]

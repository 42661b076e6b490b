"""What broken and hostile clients send: a clear refusal, nothing stored, and the server goes on."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest

from tests.conftest import SitePool
from tests.support.engines import Engine
from tests.support.raw import answer_on, connection, exchange, is_closed_by_server, request
from tests.support.servers import serving
from tests.support.sites import CHROME, Site, http_client, make_sites, new_visitor

pytestmark = pytest.mark.process
ON_ENGINES = ["sqlite"]
"""What is asked here is decided before a database is."""

ROUTES = ["/api/v1/identify", "/api/events"]
IDLE = int(os.environ.get("FOOTFALL_IDLE", "200"))
"""Connections that say nothing, or no whole request; `make faults` opens more."""


@pytest.fixture
def server(socket_site: Site) -> Site:
    """What is asked here needs a port."""
    return socket_site


@pytest.fixture
def other(socket_sites: SitePool) -> Site:
    """A second website on the same server."""
    return socket_sites.take()


@pytest.fixture(scope="module")
def impatient(engine: Engine) -> Iterator[Site]:
    """A website of a server that waits half a second for a request's head, and for its body."""
    with ExitStack() as stack:
        environment = {"FOOTFALL_BODY_TIMEOUT": "0.5", "FOOTFALL_RATE_LIMIT": "0"}
        running = stack.enter_context(serving(engine.new_place(), environment))
        client = stack.enter_context(http_client(running.url))
        yield make_sites(running.url, client, running.place)[0]


@pytest.fixture
def unharmed(server: Site) -> Iterator[Site]:
    """A website with one visitor; after the test it has nothing more, and the server still works."""
    visitor = server.pageview()
    before = server.stored()
    yield server
    assert server.stored() == before
    assert server.identify(visitor, "after")["action"] == "created"


def port(site: Site) -> int:
    return int(site.url.rsplit(":", 1)[1])


def head(site: Site, **more: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {site.key}",
        "Content-Type": "application/json",
        "User-Agent": CHROME,
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


def event(site: Site, **more: Any) -> dict[str, Any]:
    page = {"websiteId": site.tracking_id, "type": "pageview", "visitorId": new_visitor()}
    return {**page, "href": f"https://{site.domain}/", **more}


def send(site: Site, path: str, content: bytes) -> int:
    response = site.http.post(path, content=content, headers=head(site))
    return response.status_code


# Bodies


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "a cut object": b'{"user_id":"A","datafast_vis',
    "a list": b"[{}]",
    "a string": b'"text"',
    "a number": b"5",
    "10,000 lists": b"[" * 10_000,
    "10,000 closed lists": b"[" * 10_000 + b"]" * 10_000,
    "10,000 objects": b'{"a":' * 10_000,
    "10,000 closed objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a deep value": b'{"user_id":"A","extraData":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "no UTF-8": b'{"user_id":"\xff\xfe"}',
    "another encoding": '{"user_id":"A"}'.encode("utf-16"),
    "an overlong encoding": b'{"user_id":"\xc0\x80"}',
    "an encoded surrogate": b'{"user_id":"\xed\xa0\x80"}',
    "a lone surrogate": b'{"user_id":"\\ud800"}',
    "the character zero": b'{"user_id":"a\\u0000b"}',
    "the character zero in a key": b'{"a\\u0000b":1}',
    "not a number": b'{"user_id":NaN}',
    "infinity": b'{"user_id":-Infinity}',
    "too large a number": b'{"user_id":1e400}',
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00",
}


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("name", BODIES)
def test_what_is_no_json_object_is_refused(unharmed: Site, path: str, name: str) -> None:
    assert send(unharmed, path, BODIES[name]) == 400


@pytest.mark.parametrize(
    "path",
    [
        *ROUTES,
        "/api/v1/identify/batch",
        "/api/v1/profiles/merge",
        "/api/v1/ledger/000000000000000000000000/undo",
    ],
)
def test_a_byte_order_mark_before_a_body_is_passed_over(server: Site, path: str) -> None:
    body = msgspec.json.encode({"user_id": "A", "datafast_visitor_id": "x"})
    plain, marked = (
        server.http.post(path, content=content, headers=head(server))
        for content in (body, codecs.BOM_UTF8 + body)
    )
    assert (plain.status_code, plain.json()) == (marked.status_code, marked.json())
    assert "valid JSON" not in marked.text


@pytest.mark.parametrize("path", ROUTES)
def test_64_kib_and_one_byte_are_refused(unharmed: Site, path: str) -> None:
    assert send(unharmed, path, b'{"a":"' + b"x" * (65_537 - 8) + b'"}') == 413


@pytest.mark.parametrize("path", ROUTES)
def test_a_stated_length_is_refused_before_the_body_comes(unharmed: Site, path: str) -> None:
    with connection(port(unharmed)) as opened:
        opened.sendall(request("POST", path, head(unharmed, Content_Length=str(10**12))))
        response = answer_on(opened, "POST", path)
        assert response.status_code == 413
        assert response.headers["connection"] == "close"


@pytest.mark.parametrize("path", ROUTES)
def test_a_body_that_never_ends_is_refused(unharmed: Site, path: str) -> None:
    chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
    with connection(port(unharmed)) as opened:
        opened.sendall(request("POST", path, head(unharmed, Transfer_Encoding="chunked")))
        sent = 0
        with contextlib.suppress(ConnectionError):
            while not select.select([opened], [], [], 0)[0]:
                opened.sendall(chunk)
                sent += len(chunk)
                assert sent < 100_000_000
        assert answer_on(opened, "POST", path).status_code == 413


@pytest.mark.parametrize("path", ROUTES)
def test_a_body_that_is_cut_off_leaves_nothing(unharmed: Site, path: str) -> None:
    with connection(port(unharmed)) as opened:
        opened.sendall(request("POST", path, head(unharmed, Content_Length="500"), b'{"user_id":"A","k":"'))
    assert unharmed.http.get("/healthz").status_code == 200


def test_a_body_in_many_small_pieces_is_taken(server: Site) -> None:
    content = msgspec.json.encode(event(server))
    pieces = b"".join(b"1\r\n" + content[i : i + 1] + b"\r\n" for i in range(len(content))) + b"0\r\n\r\n"
    response = exchange(
        port(server), "POST", "/api/events", head(server, Transfer_Encoding="chunked"), pieces
    )
    assert response.json() == {"status": "success"}
    assert server.stored()[0] == 1


def short_keys(count: int) -> dict[str, int]:
    return {f"{number:x}": 1 for number in range(count)}


def test_10000_keys_are_refused(unharmed: Site) -> None:
    content = msgspec.json.encode(short_keys(10_000))
    assert len(content) > 65_536
    assert [send(unharmed, path, content) for path in ROUTES] == [413, 413]


def test_as_many_keys_as_fit_into_a_body_are_refused(unharmed: Site) -> None:
    visitor = new_visitor()
    unharmed_visitor = {"user_id": "A", "datafast_visitor_id": visitor}
    assert unharmed.post({**unharmed_visitor, **short_keys(6_000)}).status_code in (400, 404)


def test_6000_keys_for_a_known_visitor_are_refused(server: Site) -> None:
    visitor = server.pageview()
    assert "256" in server.refused({"user_id": "A", "datafast_visitor_id": visitor, **short_keys(6_000)})
    assert "256" in server.refused(
        {"user_id": "A", "datafast_visitor_id": visitor, "$set_once": short_keys(6_000)}
    )
    assert server.facts() == []


def test_of_6000_parameters_of_a_goal_ten_are_kept(server: Site) -> None:
    visitor = server.pageview()
    server.custom(visitor, "goal", **short_keys(6_000))
    assert len(server.visitor(visitor)["activity"]["completedGoals"][0]["metadata"]) == 10


@pytest.mark.parametrize("number", ["1" * 400, "-" + "9" * 5_000, "0." + "1" * 5_000, "1e308"])
def test_numbers_of_any_length_do_no_harm(server: Site, number: str) -> None:
    """Python refuses to print integers of more than 4,300 digits."""
    visitor = server.pageview()
    goal = msgspec.json.encode(
        event(server, type="custom", visitorId=visitor, extraData={"eventName": "x", "n": 0})
    )
    assert send(server, "/api/events", goal.replace(b'"n":0', b'"n":' + number.encode())) in (200, 400)
    page = msgspec.json.encode(event(server, visitorId=visitor, viewport={"width": 0, "height": 0}))
    assert send(server, "/api/events", page.replace(b'"width":0', b'"width":' + number.encode())) in (
        200,
        400,
    )
    call = msgspec.json.encode({"user_id": "A", "datafast_visitor_id": visitor, "n": 0})
    assert send(server, "/api/v1/identify", call.replace(b'"n":0', b'"n":' + number.encode())) in (200, 400)
    assert server.visitor(visitor)["activity"]["pageViewCount"] >= 1


# Heads


def test_a_flood_of_headers_is_refused(unharmed: Site) -> None:
    flood = {f"X-{number}": "y" * 100 for number in range(1_000)}
    with connection(port(unharmed)) as opened:
        with contextlib.suppress(ConnectionError):
            opened.sendall(request("GET", "/healthz", flood))
        response = answer_on(opened, "GET", "/healthz", described=False)
    assert response.status_code == 431
    assert response.json()["error"]["code"] == 431


def test_a_header_without_an_end_is_refused(unharmed: Site) -> None:
    with connection(port(unharmed)) as opened:
        opened.sendall(b"GET /healthz HTTP/1.1\r\nHost: footfall\r\nX: ")
        with contextlib.suppress(ConnectionError):
            while not select.select([opened], [], [], 0)[0]:
                opened.sendall(b"y" * 4096)
        assert answer_on(opened, "GET", "/healthz", described=False).status_code == 431


@pytest.mark.parametrize("count", [1, 500])
def test_many_small_headers_are_taken(server: Site, count: int) -> None:
    headers = {f"X-{number}": "y" for number in range(count)}
    assert exchange(port(server), "GET", "/healthz", headers).status_code == 200


@pytest.mark.parametrize(
    "whole",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,
        b"hello\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /api/events HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/events HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /healthz HTTP/1.1\r\nBad Header: x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(unharmed: Site, whole: bytes) -> None:
    with connection(port(unharmed)) as opened:
        opened.sendall(whole)
        answer = answer_on(opened, "GET", "/", described=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 400)


@pytest.mark.parametrize(
    "part", ["%ff", "%00", "%ed%a0%80", "..%2f..", "%", "x" * 5_000, "%e2%82%ac", "a%20b", "'--"]
)
def test_odd_paths_are_refused(server: Site, part: str) -> None:
    headers = {"Authorization": f"Bearer {server.key}"}
    assert exchange(port(server), "GET", f"/api/v1/visitors/{part}", headers).status_code == 400


@pytest.mark.parametrize("query", ["websiteId=%ff", "websiteId=%ed%a0%80"])
def test_a_query_that_is_no_utf8_is_refused(server: Site, query: str) -> None:
    path = f"/api/v1/visitors/{new_visitor()}?{query}"
    assert exchange(port(server), "GET", path, {"Authorization": f"Bearer {server.key}"}).status_code == 400


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("profiles?search=a%00b", "search"),
        ("profiles?limit=5&trait.plan=x%00y", "trait.plan"),
        ("profiles?trait.a%00=1", "trait.a%00"),
        ("profiles/user:a%00b", "reference in the path"),
        ("profiles/user:a%00b/journey", "reference in the path"),
        ("profiles/user:a%00b/ledger", "reference in the path"),
        ("profiles/user:a?as_of=%00", "as_of"),
        ("profiles/user:a/journey?cursor=%00", "cursor"),
    ],
)
def test_the_character_zero_in_a_target_is_refused_by_name(server: Site, target: str, named: str) -> None:
    headers = {"Authorization": f"Bearer {server.key}"}
    answer = exchange(port(server), "GET", f"/api/v1/{target}", headers)
    assert answer.status_code == 400
    assert f"{named} holds the character U+0000" in answer.json()["error"]["message"]


@pytest.mark.parametrize("query", ["=", "&&&", "websiteId", "websiteId=", "a=" + "b" * 5_000, "x&" * 900])
def test_odd_queries_do_no_harm(server: Site, query: str) -> None:
    path = f"/api/v1/visitors/{new_visitor()}?{query}"
    status = exchange(port(server), "GET", path, {"Authorization": f"Bearer {server.key}"}).status_code
    assert status == (403 if query.startswith("websiteId") else 404)


@pytest.mark.parametrize("credential", ["df_" + "x" * 10_000, "\u00e9\u00e8", "Bearer Bearer", "df_ df_"])
def test_odd_credentials_are_refused(server: Site, credential: str) -> None:
    path = f"/api/v1/visitors/{new_visitor()}"
    assert exchange(port(server), "GET", path, {"Authorization": f"Bearer {credential}"}).status_code == 401


def test_an_odd_user_agent_does_no_harm(server: Site) -> None:
    for agent in ("\u00e9" * 100, "Mozilla/5.0 " + "x" * 20_000, "(" * 5_000, "\t"):
        content = msgspec.json.encode(event(server))
        headers = {"User-Agent": agent, "Content-Length": str(len(content))}
        assert exchange(port(server), "POST", "/api/events", headers, content).status_code == 200


# Slow senders


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "framing", [{"Content-Length": "500"}, {"Transfer-Encoding": "chunked"}], ids=["length", "chunks"]
)
def test_a_body_that_does_not_come_in_time_is_refused(
    impatient: Site, path: str, framing: dict[str, str]
) -> None:
    with connection(port(impatient)) as opened:
        part = b"" if "Content-Length" in framing else b"2\r\n{ \r\n"
        opened.sendall(request("POST", path, {**head(impatient), **framing}, part))
        response = answer_on(opened, "POST", path)
    assert response.status_code == 408
    assert impatient.stored() == (0, 0, 0, 0)


def test_a_body_that_trickles_in_gets_no_more_time(impatient: Site) -> None:
    with connection(port(impatient)) as opened:
        opened.sendall(request("POST", "/api/events", {**head(impatient), "Content-Length": "60000"}))
        while not select.select([opened], [], [], 0.05)[0]:
            opened.sendall(b" ")
        assert answer_on(opened, "POST", "/api/events").status_code == 408


@pytest.mark.parametrize("part", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"])
def test_a_connection_that_sends_no_whole_head_is_closed(impatient: Site, part: bytes) -> None:
    with connection(port(impatient)) as opened:
        opened.sendall(part)
        assert is_closed_by_server(opened)


def test_many_idle_connections_keep_nobody_out(socket_site: Site) -> None:
    with ExitStack() as stack:
        idle: list[socket.socket] = [stack.enter_context(connection(port(socket_site))) for _ in range(IDLE)]
        for opened in idle[::2]:
            opened.sendall(b"GET /healthz HTTP/1.1\r\n")
        socket_site.identify(socket_site.pageview(), "A")


# Unknown things


def test_an_unknown_visitor_is_not_found(server: Site, other: Site) -> None:
    theirs = other.pageview()
    answers = [server.call("GET", f"/api/v1/visitors/{visitor}") for visitor in (new_visitor(), theirs)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()


def test_a_visitor_that_is_only_known_by_a_goal_is_not_found(server: Site) -> None:
    visitor = new_visitor()
    server.custom(visitor)
    assert server.call("GET", f"/api/v1/visitors/{visitor}").status_code == 404


def test_a_query_of_very_many_parameters_is_refused(server: Site) -> None:
    assert server.call("GET", "/api/v1/profiles?" + "a&" * 999).status_code == 200
    refused = server.call("GET", "/api/v1/profiles?" + "a&" * 1001)
    assert refused.status_code == 400
    assert "1000 parameters" in refused.json()["error"]["message"]

"""HTTP on one connection, as clients and proxies speak it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import httpx
import msgspec
import pytest

from tests.support.engines import Engine
from tests.support.raw import answer_on, connection, exchange, is_closed_by_server, request
from tests.support.servers import RunningServer, serving, until
from tests.support.sites import CHROME, Site, http_client, make_sites, new_visitor

pytestmark = pytest.mark.process
ON_ENGINES = ["sqlite"]
"""What is asked here is decided before a database is."""


@pytest.fixture
def server(socket_site: Site) -> Site:
    """What is asked here needs a port."""
    return socket_site


def port(site: Site) -> int:
    return int(site.url.rsplit(":", 1)[1])


def identify(site: Site, visitor: str, user: str = "A", **headers: str) -> bytes:
    body = msgspec.json.encode({"user_id": user, "datafast_visitor_id": visitor})
    return request("POST", "/api/v1/identify", head(site, Content_Length=str(len(body)), **headers), body)


def head(site: Site, **more: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {"Authorization": f"Bearer {site.key}", "Content-Type": "application/json", **named}


def read_answers(opened: socket.socket, methods: list[str]) -> list[httpx.Response]:
    """The answers that come one after the other, until the server closes or all are there."""
    data = b""
    while data.count(b"HTTP/1.1 ") < len(methods) or not _are_whole(data, methods):
        more = opened.recv(65_536)
        if not more:
            break
        data += more
    return _split(data, methods)


def _are_whole(data: bytes, methods: list[str]) -> bool:
    try:
        return len(_split(data, methods)) == len(methods)
    except ValueError:
        return False


def _split(data: bytes, methods: list[str]) -> list[httpx.Response]:
    answers = []
    for method in methods:
        if not data:
            break
        top, found, data = data.partition(b"\r\n\r\n")
        if not found:
            raise ValueError("half a head")
        status, *lines = top.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        length = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
        if len(data) < length:
            raise ValueError("half a body")
        answers.append(httpx.Response(int(status.split()[1]), headers=headers, content=data[:length]))
        data = data[length:]
    return answers


def test_a_connection_takes_one_request_after_the_other(server: Site) -> None:
    visitor = server.pageview()
    with connection(port(server)) as opened:
        for action in ("created", "unchanged", "unchanged"):
            opened.sendall(identify(server, visitor))
            assert answer_on(opened, "POST", "/api/v1/identify").json()["data"]["action"] == action


def test_requests_sent_at_once_are_answered_in_their_order(server: Site) -> None:
    visitor = server.pageview()
    quick = request("GET", "/healthz", {})
    unknown = request("HEAD", "/nothing", {})
    with connection(port(server)) as opened:
        opened.sendall(identify(server, visitor) + quick + unknown + identify(server, visitor) + quick)
        answers = read_answers(opened, ["POST", "GET", "HEAD", "POST", "GET"])
    assert [answer.status_code for answer in answers] == [200, 200, 404, 200, 200]
    assert [answers[i].json()["data"]["action"] for i in (0, 3)] == ["created", "unchanged"]


def test_hundreds_of_requests_sent_at_once_are_all_answered(server: Site) -> None:
    with connection(port(server)) as opened:
        opened.sendall(request("GET", "/healthz", {}) * 500)
        assert [answer.status_code for answer in read_answers(opened, ["GET"] * 500)] == [200] * 500


def test_of_thousands_of_requests_sent_at_once_the_first_are_answered(server: Site) -> None:
    with connection(port(server)) as opened:
        opened.sendall(request("GET", "/healthz", {}) * 5_000)
        answers = read_answers(opened, ["GET"] * 5_000)
        assert 501 <= len(answers) < 5_000
        assert {answer.status_code for answer in answers} == {200}
        assert answers[-1].headers["connection"] == "close"
        assert is_closed_by_server(opened)


def test_long_requests_sent_at_once_are_all_answered(server: Site) -> None:
    content = b" " * 40_000 + identify(server, server.pageview()).partition(b"\r\n\r\n")[2]
    headers = head(server, Content_Length=str(len(content)), X_Long="y" * 20_000)
    with connection(port(server)) as opened:
        sending = threading.Thread(
            target=opened.sendall, args=(request("POST", "/api/v1/identify", headers, content) * 100,)
        )
        sending.start()
        answers = read_answers(opened, ["POST"] * 100)
        sending.join()
    assert [answer.status_code for answer in answers] == [200] * 100


def test_a_request_in_single_bytes_is_taken(server: Site) -> None:
    visitor = server.pageview()
    with connection(port(server)) as opened:
        for byte in identify(server, visitor):
            opened.sendall(bytes([byte]))
        assert answer_on(opened, "POST", "/api/v1/identify").status_code == 200


@pytest.mark.parametrize("close", [b"HTTP/1.1\r\nConnection: close", b"HTTP/1.0"])
def test_a_client_that_wants_no_more_is_left(server: Site, close: bytes) -> None:
    with connection(port(server)) as opened:
        opened.sendall(b"GET /healthz " + close + b"\r\nHost: footfall\r\n\r\n")
        answer = answer_on(opened, "GET", "/healthz")
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        assert is_closed_by_server(opened)


def test_what_follows_the_last_request_is_not_taken(server: Site) -> None:
    visitor = server.pageview()
    with connection(port(server)) as opened:
        opened.sendall(request("GET", "/healthz", {"Connection": "close"}) + identify(server, visitor))
        assert len(read_answers(opened, ["GET", "POST"])) == 1
    assert server.facts() == []


def test_a_client_that_asks_first_is_told_to_go_on(server: Site) -> None:
    visitor = server.pageview()
    top, _, body = identify(server, visitor, Expect="100-continue").partition(b"\r\n\r\n")
    with connection(port(server)) as opened:
        opened.sendall(top + b"\r\n\r\n")
        assert opened.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        opened.sendall(body)
        assert answer_on(opened, "POST", "/api/v1/identify").json()["data"]["action"] == "created"


def test_a_client_that_asks_first_with_a_wrong_key_is_not_told_to_go_on(server: Site) -> None:
    headers = {"Authorization": "Bearer df_wrong", "Content-Length": "50", "Expect": "100-continue"}
    with connection(port(server)) as opened:
        opened.sendall(request("POST", "/api/v1/identify", headers))
        assert answer_on(opened, "POST", "/api/v1/identify").status_code == 401
        assert is_closed_by_server(opened)


def test_a_wrong_key_is_refused_before_the_body_and_the_connection_goes_on(server: Site) -> None:
    visitor = server.pageview()
    with connection(port(server)) as opened:
        opened.sendall(request("POST", "/api/v1/identify", {"Content-Length": "1000"}))
        assert answer_on(opened, "POST", "/api/v1/identify").status_code == 401
        opened.sendall(b"x" * 1000 + identify(server, visitor))
        assert answer_on(opened, "POST", "/api/v1/identify").status_code == 200


def test_a_get_with_a_body_is_answered(server: Site) -> None:
    with connection(port(server)) as opened:
        opened.sendall(request("GET", "/healthz", {"Content-Length": "5"}, b"hello"))
        assert answer_on(opened, "GET", "/healthz").status_code == 200
        opened.sendall(request("GET", "/healthz", {}))
        assert answer_on(opened, "GET", "/healthz").status_code == 200


def test_a_trailer_is_no_header(server: Site) -> None:
    body = msgspec.json.encode({"user_id": "A", "datafast_visitor_id": server.pageview()})
    trailer = f"Authorization: Bearer {server.key}\r\n".encode()
    chunked = b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(body), body, trailer)
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    with connection(port(server)) as opened:
        opened.sendall(request("POST", "/api/v1/identify", headers, chunked))
        assert answer_on(opened, "POST", "/api/v1/identify").status_code == 401
    assert server.facts() == []


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://footfall/healthz?a=b", 200),
        ("/healthz?", 200),
        ("/%68ealthz", 200),
        ("http://footfall", 303),
        ("http://footfall:x/", 400),
        ("healthz", 400),
        ("*", 404),
        ("//healthz", 404),
    ],
)
def test_a_target_is_a_path_or_a_url(server: Site, target: str, status: int) -> None:
    with connection(port(server)) as opened:
        opened.sendall(request("GET", target, {}))
        assert answer_on(opened, "GET", target, described=False).status_code == status


H2C = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAoAAA"}
"""What Java's HTTP client and `curl --http2` send along."""


def test_another_protocol_is_not_taken_up(server: Site) -> None:
    visitor = server.pageview()
    top, _, body = identify(server, visitor, **H2C).partition(b"\r\n\r\n")
    chunked = top.replace(b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked")
    with connection(port(server)) as opened:
        opened.sendall(request("GET", "/healthz", H2C))
        assert answer_on(opened, "GET", "/healthz").status_code == 200
        for whole in (
            top + b"\r\n\r\n" + body,
            chunked + b"\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
        ):
            opened.sendall(whole)
            assert answer_on(opened, "POST", "/api/v1/identify").status_code == 200
            for byte in whole:
                opened.sendall(bytes([byte]))
            assert answer_on(opened, "POST", "/api/v1/identify").status_code == 200
    assert len(server.facts()) == 4


def test_a_client_that_offers_another_protocol_can_ask_first(server: Site) -> None:
    top, _, body = identify(server, server.pageview(), **H2C, Expect="100-continue").partition(b"\r\n\r\n")
    with connection(port(server)) as opened:
        opened.sendall(top + b"\r\n\r\n")
        assert opened.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        opened.sendall(body)
        assert answer_on(opened, "POST", "/api/v1/identify").json()["data"]["action"] == "created"


def test_requests_that_offer_another_protocol_are_answered_in_their_order(server: Site) -> None:
    offer = identify(server, server.pageview(), **H2C)
    with connection(port(server)) as opened:
        opened.sendall((offer + request("HEAD", "/nothing", H2C)) * 50 + b"nonsense\r\n\r\n")
        answers = read_answers(opened, ["POST", "HEAD"] * 50 + ["GET"])
        assert [answer.status_code for answer in answers] == [200, 404] * 50 + [400]
        assert is_closed_by_server(opened)


def test_a_tunnel_is_refused(server: Site) -> None:
    with connection(port(server)) as opened:
        opened.sendall(request("CONNECT", "footfall:443", H2C) + request("GET", "/healthz", {}))
        assert [answer.status_code for answer in read_answers(opened, ["CONNECT", "GET"])] == [400]
        assert is_closed_by_server(opened)


def test_a_client_that_leaves_while_it_waits_does_no_harm(server: Site) -> None:
    visitor = server.pageview()
    for _ in range(20):
        with connection(port(server)) as opened:
            opened.sendall(identify(server, visitor) * 3)
    until(lambda: server.profile(visitor) is not None, "what they sent was not read")
    assert server.identify(visitor, "A")["action"] == "unchanged"


def test_an_answer_reaches_a_client_that_reads_late(server: Site) -> None:
    requests = request("GET", "/openapi.yaml", {}) * 20
    with connection(port(server)) as opened:
        sending = threading.Thread(target=opened.sendall, args=(requests,))
        sending.start()
        size = len(server.http.get("/openapi.yaml").content)
        answers = read_answers(opened, ["GET"] * 20)
        sending.join()
    assert [len(answer.content) for answer in answers] == [size] * 20


def test_what_has_begun_is_answered_when_the_server_stops(engine: Engine) -> None:
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(serving(engine.new_place()))
        client = stack.enter_context(http_client(running.url))
        site = make_sites(running.url, client, running.place)[0]
        whole = identify(site, site.pageview())
        opened, idle = (stack.enter_context(connection(port(site))) for _ in range(2))
        opened.sendall(whole[:-5])
        running.process.terminate()
        assert is_closed_by_server(idle)
        opened.sendall(whole[-5:])
        answer = answer_on(opened, "POST", "/api/v1/identify")
        assert answer.json()["data"]["action"] == "created"
        assert answer.headers["connection"] == "close"


# Headers of several lines, and addresses


@pytest.fixture(scope="module")
def dual_stack(engine: Engine) -> Iterator[Site]:
    """A website of a server on an IPv6 socket that IPv4 clients reach too, and that believes proxies on this machine and in 10.0.0.0/8."""
    environment = {"FOOTFALL_TRUSTED_PROXIES": "127.0.0.0/8, 10.0.0.0/8"}
    running = RunningServer(engine.new_place(), environment, "--host", "::")
    try:
        url = f"http://127.0.0.1:{running.port}"
        with http_client(url) as client:
            yield make_sites(url, client, running.place)[0]
    finally:
        running.stop()
    running.check_log()


@pytest.mark.parametrize(
    "chain",
    [
        ["91.0.0.1"],
        ["::ffff:91.0.0.1"],
        ["8.8.8.8", "91.0.0.1", "10.1.2.3"],
        ["91.0.0.1", "10.1.2.3, ::ffff:10.9.9.9"],
    ],
)
def test_a_trusted_proxy_tells_the_address_in_one_line_or_several(dual_stack: Site, chain: list[str]) -> None:
    visitor = new_visitor()
    page = {"websiteId": dual_stack.tracking_id, "type": "pageview", "visitorId": visitor}
    content = msgspec.json.encode({**page, "href": f"https://{dual_stack.domain}/"})
    headers = {
        "User-Agent": CHROME,
        "Content-Length": str(len(content)),
        "X-Forwarded-For": "\r\nx-forwarded-for: ".join(chain),
    }
    answer = exchange(port(dual_stack), "POST", "/api/events", headers, content)
    assert (answer.status_code, answer.headers.get("x-footfall-dropped")) == (200, None)
    assert dual_stack.visitor(visitor)["identity"]["countryCode"] == "DE"


@pytest.mark.parametrize("name", ["Authorization", "authorization"])
def test_two_credentials_are_none(server: Site, name: str) -> None:
    bearer = f"Bearer {server.key}"
    headers = {"Authorization": f"{bearer}\r\n{name}: {bearer}"}
    assert exchange(port(server), "GET", "/api/v1/profiles", headers).status_code == 401


def test_a_length_of_two_lines_is_refused(server: Site) -> None:
    twice = b"POST /api/events HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}"
    with connection(port(server)) as opened:
        opened.sendall(twice)
        assert answer_on(opened, "POST", "/api/events").status_code == 400

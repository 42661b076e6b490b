"""What calls get whose head says enough, and those that go wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from footfall.auth.access import WEBSITE
from footfall.dashboard.page import render_error
from footfall.errors import DatabaseError, HeadTooLarge, Unauthorized, Unavailable
from footfall.web.context import BROWSER, OPEN, PAGE, Context, Route
from footfall.web.dispatch import MAX_TARGET, Dispatch
from footfall.web.envelope import Headers, Response


class Anyone:
    """Everybody may call."""

    def check(self, context: Context[Any], route: Route[Any]) -> Headers | None:
        return []

    async def check_anew(self, context: Context[Any], route: Route[Any]) -> Headers:
        return []

    def check_late(self, context: Context[Any], route: Route[Any]) -> None:
        pass


def test_a_database_error_is_logged_without_the_person_in_the_path() -> None:
    async def fail(context: Context[Any]) -> Response:
        raise DatabaseError("disk I/O error")

    route = Route("GET", "/profiles/{ref}", fail, OPEN)
    dispatch = Dispatch([route], Anyone(), lambda: 0)
    call = dispatch.begin("GET", b"/profiles/user:ada@example.com?search=ada", {}, "203.0.113.9")
    with capture_logs() as lines:
        assert asyncio.run(dispatch.answer(call, b"")).status == 503
    (line,) = lines
    assert line["route"] == "/profiles/{ref}"
    assert "ada" not in str(line)
    assert "203.0.113.9" not in str(line)


async def told(context: Context[Any]) -> Response:
    return Response(b"ok")


async def failing(context: Context[Any]) -> Response:
    raise {b"a": RuntimeError("x"), b"b": DatabaseError("x"), b"c": Unavailable("x")}[context.query_string]


class Nobody(Anyone):
    """Nobody may call."""

    def check(self, context: Context[Any], route: Route[Any]) -> Headers:
        raise Unauthorized("no")


def test_a_refused_call_is_logged_with_its_route_and_reason_alone() -> None:
    headers = {b"authorization": b"Bearer df_secret"}
    dispatch = Dispatch([Route("GET", "/profiles/{ref}", told, WEBSITE)], Nobody(), lambda: 0)
    with capture_logs() as lines:
        dispatch.begin("GET", b"/profiles/user:ada@example.com", headers, "203.0.113.9")
    (line,) = lines
    assert (line["event"], line["status"], line["reason"]) == ("call refused", 401, "no")
    assert line["route"] == "/profiles/{ref}"
    assert not any(text in str(line) for text in ("ada", "df_secret", "203.0.113.9"))


TABLE = [
    Route("POST", "/api/events", told, BROWSER, max_body=99),
    Route("POST", "/api/v1/identify", told, WEBSITE, max_body=99),
    Route("GET", "/api/v1/profiles", told, WEBSITE),
    Route("GET", "/static", told, PAGE),
    Route("GET", "/people", failing, PAGE),
    Route("POST", "/people", failing, PAGE, max_body=99),
    Route("GET", "/api/failing", failing, OPEN),
]
ASKS_FOR_PAGES = {b"accept": b"text/html,*/*;q=0.8"}


def asked(method: str, target: bytes, headers: dict[bytes, bytes], access: Any = None) -> Response:
    """The answer to a request without a body."""
    dispatch = Dispatch(TABLE, access or Anyone(), lambda: 0, render_error=render_error)
    call = dispatch.begin(method, target, headers, "203.0.113.9")
    with capture_logs():
        return call.response or asyncio.run(dispatch.answer(call, b""))


def values(response: Response, name: bytes) -> list[bytes]:
    return [value for key, value in response.headers if key == name]


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", b"/people?a", 500),
        ("GET", b"/people?b", 503),
        ("GET", b"/people?c", 503),
        ("DELETE", b"/people", 405),
        ("POST", b"/nothing", 404),
        ("GET", b"relative", 400),
    ],
)
def test_an_error_is_a_page_in_a_browser_and_json_for_programs(
    method: str, target: bytes, status: int
) -> None:
    page = asked(method, target, ASKS_FOR_PAGES)
    assert (page.status, values(page, b"content-type")) == (status, [b"text/html; charset=utf-8"])
    assert b"<h1>" in page.body
    assert values(page, b"cache-control") == [b"no-store"]
    data = asked(method, target, {b"accept": b"*/*"})
    assert (data.status, values(data, b"content-type")) == (status, [b"application/json"])
    assert values(data, b"cache-control") == [b"no-store"]
    for name in (b"allow", b"retry-after"):
        assert values(page, name) == values(data, name)
    assert len(values(data, b"retry-after")) == (status == 503)


@pytest.mark.parametrize("target", [b"/api/failing?a", b"/api/nothing"])
def test_errors_of_the_api_are_json_in_a_browser_too(target: bytes) -> None:
    assert values(asked("GET", target, ASKS_FOR_PAGES), b"content-type") == [b"application/json"]


@pytest.mark.parametrize(
    ("target", "accept", "kind"),
    [
        (b"/people", b"text/html", b"text/html; charset=utf-8"),
        (b"/people", b"*/*", b"application/json"),
        (b"/api/v1/profiles", b"text/html", b"application/json"),
        (b"", b"", b"application/json"),
    ],
)
def test_what_cannot_be_taken_is_a_page_for_browsers_as_far_as_its_head_is_known(
    target: bytes, accept: bytes, kind: bytes
) -> None:
    dispatch = Dispatch(TABLE, Anyone(), lambda: 0, render_error=render_error)
    response = dispatch.reject(target, {b"accept": accept}, HeadTooLarge("too large")).response
    assert response is not None
    assert (response.status, values(response, b"content-type")) == (431, [kind])


@pytest.mark.parametrize(
    ("method", "target", "access"),
    [
        ("POST", b"/api/events", Anyone()),
        ("GET", b"/api/v1/profiles", Anyone()),
        ("GET", b"/api/v1/profiles", Nobody()),
        ("GET", b"/api/nothing", Anyone()),
        ("PUT", b"/api/events", Anyone()),
    ],
)
def test_no_answer_of_the_api_is_kept_by_caches(method: str, target: bytes, access: Any) -> None:
    assert values(asked(method, target, {}, access), b"cache-control") == [b"no-store"]


def test_what_may_be_kept_is_not_forbidden_to_be() -> None:
    assert values(asked("GET", b"/static", {}), b"cache-control") == []


@pytest.mark.parametrize("target", [b"/api/events", b"/api/v1/identify", b"/people"])
@pytest.mark.parametrize(
    ("coding", "status"),
    [(b"gzip", 415), (b"br", 415), (b"gzip, identity", 415), (b"Identity", 200), (b"", 200)],
)
def test_a_compressed_body_is_refused(target: bytes, coding: bytes, status: int) -> None:
    headers = {b"content-encoding": coding, b"content-length": b"2"}
    response = asked("POST", target + (b"?c" if target == b"/people" else b""), headers)
    assert response.status == (503 if target == b"/people" and status == 200 else status)
    if status == 415:
        assert b"Content-Encoding" in response.body


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, b"content-type, user-agent"),
        ({b"access-control-request-headers": b""}, b"content-type, user-agent"),
        ({b"access-control-request-headers": b" "}, b"content-type, user-agent"),
        ({b"access-control-request-headers": b"content-type"}, b"content-type"),
        (
            {b"access-control-request-headers": b"baggage,sentry-trace,traceparent,x-datadog-trace-id"},
            b"baggage,sentry-trace,traceparent,x-datadog-trace-id",
        ),
        ({b"access-control-request-headers": b"x-requested-with, newrelic"}, b"x-requested-with, newrelic"),
        ({b"access-control-request-headers": b"a<script>"}, b"content-type, user-agent"),
        ({b"access-control-request-headers": b"x-\xfc"}, b"content-type, user-agent"),
        ({b"access-control-request-headers": b"a," * 4000}, b"content-type, user-agent"),
    ],
)
def test_a_page_may_send_the_headers_that_it_asks_for(headers: dict[bytes, bytes], allowed: bytes) -> None:
    response = asked("OPTIONS", b"/api/events", {b"origin": b"https://any.example", **headers})
    assert response.status == 204
    assert values(response, b"access-control-allow-headers") == [allowed]
    assert values(response, b"access-control-allow-origin") == [b"*"]


@pytest.mark.parametrize(
    ("peer", "given", "is_taken"),
    [
        ("192.0.2.1", b"7f3a-0001_Zz", True),
        ("192.0.2.1", b"x" * 64, True),
        ("203.0.113.9", b"7f3a-0001_Zz", False),
        ("192.0.2.1", b"", False),
        ("192.0.2.1", b"short", False),
        ("192.0.2.1", b"x" * 65, False),
        ("192.0.2.1", b"ada@example.com", False),
        ("192.0.2.1", b"198.51.100.7", False),
        ("192.0.2.1", b"two words of it", False),
        ("192.0.2.1", b"12345678\n", False),
    ],
)
def test_only_a_trusted_proxy_names_a_request_and_only_with_what_a_log_can_take(
    peer: str, given: bytes, is_taken: bool
) -> None:
    dispatch = Dispatch(TABLE, Anyone(), lambda: 0, believes=lambda peer: peer == "192.0.2.1")
    first, second = (dispatch.begin("GET", b"/static", {b"x-request-id": given}, peer) for _ in range(2))
    assert (first.request_id == given.decode()) == is_taken
    assert (first.request_id == second.request_id) == is_taken
    assert len(first.request_id) == (len(given) if is_taken else 16)


@pytest.mark.parametrize("query", [b"a", b"b"])
def test_the_log_calls_a_request_that_failed_what_its_answer_does(query: bytes) -> None:
    dispatch = Dispatch(TABLE, Anyone(), lambda: 0)
    call = dispatch.begin("GET", b"/api/failing?" + query, {}, "203.0.113.9")
    with capture_logs() as lines:
        asyncio.run(dispatch.answer(call, b""))
    assert [line["request"] for line in lines] == [call.request_id]


def test_the_page_of_an_error_of_ours_shows_what_the_log_calls_the_request() -> None:
    dispatch = Dispatch(TABLE, Anyone(), lambda: 0, render_error=render_error)
    call = dispatch.begin("GET", b"/people?a", ASKS_FOR_PAGES, "203.0.113.9")
    page = asyncio.run(dispatch.answer(call, b""))
    assert f"<code>{call.request_id}</code>".encode() in page.body


@pytest.mark.parametrize("target", [b"/w/" + b"%41" * 20_000, b"/people?q=" + b"%EF%B7%BA" * 7_000])
def test_an_address_that_is_too_long_is_refused_before_anything_is_decoded(
    monkeypatch: pytest.MonkeyPatch, target: bytes
) -> None:
    decoded: list[str] = []
    monkeypatch.setattr("footfall.web.dispatch.unquote", decoded.append)
    monkeypatch.setattr("footfall.web.context.parse_qsl", decoded.append)
    page, data = (asked("GET", target, headers) for headers in (ASKS_FOR_PAGES, {}))
    assert (page.status, data.status, decoded) == (414, 414, [])
    assert b"8192 bytes" in data.body


def test_an_address_of_the_greatest_length_is_served() -> None:
    longest = b"/static?" + b"a" * (MAX_TARGET - len(b"/static?"))
    assert asked("GET", longest, {}).status == 200
    assert asked("GET", longest + b"a", {}).status == 414


OPEN_TABLE = [
    Route("GET", "/w/{id}", told, OPEN),
    Route("GET", "/w/{id}/{card}", told, OPEN),
    Route("POST", "/w/{id}/{card}", told, OPEN),
    Route("GET", "/w/{id}/people", told, OPEN),
    Route("GET", "/w/{id}/people/{ref}/journey", told, OPEN),
    Route("GET", "/w/{id}/{kind}/{ref}", told, OPEN),
    Route("GET", "/w/{id}/{kind}/{ref}/{part}/raw", told, OPEN),
]


@pytest.mark.parametrize(
    ("path", "route", "values"),
    [
        (b"/w/a", "/w/{id}", ("a",)),
        (b"/w/a%2Fb", "/w/{id}", ("a/b",)),
        (b"/w/%FF", "/w/{id}", ("\ufffd",)),
        (b"/w/a/people", "/w/{id}/people", ("a",)),
        (b"/w/a/peopl%65", "/w/{id}/{card}", ("a", "people")),
        (b"/w/people/x", "/w/{id}/{card}", ("people", "x")),
        (b"/w/a/people/b", "/w/{id}/{kind}/{ref}", ("a", "people", "b")),
        (b"/w/a/people/b/journey", "/w/{id}/people/{ref}/journey", ("a", "b")),
        (
            b"/w/a/people/b/journey/raw",
            "/w/{id}/{kind}/{ref}/{part}/raw",
            ("a", "people", "b", "journey"),
        ),
        (b"/w/a/people/b/other", None, ()),
        (b"/w", None, ()),
        (b"/w/", None, ()),
        (b"/w//people", None, ()),
        (b"/w/a/", None, ()),
        (b"w/a", None, ()),
        (b"/" * 8_000, None, ()),
    ],
)
def test_a_route_is_found_by_the_parts_of_its_path_of_which_fixed_ones_go_first(
    path: bytes, route: str | None, values: tuple[str, ...]
) -> None:
    dispatch = Dispatch(OPEN_TABLE, Anyone(), lambda: 0)
    call = dispatch.begin("GET", path, {}, "203.0.113.9")
    assert (call.route and call.route.path) == route
    assert (call.context.path_values if call.context else ()) == values


def test_routes_of_one_path_share_its_methods() -> None:
    dispatch = Dispatch(OPEN_TABLE, Anyone(), lambda: 0)
    answer = dispatch.begin("DELETE", b"/w/a/b", {}, "203.0.113.9").response
    assert answer is not None
    assert (answer.status, values(answer, b"allow")) == (405, [b"GET, POST"])
    assert dispatch.begin("HEAD", b"/w/a/b", {}, "203.0.113.9").response is None
    only_get = dispatch.begin("POST", b"/w/a/people", {}, "203.0.113.9").response
    assert only_get is not None
    assert only_get.status == 405

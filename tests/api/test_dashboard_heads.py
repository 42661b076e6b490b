"""What pages make of the heads of requests: cookies, and what proxies say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from footfall.accounts.attempts import PER_ADDRESS
from footfall.clock import system_clock
from footfall.dashboard.session import MOST_SESSIONS, read_cookie
from tests.conftest import MakeInside
from tests.support.dashboard import PASSWORD, Visit, enter, make_account
from tests.support.engines import Engine
from tests.support.inside import Inside, SetClock, inside
from tests.support.raw import answer_on, connection, request
from tests.support.servers import RunningServer
from tests.support.sites import Site, http_client, make_sites

PROXY = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "stats.example.com"}
JUNK = [
    'prefs={"theme":"dark"}; {}',
    "name=J\xf6rg; {}",
    "name=\u540d\u524d; {}",
    "; ;=; =x; {};",
    '{}; a="' + "\\" * 50_000 + '"',
    'a="{}; {}',
    "[a]=1; b@c=2;{}",
    "Footfall_Session=x; {}",
    "footfall_session=; {}",
    "footfall_session=invented; {}",
    "{}; footfall_session=invented",
]


@pytest.fixture(scope="module")
def behind(engine: Engine) -> Iterator[Inside]:
    """A server that believes proxies on this machine."""
    with inside(engine.new_place(), {"FOOTFALL_TRUSTED_PROXIES": "127.0.0.0/8"}) as server:
        yield server


@pytest.fixture
def visits() -> Iterator[Callable[..., Visit]]:
    with ExitStack() as stack:
        yield lambda url, headers=None: stack.enter_context(closing(Visit(url, headers)))


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_cookies_of_others_log_nobody_out(
    shared_server: Inside, visits: Callable[..., Visit], junk: str
) -> None:
    visit = visits(shared_server.url)
    secret = enter(visit, shared_server.place, make_account(shared_server.place))
    visit.http.cookies.clear()
    header = junk.replace("{}", f"footfall_session={secret}").encode()
    assert visit.get("/account", headers={b"cookie": header}).status_code == 200


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("a=1", ["1"]),
        ("b=2; a=1;a=3", ["1", "3"]),
        (" a = 1 ", ["1"]),
        ("a=1=2", ["1=2"]),
        ('a="1"', ['"1"']),
        ("a", []),
        ("a=", []),
        ("A=1; aa=2; a b=3", []),
        ("", []),
    ],
)
def test_a_cookie_ends_at_a_semicolon_and_its_name_at_the_first_equals_sign(
    header: str, found: list[str]
) -> None:
    assert read_cookie(header, "a") == found


def test_of_many_sessions_only_some_are_looked_up(
    shared_server: Inside, visits: Callable[..., Visit]
) -> None:
    visit = visits(shared_server.url)
    secret = enter(visit, shared_server.place, make_account(shared_server.place))
    visit.http.cookies.clear()

    def code(before: int) -> int:
        cookies = [*["footfall_session=x"] * before, f"footfall_session={secret}"]
        return visit.get("/account", headers={"cookie": "; ".join(cookies)}).status_code

    assert (code(MOST_SESSIONS - 1), code(MOST_SESSIONS)) == (200, 303)


def test_a_trusted_proxy_tells_by_what_address_the_browser_came(
    behind: Inside, visits: Callable[..., Visit]
) -> None:
    account = make_account(behind.place)
    visit = visits(behind.url, PROXY)
    page = visit.get("/login")
    assert page.headers["set-cookie"].endswith("; Secure")
    visit.http.headers["cookie"] = page.headers["set-cookie"].split(";")[0]
    assert visit.log_in(account.email).headers["set-cookie"].endswith("; Secure")
    with http_client(behind.url) as client:
        (site,) = make_sites(behind.url, client, behind.place)
    visit = visits(behind.url, PROXY)
    enter(visit, behind.place, account)
    text = visit.get(f"/w/{site.website_id}/settings").text
    assert "https://stats.example.com/js/" in text
    assert behind.url not in text


def test_nobody_else_is_believed(shared_server: Inside, server: Site, visits: Callable[..., Visit]) -> None:
    visit = visits(shared_server.url, PROXY)
    assert "Secure" not in visit.get("/login").headers["set-cookie"]
    enter(visit, shared_server.place, make_account(shared_server.place))
    text = visit.get(f"/w/{server.website_id}/settings").text
    assert f"{shared_server.url}/js/" in text
    assert "stats.example.com" not in text


def test_an_address_that_a_client_invents_is_no_way_around_the_limit_of_log_ins(
    start_inside: MakeInside, visits: Callable[..., Visit]
) -> None:
    behind = start_inside({"FOOTFALL_TRUSTED_PROXIES": "127.0.0.0/8"}, clock=SetClock(system_clock()))

    def attempt(address: str, number: int) -> int:
        """Through a proxy that adds whom it saw to what the client sent."""
        invented = f"198.18.0.{number}"
        headers = {"X-Forwarded-For": f"{invented}, {address}", "X-Real-IP": invented}
        headers |= {
            "X-DataFast-Real-IP": invented,
            "CF-Connecting-IP": invented,
            "Forwarded": f"for={invented}",
        }
        return visits(behind.url, headers).log_in(f"{number}@example.com", PASSWORD).status_code

    codes = [attempt("203.0.113.9", number) for number in range(PER_ADDRESS + 1)]
    assert codes == [401] * PER_ADDRESS + [429]


def test_a_browser_whose_head_is_too_large_gets_a_page(socket_server: RunningServer) -> None:
    headers = {"Accept": "text/html", "Cookie": "x" * 70_000}
    with connection(socket_server.port) as opened:
        opened.sendall(request("GET", "/login", headers))
        answer = answer_on(opened, "GET", "/login", described=False)
    assert (answer.status_code, answer.headers["content-type"]) == (431, "text/html; charset=utf-8")
    assert "<h1>" in answer.text


@pytest.mark.parametrize("head", [{"Origin": "http://["}, {"Host": "[", "Origin": "http://["}])
def test_an_origin_that_is_none_is_no_error(socket_site: Site, head: dict[str, str]) -> None:
    for path in ("/account", "/logout", f"/w/{socket_site.website_id}/settings"):
        with connection(int(socket_site.url.rsplit(":", 1)[1])) as opened:
            opened.sendall(request("POST", path, {**head, "Content-Length": "3"}, b"a=b"))
            assert answer_on(opened, "POST", path, described=False).status_code < 500
